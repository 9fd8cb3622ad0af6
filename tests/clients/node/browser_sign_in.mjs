// A person signs in with a browser: headless Chromium on the pages, through the proxy.
//
// Arguments: the proxy's URL, the ready file, a folder for screenshots. The client is a web app
// of the ready file; its redirect URI is not served, so the browser's last request is looked at.
// Prints one JSON object.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { launch } from "./chromium.mjs";

const [proxy, readyFile, screenshots] = process.argv.slice(2);
mkdirSync(screenshots, { recursive: true });
const world = JSON.parse(readFileSync(readyFile, "utf8")).environments.office365;
const app = world.apps["vendor-app"];
const redirect = app.redirect_uris.find((uri) => uri.startsWith("https://"));
const result = { console: [], pages: [] };

const browser = await launch();

async function signIn(name, { user, scope, width = 1280, height = 800, scheme = "light", decline = false }) {
  const context = await browser.newContext({
    proxy: { server: proxy },
    ignoreHTTPSErrors: true,
    viewport: { width, height },
    colorScheme: scheme,
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") result.console.push(`${name}: ${message.text()}`);
  });
  page.on("pageerror", (error) => result.console.push(`${name}: ${error.message}`));
  let landed = null;
  await page.route(`${new URL(redirect).origin}/**`, (route) => {
    landed = route.request().url();
    return route.fulfill({ contentType: "text/html", body: "<title>landed</title>" });
  });
  const authorize = new URL(`https://login.microsoftonline.com/${world.tenant.domain}/oauth2/v2.0/authorize`);
  authorize.search = new URLSearchParams({
    client_id: app.client_id,
    response_type: "code",
    redirect_uri: redirect,
    scope,
    state: `state of ${name}`,
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  }).toString();
  await page.goto(authorize.toString());
  const shot = async (step) => {
    const kind = await page.getAttribute("body", "data-page");
    result.pages.push(`${name}/${step}: ${kind}`);
    await page.screenshot({ path: join(screenshots, `${name}-${step}.png`), fullPage: true });
  };
  await shot("1-user");
  await page.fill("[name=loginfmt]", user.upn);
  // With the keyboard alone: Enter is the primary button.
  await page.keyboard.press("Enter");
  await page.waitForSelector("body[data-page=password]");
  await page.fill("[name=passwd]", "not the password");
  await page.keyboard.press("Enter");
  await page.waitForSelector("body[data-page=password]");
  await shot("2-wrong-password");
  await page.fill("[name=passwd]", user.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector("body:not([data-page=password])");
  if (!landed) {
    await shot("3-after-password");
    if ((await page.getAttribute("body", "data-page")) === "consent") {
      await page.click(decline ? "#idBtn_Back" : "#idSIButton9");
      await page.waitForFunction(() => document.title === "landed");
    }
  }
  await context.close();
  return landed ? Object.fromEntries(new URL(landed).searchParams) : null;
}

const basic = "openid offline_access User.Read Mail.Read email";
result.declined = await signIn("decline", { user: world.users.alice, scope: basic, decline: true });
result.accepted = await signIn("accept", { user: world.users.alice, scope: basic, scheme: "dark" });
result.phone = await signIn("phone", {
  user: world.users.bob, scope: basic, width: 380, height: 720,
});
result.needsAdmin = await signIn("admin-needed", {
  user: world.users.bob, scope: `${basic} User.Read.All`,
});
await browser.close();
console.log(JSON.stringify(result));
