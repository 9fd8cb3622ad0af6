//! Whether a token's permissions open a path: the published list of permissions, and the rules
//! that make a guard of it.
//!
//! - `/me` and `/users/{id}` share a row, and so do the addresses of one type.
//! - `$count`, `$value`, `$ref` and properties have the row of what they belong to.
//! - A cast without a row has that of what is cast.
//! - An element without a row has that of its collection.
//! - A scope without `.All` or `.Shared` reaches the person's own data only.
//! - Who may take a link away may add one.
//! - A permission to read opens no write.
//! - Who may read a collection may read what changed in it.
//! - Open extensions have the row of what they extend.
//! - A path inside a drive leads to an item like the item's id.
//! - What a drive does and the list leaves out is guarded as reading or changing an item is.
//! - A permission that selects sites, lists or items leads into them; what was selected is judged
//!   there.
//! - What then has no row is refused.
//!
//! Unverified: these rules. Source of the list: `data/model/README.md`; corrections of it, with
//! their sources: `data/graph-permissions.csv`.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use serde::Deserialize;

use super::files;
use super::route::{Key, Route, Step, StepKind, Suffix};
use super::service::Voice;
use crate::graph::access::{Actor, Reach};
use crate::graph::error::GraphError;
use crate::graph::lists;
use crate::model::{self, Accepted, MemberKind, Root};

/// Checks a token for a path. `own`: the path leads to the person's own data, or to nobody's in
/// particular.
pub(super) fn check(
    actor: &Actor,
    route: &Route,
    method: &Method,
    own: bool,
    voice: &Voice,
) -> Result<Reach, GraphError> {
    let alternatives = alternatives(actor, route, method);
    let selecting = |it: &&Alternative<'_>| it.name.ends_with(".Selected") && lists::selects(actor);
    let mut opening = alternatives.iter().filter(|it| it.is_held(actor, own));
    if opening.any(|it| !selecting(&it)) {
        return Ok(Reach::Full);
    }
    // Source: learn.microsoft.com/graph/permissions-selected-overview.
    if leads_into_one_site(route) && lists::selects(actor) {
        return Ok(Reach::Selected);
    }
    let needed: Vec<&str> = alternatives.iter().map(|it| it.name).collect();
    Err(voice.denied(&needed.join(", "), &actor.listed()))
}

/// Whether a path leads into one site or one drive, and so to what can be selected. Who may list
/// and search sites must have a permission for all of them.
/// Source: acsone/msgraphfs#9.
fn leads_into_one_site(route: &Route) -> bool {
    let named = |it: &Step| it.key.is_some() && it.actual().is_some();
    let mut steps = route.steps.iter();
    match steps.next() {
        Some(first) if first.name == "sites" || first.name == "drives" => named(first),
        Some(first) if first.name == "groups" || first.name == "users" || first.name == "me" => {
            let of = |it: &Step| it.actual().map_or("", |of| of.name());
            route.steps.iter().any(|it| {
                of(it) == "drive" && !it.is_open_collection() || of(it) == "site" && named(it)
            })
        }
        _ => false,
    }
}

/// The permissions of a token that open a path.
pub(super) fn opened_by(
    actor: &Actor,
    route: &Route,
    method: &Method,
    own: bool,
) -> Vec<&'static str> {
    let held = alternatives(actor, route, method)
        .into_iter()
        .filter(|it| it.is_held(actor, own));
    held.map(|it| it.name).collect()
}

fn alternatives(actor: &Actor, route: &Route, method: &Method) -> Vec<Alternative<'static>> {
    let list = row(route, method).map_or("", |row| match actor {
        Actor::Application(_) => row.application,
        Actor::User(..) => row.delegated,
    });
    opening(list, writes(route, method))
}

/// One way to be let in.
pub(super) struct Alternative<'a> {
    pub(super) name: &'a str,
    /// One of these is needed, too.
    pub(super) also: &'a str,
}

impl Alternative<'_> {
    fn is_held(&self, actor: &Actor, own: bool) -> bool {
        let reaches = own || actor.user().is_none();
        let first = if reaches {
            actor.holds(self.name)
        } else {
            actor.holds_beyond_own(self.name)
        };
        first && (self.also.is_empty() || self.also.split(',').any(|it| actor.holds(it)))
    }
}

/// The alternatives of a list; for a write, without those that only read.
pub(super) fn opening(list: &str, writes: bool) -> Vec<Alternative<'_>> {
    list.split(';')
        .filter(|it| !it.is_empty())
        .map(|it| {
            let bare = it.trim_start_matches('*');
            let (name, also) = bare.split_once('+').unwrap_or((bare, ""));
            Alternative { name, also }
        })
        .filter(|it| {
            !writes
                || !only_reads(it.name)
                || it
                    .also
                    .split(',')
                    .any(|it| !it.is_empty() && !only_reads(it))
        })
        .collect()
}

fn only_reads(permission: &str) -> bool {
    permission
        .split('.')
        .any(|part| part == "Read" || part.starts_with("ReadBasic"))
}

/// Whether a request writes. An action may only read, whatever its method.
fn writes(route: &Route, method: &Method) -> bool {
    *method != Method::GET && route.operation().is_none()
}

/// Whether the documentation has the method of a path.
pub(super) fn is_documented(route: &Route, method: &Method) -> bool {
    is_documented_by(route, method.as_str())
}

/// The same, of the method's name.
pub(super) fn is_documented_by(route: &Route, method: &str) -> bool {
    let mut templates = route.literals();
    templates.push(route.template.clone());
    first(&templates, route, &[method]).is_some()
}

/// The permissions that a method of a path accepts.
pub(super) fn row(route: &Route, method: &Method) -> Option<Accepted> {
    let mut templates = route.literals();
    templates.push(route.template.clone());
    if let Some(plain) = without_casts(&route.template) {
        templates.push(plain);
    }
    if route.suffix != Suffix::None {
        let parents: Vec<String> = templates
            .iter()
            .filter_map(|it| it.rsplit_once('/'))
            .map(|(parent, _)| parent.to_owned())
            .collect();
        templates.extend(parents);
    }
    if let Some(plain) = without_paths(&route.template) {
        templates.push(plain);
    }
    if let Some(parent) = without_property(route) {
        templates.push(parent);
    }
    // Rules are documented of the inbox by its name, and are there by its id as well.
    let by_name = "mailfolders/inbox/messagerules";
    let of_inbox = route
        .template
        .replace("mailfolders/{id}/messagerules", by_name);
    if of_inbox != route.template {
        templates.push(of_inbox);
    }
    let mut verbs = vec![method.as_str()];
    // PUT creates or replaces, as the one who may create or change may.
    if *method == Method::PUT {
        verbs.extend(["PATCH", "POST"]);
    }
    if templates[templates.len() - 1].ends_with("/delta") {
        let collections: Vec<String> = templates
            .iter()
            .filter_map(|it| it.strip_suffix("/delta").map(str::to_owned))
            .collect();
        templates.extend(collections);
    }
    let found = first(&templates, route, &verbs);
    let found = found.or_else(|| of_drive(route, method));
    if found.is_some() || route.operation().is_some() {
        return found;
    }
    // Open extensions are read and written as what they extend.
    // Source: learn.microsoft.com/graph/api/opentypeextension-post-opentypeextension.
    let extended: Vec<String> = templates
        .iter()
        .map(|it| it.strip_suffix("/{id}").unwrap_or(it))
        .filter_map(|it| it.strip_suffix("/extensions").map(str::to_owned))
        .collect();
    if !extended.is_empty() {
        let verb = if *method == Method::GET {
            "GET"
        } else {
            "PATCH"
        };
        return first(&extended, route, &[verb]);
    }
    // An element as its collection; what a caller may create there it may change and delete.
    let last = route.last()?;
    let collections: Vec<String> = match last.key {
        Some(_) => templates
            .iter()
            .filter_map(|it| it.strip_suffix("/{id}").map(str::to_owned))
            .collect(),
        None => Vec::new(),
    };
    let verbs: &[&str] = if *method == Method::GET {
        &["GET"]
    } else {
        &["PATCH", "POST", "PUT"]
    };
    let of_collection = first(&collections, route, verbs);
    of_collection
        .or_else(|| {
            // Who may take a link away may add one.
            let elements: Vec<String> = templates.iter().map(|it| format!("{it}/{{id}}")).collect();
            (route.suffix == Suffix::Ref && *method == Method::POST)
                .then(|| first(&elements, route, &["DELETE"]))
                .flatten()
        })
        .or_else(|| {
            // What a caller may change it may delete, and the other way about.
            let verbs: &[&str] = match *method {
                Method::GET => return None,
                Method::DELETE => &["PATCH", "POST"],
                _ => &["POST", "PATCH", "PUT"],
            };
            first(&templates, route, verbs)
        })
}

/// What is in a drive and the list leaves out is guarded as reading or changing an item is, also
/// where the mock does not do it.
fn of_drive(route: &Route, method: &Method) -> Option<Accepted> {
    match super::lists::does(route, method.as_str()) {
        Some(does) => does,
        None => files::does(route, method.as_str()).is_some(),
    }
    .then_some(())?;
    let verb = if *method == Method::GET {
        "GET"
    } else {
        "PATCH"
    };
    accepted("/drives/{id}/items/{id}", verb)
}

/// The permissions of a path: a correction of the list, or the list's own.
fn accepted(template: &str, method: &str) -> Option<Accepted> {
    let corrections = CORRECTIONS.iter();
    let mut own = corrections.filter(|it| it.path == template && it.method == method);
    own.next()
        .map(|it| Accepted {
            delegated: &it.delegated,
            application: &it.application,
        })
        .or_else(|| model::accepted(template, method))
}

#[derive(Debug, Deserialize)]
struct Correction {
    path: String,
    method: String,
    delegated: String,
    application: String,
}

/// What the published list lacks or has wrong: rows of `data/graph-permissions.csv`.
static CORRECTIONS: LazyLock<Vec<Correction>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/graph-permissions.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Correction, _>| row.expect("data/graph-permissions.csv fits its types"))
        .collect()
});

fn first(templates: &[String], route: &Route, verbs: &[&str]) -> Option<Accepted> {
    let spellings: Vec<String> = templates
        .iter()
        .flat_map(|it| spellings(it, route))
        .collect();
    verbs.iter().find_map(|verb| {
        spellings
            .iter()
            .find_map(|template| accepted(template, verb))
    })
}

/// The template, the other way to name a person, and the addresses that its types have elsewhere.
fn spellings(template: &str, route: &Route) -> Vec<String> {
    let mut found = vec![template.to_owned()];
    let mut add = |text: String| {
        if !found.contains(&text) {
            found.push(text);
        }
    };
    if let Some(rest) = template.strip_prefix("/me") {
        add(format!("/users/{{id}}{rest}"));
    } else if let Some(rest) = template.strip_prefix("/users/{id}") {
        add(format!("/me{rest}"));
    }
    for step in &route.steps {
        let Some(rest) = template.get(step.template_end..) else {
            continue;
        };
        if step.is_open_collection() {
            continue;
        }
        let sets = step.of.and_then(|it| SETS.get(it.name()));
        for set in sets.into_iter().flatten() {
            add(format!("/{set}/{{id}}{rest}"));
        }
    }
    // An alternate key names what the id names.
    let keyed: Vec<String> = found
        .iter()
        .filter(|it| it.contains("={value})"))
        .filter_map(|it| {
            let (before, rest) = it.split_once('(')?;
            let (_, after) = rest.split_once(')')?;
            Some(format!("{before}/{{id}}{after}"))
        })
        .collect();
    found.extend(keyed);
    found
}

/// The entity sets of each type, in the tables' spelling.
static SETS: LazyLock<HashMap<&'static str, Vec<String>>> = LazyLock::new(|| {
    let mut sets: HashMap<&str, Vec<String>> = HashMap::new();
    for root in Root::all().filter(|it| it.is_set()) {
        if let Some(of) = root.of() {
            let name = root.name().to_ascii_lowercase();
            sets.entry(of.name()).or_default().push(name);
        }
    }
    sets
});

fn without_casts(template: &str) -> Option<String> {
    let plain: Vec<&str> = template
        .split('/')
        .filter(|part| !part.starts_with("microsoft.graph."))
        .collect();
    let plain = plain.join("/");
    (plain != template).then_some(plain)
}

/// The template with items by their ids and not by paths.
fn without_paths(template: &str) -> Option<String> {
    if !template.contains(":/{id}") {
        return None;
    }
    let inside = template.replace(":/{id}:", "").replace(":/{id}", "");
    Some(
        inside
            .replace("/drive/root", "/drive/items/{id}")
            .replace("/{id}/root", "/{id}/items/{id}"),
    )
}

fn without_property(route: &Route) -> Option<String> {
    let last = route.last()?;
    let is_property =
        matches!(last.kind, StepKind::Member(it) if it.kind() == MemberKind::Property);
    let before = route.steps.get(route.steps.len().checked_sub(2)?)?;
    is_property.then(|| route.template.get(..before.template_end).map(str::to_owned))?
}

/// Whether a step names a person other than the caller.
pub(super) fn person(steps: &[Step]) -> Option<&Key> {
    steps
        .first()
        .filter(|it| it.name == "users")
        .and_then(|it| it.key.as_ref())
}
