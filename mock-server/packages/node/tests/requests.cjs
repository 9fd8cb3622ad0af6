// What the tests' client does: the built-in fetch, Microsoft's hosts, nothing of a mock.
exports.tokenOf = async ({ authority, apps }, alias = "daemon-secret") => {
  const { client_id, client_secret } = apps[alias];
  const answer = await fetch(`${authority}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      client_id, client_secret, grant_type: "client_credentials", scope: "https://graph.microsoft.com/.default",
    }),
  });
  return answer.json();
};

exports.mailOf = (upn, token) =>
  fetch(`https://graph.microsoft.com/v1.0/users/${upn}/messages?$top=2`, { headers: { Authorization: `Bearer ${token}` } });
