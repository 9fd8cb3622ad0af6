"""A running mock."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import time
from types import TracebackType
from typing import IO, Any, Mapping

from ._control import Control, EntraMockError
from ._program import find
from ._tenant import Tenant

UNSET = ("NO_PROXY", "no_proxy")
START_TIME = 30.0


class Server:
    """A running mock: started here, or found by its address."""

    def __init__(self, url: str) -> None:
        self.control = Control(url)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._ready: dict[str, Any] | None = None
        self._errors: IO[bytes] | None = None

    @classmethod
    def start(cls, *, seed: str | os.PathLike[str] | None = None, arguments: tuple[str, ...] = ()) -> Server:
        """Starts the program on free ports, and waits until it is ready.

        It ends with ``stop``, with the ``with`` block, or with this process, however that ends.
        ``seed`` is a world of your own; further arguments are those of ``entra-mock serve``.
        """
        path, called = find()
        folder = tempfile.TemporaryDirectory(prefix="entra-mock-")
        ready = pathlib.Path(folder.name, "ready.json")
        command = [called, "serve", "--quiet", "--until-eof", "--control", "127.0.0.1:0", "--tls-port", "0",
                   "--ready-file", str(ready), *(["--seed", os.fspath(seed)] if seed else []), *arguments]
        errors = tempfile.TemporaryFile()
        process = subprocess.Popen(
            command, executable=path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
        end = time.monotonic() + START_TIME
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                process.wait()
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
                errors.close()
                folder.cleanup()
                raise EntraMockError("the mock did not start", said.removeprefix("error: ") or "it said nothing")
            time.sleep(0.005)
        found: dict[str, Any] = json.loads(ready.read_text())
        server = cls(found["control"])
        server._process, server._folder, server._ready, server._errors = process, folder, found, errors
        server.control.ended = server._ended
        return server

    @property
    def url(self) -> str:
        """The URL of the control API, the dashboard and the proxy."""
        return self.control.url

    @property
    def ready(self) -> Mapping[str, Any]:
        """Every address and credential: the ready file."""
        if self._ready is None:
            self._ready = self.control.ask("GET", "ready")
        assert self._ready is not None
        return self._ready

    def variables(self, environment: str = "office365") -> dict[str, str]:
        """The environment variables by which unmodified clients find the mock."""
        found: dict[str, str] = self.control.ask("GET", "variables", query={"environment": environment})
        return found

    def tenant(self, environment: str = "office365") -> Tenant:
        """The default tenant of an environment."""
        return Tenant(self.control, self.ready["environments"][environment])

    def create_tenant(
        self, environment: str = "office365", *, seed: Mapping[str, Any] | None = None
    ) -> Tenant:
        """Makes a tenant of its own: a copy of the default one, or the first one of a seed file's content."""
        body = {"seed": seed} if seed else {"environment": environment}
        return Tenant(self.control, self.control.ask("POST", "tenants", body=body))

    def _ended(self) -> str:
        """How the mock has ended, if it did by itself, and what it said."""
        code = self._process.poll() if self._process else None
        if code is None:
            return ""
        said = ""
        if self._errors:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()[-2000:]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"; it has ended by {how}" + (f" and said: {said}" if said else "")

    def stop(self) -> None:
        """Ends a mock that was started here."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()
            self._process = None
        if self._errors is not None:
            self._errors.close()
            self._errors = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
