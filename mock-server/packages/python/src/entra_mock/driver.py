"""A connector's driver for entra-conformance in some twenty lines.

::

    from entra_mock.driver import Driver, Failure
    import acme  # your connector

    driver = Driver("acme", acme.__version__, auth_methods=["client-credentials"])

    @driver.connect
    def connect(settings, auth_method, environment):
        return acme.connect(settings["tenant_id"], settings["client_id"], settings["client_secret"])

    @driver.operation("list-messages")
    def list_messages(connection, top=10):
        return connection.messages(top)

    @driver.failure(acme.Error)
    def failed(error):
        return Failure("invalid-credentials", str(error))

    driver.run()

What ``connect`` returns is kept, and handed to what is done with the connection later. Functions
may be coroutines. The messages: conformance/docs/protocol.md.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import inspect
import json
import os
import sys
import threading
import traceback
from typing import Any, Callable, Iterable, Mapping, Sequence, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

CATEGORIES = (
    "access-denied", "admin-consent-required", "conflict", "consent-required", "interaction-blocked", "invalid-configuration",
    "invalid-credentials", "not-found", "reconnect-required", "throttled", "unavailable", "unsupported", "untrusted",
)


class Failure(Exception):
    """What the connector's user sees when something fails."""

    def __init__(
        self, category: str, message: str, *, aadsts: Iterable[int] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        if category not in CATEGORIES:
            raise ValueError(f"there is no category '{category}': use one of {', '.join(CATEGORIES)}")
        self.data: dict[str, Any] = {"category": category, "message": message, "aadsts": list(aadsts)}
        if retry_after is not None:
            self.data["retry_after"] = retry_after


@dataclasses.dataclass
class AwaitingAuthorization:
    """What ``connect`` returns where somebody has to sign in at a page first."""

    authorize_url: str
    connection: Any = None
    """Kept for ``finish_authorization``."""


class Driver:
    """Speaks the connector protocol on standard input and output, which it takes at once."""

    def __init__(
        self, name: str, version: str, *, auth_methods: Sequence[str], environments: Sequence[str] = ("office365",),
        features: Sequence[str] = (), max_connections: int = 100,
    ) -> None:
        self._about: dict[str, Any] = {
            "connector": {"name": name, "version": version, "language": "python"},
            "auth_methods": list(auth_methods), "environments": list(environments), "features": list(features),
            "max_connections": max_connections,
        }
        self._operations: dict[str, Callable[..., Any]] = {}
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._failures: list[tuple[type[BaseException], Callable[[Any], Failure]]] = []
        self._connections: dict[str, Any] = {}
        self._waiting: dict[str, str] = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        # The protocol has standard output for itself: what libraries print goes to standard error.
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self.suite: Mapping[str, Any] = {}
        """What the suite says of itself and of the network when it begins."""

    def connect(self, function: F) -> F:
        """Makes a connection: ``(settings, auth_method, environment, endpoints)``, those that it names."""
        self._handlers["connect"] = function
        return function

    def finish_authorization(self, function: F) -> F:
        """Redeems the code: ``(connection, redirect_url, form)``; returns the connection, or nothing."""
        self._handlers["finish-authorization"] = function
        return function

    def status(self, function: F) -> F:
        """Says how a connection is: a state, or a Failure for one that is broken."""
        self._handlers["status"] = function
        return function

    def disconnect(self, function: F) -> F:
        """Forgets a connection's tokens."""
        self._handlers["disconnect"] = function
        return function

    def settle(self, function: F) -> F:
        """Returns once no work is pending."""
        self._handlers["settle"] = function
        return function

    def advance_clock(self, function: F) -> F:
        """Moves the connector's time by ``(seconds)``."""
        self._handlers["advance-clock"] = function
        return function

    def operation(self, name: str) -> Callable[[F], F]:
        """Does an operation: ``(connection, **arguments)``, those arguments that it names."""

        def keep(function: F) -> F:
            self._operations[name] = function
            return function

        return keep

    def failure(self, kind: type[BaseException]) -> Callable[[F], F]:
        """Makes a Failure of the connector's own exception; the first kind that fits counts."""

        def keep(function: F) -> F:
            self._failures.append((kind, function))
            return function

        return keep

    def open_url(self, connection: str, url: str) -> None:
        """The connector opens the browser itself and waits inside of connect."""
        self._notify("open-url", connection=connection, url=url)

    def show_device_code(self, connection: str, user_code: str, verification_uri: str) -> None:
        """Somebody has to type a code."""
        self._notify("show-device-code", connection=connection, user_code=user_code, verification_uri=verification_uri)

    def log(self, text: str, level: str = "info") -> None:
        """A line for the report."""
        self._notify("log", level=level, text=text)

    def waiting(self, seconds: int) -> None:
        """All that the connector does is wait."""
        self._notify("waiting", seconds=seconds)

    def run(self) -> None:
        """Answers until the suite says that it is over."""
        many = "concurrent-calls" in self._about["features"]
        with concurrent.futures.ThreadPoolExecutor(32 if many else 1) as pool:
            for line in sys.stdin:
                request = json.loads(line)
                if many and request["method"] == "call":
                    pool.submit(self._answer, request)
                else:
                    self._answer(request)
                if request["method"] == "shutdown":
                    break

    def _answer(self, request: Mapping[str, Any]) -> None:
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        method, params = request["method"], request.get("params") or {}
        try:
            reply["result"] = self._handle(method, params)
        except NotImplementedError:
            reply["error"] = {"code": -32601, "message": f"no method {method}"}
        except Exception as error:
            failure = self._as_failure(error)
            if failure is not None:
                reply["error"] = {"code": -32000, "message": str(failure), "data": failure.data}
            else:
                # Neither a Failure nor an exception that the driver knows: a fault of the driver.
                traceback.print_exc()
                reply["error"] = {"code": -32603, "message": f"{type(error).__name__}: {error}"}
        self._write(reply)

    def _as_failure(self, error: Exception) -> Failure | None:
        if isinstance(error, Failure):
            return error
        return next((make(error) for kind, make in self._failures if isinstance(error, kind)), None)

    def _handle(self, method: str, params: Mapping[str, Any]) -> Any:
        if method == "initialize":
            self.suite = params
            return {"protocol": 1, **self._about, "operations": list(self._operations)}
        if method in ("connect", "reconnect"):
            made = self._call("connect", params)
            return self._keep(params["connection"], made)
        if method in ("settle", "advance-clock") and method in self._handlers:
            self._call(method, params)
        if method in ("settle", "shutdown") or (method == "advance-clock" and method in self._handlers):
            return {}
        if method == "disconnect":
            connection = self._connections.pop(params["connection"], None)
            self._waiting.pop(params["connection"], None)
            if connection is not None and method in self._handlers:
                self._call(method, {**params, "connection": connection})
            return {}
        if method not in ("call", "status", "finish-authorization"):
            raise NotImplementedError(method)
        name = params["connection"]
        if name not in self._connections:
            raise Failure("reconnect-required", "there is no such connection")
        given = {**params, "connection": self._connections[name]}
        if method == "call":
            operation = self._operations.get(params["operation"])
            if operation is None:
                raise Failure("unsupported", f"the connector does not have {params['operation']}")
            arguments = {"connection": given["connection"], **(params.get("arguments") or {})}
            return {"value": self._run(operation, arguments)}
        if method == "finish-authorization":
            made = self._call(method, given)
            self._waiting.pop(name, None)
            return self._keep(name, given["connection"] if made is None else made)
        if name in self._waiting:
            return {"state": "awaiting-authorization", "authorize_url": self._waiting[name]}
        found = self._call(method, given) if method in self._handlers else "connected"
        if isinstance(found, Failure):
            return {"state": "broken", "category": found.data["category"]}
        return {"state": found or "connected"}

    def _keep(self, name: str, made: Any) -> dict[str, str]:
        if isinstance(made, AwaitingAuthorization):
            self._connections[name] = made.connection
            self._waiting[name] = made.authorize_url
            return {"state": "awaiting-authorization", "authorize_url": made.authorize_url}
        self._connections[name] = made
        return {"state": "connected"}

    def _call(self, handler: str, params: Mapping[str, Any]) -> Any:
        function = self._handlers.get(handler)
        if function is None:
            raise NotImplementedError(handler)
        return self._run(function, params)

    def _run(self, function: Callable[..., Any], params: Mapping[str, Any]) -> Any:
        known = inspect.signature(function).parameters
        everything = any(it.kind is it.VAR_KEYWORD for it in known.values())
        given = {name: value for name, value in params.items() if everything or name in known}
        for name in ("environment", "endpoints", "form"):
            if name in known and known[name].default is inspect.Parameter.empty:
                given.setdefault(name, None)
        result = function(**given)
        if inspect.isawaitable(result):
            return asyncio.run_coroutine_threadsafe(_awaited(result), self._event_loop()).result()
        return result

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True).start()
            return self._loop

    def _notify(self, method: str, **params: object) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def _write(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message)
        with self._lock:
            self._out.write(text + "\n")
            self._out.flush()


async def _awaited(it: Any) -> Any:
    return await it
