// The tenant's time.

import { post } from "./api.js";
import { facts, fill, h, heading, toast } from "./dom.js";
import { listen, loadClock, of, store, tenant, tenantNow } from "./store.js";

/** A moment as people read it, in UTC. */
export function moment(date) {
  const at = date instanceof Date ? date : new Date(date);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString().replace("T", " ").slice(0, 19);
}

/** The time of day of a moment, in UTC, with milliseconds. */
export function timeOfDay(text) {
  return new Date(text).toISOString().slice(11, 23);
}

/** An amount of seconds in its two largest units: `91d 2h`. */
export function span(seconds) {
  const units = [["d", 86_400], ["h", 3600], ["m", 60], ["s", 1]];
  let rest = Math.abs(Math.round(seconds));
  const parts = [];
  for (const [unit, size] of units) {
    const number = Math.floor(rest / size);
    rest -= number * size;
    if (number > 0) parts.push(`${number}${unit}`);
  }
  return parts.slice(0, 2).join(" ") || "0s";
}

/** How far a clock is from real time; empty where it is not. */
export function ahead(seconds) {
  if (!seconds || Math.abs(seconds) < 2) return "";
  return `${seconds > 0 ? "+" : "−"}${span(seconds)}`;
}

/** How long ago, or from now, by the tenant's time. */
export function relative(text) {
  const seconds = (new Date(text) - tenantNow()) / 1000;
  return seconds >= 0 ? `in ${span(seconds)}` : `${span(seconds)} ago`;
}

const PRESETS = [
  ["5m", "5 minutes", "A device code or a retry"],
  ["61m", "61 minutes", "A default access token may have expired"],
  ["91m", "91 minutes", "Every default access token has expired; with continuous access evaluation (cp1), tokens live for up to 28 hours"],
  ["25h", "25 hours", "Refresh tokens of single-page apps have expired"],
  ["91d", "91 days", "Unused refresh tokens have expired"],
  ["730d", "2 years", "Secrets and certificates have expired"],
];

/** Moves the tenant's time. */
export async function moveClock(change, done) {
  await post(of("/clock"), change);
  await loadClock();
  toast(done, `${tenant().tenant.domain} is at ${moment(tenantNow())} UTC`);
}

export function show(root) {
  const time = h("p", { class: "big-time number", id: "big-time" });
  const state = h("div", { id: "clock-state" });
  const amount = h("input", {
    id: "amount", name: "amount", placeholder: "90d, 61m, 1h 30m", autocomplete: "off", required: true,
  });
  const advance = (by) => moveClock({ advance: by }, `Advanced by ${by}`);
  fill(root,
    heading("Clock", "Each tenant has a time of its own. Tokens, secrets and policies live by it: "
      + "a refresh token that dies after 90 days dies now, if you say so."),
    h("div", { class: "stack" },
      h("section", { class: "card" }, h("div", { class: "body clock-face" },
        h("div", {}, time, state),
        h("div", { class: "buttons" },
          h("button", { class: "button", id: "freeze", type: "button",
            onclick: () => moveClock({ freeze: {} }, "The clock stands still") }, "Freeze"),
          h("button", { class: "button", id: "reset-clock", type: "button",
            onclick: () => moveClock({ reset: {} }, "Back to real time") }, "Back to real time")))),
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "Advance")),
        h("div", { class: "body stack" },
          h("div", { class: "presets" }, PRESETS.map(([by, name, text]) =>
            h("button", { class: "preset", type: "button", "data-by": by, onclick: () => advance(by) },
              h("b", {}, name), h("small", {}, text)))),
          h("form", {
            class: "tools", id: "advance",
            onsubmit: (event) => {
              event.preventDefault();
              void advance(amount.value.trim());
            },
          }, h("label", { for: "amount" }, "By"), amount,
          h("button", { class: "button primary" }, "Advance"))))));

  const draw = () => {
    if (!store.clock) return;
    time.textContent = `${moment(tenantNow())} UTC`;
    const offset = ahead(store.clock.ahead);
    fill(state, facts([
      ["Compared with real time", offset || "the same"],
      ["State", store.clock.frozen ? "stands still" : "runs"],
    ]));
  };
  draw();
  const timer = setInterval(draw, 1000);
  const stop = listen((what) => what === "clock" && draw());
  return () => {
    clearInterval(timer);
    stop();
  };
}
