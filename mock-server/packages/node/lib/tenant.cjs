// A tenant: its users and apps, its time, what happens in it, what goes wrong.
"use strict";

const { Journal } = require("./journal.cjs");

class Clock {
  constructor(tenant) {
    this.tenant = tenant;
  }

  async #ask(method, body) {
    const { now } = await this.tenant.control.ask(method, ["tenants", this.tenant.id, "clock"], { body });
    return new Date(now);
  }

  /** The tenant's time. */
  now() {
    return this.#ask("GET");
  }

  /** Moves it forward, by "91d" or "1h 30m"; resolves to the new time. */
  advance(by) {
    return this.#ask("POST", { advance: by });
  }

  /** Stops it. */
  freeze() {
    return this.#ask("POST", { freeze: {} });
  }

  /** Returns it to real time. */
  reset() {
    return this.#ask("POST", { reset: {} });
  }
}

/** Something that goes wrong on purpose, until it is removed. */
class Fault {
  constructor(tenant, number) {
    this.tenant = tenant;
    this.number = number;
  }

  /** How many exchanges it touched. */
  async touched() {
    return (await this.tenant.faults()).find((it) => it.number === this.number)?.touched ?? 0;
  }

  /** Takes it away; a second time does nothing. */
  async remove() {
    if ((await this.tenant.faults()).some((it) => it.number === this.number)) {
      await this.tenant.control.ask("DELETE", ["tenants", this.tenant.id, "faults", String(this.number)]);
    }
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.remove();
  }
}

class Tenant {
  constructor(control, description) {
    this.control = control;
    this.id = description.tenant.id;
    this.domain = description.tenant.domain;
    this.loginHost = description.login_host;
    this.graphHost = description.graph_host;
    /** Microsoft's own authority for this tenant: what an unmodified client has. */
    this.authority = `https://${this.loginHost}/${this.id}`;
    /** Microsoft's own Graph root, without a version. */
    this.graph = `https://${this.graphHost}`;
    /** The same on localhost, for clients that take addresses. */
    this.localAuthority = `${description.authority}/${this.id}`;
    this.localGraph = description.graph;
    this.sharedMailbox = description.shared_mailbox;
    this.users = description.users;
    this.apps = description.apps;
    this.clock = new Clock(this);
    this.journal = new Journal(this);
  }

  /** Makes something happen. */
  async event(name, fields = {}) {
    await this.control.ask("POST", ["tenants", this.id, "events"], { body: { [name]: fields } });
  }

  /** Lets something go wrong. */
  async fault(action, { on = {}, when } = {}) {
    const body = { on, ...(when === undefined ? {} : { when }), do: action };
    const { number } = await this.control.ask("POST", ["tenants", this.id, "faults"], { body });
    return new Fault(this, number);
  }

  /** What is set, with what it did so far. */
  faults() {
    return this.control.ask("GET", ["tenants", this.id, "faults"]);
  }

  /** Takes all faults away. */
  async clearFaults() {
    await this.control.ask("DELETE", ["tenants", this.id, "faults"]);
  }

  /** What is in a token or a code, and what would happen to it now. */
  async decode(token) {
    const { kind, contents = {}, header = {}, verdict } = await this.control.ask("POST", ["explain"], {
      body: { token },
    });
    return { kind, claims: contents, header, ...verdict };
  }

  /** Plays a scenario, the text of a file. */
  async play(yaml) {
    await this.control.ask("POST", ["tenants", this.id, "scenario"], { body: { yaml } });
  }

  /** Forgets the tenant with all that is in it. */
  async remove() {
    await this.control.ask("DELETE", ["tenants", this.id]);
  }
}

module.exports = { Tenant, Clock, Fault };
