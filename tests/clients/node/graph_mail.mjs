// Reads mail with plain @azure/msal-node and the built-in fetch; knows nothing of a mock.
//
// Arguments: the login host and the Graph host of the cloud, the environment's name in the ready
// file. Prints one JSON object: what each way to sign in led to.

import { readFileSync } from "node:fs";
import { X509Certificate, createHash } from "node:crypto";

import { ConfidentialClientApplication, PublicClientApplication } from "@azure/msal-node";

const [loginHost, graphHost, environment] = process.argv.slice(2);
const world = JSON.parse(readFileSync(process.env.ENTRA_MOCK_READY, "utf8")).environments[environment];
const authority = `https://${loginHost}/${world.tenant.id}`;
const graph = `https://${graphHost}`;
const { alice } = world.users;
const result = {};

async function readMail(token, path) {
  const answer = await fetch(`${graph}/v1.0/${path}/messages?$top=5`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  return [answer.status, (await answer.json()).value?.length ?? 0];
}

const secret = new ConfidentialClientApplication({
  auth: {
    clientId: world.apps["daemon-secret"].client_id,
    authority,
    clientSecret: world.apps["daemon-secret"].client_secret,
  },
});
let answer = await secret.acquireTokenByClientCredential({ scopes: [`${graph}/.default`] });
result.secret = await readMail(answer.accessToken, `users/${alice.upn}`);

const app = world.apps["daemon-certificate"];
const certificate = new X509Certificate(readFileSync(app.certificate_file));
const withCertificate = new ConfidentialClientApplication({
  auth: {
    clientId: app.client_id,
    authority,
    clientCertificate: {
      thumbprintSha256: createHash("sha256").update(certificate.raw).digest("hex"),
      privateKey: readFileSync(app.key_file, "utf8"),
    },
  },
});
answer = await withCertificate.acquireTokenByClientCredential({ scopes: [`${graph}/.default`] });
result.certificate = await readMail(answer.accessToken, `users/${alice.upn}`);

const native = new PublicClientApplication({
  auth: { clientId: world.apps["native-app"].client_id, authority },
});
answer = await native.acquireTokenByUsernamePassword({
  scopes: [`${graph}/Mail.ReadWrite`],
  username: alice.upn,
  password: alice.password,
});
result.password = await readMail(answer.accessToken, "me");
result.account = answer.account.username;
const silent = await native.acquireTokenSilent({
  scopes: [`${graph}/Mail.ReadWrite`],
  account: answer.account,
  forceRefresh: true,
});
result.refresh = await readMail(silent.accessToken, "me");

console.log(JSON.stringify(result));
