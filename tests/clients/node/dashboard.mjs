// A QA engineer at the dashboard: headless Chromium, and the control API that says what happened.
//
// Arguments: the ready file, a folder for screenshots and the recorded scenario. The variable
// NODE_EXTRA_CA_CERTS names the mock's root. Prints one JSON object: what was checked.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { launch } from "./chromium.mjs";

const [readyFile, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const ready = JSON.parse(readFileSync(readyFile, "utf8"));
const world = ready.environments.office365;
const tenant = world.tenant.id;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const checked = [];
const problems = [];

async function api(path, method = "GET", body = undefined) {
  const response = await fetch(`${ready.control}/api/v1${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}
const here = (path, ...rest) => api(`/tenants/${tenant}${path}`, ...rest);
const position = async () => (await api("/journal?last=1"))[0]?.number ?? 0;

/** Waits until something holds, and says what did not. */
async function until(what, holds) {
  const end = Date.now() + 30_000;
  for (;;) {
    const since = await position();
    const value = await holds();
    if (value) return value;
    assert.ok(Date.now() < end, `in vain: ${what}`);
    // Until something more happens; some changes are in no journal.
    await fetch(`${ready.control}/api/v1/journal/wait?since=${since}&deadline=200ms`);
  }
}

async function token(fields) {
  const response = await fetch(`${world.authority}/${tenant}/oauth2/v2.0/token`, {
    method: "POST", body: new URLSearchParams(fields),
  });
  return { status: response.status, ...await response.json() };
}
const ownApp = { client_id: world.apps["own-app"].client_id, client_secret: world.apps["own-app"].client_secret };
const signIn = (user) => token({
  ...ownApp, grant_type: "password", username: world.users[user].upn, password: world.users[user].password,
  scope: "User.Read Mail.Read offline_access openid profile",
});
const graph = (path, bearer, headers = {}) => fetch(`${world.graph}/v1.0${path}`, {
  headers: { Authorization: `Bearer ${bearer}`, ...headers },
});

const browser = await launch();
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1320, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.setDefaultTimeout(30_000);
  return page;
}
const page = await open({ acceptDownloads: true, permissions: ["clipboard-read", "clipboard-write"] });
const go = async (view, heading) => {
  await page.goto(`${ready.control}/#/${view}`);
  await page.waitForSelector(`h1:text-is("${heading}")`);
};
const check = async (name, run) => {
  try {
    await run();
  } catch (error) {
    await page.screenshot({ path: join(folder, "failed.png"), fullPage: true });
    throw new Error(`${name}: ${error.message}\nconsole: ${problems.join("\n")}`, { cause: error });
  }
  checked.push(name);
};

let tokens;

await check("an empty journal says what to do", async () => {
  const response = await page.goto(`${ready.control}/`);
  const policy = response.headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|http:|https:|\*/);
  assert.equal(response.headers()["x-content-type-options"], "nosniff");
  await page.waitForSelector(".empty");
  assert.match(await page.textContent(".empty"), /entra-mock env --control/);
});

await check("exchanges appear as they happen", async () => {
  await page.waitForSelector("#live:has-text('Live')");
  tokens = await signIn("alice");
  assert.equal(tokens.status, 200, JSON.stringify(tokens));
  await page.waitForSelector(".entry:has-text('password'):has-text('own-app · alice'):has-text('200')");
  await graph("/me/messages?$top=2", tokens.access_token);
  await page.waitForSelector(".entry:has-text('/v1.0/me/messages')");
});

await check("what clients send is shown as text", async () => {
  const evil = "<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>";
  await graph("/me/<script>alert(1)</script>", tokens.access_token, { "User-Agent": evil });
  await here("/events", "POST", { "request-consent": { app: "unconsented-app", user: "bob", scopes: ["Mail.Read"], reason: evil } });
  await page.fill("#search", "onerror");
  await page.click(".entry:has(.tag.graph):has-text('alert(1)') >> nth=0");
  await page.click("#detail summary:has-text('Headers') >> nth=0");
  await until("the header as text", async () => (await page.textContent("#detail")).includes(evil));
  await page.fill("#search", "");
  await go("consent", "Consent");
  await page.waitForSelector("q");
  assert.equal(await page.textContent("q"), evil);
  assert.equal(await page.evaluate(() => globalThis.broken), undefined);
  assert.equal(await page.locator("#view img, #view script").count(), 0);
});

await check("filters, pause and the address of an entry", async () => {
  await go("journal", "Journal");
  await page.selectOption("#surface", "token");
  await page.waitForSelector(".entry");
  await page.waitForSelector(".entry .tag.graph", { state: "detached" });
  await page.selectOption("#surface", "");
  await page.click("#pause");
  await graph("/me/calendars", tokens.access_token);
  await page.waitForSelector("#pause:has-text('1 new')");
  assert.equal(await page.locator(".entry:has-text('/me/calendars')").count(), 0);
  await page.click("#pause");
  await page.waitForSelector(".entry:has-text('/me/calendars')");
  await page.check("#refusals");
  await page.waitForSelector(".entry:has-text('/me/calendars')", { state: "hidden" });
  await page.uncheck("#refusals");
  const number = (await api("/journal?surface=token&last=1"))[0].number;
  await go(`journal/${number}`, "Journal");
  await page.waitForSelector(`#detail:has-text('#${number}')`);
});

await check("the tokens of an exchange are decoded", async () => {
  await page.click("#detail summary:has-text('Access token')");
  await page.waitForSelector("#detail .token:has-text('Access token: good now') .claims");
  assert.match(await page.textContent("#detail .claims >> nth=1"), /Mail\.Read/);
  await page.click("#detail summary:has-text('Refresh token')");
  await page.waitForSelector("#detail .token:has-text('Refresh token: good now')");
  const whole = await page.content();
  for (const secret of [tokens.access_token, tokens.refresh_token, tokens.access_token.split(".")[2]]) {
    assert.ok(!whole.includes(secret), "a token stands in the page");
  }
});

await check("the sequence has connector, authority and Graph", async () => {
  await page.click("#mode-sequence");
  await page.waitForSelector(".step.authority:has-text('POST token (password)')");
  await page.waitForSelector(".step.graph:has-text('GET /me/messages')");
  await page.screenshot({ path: join(folder, "sequence.png") });
  await page.click("#mode-list");
});

await check("the journal can be walked by keyboard", async () => {
  await go("directory", "Directory");
  await go("journal", "Journal");
  const second = await until("the second entry has the focus", async () => {
    await page.focus(".entry >> nth=0");
    await page.keyboard.press("ArrowDown");
    return page.evaluate(() => document.activeElement.dataset.number);
  });
  await page.keyboard.press("Enter");
  await page.waitForSelector(`#detail:has-text('#${second}')`);
  await page.focus("#close-detail");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#detail", { state: "hidden" });
  await until("the entry has the focus again", async () =>
    await page.evaluate(() => document.activeElement.dataset.number) === second);
});

/** Clicks each button of a part of the page that lets something happen, and looks what happened. */
async function clickAll(scope, skip = () => false) {
  // A view is there before what it reads.
  await page.locator(`${scope} [data-event]`).first().waitFor({ state: "attached" });
  const buttons = await page.locator(`${scope} [data-event]`).evaluateAll((all) =>
    all.map((it) => ({ id: it.id, name: it.dataset.event })));
  for (const { id, name } of buttons.filter((it) => !skip(it.name))) {
    const before = await position();
    await page.evaluate((scope) => {
      for (const it of document.querySelectorAll(`${scope} details`)) it.open = true;
    }, scope);
    const button = page.locator(`${scope} [id="${id}"]`);
    if (await button.count() === 0) continue;
    await button.first().click();
    const happened = await until(`${name} in the journal, or a refusal`, async () => {
      const entries = await api(`/journal?since=${before}`);
      if (entries.some((it) => it.kind === "event" && name in it.event)) return "event";
      return (await page.locator(".toast.bad").count()) > 0 && "refused";
    });
    assert.equal(happened, "event", `${name}: ${await page.locator(".toast").allTextContents()}`);
  }
}

await check("a button that is drawn anew while it is pressed is clicked", async () => {
  await go("directory", "Directory");
  const button = page.locator("[data-user=bob] [data-event=revoke-sessions]").first();
  const { x, y, width, height } = await button.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  const before = await position();
  const drawn = page.waitForResponse((it) => it.url().endsWith("/users"));
  await here("/events", "POST", { "disable-user": { user: "guest" } });
  await drawn;
  await page.waitForFunction(() => new Promise((done) => { requestAnimationFrame(() => done(true)); }));
  await page.mouse.up();
  await until("the click", async () => (await api(`/journal?since=${before}`)).some((it) =>
    it.kind === "event" && "revoke-sessions" in it.event));
  await page.waitForSelector("[data-user=guest] .tag.bad:has-text('disabled')");
  await here("/events", "POST", { "enable-user": { user: "guest" } });
});

await check("the buttons of a user do what they say", async () => {
  await go("directory", "Directory");
  const bob = "[data-user=bob]";
  await page.click(`${bob} [data-event=disable-user]`);
  await page.waitForSelector(`${bob} .tag.bad:has-text('disabled')`);
  assert.equal((await here("/users/bob")).enabled, false);
  await page.click(`${bob} [data-event=enable-user]`);
  await until("bob enabled", async () => (await here("/users/bob")).enabled);
  await page.click(`${bob} [data-event=delete-user]`);
  await page.waitForSelector(`${bob} [data-event=restore-user]`);
  assert.notEqual((await here("/users/bob")).deleted, null);
  await page.click(`${bob} [data-event=restore-user]`);
  await page.waitForSelector(`${bob} [data-event=delete-user]`);
  await clickAll(bob, (name) => ["delete-user", "disable-user", "remove-licence"].includes(name));
  await page.click(`${bob} [data-event=remove-licence]`);
  await page.waitForSelector(`${bob} .tag:has-text('no mailbox')`);
  const user = await here("/users/bob");
  assert.equal(user.risk, "high");
  assert.equal(user.password_expired, true);
  assert.equal(user.mailbox, null);
});

await check("any event can be filled in", async () => {
  const names = (await api("/openapi.json")).components.schemas.Event.oneOf.map((it) => it.required[0]).sort();
  await page.click("[data-form=any]");
  await page.waitForSelector("#event-dialog");
  await until("all events", async () => JSON.stringify(
    (await page.locator("#event-name option").allTextContents()).sort()) === JSON.stringify(names));
  await page.selectOption("#event-name", "rename-user");
  await page.fill("#field-user", "nobody");
  await page.fill("#field-to", `robert@${world.tenant.domain}`);
  await page.click("#event-submit");
  await page.waitForSelector("#event-dialog [role=alert]:has-text('nobody')");
  await page.fill("#field-user", "bob");
  await page.click("#event-submit");
  await page.waitForSelector("#event-dialog", { state: "detached" });
  await page.waitForSelector(`[data-user=bob]:has-text('robert@${world.tenant.domain}')`);
});

await check("the buttons of an app do what they say", async () => {
  await go("directory/apps", "Directory");
  const app = "[data-app=daemon-secret]";
  await page.click(`${app} [data-event=expire-secret]`);
  await until("the secret expired", async () => !(await here("/apps/daemon-secret")).registration.credentials[0].valid);
  await page.click(`${app} [data-event=disable-app]`);
  await page.waitForSelector(`${app} [data-event=enable-app]`);
  assert.equal((await here("/apps/daemon-secret")).service_principal.enabled, false);
  await page.click(`${app} [data-event=enable-app]`);
  await page.waitForSelector(`${app} [data-event=disable-app]`);
  await clickAll(app, (name) => ["delete-app", "remove-secret"].includes(name));
  await page.click(`${app} [data-event=remove-secret]`);
  await until("no secret", async () => (await here("/apps/daemon-secret")).registration.credentials.length === 0);
  await page.click(`${app} [data-event=delete-app]`);
  await until("no registration", async () => (await here("/apps")).every((it) =>
    it.registration?.alias !== "daemon-secret"));
});

await check("a consent request is approved", async () => {
  await go("consent", "Consent");
  await page.click("[data-request=unconsented-app] [data-event=approve-request]");
  await page.waitForSelector("[data-request=unconsented-app] .tag.good:has-text('approved')");
  assert.equal((await here("/consent-requests"))[0].status, "approved");
});

await check("faults are set, act, are seen and taken away", async () => {
  await go("faults", "Faults");
  await page.waitForSelector(".empty:has-text('All is well')");
  await page.click("[data-preset='Throttle Graph']");
  assert.equal(await page.inputValue("#do"), "throttle");
  await page.click("#set-fault");
  await page.waitForSelector("[data-fault='1']");
  assert.deepEqual((await here("/faults"))[0].fault, { on: { surface: "graph" }, do: { throttle: { "retry-after": 3 } } });
  assert.equal((await graph("/me", tokens.access_token)).status, 429);
  await page.waitForSelector("[data-fault='1']:has-text('Touched 1 of 1')");
  await page.waitForSelector("[data-fault='1'] a:has-text('/v1.0/me')");
  await page.waitForSelector("#to-faults .count:has-text('1')");
  await page.click("#remove-fault-1");
  await page.waitForSelector(".empty:has-text('All is well')");
  assert.equal((await graph("/me", tokens.access_token)).status, 200);

  for (const preset of await page.locator("[data-preset]").all()) {
    await preset.click();
    const before = (await here("/faults")).length;
    const wanted = JSON.parse(await page.inputValue("#fault-json"));
    await page.click("#set-fault");
    const all = await until(`a fault of ${await preset.textContent()}`, async () => {
      const all = await here("/faults");
      return all.length > before && all;
    });
    assert.deepEqual(all.at(-1).fault, wanted);
  }
  await page.click("#clear-faults");
  await until("no faults", async () => (await here("/faults")).length === 0);

  // The fields make the same JSON.
  await page.selectOption("#on-surface", "token");
  await page.fill("#fault-form #field-grant", "refresh_token");
  await page.selectOption("#when", "between");
  await page.fill("#field-from", "2");
  await page.fill("#field-to", "3");
  await page.selectOption("#do", "aadsts");
  await page.fill("#field-aadsts", "50076");
  await page.click("#set-fault");
  const [set] = await until("the fault of the fields", async () => {
    const all = await here("/faults");
    return all.length > 0 && all;
  });
  assert.deepEqual(set.fault, {
    on: { surface: "token", grant: "refresh_token" }, when: { between: { from: 2, to: 3 } }, do: { aadsts: 50076 },
  });
  await page.fill("#fault-json", JSON.stringify({ do: { edit: { note: "it's" } } }));
  await page.click("#fault-form button:text-is('Copy as command')");
  const command = await page.evaluate(() => navigator.clipboard.readText());
  const [, told] = command.match(/^entra-mock (fault add .*)$/);
  assert.match(spawnSync("sh", ["-c", `printf '%s|' ${told}`], { encoding: "utf8" }).stdout, /\|\{"do":\{"edit":\{"note":"it's"\}\}\}\|$/);
  await page.fill("#fault-json", "{\"do\": {\"status\": 99}}");
  await page.click("#set-fault");
  await page.waitForSelector("#fault-form [role=alert]:not([hidden])");
  await page.click("#clear-faults");
  await page.waitForSelector(".empty:has-text('All is well')");
});

await check("the clock moves", async () => {
  await go("clock", "Clock");
  await page.click("[data-by='61m']");
  await until("61 minutes", async () => Math.abs((await here("/clock")).ahead - 3660) < 3);
  await page.waitForSelector("#time:has-text('+1h 1m')");
  await page.fill("#amount", "2d");
  await page.keyboard.press("Enter");
  await until("two days more", async () => Math.abs((await here("/clock")).ahead - 3660 - 172_800) < 3);
  await page.click("#freeze");
  await until("frozen", async () => (await here("/clock")).frozen);
  await page.waitForSelector("#time:has-text('frozen')");
  await page.click("#reset-clock");
  await until("real time", async () => (await here("/clock")).ahead === 0);
  await page.fill("#amount", "a while");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".toast.bad:has-text('a while')");
});

await check("a pasted token is explained", async () => {
  const fresh = await signIn("alice");
  await go("tokens", "Tokens");
  await page.fill("#token", fresh.access_token);
  await page.click("#explain");
  await page.waitForSelector("#explanation:has-text('Access token: good now')");
  await page.fill("#token", fresh.id_token);
  await page.click("#explain");
  await page.waitForSelector("#explanation:has-text('ID token: good now')");
  await page.fill("#token", `${fresh.id_token.slice(0, -8)}AAAAAAAA`);
  await page.click("#explain");
  await page.waitForSelector("#explanation:has-text('ID token: no good now')");
  await page.fill("#token", "rubbish");
  await page.click("#explain");
  await page.waitForSelector("#explanation:has-text('Not a token of this mock')");
});

await check("a scenario is opened, and followed while a shell moves it on", async () => {
  await go("scenario", "Scenario");
  const before = problems.length;
  const opened = join(folder, "opened.yaml");
  const yaml = "schema: 1\ntitle: Two things are waited for\nsource: a test\nauth: [own-app]\nenvironment: [office365]\nsteps:\n"
    + "  - connect: {as: alice}\n  - call: list-messages\n  - advance: 1s\n";
  writeFileSync(opened, yaml);
  await page.setInputFiles("#scenario-file", opened);
  await page.waitForSelector("#player:has-text('Two things are waited for')");
  await page.waitForSelector("#player li:has-text('waiting'):has-text('1.')");
  await page.waitForSelector(".toast.good:has-text('The scenario is played')");
  await here("/scenario/next", "POST");
  await page.waitForSelector("#player li:has-text('passed over'):has-text('1.')");
  await page.waitForSelector("#player li:has-text('waiting'):has-text('2.')");
  await here("/scenario", "DELETE");
  await page.waitForSelector("#player h2:text-is('Play a scenario')");
  // Nobody asks for it, so that it cannot be approved.
  writeFileSync(opened, yaml.replace("connect: {as: alice}", "event: {approve-request: {app: own-app}}"));
  await page.setInputFiles("#scenario-file", opened);
  await page.waitForSelector("#player:has-text('It stops here') li:has-text('failed'):has-text('1.')");
  await page.click("#next-step:text-is('Go on after this step')");
  await page.waitForSelector("#player li:has-text('waiting'):has-text('2.')");
  await page.click("#next-step:text-is('Pass over this step')");
  await page.waitForSelector("#player .tag:text-is('ended')");
  await page.click("#stop-scenario");
  await page.waitForSelector("#player h2:text-is('Play a scenario')");
  assert.deepEqual(problems.slice(before), []);
  writeFileSync(opened, yaml.replace("call", "cal"));
  await page.setInputFiles("#scenario-file", opened);
  await page.waitForSelector(".toast.bad:has-text('line 8, column')");
});

await check("the mark outlives a reload", async () => {
  await go("scenario", "Scenario");
  await page.click("#mark");
  await page.waitForSelector(".empty:has-text('Nothing is recorded yet')");
  const since = await position();
  await page.reload();
  await page.waitForSelector(`#begins:has-text('after #${since} ')`);
  await page.waitForSelector(".empty:has-text('Nothing is recorded yet')");
  await page.click("#from-beginning");
  await page.waitForSelector("#begins:has-text('where the journal does')");
  await page.waitForSelector("#yaml");
});

await check("what was clicked is a scenario", async () => {
  await go("scenario", "Scenario");
  await page.click("#mark");
  await page.waitForSelector(".empty:has-text('Nothing is recorded yet')");
  const fresh = await signIn("alice");
  await graph("/me/messages", fresh.access_token);
  await go("connections", "Connections");
  const connection = page.locator(".connection").first();
  await connection.locator(".tag.good:has-text('works')").waitFor();
  await connection.locator("[data-event=revoke-sessions]").click();
  await connection.locator(".tag.bad:has-text('broken')").waitFor();
  assert.match(await connection.textContent(), /AADSTS50173/);
  await go("clock", "Clock");
  await page.click("[data-by='91m']");
  await until("91 minutes", async () => (await here("/clock")).ahead > 5000);
  assert.equal((await token({ ...ownApp, grant_type: "refresh_token", refresh_token: fresh.refresh_token })).status, 400);
  await go("scenario", "Scenario");
  await page.waitForSelector("#yaml:has-text('reconnect-required')");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
  await download.saveAs(join(folder, "recorded.yaml"));
  await page.screenshot({ path: join(folder, "scenario.png") });
});

await check("tenants are made, looked at and deleted", async () => {
  await go("tenants", "Tenants");
  const known = (await api("/tenants")).map((it) => it.tenant.id);
  await page.selectOption("#environment", "china");
  await page.click("#new-tenant button");
  const id = await until("the new tenant is looked at", async () => {
    const looked = await page.inputValue("#tenant");
    return !known.includes(looked) && looked;
  });
  const made = await api(`/tenants/${id}`);
  assert.equal(made.graph_host, "microsoftgraph.chinacloudapi.cn");
  await page.waitForSelector(`[data-tenant='${made.tenant.domain}'] .tag:has-text('current')`);
  const ids = async () => (await api("/tenants")).map((it) => it.tenant.id);
  await page.click(`#delete-${made.tenant.id}`);
  await page.click("dialog button[value=no]");
  assert.ok((await ids()).includes(id));
  await page.click(`#delete-${made.tenant.id}`);
  await page.click("dialog button[value=yes]");
  await until("it is gone", async () => !(await ids()).includes(id));
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.click(`[data-tenant='${world.tenant.domain}'] a:text-is('Export')`),
  ]);
  assert.match(readFileSync(await download.path(), "utf8"), /contoso/);
  await page.selectOption("#tenant", tenant);
});

await check("everything can be reached by keyboard, and the focus is seen", async () => {
  await go("journal", "Journal");
  await page.reload();
  await page.waitForSelector(".entry");
  const reached = new Set();
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const seen = await page.evaluate(() => {
      const it = document.activeElement;
      const style = getComputedStyle(it);
      return {
        id: it.id || it.className, outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
      };
    });
    if (!seen.id) continue;
    assert.ok(seen.outline, `the focus on ${seen.id} is not seen`);
    reached.add(seen.id);
  }
  for (const id of ["to-journal", "to-tenants", "tenant", "time", "theme", "mode-list", "pause", "search", "refusals"]) {
    assert.ok(reached.has(id), `${id} is not among ${[...reached]}`);
  }
});

await check("files are shown with who changed them, and their versions", async () => {
  for (const text of ["one", "two, longer"]) {
    await here("/events", "POST", { "put-file": { user: "alice", path: "Reports/May.txt", text } });
  }
  await go("directory/files", "Directory");
  await page.waitForSelector("[data-drive]:has-text('OneDrive of Alice Archer') li:has-text('Reports/')");
  const file = page.locator("[data-drive] li:has-text('May.txt')");
  await file.locator("summary:has-text('11 bytes'):has-text('Alice Archer'):has-text('2 versions')").click();
  await file.locator("li:has-text('1.0'):has-text('3 bytes')").waitFor();
});

await check("axe finds no serious issue in light and dark, wide and narrow", async () => {
  const views = ["journal", "directory", "directory/apps", "directory/files", "directory/policies",
    "consent", "connections", "tokens",
    "faults", "clock", "scenario", "tenants"];
  for (const [scheme, width] of [["light", 1320], ["dark", 1320], ["light", 390]]) {
    const other = await open({ colorScheme: scheme, viewport: { width, height: 900 } });
    for (const view of views) {
      await other.goto(`${ready.control}/#/${view}`);
      await other.waitForSelector("main h1");
      await other.waitForSelector("main .card, main .log, main form, main .empty");
      if (view === "journal") {
        await other.click(".entry.refused >> nth=0");
        await other.waitForSelector("#detail .outcome");
      }
      await other.evaluate(() => {
        for (const it of document.querySelectorAll("main details")) it.open = true;
      });
      await other.evaluate(axe);
      const { violations } = await other.evaluate(() => globalThis.axe.run());
      const serious = violations.filter((it) => ["serious", "critical"].includes(it.impact))
        .map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target} ${node.failureSummary}`).slice(0, 3).join("; ")}`);
      assert.deepEqual(serious, [], `${view}, ${scheme}, ${width}`);
      const wide = await other.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${view} is ${wide} pixels too wide at ${width}`);
      await other.screenshot({ path: join(folder, `${view.replace("/", "-")}-${scheme}-${width}.png`) });
    }
    await other.context().close();
  }
});

await check("policies, and what ends a tenant", async () => {
  await go("directory/policies", "Directory");
  await clickAll("#directory", (name) => ["block-tenant", "delete-tenant"].includes(name));
  const { policies } = await here("/policies");
  const demands = policies.conditional_access.map((it) => it.demand);
  for (const demand of ["mfa", "compliant-device", "terms-of-use", "block"]) {
    assert.ok(demands.includes(demand), `${demand} is not among ${demands}`);
  }
  await clickAll("#directory", (name) => !["block-tenant", "delete-tenant"].includes(name));
});

// The refusals that were provoked: a wrong amount of time, fault, user and scenario.
const unexpected = problems.filter((it) => !/status of 4(0[0-9]|22)/.test(it));
assert.deepEqual(unexpected, []);
await browser.close();
console.log(JSON.stringify({ checked }));
