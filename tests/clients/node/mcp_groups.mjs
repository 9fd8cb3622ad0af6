// An agent's server, ms-365-mcp-server, works with groups, their members and to-do lists over its
// protocol, with a token that it is given; it knows nothing of a mock.
//
// The world is that of groups.yaml. Prints one JSON object.

import { readFileSync } from "node:fs";

import { start, token } from "./mcp.mjs";

const world = JSON.parse(readFileSync(process.env.ENTRA_MOCK_READY, "utf8")).environments.office365;
const { admin, alice } = world.users;
const result = {};
const { tool, end } = await start(await token(world, world.apps.agent, admin), "--org-mode");

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
  end();
}
console.log(JSON.stringify(result));
