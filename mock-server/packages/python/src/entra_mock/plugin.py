"""The pytest plugin: one mock for the session, a tenant for each test.

Nothing is started until a test asks for a fixture, unless the option ``entra_mock_autostart`` is
set. Under ``entra-mock run -- pytest`` that mock is used. With pytest-xdist each worker has a mock
of its own.
"""

from __future__ import annotations

import os
from typing import Any, Generator, Iterator

import pytest

from ._server import UNSET, Server
from ._tenant import Tenant

_server = pytest.StashKey[Server]()
_before = pytest.StashKey["dict[str, str | None]"]()
_tenants = pytest.StashKey["list[Tenant]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("entra_mock_autostart", "start the mock before test modules are imported, for clients that read "
                  "their settings at import (aiohttp)", type="bool", default=False)
    parser.addini("entra_mock_seed", "a world of your own (YAML) instead of the default one", default="")
    parser.addini("entra_mock_arguments", "further arguments of entra-mock serve", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "entra(environment): the environment of the test's tenant: office365, us-gov-l4, "
                            "us-gov-l5 or china")
    controller_only = config.pluginmanager.hasplugin("dsession") and not hasattr(config, "workerinput")
    if config.getini("entra_mock_autostart") and not controller_only:
        _start(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    _restore(config.stash.get(_before, {}))
    server = config.stash.get(_server, None)
    if server is not None:
        server.stop()
        del config.stash[_server]


def _start(config: pytest.Config) -> Server:
    """The session's mock; the process then has the variables by which clients find it."""
    server = config.stash.get(_server, None)
    if server is None:
        running = os.environ.get("ENTRA_MOCK_CONTROL")
        seed: str = config.getini("entra_mock_seed")
        arguments: list[str] = config.getini("entra_mock_arguments")
        if running:
            server = Server(running)
        else:
            server = Server.start(seed=config.rootpath / seed if seed else None, arguments=tuple(arguments))
            before = _set(server.variables())
            before.update(_set({name: None for name in UNSET}))
            config.stash[_before] = before
        config.stash[_server] = server
    return server


def _set(variables: Any) -> dict[str, str | None]:
    before = {name: os.environ.get(name) for name in variables}
    _restore(variables)
    return before


def _restore(variables: Any) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def entra_server(pytestconfig: pytest.Config) -> Server:
    """The mock of the session. From now on Microsoft's hosts lead to it in this process."""
    return _start(pytestconfig)


def _environment(marker: pytest.Mark | None) -> str:
    """What the marker says, which is refused where it says anything else."""
    args, kwargs = (marker.args, marker.kwargs) if marker else ((), {})
    if len(args) + len(kwargs) > 1 or set(kwargs) - {"environment"}:
        given = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())])
        pytest.fail(f"@pytest.mark.entra takes an environment, such as environment='us-gov-l4', and not ({given})",
                    pytrace=False)
    environment: str = next(iter([*args, *kwargs.values()]), "office365")
    return environment


@pytest.fixture
def entra_tenant(entra_server: Server, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A tenant of this test's own; AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET name it."""
    environment = _environment(request.node.get_closest_marker("entra"))
    tenant = entra_server.create_tenant(environment)
    request.node.stash.setdefault(_tenants, []).append(tenant)
    daemon = tenant.apps.get("daemon-secret")
    before = _set({
        "AZURE_TENANT_ID": tenant.id,
        "AZURE_CLIENT_ID": daemon.client_id if daemon else None,
        "AZURE_CLIENT_SECRET": daemon.client_secret if daemon else None,
        "AZURE_AUTHORITY_HOST": None if environment == "office365" else f"https://{tenant.login_host}/",
    })
    yield tenant
    _restore(before)
    tenant.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for tenant in item.stash.get(_tenants, []):
            try:
                lines = [str(it) for it in tenant.journal.exchanges()[-20:]]
            except Exception as error:  # the mock may be what failed
                lines = [f"cannot be read: {error}"]
            report.sections.append(("entra-mock journal", "\n".join(lines) or "no request reached the tenant"))
