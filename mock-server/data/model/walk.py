#!/usr/bin/env python3
"""Says of every published path whether v1.0's schema has it, in which clouds, and what it is.

    walk.py

Reads the tables beside this script (see make.py) and writes `documented.csv`: the rows of `paths.csv` that the
schema of v1.0 has in some cloud. `kind` is what the last segment is: `resource`, `action`, `function`, `$ref` or
`$value`. A part of a path behind `root:` or an item's id is a path inside a drive.
"""
import csv
from pathlib import Path

HERE = Path(__file__).parent
# Keys that are names.
WELL_KNOWN = ("inbox", "root")


def rows(name):
    with open(HERE / name, newline="") as file:
        return list(csv.DictReader(file))


def element(edm_type):
    return (edm_type[11:-1], True) if edm_type.startswith("Collection(") else (edm_type, False)


class Model:
    """What one cloud has, by names in lower case."""

    def __init__(self, cloud, tables):
        here = lambda name: [it for it in tables[name] if cloud in it["clouds"]]
        self.types = {it["type"].lower(): it for it in here("types.csv")}
        self.members = {(it["type"].lower(), it["member"].lower()): it for it in here("members.csv")}
        self.roots = {it["root"].lower(): it for it in here("roots.csv")}
        self.alternates = {(it["type"].lower(), it["key"].lower()) for it in here("alternate-keys.csv")}
        self.operations = {}
        for it in here("operations.csv"):
            bound, name = it["bound_to"].lower(), it["name"].lower()
            for key in {name, name.rpartition(".")[2]}:
                self.operations.setdefault((bound, key), []).append(it)

    def lineage(self, of):
        of = of.lower()
        while of in self.types:
            yield of
            of = self.types[of]["base"].lower()

    def derived(self, name, of):
        return name in self.types and (of.lower() in self.lineage(name) or name in self.lineage(of))

    def operation(self, of, many, name, given):
        for base in self.lineage(of):
            for it in self.operations.get((f"collection({base})" if many else base, name), ()):
                names = {part.split(":")[0].lower() for part in it["parameters"].split(";") if part}
                if it["kind"] == "action" or names == given or not given:
                    return it
        return None

    def walk(self, path):
        """What the path is, or none."""
        segments = path.split("/")[1:]
        name, given = parts(segments[0])
        root = self.roots.get(name)
        if root is None:
            return None
        of, many, kind = root["type"], root["kind"] == "set", "resource"
        if given:
            if not any((base, key) in self.alternates for base in self.lineage(of) for key in given):
                return None
            many = False
        for at, segment in enumerate(segments[1:]):
            segment, colon = segment.removesuffix(":"), segment.endswith(":")
            name, given = parts(segment)
            bare = name.removeprefix("microsoft.graph.")
            if segment == "{id}" and not many and segments[at].endswith(":"):
                continue
            if name in ("$count", "$value", "$ref"):
                return name if name == "$ref" or name == "$value" else "resource"
            if bare != name and self.derived(bare, of):
                of, many = bare, many and segment == name
                continue
            found = self.operation(of, many, bare, given)
            if found is not None:
                of, many = element(found["returns"])
                kind = found["kind"]
                continue
            if many:
                if given or segment != "{id}" and segment not in WELL_KNOWN:
                    return None
                many, kind = False, "resource"
                continue
            member = next(
                (self.members[base, bare] for base in self.lineage(of) if (base, bare) in self.members), None
            )
            if member is None:
                # The list leaves out some casts.
                member = next((it for (base, key), it in self.members.items() if key == bare and self.derived(base, of)), None)
            if member is None:
                return None
            of, many = element(member["edm_type"])
            kind = "resource"
        return kind


def parts(segment):
    name, _, inner = segment.partition("(")
    return name, {part.split("=")[0] for part in inner.rstrip(")").split(",") if "=" in part}


def main():
    tables = {it: rows(it) for it in ("types.csv", "members.csv", "roots.csv", "alternate-keys.csv", "operations.csv")}
    models = {cloud: Model(cloud, tables) for cloud in "guc"}
    with open(HERE / "documented.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["path", "method", "kind", "clouds"])
        for row in rows("paths.csv"):
            kinds = {cloud: model.walk(row["path"]) for cloud, model in models.items()}
            clouds = "".join(cloud for cloud, kind in kinds.items() if kind)
            if clouds:
                table.writerow([row["path"], row["method"], kinds[clouds[0]], clouds])


if __name__ == "__main__":
    main()
