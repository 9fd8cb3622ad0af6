//! Changes of collections that the mock's own endpoints serve: users, apps, folders, calendars.
//!
//! What such a collection holds is compared with what it held when somebody last asked; the
//! difference has numbers and tombstones like every other change. A change is noticed when a delta
//! is asked for, so one that was undone in between is none.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::Method;
use serde_json::{Value, json};

use super::place::Place;
use crate::graph::call::{Call, Payload};
use crate::graph::collection::members;
use crate::graph::endpoint::{self, Found};
use crate::graph::error::GraphError;
use crate::mailbox::Properties;
use crate::model::MemberKind;

/// What a collection holds now, and where its changes are kept.
pub(super) struct Mirror {
    /// The collection of the marks.
    pub(super) collection: String,
    /// The documents by id.
    pub(super) documents: BTreeMap<String, Properties>,
}

/// Compares a collection with what it last held. `window`: the parameters that narrow it.
pub(super) fn refreshed(
    call: &Call<'_>,
    place: &Place<'_>,
    window: &[(String, String)],
) -> Result<Mirror, GraphError> {
    let documents = all(call, place, window)?;
    let mut collection = format!("@mirror/{}", place.collection);
    for (name, value) in window {
        collection.extend(["?", name.as_str(), "=", value.as_str()]);
    }
    // Ids of both kinds, and times in each zone, are compared among themselves.
    if call.prefer.immutable_ids {
        collection.push_str("!immutable");
    }
    if let Some((zone, _)) = &call.prefer.time_zone {
        collection.extend(["!", zone.as_str()]);
    }
    call.tenant.write_documents(|kept| {
        let gone: Vec<String> = kept
            .list(&collection)
            .filter(|it| !documents.contains_key(&it.id))
            .map(|it| it.id.clone())
            .collect();
        for id in gone {
            kept.delete(&collection, &id);
        }
        for (id, document) in &documents {
            let mark = mark(document);
            let same = kept
                .get(&collection, id)
                .is_some_and(|it| it.properties.get(MARK) == Some(&mark));
            if !same {
                let mut properties = Properties::new();
                properties.insert(MARK.to_owned(), mark);
                kept.put(&collection, id, properties, call.now)?;
            }
        }
        Ok::<_, GraphError>(())
    })?;
    Ok(Mirror {
        collection,
        documents,
    })
}

/// All that the collection's own endpoint lists, page by page.
fn all(
    call: &Call<'_>,
    place: &Place<'_>,
    window: &[(String, String)],
) -> Result<BTreeMap<String, Properties>, GraphError> {
    let segments: Vec<String> = place.collection.split('/').map(str::to_owned).collect();
    let found = endpoint::find(&Method::GET, &segments, call.cloud(), call.version);
    let Found::Endpoint(endpoint, parameters) = found else {
        return Err(GraphError::method_not_allowed());
    };
    let mut inner = call.elsewhere(endpoint, parameters);
    inner.prefer.immutable_ids = call.prefer.immutable_ids;
    inner.prefer.time_zone.clone_from(&call.prefer.time_zone);
    inner.prefer.page_size = Some(PAGE);
    inner.parameters_sent = window.to_vec();
    if place.of.name() == "user" {
        let shown = place.of.members(call.cloud()).into_iter().filter(|member| {
            member.kind() == MemberKind::Property && !APART.contains(&member.name())
        });
        inner.query.select = Some(shown.map(|it| it.name().to_owned()).collect());
    }
    let mut documents = BTreeMap::new();
    loop {
        let reply = super::behaviour::endpoint(&inner)?;
        let mut body = match reply.payload {
            Payload::Json(body) => members(body),
            Payload::Written(text) => serde_json::from_str(&text).unwrap_or_default(),
            Payload::Empty | Payload::Raw { .. } => break,
        };
        let Some(Value::Array(elements)) = body.remove("value") else {
            break;
        };
        for element in elements {
            let element = members(element);
            let id = element.get("id").and_then(Value::as_str).map(str::to_owned);
            documents.extend(id.map(|id| (id, element)));
        }
        let next = body.get("@odata.nextLink").and_then(Value::as_str);
        let next = next.and_then(|it| it.rsplit(['?', '&']).next()?.rsplit_once('='));
        match next {
            Some((name, token)) if name.ends_with("skiptoken") => {
                inner.query.skip_token = Some(token.to_owned());
            }
            Some((_, position)) => inner.query.skip = position.parse().unwrap_or(usize::MAX),
            None => break,
        }
    }
    Ok(documents)
}

fn mark(document: &Properties) -> Value {
    let mut hasher = DefaultHasher::new();
    for (name, value) in document {
        // The state of an item changes with its container.
        if name != "@odata.etag" {
            (name, value.to_string()).hash(&mut hasher);
        }
    }
    json!(hasher.finish())
}

/// Members of a user that other services answer.
const APART: [&str; 2] = ["mailboxSettings", "signInActivity"];
const MARK: &str = "@mark";
const PAGE: usize = 999;
