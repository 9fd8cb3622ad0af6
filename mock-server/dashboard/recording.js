// What was clicked and what the connector asked, as a scenario file.

import { get } from "./api.js";
import { moment } from "./clock.js";
import { copyButton, empty, fill, h, heading, soon, toast } from "./dom.js";
import { showPlayer } from "./player.js";
import { listen, of, tenant } from "./store.js";

const kept = () => `recording of ${tenant().tenant.id}`;

/** Where a tenant's recording begins: `{started, since, at}`; nothing where that is the beginning. */
async function begins() {
  const { started } = await get("/health");
  const mark = JSON.parse(sessionStorage.getItem(kept()) ?? "null");
  // Positions of an earlier start mean nothing in this journal.
  return mark?.started === started ? mark : null;
}

async function beginHere() {
  const [{ started }, [last]] = await Promise.all([get("/health"), get("/journal?last=1")]);
  // A journal that was cleared counts on: the newest entry may be gone, its number is not used again.
  const { position } = last ? { position: last.number } : await get(of("/recording?format=json"));
  sessionStorage.setItem(kept(), JSON.stringify({ started, since: position, at: new Date().toISOString() }));
  toast("The recording begins here");
}

export function show(root) {
  const played = h("div", {});
  const from = h("p", { class: "soft", id: "begins" });
  const body = h("div", { class: "stack", id: "recording" });
  fill(root,
    heading("Scenario", "Everything that happened to the tenant since the mark (events, faults, time) and what the "
      + "connector asked meanwhile, as a file that anybody can replay.",
      h("button", { class: "button", id: "mark", type: "button", onclick: () => beginHere().then(draw) }, "Begin here"),
      h("button", { class: "button quiet", id: "from-beginning", type: "button", onclick: () => {
        sessionStorage.removeItem(kept());
        void draw();
      } }, "From the beginning")),
    h("div", { class: "stack" }, played, from, body));

  async function draw() {
    const mark = await begins();
    const path = of(`/recording?since=${mark?.since ?? 0}`);
    const [{ scenario: { steps }, notes }, yaml] = await Promise.all([
      get(`${path}&format=json`), get(`${path}&format=yaml`),
    ]);
    fill(from, mark ? `The recording begins after #${mark.since} of the journal: “Begin here” was pressed at ${
      moment(mark.at)} UTC, real time.` : "The recording begins where the journal does.");
    fill(body, steps.length === 0
      ? empty("Nothing is recorded yet", "Connect your connector, let something happen in the directory, set a fault, or "
        + "move the clock: it becomes a step here.")
      : file(yaml, steps, notes));
  }
  void draw();
  const later = soon(draw, 250);
  const stopListening = listen((what) => (what === "entry" || what === "entries") && later());
  const stopPlayer = showPlayer(played);
  return () => {
    stopListening();
    stopPlayer();
  };
}

function file(yaml, steps, notes) {
  const name = `recorded-${tenant().tenant.domain.split(".")[0]}.yaml`;
  return h("section", { class: "card" },
    h("header", {}, h("h2", {}, `${steps.length} ${steps.length === 1 ? "step" : "steps"}`),
      h("div", { class: "push buttons" }, copyButton(yaml, "Copy", "Copy the scenario"),
        h("button", { class: "button small", id: "download", type: "button", onclick: () => download(name, yaml) }, "Download"))),
    h("div", { class: "body stack" },
      h("pre", { id: "yaml", tabindex: "0" }, yaml),
      notes.length > 0 && h("div", { class: "callout fault" }, h("b", {}, "What no step says (comments at the head of the file)"),
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
