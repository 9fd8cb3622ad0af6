// An agent's server, ms-365-mcp-server, works with mail, calendars and contacts over its protocol,
// with a token that it is given; it knows nothing of a mock.
//
// The world is that of groups.yaml. Prints one JSON object.

import { readFileSync } from "node:fs";

import { start, token } from "./mcp.mjs";

const world = JSON.parse(readFileSync(process.env.ENTRA_MOCK_READY, "utf8")).environments.office365;
const { admin, alice } = world.users;
const result = {};
const { tool, end } = await start(await token(world, world.apps.agent, admin), "--org-mode");

try {
  // Mail: a folder, a draft with a file that is moved, changed and sent.
  const folder = await tool("create-mail-folder", { body: { displayName: "Night shift" } });
  const draft = await tool("create-draft-email", {
    body: {
      subject: "Plans",
      body: { contentType: "text", content: "Hello" },
      toRecipients: [{ emailAddress: { address: alice.upn } }],
    },
  });
  const file = { "@odata.type": "#microsoft.graph.fileAttachment", name: "a.txt", contentBytes: "aGk=" };
  await tool("add-mail-attachment", { messageId: draft.id, body: file });
  result.files = (await tool("list-mail-attachments", { messageId: draft.id })).value.map((it) => it.name);
  const moved = await tool("move-mail-message", { messageId: draft.id, body: { DestinationId: folder.id } });
  await tool("update-mail-message", { messageId: moved.id, body: { categories: ["Blue"] } });
  const inside = await tool("list-mail-folder-messages", { mailFolderId: folder.id });
  result.inside = inside.value.map((it) => [it.subject, it.categories]);
  await tool("delete-mail-message", { messageId: moved.id });
  result.left = (await tool("list-mail-folder-messages", { mailFolderId: folder.id })).value.length;
  result.found = (await tool("list-mail-messages", { top: 3, select: ["subject"] })).value.length;
  const changes = await tool("list-mail-folder-messages-delta", { mailFolderId: "inbox" });
  result.delta = Object.keys(changes).some((it) => /^@odata\.(next|delta)Link$/.test(it));

  // Calendar: a meeting in a calendar of its own, changed and found by its day.
  const calendar = await tool("create-calendar", { body: { name: "Travel" } });
  const at = (hour) => ({ dateTime: `2030-05-06T${hour}:00:00`, timeZone: "UTC" });
  const event = await tool("create-specific-calendar-event", {
    calendarId: calendar.id,
    body: { subject: "Train", start: at("08"), end: at("12") },
  });
  await tool("update-calendar-event", { eventId: event.id, body: { subject: "Night train" } });
  const day = { startDateTime: "2030-05-06T00:00:00Z", endDateTime: "2030-05-07T00:00:00Z" };
  const view = await tool("get-specific-calendar-view", { calendarId: calendar.id, ...day });
  result.day = view.value.map((it) => it.subject);
  await tool("delete-calendar-event", { eventId: event.id });
  result.calendars = (await tool("list-calendars")).value.some((it) => it.name === "Travel");
  result.shared = (await tool("list-my-calendar-permissions")).value.map((it) => it.emailAddress.name);

  // Contacts: made, changed, listed in a folder, deleted.
  const people = await tool("create-contact-folder", { body: { displayName: "Partners" } });
  const contact = await tool("create-contact-in-folder", {
    contactFolderId: people.id,
    body: { givenName: "Dana", surname: "Doe", emailAddresses: [{ address: "dana@fabrikam.com" }] },
  });
  await tool("update-outlook-contact", { contactId: contact.id, body: { jobTitle: "Buyer" } });
  result.contact = (await tool("get-outlook-contact", { contactId: contact.id })).jobTitle;
  const partners = await tool("list-contact-folder-contacts", { contactFolderId: people.id });
  result.partners = partners.value.map((it) => it.displayName);
  await tool("delete-outlook-contact", { contactId: contact.id });
  result.zone = (await tool("get-mailbox-settings")).timeZone;
} catch (error) {
  result.failed = error.message;
} finally {
  end();
}
console.log(JSON.stringify(result));
