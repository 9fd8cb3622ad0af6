// What all views share: the tenants, the one that is looked at, the journal as it is written.

import { get } from "./api.js";

const KEPT = 2000;
/** When the mock was started whose journal the entries are of. */
let started = null;
const listeners = new Set();

export const store = {
  /** Tenants as the ready file describes them. */
  tenants: [],
  /** The id of the tenant that is looked at. */
  tenantId: localStorage.getItem("tenant") ?? "",
  /** Entries of the journal, oldest first. */
  entries: [],
  /** Whether entries arrive. */
  live: false,
  /** `{now, ahead, frozen, at}`: the tenant's time when it was asked for. */
  clock: null,
};

/** Calls back on changes: `tenants`, `tenant`, `entry`, `entries`, `live`, `clock`. */
export function listen(callback) {
  listeners.add(callback);
  return () => listeners.delete(callback);
}

function tell(what, detail) {
  for (const callback of [...listeners]) callback(what, detail);
}

/** The tenant that is looked at. */
export function tenant() {
  return store.tenants.find((it) => it.tenant.id === store.tenantId) ?? store.tenants[0];
}

/** The path of a resource of the tenant. */
export function of(path) {
  return `/tenants/${tenant().tenant.id}${path}`;
}

export function selectTenant(id) {
  store.tenantId = id;
  localStorage.setItem("tenant", id);
  tell("tenant");
  void loadClock();
}

export async function loadTenants() {
  store.tenants = await get("/tenants");
  if (!store.tenants.some((it) => it.tenant.id === store.tenantId)) {
    store.tenantId = store.tenants[0]?.tenant.id ?? "";
    tell("tenant");
  }
  tell("tenants");
}

export async function loadClock() {
  if (!tenant()) return;
  const clock = await get(of("/clock"));
  store.clock = { ...clock, at: Date.now() };
  tell("clock");
}

/** The tenant's time now. */
export function tenantNow() {
  const { clock } = store;
  if (!clock) return new Date();
  const passed = clock.frozen ? 0 : Date.now() - clock.at;
  return new Date(Date.parse(clock.now) + passed);
}

/** Forgets the entries that are shown; the mock's own journal is forgotten by the caller. */
export function forgetEntries() {
  store.entries = [];
  tell("entries");
}

const newest = () => store.entries.at(-1)?.number ?? 0;

function add(entry) {
  if (entry.number <= newest()) return;
  store.entries.push(entry);
  if (store.entries.length > KEPT) store.entries.splice(0, KEPT / 4);
  tell("entry", entry);
  if (entry.kind === "clock") void loadClock();
  // What a tenant's description tells, its users' passwords among it, has changed.
  const described = ["change-password", "delete-tenant", "reset-password"];
  if (entry.kind === "event" && described.some((it) => it in entry.event)) void loadTenants();
}

/** Takes what was written meanwhile; a mock that was started anew begins at 1 again, and so does who looks at it. */
async function catchUp() {
  const health = await get("/health");
  if (started !== health.started) {
    store.entries = [];
    // Other entries have the same numbers: nothing that is drawn stays.
    tell("entries");
  }
  started = health.started;
  const known = newest();
  const missed = await get(known > 0 ? `/journal?since=${known}` : "/journal?last=2000");
  // Meanwhile, newer ones may have arrived.
  const all = new Map([...store.entries, ...missed].map((it) => [it.number, it]));
  store.entries = [...all.values()].sort((one, other) => one.number - other.number);
  tell("entries");
}

/** Follows the journal, and comes back after the mock was away. */
export function follow() {
  const feed = new EventSource("/api/v1/journal/follow");
  const live = (is) => {
    store.live = is;
    tell("live");
  };
  feed.addEventListener("open", () => {
    live(true);
    catchUp().then(loadTenants).then(loadClock).catch(() => live(false));
  });
  feed.addEventListener("message", (event) => add(JSON.parse(event.data)));
  feed.addEventListener("lost", () => void catchUp());
  feed.addEventListener("error", () => {
    live(false);
    // A browser gives up where the answer is no stream.
    if (feed.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  });
}

/** The name of an app of the tenant's world, or its id. */
export function appName(id) {
  for (const it of store.tenants) {
    const found = Object.entries(it.apps).find(([, app]) => app.client_id === id);
    if (found) return found[0];
  }
  return id;
}

/** The name of a user, or the id. */
export function userName(id) {
  for (const it of store.tenants) {
    const found = Object.entries(it.users).find(([, user]) => user.id === id);
    if (found) return found[0];
  }
  return id;
}

/** The domain of a tenant, or the id. */
export function tenantName(id) {
  return store.tenants.find((it) => it.tenant.id === id)?.tenant.domain ?? id;
}

/** The user to whom a permission was granted; nothing where everybody has it. */
export function grantedTo(grant) {
  return typeof grant.consent === "object" ? Object.values(grant.consent)[0] : null;
}
