// The drives of the tenant: folders and files, who changed them, and their versions.

import { get } from "./api.js";
import { empty, h } from "./dom.js";
import { of } from "./store.js";
import { moment, relative } from "./clock.js";

export async function files() {
  const drives = await get(of("/drives"));
  if (!drives.length) {
    return empty("No drive is in use", "A drive comes to be when a client first asks for it: GET /me/drive, or that of a group or site.");
  }
  return h("div", { class: "stack" }, drives.map(drive));
}

function drive(it) {
  const rest = it.total - it.items.length;
  return h("article", { class: "card", "data-drive": it.id },
    h("header", {},
      h("div", {}, h("h2", {}, `${it.name} of ${it.owner}`), h("p", { class: "soft address" }, it.url)),
      h("span", { class: "tag" }, it.total === 1 ? "1 item" : `${it.total} items`),
      h("span", { class: "tag" }, bytes(it.used))),
    h("div", { class: "body" },
      it.items.length ? h("ul", { class: "outline" }, it.items.map(item)) : h("p", { class: "soft" }, "It is empty."),
      rest > 0 && h("p", { class: "soft" }, `${rest} more are not shown.`)));
}

function item(it) {
  const name = it.path[it.path.length - 1];
  const line = [
    h("span", { class: "name" }, it.folder ? `${name}/` : name),
    h("span", { class: "soft" }, `${bytes(it.size)} · ${it.modified_by} · `, h("time", { title: moment(it.modified) },
      relative(it.modified))),
    it.checked_out && h("span", { class: "tag fault" }, "checked out"),
    it.shared > 0 && h("span", { class: "tag event" }, "shared"),
    it.versions.length > 1 && h("span", { class: "tag" }, `${it.versions.length} versions`),
  ];
  return h("li", { class: `depth-${Math.min(it.path.length, 6)}` }, it.versions.length > 1
    ? h("details", { id: `versions-${it.id}` }, h("summary", {}, line),
      h("ol", { class: "versions" }, it.versions.map((version) => h("li", {},
        `${version.id} · ${bytes(version.size)} · ${version.modified_by} · `,
        h("time", { title: moment(version.modified) }, relative(version.modified))))))
    : line);
}

function bytes(count) {
  const units = ["bytes", "KB", "MB", "GB"];
  let at = 0;
  let value = count;
  for (; value >= 1000 && at < units.length - 1; at += 1) value /= 1000;
  return at === 0 ? `${count} bytes` : `${value.toFixed(1)} ${units[at]}`;
}
