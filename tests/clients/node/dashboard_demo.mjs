// The button of the dashboard that makes traffic: what it says, and how many entries appear.
//
// Argument: the ready file. Prints one JSON object.

import { readFileSync } from "node:fs";

import { launch } from "./chromium.mjs";

const ready = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await launch();
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${ready.control}/`);
  await page.click("#demo");
  const toast = await page.locator(".toast").first().textContent();
  await page.waitForSelector(".entry[data-number='5']");
  console.log(JSON.stringify({ toast, entries: await page.locator(".entry").count() }));
} finally {
  await browser.close();
}
