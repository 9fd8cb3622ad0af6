//! Drives, items, folders and what is found in them, read.

use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::action::Action;
use super::base::Base;
use super::draw::{self, Style};
use super::find::Found;
use super::{base, refusal, sharing, thumbnail, ticket, version};
use crate::drives::{Blob, Drive, Item};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::route::Step;
use crate::graph::odata::evaluate;
use crate::graph::odata::parser::Expression;
use crate::mailbox::Properties;
use crate::model::Type;

/// The drives of an owner.
pub(super) fn drives(call: &Call<'_>, base: &Base) -> Result<Reply, GraphError> {
    let ids = base::all(call, base)?;
    let drawn = call.tenant.read(|directory| {
        call.tenant.read_drives(|drives| {
            let style = Style {
                call,
                directory,
                with_address: false,
            };
            let found = ids.iter().filter_map(|id| drives.get(id));
            let found = found.map(|it| Value::Object(draw::select(call, style.drive(it))));
            found.collect::<Vec<Value>>()
        })
    });
    let context = format!("{}/$metadata#drives", call.root());
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": drawn}),
    ))
}

/// One drive.
pub(super) fn drive(call: &Call<'_>, id: &str) -> Result<Reply, GraphError> {
    let found = whole(call, id, |style, drive| Some(style.drive(drive)))?;
    Ok(draw::reply(call, StatusCode::OK, "drives", found))
}

/// Draws something of a drive.
pub(in crate::graph) fn whole<A>(
    call: &Call<'_>,
    drive: &str,
    work: impl FnOnce(&Style<'_>, &Drive) -> Option<A>,
) -> Result<A, GraphError> {
    let drawn = call.tenant.read(|directory| {
        call.tenant.read_drives(|drives| {
            let style = Style {
                call,
                directory,
                with_address: true,
            };
            work(&style, drives.get(drive)?)
        })
    });
    drawn.ok_or_else(refusal::not_found)
}

/// One item, with what `$expand` adds.
pub(super) fn item(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let (mut document, tag, set, source) = whole(call, &found.drive, |style, drive| {
        let item = drive.get(id)?;
        let set = if item.is_root() {
            format!("{}/root", draw::set(call, drive))
        } else {
            format!("{}/items", draw::set(call, drive))
        };
        let document = expanded(style, drive, item);
        let source = thumbnail::Source::of(drive, id);
        Some(document.map(|it| (it, item.e_tag(), set, source)))
    })??;
    add_thumbnails(call, &mut document, source.as_ref());
    if call.not_modified(tag.trim_matches('"')) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
    }
    Ok(draw::reply(call, StatusCode::OK, &set, document))
}

/// Adds the pictures of a file, where `$expand` asks for them. Reads the file: not under a lock.
fn add_thumbnails(call: &Call<'_>, document: &mut Properties, source: Option<&thumbnail::Source>) {
    let mut asked = call.query.expand.iter();
    if asked.any(|it| it.name.eq_ignore_ascii_case("thumbnails")) {
        let sets = source.map_or_else(Vec::new, |it| it.sets(call, &[]));
        document.insert("thumbnails".to_owned(), json!(sets));
    }
}

/// An item with what `$expand` adds, but for thumbnails.
fn expanded(style: &Style<'_>, drive: &Drive, item: &Item) -> Result<Properties, GraphError> {
    let mut document = style.item(drive, item);
    for expand in &style.call.query.expand {
        let name = expand.name.to_ascii_lowercase();
        let own =
            |document: Properties| Value::Object(draw::only(expand.select.as_deref(), document));
        let value = match name.as_str() {
            "children" if item.is_file() => continue,
            "children" => {
                let children = drive.list(item.id, None).take(PAGE);
                let children = children.map(|(_, it)| own(style.item(drive, it)));
                json!(children.collect::<Vec<Value>>())
            }
            "permissions" => json!(sharing::all(style, drive, item)),
            "thumbnails" => continue,
            "versions" => json!(version::all(style, drive, item)),
            _ => {
                let of = Type::find("driveItem");
                let known = of.and_then(|it| it.member(&expand.name, style.call.cloud()));
                if known.is_none() {
                    return Err(GraphError::unknown_property(&expand.name, "driveItem"));
                }
                let what = format!("$expand={}", expand.name);
                return Err(GraphError::expand_not_supported(&expand.name).not_in_the_mock(what));
            }
        };
        document.insert(name, value);
    }
    Ok(document)
}

/// The answer with an item after a change of it.
pub(super) fn changed(
    call: &Call<'_>,
    drive: &str,
    item: Uuid,
    status: StatusCode,
) -> Result<Reply, GraphError> {
    let (document, set) = whole(call, drive, |style, drive| {
        let set = format!("{}/items", draw::set(call, drive));
        Some((style.item(drive, drive.get(item)?), set))
    })?;
    Ok(draw::reply(call, status, &set, document))
}

/// The items of a folder.
pub(super) fn children(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let folder = found.there()?;
    if !call.query.order.is_empty() {
        let order = &call.query.order[0];
        let name = order.path.0.join("/");
        if !name.eq_ignore_ascii_case("name") {
            // Source: OneDrive/onedrive-api-docs#696.
            return Err(refusal::invalid(&format!(
                "The property {name} is not supported for OrderBy."
            )));
        }
    }
    if call.query.skip > 0 {
        // Unverified: the text.
        return Err(refusal::invalid(
            "$skip is not supported on this API. Only URLs returned by the API can be used to page.",
        ));
    }
    let filter = call.query.filter.as_ref();
    if let Some(filter) = filter {
        check_filter(call, filter)?;
    }
    let descending = call.query.order.first().is_some_and(|it| it.descending);
    let behind = call.query.skip_token.as_deref().map(read_token);
    let behind = match behind {
        Some(None) => return Err(refusal::invalid("The skip token is malformed.")),
        Some(found) => found,
        None => None,
    };
    let top = call.query.top.unwrap_or(PAGE).min(MOST);
    let (values, next, total, set) = whole(call, &found.drive, |style, drive| {
        drive.get(folder)?;
        let mut values = Vec::new();
        let mut last = None;
        let mut more = false;
        let mut refused = None;
        let take = |(key, item): (&str, &Item)| {
            if let Some(filter) = filter
                && !evaluate::holds(filter, &Value::Object(style.item(drive, item)))
            {
                return true;
            }
            if values.len() == top {
                more = true;
                return false;
            }
            match expanded(style, drive, item) {
                Ok(document) => values.push((document, thumbnail::Source::of(drive, item.id))),
                Err(error) => refused = Some(error),
            }
            last = Some(key.to_owned());
            refused.is_none()
        };
        if descending {
            let upto = behind.as_deref();
            let all = drive.list(folder, None).rev();
            let rest = all.skip_while(|(key, _)| upto.is_some_and(|it| *key >= it));
            let mut rest = rest;
            let _ = rest.all(take);
        } else {
            let _ = drive.list(folder, behind.as_deref()).all(take);
        }
        let next = last.filter(|_| more);
        let set = format!("{}/items", draw::set(call, drive));
        Some(match refused {
            Some(error) => Err(error),
            None => Ok((values, next, drive.child_count(folder), set)),
        })
    })??;
    let drawn = values.into_iter().map(|(mut document, source)| {
        add_thumbnails(call, &mut document, source.as_ref());
        Value::Object(draw::select(call, document))
    });
    let values: Vec<Value> = drawn.collect();
    let mut body = Properties::new();
    let context = format!("{}/$metadata#{set}", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    if call.query.count {
        body.insert("@odata.count".to_owned(), json!(total));
    }
    if let Some(next) = next {
        let link = again(
            call,
            &["$skiptoken", "skiptoken"],
            "$skiptoken",
            &write_token(&next),
        );
        body.insert("@odata.nextLink".to_owned(), json!(link));
    }
    body.insert("value".to_owned(), json!(values));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// Refuses a filter on what an item does not have. The service filters by some members alone, and
/// not the same ones everywhere; here it filters by all.
/// Source: OneDrive/onedrive-api-docs, optional-query-parameters.md and filtering-results.md; #1217.
fn check_filter(call: &Call<'_>, filter: &Expression) -> Result<(), GraphError> {
    let of = Type::find("driveItem");
    let mut names = Vec::new();
    filter.paths(&mut names);
    for path in names {
        let Some(name) = path.0.first() else { continue };
        if of.and_then(|it| it.member(name, call.cloud())).is_none() {
            return Err(GraphError::unknown_property(name, "driveItem"));
        }
    }
    Ok(())
}

fn write_token(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("Paged=TRUE&p_FileLeafRef={key}"))
}

fn read_token(text: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.strip_prefix("Paged=TRUE&p_FileLeafRef=")?.to_owned())
}

/// The address that was asked, with one parameter in the place of others.
pub(in crate::graph) fn again(
    call: &Call<'_>,
    without: &[&str],
    name: &str,
    value: &str,
) -> String {
    let mut link = format!("{}{}", call.origin, call.path);
    let mut separator = '?';
    for (own, text) in &call.parameters_sent {
        if without.iter().any(|it| own.eq_ignore_ascii_case(it)) {
            continue;
        }
        let text = percent_encoding::utf8_percent_encode(text, IN_QUERY);
        link.push_str(&format!("{separator}{own}={text}"));
        separator = '&';
    }
    link.push_str(&format!("{separator}{name}={value}"));
    link
}

/// The content: an address at which it is, without a bearer.
pub(super) fn content(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let (url, tag) = found.read(call, |drive| {
        let item = drive.get(id)?;
        let place = (drive.id.as_str(), &drive.place);
        let url = item
            .is_file()
            .then(|| ticket::download(call, place, id, None));
        Some((url, item.e_tag()))
    })?;
    // Unverified: what a folder answers.
    let url = url.ok_or_else(|| refusal::invalid("The item is a folder and has no content."))?;
    if call.parameter("format").is_some() {
        return Err(crate::graph::generic::not_in_the_mock("content?format="));
    }
    if call.not_modified(tag.trim_matches('"')) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
    }
    let mut reply = Reply::empty(StatusCode::FOUND);
    reply.headers.push((header::LOCATION, url));
    Ok(reply)
}

/// What is found by a text in a folder and below it. Hits are rows of an index, and not items:
/// they have no tags, hashes, paths or addresses of their contents.
///
/// Source: recordings of NangoHQ/integration-templates; OneDrive/onedrive-api-docs#1870.
pub(super) fn search(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let top = found.there()?;
    let step = steps.last().ok_or_else(refusal::not_found)?;
    let said = step
        .arguments
        .iter()
        .find(|it| it.0.eq_ignore_ascii_case("q"));
    // Unverified: the text.
    let said = said
        .and_then(|it| super::find::meant(call, &it.1))
        .or_else(|| call.parameter("q").map(str::to_owned))
        .ok_or_else(|| refusal::invalid("The search needs the parameter 'q'."))?;
    let text = said.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().filter(|it| *it != "*").collect();
    let most = call.query.top.unwrap_or(PAGE).min(MOST);
    let skip: usize = call
        .query
        .skip_token
        .as_deref()
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    let hits = hits(call, found, top, &words)?;
    let more = hits.len() > skip.saturating_add(most);
    let values = whole(call, &found.drive, |style, drive| {
        let shown = hits.iter().skip(skip).take(most);
        let shown = shown.filter_map(|it| drive.get(*it));
        Some(
            shown
                .map(|it| row(style, drive, it))
                .collect::<Vec<Value>>(),
        )
    })?;
    let mut body = Properties::new();
    let context = format!(
        "{}/$metadata#Collection(microsoft.graph.driveItem)",
        call.root()
    );
    body.insert("@odata.context".to_owned(), json!(context));
    if more {
        let next = (skip + most).to_string();
        let link = again(call, &["$skiptoken", "skiptoken"], "$skiptoken", &next);
        body.insert("@odata.nextLink".to_owned(), json!(link));
    }
    body.insert("value".to_owned(), json!(values));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// The items that have all words in their names or contents. Contents are read when the drive is
/// free again.
fn hits(
    call: &Call<'_>,
    found: &Found,
    top: Uuid,
    words: &[&str],
) -> Result<Vec<Uuid>, GraphError> {
    let delayed = call.tenant.read(|it| it.switches.delayed_search);
    let indexed = |item: &Item| !delayed || call.now.duration_since(item.created) >= SEARCH_DELAY;
    let looked_at: Vec<(Uuid, bool, Option<Blob>)> = found.read(call, |drive| {
        drive.get(top)?;
        let inside = drive.tree(top).into_iter().skip(1);
        let items = inside.filter_map(|it| drive.get(it));
        let items = items.filter(|it| indexed(it)).map(|item| {
            let name = item.name.to_lowercase();
            let named = words.iter().all(|word| name.contains(word));
            let content = item.content.clone().filter(|_| !named);
            (item.id, named, content)
        });
        Some(items.collect())
    })?;
    let hits = looked_at.into_iter().filter(|(_, named, content)| {
        let inside = || {
            let text = content.as_ref()?.whole(SEARCHED)?;
            let text = String::from_utf8_lossy(&text).to_lowercase();
            Some(words.iter().all(|word| text.contains(word)))
        };
        *named || inside() == Some(true)
    });
    Ok(hits.map(|(id, ..)| id).collect())
}

fn row(style: &Style<'_>, drive: &Drive, item: &Item) -> Value {
    let mut found = style.item(drive, item);
    for gone in ["@microsoft.graph.downloadUrl", "eTag", "cTag", "shared"] {
        found.shift_remove(gone);
    }
    if let Some(file) = found.get_mut("file").and_then(Value::as_object_mut) {
        file.shift_remove("hashes");
    }
    if let Some(parent) = found
        .get_mut("parentReference")
        .and_then(Value::as_object_mut)
    {
        parent.shift_remove("path");
        parent.shift_remove("name");
    }
    for by in ["createdBy", "lastModifiedBy"] {
        if let Some(by) = found.get_mut(by).and_then(Value::as_object_mut) {
            by.shift_remove("application");
            if let Some(user) = by.get_mut("user").and_then(Value::as_object_mut) {
                user.shift_remove("id");
            }
        }
    }
    found.insert("searchResult".to_owned(), json!({}));
    Value::Object(draw::select(style.call, found))
}

/// What the person used lately, or what others share with the person. Both are degraded, and
/// return nothing from November 2026 on.
/// Source: learn.microsoft.com/graph/api/drive-recent, /drive-sharedwithme.
pub(super) fn recent(call: &Call<'_>, _: Action) -> Result<Reply, GraphError> {
    if call.actor.user().is_none() {
        return Err(GraphError::me_needs_a_user());
    }
    let context = format!(
        "{}/$metadata#Collection(microsoft.graph.driveItem)",
        call.root()
    );
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": []}),
    ))
}

/// The items of a page, and the most that a client gets.
pub(in crate::graph) const PAGE: usize = 200;
pub(in crate::graph) const MOST: usize = 1000;

/// How long the index is behind, where the tenant says that it is.
/// Source: microsoftgraph/microsoft-graph-docs#90, #9223 (seconds to minutes).
const SEARCH_DELAY: SignedDuration = SignedDuration::from_secs(30);

/// The longest content that is searched.
const SEARCHED: usize = 1 << 20;

const IN_QUERY: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$')
    .remove(b',')
    .remove(b'(')
    .remove(b')')
    .remove(b'\'')
    .remove(b'@')
    .remove(b'/');
