// Compiled, never run: names and fields are checked.
import { expect } from "vitest";
import { Server, type Tenant } from "entra-mock";
import { AwaitingAuthorization, Failure, runDriver } from "entra-mock/driver";
import { useEntra } from "entra-mock/jest";
import { test as page } from "entra-mock/playwright";
import { test } from "entra-mock/vitest";

test("types", async ({ tenant }) => {
  await tenant.event("revoke-sessions", { user: "alice", by: "user" });
  await tenant.event("block-tenant");
  // @ts-expect-error there is no such event
  await tenant.event("revoke-session", { user: "alice" });
  // @ts-expect-error the user is missing
  await tenant.event("revoke-sessions", {});
  const found = await tenant.journal.expect({ surface: "token", aadsts: 50173 }).within(5000).once();
  expect(found.status).toBe(400);
  // @ts-expect-error there is no such condition
  tenant.journal.expect({ state: 1 });
});

page("types", async ({ page, tenant }) => {
  await page.goto(tenant.authority);
});

const entra = useEntra({ environment: "china" });
export const tenant: Tenant = entra.tenant;
export const started: Promise<Server> = Server.start({ seed: "world.yaml" });

await runDriver({
  name: "acme", version: "1", authMethods: ["own-app"],
  connect: ({ settings }) => new AwaitingAuthorization(`https://example/${settings.client_id}`, { n: 1 }),
  operations: { "list-messages": ({ n }, { top }) => n + top },
  // @ts-expect-error there is no such category
  failure: () => new Failure("broken", "…"),
});
