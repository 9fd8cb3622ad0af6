// Starts the dashboard: navigation, the bar with tenant and time, and the view that the address names.

import { constant, get } from "./api.js";
import { h, fill, icon, soon, toast } from "./dom.js";
import { follow, listen, of, selectTenant, store, tenant, tenantNow } from "./store.js";
import { ahead, moment } from "./clock.js";
import * as clock from "./clock.js";
import * as connections from "./connections.js";
import * as consent from "./consent.js";
import * as directory from "./directory.js";
import * as faults from "./faults.js";
import * as journal from "./journal.js";
import * as recording from "./recording.js";
import * as tenants from "./tenants.js";
import * as tokens from "./tokens.js";

const VIEWS = [
  ["journal", "Journal", journal],
  ["directory", "Directory", directory],
  ["consent", "Consent", consent],
  ["connections", "Connections", connections],
  ["tokens", "Tokens", tokens],
  ["faults", "Faults", faults],
  ["clock", "Clock", clock],
  ["scenario", "Scenario", recording],
  ["tenants", "Tenants", tenants],
];

const view = document.getElementById("view");
const counts = {};
let leave = () => {};
let shown = "";

function route() {
  const [, name = "", ...rest] = location.hash.split("/");
  const found = VIEWS.find(([it]) => it === name) ?? VIEWS[0];
  return { name: found[0], title: found[1], module: found[2], rest };
}

function show(moveFocus) {
  if (!tenant()) return;
  leave();
  document.getElementById("toasts").querySelectorAll(".bad").forEach((it) => it.remove());
  const { name, title, module, rest } = route();
  document.title = `${title} · ${tenant().tenant.domain} · entra-mock`;
  drawNavigation();
  view.replaceChildren();
  leave = module.show(view, rest) ?? (() => {});
  if (moveFocus && shown !== name) {
    view.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  shown = name;
}

function drawNavigation() {
  const { name } = route();
  fill(document.getElementById("nav"), h("ul", {}, VIEWS.map(([id, title]) => h("li", {},
    h("a", { href: `#/${id}`, id: `to-${id}`, "aria-current": id === name && "page" },
      icon(id), h("span", {}, title),
      counts[id] > 0 && h("span", { class: id === "faults" || id === "consent" ? "count alert" : "count" },
        counts[id], h("span", { class: "hidden-text" }, id === "faults" ? " set" : " waiting")))))));
  // Where the views stand in a row, the one that is shown is in sight.
  const nav = document.getElementById("nav");
  nav.scrollLeft = document.getElementById(`to-${name}`).offsetLeft - nav.clientWidth / 3;
}

const count = soon(async () => {
  try {
    const [set, requests] = await Promise.all([get(of("/faults")), get(of("/consent-requests"))]);
    counts.faults = set.length;
    counts.consent = requests.filter((it) => it.status === "pending").length;
    drawNavigation();
  } catch {
    // The bar tells that the mock does not answer.
  }
}, 200);

function drawBar() {
  const bar = document.getElementById("bar");
  if (!tenant()) return;
  const environments = Map.groupBy(store.tenants, (it) => it.slug ?? environmentOf(it));
  fill(bar,
    h("div", { class: "tenant" },
      h("label", { for: "tenant", class: "soft" }, "Tenant"),
      h("select", { id: "tenant", onchange: (event) => selectTenant(event.target.value) },
        [...environments].map(([name, all]) => h("optgroup", { label: name },
          all.map((it) => h("option", { value: it.tenant.id, selected: it === tenant() }, it.tenant.domain)))))),
    h("a", { class: "chip push", id: "time", href: "#/clock" }),
    h("span", { class: "chip", id: "live" }),
    h("button", { class: "chip", id: "theme", type: "button", onclick: nextTheme, "aria-label": `Colours: ${themeName()}` },
      icon("theme"), h("span", {}, themeName())));
  document.getElementById("tenant").value = tenant().tenant.id;
  drawTime();
  drawLive();
}

function environmentOf(it) {
  const names = {
    "graph.microsoft.com": "Office 365", "graph.microsoft.us": "US Government L4",
    "dod-graph.microsoft.us": "US Government L5", "microsoftgraph.chinacloudapi.cn": "China",
  };
  return names[it.graph_host] ?? it.graph_host;
}

function drawTime() {
  const chip = document.getElementById("time");
  if (!chip || !store.clock) return;
  const offset = ahead(store.clock.ahead);
  const note = store.clock.frozen ? " · frozen" : offset && ` · ${offset}`;
  chip.classList.toggle("moved", Boolean(note));
  fill(chip, icon("clock"), h("span", { class: "hidden-text" }, "Tenant's time "),
    h("span", {}, `${moment(tenantNow())}${note}`));
}

function drawLive() {
  const chip = document.getElementById("live");
  if (!chip) return;
  chip.classList.toggle("lost", !store.live);
  fill(chip, h("span", { class: store.live ? "dot" : "dot lost" }), store.live ? "Live" : "No connection");
}

const THEMES = ["auto", "light", "dark"];

function theme() {
  const kept = localStorage.getItem("theme");
  return THEMES.includes(kept) ? kept : "auto";
}

function themeName() {
  return { auto: "System", light: "Light", dark: "Dark" }[theme()];
}

function applyTheme() {
  document.documentElement.dataset.theme = theme();
}

function nextTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  localStorage.setItem("theme", next);
  applyTheme();
  drawBar();
  document.getElementById("theme").focus();
}

listen((what, entry) => {
  if (what === "tenants") {
    drawBar();
    if (!shown) show(false);
    void count();
  }
  if (what === "tenant" && shown) {
    drawBar();
    show(false);
    void count();
  }
  if (what === "clock") drawTime();
  if (what === "live") drawLive();
  if (what === "entry" && (entry.kind !== "exchange" || /consent|authorize/.test(entry.surface))) void count();
});

addEventListener("hashchange", () => show(true));
addEventListener("unhandledrejection", (event) => {
  toast(event.reason?.title ?? "Something went wrong", event.reason?.message ?? "", "bad");
  if (event.reason?.title) event.preventDefault();
});
setInterval(drawTime, 1000);
applyTheme();
drawNavigation();
follow();
constant("/health").then((it) => {
  document.getElementById("version").textContent = `Version ${it.version}`;
}, () => {});
