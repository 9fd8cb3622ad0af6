// Microsoft Entra ID and Microsoft Graph on your laptop, for tests. Not affiliated with Microsoft;
// never for production.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const { Control, EntraMockError } = require("./control.cjs");
const { Journal, Expectation } = require("./journal.cjs");
const { find, nodeOptions } = require("./program.cjs");
const { Tenant, Clock, Fault } = require("./tenant.cjs");

const START_TIME = 30_000;

/** A running mock: started here, or found by its address. */
class Server {
  #child;
  #folder;

  constructor(url) {
    this.control = new Control(url);
    /** The URL of the control API, the dashboard and the proxy. */
    this.url = this.control.url;
  }

  /**
   * The mock of this process: that of `entra-mock run`, or one that is started. Microsoft's hosts
   * lead to it from now on.
   */
  static async inProcess(options) {
    const running = process.env.ENTRA_MOCK_CONTROL;
    const server = running ? new Server(running) : await Server.start(options);
    await server.attach();
    return server;
  }

  /** Starts the program on free ports, and waits until it is ready. It ends with this process. */
  static async start({ seed, arguments: further = [] } = {}) {
    const program = find();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "entra-mock-"));
    const file = path.join(folder, "ready.json");
    const serve = ["serve", "--quiet", "--until-eof", "--control", "127.0.0.1:0", "--tls-port", "0", "--ready-file", file];
    const child = spawn(program.path, [...serve, ...(seed ? ["--seed", seed] : []), ...further], {
      argv0: program.name,
      stdio: ["pipe", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (part) => (said = (said + part).slice(-10_000)));
    const ended = new Promise((resolve) => {
      child.once("error", resolve);
      child.once("exit", resolve);
    });
    let over = false;
    ended.then(() => (over = true));
    const end = performance.now() + START_TIME;
    while (!fs.existsSync(file)) {
      if (over || performance.now() > end) {
        child.kill("SIGKILL");
        fs.rmSync(folder, { recursive: true, force: true });
        throw new EntraMockError("the mock did not start", said.trim().replace(/^error: /, "") || "it said nothing");
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // Neither the process nor its pipes hold this one.
    for (const it of [child, child.stdin, child.stderr]) it.unref();
    const server = new Server(JSON.parse(fs.readFileSync(file, "utf8")).control);
    server.readyFile = file;
    server.#child = child;
    server.#folder = folder;
    server.control.ended = () => {
      const { exitCode, signalCode } = child;
      if (server.#child === undefined || (exitCode === null && signalCode === null)) return "";
      const how = signalCode ? `signal ${signalCode}` : `exit code ${exitCode}`;
      return `; it has ended by ${how}${said ? ` and said: ${said.trim().slice(-2000)}` : ""}`;
    };
    return server;
  }

  /** Leads clients of this process, and of those that it starts, to the mock. */
  async attach() {
    const variables = await this.variables();
    delete process.env.NO_PROXY;
    delete process.env.no_proxy;
    Object.assign(process.env, variables, { NODE_OPTIONS: nodeOptions() });
    if (this.readyFile) process.env.ENTRA_MOCK_READY = this.readyFile;
    require("./register.cjs");
  }

  /** Every address and credential: the ready file. */
  ready() {
    return this.control.ask("GET", ["ready"]);
  }

  /** The environment variables by which unmodified clients find the mock. */
  variables(environment = "office365") {
    return this.control.ask("GET", ["variables"], { query: { environment } });
  }

  /** The default tenant of an environment. */
  async tenant(environment = "office365") {
    return new Tenant(this.control, (await this.ready()).environments[environment]);
  }

  /** Makes a tenant of its own: a copy of the default one, or the first one of a seed. */
  async createTenant({ environment = "office365", seed } = {}) {
    const body = seed ? { seed } : { environment };
    return new Tenant(this.control, await this.control.ask("POST", ["tenants"], { body }));
  }

  /** Ends a mock that was started here. */
  async stop() {
    const child = this.#child;
    this.#child = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.ref();
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await gone;
      clearTimeout(late);
    }
    if (this.#folder) fs.rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.stop();
  }
}

module.exports = { Server, Tenant, Clock, Fault, Journal, Expectation, Control, EntraMockError, findProgram: find };
