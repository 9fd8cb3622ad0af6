import { expect, test } from "entra-mock/playwright";

test("a user signs in at Microsoft's page", async ({ page, tenant }) => {
  const { client_id, redirect_uris } = tenant.apps["own-app"];
  const query = new URLSearchParams({
    client_id, response_type: "code", scope: "openid Mail.Read", redirect_uri: redirect_uris.find((it) => it.startsWith("http://localhost")),
  });
  await page.goto(`${tenant.authority}/oauth2/v2.0/authorize?${query}`);
  expect(new URL(page.url()).host).toBe("login.microsoftonline.com");
  await page.locator('input[name="loginfmt"]').fill(tenant.users.alice.upn);
  await page.locator('button[type="submit"], input[type="submit"]').first().click();
  await page.locator('input[name="passwd"]').fill(tenant.users.alice.password);
  await page.locator('button[type="submit"], input[type="submit"]').first().click();
  await tenant.journal.expect({ surface: "authorize", method: "POST", that: (it) => it.status < 400 }).within(10_000).atLeast(1);
});
