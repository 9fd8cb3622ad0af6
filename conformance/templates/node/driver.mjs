// A driver of your connector for entra-conformance.
//
// The functions below are a connector of a few lines, so that the first case passes; put your own in
// their place. Guide: conformance/docs/write-a-driver.md of entra-mock.
import "entra-mock/register"; // so that fetch finds the mock in every version of Node
import { Failure, runDriver } from "entra-mock/driver";

const CATEGORIES = { 401: "reconnect-required", 403: "access-denied", 404: "not-found", 429: "throttled" };

await runDriver({
  name: "my-connector",
  version: "0.1.0",
  authMethods: ["client-credentials"],

  async connect({ settings }) {
    const { client_id = "", client_secret = "", tenant_id, account } = settings;
    const scope = "https://graph.microsoft.com/.default";
    const answer = await fetch(`https://login.microsoftonline.com/${tenant_id}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret, scope }),
    });
    const token = await answer.json();
    if (!answer.ok) throw new Failure("invalid-credentials", token.error_description, { aadsts: token.error_codes });
    return { account, token: token.access_token };
  },

  operations: {
    async "list-messages"({ account, token }, { top = 10 }) {
      const answer = await fetch(`https://graph.microsoft.com/v1.0/users/${account}/messages?$top=${top}`, {
        headers: { Authorization: `Bearer ${token}` },
      });
      const value = await answer.json();
      if (!answer.ok) throw new Failure(CATEGORIES[answer.status] ?? "unavailable", JSON.stringify(value.error));
      return value;
    },
  },

  failure: (error) => (error instanceof TypeError ? new Failure("unavailable", String(error.cause ?? error)) : undefined),
});
