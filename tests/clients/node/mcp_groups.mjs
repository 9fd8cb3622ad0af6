// An agent's server, ms-365-mcp-server, works with groups, their members and to-do lists over its
// protocol, with a token that it is given; it knows nothing of a mock.
//
// The world is that of groups.yaml. Prints one JSON object.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const world = JSON.parse(readFileSync(process.env.ENTRA_MOCK_READY, "utf8")).environments.office365;
const { admin, alice } = world.users;
const graph = "https://graph.microsoft.com";
const main = createRequire(import.meta.url).resolve("@softeria/ms-365-mcp-server/package.json");
const result = {};

async function token() {
  const answer = await fetch(`https://login.microsoftonline.com/${world.tenant.id}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "password",
      client_id: world.apps.agent.client_id,
      username: admin.upn,
      password: admin.password,
      scope: `${graph}/.default`,
    }),
  });
  const body = await answer.json();
  if (!body.access_token) throw new Error(JSON.stringify(body));
  return body.access_token;
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

const child = spawn(process.execPath, [join(dirname(main), "dist", "index.js"), "--org-mode"], {
  env: { ...process.env, MS365_MCP_OAUTH_TOKEN: await token() },
  stdio: ["pipe", "pipe", "ignore"],
});
const call = client(child);
await call("initialize", {
  protocolVersion: "2025-03-26",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
});
child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');

// What a tool answers; the first failure ends the test.
async function tool(name, args) {
  const answer = await call("tools/call", { name, arguments: args });
  const text = answer.result?.content?.[0]?.text ?? JSON.stringify(answer.error);
  if (answer.result?.isError ?? Boolean(answer.error)) throw new Error(`${name}: ${text}`);
  return JSON.parse(text);
}

try {
  const group = await tool("create-group", {
    body: { displayName: "Sales", mailEnabled: false, mailNickname: "sales", securityEnabled: true },
  });
  result.created = group.displayName;
  // It has a tool to add members, too, whose arguments it refuses itself.
  const everybody = (await tool("list-groups", {})).value.find((it) => it.displayName === "Everybody");
  const of = { groupId: everybody.id };
  result.members = (await tool("list-group-members", of)).value.map((it) => it.displayName);
  await tool("remove-group-member", { ...of, directoryObjectId: alice.id });
  result.left = (await tool("list-group-members", of)).value.map((it) => it.displayName);
  result.groups = (await tool("list-groups", { select: ["displayName"] })).value.map((it) => it.displayName);

  const [list] = (await tool("list-todo-task-lists", {})).value;
  result.list = list.displayName;
  const tasks = { todoTaskListId: list.id };
  result.seeded = (await tool("list-todo-tasks", tasks)).value.map((it) => it.title);
  const task = await tool("create-todo-task", { ...tasks, body: { title: "Call Bob", importance: "high" } });
  const changed = { ...tasks, todoTaskId: task.id, body: { status: "completed" } };
  result.status = (await tool("update-todo-task", changed)).status;
  result.tasks = (await tool("list-todo-tasks", tasks)).value.length;
} catch (error) {
  result.failed = error.message;
} finally {
  child.stdin.end();
  child.kill();
}
console.log(JSON.stringify(result));
