// A client of ms-365-mcp-server's protocol: JSON-RPC over its streams, one message a line. The server
// knows nothing of a mock; it is given a token.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const graph = "https://graph.microsoft.com";
const main = createRequire(import.meta.url).resolve("@softeria/ms-365-mcp-server/package.json");

// A token of a person's for Graph, by name and password.
export async function token(world, app, user) {
  const answer = await fetch(`https://login.microsoftonline.com/${world.tenant.id}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "password",
      client_id: app.client_id,
      username: user.upn,
      password: user.password,
      scope: `${graph}/.default`,
    }),
  });
  const body = await answer.json();
  if (!body.access_token) throw new Error(JSON.stringify(body));
  return body.access_token;
}

// Starts the server: a function that calls a tool, and one that ends it.
export async function start(accessToken, ...options) {
  const child = spawn(process.execPath, [join(dirname(main), "dist", "index.js"), ...options], {
    env: { ...process.env, MS365_MCP_OAUTH_TOKEN: accessToken },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const waiting = new Map();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message);
  });
  let last = 0;
  const call = (method, params) => new Promise((resolve) => {
    last += 1;
    waiting.set(last, resolve);
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: last, method, params })}\n`);
  });
  await call("initialize", {
    protocolVersion: "2025-03-26",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  });
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  // What a tool answers; a failure is thrown.
  const tool = async (name, args = {}) => {
    const answer = await call("tools/call", { name, arguments: args });
    const text = answer.result?.content?.[0]?.text ?? JSON.stringify(answer.error);
    if (answer.result?.isError ?? Boolean(answer.error)) throw new Error(`${name}: ${text}`);
    return JSON.parse(text);
  };
  const end = () => {
    child.stdin.end();
    child.kill();
  };
  return { tool, end };
}
