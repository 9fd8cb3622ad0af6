// Users, apps and policies of the tenant, each with what can happen to it.

import { get } from "./api.js";
import { empty, facts, fill, h, heading, soon } from "./dom.js";
import { appName, grantedTo, listen, of, store, tenant, tenantName, userName } from "./store.js";
import { moment, relative, span } from "./clock.js";
import { eventButton, formButton } from "./event-form.js";
import { words } from "./exchange.js";
import { files } from "./files.js";

const TABS = [["users", "Users"], ["apps", "Apps"], ["files", "Files"], ["policies", "Policies"]];

export function show(root, [tab = "users"]) {
  const body = h("div", { id: "directory" });
  fill(root,
    heading("Directory", "What is in the tenant. A button lets something happen there, as an administrator or a user "
      + "would; the journal shows it, and “Scenario” keeps it.",
      h("nav", { class: "segments", "aria-label": "Part of the directory" }, TABS.map(([id, name]) =>
        h("a", { href: `#/directory/${id}`, "aria-current": id === tab && "page" }, name))),
      formButton("Any event …", undefined, {}, "primary")),
    body);
  const parts = { users, apps, files, policies };
  const draw = async () => fill(body, await (parts[tab] ?? users)());
  void draw();
  const later = soon(draw);
  return listen((what, entry) => what === "entry" && (entry.kind !== "exchange" || entry.status < 400
    && ["POST", "PUT", "PATCH", "DELETE"].includes(entry.method)) && later());
}

async function users() {
  const all = await get(of("/users"));
  return h("div", { class: "stack" }, all.map(userCard));
}

function userCard(it) {
  const user = it.alias || it.user_principal_name;
  const guest = typeof it.kind === "object";
  const password = tenant().users[it.alias]?.password;
  return h("article", { class: `card ${it.deleted || !it.enabled ? "off" : ""}`, "data-user": user },
    h("header", {},
      h("div", {}, h("h2", {}, it.display_name), h("p", { class: "soft" }, it.user_principal_name)),
      it.deleted && h("span", { class: "tag bad" }, "deleted"),
      !it.enabled && h("span", { class: "tag bad" }, "disabled"),
      it.locked_until && Date.parse(it.locked_until) > Date.now() + (store.clock?.ahead ?? 0) * 1000
        && h("span", { class: "tag bad" }, "locked"),
      it.password_expired && h("span", { class: "tag fault" }, "password expired"),
      it.risk !== "none" && h("span", { class: "tag fault" }, `risk ${it.risk}`),
      [...it.roles].map((role) => h("span", { class: "tag event" }, role)),
      guest && h("span", { class: "tag" }, "guest"),
      h("span", { class: "tag" }, it.mailbox ? `${it.mailbox} mailbox` : "no mailbox"),
      h("div", { class: "push buttons" },
        eventButton("Revoke sessions", "revoke-sessions", { user, by: "admin" }),
        eventButton("Reset password", "reset-password", { user, by: "admin-portal" },
          { title: "As in the Azure portal: clients with a secret keep their tokens" }),
        it.enabled ? eventButton("Disable", "disable-user", { user }, { danger: true })
          : eventButton("Enable", "enable-user", { user }),
        it.deleted ? eventButton("Restore", "restore-user", { user })
          : eventButton("Delete", "delete-user", { user }, { danger: true }))),
    h("details", { class: "more", id: `more-${it.id}` },
      h("summary", {}, "More"),
      h("div", { class: "stack" },
        group("Password and sessions",
          h("small", { class: "soft" }, "Clients with a secret or certificate keep their refresh tokens when a password changes or is "
            + "reset, except by a reset in the admin center. “Revoke sessions” ends those, too."),
          eventButton("User changes password", "change-password", { user }),
          eventButton("Self-service reset", "reset-password", { user, by: "self-service" }),
          eventButton("Reset in admin center", "reset-password", { user, by: "admin-center" }),
          eventButton("Expire password", "expire-password", { user }),
          eventButton("User revokes sessions", "revoke-sessions", { user, by: "user" }),
          eventButton("Single sign-out", "single-sign-out", { user }),
          eventButton("Lock", "lock-user", { user })),
        group("Risk", ["none", "low", "medium", "high"].map((risk) =>
          eventButton(risk, "set-user-risk", { user, risk }))),
        group("Conditional access",
          eventButton("Require MFA", "require-mfa", { user }),
          eventButton("Require compliant device", "require-compliant-device", { user }),
          eventButton("Require terms of use", "require-terms-of-use", { user }),
          eventButton("Block by policy", "block-by-policy", { user }, { danger: true }),
          formButton("Sign-in frequency …", "set-sign-in-frequency", { user })),
        group("Second factor and device",
          eventButton("Register a second factor", "register-second-factor", { user }),
          eventButton("Remove the second factor", "remove-second-factor", { user }, { danger: true }),
          eventButton("Disable the device", "disable-device", { user }, { danger: true })),
        group("Access tokens",
          eventButton("Count as expired", "expire-access-tokens", { user }),
          eventButton("Challenge (CAE)", "revoke-access-tokens", { user })),
        group("Account and mailbox",
          formButton("Rename …", "rename-user", { user }),
          it.mailbox && [
            eventButton("Remove licence", "remove-licence", { user }, { danger: true }),
            eventButton("A mail arrives", "deliver-message", { user }),
            formButton("Mail of your own …", "deliver-message", { user }),
            formButton("Read or move a mail …", "change-message", { user }),
            formButton("Put a file into OneDrive …", "put-file", { user }),
            formButton("Delete a file …", "delete-file", { user }),
            eventButton("Delta tokens expire", "expire-delta-tokens", { user }),
            formButton("Let somebody open the mailbox …", "grant-mailbox-access", { mailbox: user }),
            formButton("Take access away …", "revoke-mailbox-access", { mailbox: user }),
          ]),
        group("Apps",
          formButton("Assign to an app …", "assign-user", { user }),
          formButton("Unassign …", "unassign-user", { user }),
          formButton("Ask for consent …", "request-consent", { user })),
        facts([
          ["Password", password && h("span", { class: "mono" }, password)],
          ["Object id", h("span", { class: "mono" }, it.id)],
          ["Created", moment(it.created)],
          ["Revocations", it.revocations.length > 0 && it.revocations.map((one) =>
            `${one.cause} ${moment(one.at)}`).join(", ")],
        ]))));
}

function group(title, ...buttons) {
  return h("div", { class: "group", role: "group", "aria-label": title },
    h("h3", {}, title), h("div", { class: "buttons" }, buttons));
}

async function apps() {
  const [all, grants] = await Promise.all([get(of("/apps")), get(of("/grants"))]);
  return h("div", { class: "stack" }, all.map((it) => appCard(it, grants)));
}

function appCard(it, grants) {
  const registered = it.registration;
  const principal = it.service_principal;
  const app = registered?.alias || it.client_id;
  const here = it.home_tenant === tenant().tenant.id;
  const enabled = principal?.enabled ?? true;
  const kinds = new Set((registered?.credentials ?? []).map((one) => one.kind));
  return h("article", { class: `card ${enabled ? "" : "off"}`, "data-app": app },
    h("header", {},
      h("div", {}, h("h2", {}, registered?.display_name ?? app), h("p", { class: "soft mono" }, it.client_id)),
      h("span", { class: "tag" }, app),
      !registered && h("span", { class: "tag bad" }, "registration deleted"),
      !principal && h("span", { class: "tag" }, "not installed"),
      !enabled && h("span", { class: "tag bad" }, "disabled"),
      registered?.public_client && h("span", { class: "tag" }, "public client"),
      !here && h("span", { class: "tag" }, `of ${tenantName(it.home_tenant)}`),
      principal?.assignment_required && h("span", { class: "tag fault" }, "assignment required"),
      h("div", { class: "push buttons" },
        eventButton("Withdraw consent", "revoke-consent", { app }, { danger: true }),
        kinds.has("secret") && eventButton("Expire secret", "expire-secret", { app }),
        kinds.has("certificate") && eventButton("Expire certificate", "expire-certificate", { app }),
        enabled ? eventButton("Disable", "disable-app", { app }, { danger: true })
          : eventButton("Enable", "enable-app", { app }))),
    h("details", { class: "more", id: `more-${it.client_id}` },
      h("summary", {}, "More"),
      h("div", { class: "stack" },
        group("Credentials",
          formButton("Add secret …", "add-secret", { app }),
          kinds.has("secret") && eventButton("Remove secrets", "remove-secret", { app }, { danger: true }),
          formButton("Add certificate …", "add-certificate", { app }),
          kinds.has("certificate") && eventButton("Remove certificates", "remove-certificate", { app }, { danger: true })),
        group("Consent and permissions",
          formButton("Grant consent …", "grant-consent", { app }),
          formButton("Withdraw a user's consent …", "revoke-consent", { app }),
          formButton("Ask for consent …", "request-consent", { app }),
          formButton("Change registered permissions …", "change-permissions", { app }),
          formButton("Grant application permission …", "grant-app-role", { app }),
          eventButton("Take application permissions away", "revoke-app-role", { app }, { danger: true })),
        group("Who may use it",
          eventButton("Require assignment", "require-assignment", { app }),
          formButton("Assign a user …", "assign-user", { app }),
          formButton("Unassign a user …", "unassign-user", { app }),
          eventButton("Require MFA", "require-mfa", { app }),
          eventButton("Require compliant device", "require-compliant-device", { app }),
          eventButton("Require terms of use", "require-terms-of-use", { app }),
          eventButton("Block by policy", "block-by-policy", { app }, { danger: true })),
        group("Risk",
          eventButton("High risk", "set-app-risk", { app, risk: "high" }),
          eventButton("No risk", "set-app-risk", { app, risk: "none" }),
          eventButton("Consent is risky", "judge-app", { app, risky: true }),
          eventButton("Verified publisher", "judge-app", { app, verified: true })),
        group("Tokens and registration",
          eventButton("Access tokens count as expired", "expire-access-tokens", { app }),
          eventButton("Challenge access tokens (CAE)", "revoke-access-tokens", { app }),
          formButton("Redirect URIs …", "change-redirect-uris",
            { app, redirect_uris: (registered?.redirect_uris ?? []).map((one) => one.uri) }),
          eventButton("Delete", "delete-app", { app }, { danger: true })),
        registered && credentials(registered.credentials),
        facts([
          ["Sign-in audience", registered?.sign_in_audience],
          ["Redirect URIs", registered?.redirect_uris.map((one) => one.uri).join(", ")],
          ["Consented", consented(it.client_id, grants)],
          ["Application permissions", grants.application.filter((one) => one.client === it.client_id)
            .map((one) => one.role).join(", ")],
        ]))));
}

function consented(client, grants) {
  const found = grants.delegated.filter((one) => one.client === client);
  return found.length > 0 && h("ul", {}, found.map((one) => h("li", {},
    [...one.scopes].join(" "), " ",
    h("span", { class: "soft" }, grantedTo(one) ? `by ${userName(grantedTo(one))}` : "for everybody"))));
}

function credentials(all) {
  if (all.length === 0) return null;
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Credentials" },
    h("table", {}, h("thead", {}, h("tr", {}, ["Credential", "State", "Until", "Thumbprint or issuer"].map((it) =>
      h("th", { scope: "col" }, it)))),
    h("tbody", {}, all.map((it) => h("tr", {},
      h("td", {}, it.display_name ?? it.kind), h("td", {}, h("span", { class: `tag ${it.valid ? "good" : "bad"}` },
        it.valid ? "valid" : "not valid")),
      h("td", { class: "number" }, it.end ? `${moment(it.end)} (${relative(it.end)})` : "–"),
      h("td", { class: "mono" }, it["x5t#S256"] ?? it.x5t ?? it.issuer ?? "–"))))));
}

async function policies() {
  const { policies: all, switches } = await get(of("/policies"));
  const rules = all.conditional_access;
  return h("div", { class: "stack" },
    h("section", { class: "card" }, h("header", {}, h("h2", {}, "Conditional access")),
      h("div", { class: "body stack" },
        h("div", { class: "buttons" },
          eventButton("Require MFA", "require-mfa", {}),
          eventButton("Require compliant device", "require-compliant-device", {}),
          eventButton("Require terms of use", "require-terms-of-use", {}),
          formButton("Sign-in frequency …", "set-sign-in-frequency", {}),
          formButton("Where clients come from …", "set-client-address", {}),
          eventButton("Block everybody", "block-by-policy", {}, { danger: true })),
        rules.length === 0 ? h("p", { class: "soft" }, "There is no policy.")
          : h("ul", { class: "plain" }, rules.map((it) => h("li", {},
            h("b", {}, demand(it.demand)), " ", h("span", { class: "soft" }, scope(it), `, since ${moment(it.since)}`)))))),
    h("section", { class: "card" }, h("header", {}, h("h2", {}, "Consent and tokens")),
      h("div", { class: "body stack" },
        h("div", { class: "buttons" },
          formButton("Who may consent …", "set-user-consent-policy",
            { user_consent: all.user_consent, admin_consent_requests: all.admin_consent_requests.enabled }),
          formButton("Lifetime of access tokens …", "set-token-lifetime", { seconds: all.access_token_lifetime }),
          eventButton("Rotate the signing key", "rotate-signing-key", {}),
          eventButton("Access tokens count as expired", "expire-access-tokens", {}),
          eventButton("Challenge access tokens (CAE)", "revoke-access-tokens", {})),
        facts([
          ["Users may consent to", all.user_consent],
          ["Users may ask an administrator", all.admin_consent_requests.enabled ? "yes" : "no"],
          ["Access tokens live", all.access_token_lifetime ? span(all.access_token_lifetime) : "60 to 90 minutes"],
        ]))),
    h("section", { class: "card" }, h("header", {}, h("h2", {}, "Tenant")),
      h("div", { class: "body buttons" },
        eventButton("Microsoft blocks the tenant", "block-tenant", {}, { danger: true }),
        eventButton("Delete the tenant in the directory", "delete-tenant", {}, { danger: true }))),
    h("section", { class: "card" }, h("header", {}, h("h2", {}, "Switches")),
      h("div", { class: "body" }, Object.keys(switches).length > 0 ? facts(Object.entries(switches)
        .map(([name, value]) => [name.replaceAll("_", " "), typeof value === "object" ? JSON.stringify(value) : String(value)]))
        : empty("No switches", ""))));
}

function demand(it) {
  if (typeof it === "string") return it.replaceAll("-", " ");
  const [[name, value]] = Object.entries(it);
  const more = typeof value === "number" ? span(value) : typeof value === "object" ? words(value) : value;
  return `${name.replaceAll("-", " ")} ${more}`;
}

function scope(it) {
  const users = [...it.users].map(userName).join(", ") || "everybody";
  const apps = [...it.apps].map(appName).join(", ") || "all apps";
  return `${users}, ${apps}`;
}
