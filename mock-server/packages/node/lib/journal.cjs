// The journal, and what a test expects of it.
"use strict";

const SHOWN = 40;
const PAUSE = 20;

/** An exchange in a line. */
function line(it) {
  const grant = it.grant ? ` (${it.grant})` : "";
  const codes = it.aadsts.map((code) => ` AADSTS${code}`).join("");
  const error = it.error ? ` ${it.error}` : "";
  return `#${it.number} ${it.method} ${it.origin}${it.path}${grant} → ${it.status}${error}${codes}`;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The id of a name; an id counts as it is. A name that nobody has would fit nothing, and `never` would hold of it. */
function identify(what, name, known) {
  if (Object.hasOwn(known, name)) return known[name];
  if (ID.test(name)) return name.toLowerCase();
  throw new TypeError(`no ${what} '${name}', there are ${Object.keys(known).join(", ")}`);
}

class Journal {
  constructor(tenant) {
    this.tenant = tenant;
  }

  /** All entries, exchanges and changes of state, oldest first. */
  entries(since = 0) {
    return this.tenant.control.ask("GET", ["journal"], { query: { tenant: this.tenant.id, since } });
  }

  /** Requests with their answers, oldest first. */
  async exchanges(since = 0) {
    return (await this.entries(since)).filter((it) => it.kind === "exchange");
  }

  /** Asks the mock whether there is such a surface. */
  async know(surface) {
    if (surface !== undefined) await this.tenant.control.ask("GET", ["journal"], { query: { surface, last: 0 } });
  }

  /** The number of the newest entry: what `since` takes. */
  async position() {
    return (await this.entries()).at(-1)?.number ?? 0;
  }

  /** Expects something of the exchanges that fit all that is given. */
  expect(conditions = {}) {
    return new Expectation(this, conditions);
  }
}

class Expectation {
  #journal;
  #conditions;
  #words;
  #since;
  #surface;
  #patience = 0;

  constructor(journal, { since = 0, that, ...wanted }) {
    const apps = Object.entries(journal.tenant.apps).map(([alias, it]) => [alias, it.client_id]);
    const users = Object.entries(journal.tenant.users).flatMap(([alias, it]) => [[alias, it.id], [it.upn, it.id]]);
    const client = wanted.client === undefined ? undefined : identify("client", wanted.client, Object.fromEntries(apps));
    const user = wanted.user === undefined ? undefined : identify("user", wanted.user, Object.fromEntries(users));
    const is = {
      surface: (it) => it.surface === wanted.surface,
      grant: (it) => it.grant === wanted.grant,
      client: (it) => it.client === client,
      user: (it) => it.user === user,
      status: (it) => it.status === wanted.status,
      aadsts: (it) => it.aadsts.includes(wanted.aadsts),
      method: (it) => it.method === wanted.method,
      path: (it) => it.path === wanted.path,
    };
    const names = Object.keys(wanted).filter((name) => wanted[name] !== undefined);
    const wrong = names.find((name) => !(name in is));
    if (wrong) throw new TypeError(`nothing is known of '${wrong}': use ${Object.keys(is).join(", ")}, since or that`);
    this.#journal = journal;
    this.#since = since;
    this.#surface = wanted.surface;
    this.#conditions = names.map((name) => is[name]).concat(that ?? []);
    this.#words = names.map((name) => `${name} ${wanted[name]}`).concat(that ? (that.name || "that …") : []);
  }

  /** Waits up to so many milliseconds until it is so; `never` and `atMost` wait the whole time. */
  within(milliseconds) {
    this.#patience = milliseconds;
    return this;
  }

  /** It happened once; resolves to it. */
  async once() {
    return (await this.#check("once", (count) => count === 1))[0];
  }

  /** It did not happen. */
  async never() {
    await this.#check("never", (count) => count === 0, true);
  }

  /** It happened so many times. */
  times(times) {
    return this.#check(`${times} times`, (count) => count === times);
  }

  /** It happened so many times or more often. */
  atLeast(times) {
    return this.#check(`at least ${times} times`, (count) => count >= times);
  }

  /** It happened so many times or less often. */
  atMost(times) {
    return this.#check(`at most ${times} times`, (count) => count <= times, true);
  }

  async #check(wanted, isRight, upper = false) {
    // The mock refuses a surface that there is not.
    await this.#journal.know(this.#surface);
    const end = performance.now() + this.#patience;
    for (;;) {
      const all = await this.#journal.exchanges(this.#since);
      const fits = (it) => this.#conditions.every((holds) => holds(it));
      const found = all.filter(fits);
      const right = isRight(found.length);
      const late = performance.now() >= end;
      if (right && (late || !upper)) return found;
      if (late || (upper && !right)) {
        const lines = all.slice(-SHOWN).map((it) => `${fits(it) ? ">" : " "} ${line(it)}`);
        if (all.length > SHOWN) lines.unshift(`  … ${all.length - SHOWN} older ones`);
        const waited = this.#patience ? ` within ${this.#patience} ms` : "";
        const words = this.#words.join(", ") || "any exchange";
        throw new Error(
          `expected ${wanted}${waited}: ${words}\nfound ${found.length} of ${all.length} exchanges:\n${lines.join("\n")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

module.exports = { Journal, Expectation, line };
