// An agent's mail server, ms-365-mcp-server, signs in with its default scopes by device code, and
// lists and sends mail over its protocol; it knows nothing of a mock.
//
// Argument: the environment's name in the ready file (ENTRA_MOCK_READY). The person is played
// here: the address that the server prints is opened, and the pages are filled in. Prints one JSON
// object.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

import { person } from "./person.mjs";

const world = JSON.parse(readFileSync(process.env.ENTRA_MOCK_READY, "utf8")).environments.office365;
const { alice, bob } = world.users;
const home = mkdtempSync(join(tmpdir(), "mcp-"));
const main = createRequire(import.meta.url).resolve("@softeria/ms-365-mcp-server/package.json");
const server = join(dirname(main), "dist", "index.js");
const result = {};

function start(...options) {
  return spawn(process.execPath, [server, ...options], {
    env: {
      ...process.env,
      HOME: home,
      XDG_CONFIG_HOME: home,
      MS365_MCP_CLIENT_ID: world.apps["native-app"].client_id,
      MS365_MCP_TENANT_ID: world.tenant.id,
      MS365_MCP_TOKEN_CACHE_PATH: join(home, "cache.json"),
      MS365_MCP_SELECTED_ACCOUNT_PATH: join(home, "account.json"),
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

// Signs in once, as a person does before an agent starts the server.
async function login() {
  const child = start("--login");
  let said = "";
  const opened = new Promise((resolve, reject) => {
    const look = (chunk) => {
      said += chunk;
      const told = /open the page (\S+) and enter the code (\S+) to authenticate/.exec(said);
      if (told) resolve({ address: told[1], code: told[2] });
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.on("exit", (code) => reject(new Error(`--login ended with ${code}: ${said}`)));
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const { address, code } = await opened;
  result.address = address;
  result.pages = await person(address, { otc: code, loginfmt: alice.upn, passwd: alice.password });
  result.login = await ended;
  result.said = said.split("\n").filter((line) => line.includes("{")).at(-1);
}

// A client of the protocol: JSON-RPC, one message a line.
function client(child) {
  const waiting = new Map();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message);
  });
  let last = 0;
  return (method, params) => new Promise((resolve) => {
    last += 1;
    waiting.set(last, resolve);
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: last, method, params })}\n`);
  });
}

try {
  await login();
  const child = start();
  let errors = "";
  child.stderr.on("data", (chunk) => { errors += chunk; });
  const call = client(child);
  await call("initialize", {
    protocolVersion: "2025-03-26",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  });
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  const tool = async (name, args) => {
    const answer = await call("tools/call", { name, arguments: args });
    const text = answer.result?.content?.[0]?.text ?? JSON.stringify(answer.error);
    return { failed: answer.result?.isError ?? Boolean(answer.error), text };
  };
  result.tools = (await call("tools/list", {})).result.tools.length;
  const sent = await tool("send-mail", {
    body: {
      Message: {
        subject: "From the agent",
        body: { contentType: "text", content: "Good morning" },
        toRecipients: [{ emailAddress: { address: bob.upn } }],
      },
      SaveToSentItems: true,
    },
  });
  result.sent = sent.failed ? sent.text : true;
  const listed = await tool("list-mail-messages", { top: 5, select: ["subject", "from"] });
  result.listed = listed.failed ? listed.text : JSON.parse(listed.text).value.length;
  const user = await tool("get-current-user", {});
  result.user = user.failed ? user.text : JSON.parse(user.text).userPrincipalName;
  child.stdin.end();
  child.kill();
  if (process.env.VERBOSE) result.errors = errors.slice(-2000);
} finally {
  rmSync(home, { recursive: true, force: true });
}
console.log(JSON.stringify(result));
