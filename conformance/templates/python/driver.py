"""A driver of your connector for entra-conformance.

The functions below are a connector of a few lines, so that the first case passes; put your own in
their place. Guide: conformance/docs/write-a-driver.md of entra-mock.
"""

import json
import urllib.error
import urllib.parse
import urllib.request

from entra_mock.driver import Driver, Failure

driver = Driver("my-connector", "0.1.0", auth_methods=["client-credentials"])


@driver.connect
def connect(settings):
    form = {"grant_type": "client_credentials", "client_id": settings.get("client_id", ""),
            "client_secret": settings.get("client_secret", ""), "scope": "https://graph.microsoft.com/.default"}
    url = f"https://login.microsoftonline.com/{settings.get('tenant_id')}/oauth2/v2.0/token"
    status, answer = ask(url, urllib.parse.urlencode(form).encode())
    if status != 200:
        raise Failure("invalid-credentials", answer.get("error_description", ""), aadsts=answer.get("error_codes", []))
    return {"account": settings.get("account"), "token": answer["access_token"]}


@driver.operation("list-messages")
def list_messages(connection, top=10):
    url = f"https://graph.microsoft.com/v1.0/users/{connection['account']}/messages?$top={top}"
    status, answer = ask(url, token=connection["token"])
    if status != 200:
        category = {401: "reconnect-required", 403: "access-denied", 404: "not-found", 429: "throttled"}
        raise Failure(category.get(status, "unavailable"), str(answer.get("error")))
    return answer


def ask(url, data=None, token=None):
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=8) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@driver.failure(urllib.error.URLError)
def unreachable(error):
    return Failure("unavailable", str(error))


driver.run()
