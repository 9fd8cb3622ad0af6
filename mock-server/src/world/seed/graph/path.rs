//! Paths of a seed file: `/users/alice/todo/lists`, names for ids.

use super::{kept, site};
use crate::directory::Directory;
use crate::environment::SignInCloud;
use crate::model::{Member, MemberKind, Root, Type};
use crate::notation::did_you_mean;
use crate::store::Documents;

/// Where a path leads.
pub(super) struct Place {
    /// The address of the collection or the singleton.
    pub(super) address: String,
    /// The type of its elements.
    pub(super) of: Type,
    /// Whether it has many.
    pub(super) is_collection: bool,
}

impl Place {
    /// Walks a path by the model.
    pub(super) fn find(
        path: &str,
        directory: &Directory,
        documents: &Documents,
    ) -> Result<Self, String> {
        let cloud = directory.environment.cloud();
        let mut segments = path.trim_start_matches('/').split('/');
        let first = segments.next().unwrap_or_default();
        let mut here = root(first, cloud)?;
        while let Some(segment) = segments.next() {
            let member = if here.is_collection {
                here.address = keyed(&here, segment, directory, documents)?;
                here.is_collection = false;
                match segments.next() {
                    Some(name) => member(here.of, name, cloud)?,
                    None => {
                        return Err(format!(
                            "'{path}' is one object: write a list of objects at '{}'",
                            path.rsplit_once('/').map_or(path, |it| it.0)
                        ));
                    }
                }
            } else {
                member(here.of, segment, cloud)?
            };
            here = Self {
                address: format!("{}/{}", here.address, member.name()),
                of: member
                    .of()
                    .ok_or_else(|| format!("'{}' has no documents", member.name()))?,
                is_collection: member.is_collection(),
            };
        }
        match kept::elsewhere(&here.address) {
            None => Ok(here),
            Some(problem) => Err(problem),
        }
    }
}

fn root(name: &str, cloud: SignInCloud) -> Result<Place, String> {
    let root = Root::find(name, cloud).filter(|it| it.name() != "me");
    let unknown = || {
        let names = Root::all().map(Root::name).filter(|it| *it != "me");
        format!(
            "Microsoft Graph has no '/{name}' in this cloud{}",
            did_you_mean(name, names)
        )
    };
    let root = root.ok_or_else(unknown)?;
    Ok(Place {
        address: root.name().to_owned(),
        of: root.of().ok_or_else(unknown)?,
        is_collection: root.is_set(),
    })
}

fn member(of: Type, name: &str, cloud: SignInCloud) -> Result<Member, String> {
    let found = of
        .member(name, cloud)
        .filter(|it| it.kind() != MemberKind::Property);
    let found = found.ok_or_else(|| {
        let members = of.members(cloud);
        let names = members
            .iter()
            .filter(|it| it.kind() != MemberKind::Property)
            .map(|it| it.name());
        format!(
            "nothing is at '{name}' below 'microsoft.graph.{}'{}",
            of.name(),
            did_you_mean(name, names)
        )
    })?;
    if found.kind() == MemberKind::Navigation {
        return Err(format!(
            "'{name}' of 'microsoft.graph.{}' leads to what lives elsewhere: name it in the object, \
             as in `{name}: [alice]`",
            of.name()
        ));
    }
    Ok(found)
}

/// The address of an element that a name means.
fn keyed(
    place: &Place,
    name: &str,
    directory: &Directory,
    documents: &Documents,
) -> Result<String, String> {
    let id = if place.address == "users" {
        directory.find_user(name).map(|it| it.id.to_string())
    } else if matches!(place.address.as_str(), "applications" | "servicePrincipals") {
        app(&place.address, name, directory)
    } else if place.address == "sites" {
        named("sites", name, documents).or_else(|| site::named(directory, documents, name))
    } else {
        named(&place.address, name, documents)
    };
    let id = id.ok_or_else(|| {
        format!(
            "nothing at '/{}' has the id or the name '{name}': write it before what is below it",
            place.address
        )
    })?;
    Ok(format!("{}/{id}", place.address))
}

/// The id of an app's registration or service principal, by alias, client id or object id.
fn app(set: &str, name: &str, directory: &Directory) -> Option<String> {
    let app = directory.applications.values().find(|it| {
        it.alias == name || it.app_id.to_string() == name || it.object_id.to_string() == name
    });
    if set == "applications" {
        return app.map(|it| it.object_id.to_string());
    }
    let mut principals = directory.service_principals.values();
    principals
        .find(|it| {
            app.is_some_and(|app| app.app_id == it.app_id) || it.object_id.to_string() == name
        })
        .map(|it| it.object_id.to_string())
}

/// The id of a document with this id or this name.
fn named(collection: &str, name: &str, documents: &Documents) -> Option<String> {
    if documents.get(collection, name).is_some() {
        return Some(name.to_owned());
    }
    let called = |it: &serde_json::Map<String, serde_json::Value>| {
        ["displayName", "title", "name"]
            .iter()
            .any(|member| it.get(*member).and_then(serde_json::Value::as_str) == Some(name))
    };
    documents
        .list(collection)
        .find(|it| called(&it.properties))
        .map(|it| it.id.clone())
}

/// The address that a name means: of a user by alias, or of what a path leads to.
pub(super) fn target(
    name: &str,
    directory: &Directory,
    documents: &Documents,
) -> Result<String, String> {
    let Some(path) = name.strip_prefix('/') else {
        let user = directory.find_user(name).ok_or_else(|| {
            let aliases = directory.users.values().map(|it| it.alias.as_str());
            format!(
                "no user '{name}' in this tenant{}",
                did_you_mean(name, aliases)
            )
        })?;
        return Ok(format!("users/{}", user.id));
    };
    let cloud = directory.environment.cloud();
    let (set, key) = path
        .rsplit_once('/')
        .ok_or_else(|| format!("'{name}' has no key: expected such as /groups/Sales"))?;
    let place = if set.contains('/') {
        Place::find(set, directory, documents)?
    } else {
        root(set, cloud)?
    };
    keyed(&place, key, directory, documents)
}

/// An address as a seed file has it: users by alias.
pub(super) fn shown(address: &str, directory: &Directory) -> String {
    let mut parts = address.splitn(3, '/');
    if let (Some("users"), Some(id)) = (parts.next(), parts.next())
        && let Some(user) = directory.users.values().find(|it| it.id.to_string() == id)
    {
        let rest = parts.next().map_or(String::new(), |it| format!("/{it}"));
        return format!("/users/{}{rest}", user.alias);
    }
    format!("/{address}")
}
