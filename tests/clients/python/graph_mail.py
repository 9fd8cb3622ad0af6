"""Reads mail with plain msal and requests; knows nothing of a mock.

Arguments: the login host and the Graph host of the cloud. The tenant, the apps and the users come
from the ready file (ENTRA_MOCK_READY), as a test would take them from its secrets store.
Prints one JSON object: what each way to sign in led to.
"""

import json
import os
import sys

import msal
import requests
from cryptography import x509  # msal brings it
from cryptography.hazmat.primitives import hashes

login_host, graph_host, environment = sys.argv[1:4]

with open(os.environ["ENTRA_MOCK_READY"], encoding="utf-8") as file:
    world = json.load(file)["environments"][environment]

authority = f"https://{login_host}/{world['tenant']['id']}"
graph = f"https://{graph_host}"
alice = world["users"]["alice"]
apps = world["apps"]
result = {}


def read_mail(token, path):
    """Returns the status and the number of messages that Graph gives for a token."""
    answer = requests.get(
        f"{graph}/v1.0/{path}/messages",
        params={"$top": "5", "$select": "subject,from"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    body = answer.json()
    return [answer.status_code, len(body.get("value", [])), body.get("@odata.nextLink", "")]


def access_token(answer):
    """The access token of an answer of msal, or its error as the reason to stop."""
    if "access_token" not in answer:
        sys.exit(f"msal got no token: {json.dumps(answer, indent=1)}")
    return answer["access_token"]


# A client secret, acting as the app.
secret = msal.ConfidentialClientApplication(
    apps["daemon-secret"]["client_id"],
    authority=authority,
    client_credential=apps["daemon-secret"]["client_secret"],
)
answer = secret.acquire_token_for_client([f"{graph}/.default"])
result["secret"] = read_mail(access_token(answer), f"users/{alice['upn']}")
result["secret_members"] = sorted(set(answer) - {"token_source"})

# A certificate, acting as the app.
certificate = msal.ConfidentialClientApplication(
    apps["daemon-certificate"]["client_id"],
    authority=authority,
    client_credential={
        "private_key_pfx_path": apps["daemon-certificate"]["pfx_file"],
        "passphrase": apps["daemon-certificate"]["pfx_password"],
    },
)
answer = certificate.acquire_token_for_client([f"{graph}/.default"])
result["certificate"] = read_mail(access_token(answer), f"users/{alice['upn']}")

# The same certificate in the older way: RS256 and a SHA-1 thumbprint.
with open(apps["daemon-certificate"]["key_file"], encoding="utf-8") as file:
    key = file.read()
with open(apps["daemon-certificate"]["certificate_file"], encoding="utf-8") as file:
    public = file.read()
thumbprint = x509.load_pem_x509_certificate(public.encode()).fingerprint(hashes.SHA1()).hex()
older = msal.ConfidentialClientApplication(
    apps["daemon-certificate"]["client_id"],
    authority=authority,
    client_credential={"private_key": key, "thumbprint": thumbprint},
)
answer = older.acquire_token_for_client([f"{graph}/.default"])
result["thumbprint"] = read_mail(access_token(answer), f"users/{alice['upn']}")

# A user with a password, then a refresh.
native = msal.PublicClientApplication(apps["native-app"]["client_id"], authority=authority)
scopes = [f"{graph}/Mail.ReadWrite"]
answer = native.acquire_token_by_username_password(alice["upn"], alice["password"], scopes)
result["password"] = read_mail(access_token(answer), "me")
refreshed = native.acquire_token_by_refresh_token(answer["refresh_token"], scopes)
result["refresh"] = read_mail(access_token(refreshed), "me")
account = native.get_accounts(username=alice["upn"])[0]
result["silent"] = "access_token" in native.acquire_token_silent(scopes, account, force_refresh=True)
result["id_token"] = answer["id_token_claims"]["preferred_username"]

# A token of this environment at the Graph of another one.
other = "graph.microsoft.us" if graph_host != "graph.microsoft.us" else "graph.microsoft.com"
foreign = requests.get(
    f"https://{other}/v1.0/users/{alice['upn']}/messages",
    headers={"Authorization": f"Bearer {secret.acquire_token_for_client([f'{graph}/.default'])['access_token']}"},
    timeout=30,
)
result["foreign"] = [foreign.status_code, foreign.json()["error"]["code"], foreign.json()["error"]["message"]]

print(json.dumps(result))
