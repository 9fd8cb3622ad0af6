"""A tenant: its users and apps, its time, what happens in it, what goes wrong."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Mapping

from ._control import Control
from ._events import Events
from ._journal import Journal
from ._names import Named


@dataclasses.dataclass(frozen=True)
class User:
    """A user, with what is needed to sign in."""

    id: str
    upn: str
    password: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class App:
    """An app, with what a client needs."""

    client_id: str
    tenant_id: str
    redirect_uris: tuple[str, ...]
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    certificate_file: str | None = None
    key_file: str | None = None
    pfx_file: str | None = None
    pfx_password: str | None = dataclasses.field(default=None, repr=False)

    @classmethod
    def _of(cls, it: Mapping[str, Any]) -> App:
        return cls(
            it["client_id"], it["tenant_id"], tuple(it["redirect_uris"]), it.get("client_secret"),
            it.get("certificate_file"), it.get("key_file"), it.get("pfx_file"), it.get("pfx_password"),
        )


@dataclasses.dataclass(frozen=True)
class Token:
    """A token or a code, decoded, and what would happen to it now."""

    kind: str
    claims: Mapping[str, Any]
    header: Mapping[str, Any]
    valid: bool
    reason: str
    """What its client would hear, in a sentence."""
    aadsts: int | None
    """The AADSTS code of a refusal."""
    raw: Mapping[str, Any] = dataclasses.field(repr=False)


class Clock:
    """A tenant's time."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def now(self) -> datetime:
        """The tenant's time."""
        return self._read(self._tenant.control.ask("GET", "tenants", self._tenant.id, "clock"))

    def advance(self, by: str | timedelta) -> datetime:
        """Moves it forward, by ``"91d"``, ``"1h 30m"`` or a timedelta; returns the new time."""
        text = f"{round(by.total_seconds())}s" if isinstance(by, timedelta) else by
        return self._move({"advance": text})

    def freeze(self) -> datetime:
        """Stops it."""
        return self._move({"freeze": {}})

    def reset(self) -> datetime:
        """Returns it to real time."""
        return self._move({"reset": {}})

    def _move(self, change: dict[str, object]) -> datetime:
        return self._read(self._tenant.control.ask("POST", "tenants", self._tenant.id, "clock", body=change))

    @staticmethod
    def _read(view: Mapping[str, Any]) -> datetime:
        # Python before 3.11 reads neither Z nor nanoseconds.
        text = str(view["now"]).rstrip("Z")
        whole, _, part = text.partition(".")
        return datetime.fromisoformat(f"{whole}.{(part + '000000')[:6]}+00:00")


class Fault:
    """Something that goes wrong on purpose, until it is removed or its ``with`` block ends."""

    def __init__(self, tenant: Tenant, number: int) -> None:
        self._tenant, self.number = tenant, number

    def remove(self) -> None:
        """Takes it away; a second time does nothing."""
        if any(it["number"] == self.number for it in self._tenant.faults()):
            self._tenant.control.ask("DELETE", "tenants", self._tenant.id, "faults", str(self.number))

    @property
    def touched(self) -> int:
        """How many exchanges it touched."""
        return next((int(it["touched"]) for it in self._tenant.faults() if it["number"] == self.number), 0)

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class Tenant(Events):
    """A tenant of a running mock."""

    def __init__(self, control: Control, description: Mapping[str, Any]) -> None:
        self.control = control
        self.id: str = description["tenant"]["id"]
        """The tenant id."""
        self.domain: str = description["tenant"]["domain"]
        """The initial domain."""
        self.login_host: str = description["login_host"]
        """Microsoft's login host of its environment."""
        self.graph_host: str = description["graph_host"]
        """Microsoft's Graph host of its environment."""
        self.local_authority: str = f"{description['authority']}/{self.id}"
        """The authority on localhost, for clients that take addresses."""
        self.local_graph: str = description["graph"]
        """Graph on localhost."""
        self.shared_mailbox: str | None = description.get("shared_mailbox")
        """The sign-in name of the shared mailbox."""
        self.users: dict[str, User] = Named("user", {
            alias: User(it["id"], it["upn"], it["password"]) for alias, it in description["users"].items()
        })
        """Users by alias: alice, bob, admin, …"""
        self.apps: dict[str, App] = Named("app", {alias: App._of(it) for alias, it in description["apps"].items()})
        """Apps by alias: own-app, daemon-secret, …"""
        self.clock = Clock(self)
        """Its time."""
        self.journal = Journal(self)
        """What its clients did."""

    @property
    def authority(self) -> str:
        """Microsoft's own authority for this tenant: what an unmodified client has."""
        return f"https://{self.login_host}/{self.id}"

    @property
    def graph(self) -> str:
        """Microsoft's own Graph root, without a version."""
        return f"https://{self.graph_host}"

    def _happen(self, name: str, fields: dict[str, object]) -> None:
        # A field that is a word of Python has an underscore behind it: from_.
        given = {
            field.rstrip("_"): list(it) if isinstance(it, tuple) else it
            for field, it in fields.items() if it is not None
        }
        self.control.ask("POST", "tenants", self.id, "events", body={name: given})

    def fault(
        self, do: str | Mapping[str, Any], *, on: Mapping[str, Any] | None = None, when: Mapping[str, Any] | None = None
    ) -> Fault:
        """Lets something go wrong; as a ``with`` block, for its length.

        ``tenant.fault({"throttle": {"retry-after": 3}}, on={"surface": "graph"})``; the words are
        those of mock-server/docs/faults.md.
        """
        body: dict[str, object] = {"do": do, "on": dict(on or {})}
        if when is not None:
            body["when"] = dict(when)
        made = self.control.ask("POST", "tenants", self.id, "faults", body=body)
        return Fault(self, int(made["number"]))

    def faults(self) -> list[dict[str, Any]]:
        """What is set, with what it did so far."""
        found: list[dict[str, Any]] = self.control.ask("GET", "tenants", self.id, "faults")
        return found

    def clear_faults(self) -> None:
        """Takes all faults away."""
        self.control.ask("DELETE", "tenants", self.id, "faults")

    def decode(self, token: str) -> Token:
        """What is in a token or a code, and what would happen to it now."""
        it = self.control.ask("POST", "explain", body={"token": token})
        kind, verdict = it["kind"], it["verdict"]
        return Token(
            kind=kind if isinstance(kind, str) else str(kind), claims=it.get("contents") or {},
            header=it.get("header") or {}, valid=verdict["valid"], reason=verdict["reason"],
            aadsts=verdict.get("aadsts"), raw=it,
        )

    def play(self, scenario: str) -> None:
        """Plays a scenario, the text of a file, in this tenant."""
        self.control.ask("POST", "tenants", self.id, "scenario", body={"yaml": scenario})

    @property
    def aio(self) -> AsyncTenant:
        """The same for coroutines."""
        return AsyncTenant(self)

    def remove(self) -> None:
        """Forgets the tenant with all that is in it."""
        self.control.ask("DELETE", "tenants", self.id)

    def __repr__(self) -> str:
        return f"<Tenant {self.domain} {self.id}>"


class AsyncTenant:
    """A tenant for coroutines: nothing here holds the event loop."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    async def event(self, name: str, /, **fields: object) -> None:
        """Makes something happen."""
        await asyncio.to_thread(self.tenant._happen, name, fields)

    async def advance(self, by: str | timedelta) -> datetime:
        """Moves the tenant's time forward."""
        return await asyncio.to_thread(self.tenant.clock.advance, by)

    async def fault(
        self, do: str | Mapping[str, Any], *, on: Mapping[str, Any] | None = None, when: Mapping[str, Any] | None = None
    ) -> Fault:
        """Lets something go wrong."""
        return await asyncio.to_thread(self.tenant.fault, do, on=on, when=when)

    async def decode(self, token: str) -> Token:
        """What is in a token or a code."""
        return await asyncio.to_thread(self.tenant.decode, token)
