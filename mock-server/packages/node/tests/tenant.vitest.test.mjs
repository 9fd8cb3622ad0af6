import { describe, expect } from "vitest";
import { test } from "entra-mock/vitest";
import { mailOf, tokenOf } from "./requests.cjs";

test("Microsoft's hosts lead to the mock", async ({ tenant }) => {
  const { access_token } = await tokenOf(tenant);
  const mail = await mailOf(tenant.users.alice.upn, access_token);
  expect((await mail.json()).value).toHaveLength(2);
  await tenant.journal.expect({ surface: "graph", status: 200, client: "daemon-secret" }).once();
});

test("an event has its effect", async ({ tenant }) => {
  await tenant.event("expire-secret", { app: "daemon-secret" });
  expect((await tokenOf(tenant)).error_codes).toEqual([7000222]);
  await tenant.journal.expect({ client: "daemon-secret", aadsts: 7000222 }).once();
});

test("a fault ends when it is removed", async ({ tenant }) => {
  const { access_token } = await tokenOf(tenant);
  const fault = await tenant.fault({ throttle: { "retry-after": 3 } }, { on: { surface: "graph" } });
  const slow = await mailOf(tenant.users.alice.upn, access_token);
  expect([slow.status, slow.headers.get("retry-after")]).toEqual([429, "3"]);
  expect(await fault.touched()).toBe(1);
  await fault.remove();
  await fault.remove();
  expect((await mailOf(tenant.users.alice.upn, access_token)).status).toBe(200);
});

test("claims are decoded, and the clock moves", async ({ tenant }) => {
  const { access_token } = await tokenOf(tenant);
  const token = await tenant.decode(access_token);
  expect([token.kind, token.claims.tid, token.valid]).toEqual(["access-token", tenant.id, true]);
  const before = await tenant.clock.now();
  expect((await tenant.clock.advance("91d")) - before).toBeGreaterThan(90 * 86_400_000);
  expect((await tenant.decode(access_token)).valid).toBe(false);
});

test("a failed expectation shows the exchanges", async ({ tenant }) => {
  await tokenOf(tenant);
  await expect(tenant.journal.expect({ surface: "token", status: 400 }).once()).rejects.toThrow(
    /^expected once: surface token, status 400\nfound 0 of \d+ exchanges:\n(.*\n)*  #\d+ POST https:\/\/login\.microsoftonline\.com\/.*\(client_credentials\) → 200/,
  );
});

test("an expectation waits", async ({ tenant }) => {
  const seen = tenant.journal.expect({ surface: "token" }).within(10_000).once();
  await tokenOf(tenant);
  expect((await seen).status).toBe(200);
});

test("an unknown name is refused", async ({ tenant }) => {
  await expect(tenant.event("revoke-session", { user: "alice" })).rejects.toThrow(/revoke-sessions/);
  expect(() => tenant.journal.expect({ state: 400 })).toThrow(/'state'/);
  // They would fit nothing, and `never` would hold of them.
  expect(() => tenant.journal.expect({ client: "daemn-secret" })).toThrow(/no client 'daemn-secret', there are .*daemon-secret/);
  expect(() => tenant.journal.expect({ user: "alcie" })).toThrow(/no user 'alcie'/);
  await expect(tenant.journal.expect({ surface: "tokn" }).never()).rejects.toThrow(/surface=tokn/);
  await tenant.journal.expect({ user: tenant.users.alice.upn }).never();
});

describe("elsewhere", () => {
  test.scoped({ environment: "us-gov-l4" });
  test("the environment is chosen", async ({ tenant }) => {
    expect(tenant.authority).toMatch(/^https:\/\/login\.microsoftonline\.us\//);
  });
});
