#!/usr/bin/env python3
"""Makes the tables of Graph's model from Microsoft's published files.

    make.py SCHEMAS PERMISSIONS.JSON

SCHEMAS: the folder `schemas` of a checkout of github.com/microsoftgraph/msgraph-metadata.
PERMISSIONS.JSON: `permissions/new/permissions.json` of github.com/microsoftgraph/microsoft-graph-devx-content.
Both are published under the MIT licence. Writes the CSV files beside this script; `clouds` has `g` for the
worldwide cloud, `u` for US Government L4 and L5, `c` for China operated by 21Vianet. The README beside this
script names the commits from which the present tables were made.
"""
import csv
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
CLOUDS = {"g": "v1.0-Prod.csdl", "u": "v1.0-Fairfax.csdl", "c": "v1.0-Mooncake.csdl"}
HERE = Path(__file__).parent
# Parts of published paths that are no paths: examples, and one without the key that its schema has.
NO_PATHS = ("...", "fileb.txt", "/groups/onpremisessyncbehavior")


def short(name, aliases):
    """`graph.message` as `message`, `microsoft.graph.security.alert` as `security.alert`, `Edm.String` as `String`."""
    if name is None:
        return ""
    if name.startswith("Collection("):
        return f"Collection({short(name[11:-1], aliases)})"
    namespace, _, last = name.rpartition(".")
    namespace = aliases.get(namespace, namespace)
    if namespace in ("Edm", "microsoft.graph"):
        return last
    return f"{namespace.removeprefix('microsoft.graph.')}.{last}" if namespace else last


class Schema:
    """One cloud's schema as rows without their clouds."""

    def __init__(self, path):
        self.types, self.members, self.enums, self.roots = {}, {}, {}, {}
        self.operations, self.alternates, self.annotations = {}, {}, {}
        schemas = list(ElementTree.parse(path).getroot().iter(EDM + "Schema"))
        # An alias, `self` included, holds for the whole document.
        aliases = {it.get("Alias"): it.get("Namespace") for it in schemas if it.get("Alias")}
        for schema in schemas:
            for node in schema:
                self.take(node, node.tag.removeprefix(EDM), schema.get("Namespace"), aliases)

    def take(self, node, kind, namespace, aliases):
        name = short(f"{namespace}.{node.get('Name')}", aliases)
        if kind == "EnumType":
            members = ";".join(f"{it.get('Name')}={it.get('Value')}" for it in node.iter(EDM + "Member"))
            self.enums[name] = ("yes" if node.get("IsFlags") == "true" else "", members)
        elif kind in ("EntityType", "ComplexType"):
            key = ";".join(it.get("Name") for it in node.findall(f"{EDM}Key/{EDM}PropertyRef"))
            flag = lambda attribute: "yes" if node.get(attribute) == "true" else ""
            base = short(node.get("BaseType"), aliases)
            self.types[name] = (kind[:-4].lower(), base, flag("Abstract"), flag("OpenType"), flag("HasStream"), key)
            for member in node:
                tag = member.tag.removeprefix(EDM)
                if tag == "Property":
                    kind_of = "property"
                elif tag == "NavigationProperty":
                    kind_of = "contained" if member.get("ContainsTarget") == "true" else "navigation"
                else:
                    self.annotate(name, member, aliases)
                    continue
                nullable = "no" if member.get("Nullable") == "false" else "yes"
                self.members[name, member.get("Name")] = (kind_of, short(member.get("Type"), aliases), nullable)
                for annotation in member.findall(EDM + "Annotation"):
                    self.annotate(f"{name}/{member.get('Name')}", annotation, aliases)
        elif kind in ("Action", "Function"):
            parameters = node.findall(EDM + "Parameter")
            bound = short(parameters[0].get("Type"), aliases) if node.get("IsBound") == "true" else ""
            rest = parameters[1:] if bound else parameters
            text = ";".join(f"{it.get('Name')}:{short(it.get('Type'), aliases)}" for it in rest)
            returns = node.find(EDM + "ReturnType")
            returns = "" if returns is None else short(returns.get("Type"), aliases)
            composable = "yes" if node.get("IsComposable") == "true" else ""
            # The order of parameters differs between clouds: their names are what counts.
            names = tuple(sorted(it.get("Name").lower() for it in rest))
            # An operation of a namespace of its own is called by the full name.
            self.operations[kind.lower(), name, bound, names] = (text, returns, composable)
        elif kind == "EntityContainer":
            for root in node:
                tag = root.tag.removeprefix(EDM)
                if tag not in ("EntitySet", "Singleton"):
                    continue
                of = short(root.get("EntityType") or root.get("Type"), aliases)
                bindings = sorted(
                    f"{it.get('Path')}>{it.get('Target')}" for it in root.findall(EDM + "NavigationPropertyBinding")
                )
                kind_of = "set" if tag == "EntitySet" else "singleton"
                self.roots[root.get("Name")] = (kind_of, of, ";".join(bindings))
        elif kind == "Annotations":
            target = node.get("Target")
            owner, _, member = target.partition("/")
            owner = short(owner, aliases)
            for annotation in node.findall(EDM + "Annotation"):
                self.annotate(f"{owner}/{member}" if member else owner, annotation, aliases)

    def annotate(self, target, node, aliases):
        term = node.get("Term", "").rpartition(".")[2]
        if term in ("Computed", "Immutable") and node.get("Bool", "true") == "true":
            self.annotations[target, term] = ()
        elif term == "AlternateKeys":
            for record in node.iter(EDM + "Record"):
                names = [it.get("PropertyPath") for it in record.iter(EDM + "PropertyValue") if it.get("PropertyPath")]
                if record.get("Type", "").endswith("AlternateKey") and len(names) == 1:
                    self.alternates[target, names[0]] = ()


def joined(schemas, table):
    """Rows of all clouds with the clouds that have each; the worldwide cloud's values win."""
    rows = {}
    for cloud, schema in schemas.items():
        for key, values in getattr(schema, table).items():
            rows.setdefault(key, [values, ""])[1] += cloud
    for key in sorted(rows, key=lambda key: tuple(str(it).lower() for it in (key if isinstance(key, tuple) else (key,)))):
        values, clouds = rows[key]
        yield key, values, clouds


def write(name, header, rows):
    with open(HERE / name, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def template(path, types):
    """A published path in one spelling: lower case, `{id}` for keys, `{value}` for values of functions, and
    `microsoft.graph.` before casts alone."""
    path = path.split("?")[0].strip().rstrip("/").lower()
    path = re.sub(r"\(([^()]*)\)", lambda match: "(" + arguments(match.group(1)) + ")", path)
    segments = []
    for segment in path.split("/")[1:]:
        bare = segment.removeprefix("microsoft.graph.").removeprefix("graph.").replace("()", "")
        segment = f"microsoft.graph.{bare}" if bare != segment and bare in types else bare
        segments.append(re.sub(r"\{[^{}]*\}+", "{id}", segment) if "=" not in segment else segment)
    # Some lack the second colon around a path inside a drive.
    return re.sub(r":/\{id\}/", ":/{id}:/", "/" + "/".join(segments))


def arguments(text):
    names = sorted(part.split("=")[0].strip() for part in text.split(",") if "=" in part)
    return ",".join(f"{name}={{value}}" for name in names)


def paths(permissions, types):
    """(template, method) → scheme → [(permission, also required, least privileged)]."""
    found = {}
    for permission, entry in permissions.items():
        if entry.get("authorizationType") == "RSC":
            continue
        for group in entry.get("pathSets", []):
            for path, notes in group["paths"].items():
                least, also = [], ""
                for note in (notes or "").split(";"):
                    key, _, value = note.partition("=")
                    if key == "least":
                        least = value.split(",")
                    elif key == "AlsoRequires":
                        also = value
                if any(it in path.lower() for it in NO_PATHS):
                    continue
                for method in group["methods"]:
                    for scheme in group["schemeKeys"]:
                        row = found.setdefault((template(path, types), method), {})
                        row.setdefault(scheme, []).append((permission, also, scheme in least))
    return found


def alternatives(entries):
    texts = set()
    for permission, also, least in entries or ():
        texts.add(("*" if least else "") + permission + (f"+{also}" if also else ""))
    return ";".join(sorted(texts))


def main():
    folder, permissions = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())["permissions"]
    schemas = {cloud: Schema(folder / file) for cloud, file in CLOUDS.items()}
    marks = {}
    for (target, term), _, _ in joined(schemas, "annotations"):
        marks.setdefault(target, []).append(term.lower())
    write(
        "types.csv",
        ["type", "kind", "base", "abstract", "open", "stream", "key", "clouds"],
        ([key, *values, clouds] for key, values, clouds in joined(schemas, "types")),
    )
    write(
        "members.csv",
        ["type", "member", "kind", "edm_type", "nullable", "marks", "clouds"],
        (
            [of, name, *values, ";".join(sorted(set(marks.get(f"{of}/{name}", [])))), clouds]
            for (of, name), values, clouds in joined(schemas, "members")
        ),
    )
    write(
        "enums.csv",
        ["enum", "flags", "members", "clouds"],
        ([key, *values, clouds] for key, values, clouds in joined(schemas, "enums")),
    )
    write(
        "operations.csv",
        ["kind", "name", "bound_to", "parameters", "returns", "composable", "clouds"],
        ([kind, name, bound, *values, clouds] for (kind, name, bound, _), values, clouds in joined(schemas, "operations")),
    )
    write(
        "roots.csv",
        ["root", "kind", "type", "bindings", "clouds"],
        ([key, *values, clouds] for key, values, clouds in joined(schemas, "roots")),
    )
    write(
        "alternate-keys.csv",
        ["type", "key", "clouds"],
        ([of, key, clouds] for (of, key), _, clouds in joined(schemas, "alternates")),
    )
    write(
        "paths.csv",
        ["path", "method", "delegated", "application"],
        (
            [path, method, alternatives(row.get("DelegatedWork")), alternatives(row.get("Application"))]
            for (path, method), row in sorted(paths(permissions, {it.lower() for it in schemas["g"].types}).items())
        ),
    )


if __name__ == "__main__":
    main()
