// A connector's driver for entra-conformance in some twenty lines. The messages:
// conformance/docs/protocol.md. From the first import on, standard output is the protocol's.
"use strict";

const { createInterface } = require("node:readline");

const CATEGORIES = [
  "access-denied", "admin-consent-required", "conflict", "consent-required", "interaction-blocked", "invalid-configuration",
  "invalid-credentials", "not-found", "reconnect-required", "throttled", "unavailable", "unsupported", "untrusted",
];

// The protocol has standard output for itself: what libraries print goes to standard error.
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

/** What the connector's user sees when something fails. */
class Failure extends Error {
  constructor(category, message, { aadsts = [], retryAfter } = {}) {
    super(message);
    if (!CATEGORIES.includes(category)) {
      throw new TypeError(`there is no category '${category}': use one of ${CATEGORIES.join(", ")}`);
    }
    this.data = { category, message, aadsts, ...(retryAfter === undefined ? {} : { retry_after: retryAfter }) };
  }
}

/** What `connect` returns where somebody has to sign in at a page first. */
class AwaitingAuthorization {
  constructor(authorizeUrl, connection) {
    this.authorizeUrl = authorizeUrl;
    this.connection = connection;
  }
}

class MethodNotFound extends Error {}

/** Speaks the connector protocol on standard input and output until the suite says that it is over. */
async function runDriver(driver) {
  const send = (message) => write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const notify = (method, params) => send({ method, params });
  const suite = {
    openUrl: (connection, url) => notify("open-url", { connection, url }),
    showDeviceCode: (connection, userCode, verificationUri) =>
      notify("show-device-code", { connection, user_code: userCode, verification_uri: verificationUri }),
    log: (text, level = "info") => notify("log", { level, text }),
    waiting: (seconds) => notify("waiting", { seconds }),
  };

  const connections = new Map();
  const waiting = new Map();
  const { operations = {}, features = [] } = driver;

  const keep = (name, made) => {
    waiting.delete(name);
    if (made instanceof AwaitingAuthorization) {
      connections.set(name, made.connection);
      waiting.set(name, made.authorizeUrl);
      return { state: "awaiting-authorization", authorize_url: made.authorizeUrl };
    }
    connections.set(name, made);
    return { state: "connected" };
  };
  const find = ({ connection }) => {
    if (!connections.has(connection)) throw new Failure("reconnect-required", "there is no such connection");
    return connections.get(connection);
  };
  const connect = async (params) =>
    keep(
      params.connection,
      await driver.connect({
        name: params.connection,
        settings: params.settings,
        authMethod: params.auth_method,
        environment: params.environment,
        endpoints: params.endpoints,
        suite,
      }),
    );

  const methods = {
    initialize: () => ({
      protocol: 1,
      connector: { name: driver.name, version: driver.version, language: "javascript" },
      auth_methods: driver.authMethods,
      environments: driver.environments ?? ["office365"],
      operations: Object.keys(operations),
      features,
      max_connections: driver.maxConnections ?? 100,
    }),
    connect,
    reconnect: connect,
    "finish-authorization": async (params) => {
      const connection = find(params);
      if (!driver.finishAuthorization) throw new MethodNotFound();
      const made = await driver.finishAuthorization(connection, { redirectUrl: params.redirect_url, form: params.form });
      return keep(params.connection, made ?? connection);
    },
    call: async (params) => {
      const connection = find(params);
      const operation = operations[params.operation];
      if (!operation) throw new Failure("unsupported", `the connector does not have ${params.operation}`);
      return { value: (await operation(connection, params.arguments ?? {})) ?? null };
    },
    status: async (params) => {
      const connection = find(params);
      const url = waiting.get(params.connection);
      if (url) return { state: "awaiting-authorization", authorize_url: url };
      const found = (await driver.status?.(connection)) ?? "connected";
      return found instanceof Failure ? { state: "broken", category: found.data.category } : { state: found };
    },
    disconnect: async ({ connection }) => {
      const found = connections.get(connection);
      connections.delete(connection);
      waiting.delete(connection);
      if (found !== undefined) await driver.disconnect?.(found);
      return {};
    },
    settle: async () => (await driver.settle?.(), {}),
    shutdown: () => ({}),
    ...(driver.advanceClock && { "advance-clock": async ({ seconds }) => (await driver.advanceClock(seconds), {}) }),
  };

  const answer = async ({ id, method, params = {} }) => {
    try {
      if (!Object.hasOwn(methods, method)) throw new MethodNotFound();
      return { id, result: await methods[method](params) };
    } catch (error) {
      if (error instanceof MethodNotFound) return { id, error: { code: -32601, message: `no method ${method}` } };
      const failure = error instanceof Failure ? error : driver.failure?.(error);
      if (failure) return { id, error: { code: -32000, message: failure.message, data: failure.data } };
      // Neither a Failure nor an error that the driver knows: a fault of the driver.
      process.stderr.write(`${error?.stack ?? error}\n`);
      return { id, error: { code: -32603, message: String(error) } };
    }
  };

  for await (const text of createInterface({ input: process.stdin })) {
    const request = JSON.parse(text);
    const answered = answer(request).then(send);
    if (!(features.includes("concurrent-calls") && request.method === "call")) await answered;
    if (request.method === "shutdown") break;
  }
  // A connector's own timers and sockets do not hold the process.
  process.exitCode ??= 0;
  setImmediate(() => process.exit());
}

module.exports = { runDriver, Failure, AwaitingAuthorization };
