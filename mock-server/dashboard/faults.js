// Faults: those that are set with what they touched, and a form for new ones.

import { get, post, remove, schema } from "./api.js";
import { copyButton, empty, fill, h, heading, quoted, soon, toast } from "./dom.js";
import { listen, of, store, tenant } from "./store.js";
import { allEvents, fieldsForm, typeOf } from "./event-form.js";
import { describeFault } from "./exchange.js";

const PRESETS = [
  ["Throttle Graph", "429 with Retry-After: 3", { on: { surface: "graph" }, do: { throttle: { "retry-after": 3 } } }],
  ["Token endpoint down", "503 for five minutes", { on: { surface: "token" }, when: { until: "5m" }, do: { status: 503 } }],
  ["Lose a refresh answer", "The next refresh works, and nobody hears of it",
    { on: { surface: "token", grant: "refresh_token" }, when: { nth: 1 }, do: "lose-response" }],
  ["Bad signature", "ID tokens that must not be believed", { on: { surface: "token" }, do: "bad-signature" }],
  ["Graph fails sometimes", "Every third request: 503", { on: { surface: "graph" }, when: { every: 3 }, do: { status: 503 } }],
  ["Slow Graph", "Answers after five seconds", { on: { surface: "graph" }, do: { delay: "5s" } }],
  ["Break off", "The connection ends in the middle of an answer", { on: { surface: "graph" }, do: { reset: "mid-body" } }],
  ["Untrusted certificate", "At the login host", { on: { surface: "token" }, do: { tls: "untrusted" } }],
  ["Claims challenge", "Graph wants another token, once", { on: { surface: "graph" }, when: { nth: 1 }, do: "claims-challenge" }],
  ["Refuse with a code", "AADSTS50076 at the next refresh",
    { on: { surface: "token", grant: "refresh_token" }, when: { nth: 1 }, do: { aadsts: 50076 } }],
];

export function show(root) {
  const list = h("div", { class: "stack", id: "fault-list" });
  const form = h("section", { class: "card", id: "fault-form" });
  fill(root,
    heading("Faults", "What goes wrong on purpose: the service or the network misbehaves, for the exchanges you say. "
      + "The first fault that fits an exchange acts.",
      h("button", { class: "button danger", type: "button", id: "clear-faults", onclick: async () => {
        await remove(of("/faults"));
        toast("All faults are cleared");
        await draw();
      } }, "Clear all")),
    h("div", { class: "columns" }, list, form));
  const draw = async () => {
    const all = await get(of("/faults"));
    fill(list, h("h2", {}, "Set now"), all.length === 0
      ? empty("All is well", "Choose one of the presets, or say what is to go wrong.")
      : all.map((it) => card(it, draw)));
  };
  void draw();
  void makeForm(form, draw);
  const later = soon(draw);
  return listen((what, entry) => what === "entry" && (entry.kind === "fault" || entry.fault) && later());
}

function card(it, draw) {
  const label = `(fault ${it.number})`;
  const touched = store.entries.filter((entry) => entry.tenant === tenant().tenant.id
    && typeof entry.fault === "string" && entry.fault.endsWith(label)).slice(-12).reverse();
  return h("article", { class: "card", "data-fault": it.number },
    h("header", {}, h("span", { class: "tag fault" }, `fault ${it.number}`), h("h3", {}, describeFault(it.fault)),
      h("div", { class: "push buttons" }, h("button", {
        class: "button small danger", type: "button", id: `remove-fault-${it.number}`,
        onclick: async () => {
          await remove(of(`/faults/${it.number}`));
          toast(`Fault ${it.number} is gone`);
          await draw();
        },
      }, "Remove"))),
    h("div", { class: "body stack" },
      h("p", { class: "number" }, `Touched ${it.touched} of ${it.met} exchanges that fit`),
      touched.length > 0 && h("ul", { class: "touched" }, touched.map((entry) => h("li", {},
        h("a", { href: `#/journal/${entry.number}` }, `#${entry.number} ${entry.method} ${entry.path || entry.origin}`),
        h("span", { class: `status s${Math.floor(entry.status / 100)}` }, entry.status)))),
      h("details", { id: `fault-json-${it.number}` }, h("summary", {}, "JSON"),
        h("pre", { tabindex: "0" }, JSON.stringify(it.fault, null, 2)))));
}

async function makeForm(root, draw) {
  const [targets, whens, actions, { events }] = await Promise.all([
    schema("FaultTarget"), schema("FaultWhen"), schema("FaultAction"), allEvents()]);
  const { follow } = targets;
  const { surface, ...others } = targets.schema.properties;
  const surfaces = typeOf(surface, follow).words ?? ["any"];
  const json = h("textarea", { id: "fault-json", rows: "9", spellcheck: "false", oninput: () => fromJson() });
  const problem = h("p", { class: "callout bad", role: "alert", hidden: true });
  const surfaceField = h("select", { id: "on-surface" }, surfaces.map((it) => h("option", { value: it }, it)));
  surfaceField.value = "graph";
  const target = fieldsForm({ properties: others }, follow);
  const when = variants("when", whens, [["", "Always"]]);
  const action = variants("do", actions, [], { event: events });

  const presets = h("div", { class: "presets" }, PRESETS.map(([name, text, fault]) => h("button", {
    class: "preset", type: "button", "data-preset": name,
    onclick: () => {
      json.value = JSON.stringify(fault, null, 2);
      fromJson();
    },
  }, h("b", {}, name), h("small", {}, text))));

  function read() {
    const on = { ...(surfaceField.value === "any" ? {} : { surface: surfaceField.value }), ...target.read() };
    const trigger = when.read();
    return { on, ...(trigger === undefined ? {} : { when: trigger }), do: action.read() };
  }

  /** What was typed into the fields, as JSON. */
  function fromFields() {
    json.value = JSON.stringify(read(), null, 2);
    problem.hidden = true;
  }

  /** JSON, into the fields as far as they have it. */
  function fromJson() {
    try {
      const fault = JSON.parse(json.value);
      surfaceField.value = [fault.on?.surface ?? "any"].flat()[0];
      for (const name of Object.keys(others)) {
        const field = fields.querySelector(`#field-${name}`);
        if (field) field.value = fault.on?.[name] ?? "";
      }
      when.write(fault.when);
      action.write(fault.do);
      problem.hidden = true;
    } catch (error) {
      problem.textContent = `This is not JSON yet: ${error.message}`;
      problem.hidden = false;
    }
  }

  async function set(event) {
    event.preventDefault();
    try {
      const { number } = await post(of("/faults"), JSON.parse(json.value));
      problem.hidden = true;
      toast(`Fault ${number} is set`, describeFault(JSON.parse(json.value)));
      await draw();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  }

  const fields = h("div", { class: "fault-fields", oninput: fromFields, onchange: fromFields },
    h("fieldset", {}, h("legend", {}, "On"),
      h("div", { class: "field" }, h("label", { for: "on-surface" }, "surface"), surfaceField), target.elements),
    h("fieldset", {}, h("legend", {}, "When"), when.element),
    h("fieldset", {}, h("legend", {}, "Do"), action.element));
  fill(root, h("header", {}, h("h2", {}, "Let something go wrong")),
    h("form", { class: "body stack", onsubmit: set }, presets, fields,
      h("div", { class: "field" }, h("label", { for: "fault-json" }, "As JSON"), json), problem,
      h("div", { class: "buttons" }, h("button", { class: "button primary", id: "set-fault" }, "Set the fault"),
        copyButton(() => `entra-mock fault add --tenant ${tenant().tenant.domain} --control ${location.origin} ${
          quoted(JSON.stringify(JSON.parse(json.value)))}`, "Copy as command"))));
  // It opens with something that can happen.
  const [[, , first]] = PRESETS;
  json.value = JSON.stringify(first, null, 2);
  fromJson();
}

/** A choice of variants of a schema, each with its fields. */
function variants(id, { schema: all, follow }, extra, events = {}) {
  const options = all.oneOf.map((it) => it.const
    ? { name: it.const, text: it.description }
    : { name: it.required[0], text: it.description, value: it.properties[it.required[0]] });
  const select = h("select", { id, "aria-label": id === "do" ? "What it does" : "Which of them", onchange: () => draw() },
    extra.map(([value, name]) => h("option", { value }, name)),
    options.map((it) => h("option", { value: it.name }, it.name)));
  const box = h("div", { class: "stack" });
  let readValue = () => undefined;
  let writeValue = () => {};

  function draw() {
    const option = options.find((it) => it.name === select.value);
    const hint = h("small", { class: "soft" }, (option?.text ?? "").replaceAll("`", ""));
    if (!option?.value) {
      readValue = () => undefined;
      writeValue = () => {};
      fill(box, hint);
      return;
    }
    const inner = follow(option.value);
    if (events[option.name]) {
      const input = h("textarea", { id: `${id}-event`, rows: "3", "aria-label": "Event", spellcheck: "false" });
      input.value = '{"revoke-sessions": {"user": "alice"}}';
      readValue = () => {
        try {
          return JSON.parse(input.value);
        } catch {
          return input.value;
        }
      };
      writeValue = (value) => {
        input.value = JSON.stringify(value);
      };
      fill(box, hint, input);
      return;
    }
    const isObject = inner?.properties && !inner.oneOf;
    const form = fieldsForm(isObject ? inner : { properties: { [option.name]: option.value }, required: [option.name] }, follow);
    readValue = () => isObject ? form.read() : form.read()[option.name];
    writeValue = (value) => {
      const values = isObject ? value : { [option.name]: value };
      for (const [name, one] of Object.entries(values)) {
        const field = box.querySelector(`#field-${name}`);
        if (field) field.value = String(one);
      }
    };
    fill(box, hint, form.elements);
  }

  function read() {
    if (!select.value) return undefined;
    const option = options.find((it) => it.name === select.value);
    if (!option.value) return option.name;
    return { [option.name]: readValue() ?? "" };
  }

  function write(value) {
    if (value === undefined || value === null) select.value = "";
    else select.value = typeof value === "string" ? value : Object.keys(value)[0];
    draw();
    if (value && typeof value === "object") writeValue(Object.values(value)[0]);
  }

  draw();
  return { element: h("div", { class: "stack" }, select, box), read, write };
}
