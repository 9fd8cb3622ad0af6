"""Puts the built programs into the wheel, and says for which machines they are.

ENTRA_MOCK_PROGRAMS  the folder with `entra-mock` and, unless one program answers to both names,
                     `entra-conformance`
ENTRA_MOCK_PLATFORM  the platform tag of the wheel; by default that of the machine that builds it
"""

import os
import pathlib
import re
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

HERE = pathlib.Path(__file__).resolve().parent


class Version(MetadataHookInterface):
    PLUGIN_NAME = "custom"

    def update(self, metadata):
        given = os.environ.get("ENTRA_MOCK_VERSION")
        workspace = HERE.parents[2] / "Cargo.toml"
        metadata["version"] = given or re.search(r'(?m)^version = "([^"]+)"', workspace.read_text())[1]


class Programs(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        folder = os.environ.get("ENTRA_MOCK_PROGRAMS")
        if version == "editable" and not folder:
            return
        if not folder:
            raise SystemExit("set ENTRA_MOCK_PROGRAMS to the folder with the built programs, such as target/release;"
                             " mock-server/packages/build does it for you")
        found = [path for name in ("entra-mock", "entra-conformance") for ending in ("", ".exe")
                 if (path := pathlib.Path(folder, name + ending)).is_file()]
        if not any(path.stem == "entra-mock" for path in found):
            raise SystemExit(f"there is no entra-mock in {folder}: build it with 'cargo build --release'")
        notices = pathlib.Path(folder, "THIRD-PARTY-NOTICES.txt")
        for path in [*found, *([notices] if notices.is_file() else [])]:
            build_data["force_include"][str(path)] = f"entra_mock/_bin/{path.name}"
        build_data["pure_python"] = False
        platform = os.environ.get("ENTRA_MOCK_PLATFORM") or re.sub(r"[-.]", "_", sysconfig.get_platform())
        build_data["tag"] = f"py3-none-{platform}"
