// Fixtures for Vitest: `import { test } from "entra-mock/vitest"`.
import { test as base } from "vitest";
import entra from "./index.cjs";

// Before the first test, whose time limit is short; it ends with the worker.
const started = await entra.Server.inProcess();

/** The mock of this worker. */
export const server = async () => started;

export const test = base.extend({
  /** The environment of the test's tenant. */
  environment: "office365",
  // Vitest wants the pattern.
  entraServer: async ({}, use) => use(await server()),
  tenant: async ({ entraServer, environment }, use) => {
    const tenant = await entraServer.createTenant({ environment });
    await use(tenant);
    await tenant.remove();
  },
});
