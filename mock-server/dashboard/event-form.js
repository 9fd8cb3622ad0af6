// Making things happen: buttons for the events that people want most, and a form for all of them,
// made from the schema of the control API.

import { post, schema } from "./api.js";
import { fill, h, toast } from "./dom.js";
import { loadTenants, of, tenant } from "./store.js";
import { words } from "./exchange.js";

/** Lets an event happen in the tenant. */
export async function happen(name, fields = {}) {
  const done = await post(of("/events"), { [name]: fields });
  const text = done.lines.join("\n");
  const kind = done.changed ? "good" : "warn";
  if (!["change-password", "reset-password"].includes(name)) {
    toast(name, text, kind);
    return;
  }
  // The new password stands in the description of the tenant.
  await loadTenants();
  const user = Object.entries(tenant().users)
    .find(([alias, it]) => [alias, it.upn, it.id].includes(fields.user))?.[1];
  toast(name, `${text}${user?.password ? `\nthe password is now ${user.password}` : ""}`, kind);
}

/** A button that lets an event happen. */
export function eventButton(label, name, fields, options = {}) {
  return h("button", {
    class: `button small ${options.danger ? "danger" : ""}`, type: "button", "data-event": name,
    title: options.title ?? `${name} ${words(fields)}`,
    id: `do-${name}-${Object.values(fields).join("-")}`.replaceAll(/[^\w-]/g, "_"),
    onclick: () => happen(name, fields),
  }, label);
}

/** A button that opens the form for an event. */
export function formButton(label, name, fields, kind = "small") {
  return h("button", {
    class: `button ${kind}`, type: "button", "data-form": name ?? "any",
    id: `form-${name ?? "any"}-${Object.values(fields ?? {}).join("-")}`.replaceAll(/[^\w-]/g, "_"),
    onclick: () => openForm(name, fields),
  }, label);
}

/** The events of the schema by name, each with its text and the schema of its fields. */
export async function allEvents() {
  const { schema: event, follow } = await schema("Event");
  const events = event.oneOf.map((variant) => {
    const name = variant.required[0];
    return { name, text: variant.description, fields: follow(variant.properties[name]) };
  });
  return { events: events.sort((one, other) => one.name.localeCompare(other.name)), follow };
}

/** Opens the form, for one event or for any. */
export async function openForm(chosen, known = {}) {
  const { events, follow } = await allEvents();
  const names = h("select", { id: "event-name", onchange: () => draw() },
    events.map(({ name }) => h("option", { value: name, selected: name === chosen }, name)));
  const text = h("p", { class: "soft", id: "event-text" });
  const body = h("div", { class: "stack" });
  const problem = h("p", { class: "callout bad", role: "alert", hidden: true });
  const users = Object.keys(tenant().users);
  const apps = Object.keys(tenant().apps);
  const dialog = h("dialog", { "aria-labelledby": "event-title", id: "event-dialog" },
    h("form", { onsubmit: submit },
      h("h2", { id: "event-title" }, "Let something happen"),
      h("div", { class: "field" }, h("label", { for: "event-name" }, "Event"), names, text),
      body, problem,
      h("datalist", { id: "known-users" }, users.map((it) => h("option", { value: it }))),
      h("datalist", { id: "known-apps" }, apps.map((it) => h("option", { value: it }))),
      h("footer", {},
        h("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button", { class: "button primary", id: "event-submit" }, "Let it happen"))));
  let read = () => ({});

  function draw() {
    const event = events.find(({ name }) => name === names.value);
    text.textContent = event.text ?? "";
    const form = fieldsForm(event.fields, follow, known);
    read = form.read;
    fill(body, form.elements);
    problem.hidden = true;
  }

  async function submit(event) {
    event.preventDefault();
    try {
      await happen(names.value, read());
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  }

  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  draw();
  dialog.showModal();
}

/** Fields for the properties of a schema, and a function that reads what was typed. */
export function fieldsForm(schemaOfFields, follow, known = {}) {
  const properties = Object.entries(schemaOfFields?.properties ?? {});
  const readers = {};
  const elements = properties.map(([name, property]) => {
    const required = (schemaOfFields.required ?? []).includes(name);
    const { element, read } = field(name, property, follow, known[name], required);
    readers[name] = read;
    return element;
  });
  const read = () => Object.fromEntries(Object.entries(readers)
    .map(([name, one]) => [name, one()])
    .filter(([, value]) => value !== undefined));
  return { elements, read };
}

function field(name, property, follow, value, required) {
  const type = typeOf(property, follow);
  const id = `field-${name}`;
  const label = h("label", { for: id }, name.replaceAll("_", " "), required ? "" : " (optional)");
  const hint = property.description && h("small", {}, property.description.replaceAll("`", ""));
  if (type.words) {
    const input = h("select", { id, required }, !required && h("option", { value: "" }, "–"),
      type.words.map((word) => h("option", { value: word, selected: word === value }, word)));
    return { element: h("div", { class: "field" }, label, input, hint), read: () => input.value || undefined };
  }
  if (type.name === "boolean") {
    const input = h("select", { id }, !required && h("option", { value: "" }, "–"),
      h("option", { value: "true" }, "yes"), h("option", { value: "false" }, "no"));
    return {
      element: h("div", { class: "field" }, label, input, hint),
      read: () => input.value === "" ? undefined : input.value === "true",
    };
  }
  const list = {
    user: "known-users", mailbox: "known-users", app: "known-apps", client: "known-apps",
  }[name];
  const number = type.name === "integer" || type.name === "number";
  const input = h("input", {
    id, required, list, autocomplete: "off", value: [value ?? ""].flat().join(", "),
    inputmode: number && "numeric", placeholder: type.name === "array" ? "several: separated by commas" : undefined,
  });
  const read = () => {
    const text = input.value.trim();
    if (text === "") return required && type.name === "array" ? [] : undefined;
    if (type.name === "array") return text.split(",").map((it) => it.trim()).filter(Boolean);
    return number ? Number(text) : text;
  };
  return { element: h("div", { class: "field" }, label, input, hint), read };
}

/** A schema with all that it may be. */
function within(property, follow) {
  const it = follow(property) ?? {};
  return [it, ...[...(it.anyOf ?? []), ...(it.oneOf ?? [])].flatMap((one) => within(one, follow))];
}

/** The type of a property: its name, or the words it may be. */
export function typeOf(property, follow) {
  const parts = within(property, follow);
  for (const part of parts) {
    const words = part.enum ?? (part.oneOf?.every((it) => it.const) && part.oneOf.map((it) => it.const));
    if (words && words.length > 0) return { words: words.filter((it) => it !== null) };
  }
  const named = parts.find((it) => it.type && it.type !== "null") ?? {};
  const names = [named.type].flat().filter((it) => it !== "null");
  return { name: names[0] ?? "string" };
}
