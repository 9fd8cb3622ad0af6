// The scenario that the mock plays in the tenant: how far it is, and a way to load one.

import { get, post, remove } from "./api.js";
import { fill, h, toast } from "./dom.js";
import { of, tenant } from "./store.js";

const STATES = { done: "good", ended: "good", failed: "bad", waiting: "fault" };

/** How often it is looked at: a shell that loads a scenario or passes over a step leaves no entry in the journal. */
const EVERY = 1000;

/** Shows it for as long as the function that comes back is not called. */
export function showPlayer(root) {
  let drawn = "";
  let looked = 0;
  // One for all times: it may be in use while the rest is drawn anew.
  const file = h("input", { type: "file", id: "scenario-file", accept: ".yaml,.yml", onchange: load });

  async function load() {
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      const loaded = await post(of("/scenario"), { yaml: await chosen.text() });
      toast("The scenario is played", loaded.title);
      await draw();
    } finally {
      // The same file can be chosen again after it was corrected.
      file.value = "";
    }
  }

  async function draw() {
    looked += 1;
    const look = looked;
    // Where none is loaded, there is none to ask for.
    const { scenarios } = await get("/health");
    const playing = scenarios.includes(tenant().tenant.id) ? await get(of("/scenario")) : {};
    const text = JSON.stringify(playing);
    if (look !== looked || text === drawn) return;
    drawn = text;
    fill(root, card(playing, file, draw));
  }

  void draw();
  const timer = setInterval(() => {
    // The bar tells that the mock does not answer.
    if (!document.hidden) draw().catch(() => {});
  }, EVERY);
  return () => clearInterval(timer);
}

function card(playing, file, draw) {
  const ended = playing.state === "ended";
  return h("section", { class: "card", id: "player" },
    h("header", {}, h("h2", {}, playing.title ?? "Play a scenario"),
      playing.state && h("span", { class: `tag ${STATES[playing.state] ?? ""}` }, playing.state),
      h("div", { class: "push buttons" },
        ["waiting", "failed"].includes(playing.state) && h("button", {
          class: "button small", id: "next-step", type: "button", onclick: async () => {
            await post(of("/scenario/next"));
            await draw();
          },
        }, playing.state === "failed" ? "Go on after this step" : "Pass over this step"),
        playing.title && h("button", {
          class: `button small ${ended ? "" : "danger"}`, id: "stop-scenario", type: "button", onclick: async () => {
            await remove(of("/scenario"));
            await draw();
          },
        }, ended ? "Put away" : "Stop"),
        h("label", { class: "button small", for: "scenario-file" }, "Open a file …"), h("span", { class: "hidden-text" }, file))),
    playing.title && h("div", { class: "body stack" },
      playing.waiting_for && h("div", { class: "callout fault" }, h("b", {}, playing.state === "failed" ? "It stops here" : "Waits"), playing.waiting_for),
      h("ol", { class: "plain" }, (playing.steps ?? []).map(step))));
}

/** A step as the terminal tells it: its number, who does it, and the exchanges that did it. */
function step(it) {
  return h("li", {},
    h("span", { class: `tag ${STATES[it.state] ?? ""}` }, it.state.replaceAll("-", " ")), " ",
    h("span", { class: "number" }, `${it.number}.`), " ", h("span", { class: "soft" }, it.by), " ",
    h("span", { class: "mono" }, it.text),
    (it.exchanges ?? []).map((number) => [" ", h("a", { href: `#/journal/${number}` }, `#${number}`)]),
    it.detail && h("p", { class: "soft" }, it.detail));
}
