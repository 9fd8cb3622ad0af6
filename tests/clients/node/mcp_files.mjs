// An agent's server, ms-365-mcp-server, works with files and sites over its protocol, with a token
// that it is given; it knows nothing of a mock.
//
// The world is that of files-world.yaml. Prints one JSON object.

import { readFileSync } from "node:fs";

import { start, token } from "./mcp.mjs";

const world = JSON.parse(readFileSync(process.env.ENTRA_MOCK_READY, "utf8")).environments.office365;
const { alice, bob } = world.users;
const result = {};
const { tool, end } = await start(await token(world, world.apps.phone, alice), "--org-mode");
const names = (listed) => listed.value.map((it) => it.name);

try {
  // A drive: a folder with a file that is copied, moved, shared, found and deleted.
  const driveId = (await tool("list-drives")).value[0].id;
  const root = await tool("get-drive-root-item", { driveId });
  const inDrive = (driveItemId, more = {}) => ({ driveId, driveItemId, ...more });
  const folder = await tool("create-onedrive-folder", inDrive(root.id, { body: { name: "Agent", folder: {} } }));
  const content = { body: Buffer.from("hello").toString("base64") };
  const sent = await tool("upload-file-content", inDrive(`${folder.id}:/notes #1.txt:`, content));
  // Its answer is the service's, as a text.
  const file = JSON.parse(sent.rawResponse);
  result.file = [file.name, file.size];
  await tool("copy-drive-item", inDrive(file.id, { body: { name: "copy.txt" } }));
  await tool("move-rename-onedrive-item", inDrive(file.id, { body: { name: "moved.txt" } }));
  result.inside = names(await tool("list-folder-files", inDrive(folder.id)));
  const link = { type: "view", scope: "organization" };
  const shared = await tool("create-drive-item-share-link", inDrive(file.id, { body: link }));
  result.link = new URL(shared.link.webUrl).host;
  const invite = { recipients: [{ email: bob.upn }], roles: ["read"], requireSignIn: true, sendInvitation: false };
  await tool("share-drive-item", inDrive(file.id, { body: invite }));
  const permissions = await tool("list-drive-item-permissions", inDrive(file.id));
  result.roles = permissions.value.map((it) => it.roles[0]);
  result.versions = (await tool("list-drive-item-versions", inDrive(file.id))).value.map((it) => it.id);
  const session = await tool("create-upload-session", inDrive(`${folder.id}:/large.bin:`, { body: {} }));
  result.session = new URL(session.uploadUrl).host;
  result.found = names(await tool("search-onedrive-files", { driveId, q: "moved" }));
  result.changed = names(await tool("get-drive-delta", inDrive(root.id))).sort();
  await tool("delete-onedrive-file", inDrive(folder.id));
  result.left = names(await tool("list-folder-files", inDrive(root.id)));
  result.preview = await tool("create-drive-item-preview", inDrive(root.id, { body: {} })).catch((it) => /NotInTheMock|not do it/.test(it));

  // Sites: found, by path, with a list that gets a row.
  const found = await tool("search-sharepoint-sites", { search: "*" });
  result.sites = found.value.length;
  const site = await tool("get-sharepoint-site", { siteId: "root" });
  result.drives = names(await tool("list-sharepoint-site-drives", { siteId: site.id }));
  const list = await tool("create-sharepoint-list", {
    siteId: site.id,
    body: { displayName: "Ideas", list: { template: "genericList" } },
  });
  const inList = { siteId: site.id, listId: list.id };
  await tool("create-sharepoint-list-item", { ...inList, body: { fields: { Title: "One" } } });
  const rows = await tool("list-sharepoint-site-list-items", { ...inList, expand: ["fields"] });
  result.rows = rows.value.map((it) => it.fields.Title);
  result.lists = (await tool("list-sharepoint-site-lists", { siteId: "root" })).value.map((it) => it.displayName);
} catch (error) {
  result.error = String(error);
} finally {
  end();
}
console.log(JSON.stringify(result));
