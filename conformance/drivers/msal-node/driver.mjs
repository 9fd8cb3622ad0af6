// A driver for a connector on MSAL for Node: an example to copy.
//
// It speaks the connector protocol on standard input and output, one JSON message a line, and hands
// the work to the connector beside it. Guide: conformance/docs/write-a-driver.md.

import { createInterface } from "node:readline";

import { CLOUDS, Connection, Failure, OPERATIONS, WATCHES } from "./connector.mjs";

const connections = new Map();

const find = ({ connection }) => {
  const found = connections.get(connection);
  if (!found) throw new Failure("reconnect-required", "there is no such connection");
  return found;
};

const connect = async (params, { watched = {}, claims } = {}) => {
  // What is watched goes on, and what was refused is to be proved.
  const connection = Object.assign(await Connection.make(params), { watched, claims });
  const state = await connection.begin();
  connections.set(params.connection, connection);
  return state;
};

const methods = {
  initialize: () => ({
    protocol: 1,
    connector: { name: "msal-node", version: "7.2.3", language: "javascript" },
    auth_methods: ["authorization-code", "client-certificate", "client-credentials", "own-app"],
    environments: Object.keys(CLOUDS),
    operations: Object.keys({ ...OPERATIONS, ...WATCHES }),
    features: ["shared-mailbox", "pkce", "public-client"],
    max_connections: 100,
  }),
  connect: (params) => connect(params),
  reconnect: (params) => connect(params, connections.get(params.connection)),
  "finish-authorization": (params) => find(params).finish(params),
  call: async (params) => ({ value: await find(params).call(params.operation, params.arguments) }),
  status: (params) => find(params).status(),
  disconnect: (params) => (connections.delete(params.connection), {}),
  settle: () => ({}),
  shutdown: () => ({}),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line);
  const reply = { jsonrpc: "2.0", id };
  try {
    if (methods[method]) reply.result = await methods[method](params);
    else reply.error = { code: -32601, message: `no method ${method}` };
  } catch (error) {
    const data = error instanceof Failure ? error.data : { category: "unavailable", message: String(error) };
    reply.error = { code: -32000, message: data.message, data };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
  if (method === "shutdown") break;
}
