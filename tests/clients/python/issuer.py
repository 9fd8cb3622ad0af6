"""A strict OpenID Connect client that is given an address only: the issuer must be that address.

issuer.py READY-FILE
"""

import base64
import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

ready = json.load(open(sys.argv[1]))
context = ssl.create_default_context(cafile=ready["ca_file"])
handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
direct = urllib.request.build_opener(*handlers)


def ask(url, fields=None, token=None):
    body = urllib.parse.urlencode(fields).encode() if fields else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with direct.open(urllib.request.Request(url, body, headers), timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.read().decode()}")


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


for world in ready["environments"].values():
    address = f"{world['authority']}/{world['tenant']['id']}"
    native, alice = world["apps"]["native-app"], world["users"]["alice"]
    for version, path in [(2, "/v2.0"), (1, "")]:
        issuer = f"{address}/v2.0" if version == 2 else f"{address}/"
        document = ask(f"{address}{path}/.well-known/openid-configuration")
        assert document["issuer"] == issuer, document["issuer"]
        for endpoint in ["token_endpoint", "authorization_endpoint", "jwks_uri"]:
            assert document[endpoint].startswith(world["authority"]), document[endpoint]
        wanted = {"scope": "openid profile User.Read"} if version == 2 else {"resource": f"https://{world['graph_host']}", "scope": "openid"}
        tokens = ask(
            document["token_endpoint"],
            {
                "grant_type": "password",
                "client_id": native["client_id"],
                "username": alice["upn"],
                "password": alice["password"],
                **wanted,
            },
        )
        assert claims(tokens["id_token"])["iss"] == issuer, claims(tokens["id_token"])
        # Tokens for Graph are of version 1, whoever asks.
        assert claims(tokens["access_token"])["iss"] == f"{address}/", claims(tokens["access_token"])
        me = ask(f"{world['graph']}/v1.0/me", token=tokens["access_token"])
        assert me["userPrincipalName"] == alice["upn"], me
        keys = ask(document["jwks_uri"])["keys"]
        if version == 2:
            assert all(key["issuer"] == f"{world['authority']}/{{tenantid}}/v2.0" for key in keys), keys
print("consistent")
