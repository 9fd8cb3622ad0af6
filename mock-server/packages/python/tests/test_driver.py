"""The helper for drivers, as the suite drives it."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
SUITE = [sys.executable, "-c", "import entra_mock._program as p; p.entra_conformance()"]
CONNECTOR = f"{sys.executable} {HERE / 'acme_driver.py'}"


def suite(*arguments: str, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SUITE, *arguments], capture_output=True, text=True, timeout=120, cwd=cwd)


def test_the_first_case_passes(tmp_path: pathlib.Path) -> None:
    found = suite("run", "--connector", CONNECTOR, "--filter", "auth/happy/connect", "--environment", "office365",
                  "--auth", "client-credentials", "--json", "out.json", cwd=tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "1 pass" in found.stdout, found.stdout


def test_the_driver_keeps_to_the_protocol(tmp_path: pathlib.Path) -> None:
    found = suite("check-driver", "--connector", CONNECTOR, cwd=tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr


def test_an_exception_that_the_driver_does_not_know_is_no_failure_of_the_connector() -> None:
    program = ("from entra_mock.driver import Driver\nd = Driver('x', '1', auth_methods=['own-app'])\n"
               "@d.connect\ndef connect(): raise RuntimeError('boom')\nd.run()\n")
    asked = [{"jsonrpc": "2.0", "id": 1, "method": "connect", "params": {"connection": "a", "settings": {}}},
             {"jsonrpc": "2.0", "id": 2, "method": "no-such"}, {"jsonrpc": "2.0", "id": 3, "method": "shutdown"}]
    found = subprocess.run([sys.executable, "-c", program], input="".join(json.dumps(it) + "\n" for it in asked),
                           capture_output=True, text=True, timeout=30)
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    assert [it.get("error", {}).get("code") for it in answers] == [-32603, -32601, None]
    assert "Traceback" in found.stderr
