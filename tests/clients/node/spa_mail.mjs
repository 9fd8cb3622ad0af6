// A single-page application with msal-browser, in headless Chromium through the proxy: signs in
// by the pages, renews in silence by its refresh token and by a hidden frame, and fetches /me.
//
// Arguments: the proxy's URL, the ready file. The page is served here, on a port of its own.
// Prints one JSON object.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { launchWithProfile } from "./chromium.mjs";

const [proxy, readyFile] = process.argv.slice(2);
const world = JSON.parse(readFileSync(readyFile, "utf8")).environments.office365;
const app = world.apps["spa-app"];
const { alice } = world.users;
const library = dirname(createRequire(import.meta.url).resolve("@azure/msal-browser/package.json"));
const script = (...path) => readFileSync(join(library, "lib", ...path), "utf8");

const site = createServer((request, response) => {
  response.setHeader("content-type", "text/html");
  response.end(request.url === "/" ? application() : request.url === "/favicon.ico" ? "" : null);
});
await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
const home = `http://localhost:${site.address().port}/`;

const page = (...scripts) => `<!doctype html><title>mail</title>${scripts
  .map((it) => `<script>${it.replaceAll("</script", "<\\/script")}</script>`)
  .join("")}`;

// In a hidden frame the page hands the answer to the page around it.
const application = () => page(script("redirect-bridge", "msal-redirect-bridge.min.js"), script("msal-browser.min.js"), `
  if (window.parent !== window) msalRedirectBridge.broadcastResponseToMainFrame();
  const scopes = ["User.Read", "Mail.Read"];
  window.mail = window.parent === window && (async () => {
    const app = await msal.createStandardPublicClientApplication({
      auth: {
        clientId: "${app.client_id}",
        authority: "https://login.microsoftonline.com/${world.tenant.id}",
        redirectUri: "${home}",
      },
      cache: { cacheLocation: "sessionStorage" },
    });
    const landed = await app.handleRedirectPromise();
    const account = landed?.account ?? app.getAllAccounts()[0];
    if (!account) return app.loginRedirect({ scopes });
    const me = async (token) => {
      const answer = await fetch("https://graph.microsoft.com/v1.0/me?$select=userPrincipalName", {
        headers: { authorization: "Bearer " + token, "x-own-header": "1" },
      });
      return [answer.status, (await answer.json()).userPrincipalName, answer.headers.get("request-id") !== null];
    };
    const renewed = await app.acquireTokenSilent({ scopes, account, forceRefresh: true });
    const framed = await app.ssoSilent({ scopes, account, redirectUri: "${home}" });
    return {
      account: account.username,
      scopes: landed.scopes,
      me: await me(landed.accessToken),
      renewed: [renewed.fromCache, renewed.accessToken !== landed.accessToken, await me(renewed.accessToken)],
      framed: [framed.fromCache, framed.account.username, await me(framed.accessToken)],
      refused: await fetch("https://graph.microsoft.com/v1.0/me").then((it) => it.status),
    };
  })().catch((error) => ({ error: String(error), stack: error.stack }));
`);

const result = { console: [] };
// A profile of its own: without one, Chromium sends no cookies from frames of other sites.
const profile = mkdtempSync(join(tmpdir(), "spa-"));
const context = await launchWithProfile(profile, {
  proxy: { server: proxy, bypass: "localhost" },
  ignoreHTTPSErrors: true,
});
const tab = await context.newPage();
tab.on("console", (message) => {
  if (message.type() === "error") result.console.push(message.text());
});
tab.on("pageerror", (error) => result.console.push(error.message));
await tab.goto(home);
await tab.fill("[name=loginfmt]", alice.upn);
await tab.keyboard.press("Enter");
await tab.fill("[name=passwd]", alice.password);
await tab.keyboard.press("Enter");
await tab.waitForURL(`${home}**`);
await tab.waitForFunction(() => window.mail);
Object.assign(result, await tab.evaluate(() => window.mail));
await context.close();
rmSync(profile, { recursive: true, force: true });
site.close();
console.log(JSON.stringify(result));
