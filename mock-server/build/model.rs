//! Compiles the tables of `data/model/` into one file that is looked up as it is, without parsing:
//! sections of fixed records, sorted by lower-case names, over a pool of texts.
//! `src/model/table.rs` reads it and describes the layout.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// No such record.
const NONE: u32 = u32::MAX;

type Row = HashMap<String, String>;

/// The tables of the model, and what is made of them.
pub(super) struct Compiler {
    types: Vec<Row>,
    members: BTreeMap<String, Vec<Row>>,
    operations: BTreeMap<String, Vec<Row>>,
    enums: Vec<Row>,
    roots: Vec<Row>,
    alternates: Vec<Row>,
    paths: Vec<Row>,
    texts: Texts,
}

/// The pool: each text once, behind its length.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    known: HashMap<String, u32>,
}

impl Texts {
    fn add(&mut self, text: &str) -> u32 {
        if let Some(at) = self.known.get(text) {
            return *at;
        }
        let at = u32::try_from(self.bytes.len()).expect("the pool is small");
        let length = u32::try_from(text.len()).expect("texts are short");
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(text.as_bytes());
        self.known.insert(text.to_owned(), at);
        at
    }
}

fn read(folder: &Path, name: &str) -> Vec<Row> {
    let mut reader =
        csv::Reader::from_path(folder.join(name)).expect("a table of the model is there");
    reader
        .deserialize()
        .map(|row| row.expect("a table of the model is a table"))
        .collect()
}

/// Rows by a column, each group sorted by another.
fn grouped(rows: Vec<Row>, by: &str, sorted_by: &str) -> BTreeMap<String, Vec<Row>> {
    let mut groups: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(row[by].to_lowercase()).or_default().push(row);
    }
    for group in groups.values_mut() {
        group.sort_by_key(|row| row[sorted_by].to_lowercase());
    }
    groups
}

fn clouds(row: &Row) -> u32 {
    ["g", "u", "c"]
        .iter()
        .enumerate()
        .filter(|(_, letter)| row["clouds"].contains(**letter))
        .fold(0, |bits, (at, _)| bits | 1 << at)
}

fn element(edm_type: &str) -> &str {
    edm_type
        .strip_prefix("Collection(")
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(edm_type)
}

impl Compiler {
    /// Reads the tables in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        let mut types = read(folder, "types.csv");
        types.sort_by_key(|row| row["type"].to_lowercase());
        let mut roots = read(folder, "roots.csv");
        roots.sort_by_key(|row| row["root"].to_lowercase());
        let mut enums = read(folder, "enums.csv");
        enums.sort_by_key(|row| row["enum"].to_lowercase());
        let mut paths = read(folder, "paths.csv");
        paths.sort_by(|left, right| {
            (&left["path"], &left["method"]).cmp(&(&right["path"], &right["method"]))
        });
        // An operation that is bound to nothing is not part of Graph v1.0.
        let operations = read(folder, "operations.csv")
            .into_iter()
            .filter(|row| !row["bound_to"].is_empty())
            .collect();
        Self {
            types,
            members: grouped(read(folder, "members.csv"), "type", "member"),
            operations: grouped(operations, "bound_to", "name"),
            enums,
            roots,
            alternates: read(folder, "alternate-keys.csv"),
            paths,
            texts: Texts::default(),
        }
    }

    fn type_index(&self, name: &str) -> u32 {
        let name = name.to_lowercase();
        self.types
            .binary_search_by_key(&name, |row| row["type"].to_lowercase())
            .map_or(NONE, |at| u32::try_from(at).expect("there are few types"))
    }

    /// The file that the program looks things up in.
    pub(super) fn compile(mut self) -> Vec<u8> {
        let (mut members, mut operations) = (Vec::new(), Vec::new());
        let mut types = Vec::new();
        for row in self.types.clone() {
            let name = &row["type"];
            let own = self.add_members(name, &mut members);
            let one = self.add_operations(name, &mut operations);
            let many = self.add_operations(&format!("Collection({name})"), &mut operations);
            let flags = u32::from(row["kind"] == "entity")
                | u32::from(row["abstract"] == "yes") << 1
                | u32::from(row["open"] == "yes") << 2
                | u32::from(row["stream"] == "yes") << 3
                | clouds(&row) << 8;
            let key = self.texts.add(&row["key"]);
            let base = self.type_index(&row["base"]);
            types.push(vec![
                self.texts.add(name),
                flags,
                base,
                key,
                own.0,
                own.1,
                one.0,
                one.1,
                many.0,
                many.1,
            ]);
        }
        let enums = self.enums.clone();
        let enums = enums
            .iter()
            .map(|row| {
                let flags = u32::from(row["flags"] == "yes") | clouds(row) << 8;
                vec![
                    self.texts.add(&row["enum"]),
                    self.texts.add(&row["members"]),
                    flags,
                ]
            })
            .collect();
        let roots = self.roots.clone();
        let roots = roots
            .iter()
            .map(|row| {
                let flags = u32::from(row["kind"] == "set") | clouds(row) << 8;
                let of = self.type_index(&row["type"]);
                vec![
                    self.texts.add(&row["root"]),
                    of,
                    self.texts.add(&row["bindings"]),
                    flags,
                ]
            })
            .collect();
        let alternates = self.alternates.clone();
        let alternates = alternates
            .iter()
            .map(|row| {
                vec![
                    self.type_index(&row["type"]),
                    self.texts.add(&row["key"]),
                    clouds(row) << 8,
                ]
            })
            .collect();
        let paths = self.paths.clone();
        let paths = paths
            .iter()
            .map(|row| {
                ["path", "method", "delegated", "application"]
                    .iter()
                    .map(|column| self.texts.add(&row[*column]))
                    .collect()
            })
            .collect();
        self.write(&[types, members, operations, enums, roots, alternates, paths])
    }

    fn add_members(&mut self, of: &str, all: &mut Vec<Vec<u32>>) -> (u32, u32) {
        let rows = self.members.remove(&of.to_lowercase()).unwrap_or_default();
        let start = all.len();
        for row in &rows {
            let kind = match row["kind"].as_str() {
                "property" => 0,
                "navigation" => 1,
                _ => 2,
            };
            let flags = kind
                | u32::from(row["nullable"] == "yes") << 2
                | u32::from(row["edm_type"].starts_with("Collection(")) << 3
                | u32::from(row["marks"].contains("computed")) << 4
                | u32::from(row["marks"].contains("immutable")) << 5
                | clouds(row) << 8;
            let of = self.type_index(element(&row["edm_type"]));
            all.push(vec![
                self.texts.add(&row["member"]),
                self.texts.add(element(&row["edm_type"])),
                of,
                flags,
            ]);
        }
        range(start, all.len())
    }

    fn add_operations(&mut self, of: &str, all: &mut Vec<Vec<u32>>) -> (u32, u32) {
        let rows = self
            .operations
            .remove(&of.to_lowercase())
            .unwrap_or_default();
        let start = all.len();
        for row in &rows {
            let flags = u32::from(row["kind"] == "function")
                | u32::from(row["composable"] == "yes") << 1
                | u32::from(row["returns"].starts_with("Collection(")) << 2
                | clouds(row) << 8;
            let returns = self.type_index(element(&row["returns"]));
            all.push(vec![
                self.texts.add(&row["name"]),
                self.texts.add(&row["parameters"]),
                self.texts.add(element(&row["returns"])),
                returns,
                flags,
            ]);
        }
        range(start, all.len())
    }

    /// The head has, for each section, where it starts and how many records it has; the pool is last.
    fn write(&self, sections: &[Vec<Vec<u32>>]) -> Vec<u8> {
        let word = |number: usize| {
            u32::try_from(number)
                .expect("the file is small")
                .to_le_bytes()
        };
        let mut at = (sections.len() * 2 + 1) * 4;
        let mut head = Vec::new();
        for section in sections {
            head.extend(word(at));
            head.extend(word(section.len()));
            at += section.iter().map(|record| record.len() * 4).sum::<usize>();
        }
        head.extend(word(at));
        for number in sections.iter().flatten().flatten() {
            head.extend(number.to_le_bytes());
        }
        head.extend(&self.texts.bytes);
        head
    }
}

fn range(start: usize, end: usize) -> (u32, u32) {
    let word = |number| u32::try_from(number).expect("tables are small");
    (word(start), word(end - start))
}
