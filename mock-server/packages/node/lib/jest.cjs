// For Jest: `const { useEntra } = require("entra-mock/jest")`, once in a test file or a describe.
"use strict";

const { Server } = require("./index.cjs");

/** A mock for the file, a tenant for each test: `entra.tenant` within a test. */
function useEntra({ environment = "office365", ...options } = {}) {
  const entra = { server: undefined, tenant: undefined };
  beforeAll(async () => {
    entra.server = await Server.inProcess(options);
    // The time limit of a test would be short for a program that starts on a busy machine.
  }, 60_000);
  beforeEach(async () => {
    entra.tenant = await entra.server.createTenant({ environment });
  });
  afterEach(async () => {
    await entra.tenant?.remove();
    entra.tenant = undefined;
  });
  afterAll(async () => {
    await entra.server?.stop();
  });
  return entra;
}

module.exports = { useEntra };
