// Exchanges as arrows between connector, authority and Graph.

import { fill, h } from "./dom.js";
import { appName, userName } from "./store.js";
import { timeOfDay } from "./clock.js";
import { describeEntry } from "./exchange.js";
import { isRefusal, laneOf, shortPath } from "./journal.js";

/** Draws entries from the oldest to the newest. */
export function drawSequence(root, entries, select) {
  const before = root.querySelector(".sequence");
  const atEnd = !before || innerHeight + scrollY >= document.body.scrollHeight - 60;
  fill(root, h("div", { class: "sequence" },
    h("div", { class: "lanes", "aria-hidden": "true" },
      h("span", {}, "Connector"), h("span", { class: "authority" }, "Authority"), h("span", { class: "graph" }, "Graph")),
    h("ol", { "aria-label": "Exchanges, oldest first" }, entries.map((entry) => h("li", {}, step(entry, select))))));
  if (atEnd && before) scrollTo(0, document.body.scrollHeight);
}

function step(entry, select) {
  const attributes = { type: "button", "data-number": entry.number, id: `step-${entry.number}`, onclick: () => select(entry) };
  const time = h("time", { datetime: entry.at }, timeOfDay(entry.at).slice(0, 8));
  if (entry.kind !== "exchange") {
    const [name, text] = describeEntry(entry);
    return h("button", { ...attributes, class: `step note ${entry.kind}` }, time,
      h("span", { class: "track" }, h("span", { class: "flag" }, h("b", {}, name), " ", text)));
  }
  const refused = isRefusal(entry);
  const lane = laneOf(entry) || "nowhere";
  const answer = [entry.status || "no answer", entry.error, ...entry.aadsts.map((it) => `AADSTS${it}`)].filter(Boolean);
  const who = [entry.client && appName(entry.client), entry.user && userName(entry.user)].filter(Boolean).join(" · ");
  return h("button", { ...attributes, class: `step ${lane} ${refused ? "refused" : ""} ${entry.fault ? "faulty" : ""}` }, time,
    h("span", { class: "track" },
      h("span", { class: "ask" }, h("b", {}, asked(entry)), who && h("span", { class: "soft" }, ` ${who}`)),
      h("span", { class: "arrow there" }), h("span", { class: "arrow back" }),
      h("span", { class: "answer" }, answer.join(" · "),
        entry.fault && h("span", { class: "tag fault" }, entry.fault))));
}

function asked(entry) {
  if (entry.surface === "token") return `POST token${entry.grant ? ` (${entry.grant})` : ""}`;
  const path = entry.endpoint?.startsWith(entry.method) ? entry.endpoint : `${entry.method} ${shortPath(entry)}`;
  return path.length > 76 ? `${path.slice(0, 75)}…` : path;
}
