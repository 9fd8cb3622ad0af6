// All tenants, their addresses and credentials; making, copying and deleting them.

import { constant, get, post, put, remove } from "./api.js";
import { confirm, copyButton, facts, fill, h, heading, quoted, toast } from "./dom.js";
import { listen, loadTenants, selectTenant, store, tenant } from "./store.js";

const ENVIRONMENTS = [
  ["office365", "Office 365"], ["us-gov-l4", "US Government L4"], ["us-gov-l5", "US Government L5"], ["china", "China"],
];

export function show(root) {
  const list = h("div", { class: "stack", id: "tenants" });
  const where = h("select", { id: "environment" }, ENVIRONMENTS.map(([value, name]) => h("option", { value }, name)));
  const file = h("input", { type: "file", id: "state-file", accept: "application/json,.json", onchange: importState });
  fill(root,
    heading("Tenants", "A tenant has its own users, apps, policies, faults and time. Tests that run at once take one each."),
    h("div", { class: "stack" },
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "New tenant")),
        h("form", { class: "body tools", id: "new-tenant", onsubmit: create },
          h("label", { for: "environment" }, "A copy of the default tenant in"), where,
          h("button", { class: "button primary" }, "Create"))),
      list,
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "Everything")),
        h("div", { class: "body stack" },
          h("p", { class: "soft" }, "Addresses and credentials for scripts, and the state of the whole mock."),
          h("div", { class: "buttons" },
            h("a", { class: "button", href: "/api/v1/ready", target: "_blank", rel: "noopener" }, "Ready file"),
            h("button", { class: "button", type: "button", onclick: showVariables }, "Environment variables"),
            h("a", { class: "button", href: "/api/v1/openapi.json", target: "_blank", rel: "noopener" }, "OpenAPI"),
            h("a", { class: "button", href: "/api/v1/state", download: "entra-mock-state.json" }, "Export state"),
            h("a", { class: "button", href: "/api/v1/state?format=yaml", download: "world.yaml" }, "Export as seed"),
            h("label", { class: "button", for: "state-file" }, "Import state …"),
            h("button", { class: "button danger", id: "reset-state", type: "button", onclick: resetState }, "Reset everything")),
          h("div", { class: "hidden-text" }, file),
          h("pre", { id: "variables", hidden: true, tabindex: "0" })))));

  const draw = () => fill(list, store.tenants.map(card));

  async function create(event) {
    event.preventDefault();
    const made = await post("/tenants", { environment: where.value });
    await loadTenants();
    toast("A tenant was made", made.tenant.domain);
    selectTenant(made.tenant.id);
  }

  async function showVariables() {
    const variables = await get("/variables");
    const text = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`).join("\n");
    const box = document.getElementById("variables");
    box.hidden = false;
    fill(box, text);
  }

  async function resetState() {
    const sure = await confirm("Reset everything?",
      "All tenants return to the world as it was at the beginning. Tokens issued so far are worth nothing.", "Reset");
    if (!sure) return;
    await post("/state/reset", {});
    await loadTenants();
    toast("The world is as it was at the beginning");
  }

  async function importState() {
    const [chosen] = file.files;
    if (!chosen) return;
    await put("/state", JSON.parse(await chosen.text()));
    file.value = "";
    await loadTenants();
    toast("The state was replaced", chosen.name);
  }

  draw();
  void constant("/health");
  return listen((what) => what === "tenants" && draw());
}

function card(it) {
  const { id, domain } = it.tenant;
  const current = it === tenant();
  return h("article", { class: `card ${current ? "current" : ""}`, "data-tenant": domain },
    h("header", {}, h("div", {}, h("h2", {}, domain), h("p", { class: "soft mono" }, id)),
      current && h("span", { class: "tag authority" }, "current"),
      h("div", { class: "push buttons" },
        !current && h("button", { class: "button small", type: "button", id: `switch-${id}`, onclick: () => selectTenant(id) }, "Switch to"),
        h("a", { class: "button small", href: `/api/v1/tenants/${id}/export?format=yaml`, download: `${domain}.yaml` }, "Export"),
        h("button", { class: "button small danger", type: "button", id: `delete-${id}`, onclick: () => drop(it) }, "Delete"))),
    h("details", { class: "more", id: `tenant-${id}` },
      h("summary", {}, "Addresses and credentials"),
      h("div", { class: "stack" },
        facts([
          ["Authority", h("span", { class: "mono" }, `${it.authority}/${id}`)], ["Graph", h("span", { class: "mono" }, it.graph)],
          ["Login host", it.login_host], ["Graph host", it.graph_host],
        ]),
        table("People", ["User", "Sign-in name", "Password"], Object.entries(it.users).map(([alias, user]) =>
          [alias, user.upn, secret(user.password)])),
        table("Apps", ["App", "Client id", "Secret"], Object.entries(it.apps).map(([alias, app]) =>
          [alias, h("span", { class: "mono" }, app.client_id), app.client_secret ? secret(app.client_secret)
            : app.pfx_file ? h("span", { class: "mono" }, app.pfx_file) : "public client"])))));
}

function secret(text) {
  return h("span", { class: "secret" }, h("span", { class: "mono" }, text), copyButton(text, "Copy", `Copy ${text}`));
}

function table(title, head, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
    h("table", {}, h("thead", {}, h("tr", {}, head.map((it) => h("th", { scope: "col" }, it)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((it, index) => h("td", { class: index === 0 ? "main-text" : "" }, it)))))));
}

async function drop(it) {
  const sure = await confirm(`Delete ${it.tenant.domain}?`, "The mock forgets it with all that is in it.", "Delete");
  if (!sure) return;
  await remove(`/tenants/${it.tenant.id}`);
  await loadTenants();
  toast("The tenant is gone", it.tenant.domain);
}
