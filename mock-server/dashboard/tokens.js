// What is in a token, and what it is worth now.

import { get, post } from "./api.js";
import { facts, fill, h, heading } from "./dom.js";
import { moment, relative } from "./clock.js";

const NAMES = {
  "access-token": "Access token", assertion: "Client assertion", "authorization-code": "Authorization code",
  "id-token": "ID token", "refresh-token": "Refresh token", unknown: "Not a token of this mock",
};

const TIMES = new Set(["iat", "nbf", "exp", "auth_time", "xms_tcdt", "issued", "first_issued", "moment", "mfa_time"]);

/** What claims say. Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference. */
const CLAIMS = {
  aud: "for whom it is", iss: "who issued it", iat: "issued", nbf: "not good before", exp: "expires",
  tid: "the tenant", oid: "the user or the service principal", sub: "the subject, for this client only",
  appid: "the client", azp: "the client", app_displayname: "the client's name", scp: "delegated permissions",
  roles: "application permissions", upn: "sign-in name", preferred_username: "sign-in name", unique_name: "sign-in name",
  name: "display name", idtyp: "app: no user takes part", ver: "format", amr: "how the user signed in",
  acr: "1: the user authenticated", appidacr: "how the client authenticated: 0 not, 1 secret, 2 certificate",
  azpacr: "how the client authenticated: 0 not, 1 secret, 2 certificate", sid: "the session", wids: "directory roles",
  xms_cc: "cp1: understands claims challenges", nonce: "as the client sent it", auth_time: "when the user signed in",
  xms_tcdt: "when the tenant was made", at_hash: "binds the access token", c_hash: "binds the code", uti: "the token's id",
  jti: "the token's id", ipaddr: "from where", family: "all tokens of one sign-in", generation: "position in the family",
  scopes: "permissions of the last time", resource: "the API", client_class: "kind of client", method: "how the user signed in",
};

/** Fills a box with the token that the journal names by its fingerprint. */
export async function tokenBySight(box, fingerprint) {
  fill(box, h("p", { class: "soft" }, "Reading …"));
  try {
    fill(box, explained(await get(`/tokens/${encodeURIComponent(fingerprint)}`)));
  } catch (error) {
    fill(box, h("p", { class: "soft" }, error.message));
  }
}

/** An explanation: the verdict, whose token it is, and what is in it. */
export function explained(it) {
  const { verdict } = it;
  return h("div", { class: "stack" },
    h("div", { class: `callout ${verdict.valid ? "good" : "bad"}` },
      h("b", {}, `${NAMES[it.kind] ?? it.kind}: ${verdict.valid ? "good now" : "no good now"}`),
      h("p", {}, verdict.reason), verdict.advice && h("p", {}, verdict.advice)),
    facts([
      ["User", it.user && (it.user.upn ?? it.user.id)],
      ["Client", it.client && (it.client.alias ?? it.client.client_id)],
      ["Tenant", it.tenant?.domain],
      ["Issued", it.issued && `${moment(it.issued)} (${relative(it.issued)})`],
      ["Expires", it.expires && `${moment(it.expires)} (${relative(it.expires)})`],
    ]),
    it.header && claims("Header", it.header),
    it.contents && claims(it.header ? "Claims" : "Contents", it.contents));
}

function claims(title, value) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
    h("table", { class: "claims" }, h("caption", {}, title), h("tbody", {},
      flat(value).map(([name, claim]) => h("tr", {},
        h("th", { scope: "row", class: "mono" }, name),
        h("td", {}, h("span", { class: "mono" }, shown(name, claim)),
          CLAIMS[name] && h("small", { class: "soft" }, CLAIMS[name])))))));
}

/** What a refresh token inherits from its sign-in stands beside the rest. */
function flat(value) {
  return Object.entries(value).flatMap(([name, it]) => name === "sign_in" ? Object.entries(it) : [[name, it]])
    .filter(([, it]) => it !== null);
}

function shown(name, value) {
  if (TIMES.has(name) && value) {
    const at = typeof value === "number" ? value * 1000 : value;
    return `${typeof value === "number" ? `${value} · ` : ""}${moment(at)}`;
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function show(root) {
  const answer = h("div", { id: "explanation", role: "status" });
  const token = h("textarea", {
    id: "token", rows: "6", spellcheck: "false", autocomplete: "off", required: true,
    placeholder: "eyJ0eXAiOiJKV1Qi… or 1.A…",
  });
  const explain = async (event) => {
    event?.preventDefault();
    if (!token.value.trim()) return;
    fill(answer, h("section", { class: "card" }, h("div", { class: "body" },
      explained(await post("/explain", { token: token.value.trim() })))));
  };
  fill(root,
    heading("Tokens", "Paste an access token, ID token, refresh token, code or assertion: what is in it, and what the "
      + "mock would say to it now. Tokens of the journal can be opened where they were used."),
    h("form", { class: "stack", onsubmit: explain },
      h("div", { class: "field" }, h("label", { for: "token" }, "Token"), token),
      h("div", { class: "buttons" }, h("button", { class: "button primary", id: "explain" }, "Explain"))),
    answer);
  token.addEventListener("paste", () => setTimeout(explain));
}
