//! Folders that show what a filter finds in other folders.
//!
//! Sources: learn.microsoft.com/graph/api/resources/mailsearchfolder,
//! /mailsearchfolder-post, /mailsearchfolder-update.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::error::GraphError;
use super::folders;
use super::message::MessageFields;
use super::messages::{self, folder_id};
use super::odata::evaluate::holds;
use super::odata::parser::{Expression, parse};
use crate::mailbox::{Contents, Folder, Item, Properties, Search};

const TYPE: &str = "microsoft.graph.mailSearchFolder";

/// Whether a request is about such a folder by its body.
pub(super) fn is_meant(call: &Call<'_>) -> bool {
    let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
    let kind = body["@odata.type"].as_str().unwrap_or_default();
    kind.trim_start_matches('#') == TYPE
}

/// What a new folder is to find.
pub(super) fn criteria(contents: &Contents, body: &Properties) -> Result<Search, GraphError> {
    let mut search = Search::default();
    apply(contents, &mut search, body)?;
    let missing = if search.folders.is_empty() {
        Some("sourceFolderIds")
    } else if search.filter.is_empty() {
        Some("filterQuery")
    } else {
        None
    };
    match missing {
        None => Ok(search),
        // Unverified: the text.
        Some(name) => Err(GraphError::invalid_request(format!(
            "The required property '{name}' of the search folder is missing or empty."
        ))),
    }
}

/// Changes what a folder finds.
pub(super) fn apply(
    contents: &Contents,
    search: &mut Search,
    body: &Properties,
) -> Result<(), GraphError> {
    if let Some(nested) = body.get("includeNestedFolders").and_then(Value::as_bool) {
        search.nested = nested;
    }
    if let Some(sources) = body.get("sourceFolderIds").and_then(Value::as_array) {
        let names = sources.iter().filter_map(Value::as_str);
        let keys = names.map(|name| folders::named(contents, name));
        search.folders = keys.collect::<Result<_, _>>()?;
    }
    if let Some(filter) = body.get("filterQuery").and_then(Value::as_str) {
        let expression = parse(filter).map_err(|_| GraphError::invalid_filter())?;
        messages::check_filter(&expression)?;
        filter.clone_into(&mut search.filter);
    }
    Ok(())
}

/// The members that such a folder has beyond those of others.
pub(super) fn describe(contents: &Contents, search: &Search, document: &mut Properties) {
    let sources = search.folders.iter().map(|key| folder_id(contents, *key));
    document.insert("isSupported".to_owned(), json!(true));
    document.insert("includeNestedFolders".to_owned(), json!(search.nested));
    document.insert("sourceFolderIds".to_owned(), sources.collect());
    document.insert("filterQuery".to_owned(), json!(search.filter));
}

/// The type, as documents name it.
pub(super) fn type_name() -> Value {
    json!(format!("#{TYPE}"))
}

/// The messages that a folder finds, newest first.
pub(super) fn found<'a>(
    call: &'a Call<'a>,
    contents: &'a Contents,
    search: &Search,
) -> impl Iterator<Item = &'a Item> + use<'a> {
    let within = sources(contents, search);
    // It was read when it was written.
    let filter: Option<Expression> = parse(&search.filter).ok();
    contents.messages.newest_first().filter(move |item| {
        let fields = MessageFields::new(call, contents, item);
        within.contains(&item.folder) && filter.as_ref().is_some_and(|it| holds(it, &fields))
    })
}

/// The folders in which it looks.
fn sources(contents: &Contents, search: &Search) -> BTreeSet<u64> {
    let mut all: BTreeSet<u64> = search.folders.iter().copied().collect();
    if search.nested {
        let mut open: Vec<u64> = search.folders.clone();
        while let Some(folder) = open.pop() {
            let inside = contents
                .folders
                .values()
                .filter(|it| it.parent == Some(folder));
            for child in inside {
                if all.insert(child.key) {
                    open.push(child.key);
                }
            }
        }
    }
    all
}

/// Nothing is put into such a folder.
pub(super) fn refuse_to_fill(folder: Option<&Folder>) -> Result<(), GraphError> {
    if folder.is_none_or(|it| it.search.is_none()) {
        return Ok(());
    }
    // Unverified: code and text.
    Err(GraphError::new(
        StatusCode::BAD_REQUEST,
        "ErrorInvalidOperation",
        "Items can't be created in, copied or moved to a search folder.",
    ))
}
