// A dashboard that stays open while the mock is started anew on the same port, and is away itself
// until the new journal is longer than the old one was.
//
// Arguments: the mock's program, a folder for its keys. Prints one JSON object: the entries that the
// dashboard shows before and after.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { launch } from "./chromium.mjs";

const [program, folder] = process.argv.slice(2);
const readyFile = join(folder, "ready.json");
const browser = await launch();
let mock;

async function start(address) {
  mock = spawn(program, [
    "serve", "--control", address, "--tls-port", "0", "--data-dir", folder, "--ready-file", readyFile,
  ], { stdio: ["ignore", "pipe", "inherit"] });
  // What it prints first, it prints when it is ready.
  await Promise.race([once(mock.stdout, "data"), once(mock, "exit")]);
  mock.stdout.resume();
  return JSON.parse(readFileSync(readyFile, "utf8"));
}

async function happen(ready, ...names) {
  for (const name of names) {
    const response = await fetch(`${ready.control}/api/v1/tenants/${ready.environments.office365.tenant.id}/events`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ [name]: { user: "alice" } }),
    });
    if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
  }
}

try {
  const ready = await start("127.0.0.1:0");
  await happen(ready, "disable-user", "enable-user");
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  const shown = () => page.locator(".entry").evaluateAll((all) =>
    all.map((it) => `${it.dataset.number} ${it.textContent.match(/disable-user|enable-user|revoke-sessions/)}`).sort());
  await page.goto(`${ready.control}/`);
  await page.waitForSelector(".entry[data-number='2']");
  const before = await shown();

  await page.route("**/api/v1/journal/follow", (route) => route.abort());
  mock.kill();
  await once(mock, "exit");
  await page.waitForSelector("#live:not(:has-text('Live'))");
  const again = await start(new URL(ready.control).host);
  await happen(again, "revoke-sessions", "revoke-sessions", "revoke-sessions");
  await page.unroute("**/api/v1/journal/follow");
  await page.waitForSelector(".entry[data-number='1']:has-text('revoke-sessions')");
  console.log(JSON.stringify({ before, after: await shown() }));
} finally {
  mock.kill();
  await browser.close();
}
