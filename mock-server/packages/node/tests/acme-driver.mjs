// A driver of a connector with one auth method, by the helper.
import { Failure, runDriver } from "entra-mock/driver";
import requests from "./requests.cjs";

console.log("a banner of some library");

await runDriver({
  name: "acme",
  version: "1.0",
  authMethods: ["client-credentials"],
  async connect({ settings }) {
    const { client_id, client_secret, tenant_id, account } = settings;
    const answer = await requests.tokenOf({
      authority: `https://login.microsoftonline.com/${tenant_id}`,
      apps: { "daemon-secret": { client_id, client_secret } },
    });
    if (answer.error) throw new Failure("invalid-credentials", answer.error_description, { aadsts: answer.error_codes });
    return { account, token: answer.access_token };
  },
  operations: {
    "list-messages": async ({ account, token }) => (await requests.mailOf(account, token)).json(),
  },
});
