// What is in an entry of the journal.

import { constant } from "./api.js";
import { copyButton, facts, fill, h } from "./dom.js";
import { appName, tenantName, userName } from "./store.js";
import { moment } from "./clock.js";
import { tokenBySight } from "./tokens.js";

/** A change in two parts: its name, and the rest. */
export function describeEntry(entry) {
  if (entry.kind === "event") {
    const [[name, fields]] = Object.entries(entry.event);
    const by = entry.fault ? ` (by fault ${entry.fault})` : "";
    return [name, words(fields) + by];
  }
  if (entry.kind === "clock") {
    const { change } = entry;
    const name = change.advance ? `advanced by ${change.advance}` : change.freeze ? "frozen" : "back to real time";
    return [name, `now ${moment(entry.tenant_time)}`];
  }
  const { change } = entry;
  if (entry.kind === "state") {
    return [change.reset ? "the world returned to its beginning" : "a state was imported", ""];
  }
  if (change.set) return [`fault ${change.set.number} set`, describeFault(change.set.fault)];
  if (change.removed) return [`fault ${change.removed.number} removed`, ""];
  return ["all faults cleared", ""];
}

/** Fields in a line: `user alice, by admin`. */
export function words(fields) {
  return Object.entries(fields ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
}

/** A fault in a line: what it does, to what, when. */
export function describeFault(fault) {
  const action = typeof fault.do === "string" ? fault.do : Object.entries(fault.do)
    .map(([name, value]) => `${name} ${typeof value === "object" ? words(value) : value}`.trim()).join(", ");
  const { surface, ...rest } = fault.on ?? {};
  const where = [surface && [surface].flat().join(" and "), words(rest)].filter(Boolean).join(", ") || "everything";
  const when = fault.when ? `, ${words(fault.when).replace("{", "").replace("}", "").replaceAll('"', "")}` : "";
  return `${action} · on ${where}${when}`;
}

/** How much of a request of Graph the mock does. */
const LEVELS = {
  modelled: "modelled: by behaviour of its own",
  generic: "generic: from state, types and permissions",
  unsupported: "unsupported: Graph has it, the mock does not",
  absent: "absent: v1.0 does not have it in this cloud",
};

/** Fills a panel with an entry. */
export function showEntry(root, entry, close) {
  const change = entry.kind !== "exchange";
  const title = change ? describeEntry(entry)[0] : `${entry.method} ${entry.path || entry.origin}`;
  fill(root,
    h("header", {},
      h("div", {}, h("p", { class: "soft" }, `#${entry.number} · ${change ? entry.kind : entry.surface}`),
        h("h2", { class: change ? "" : "mono" }, title)),
      h("button", { class: "button quiet", type: "button", id: "close-detail", "aria-label": "Close the details", onclick: close }, "✕")),
    h("div", { class: "body stack" }, change ? changeParts(entry) : exchangeParts(entry)));
  root.scrollTop = 0;
}

function changeParts(entry) {
  const what = entry.kind === "event" ? entry.event : entry.change;
  return [
    facts([
      ["Tenant", tenantName(entry.tenant)],
      ["Tenant's time", moment(entry.tenant_time)],
      ["Real time", moment(entry.at)],
      ["Made by", entry.fault && h("a", { href: "#/faults" }, `fault ${entry.fault}`)],
    ]),
    h("pre", { tabindex: "0" }, JSON.stringify(what, null, 2)),
  ];
}

function exchangeParts(entry) {
  const refused = entry.status >= 400 || entry.error;
  return [
    h("div", { class: "outcome" },
      h("span", { class: `status s${Math.floor(entry.status / 100)}` }, entry.status || "–"),
      entry.error && h("b", {}, entry.error),
      h("span", { class: "soft number" }, `${(entry.elapsed_micros / 1000).toFixed(1)} ms`)),
    entry.fault && h("div", { class: "callout fault" }, h("b", {}, "A fault touched this exchange"),
      h("a", { href: "#/faults" }, entry.fault)),
    entry.decision && h("div", { class: `callout ${refused ? "bad" : "good"}` }, h("b", {}, "Why"), entry.decision),
    entry.aadsts.map((code) => codeMeaning(code, Boolean(entry.decision))),
    entry.unsupported && h("div", { class: "callout fault" }, h("b", {}, "The mock does not do this"), entry.unsupported),
    facts([
      ["To", h("span", { class: "mono" }, entry.origin)],
      ["Endpoint", entry.endpoint],
      ["Level", entry.level && LEVELS[entry.level]],
      ["Grant", entry.grant],
      ["Client", entry.client && named(appName(entry.client), entry.client)],
      ["User", entry.user && named(userName(entry.user), entry.user)],
      ["Tenant", entry.tenant && tenantName(entry.tenant)],
      ["Environment", entry.environment],
      ["Tenant's time", entry.tenant_time && moment(entry.tenant_time)],
      ["Real time", moment(entry.at)],
      ["Connection", `${entry.connection}${entry.via ? `, by ${entry.via}` : ""}`],
    ]),
    entry.tokens.length > 0 && h("section", { class: "stack" }, h("h3", {}, "Tokens"),
      entry.tokens.map((use, index) => tokenUse(entry, use, index))),
    half("Request", entry.query, entry.request_headers, entry.form, entry.request_body),
    half("Answer", [], entry.response_headers, [], entry.response_body),
  ];
}

function named(name, id) {
  return name === id ? h("span", { class: "mono" }, id) : [name, " ", h("span", { class: "soft mono" }, id)];
}

/** An AADSTS code with its meaning; without the service's words where they stand beside it. */
export function codeMeaning(code, short = false) {
  const box = h("div", { class: "callout bad" }, h("b", {}, `AADSTS${code}`));
  constant(`/aadsts/${code}`).then((it) => {
    fill(box, h("b", {}, `AADSTS${code}${it.name ? ` · ${it.name}` : ""}`),
      !short && h("p", {}, it.text), h("p", {}, it.advice), h("p", { class: "soft" }, it.source));
  }, () => box.append("No document that the mock knows has this code."));
  return box;
}

function tokenUse(entry, use, index) {
  const names = {
    access: "Access token", assertion: "Assertion", code: "Authorization code", "device-code": "Device code",
    id: "ID token", refresh: "Refresh token",
  };
  const where = use.generation ? `, number ${use.generation} of its family` : "";
  const box = h("div", {});
  return h("details", {
    class: "token", id: `token-${entry.number}-${index}`,
    ontoggle: (event) => {
      if (event.target.open && !box.hasChildNodes()) tokenBySight(box, use.fingerprint);
    },
  }, h("summary", {}, names[use.kind] ?? use.kind, " ",
    h("span", { class: "soft" }, `${use.direction}${where} · `, h("span", { class: "mono" }, use.fingerprint))), box);
}

function half(title, query, headers, form, body) {
  const text = typeof body === "string" ? body : JSON.stringify(body, null, 2);
  return h("section", { class: "stack half" }, h("h3", {}, title),
    query.length > 0 && pairs("Query", query),
    form.length > 0 && pairs("Form", form),
    body !== null && body !== undefined && h("div", { class: "with-copy" }, copyButton(text, "Copy", `Copy the ${title.toLowerCase()}`),
      h("pre", { class: "wrap", tabindex: "0" }, text)),
    h("details", {}, h("summary", {}, `Headers `, h("span", { class: "soft" }, headers.length)), pairs(null, headers)));
}

function pairs(title, list) {
  return h("div", {}, title && h("p", { class: "soft" }, title),
    h("dl", { class: "facts mono" }, list.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
