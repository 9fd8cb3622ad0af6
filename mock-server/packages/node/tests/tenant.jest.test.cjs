const { useEntra } = require("entra-mock/jest");
const { mailOf, tokenOf } = require("./requests.cjs");

const entra = useEntra();

test("Microsoft's hosts lead to the mock", async () => {
  const { access_token } = await tokenOf(entra.tenant);
  expect((await mailOf(entra.tenant.users.alice.upn, access_token)).status).toBe(200);
  await entra.tenant.journal.expect({ surface: "graph" }).once();
});

test("each test has a tenant of its own", async () => {
  await entra.tenant.journal.expect({ surface: "graph" }).never();
});
