"""The programs that the wheel carries."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

from ._control import EntraMockError


def find(name: str = "entra-mock") -> tuple[str, str]:
    """The path of a program, and the name to start it under.

    One file may answer to both names, as the programs of a toolbox do.
    """
    folder = pathlib.Path(__file__).parent / "_bin"
    ending = ".exe" if os.name == "nt" else ""
    own, joint = folder / (name + ending), folder / ("entra-mock" + ending)
    for path in (own, joint):
        if path.is_file():
            return str(path), name
    raise EntraMockError(
        "this installation carries no program",
        f"there is no {own}: install a wheel for this machine (entra-mock has them for Linux, macOS and Windows)",
    )


def entra_mock() -> None:
    """The command ``entra-mock``."""
    _become("entra-mock")


def entra_conformance() -> None:
    """The command ``entra-conformance``."""
    _become("entra-conformance")


def _become(name: str) -> None:
    try:
        path, called = find(name)
    except EntraMockError as error:
        raise SystemExit(f"error: {error}") from None
    arguments = [called, *sys.argv[1:]]
    if os.name == "nt":
        raise SystemExit(subprocess.call(arguments, executable=path))
    os.execv(path, arguments)
