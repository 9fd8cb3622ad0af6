"""A driver of a connector with one auth method, by the helper."""

import msal
import requests
from entra_mock.driver import Driver, Failure

driver = Driver("acme", "1.0", auth_methods=["client-credentials"])
print("a banner of some library")


@driver.connect
def connect(settings):
    try:
        app = msal.ConfidentialClientApplication(
            settings["client_id"], client_credential=settings["client_secret"],
            authority=f"https://login.microsoftonline.com/{settings['tenant_id']}")
    except (KeyError, ValueError) as error:
        raise Failure("invalid-configuration", str(error)) from error
    answer = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    if "access_token" not in answer:
        raise Failure("invalid-credentials", answer["error_description"], aadsts=answer["error_codes"])
    return {"account": settings["account"], "token": answer["access_token"]}


@driver.operation("list-messages")
def list_messages(connection, top=10):
    answer = requests.get(
        f"https://graph.microsoft.com/v1.0/users/{connection['account']}/messages?$top={top}", timeout=8,
        headers={"Authorization": f"Bearer {connection['token']}"})
    if not answer.ok:
        raise Failure("access-denied", answer.text)
    return answer.json()


driver.run()
