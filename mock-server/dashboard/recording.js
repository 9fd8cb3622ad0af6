// What was clicked and what the connector asked, as a scenario file.

import { constant, get, post, remove } from "./api.js";
import { copyButton, empty, fill, h, heading, soon, toast } from "./dom.js";
import { listen, of, store, tenant } from "./store.js";

const marks = new Map();

/** From which position of the journal a tenant's recording begins. */
function mark() {
  return marks.get(tenant().tenant.id) ?? 0;
}

export function show(root) {
  const body = h("div", { class: "stack", id: "recording" });
  fill(root,
    heading("Scenario", "Everything that happened to the tenant since the mark (events, faults, time) and what the "
      + "connector asked meanwhile, as a file that anybody can replay.",
      h("button", { class: "button", id: "mark", type: "button", onclick: () => {
        marks.set(tenant().tenant.id, store.entries.at(-1)?.number ?? 0);
        toast("The recording begins here");
        void draw();
      } }, "Begin here"),
      h("button", { class: "button quiet", id: "from-beginning", type: "button", onclick: () => {
        marks.delete(tenant().tenant.id);
        void draw();
      } }, "From the beginning")),
    body);

  const draw = async () => {
    const path = of(`/recording?since=${mark()}`);
    const [{ steps, notes }, yaml, playing] = await Promise.all([
      get(`${path}&format=json`).then((it) => ({ steps: it.scenario.steps, notes: it.notes })),
      get(`${path}&format=yaml`),
      player(),
    ]);
    fill(body, playing && progress(playing, draw), steps.length === 0
      ? empty("Nothing is recorded yet", "Connect your connector, let something happen in the directory, set a fault, or "
        + "move the clock: it becomes a step here.")
      : file(yaml, steps, notes));
  };
  void draw();
  const later = soon(draw, 250);
  return listen((what) => (what === "entry" || what === "entries") && later());
}

function file(yaml, steps, notes) {
  const name = `recorded-${tenant().tenant.domain.split(".")[0]}.yaml`;
  return h("section", { class: "card" },
    h("header", {}, h("h2", {}, `${steps.length} ${steps.length === 1 ? "step" : "steps"}`),
      h("div", { class: "push buttons" }, copyButton(yaml, "Copy", "Copy the scenario"),
        h("button", { class: "button small", id: "download", type: "button", onclick: () => download(name, yaml) }, "Download"))),
    h("div", { class: "body stack" },
      h("pre", { id: "yaml", tabindex: "0" }, yaml),
      notes.length > 0 && h("div", { class: "callout fault" }, h("b", {}, "Not in the file"),
        h("ul", {}, notes.map((it) => h("li", {}, it)))),
      h("p", { class: "soft" }, "Replay it, and see the whole conversation: "),
      h("pre", { tabindex: "0" }, `entra-conformance replay ${name} --connector "YOUR DRIVER"`)));
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

const PLAYER = "/api/v1/tenants/{tenant}/scenario";

/** What the mock plays: nothing where it can't, an empty object where it does not. */
async function player() {
  const { paths } = await constant("/openapi.json");
  if (!paths[PLAYER]?.get) return null;
  const response = await fetch(`/api/v1${of("/scenario")}`);
  return response.ok ? response.json() : {};
}

/** How far a scenario is that the mock plays, and a way to load one. */
function progress(playing, draw) {
  const file = h("input", {
    type: "file", id: "scenario-file", accept: ".yaml,.yml", onchange: async () => {
      const [chosen] = file.files;
      if (!chosen) return;
      const loaded = await post(of("/scenario"), { yaml: await chosen.text() });
      toast("The scenario is played", loaded.title);
      await draw();
    },
  });
  const states = { done: "good", ended: "good", failed: "bad", waiting: "fault" };
  return h("section", { class: "card", id: "player" },
    h("header", {}, h("h2", {}, playing.title ?? "Play a scenario"),
      playing.state && h("span", { class: `tag ${states[playing.state] ?? ""}` }, playing.state),
      h("div", { class: "push buttons" },
        playing.state === "waiting" && h("button", { class: "button small", id: "next-step", type: "button", onclick: async () => {
          await post(of("/scenario/next"));
          await draw();
        } }, "Pass over this step"),
        playing.title && h("button", { class: "button small danger", id: "stop-scenario", type: "button", onclick: async () => {
          await remove(of("/scenario"));
          await draw();
        } }, "Stop"),
        h("label", { class: "button small", for: "scenario-file" }, "Open a file …"), h("span", { class: "hidden-text" }, file))),
    playing.title && h("div", { class: "body stack" },
      playing.waiting_for && h("div", { class: "callout fault" }, h("b", {}, "Waits"), playing.waiting_for),
      h("ol", { class: "plain" }, (playing.steps ?? []).map((it) => h("li", {},
        h("span", { class: `tag ${states[it.state] ?? ""}` }, it.state), " ", h("span", { class: "mono" }, it.text),
        it.detail && h("p", { class: "soft" }, it.detail))))));
}
