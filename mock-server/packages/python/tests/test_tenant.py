"""What a test can do with a tenant of its own, with unmodified MSAL and requests."""

from __future__ import annotations

import os
import re
import ssl
import urllib.request
from datetime import timedelta

import entra_mock
import msal
import pytest
import requests

GRAPH = "https://graph.microsoft.com"


def daemon(tenant: entra_mock.Tenant) -> msal.ConfidentialClientApplication:
    app = tenant.apps["daemon-secret"]
    return msal.ConfidentialClientApplication(
        app.client_id, client_credential=app.client_secret, authority=tenant.authority)


def token_of_daemon(tenant: entra_mock.Tenant) -> str:
    answer = daemon(tenant).acquire_token_for_client([f"{GRAPH}/.default"])
    assert "access_token" in answer, answer
    return str(answer["access_token"])


def signed_in(tenant: entra_mock.Tenant, user: str = "alice") -> dict[str, str]:
    app, person = tenant.apps["native-app"], tenant.users[user]
    tenant.event("grant-consent", app="native-app", user=user, scopes=["Mail.Read"])
    client = msal.PublicClientApplication(app.client_id, authority=tenant.authority)
    answer: dict[str, str] = client.acquire_token_by_username_password(person.upn, person.password, ["Mail.Read"])
    assert "access_token" in answer, answer
    return answer


def test_microsofts_hosts_lead_to_the_mock(entra_tenant: entra_mock.Tenant) -> None:
    headers = {"Authorization": f"Bearer {token_of_daemon(entra_tenant)}"}
    upn = entra_tenant.users["alice"].upn
    mail = requests.get(f"{GRAPH}/v1.0/users/{upn}/messages?$top=2", headers=headers, timeout=10)
    assert len(mail.json()["value"]) == 2, mail.text
    entra_tenant.journal.expect(surface="graph", status=200, client="daemon-secret").once()


def test_the_standard_library_finds_it_too(entra_tenant: entra_mock.Tenant) -> None:
    url = f"{entra_tenant.authority}/v2.0/.well-known/openid-configuration"
    with urllib.request.urlopen(url, context=ssl.create_default_context(), timeout=10) as answer:
        assert entra_tenant.id in answer.read().decode()


def test_the_variables_name_the_tenant_of_the_test(entra_tenant: entra_mock.Tenant) -> None:
    assert os.environ["AZURE_TENANT_ID"] == entra_tenant.id
    assert os.environ["AZURE_CLIENT_ID"] == entra_tenant.apps["daemon-secret"].client_id


@pytest.mark.entra(environment="us-gov-l4")
def test_a_mark_names_the_environment(entra_tenant: entra_mock.Tenant) -> None:
    assert entra_tenant.login_host == "login.microsoftonline.us"
    assert entra_tenant.graph == "https://graph.microsoft.us"


def test_an_event_ends_a_refresh_token(entra_tenant: entra_mock.Tenant) -> None:
    first = signed_in(entra_tenant)
    entra_tenant.event("revoke-sessions", user="alice")
    app = entra_tenant.apps["native-app"]
    answer = requests.post(
        f"{entra_tenant.authority}/oauth2/v2.0/token", timeout=10,
        data={"client_id": app.client_id, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]})
    assert answer.json()["error_codes"] == [50173]
    entra_tenant.journal.expect(grant="refresh_token", user="alice", aadsts=50173).once()
    explained = entra_tenant.decode(first["refresh_token"])
    assert (explained.kind, explained.valid, explained.aadsts) == ("refresh-token", False, 50173)


def test_claims_of_a_token_are_decoded(entra_tenant: entra_mock.Tenant) -> None:
    token = entra_tenant.decode(signed_in(entra_tenant)["access_token"])
    assert token.valid and token.claims["tid"] == entra_tenant.id and "Mail.Read" in token.claims["scp"]


def test_the_clock_moves_for_this_tenant_only(
    entra_tenant: entra_mock.Tenant, entra_server: entra_mock.Server
) -> None:
    before, other = entra_tenant.clock.now(), entra_server.tenant().clock.now()
    assert entra_tenant.clock.advance("91d") - before >= timedelta(days=91)
    entra_tenant.clock.advance(timedelta(hours=1))
    assert entra_tenant.clock.freeze() == entra_tenant.clock.now()
    assert entra_server.tenant().clock.now() - other < timedelta(days=1)
    assert entra_tenant.clock.reset() - before < timedelta(days=1)


def test_a_fault_ends_with_its_block(entra_tenant: entra_mock.Tenant) -> None:
    headers = {"Authorization": f"Bearer {token_of_daemon(entra_tenant)}"}
    url = f"{GRAPH}/v1.0/users/{entra_tenant.users['alice'].upn}"
    with entra_tenant.fault({"throttle": {"retry-after": 3}}, on={"surface": "graph"}) as fault:
        slow = requests.get(url, headers=headers, timeout=10)
        assert (slow.status_code, slow.headers["Retry-After"]) == (429, "3")
        assert fault.touched == 1
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    assert entra_tenant.faults() == []


def test_a_failed_expectation_shows_the_exchanges(entra_tenant: entra_mock.Tenant) -> None:
    token_of_daemon(entra_tenant)
    with pytest.raises(AssertionError) as failed:
        entra_tenant.journal.expect(surface="token", status=400).once()
    message = str(failed.value)
    assert message.startswith("expected once: surface token, status 400\nfound 0 of "), message
    assert re.search(r"\n  #\d+ POST https://login.microsoftonline.com/.*\(client_credentials\) → 200", message), message


def test_never_is_not_met_by_what_comes_later(entra_tenant: entra_mock.Tenant) -> None:
    position = entra_tenant.journal.position()
    entra_tenant.journal.expect(surface="token", since=position).within(0.1).never()
    token_of_daemon(entra_tenant)
    with pytest.raises(AssertionError):
        entra_tenant.journal.expect(surface="token", since=position).within(5).never()


def test_an_unknown_event_is_refused_with_the_nearest_name(entra_tenant: entra_mock.Tenant) -> None:
    with pytest.raises(entra_mock.EntraMockError, match="revoke-sessions"):
        entra_tenant.event("revoke-session", user="alice")  # type: ignore[call-overload]


def test_a_name_that_nobody_has_is_refused_where_it_would_fit_nothing(entra_tenant: entra_mock.Tenant) -> None:
    expect = entra_tenant.journal.expect
    with pytest.raises(entra_mock.EntraMockError, match="no client 'daemn-secret', did you mean 'daemon-secret'?"):
        expect(client="daemn-secret").never()
    with pytest.raises(entra_mock.EntraMockError, match="no user 'alcie', did you mean 'alice'?"):
        expect(user="alcie").never()
    with pytest.raises(entra_mock.EntraMockError, match="surface=tokn"):
        expect(surface="tokn").never()
    with pytest.raises(KeyError, match="no app 'web', there are "):
        entra_tenant.apps["web"]
    expect(user=entra_tenant.users["alice"].upn).never()
    expect(client="00000000-0000-0000-0000-000000000001").never()


async def test_coroutines_wait_without_holding_the_loop(entra_tenant: entra_mock.Tenant) -> None:
    import asyncio

    await entra_tenant.aio.event("disable-user", user="bob")
    later = asyncio.get_running_loop().run_in_executor(None, token_of_daemon, entra_tenant)
    found = await entra_tenant.journal.expect(surface="token").aio.within(10).once()
    assert found.status == 200
    await later
