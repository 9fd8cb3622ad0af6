// Who is signed in with which client, and what would happen to the refresh token now.

import { get } from "./api.js";
import { empty, fill, h, heading, soon } from "./dom.js";
import { listen, of } from "./store.js";
import { moment, relative } from "./clock.js";
import { eventButton } from "./event-form.js";
import { codeMeaning } from "./exchange.js";
import { explained } from "./tokens.js";

export function show(root) {
  const body = h("div", { class: "stack", id: "connections" });
  fill(root,
    heading("Connections", "Every sign-in that has a refresh token, and what the token endpoint would say to it now. "
      + "Let something happen, and look at what it does."),
    body);
  const draw = async () => {
    const all = await get(of("/connections"));
    fill(body, all.length === 0
      ? empty("Nobody is connected", "A sign-in with offline_access appears here, as soon as its code is redeemed.")
      : all.toReversed().map(card));
  };
  void draw();
  const later = soon(draw);
  const timer = setInterval(draw, 15_000);
  const stop = listen((what, entry) => {
    const counts = what === "entry" && (entry.kind !== "exchange" || entry.surface === "token");
    if (counts || what === "clock" || what === "entries") later();
  });
  return () => {
    clearInterval(timer);
    stop();
  };
}

function card(it) {
  const { verdict, refresh_token: token } = it;
  const user = it.user?.upn ?? it.user?.id ?? "";
  const app = it.client?.alias ?? it.client?.client_id ?? "";
  const family = token.sign_in.family;
  return h("article", { class: "card connection", "data-user": user, "data-valid": String(verdict.valid) },
    h("header", {},
      h("span", { class: `signal ${verdict.valid ? "good" : "bad"}`, "aria-hidden": "true" }),
      h("div", {}, h("h2", {}, user), h("p", { class: "soft" }, app)),
      h("span", { class: `tag ${verdict.valid ? "good" : "bad"}` }, verdict.valid ? "works" : "broken"),
      h("div", { class: "push buttons" },
        eventButton("Revoke sessions", "revoke-sessions", { user, by: "admin" }),
        eventButton("Withdraw consent", "revoke-consent", { app }))),
    h("div", { class: "body stack" },
      h("p", {}, h("b", {}, "If it is presented now: "), verdict.reason),
      verdict.aadsts && codeMeaning(verdict.aadsts, true),
      h("p", { class: "soft number" }, `${refreshed(token.generation - 1)} · issued ${moment(it.issued)} · `,
        it.expires ? `unused, it dies ${relative(it.expires)}` : "", ` · ${[...token.scopes].join(" ")}`),
      h("details", { id: `connection-${family}` }, h("summary", {}, "What it carries"),
        explained({ ...it, kind: "refresh-token", contents: token }))));
}

const refreshed = (count) => ["Never refreshed", "Refreshed once"][count] ?? `Refreshed ${count} times`;
