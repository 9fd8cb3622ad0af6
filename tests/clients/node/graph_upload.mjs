// Uploads a file in fragments with the upload task of Microsoft's Graph SDK, and reads it back.
// Knows nothing of a mock. Arguments: the login host, the Graph host, the environment.
// Prints one JSON object.

import fs from "node:fs";
import { Client, OneDriveLargeFileUploadTask } from "@microsoft/microsoft-graph-client";

const [loginHost, graphHost, environment] = process.argv.slice(2);
const ready = JSON.parse(fs.readFileSync(process.env.ENTRA_MOCK_READY, "utf8"));
const world = ready.environments[environment];
const app = world.apps["files"];
const alice = world.users.alice;

const answer = await fetch(`https://${loginHost}/${world.tenant.id}/oauth2/v2.0/token`, {
  method: "POST",
  body: new URLSearchParams({
    client_id: app.client_id,
    client_secret: app.client_secret,
    grant_type: "password",
    username: alice.upn,
    password: alice.password,
    scope: `https://${graphHost}/Files.ReadWrite.All`,
  }),
});
const token = (await answer.json()).access_token;
const client = Client.init({
  baseUrl: `https://${graphHost}/`,
  customHosts: new Set([graphHost]),
  authProvider: (done) => done(null, token),
});

const size = 5 * 1024 * 1024 + 17;
const bytes = Buffer.alloc(size);
for (let at = 0; at < size; at += 1) bytes[at] = (at * 7) % 251;
const ranges = [];
const task = await OneDriveLargeFileUploadTask.create(client, bytes, {
  path: "/Uploads",
  fileName: "large #1.bin",
  conflictBehavior: "rename",
  rangeSize: 1024 * 1024,
  uploadEventHandlers: {
    progress: (range) => ranges.push([range.minValue, range.maxValue]),
  },
});
const uploaded = await task.upload();
const item = uploaded.responseBody;
const stream = await client.api(`/me/drive/items/${item.id}/content`).getStream();
const parts = [];
for await (const part of stream) parts.push(Buffer.from(part));

// A second session, cancelled.
const second = await OneDriveLargeFileUploadTask.create(client, bytes, {
  path: "/Uploads",
  fileName: "cancelled.bin",
  rangeSize: 1024 * 1024,
});
await second.cancel();

console.log(
  JSON.stringify({
    name: item.name,
    size: item.size,
    fragments: ranges.length,
    same: Buffer.concat(parts).equals(bytes),
    hash: item.file.hashes.quickXorHash,
    cancelled: second.uploadSession.isCancelled === true,
  }),
);
