// The journal as it is written: a list or a sequence, with filters, and what is in each exchange.

import { get, post, remove } from "./api.js";
import { empty, fill, h, heading, soon, toast } from "./dom.js";
import { appName, forgetEntries, listen, of, store, tenant, tenantName, userName } from "./store.js";
import { timeOfDay } from "./clock.js";
import { describeEntry, showEntry } from "./exchange.js";
import { drawSequence } from "./sequence.js";

/** So many entries are drawn at first, and so many more at each press of "Show more". */
const STEP = 300;
const SURFACES = [
  ["", "All surfaces"], ["authorize", "Sign-in pages"], ["token", "Token endpoint"], ["graph", "Graph"],
  ["discovery", "Discovery"], ["keys", "Keys"], ["device-code", "Device code"], ["admin-consent", "Admin consent"],
  ["logout", "Logout"], ["proxy", "Foreign hosts"], ["tls", "TLS"], ["changes", "Events, faults, clock"],
];

/** What stays when one goes to another view and comes back. */
const wanted = {
  mode: "list", everywhere: false, surface: "", client: "", text: "", refusals: false, paused: false, selected: 0,
};
let frozen = null;
let shown = STEP;

export function show(root, [number]) {
  if (number) wanted.selected = Number(number);
  const main = h("div", { class: "journal-main" });
  const detail = h("section", { class: "journal-detail", id: "detail", "aria-label": "Details", hidden: true });
  const note = h("p", { class: "soft", id: "journal-note", role: "status" });
  const pause = h("button", { class: "button", id: "pause", type: "button", onclick: togglePause });
  const modes = ["list", "sequence"].map((mode) => h("button", {
    type: "button", id: `mode-${mode}`,
    onclick: () => {
      wanted.mode = mode;
      draw();
    },
  }, mode === "list" ? "List" : "Sequence"));
  const more = h("button", { class: "button", id: "show-more", type: "button", hidden: true, onclick: () => {
    shown += STEP;
    draw();
  } });
  const client = h("select", { id: "client", "aria-label": "Client", onchange: change("client") });
  const text = h("input", {
    id: "search", type: "search", placeholder: "Path, user, error, AADSTS …", "aria-label": "Search the journal",
    value: wanted.text, oninput: change("text"),
  });
  fill(root,
    heading("Journal", null,
      h("div", { class: "segments", role: "group", "aria-label": "Form" }, modes),
      h("button", {
        class: "button", id: "demo", type: "button", onclick: demo,
        title: "A small client signs alice in and reads her mail, at the real endpoints",
      }, "Demo: read mail as alice"),
      pause,
      h("button", { class: "button", id: "clear-journal", type: "button", onclick: clear }, "Clear")),
    h("div", { class: "tools" },
      h("select", { id: "scope", "aria-label": "Tenant", onchange: (event) => {
        wanted.everywhere = event.target.value === "all";
        draw();
      } }, h("option", { value: "one" }, "This tenant"),
      h("option", { value: "all", selected: wanted.everywhere }, "All tenants and hosts")),
      h("select", { id: "surface", "aria-label": "Surface", onchange: change("surface") },
        SURFACES.map(([value, name]) => h("option", { value, selected: value === wanted.surface }, name))),
      client, text,
      h("label", { class: "check" }, h("input", {
        id: "refusals", type: "checkbox", checked: wanted.refusals,
        onchange: (event) => {
          wanted.refusals = event.target.checked;
          draw();
        },
      }), "Refusals only"),
      note),
    h("div", { class: "journal" }, h("div", { class: "journal-list stack" }, main, more), detail));

  function change(name) {
    return (event) => {
      wanted[name] = event.target.value;
      draw();
    };
  }

  function togglePause() {
    wanted.paused = !wanted.paused;
    frozen = wanted.paused ? [...store.entries] : null;
    draw();
  }

  async function demo(event) {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      const { user, requests, subjects } = await post(of("/demo"));
      const refused = requests.find((it) => it.refused);
      if (refused) toast(`${user} was refused`, refused.refused, "bad");
      else toast(`${user} signed in and read ${subjects.length} messages`, `“${subjects[0] ?? ""}”`);
    } catch (error) {
      toast(error.title ?? "Nothing to demonstrate", error.message, "bad");
    } finally {
      button.disabled = false;
    }
  }

  async function clear() {
    await remove("/journal");
    frozen = wanted.paused ? [] : null;
    forgetEntries();
    toast("The journal is empty");
  }

  function select(entry) {
    wanted.selected = entry.number;
    for (const it of main.querySelectorAll("[aria-current]")) it.removeAttribute("aria-current");
    main.querySelector(`[data-number="${entry.number}"]`)?.setAttribute("aria-current", "true");
    detail.hidden = false;
    detail.parentElement.classList.add("split");
    showEntry(detail, entry, close);
  }

  function close() {
    const button = main.querySelector(`[data-number="${wanted.selected}"]`);
    wanted.selected = 0;
    detail.hidden = true;
    detail.parentElement.classList.remove("split");
    button?.removeAttribute("aria-current");
    button?.focus();
  }

  function drawClients(entries) {
    const all = new Set(entries.map((it) => it.client).filter(Boolean));
    if (wanted.client) all.add(wanted.client);
    fill(client, h("option", { value: "" }, "All clients"),
      [...all].map((id) => h("option", { value: id }, appName(id))));
    client.value = wanted.client;
  }

  function draw() {
    const all = frozen ?? store.entries;
    const inScope = all.filter((it) => wanted.everywhere || it.tenant === tenant().tenant.id);
    const entries = inScope.filter(fits);
    modes.forEach((button) => button.setAttribute("aria-pressed", String(button.id === `mode-${wanted.mode}`)));
    pause.setAttribute("aria-pressed", String(wanted.paused));
    pause.textContent = wanted.paused ? `Continue (${Math.max(0, store.entries.length - frozen.length)} new)` : "Pause";
    drawClients(inScope);
    const drawn = Math.min(shown, entries.length);
    note.textContent = (entries.length === inScope.length
      ? `${entries.length} entries`
      : `${entries.length} of ${inScope.length} entries`)
      + (drawn < entries.length ? `, the newest ${drawn} are shown` : "");
    more.hidden = drawn === entries.length;
    more.textContent = `Show ${Math.min(STEP, entries.length - drawn)} more`;
    if (entries.length === 0) {
      main.replaceChildren(inScope.length > 0
        ? empty("Nothing fits the filter", "Take a word away, or look at all surfaces.")
        : empty("Nothing has asked yet",
          "Requests of your connector appear here as they happen; “Demo” above makes some. In its shell:",
          `eval "$(entra-mock env --control ${location.origin})"`));
    } else if (wanted.mode === "list") {
      drawList(main, entries.slice(-shown), select);
    } else {
      drawSequence(main, entries.slice(-shown), select);
    }
    const selected = all.find((it) => it.number === wanted.selected);
    if (selected && detail.hidden) select(selected);
    else main.querySelector(`[data-number="${wanted.selected}"]`)?.setAttribute("aria-current", "true");
  }

  main.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey) return;
    const rows = [...main.querySelectorAll("[data-number]")];
    const next = rows[rows.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
  // Wherever the focus is: an entry is chosen in the list, which keeps it.
  const escape = (event) => {
    if (event.key === "Escape" && !detail.hidden && !document.querySelector("dialog[open]")) close();
  };
  document.addEventListener("keydown", escape);

  draw();
  if (wanted.selected && !store.entries.some((it) => it.number === wanted.selected)) {
    void showKept(wanted.selected, select);
  }
  const later = soon(draw, 80);
  const stop = listen((what) => {
    if (what === "entries") draw();
    else if (what === "entry" || what === "tenants") later();
  });
  return () => {
    document.removeEventListener("keydown", escape);
    stop();
  };
}

/** An entry that an address names and that did not arrive yet. */
async function showKept(number, select) {
  const [entry] = await get(`/journal?since=${number - 1}`);
  if (entry?.number === number) select(entry);
}

function fits(entry) {
  const isExchange = entry.kind === "exchange";
  if (wanted.surface === "changes" ? isExchange : wanted.surface && entry.surface !== wanted.surface) return false;
  if (wanted.client && entry.client !== wanted.client) return false;
  if (wanted.refusals && !(isExchange && isRefusal(entry))) return false;
  if (!wanted.text) return true;
  return words(entry).includes(wanted.text.toLowerCase());
}

/** Whether an exchange did not give what was asked for. */
export function isRefusal(entry) {
  return entry.status >= 400 || Boolean(entry.error) || entry.aadsts.length > 0;
}

function words(entry) {
  const text = entry.kind === "exchange"
    ? [entry.method, entry.origin + entry.path, entry.endpoint, entry.status, entry.error, entry.grant, entry.decision,
      entry.fault, entry.aadsts.map((it) => `AADSTS${it}`).join(" "), appName(entry.client), userName(entry.user),
      entry.client, entry.user, ...entry.request_headers.flat()]
    : [describeEntry(entry).join(" ")];
  return text.join(" ").toLowerCase();
}

function drawList(root, entries, select) {
  const rows = new Map([...root.querySelectorAll(".log > li")].map((it) => [it.firstChild.dataset.number, it]));
  const list = root.querySelector(".log") ?? h("ol", { class: "log", "aria-label": "Entries, newest first" });
  const first = rows.size === 0;
  const wantedRows = entries.toReversed().map((entry) => {
    const kept = rows.get(String(entry.number));
    return kept ?? h("li", { class: first ? "" : "fresh" }, row(entry, select));
  });
  // Rows that stay are left alone, so that focus and reading place stay, too.
  const stay = new Set(wantedRows);
  for (const it of rows.values()) if (!stay.has(it)) it.remove();
  wantedRows.forEach((it, index) => {
    if (list.children[index] !== it) list.insertBefore(it, list.children[index] ?? null);
  });
  if (list.parentElement !== root) root.replaceChildren(list);
}

function row(entry, select) {
  const attributes = { type: "button", "data-number": entry.number, onclick: () => select(entry) };
  const time = h("time", { datetime: entry.at }, timeOfDay(entry.at));
  if (entry.kind !== "exchange") {
    const [name, text] = describeEntry(entry);
    return h("button", { ...attributes, class: `entry change ${entry.kind}` }, time,
      h("span", { class: `tag ${entry.kind === "fault" ? "fault" : "event"}` }, entry.kind),
      h("span", { class: "what" }, h("b", {}, name), " ", h("span", { class: "soft" }, text)),
      h("span", { class: "end soft" }, wanted.everywhere && tenantName(entry.tenant)));
  }
  const who = [entry.client && appName(entry.client), entry.user && userName(entry.user)].filter(Boolean).join(" · ");
  return h("button", { ...attributes, class: `entry ${isRefusal(entry) ? "refused" : ""}` }, time,
    h("span", { class: `tag ${laneOf(entry)}` }, entry.surface),
    h("span", { class: "what" },
      h("b", {}, entry.method), " ", h("span", { class: "path" }, shortPath(entry)),
      entry.grant && h("span", { class: "soft" }, ` ${entry.grant}`)),
    h("span", { class: "end" },
      who && h("span", { class: "soft who" }, who),
      entry.fault && h("span", { class: "tag fault" }, entry.fault),
      (entry.error || entry.aadsts.length > 0) && h("span", { class: "code" },
        entry.aadsts.length > 0 ? `AADSTS${entry.aadsts[0]}` : entry.error),
      h("span", { class: `status s${Math.floor(entry.status / 100)}` }, entry.status || "–")));
}

/** The path, with the tenant's domain in place of its id. */
export function shortPath(entry) {
  const path = entry.path || entry.origin;
  return entry.tenant ? path.replace(entry.tenant, tenantName(entry.tenant)) : path;
}

/** Where an exchange went: to the authority, to Graph, or elsewhere. */
export function laneOf(entry) {
  if (entry.surface === "graph") return "graph";
  return entry.surface === "proxy" ? "" : "authority";
}
