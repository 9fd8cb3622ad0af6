// Requests that an administrator consents, and what is consented.

import { get } from "./api.js";
import { empty, facts, fill, h, heading, soon } from "./dom.js";
import { appName, grantedTo, listen, of, userName } from "./store.js";
import { moment, relative } from "./clock.js";
import { eventButton, formButton } from "./event-form.js";

export function show(root) {
  const body = h("div", { class: "stack", id: "consent" });
  fill(root,
    heading("Consent", "Where users may not consent themselves, they ask. What you decide here counts at once.",
      formButton("A user asks …", "request-consent", {}, ""), formButton("Grant consent …", "grant-consent", {}, "")),
    body);
  const draw = async () => {
    const [requests, grants] = await Promise.all([get(of("/consent-requests")), get(of("/grants"))]);
    fill(body,
      h("section", { class: "stack", "aria-label": "Requests" }, h("h2", {}, "Requests"),
        requests.length === 0
          ? empty("Nobody asks", "Switch user consent off (Directory, Policies), and connect an app that needs more.")
          : requests.toReversed().map(request)),
      h("section", { class: "stack", "aria-label": "Grants" }, h("h2", {}, "What is consented"), table(grants)));
  };
  void draw();
  const later = soon(draw);
  return listen((what, entry) => what === "entry"
    && (entry.kind !== "exchange" || /consent|authorize/.test(entry.surface)) && later());
}

function request(it) {
  const app = appName(it.client);
  const pending = it.status === "pending";
  const kind = { approved: "good", denied: "bad", blocked: "bad", pending: "fault" }[it.status] ?? "";
  return h("article", { class: "card", "data-request": app },
    h("header", {}, h("h3", {}, app), h("span", { class: `tag ${kind}` }, it.status),
      pending && h("div", { class: "push buttons" },
        eventButton("Approve", "approve-request", { app }),
        eventButton("Deny", "deny-request", { app }),
        eventButton("Block the app", "block-request", { app }, { danger: true }))),
    h("div", { class: "body" }, facts([
      ["Asked by", userName(it.user)],
      ["For", it.scopes.map(([, scopes]) => [...scopes].join(" ")).join(" ")],
      ["Reason", it.reason && h("q", {}, it.reason)],
      ["Made", moment(it.created)],
      ["Expires", `${moment(it.expires)} (${relative(it.expires)})`],
    ])));
}

function table(grants) {
  const rows = [
    ...grants.delegated.map((it) => [it.client, [...it.scopes].join(" "), grantedTo(it) ? userName(grantedTo(it)) : "everybody", grantedTo(it)]),
    ...grants.application.map((it) => [it.client, it.role, "the app itself", null]),
  ];
  if (rows.length === 0) return empty("Nothing is consented", "Each user will be asked.");
  return h("div", { class: "card scroll", tabindex: "0", role: "region", "aria-label": "What is consented" },
    h("table", { class: "stacked" }, h("thead", {}, h("tr", {}, ["App", "Permissions", "For", ""].map((it) => h("th", { scope: "col" },
      it || h("span", { class: "hidden-text" }, "Actions"))))),
    h("tbody", {}, rows.map(([client, scopes, whom, user], index) => h("tr", {},
      h("td", { class: "main-text" }, appName(client)), h("td", {}, scopes), h("td", {}, whom),
      h("td", {}, h("div", { class: "buttons" }, index < grants.delegated.length
        ? eventButton("Withdraw", "revoke-consent", user ? { app: appName(client), user: userName(user) } : { app: appName(client) }, { danger: true })
        : eventButton("Take away", "revoke-app-role", { app: appName(client), role: scopes }, { danger: true }))))))));
}
