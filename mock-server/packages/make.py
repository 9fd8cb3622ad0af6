#!/usr/bin/env python3
"""Writes the types of events for Python and TypeScript from the description of the control API.

make.py          writes python/src/entra_mock/_events.py and node/lib/events.d.ts
make.py --check  fails if they are not as it would write them
"""

import json
import keyword
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
OPENAPI = HERE.parent / "docs" / "openapi.json"
NOTE = "Made by mock-server/packages/make.py from mock-server/docs/openapi.json."


def main() -> int:
    api = json.loads(OPENAPI.read_text())
    schemas = api["components"]["schemas"]
    events = []
    for event in schemas["Event"]["oneOf"]:
        [(name, body)] = event["properties"].items()
        fields = []
        for field, schema in body.get("properties", {}).items():
            fields.append((field, resolve(schema, schemas), field in body.get("required", [])))
        fields.sort(key=lambda it: not it[2])
        events.append((name, event["description"], fields))
    files = {
        HERE / "python/src/entra_mock/_events.py": python(events),
        HERE / "node/lib/events.d.ts": typescript(events),
    }
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(HERE.parent.parent)} is not up to date: run {__file__}", file=sys.stderr)
        return 1 if stale else 0
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def resolve(schema: dict, schemas: dict) -> tuple:
    """A type as ("text",), ("choice", …), ("list", of), ("number",), ("flag",) or ("any",)."""
    for inner in schema.get("anyOf", []):
        if inner.get("type") != "null":
            return resolve(inner, schemas)
    if "$ref" in schema:
        return resolve(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if "oneOf" in schema and all("const" in it for it in schema["oneOf"]):
        return ("choice", *(it["const"] for it in schema["oneOf"]))
    if "enum" in schema:
        return ("choice", *schema["enum"])
    kind = schema.get("type")
    kind = next(it for it in kind if it != "null") if isinstance(kind, list) else kind
    if kind == "array":
        return ("list", resolve(schema["items"], schemas))
    return ({"string": "text", "integer": "number", "boolean": "flag"}.get(kind, "any"),)


def in_python_name(field: str) -> str:
    return field + "_" if keyword.iskeyword(field) else field


def in_python(kind: tuple) -> str:
    if kind[0] == "choice":
        return f"Literal[{', '.join(json.dumps(it) for it in kind[1:])}]"
    if kind[0] == "list":
        return f"Sequence[{in_python(kind[1])}]"
    return {"text": "str", "number": "int", "flag": "bool", "any": "object"}[kind[0]]


def in_typescript(kind: tuple) -> str:
    if kind[0] == "choice":
        return " | ".join(json.dumps(it) for it in kind[1:])
    if kind[0] == "list":
        return f"readonly {in_typescript(kind[1])}[]"
    return {"text": "string", "number": "number", "flag": "boolean", "any": "unknown"}[kind[0]]


def python(events: list) -> str:
    lines = [f'"""What can happen in a tenant. {NOTE}"""', "", "from __future__ import annotations", "",
             "from typing import Literal, Sequence, overload", "", "",
             "class Events:", '    """Events by name, with their fields."""', ""]
    for name, description, fields in events:
        parameters = "".join(
            f", {in_python_name(field)}: {in_python(kind)}" + ("" if required else " | None = ...")
            for field, kind, required in fields)
        star = ", *" if fields else ""
        lines += ["    @overload",
                  f'    def event(self, name: Literal["{name}"], /{star}{parameters}) -> None:',
                  f'        """{description}"""', ""]
    lines += ["    def event(self, name: str, /, **fields: object) -> None:",
              '        """Makes something happen; names and fields are those of ``entra-mock event --help``."""',
              "        self._happen(name, fields)", "",
              "    def _happen(self, name: str, fields: dict[str, object]) -> None:",
              "        raise NotImplementedError", ""]
    return "\n".join(lines)


def typescript(events: list) -> str:
    lines = [f"// {NOTE}", "", "/** The events that can happen in a tenant, each with its fields. */",
             "export interface Events {"]
    for name, description, fields in events:
        inner = "; ".join(
            f"{field}{'' if required else '?'}: {in_typescript(kind)}" for field, kind, required in fields)
        lines += [f"  /** {description} */",
                  f"  {json.dumps(name)}: {{ {inner} }};" if inner else f"  {json.dumps(name)}: Record<string, never>;"]
    return "\n".join([*lines, "}", ""])


if __name__ == "__main__":
    sys.exit(main())
