"""The journal, and what a test expects of it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import TYPE_CHECKING, Any, Callable, Mapping

from ._names import identify

if TYPE_CHECKING:
    from ._tenant import Tenant

SHOWN = 40
PAUSE = 0.02


@dataclasses.dataclass(frozen=True)
class Exchange:
    """A request with its answer."""

    number: int
    """The position in the journal."""
    surface: str
    """The kind of endpoint: token, graph, authorize, device-code, …"""
    method: str
    origin: str
    path: str
    status: int
    grant: str | None
    """The grant type in its short spelling, such as refresh_token."""
    client: str | None
    """The application id."""
    user: str | None
    """The object id."""
    aadsts: tuple[int, ...]
    """The AADSTS codes of a refusal."""
    error: str | None
    """The error of a refusal."""
    raw: Mapping[str, Any] = dataclasses.field(repr=False)
    """The whole entry of the journal: headers, form, bodies, tokens, decision."""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Exchange:
        """The exchange of an entry of the journal."""
        return cls(
            number=entry["number"], surface=entry["surface"], method=entry["method"], origin=entry["origin"],
            path=entry["path"], status=entry["status"], grant=entry.get("grant"), client=entry.get("client"),
            user=entry.get("user"), aadsts=tuple(entry["aadsts"]), error=entry.get("error"), raw=entry,
        )

    def __str__(self) -> str:
        grant = f" ({self.grant})" if self.grant else ""
        codes = "".join(f" AADSTS{code}" for code in self.aadsts)
        return (f"#{self.number} {self.method} {self.origin}{self.path}{grant} → {self.status}"
                f"{' ' + self.error if self.error else ''}{codes}")


class Journal:
    """What the clients of a tenant did."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def entries(self, since: int = 0) -> list[dict[str, Any]]:
        """All entries, exchanges and changes of state, oldest first."""
        query: dict[str, object] = {"tenant": self._tenant.id, "since": since}
        found: list[dict[str, Any]] = self._tenant.control.ask("GET", "journal", query=query)
        return found

    def exchanges(self, since: int = 0) -> list[Exchange]:
        """Requests with their answers, oldest first."""
        return [Exchange.of(it) for it in self.entries(since) if it["kind"] == "exchange"]

    def _know(self, surface: str | None) -> None:
        """Asks the mock whether there is such a surface."""
        if surface is not None:
            self._tenant.control.ask("GET", "journal", query={"surface": surface, "last": 0})

    def position(self) -> int:
        """The number of the newest entry: what ``since`` takes."""
        return max((it["number"] for it in self.entries()), default=0)

    def expect(
        self,
        *,
        surface: str | None = None,
        grant: str | None = None,
        client: str | None = None,
        user: str | None = None,
        status: int | None = None,
        aadsts: int | None = None,
        method: str | None = None,
        path: str | None = None,
        since: int = 0,
        that: Callable[[Exchange], bool] | None = None,
    ) -> Expectation:
        """Expects something of the exchanges that fit all that is given.

        Clients and users go by alias or id, users by sign-in name, too. Ends with ``once``, ``never``, ``times``,
        ``at_least`` or ``at_most``; with ``within`` before it, waits until it is so.
        """
        # A name that nobody has would fit nothing, and `never` would hold of it.
        apps = {alias: it.client_id for alias, it in self._tenant.apps.items()}
        users = {name: it.id for alias, it in self._tenant.users.items() for name in (alias, it.upn)}
        app = None if client is None else identify("client", client, apps)
        person = None if user is None else identify("user", user, users)
        conditions: dict[str, tuple[object, Callable[[Exchange], bool]]] = {}
        if surface is not None:
            conditions["surface"] = (surface, lambda it: it.surface == surface)
        if grant is not None:
            conditions["grant"] = (grant, lambda it: it.grant == grant)
        if client is not None:
            conditions["client"] = (client, lambda it: it.client == app)
        if user is not None:
            conditions["user"] = (user, lambda it: it.user == person)
        if status is not None:
            conditions["status"] = (status, lambda it: it.status == status)
        if aadsts is not None:
            conditions["aadsts"] = (aadsts, lambda it: aadsts in it.aadsts)
        if method is not None:
            conditions["method"] = (method, lambda it: it.method == method)
        if path is not None:
            conditions["path"] = (path, lambda it: it.path == path)
        if that is not None:
            conditions["that"] = (getattr(that, "__name__", "…"), that)
        return Expectation(self, since, conditions, surface)


class Expectation:
    """What a test expects of the exchanges: first which are meant, then how many."""

    def __init__(
        self,
        journal: Journal,
        since: int,
        conditions: Mapping[str, tuple[object, Callable[[Exchange], bool]]],
        surface: str | None,
    ) -> None:
        self._journal, self._since, self._conditions, self._surface = journal, since, conditions, surface
        self._patience = 0.0

    def within(self, seconds: float) -> Expectation:
        """Waits up to so many seconds until it is so; ``never`` and ``at_most`` wait the whole time."""
        self._patience = seconds
        return self

    def once(self) -> Exchange:
        """It happened once, and is returned."""
        return self._check("once", lambda count: count == 1)[0]

    def never(self) -> None:
        """It did not happen."""
        self._check("never", lambda count: count == 0, upper=True)

    def times(self, times: int) -> list[Exchange]:
        """It happened so many times."""
        return self._check(f"{times} times", lambda count: count == times)

    def at_least(self, times: int) -> list[Exchange]:
        """It happened so many times or more often."""
        return self._check(f"at least {times} times", lambda count: count >= times)

    def at_most(self, times: int) -> list[Exchange]:
        """It happened so many times or less often."""
        return self._check(f"at most {times} times", lambda count: count <= times, upper=True)

    @property
    def aio(self) -> AsyncExpectation:
        """The same for coroutines, which lets other tasks run meanwhile."""
        return AsyncExpectation(self)

    def _check(self, wanted: str, is_right: Callable[[int], bool], upper: bool = False) -> list[Exchange]:
        # The mock refuses a surface that there is not.
        self._journal._know(self._surface)
        end = time.monotonic() + self._patience
        while True:
            everything = self._journal.exchanges(self._since)
            found = [it for it in everything if self._fits(it)]
            right, late = is_right(len(found)), time.monotonic() >= end
            if right and (late or not upper):
                return found
            if late or (upper and not right):
                break
            time.sleep(PAUSE)
        marked = [f"{'>' if self._fits(it) else ' '} {it}" for it in everything[-SHOWN:]]
        if len(everything) > SHOWN:
            marked.insert(0, f"  … {len(everything) - SHOWN} older ones")
        waited = f" within {self._patience:g} s" if self._patience else ""
        raise AssertionError(
            f"expected {wanted}{waited}: {self}\nfound {len(found)} of {len(everything)} exchanges:\n"
            + "\n".join(marked)
        )

    def _fits(self, exchange: Exchange) -> bool:
        return all(holds(exchange) for _, holds in self._conditions.values())

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, (value, _) in self._conditions.items()) or "any exchange"


class AsyncExpectation:
    """What a coroutine expects of the exchanges."""

    def __init__(self, expectation: Expectation) -> None:
        self._expectation = expectation

    def within(self, seconds: float) -> AsyncExpectation:
        """Waits up to so many seconds until it is so."""
        self._expectation.within(seconds)
        return self

    async def once(self) -> Exchange:
        """It happened once, and is returned."""
        return await asyncio.to_thread(self._expectation.once)

    async def never(self) -> None:
        """It did not happen."""
        await asyncio.to_thread(self._expectation.never)

    async def times(self, times: int) -> list[Exchange]:
        """It happened so many times."""
        return await asyncio.to_thread(self._expectation.times, times)

    async def at_least(self, times: int) -> list[Exchange]:
        """It happened so many times or more often."""
        return await asyncio.to_thread(self._expectation.at_least, times)

    async def at_most(self, times: int) -> list[Exchange]:
        """It happened so many times or less often."""
        return await asyncio.to_thread(self._expectation.at_most, times)
