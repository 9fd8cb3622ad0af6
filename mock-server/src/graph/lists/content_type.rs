//! Content types.
//!
//! Rows of `data/content-types.csv`: those that each site has.
//! Source: learn.microsoft.com/previous-versions/office/developer/sharepoint-2010/ms452896 (ids);
//! learn.microsoft.com/graph/api/site-list-contenttypes.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal;
use crate::drives::list::{ContentType, List};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::files::refusal as files;
use crate::graph::schema;
use crate::mailbox::Properties;

#[derive(Debug, Deserialize)]
struct BuiltIn {
    id: String,
    name: String,
    description: String,
    group: String,
    #[serde(rename = "in")]
    within: String,
}

static BUILT_IN: LazyLock<Vec<(String, ContentType)>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/content-types.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<BuiltIn, _>| row.expect("data/content-types.csv fits its types"))
        .map(|row| {
            let value = json!({
                "description": row.description, "group": row.group, "hidden": false,
                "isBuiltIn": true, "name": row.name, "readOnly": false, "sealed": false,
            });
            let found = ContentType {
                id: row.id,
                members: crate::graph::collection::members(value),
                columns: Vec::new(),
            };
            (row.within, found)
        })
        .collect()
});

/// The content types that each site has.
pub(super) fn of_sites() -> impl Iterator<Item = &'static ContentType> {
    BUILT_IN.iter().map(|(_, it)| it)
}

/// The content types of a list: copies of the site's, with ids of their own.
pub(super) fn of_list(list: &List) -> Vec<ContentType> {
    let kind = if list.drive.is_some() {
        "library"
    } else {
        "list"
    };
    let own = BUILT_IN.iter().filter(|(of, _)| of == kind || of == "*");
    let mut found: Vec<ContentType> = own.map(|(_, it)| copy(list, it)).collect();
    found.extend(list.schema.types.iter().cloned());
    found
}

/// A copy of a content type for a list. Its id is longer by the list's part.
pub(super) fn copy(list: &List, of: &ContentType) -> ContentType {
    let mut found = of.clone();
    found.id = copy_id(list, &of.id);
    found.members.insert("isBuiltIn".to_owned(), json!(false));
    found.members.insert("parentId".to_owned(), json!(of.id));
    found
}

fn copy_id(list: &List, of: &str) -> String {
    let own = uuid::Uuid::new_v5(&list.id, of.as_bytes());
    format!("{of}00{}", own.simple().to_string().to_uppercase())
}

/// The id and the name of the content type of a row.
pub(super) fn of_row(list: &List, said: Option<&str>, folder: bool) -> (String, String) {
    let usual = match (folder, list.drive.is_some()) {
        (true, _) => "0x0120",
        (false, true) => "0x0101",
        (false, false) => "0x01",
    };
    let added = said.and_then(|id| list.schema.types.iter().find(|it| it.id == id));
    if let Some(own) = added {
        return (own.id.clone(), name(own).to_owned());
    }
    let of = said
        .and_then(|id| of_sites().find(|it| copy_id(list, &it.id) == id))
        .or_else(|| of_sites().find(|it| it.id == usual));
    of.map_or_else(Default::default, |it| {
        (copy_id(list, &it.id), name(it).to_owned())
    })
}

/// The name.
pub(super) fn name(of: &ContentType) -> &str {
    of.members
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A content type as Graph writes it.
pub(super) fn drawn(of: &ContentType) -> Properties {
    let mut found = Properties::new();
    found.insert("id".to_owned(), json!(of.id));
    found.extend(of.members.clone());
    found
}

/// A new content type from a body: made from another one of the site.
pub(super) fn new(
    call: &Call<'_>,
    mut body: Properties,
    known: &[ContentType],
) -> Result<ContentType, GraphError> {
    let base = body.shift_remove("base").filter(|it| !it.is_null());
    let said = checked(call, body)?;
    let title = said.get("name").and_then(Value::as_str).unwrap_or_default();
    if title.is_empty() {
        // Unverified: the text.
        return Err(files::invalid("The name of the content type is required."));
    }
    let text = |name: &str| base.as_ref()?.get(name)?.as_str();
    let of = match (text("id"), text("name")) {
        (Some(id), _) => known.iter().find(|it| it.id == id),
        (None, Some(wanted)) => known.iter().find(|it| name(it) == wanted),
        (None, None) => known.first(),
    };
    let of = of.ok_or_else(refusal::invalid_request)?;
    if known.iter().any(|it| name(it).eq_ignore_ascii_case(title)) {
        return Err(files::name_taken());
    }
    let own = call.world.random.uuid().simple().to_string().to_uppercase();
    let mut members = crate::graph::collection::members(json!({
        "description": "", "group": "Custom Content Types", "hidden": false, "isBuiltIn": false,
        "name": title, "parentId": of.id, "readOnly": false, "sealed": false,
    }));
    members.extend(said.into_iter().filter(|(member, _)| member != "id"));
    Ok(ContentType {
        id: format!("{}00{own}", of.id),
        members,
        columns: Vec::new(),
    })
}

/// A body, checked.
pub(super) fn checked(call: &Call<'_>, body: Properties) -> Result<Properties, GraphError> {
    schema::object(call.cloud(), call.endpoint.workload, "contentType", body)
}
