// Fixtures for Playwright: `import { test, expect } from "entra-mock/playwright"`.
import { test as base } from "@playwright/test";
import entra from "./index.cjs";

export { expect } from "@playwright/test";

export const test = base.extend({
  /** The environment of the test's tenant. */
  environment: ["office365", { option: true }],
  entraServer: [
    async ({}, use) => {
      const server = await entra.Server.inProcess();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  tenant: async ({ entraServer, environment }, use) => {
    const tenant = await entraServer.createTenant({ environment });
    await use(tenant);
    await tenant.remove();
  },
  // The browser reaches Microsoft's hosts through the mock's proxy, and does not know its root.
  ignoreHTTPSErrors: true,
  proxy: async ({ entraServer }, use) => use({ server: entraServer.url, bypass: "localhost,127.0.0.1,[::1]" }),
});
