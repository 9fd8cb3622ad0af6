// A small connector on MSAL for Node and the built-in fetch, as a product would have one.
//
// Nothing in it knows of a mock: hosts are Microsoft's. The built-in fetch of Node 20 takes no
// proxy, so the suite runs it with --isolated.

import { X509Certificate, createHash, randomUUID } from "node:crypto";
import { execFileSync } from "node:child_process";

import { ConfidentialClientApplication, CryptoProvider, PublicClientApplication } from "@azure/msal-node";

export const CLOUDS = {
  office365: ["login.microsoftonline.com", "https://graph.microsoft.com"],
  "us-gov-l4": ["login.microsoftonline.us", "https://graph.microsoft.us"],
  "us-gov-l5": ["login.microsoftonline.us", "https://dod-graph.microsoft.us"],
  china: ["login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"],
};
const RESERVED = ["openid", "profile", "offline_access"]; // msal adds these itself
const CATEGORIES = {
  throttled: [50196, 90055],
  "invalid-credentials": [7000215, 7000222, 700027, 700024, 50126, 50012],
  "consent-required": [65001],
  "admin-consent-required": [90094, 90095],
  "interaction-blocked": [65004, 50105, 53000, 53003, 7000112, 50020],
  "invalid-configuration": [700016, 90002, 900023, 500011, 70011, 50011, 50194, 700023, 700025, 50059, 900144],
};
const BY_ERROR = {
  invalid_client: "invalid-credentials", access_denied: "interaction-blocked",
  invalid_grant: "reconnect-required", interaction_required: "reconnect-required",
  consent_required: "consent-required",
  temporarily_unavailable: "unavailable", server_error: "unavailable", network_error: "unavailable", nonce_mismatch: "untrusted",
};

/** What the connector's user is told. */
export class Failure extends Error {
  constructor(category, message, aadsts = [], claims = undefined) {
    super(message);
    this.claims = claims;
    this.data = { category, message, aadsts };
  }
}

/** An error of msal, or of a callback, as a failure. */
function refused(code, message, claims) {
  const aadsts = [...String(message).matchAll(/AADSTS(\d+)/g)].map((found) => Number(found[1]));
  const known = Object.entries(CATEGORIES).find(([, codes]) => codes.some((it) => aadsts.includes(it)));
  const category = known?.[0] ?? BY_ERROR[code] ?? "invalid-configuration";
  return new Failure(category, message, aadsts, claims || undefined);
}

/** Runs a call of msal; what it throws becomes a failure. */
async function asked(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (error.name === "InteractionRequiredAuthError" && !/AADSTS/.test(error.message)) {
      throw new Failure("reconnect-required", error.message);
    }
    if (error instanceof SyntaxError || /parse response/.test(error.message)) throw new Failure("unavailable", error.message);
    throw refused(error.errorCode ?? error.name, error.errorMessage || error.message, error.claims);
  }
}

/** The certificate of a .pfx: openssl reads what Node's crypto does not. */
function certificateOf(base64, password = "") {
  if (!/^[A-Za-z0-9+/=\s]+$/.test(base64)) throw new Failure("invalid-configuration", "the certificate is not base64");
  const read = (...flags) => {
    try {
      return execFileSync("openssl", ["pkcs12", "-nodes", "-passin", `pass:${password}`, ...flags], {
        input: Buffer.from(base64, "base64"), stdio: ["pipe", "pipe", "pipe"],
      }).toString();
    } catch (error) {
      const wrong = /mac verify|invalid password/i.test(error.stderr);
      throw new Failure(wrong ? "invalid-credentials" : "invalid-configuration", `the .pfx cannot be opened: ${error.stderr}`);
    }
  };
  const pem = read("-nokeys", "-clcerts");
  const thumbprintSha256 = createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
  return { thumbprintSha256, privateKey: read("-nocerts").replace(/^[^]*?(?=-----BEGIN)/, "") };
}

export class Connection {
  static async make({ auth_method: method, environment = "office365", settings }) {
    const appOnly = ["client-certificate", "client-credentials"].includes(method);
    const required = ["client_id", ...(appOnly ? ["tenant_id", "account"] : ["redirect_uri"])];
    if (method === "client-certificate") required.push("certificate");
    if (["client-credentials", "own-app"].includes(method)) required.push("client_secret");
    const missing = required.filter((name) => !settings[name]);
    if (missing.length || !CLOUDS[environment]) {
      throw new Failure("invalid-configuration", `missing or wrong: ${missing.join(", ") || environment}`);
    }
    const self = Object.assign(new Connection(), { settings, appOnly, graph: CLOUDS[environment][1], watched: {} });
    const tenant = settings.tenant_id || (method === "authorization-code" ? "organizations" : "common");
    const auth = { clientId: settings.client_id, authority: `https://${CLOUDS[environment][0]}/${tenant}` };
    if (method === "client-certificate") {
      auth.clientCertificate = certificateOf(settings.certificate, settings.certificate_password);
    } else if (settings.client_secret) auth.clientSecret = settings.client_secret;
    const Client = auth.clientSecret || auth.clientCertificate ? ConfidentialClientApplication : PublicClientApplication;
    self.authority = auth.authority;
    self.app = await asked(async () => new Client({ auth }));
    self.scopes = (settings.scopes ?? []).filter((it) => !RESERVED.includes(it))
      .map((it) => (it.includes("://") || it === "email" ? it : `${self.graph}/${it}`));
    return self;
  }

  async begin() {
    if (this.appOnly) return await this.token(), { state: "connected" };
    const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
    const request = { claims: this.claims, scopes: this.scopes, redirectUri: this.settings.redirect_uri, state: randomUUID(), nonce: randomUUID() };
    const url = await asked(() => this.app.getAuthCodeUrl({
      ...request, responseMode: "query", codeChallenge: challenge, codeChallengeMethod: "S256",
    }));
    this.pending = { ...request, url, codeVerifier: verifier };
    return this.status();
  }

  async finish({ redirect_url: redirect, form }) {
    const url = new URL(redirect);
    const answer = form ?? Object.fromEntries(new URLSearchParams(url.search || url.hash.slice(1)));
    if (!this.pending || answer.state !== this.pending.state) throw new Failure("untrusted", "the state differs");
    if (answer.iss && new URL(answer.iss).host !== new URL(this.authority).host) throw new Failure("untrusted", "the callback comes from another issuer");
    if (answer.error) throw refused(answer.error, answer.error_description ?? answer.error_subcode ?? answer.error);
    if (!answer.code) throw new Failure("untrusted", "neither code nor error");
    const { scopes, redirectUri, codeVerifier, nonce } = this.pending;
    const result = await asked(() => this.app.acquireTokenByCode(
      { scopes, redirectUri, codeVerifier, nonce, code: answer.code }));
    Object.assign(this, { account: result.account, pending: undefined });
    return this.status();
  }

  status() {
    if (this.broken) return { state: "broken", category: this.broken.data.category };
    return this.pending ? { state: "awaiting-authorization", authorize_url: this.pending.url } : { state: "connected" };
  }

  async token(forceRefresh = false) {
    if (this.broken) throw this.broken;
    if (performance.now() < this.refused?.until) throw this.refused.failure;
    try {
      const result = await asked(() => (this.appOnly
        ? this.app.acquireTokenByClientCredential({ scopes: [`${this.graph}/.default`], skipCache: forceRefresh })
        : this.app.acquireTokenSilent({ scopes: this.scopes, account: this.account, forceRefresh })));
      return result.accessToken;
    } catch (failure) {
      this.claims = failure.claims;
      if (!this.appOnly && /reconnect|consent/.test(failure.data.category)) this.broken = failure;
      // What only a person can mend is believed for a minute, and so is that it asks too much.
      if (failure.data.category !== "unavailable") this.refused = { until: performance.now() + 60_000, failure };
      throw failure;
    }
  }

  async call(operation, argumentsGiven) {
    if (WATCHES[operation]) return { value: await this.watch(operation, argumentsGiven) };
    const user = this.appOnly ? `/users/${encodeURIComponent(this.settings.account)}` : "/me";
    const shared = this.settings.shared_mailbox;
    const mailbox = shared && operation !== "get-profile" ? `/users/${encodeURIComponent(shared)}` : user;
    const [method, path, body] = OPERATIONS[operation](mailbox, argumentsGiven);
    let value = await this.ask(method, `${this.graph}/v1.0${path}`, body);
    const { top = 10 } = argumentsGiven;
    const followed = new Set();
    while (method === "GET" && value["@odata.nextLink"] && value.value.length < top) {
      const link = value["@odata.nextLink"];
      if (!link.startsWith(`${this.graph}/`) || followed.has(link))
        throw new Failure("untrusted", "the link to the next page leads elsewhere, or in a circle");
      followed.add(link);
      const page = await this.ask("GET", link);
      value = { ...page, value: [...value.value, ...page.value].slice(0, top) };
    }
    return value;
  }

  /** What has come since the last look: by a filter on time, with an overlap, and each thing once. */
  async watch(operation, { folder = "inbox" }) {
    const { shared_mailbox: shared, account } = this.settings;
    const box = shared || this.appOnly ? `/users/${encodeURIComponent(shared || account)}` : "/me";
    const [path, time] = WATCHES[operation];
    const root = `${this.graph}/v1.0${box}${path.replace("FOLDER", encodeURIComponent(folder))}`;
    const select = `$select=id,subject,${time},lastModifiedDateTime`;
    let { position, known = new Map() } = this.watched[operation] ?? {};
    const begins = position === undefined;
    if (begins) {
      const newest = await this.ask("GET", `${root}?$orderby=${time} desc&$top=1&${select}`);
      position = newest.value[0]?.[time] ?? "1970-01-01T00:00:00Z";
    }
    const since = new Date(Date.parse(position) - OVERLAP).toISOString();
    const found = [];
    const now = new Map();
    let link = `${root}?$filter=${time} ge ${since}&$orderby=${time}&$top=50&${select}`;
    while (link) {
      if (!link.startsWith(`${this.graph}/`)) throw new Failure("untrusted", "the link to the next page leads elsewhere");
      const page = await this.ask("GET", link, undefined, { Prefer: 'IdType="ImmutableId"' });
      for (const item of page.value) {
        now.set(item.id, item[time]);
        const changeType = known.has(item.id) ? "updated" : "created";
        if (known.get(item.id) !== item[time] && !begins) found.push({ ...item, changeType });
        if (item[time] > position) position = item[time];
      }
      link = page["@odata.nextLink"];
    }
    this.watched[operation] = { position, known: new Map([...known, ...now]) };
    return found;
  }

  async ask(method, url, body, more = {}) {
    if (performance.now() < this.patience) throw new Failure("throttled", "Graph wants to be left alone for a while");
    let answer;
    for (const renew of [false, true]) { // a token may have been revoked: once more with another one
      answer = await fetch(url, {
        method, signal: AbortSignal.timeout(8000), body: body && JSON.stringify(body), redirect: "manual",
        headers: { Authorization: `Bearer ${await this.token(renew)}`, "Content-Type": "application/json", ...more },
      });
      if (answer.status !== 401) break;
    }
    if (answer.status >= 300 && answer.status < 400) throw new Failure("untrusted", `Graph redirects to ${answer.headers.get("location")}`);
    const value = await answer.json().catch(() => null);
    if (answer.ok && method === "GET" && value === null) throw new Failure("unavailable", "Graph's answer cannot be read");
    if (answer.ok) return value;
    const wait = Number(answer.headers.get("retry-after") ?? NaN);
    if (wait > 0) this.patience = performance.now() + Math.min(wait, 3600) * 1000;
    const category = { 401: "reconnect-required", 403: "access-denied", 404: "not-found", 410: "unavailable", 429: "throttled" }[answer.status]
      ?? (answer.status >= 500 ? "unavailable" : "invalid-configuration");
    const code = value?.error?.code;
    throw new Failure(code === "NoPermissionsInAccessToken" ? "access-denied" : category, `${answer.status} ${code}: ${value?.error?.message}`);
  }
}

const listing = (name, fields) => (box, { top = 10 }) => ["GET", `${box}/${name}?$select=${fields}&$top=${top}`];
const message = ({ subject = "", body = "", toRecipients = [] }) => ({
  subject,
  body: typeof body === "string" ? { contentType: "Text", content: body } : body,
  toRecipients: toRecipients.map((it) => (typeof it === "string" ? { emailAddress: { address: it } } : it)),
});

const event = ({ subject, body, start, end }) => ({ subject, body, start, end });

const OVERLAP = 300_000; // what becomes visible late is found, too

// Where they are, and the time that tells what is new.
export const WATCHES = {
  "watch-messages": ["/mailFolders/FOLDER/messages", "receivedDateTime"],
  "watch-events": ["/events", "lastModifiedDateTime"],
};

export const OPERATIONS = {
  "get-profile": (user) => ["GET", user],
  "list-messages": listing("messages", "id,subject,from,receivedDateTime,isRead"),
  "get-message": (box, { id }) => ["GET", `${box}/messages/${encodeURIComponent(id)}`],
  "send-message": (box, given) => ["POST", `${box}/sendMail`, { message: message(given) }],
  "create-draft": (box, given) => ["POST", `${box}/messages`, message(given)],
  "move-message": (box, { id, destinationId }) => ["POST", `${box}/messages/${encodeURIComponent(id)}/move`, { destinationId }],
  "list-folders": listing("mailFolders", "id,displayName,totalItemCount"),
  "list-events": listing("events", "id,subject,start,end"),
  "create-event": (box, given) => ["POST", `${box}/events`, event(given)],
  "list-calendars": listing("calendars", "id,name,owner"),
  "list-contacts": listing("contacts", "id,displayName,emailAddresses"),
  "get-mailbox-settings": (box) => ["GET", `${box}/mailboxSettings`],
};
