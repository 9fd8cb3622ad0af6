//! Documents of Graph in seed files: written at paths, checked by Graph's model.

mod kept;
mod path;
mod site;
#[cfg(test)]
mod tests;
mod value;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

use self::path::Place;
use super::derived;
use crate::directory::Directory;
use crate::environment::SignInCloud;
use crate::model::{Member, MemberKind, Type};
use crate::notation::did_you_mean;
use crate::store::{self, Documents};

/// What stands at the paths of a tenant: lists of objects, or one object at a singleton.
pub(super) type Written = IndexMap<String, Value>;

/// A mistake: where, and what.
pub(super) type Mistake = (String, String);

/// Makes the documents of a tenant.
pub(super) fn plant(
    written: &Written,
    directory: &Directory,
    created: Timestamp,
) -> Result<Documents, Mistake> {
    let mut planting = Planting {
        directory,
        created,
        cloud: directory.environment.cloud(),
        documents: Documents::default(),
        links: Vec::new(),
    };
    for (path, value) in written {
        let wrong = |problem: String| (path.clone(), problem);
        let place = Place::find(path, directory, &planting.documents).map_err(wrong)?;
        planting.write(path, &place.address, place.of, place.is_collection, value)?;
    }
    planting.tie()?;
    Ok(planting.documents)
}

/// What a tenant's documents are in a seed file. What a seed file cannot have is left out.
pub(super) fn written(directory: &Directory, documents: &Documents) -> Written {
    let mut found = Written::new();
    for (collection, kept) in documents.collections() {
        let path = path::shown(collection, directory);
        let Ok(place) = Place::find(&path, directory, documents) else {
            continue;
        };
        let shown: Vec<Value> = kept
            .map(|document| {
                let mut object = Map::new();
                if !document.id.is_empty() {
                    object.insert("id".to_owned(), json!(document.id));
                }
                object.extend(document.properties.clone());
                let address = store::address(collection, &document.id);
                for (name, targets) in documents.links_of(&address) {
                    let targets: Vec<String> = targets
                        .iter()
                        .map(|it| path::shown(it, directory))
                        .collect();
                    object.insert(name.to_owned(), json!(targets));
                }
                Value::Object(object)
            })
            .collect();
        let value = if place.is_collection {
            Value::Array(shown)
        } else {
            shown.into_iter().next().unwrap_or(Value::Null)
        };
        let one = Written::from_iter([(path.clone(), value.clone())]);
        // Links may lead to what stands further below: only the members are tried.
        let fits = !matches!(&value, Value::Array(all) if all.is_empty())
            && try_members(&one, directory, documents);
        if fits {
            found.insert(path, value);
        }
    }
    found
}

fn try_members(written: &Written, directory: &Directory, known: &Documents) -> bool {
    let mut planting = Planting {
        directory,
        created: Timestamp::UNIX_EPOCH,
        cloud: directory.environment.cloud(),
        documents: Documents::default(),
        links: Vec::new(),
    };
    written.iter().all(|(path, value)| {
        Place::find(path, directory, known).is_ok_and(|place| {
            planting
                .write(path, &place.address, place.of, place.is_collection, value)
                .is_ok()
        })
    })
}

struct Planting<'a> {
    directory: &'a Directory,
    created: Timestamp,
    cloud: SignInCloud,
    documents: Documents,
    /// Navigations with the places that name their targets, and the names.
    links: Vec<(String, String, String)>,
}

impl Planting<'_> {
    /// Writes what stands at an address.
    fn write(
        &mut self,
        place: &str,
        address: &str,
        of: Type,
        is_collection: bool,
        value: &Value,
    ) -> Result<(), Mistake> {
        match value {
            Value::Array(elements) if is_collection => {
                for (index, element) in elements.iter().enumerate() {
                    let place = format!("{place}[{index}]");
                    let Value::Object(members) = element else {
                        return Err((place, format!("expected an object, found {element}")));
                    };
                    let given = members.get("id").and_then(Value::as_str);
                    if of.name() == "site" {
                        self.site(&place, address, given, members)?;
                        continue;
                    }
                    let id = given.map_or_else(
                        || {
                            let name = format!("{address}/{index}");
                            derived(self.directory.domain(), "graph", &name).to_string()
                        },
                        str::to_owned,
                    );
                    self.document(&place, address, &id, of, members)?;
                }
                Ok(())
            }
            Value::Object(members) if !is_collection => {
                self.document(place, address, "", of, members)
            }
            other => {
                let expected = if is_collection {
                    "a list of objects"
                } else {
                    "an object"
                };
                Err((
                    place.to_owned(),
                    format!("expected {expected}, found {other}"),
                ))
            }
        }
    }

    fn document(
        &mut self,
        place: &str,
        collection: &str,
        id: &str,
        of: Type,
        members: &Map<String, Value>,
    ) -> Result<(), Mistake> {
        let wrong = |problem: String| (place.to_owned(), problem);
        let actual = value::actual(of, members, self.cloud).map_err(wrong)?;
        let address = store::address(collection, id);
        let mut properties = Map::new();
        let mut below = Vec::new();
        for (name, value) in members {
            if name == "id" {
                continue;
            }
            if name == "@odata.type" {
                let name = format!("#microsoft.graph.{}", actual.name());
                properties.insert("@odata.type".to_owned(), json!(name));
                continue;
            }
            let Some(member) = actual.member(name, self.cloud) else {
                if value::is_free(actual, name) {
                    properties.insert(name.clone(), value.clone());
                    continue;
                }
                return Err(wrong(unknown(actual, name, self.cloud)));
            };
            let here = format!("{place}.{name}");
            match member.kind() {
                MemberKind::Property => {
                    value::check(
                        member.type_name(),
                        member.is_collection(),
                        value,
                        self.cloud,
                    )
                    .map_err(|problem| (here, problem))?;
                    properties.insert(member.name().to_owned(), value.clone());
                }
                MemberKind::Contained => below.push((here, member, value)),
                MemberKind::Navigation => self.link(&here, &address, member, value)?,
            }
        }
        self.complete(actual, &mut properties);
        self.documents
            .put(collection, id, properties, self.created)
            .map_err(|full| wrong(full.to_string()))?;
        for (here, member, value) in below {
            let Some(inner) = member.of() else { continue };
            let address = format!("{address}/{}", member.name());
            self.write(&here, &address, inner, member.is_collection(), value)?;
        }
        Ok(())
    }

    /// Writes a site. All sites stand in one set, wherever they are shown.
    fn site(
        &mut self,
        place: &str,
        address: &str,
        given: Option<&str>,
        members: &Map<String, Value>,
    ) -> Result<(), Mistake> {
        let wrong = |problem: String| (place.to_owned(), problem);
        let site = site::Site::of(self.directory, &self.documents, address, given, members);
        let site = site.map_err(wrong)?;
        let of = Type::find("site").ok_or_else(|| wrong("there are no sites".to_owned()))?;
        let mut members = members.clone();
        site.complete(&mut members, self.created);
        self.document(place, "sites", &site.id, of, &members)
    }

    /// Sets what the service would have set.
    fn complete(&self, of: Type, properties: &mut Map<String, Value>) {
        if of.member("createdDateTime", self.cloud).is_some() {
            let created = json!(crate::mailbox::seconds(self.created));
            properties.entry("createdDateTime").or_insert(created);
        }
        for default in DEFAULTS.iter().filter(|it| it.of == of.name()) {
            let name = properties.get("displayName").and_then(Value::as_str);
            let plain: String = name
                .unwrap_or_default()
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect();
            let text = default
                .value
                .replace("{displayName}", &plain.to_lowercase());
            // A test reads the file.
            let value = serde_json::from_str(&text).unwrap_or_default();
            properties.entry(default.member.clone()).or_insert(value);
        }
    }

    fn link(
        &mut self,
        place: &str,
        address: &str,
        member: Member,
        value: &Value,
    ) -> Result<(), Mistake> {
        let navigation = format!("{address}/{}", member.name());
        let names: Vec<&Value> = match value {
            Value::Array(all) if member.is_collection() => all.iter().collect(),
            Value::Array(all) if all.len() < 2 => all.iter().collect(),
            Value::String(_) if !member.is_collection() => vec![value],
            _ => Vec::new(),
        };
        for name in &names {
            let Value::String(name) = name else {
                return Err((place.to_owned(), NAMES.to_owned()));
            };
            self.links
                .push((navigation.clone(), place.to_owned(), name.clone()));
        }
        if names.is_empty() && value.as_array().is_none_or(|it| !it.is_empty()) {
            return Err((place.to_owned(), NAMES.to_owned()));
        }
        Ok(())
    }

    /// Adds the links, once all is there that they lead to.
    fn tie(&mut self) -> Result<(), Mistake> {
        for (navigation, place, name) in std::mem::take(&mut self.links) {
            let target = path::target(&name, self.directory, &self.documents)
                .map_err(|problem| (place, problem))?;
            self.documents.link(&navigation, &target);
        }
        Ok(())
    }
}

/// A member that a type does not have.
fn unknown(of: Type, name: &str, cloud: SignInCloud) -> String {
    let members = of.members(cloud);
    let names = members.iter().map(|it| it.name());
    format!(
        "'microsoft.graph.{}' has no member '{name}'{}",
        of.name(),
        did_you_mean(name, names)
    )
}

#[derive(Debug, Deserialize)]
struct Default {
    of: String,
    member: String,
    /// JSON; `{displayName}` is the display name's letters and digits.
    value: String,
}

/// What a new object has where nothing is said: rows of `data/graph-seed-defaults.csv`.
static DEFAULTS: LazyLock<Vec<Default>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/graph-seed-defaults.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Default, _>| row.expect("data/graph-seed-defaults.csv fits its types"))
        .collect()
});

const NAMES: &str =
    "expected names of what it leads to: aliases of users, or paths such as /groups/Sales";
