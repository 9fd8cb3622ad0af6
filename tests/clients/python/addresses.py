"""Opens every address that an answer of the login hosts gives to people, and follows it.

addresses.py READY-FILE: through the proxy and at the ports of the environments.
addresses.py: inside of an isolated run, where nothing but the names of the hosts leads to the mock.
Prints each address with what it led to; ends with 1 if one does not open.
"""

import html
import http.cookiejar
import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

isolated = len(sys.argv) < 2
ready = json.load(open(os.environ["ENTRA_MOCK_READY"] if isolated else sys.argv[1]))
# An isolated run has the root among those of the system.
context = ssl.create_default_context(cafile=None if isolated else ready["ca_file"])
failed = []


class Stay(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects."""

    def redirect_request(self, *_):
        return None


def opener(proxy, follow):
    proxies = {"https": ready["proxy"], "http": ready["proxy"]} if proxy and not isolated else {}
    handlers = [
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    ]
    return urllib.request.build_opener(*handlers, *([] if follow else [Stay()]))


def ask(url, fields=None, proxy=True, follow=True):
    """Status, address and text of an answer."""
    body = urllib.parse.urlencode(fields).encode() if fields else None
    try:
        with opener(proxy, follow).open(urllib.request.Request(url, body), timeout=20) as answer:
            return answer.status, answer.geturl(), answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location", url), error.read().decode(), error.headers


def opens(url, page=None, proxy=True):
    status, led_to, text, _ = ask(url, proxy=proxy)
    found = re.search(r'data-page="([^"]+)"', text)
    good = status == 200 and (page is None or bool(found) and found[1] == page)
    print("ok   " if good else "WRONG", url, "->", led_to, status, found and found[1])
    if not good:
        failed.append(url)
    return text


def answers(url, proxy=True):
    """An endpoint that a document names: whatever it answers, it is the mock that answers."""
    status, _, _, headers = ask(url, proxy=proxy)
    good = status in (200, 302, 400, 401, 405) and "x-ms-request-id" in headers or "request-id" in headers
    print("ok   " if good else "WRONG", url, status)
    if not good:
        failed.append(url)


def expire_password(tenant, user):
    """By the control API, which nobody reaches from inside of an isolated run."""
    event = json.dumps({"expire-password": {"user": user}}).encode()
    url = f"{ready['control']}/api/v1/tenants/{tenant}/events"
    request = urllib.request.Request(url, event, {"Content-Type": "application/json"})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20).close()


def links(base, text):
    """Whatever a page links to, sends a form to, or embeds."""
    for link in re.findall(r'(?:href|src)="([^"#]+)"', text):
        yield urllib.parse.urljoin(base, html.unescape(link))


for name, world in ready["environments"].items():
    tenant = world["tenant"]["id"]
    native = world["apps"]["native-app"]["client_id"]
    own = world["apps"]["own-app"]
    bob = world["users"]["bob"]
    if not isolated:
        expire_password(tenant, "bob")
    for root, proxy in [(f"https://{world['login_host']}", True), (world["authority"], False)]:
        given = set()
        for path, extra, member in [
            ("oauth2/v2.0/devicecode", {"scope": "User.Read"}, "verification_uri"),
            ("oauth2/devicecode", {"resource": f"https://{world['graph_host']}"}, "verification_url"),
        ]:
            _, _, text, _ = ask(f"{root}/{tenant}/{path}", {"client_id": native, **extra}, proxy)
            answer = json.loads(text)
            assert answer[member] in answer["message"], answer
            opens(answer[member], "device-code", proxy)
            # People type the address without a scheme, and a slash too many.
            opens(answer[member] + "/", "device-code", proxy)
        # What the documents name, but for endpoints of protocols and services that are not here.
        for path in ["v2.0/.well-known/openid-configuration", ".well-known/openid-configuration"]:
            document = json.loads(ask(f"{root}/{tenant}/{path}", None, proxy)[2])
            document.update(document.get("mtls_endpoint_aliases", {}))
            for member, value in document.items():
                named = member.endswith("_endpoint") or member == "jwks_uri"
                not_here = ("kerberos_endpoint", "check_session_iframe")
                # The user info of v1 is not here either: docs/known-differences.md.
                if named and member not in not_here and not value.endswith("/openid/userinfo"):
                    answers(value, proxy)
        if not isolated:
            fields = {
                "grant_type": "password",
                "client_id": native,
                "username": bob["upn"],
                "password": bob["password"],
                "scope": "User.Read",
            }
            answer = json.loads(ask(f"{root}/{tenant}/oauth2/v2.0/token", fields, proxy)[2])
            opens(answer["password_change_url"], "password-expired", proxy)
        # Codes of refusals, in JSON, in redirects and on pages.
        wrong = {"grant_type": "client_credentials", "client_id": own["client_id"], "client_secret": "wrong", "scope": "x/.default"}
        for url, fields in [
            (f"{root}/{tenant}/oauth2/v2.0/token", wrong),
            (f"{root}/{tenant}/oauth2/token", wrong),
            (f"{root}/{tenant}/oauth2/v2.0/devicecode", {"client_id": "nobody"}),
            (f"{root}/nobody.example/v2.0/.well-known/openid-configuration", None),
            (f"{root}/common/discovery/instance?api-version=1.1", None),
        ]:
            given.add(json.loads(ask(url, fields, proxy)[2])["error_uri"])
        query = urllib.parse.urlencode({"client_id": own["client_id"], "redirect_uri": own["redirect_uris"][0]})
        for path in ["oauth2/v2.0/authorize", "oauth2/authorize", "v2.0/adminconsent"]:
            status, location, _, _ = ask(f"{root}/{tenant}/{path}?{query}", None, proxy, False)
            if status == 302:
                fields = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)
                given.update(fields["error_uri"])
        for path in [
            f"{tenant}/oauth2/v2.0/authorize?client_id=nobody",
            f"{tenant}/oauth2/v2.0/authorize?{query}&response_type=code&scope=openid",
            "common/oauth2/deviceauth",
            "common/oauth2/nativeclient",
            "common/oauth2/v2.0/logout",
            "error?code=50011",
            "device",
            "",
        ]:
            url = f"{root}/{path}"
            given.update(links(url, opens(url, None, proxy)))
        for url in sorted(given):
            opens(url, None, proxy)

for url in ["https://login.microsoft.com/device", "https://www.microsoft.com/devicelogin", "http://microsoft.com/devicelogin"]:
    opens(url, "device-code")
sys.exit(1 if failed else 0)
