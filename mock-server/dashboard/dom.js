// Making elements. Text is always set as text: what clients send is never read as HTML.

/** An element: `h("a", { class: "x", href: "#", onclick: f }, "text", child)`. */
export function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== undefined && child !== null && child !== false) element.append(child);
  }
}

/** The element that a pointer or the space bar presses now, and what is to be drawn once it is released. */
let pressed;
const waiting = new Map();

for (const name of ["pointerdown", "keydown"]) {
  addEventListener(name, (event) => {
    if (name === "pointerdown" || event.key === " ") pressed = event.target;
  }, true);
}
for (const name of ["pointerup", "pointercancel", "dragend", "keyup", "blur"]) {
  addEventListener(name, (event) => {
    // A field that loses the focus releases nothing; the window does. The click follows at once, and this after it.
    if (name !== "blur" || event.target === window) setTimeout(release);
  }, true);
}

function release() {
  pressed = undefined;
  const drawings = [...waiting];
  waiting.clear();
  for (const [root, children] of drawings) fill(root, ...children);
}

/**
 * Replaces what is in an element; the focus, open details and what was typed stay where they were. What is
 * pressed is replaced once it is released: a button that went away under the finger would not be clicked.
 */
export function fill(root, ...children) {
  waiting.delete(root);
  if (pressed && root.contains(pressed)) {
    waiting.set(root, children);
    return;
  }
  const focused = root.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...root.querySelectorAll("details[open][id]")].map((it) => it.id);
  // The file of a file input belongs to the person: no script may set it.
  const typed = [...root.querySelectorAll("input[id]:not([type=file]), textarea[id], select[id]")]
    .map((it) => [it.id, it.value, it.checked]);
  root.replaceChildren();
  append(root, children);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, value, checked] of typed) {
    const field = document.getElementById(id);
    if (field && root.contains(field)) {
      field.value = value;
      if ("checked" in field) field.checked = checked;
    }
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

const ICONS = {
  journal: "M4 6h16M4 12h16M4 18h10",
  directory: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.6-3.6 3.2-5.5 6.5-5.5s5.900 1.900 6.500 5.500M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.800c2 .7 3.200 2.500 3.500 5.200",
  consent: "M12 3l8 3v5.500c0 4.800-3.200 8-8 9.500-4.800-1.500-8-4.700-8-9.500V6l8-3ZM8.500 12l2.500 2.500 4.500-5",
  connections: "M10 14a4 4 0 0 1 0-5.700l2.800-2.800a4 4 0 0 1 5.700 5.700L17 12.700M14 10a4 4 0 0 1 0 5.700l-2.800 2.800a4 4 0 0 1-5.700-5.700L7 11.300",
  faults: "M13 2 4.500 13.500H11L10 22l8.500-11.500H12L13 2Z",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3.500 2",
  tokens: "M14.500 9.500a5 5 0 1 0-4.600 5L12 12.500h2v-2h.500ZM14 13.500l6 6M17.500 17l2-2M7.500 9h.01",
  scenario: "M6 3h9l4 4v14H6zM14 3v5h5M10 12l5 3-5 3z",
  tenants: "M4 21V5l8-2v18M12 9h8v12M2 21h20M7.500 8h.01M7.500 12h.01M7.500 16h.01M16 13h.01M16 17h.01",
  theme: "M12 3a9 9 0 1 0 0 18V3Z",
};

/** A line drawing. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const set = (element, attributes) => {
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  };
  set(svg, {
    viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.8",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  });
  const path = document.createElementNS(space, "path");
  set(path, { d: ICONS[name] });
  svg.append(path);
  return svg;
}

/** Tells something in passing, to screen readers too. */
export function toast(title, detail = "", kind = "good") {
  const element = h("div", { class: `toast ${kind}` }, h("b", {}, title), detail);
  const all = document.getElementById("toasts");
  // The same thing twice is told once.
  if (all.lastChild?.textContent === element.textContent) all.lastChild.remove();
  while (all.children.length > 3) all.firstChild.remove();
  all.append(element);
  setTimeout(() => element.remove(), kind === "bad" ? 12_000 : 5_000);
}

/** The heading of a view, with what belongs at its right. */
export function heading(title, text, ...right) {
  return h("div", { class: "head" }, h("h1", {}, title),
    right.length > 0 && h("div", { class: "push buttons" }, right),
    text && h("p", {}, text));
}

/** A list of names and values. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs
    .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
    .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Where there is nothing yet. */
export function empty(title, text, command) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), command && h("pre", {}, command));
}

/** A text as one word of a shell. */
export function quoted(text) {
  return `'${String(text).replaceAll("'", "'\\''")}'`;
}

/** A button that copies a text. */
export function copyButton(text, name = "Copy", label) {
  return h("button", {
    class: "button small", type: "button", "aria-label": label,
    onclick: async () => {
      const value = typeof text === "function" ? text() : text;
      try {
        await navigator.clipboard.writeText(value);
        toast("Copied");
      } catch {
        toast("Not copied", "The browser does not allow it: select the text and copy it.", "bad");
      }
    },
  }, name);
}

/** Asks before something that can't be undone. */
export function confirm(title, text, action) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-labelledby": "confirm-title" },
      h("form", { method: "dialog" }, h("h2", { id: "confirm-title" }, title), h("p", {}, text),
        h("footer", {},
          h("button", { class: "button", value: "no" }, "Cancel"),
          h("button", { class: "button danger", value: "yes" }, action))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Runs once after a burst of calls. */
export function soon(action, delay = 120) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  };
}
