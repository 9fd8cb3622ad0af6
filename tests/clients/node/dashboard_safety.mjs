// What a page of another origin, or of a host name that was rebound to loopback, can do to the
// control port: nothing. A page on another loopback port tries everything that a page can.
//
// Argument: the ready file. Prints one JSON object: what each attempt came to.

import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";

import { launch } from "./chromium.mjs";

const ready = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { control } = ready;
const port = new URL(control).port;
const { tenant } = ready.environments.office365;
const events = `${control}/api/v1/tenants/${tenant.id}/events`;

const server = createServer((_, response) => {
  response.setHeader("Content-Type", "text/html");
  response.end("<!doctype html><title>another origin</title><body>");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const foreign = `http://127.0.0.1:${server.address().port}/`;

const browser = await launch("--host-resolver-rules=MAP rebound.example 127.0.0.1");
const context = await browser.newContext();

/** All that a page can try. Everything that it could read is returned. */
async function attempts(page, target, eventsUrl) {
  return page.evaluate(async ({ target, eventsUrl }) => {
    const event = JSON.stringify({ "disable-user": { user: "alice" } });
    const read = async (url, options) => {
      try {
        const response = await fetch(url, options);
        return { status: response.status, type: response.type, text: (await response.text()).slice(0, 200) };
      } catch (error) {
        return { error: error.name };
      }
    };
    const found = {};
    found.get = await read(`${target}/api/v1/ready`);
    found.getOpaque = await read(`${target}/api/v1/ready`, { mode: "no-cors" });
    found.post = await read(eventsUrl, { method: "POST", body: event, headers: { "Content-Type": "application/json" } });
    found.postText = await read(eventsUrl, { method: "POST", body: event, mode: "no-cors" });
    found.postBlob = await read(eventsUrl, {
      method: "POST", mode: "no-cors", body: new Blob([event], { type: "application/json" }),
    });
    found.delete = await read(`${target}/api/v1/journal`, { method: "DELETE" });
    const load = (name, url) => new Promise((resolve) => {
      const element = document.createElement(name);
      element.onload = () => resolve("loaded");
      element.onerror = () => resolve("error");
      element.src = url;
      document.body.append(element);
    });
    found.script = await load("script", `${target}/dashboard/api.js`);
    found.picture = await load("img", `${target}/dashboard/icon.svg`);
    found.style = await new Promise((resolve) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.onload = () => resolve("loaded");
      link.onerror = () => resolve("error");
      link.href = `${target}/dashboard/theme.css`;
      document.body.append(link);
    });
    found.feed = await new Promise((resolve) => {
      const feed = new EventSource(`${target}/api/v1/journal/follow?since=1`);
      feed.onmessage = (message) => resolve(message.data);
      feed.onopen = () => resolve("opened");
      feed.onerror = () => {
        feed.close();
        resolve("error");
      };
    });
    return found;
  }, { target, eventsUrl });
}

const result = {};
const page = await context.newPage();
await page.goto(foreign);
result.foreign = await attempts(page, control, events);

// A frame: the browser must not show the dashboard in it.
await page.evaluate((url) => {
  const frame = document.createElement("iframe");
  frame.src = url;
  document.body.append(frame);
  return new Promise((resolve) => {
    frame.onload = resolve;
  });
}, `${control}/`);
const frame = page.frames().find((it) => it !== page.mainFrame());
result.frame = await frame.evaluate(() => Boolean(document.getElementById("nav"))).catch(() => false);

// A form, whose fields make JSON of the form's text/plain.
const form = await context.newPage();
await form.goto(foreign);
const [answer] = await Promise.all([
  form.waitForResponse((it) => it.url() === events),
  form.evaluate((url) => {
    const element = document.createElement("form");
    element.method = "POST";
    element.action = url;
    element.enctype = "text/plain";
    const field = document.createElement("input");
    field.name = '{"disable-user": {"user": "alice"}, "x": "';
    field.value = '"}';
    element.append(field);
    document.body.append(element);
    element.submit();
  }, events),
]);
result.form = answer.status();

// A link is a person's own doing.
const link = await context.newPage();
await link.goto(foreign);
await link.evaluate((url) => {
  const element = document.createElement("a");
  element.href = url;
  document.body.append(element);
  element.click();
}, `${control}/`);
await link.waitForSelector("#nav a");
result.link = await link.title();

// The name of another host that leads to loopback.
const rebound = await context.newPage();
const rebinding = `http://rebound.example:${port}`;
result.reboundPage = (await rebound.goto(`${rebinding}/`)).status();
result.rebound = await attempts(rebound, rebinding, events.replace(control, rebinding));

/** A request with a Host of one's own. */
const withHost = (host, method = "GET", path = "/api/v1/ready", body = "") => new Promise((resolve, reject) => {
  const asked = request({
    host: "127.0.0.1", port, path, method,
    headers: { Host: host, "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) },
  }, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  asked.on("error", reject);
  asked.end(body);
});
const path = new URL(events).pathname;
const event = JSON.stringify({ "disable-user": { user: "alice" } });
result.hosts = {};
for (const host of ["rebound.example", `rebound.example:${port}`, "127.0.0.1.example", `127.0.0.1:${Number(port) + 1}`, "localhost"]) {
  result.hosts[host] = [await withHost(host), await withHost(host, "POST", path, event)];
}
result.own = await withHost(`localhost:${port}`);

const own = async (it) => (await fetch(`${control}/api/v1${it}`)).json();
result.alice = (await own(`/tenants/${tenant.id}/users/alice`)).enabled;
result.happened = (await own("/journal")).filter((it) => it.kind === "event");
await browser.close();
server.close();
console.log(JSON.stringify(result));
