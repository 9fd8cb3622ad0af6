// Chromium without a window, that asks nobody but the pages it is sent to.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

const options = (...more) => ({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ...more,
  ],
});

export const launch = (...more) => chromium.launch(options(...more));

// With a profile in a folder, whose frames of other sites send their cookies, as those of browsers do
// that do not block them.
export const launchWithProfile = (folder, context) => {
  mkdirSync(join(folder, "Default"), { recursive: true });
  const profile = { cookie_controls_mode: 0, block_third_party_cookies: false };
  writeFileSync(join(folder, "Default", "Preferences"), JSON.stringify({ profile }));
  return chromium.launchPersistentContext(folder, { ...options(), ...context });
};
