"""Names of a tenant, and what is said of one that it does not have."""

from __future__ import annotations

import difflib
import re
from typing import Dict, Iterable, TypeVar

from ._control import EntraMockError

T = TypeVar("T")
ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Named(Dict[str, T]):
    """Users or apps by alias. A wrong alias says which one may be meant."""

    def __init__(self, what: str, found: Dict[str, T]) -> None:
        super().__init__(found)
        self._what = what

    def __missing__(self, name: str) -> T:
        raise KeyError(unknown(self._what, name, self))


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Says that there is no such name, and names the nearest one or all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"no {what} '{name}', " + (f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names)}")


def identify(what: str, name: str, known: Dict[str, str]) -> str:
    """The id of a name; an id counts as it is."""
    if name in known:
        return known[name]
    if ID.fullmatch(name):
        return name.lower()
    raise EntraMockError(f"unknown {what}", unknown(what, name, known))
