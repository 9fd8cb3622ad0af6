"""How the plugin behaves in a test run of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

ASKS = """
import os, urllib.request
def test_{name}(entra_tenant, entra_server):
    urllib.request.urlopen(entra_tenant.authority + "/v2.0/.well-known/openid-configuration").read()
    print("MOCK", entra_server.url)
    assert {holds}
"""


@pytest.fixture(autouse=True)
def no_mock_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process may have started one, which an inner run would take."""
    for name in list(os.environ):
        if name.startswith(("ENTRA_MOCK_", "AZURE_")) or name.upper() == "HTTPS_PROXY":
            monkeypatch.delenv(name)


def test_a_failed_test_shows_the_requests_of_its_tenant(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASKS.format(name="fails", holds="False"))
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*entra-mock journal*", "#* GET https://login.microsoftonline.com/*→ 200"])


def test_nothing_is_started_for_tests_that_do_not_ask(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import os\ndef test_it(): assert 'HTTPS_PROXY' not in os.environ")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_it_can_be_started_before_modules_are_imported(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nentra_mock_autostart = true\n")
    pytester.makepyfile("import os\nPROXY = os.environ['HTTPS_PROXY']\ndef test_it(): assert PROXY")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_workers_have_a_mock_each(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    for name in "abcdef":
        pytester.makepyfile(**{f"test_{name}": ASKS.format(name=name, holds="True")})
    result = pytester.runpytest_subprocess("-n", "2", "-rP")
    result.assert_outcomes(passed=6)
    mocks = {line for line in result.stdout.lines if line.startswith("MOCK ")}
    assert len(mocks) == 2, mocks


def test_a_world_of_ones_own(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", world=(
        "schema: 1\ntenants:\n  acme:\n    name: Acme\n    domain: acme.onmicrosoft.com\n"
        "    environment: office365\n    users:\n      carol: {name: Carol Cook}\n"))
    pytester.makeini("[pytest]\nentra_mock_seed = world.yaml\n")
    pytester.makepyfile("def test_it(entra_server): assert 'carol' in entra_server.tenant().users")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_mock_of_entra_mock_run_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import os\ndef test_it(entra_server): assert entra_server.url == os.environ['ENTRA_MOCK_CONTROL']")
    command = [sys.executable, "-c", "import entra_mock._program as p; p.entra_mock()"]
    found = subprocess.run([*command, "run", "--", sys.executable, "-m", "pytest", "-q"], cwd=pytester.path,
                           capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_mock_does_not_outlive_the_process_that_started_it() -> None:
    script = ("import entra_mock, os, time\nserver = entra_mock.Server.start()\n"
              "print(server._process.pid, flush=True)\nos._exit(1)")
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    pid = int(found.stdout)
    end = time.monotonic() + 10
    while time.monotonic() < end and running(pid):
        time.sleep(0.01)  # nothing tells of the end of another's child
    assert not running(pid)


def running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_marker_that_says_something_else_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import pytest\n@pytest.mark.entra(env='us-gov-l4')\ndef test_it(entra_tenant): pass\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*takes an environment, such as environment='us-gov-l4', and not (env='us-gov-l4')*"])


def test_a_mock_that_crashed_is_named_as_the_cause(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "def test_it(entra_server, entra_tenant):\n"
        "    entra_server._process.kill(); entra_server._process.wait()\n"
        "    entra_tenant.event('revoke-sessions', user='alice')\n")
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(["*no mock answers at http://127.0.0.1:*; it has ended by signal 9*"])
