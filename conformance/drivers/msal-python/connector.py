"""A small connector on MSAL for Python and requests, as a product would have one.

Nothing in it knows of a mock: hosts are Microsoft's, proxy and certificates come from the
environment.
"""

import base64
import json
import re
import tempfile
import time
from urllib.parse import parse_qsl, quote, urlsplit

import msal
import requests
import urllib3

CLOUDS = {  # environment: login host, Graph root
    "office365": ("login.microsoftonline.com", "https://graph.microsoft.com"),
    "us-gov-l4": ("login.microsoftonline.us", "https://graph.microsoft.us"),
    "us-gov-l5": ("login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": ("login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
}
LONGEST_ANSWER = 4 << 20
LONGEST_TIME = 5  # seconds, between two reads; the limit of requests is for each read
RESERVED = {"openid", "profile", "offline_access"}  # msal adds these itself
CATEGORIES = {
    "invalid-credentials": {7000215, 7000222, 700027, 700024, 50126, 50012},
    "consent-required": {65001},
    "admin-consent-required": {90094, 90095},
    "interaction-blocked": {65004, 50105, 53000, 53003, 7000112, 50020},
    "invalid-configuration": {700016, 90002, 900023, 500011, 70011, 50011, 50194, 700023, 700025, 50059},
}


class Failure(Exception):
    """What the connector's user is told."""

    def __init__(self, category, message, aadsts=(), status=None):
        super().__init__(message)
        self.status = status
        self.data = {"category": category, "message": message, "aadsts": list(aadsts)}


def refused(answer):
    """An answer of msal without a token, as a failure."""
    text = answer.get("error_description") or answer.get("error", "")
    if not text:
        return Failure("unavailable", "the sign-in service's answer cannot be read")
    codes = answer.get("error_codes") or [int(code) for code in re.findall(r"AADSTS(\d+)", text)]
    for category, known in CATEGORIES.items():
        if known.intersection(codes):
            return Failure(category, text, codes)
    by_error = {"invalid_client": "invalid-credentials", "access_denied": "interaction-blocked",
                "temporarily_unavailable": "unavailable", "server_error": "unavailable", "invalid_grant": "reconnect-required",
                "interaction_required": "reconnect-required", "consent_required": "consent-required"}
    return Failure(by_error.get(answer.get("error"), "invalid-configuration"), text, codes)


class Connection:
    def __init__(self, params):
        self.settings = settings = params["settings"]
        self.method = params["auth_method"]
        self.app_only = self.method in ("client-certificate", "client-credentials")
        environment = params.get("environment") or "office365"
        login, self.graph = CLOUDS[environment] if environment in CLOUDS else (None, None)
        required = ["client_id"] + (["tenant_id", "account"] if self.app_only else ["redirect_uri"])
        required += ["certificate"] if self.method == "client-certificate" else []
        required += ["client_secret"] if self.method in ("client-credentials", "own-app") else []
        missing = [name for name in required if not settings.get(name)]
        if missing or not login:
            raise Failure("invalid-configuration", f"missing or wrong: {', '.join(missing) or environment}")
        default = "organizations" if self.method == "authorization-code" else "common"
        self.app = self.make_app(f"https://{login}/{settings.get('tenant_id') or default}")
        self.scopes = [self.qualified(it) for it in settings.get("scopes", []) if it not in RESERVED]
        self.login, self.claims = login, None  # what the next sign-in has to prove
        self.flow, self.broken, self.session = None, None, requests.Session()
        self.china = environment == "china"
        self.watched = {}  # operation: where the next look begins, and what was told
        self.refused = (0, None)  # until when a refusal is believed that only a person can mend
        self.patience = 0  # until when Graph wants to be left alone

    def make_app(self, authority):
        credential = self.settings.get("client_secret")
        if self.method == "client-certificate":
            try:
                pfx = base64.b64decode(self.settings["certificate"], validate=True)
            except ValueError as error:
                raise Failure("invalid-configuration", f"the certificate is not base64: {error}") from error
            file = tempfile.NamedTemporaryFile(suffix=".pfx")  # msal reads it at once
            file.write(pfx)
            file.flush()
            credential = {"private_key_pfx_path": file.name,
                          "passphrase": self.settings.get("certificate_password", "")}
        make = msal.ConfidentialClientApplication if credential else msal.PublicClientApplication
        try:
            return make(self.settings["client_id"], authority=authority, client_credential=credential)
        except ValueError as error:  # a tenant that does not exist, a password that does not fit
            wrong_password = "password" in str(error).lower() or "pkcs12" in str(error).lower()
            raise Failure("invalid-credentials" if wrong_password else "invalid-configuration", str(error)) from error

    def qualified(self, scope):
        return scope if "://" in scope or scope == "email" else f"{self.graph}/{scope}"

    def begin(self):
        if self.app_only:
            self.token()
            return {"state": "connected"}
        self.flow = self.app.initiate_auth_code_flow(
            self.scopes, redirect_uri=self.settings["redirect_uri"], response_mode="query",
            claims_challenge=self.claims)
        return {"state": "awaiting-authorization", "authorize_url": self.flow["auth_uri"]}

    def finish(self, params):
        url = urlsplit(params["redirect_url"])
        answer = params.get("form") or dict(parse_qsl(url.query or url.fragment))
        if not self.flow or answer.get("state") != self.flow["state"]:
            raise Failure("untrusted", "the callback belongs to no sign-in")
        if urlsplit(answer.get("iss", f"https://{self.login}")).hostname != self.login:
            raise Failure("untrusted", "the callback comes from another issuer")
        if answer.get("error"):  # with a code beside it as well
            raise refused(answer)
        try:
            result = self.app.acquire_token_by_auth_code_flow(self.flow or {}, answer)
        except (ValueError, RuntimeError) as error:  # no flow; state or nonce differ
            raise Failure("untrusted", str(error)) from error
        if "access_token" not in result:
            raise refused(result)
        self.flow = None
        return {"state": "connected"}

    def status(self):
        if self.broken:
            return {"state": "broken", "category": self.broken.data["category"]}
        if self.flow:
            return {"state": "awaiting-authorization", "authorize_url": self.flow["auth_uri"]}
        return {"state": "connected"}

    def token(self, renew=False):
        if self.broken:
            raise self.broken
        if time.monotonic() < self.refused[0]:
            raise self.refused[1]
        try:
            if self.app_only:
                if renew:
                    self.app.remove_tokens_for_client()
                result = self.app.acquire_token_for_client([f"{self.graph}/.default"])
            else:
                accounts = self.app.get_accounts()
                result = accounts and self.app.acquire_token_silent_with_error(
                    self.scopes, accounts[0], force_refresh=renew)
                result = result or {"error": "invalid_grant", "error_description": "sign in again"}
        except (requests.RequestException, msal.exceptions.MsalError, ValueError) as error:
            # The service is down, or answers with something that is no JSON.
            raise Failure("unavailable", str(error)) from error
        if "access_token" not in result:
            failure, self.claims = refused(result), result.get("claims")
            if not self.app_only and failure.data["category"] in ("reconnect-required", "consent-required"):
                self.broken = failure
            if failure.data["category"] not in ("throttled", "unavailable"):
                self.refused = (time.monotonic() + 60, failure)
            raise failure
        return result["access_token"]

    def call(self, operation, arguments):
        if operation in WATCHES:
            return {"value": self.watch(operation, arguments)}
        user = "/users/" + quote(self.settings["account"]) if self.app_only else "/me"
        shared = self.settings.get("shared_mailbox")
        mailbox = "/users/" + quote(shared) if shared else user
        method, path, body = OPERATIONS[operation](mailbox if operation != "get-profile" else user, arguments)
        value = self.ask(method, f"{self.graph}/v1.0{path}", body)
        top = arguments.get("top", 10)
        followed = set()
        while method == "GET" and value.get("@odata.nextLink") and len(value["value"]) < top:
            link = value["@odata.nextLink"]
            if not link.startswith(f"{self.graph}/") or link in followed:
                raise Failure("untrusted", "the link to the next page leads elsewhere, or in a circle")
            followed.add(link)
            page = self.ask("GET", link, None)
            value = {**page, "value": (value["value"] + page["value"])[:top]}
        return value

    def watch(self, operation, arguments):
        """What has come since the last look: mail by delta query, events by when they changed."""
        shared, account = self.settings.get("shared_mailbox"), self.settings.get("account")
        box = "/users/" + quote(shared or account) if shared or self.app_only else "/me"
        link, known = self.watched.get(operation, (None, {}))
        found, known = [], dict(known)
        first = f"{self.graph}/v1.0{box}" + WATCHES[operation][self.china].format(
            folder=quote(arguments.get("folder", "inbox")))
        try:
            items, following = self.round(link or first)
        except Failure as failure:
            if not link or failure.status != 410:
                raise
            items, following = self.round(first)  # the service has forgotten: all over, and compare
        for item in items:
            stamp = item.get("lastModifiedDateTime") if operation == "watch-events" else "there"
            if "@removed" not in item and known.get(item["id"]) != stamp:
                kind = "updated" if item["id"] in known else "created"
                known[item["id"]] = stamp
                found += [{**item, "changeType": kind}] if link else []
        self.watched[operation] = following or first, known
        return found

    def round(self, link):
        items = []
        while True:
            if not link.startswith(f"{self.graph}/"):
                raise Failure("untrusted", "the link to the next page leads elsewhere")
            page = self.ask("GET", link, None, {"Prefer": 'odata.maxpagesize=50, IdType="ImmutableId"'})
            items += page["value"]
            if not page.get("@odata.nextLink"):
                return items, page.get("@odata.deltaLink")
            link = page["@odata.nextLink"]

    def ask(self, method, url, body, headers=None):
        if time.monotonic() < self.patience:
            raise Failure("throttled", "Graph wants to be left alone for a while")
        end = time.monotonic() + LONGEST_TIME
        for renew in (False, True):  # a token may have been revoked: once more with another one
            answer = self.session.request(
                method, url, json=body, timeout=4, stream=True,
                headers={"Authorization": f"Bearer {self.token(renew)}", **(headers or {})}, allow_redirects=False)
            content = read(answer, end)
            if answer.status_code != 401:
                break
        if answer.is_redirect:
            raise Failure("untrusted", f"Graph redirects to {answer.headers['Location']}")
        if answer.ok:
            if method == "GET" and not content:
                raise Failure("unavailable", "Graph answered with nothing")
            return parsed(content) if content else None
        wait = answer.headers.get("Retry-After", "")
        if wait.isdecimal():
            self.patience = time.monotonic() + min(int(wait), 3600)
        error = (parsed(content) if "json" in answer.headers.get("Content-Type", "") else {}).get("error", {})
        category = {401: "reconnect-required", 403: "access-denied", 404: "not-found", 410: "unavailable",
                    429: "throttled"}.get(
            answer.status_code, "unavailable" if answer.status_code >= 500 else "invalid-configuration")
        if error.get("code") == "NoPermissionsInAccessToken":
            category = "access-denied"
        raise Failure(category, f"{answer.status_code} {error.get('code')}: {error.get('message')}", status=answer.status_code)


def read(answer, end):
    """The content, as it comes: iter_content waits until a piece is full."""
    content = bytearray()
    try:
        while chunk := answer.raw.read1(65536, decode_content=True):
            content += chunk
            if len(content) > LONGEST_ANSWER or time.monotonic() > end:
                raise Failure("unavailable", "Graph's answer has no end")
    except urllib3.exceptions.HTTPError as error:
        raise Failure("unavailable", f"Graph's answer was broken off: {error}") from error
    finally:
        answer.close()
    return content


def parsed(content):
    try:
        return json.loads(content)
    except ValueError as error:
        raise Failure("unavailable", f"Graph's answer cannot be read: {error}") from error


def message(arguments):
    body = arguments.get("body", "")
    return {"subject": arguments.get("subject", ""),
            "body": body if isinstance(body, dict) else {"contentType": "Text", "content": body},
            "toRecipients": [it if isinstance(it, dict) else {"emailAddress": {"address": it}}
                             for it in arguments.get("toRecipients", [])]}


def event(arguments):
    return {name: arguments[name] for name in ("subject", "body", "start", "end") if name in arguments}


def listing(name, fields):
    return lambda box, arguments: (
        "GET", f"{box}/{name}?$select={fields}&$top={arguments.get('top', 10)}", None)


# There is no delta query over events without a window, and none in China: what is there is compared.
EVENTS = "/events?$select=id,subject,start,lastModifiedDateTime&$top=100"
WATCHES = {
    "watch-messages": ("/mailFolders/{folder}/messages/delta?$select=id,subject,from,receivedDateTime",
                       "/mailFolders/{folder}/messages?$select=id,subject,from,receivedDateTime&$top=100"),
    "watch-events": (EVENTS, EVENTS),
}

OPERATIONS = {
    "get-profile": lambda user, _: ("GET", user, None),
    "list-messages": listing("messages", "id,subject,from,receivedDateTime,isRead"),
    "get-message": lambda box, it: ("GET", f"{box}/messages/{quote(it['id'])}", None),
    "send-message": lambda box, it: ("POST", f"{box}/sendMail", {"message": message(it)}),
    "create-draft": lambda box, it: ("POST", f"{box}/messages", message(it)),
    "move-message": lambda box, it: (
        "POST", f"{box}/messages/{quote(it['id'])}/move", {"destinationId": it["destinationId"]}),
    "list-folders": listing("mailFolders", "id,displayName,totalItemCount"),
    "list-events": listing("events", "id,subject,start,end"),
    "create-event": lambda box, it: ("POST", f"{box}/events", event(it)),
    "list-calendars": listing("calendars", "id,name,owner"),
    "list-contacts": listing("contacts", "id,displayName,emailAddresses"),
    "get-mailbox-settings": lambda box, _: ("GET", f"{box}/mailboxSettings", None),
}
