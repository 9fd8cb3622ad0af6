//! Lists: filter, search, order, count, paging, and what `$select` leaves of a document.

use std::cmp::Ordering;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::access::Reach;
use super::call::{Call, Reply};
use super::directory_query;
use super::endpoint::{Operation, Workload};
use super::error::GraphError;
use super::expand;
use super::extended;
use super::extension_values;
use super::link;
use super::odata::evaluate::{holds, order, value_at};
use super::odata::query::{Expand, Order, Query};
use super::schema::{self, MemberKind, Misfit};
use crate::environment::SignInCloud;
use crate::mailbox::Properties;

/// How a collection is listed.
pub(crate) struct Listing<'a> {
    /// The type of the elements.
    pub(crate) of: &'static str,
    /// The set in the context: `users('…')/messages`.
    pub(crate) set: String,
    /// The page without `$top`.
    pub(crate) page: usize,
    /// The largest `$top`.
    pub(crate) most: usize,
    /// What `$search` looks into without a property; empty: no `$search`.
    pub(crate) searched: &'a [&'a str],
    /// Which members the properties of `$search` mean.
    pub(crate) aliases: &'a [(&'a str, &'a [&'a str])],
}

impl Listing<'static> {
    /// A list of the directory: 100 a page, at most 999, no search.
    pub(crate) fn of(of: &'static str, set: impl Into<String>) -> Self {
        Self {
            of,
            set: set.into(),
            page: 100,
            most: 999,
            searched: &[],
            aliases: &[],
        }
    }
}

/// The members of a JSON object.
pub(crate) fn members(value: Value) -> Properties {
    match value {
        Value::Object(map) => map,
        _ => Properties::new(),
    }
}

/// A document with its type, where a collection has objects of several.
pub(crate) fn typed_as(of: &str, document: Properties) -> Properties {
    let mut found = Properties::new();
    let kind = json!(format!("#microsoft.graph.{of}"));
    found.insert("@odata.type".to_owned(), kind);
    found.extend(document);
    found
}

/// Documents that are made already.
pub(crate) struct Documents(pub(crate) Vec<Properties>);

impl Documents {
    /// One document.
    pub(crate) fn of(value: Value) -> Self {
        Self(vec![members(value)])
    }
}

impl Source for Documents {
    type Item = Properties;

    fn items(&self) -> &[Properties] {
        &self.0
    }

    fn render(&self, item: &Properties) -> Properties {
        item.clone()
    }
}

/// The elements of a collection, in their usual order.
pub(crate) trait Source {
    /// An element.
    type Item;

    /// The elements.
    fn items(&self) -> &[Self::Item];

    /// The document of an element, with all members.
    fn render(&self, item: &Self::Item) -> Properties;

    /// What `$expand` adds.
    fn expand(&self, item: &Self::Item, expand: &Expand) -> Result<Option<Value>, GraphError> {
        let (_, name) = (item, &expand.name);
        Err(GraphError::expand_not_supported(name).not_in_the_mock(format!("$expand={name}")))
    }
}

/// A page of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) start: usize,
    pub(crate) size: usize,
}

impl Page {
    /// The page that a request asks for.
    pub(crate) fn of(call: &Call<'_>, listing: &Listing<'_>) -> Result<Self, GraphError> {
        let query = &call.query;
        let size = query
            .top
            .or(call.prefer.page_size)
            .unwrap_or(listing.page)
            .min(listing.most);
        let start = match &query.skip_token {
            Some(token) => token_position(token)?,
            None => query.skip,
        };
        Ok(Self { start, size })
    }

    fn end(self) -> usize {
        self.start.saturating_add(self.size)
    }
}

/// The beginning of a list, up to its first element; `]}` ends it. `total` is how many elements
/// there are, where that was asked for.
pub(crate) fn head(
    call: &Call<'_>,
    listing: &Listing<'_>,
    page: Page,
    total: Option<usize>,
    more: bool,
) -> String {
    let mut text = format!("{{\"@odata.context\":{}", call.context(&listing.set, false));
    let total = total.filter(|_| call.query.skip_token.is_none());
    if let Some(total) = total {
        text.push_str(&format!(",\"@odata.count\":{total}"));
    }
    if more {
        let link = json!(next_link(call, page.end()));
        text.push_str(&format!(",\"@odata.nextLink\":{link}"));
    }
    text.push_str(",\"value\":[");
    text
}

/// Lists a collection as the query asks.
pub(crate) fn list<S: Source>(
    call: &Call<'_>,
    listing: &Listing<'_>,
    source: &S,
) -> Result<Reply, GraphError> {
    check(call, listing)?;
    let query = &call.query;
    let chosen = choose(call, listing, source);
    let total = chosen.len();
    let page = Page::of(call, listing)?;
    let mut value = Vec::new();
    for (item, document) in chosen.into_iter().skip(page.start).take(page.size) {
        let document = document.unwrap_or_else(|| source.render(item));
        let id = document
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned();
        let generic = call.endpoint.operation == Operation::Generic;
        let extra = if call.endpoint.workload == Workload::Directory && !generic {
            expand::all(call, listing.of, &document)?
        } else {
            Vec::new()
        };
        let (apart, others): (Vec<&Expand>, Vec<&Expand>) = others(call)
            .iter()
            .partition(|it| extended::is_one(&it.name));
        let found = apart
            .into_iter()
            .map(|it| extended::expanded(&document, it));
        let found: Vec<_> = found.collect::<Result<_, _>>()?;
        let mut shown = project(call, listing.of, document)?;
        shown.extend(extra);
        for (name, value) in found.into_iter().flatten() {
            shown.insert(name.to_owned(), value);
        }
        for expand in others {
            if let Some(extra) = source.expand(item, expand)? {
                shown.insert(expand.member().to_owned(), extra);
            }
        }
        let mut element = Map::new();
        call.describe(&mut element, &listing.set, listing.of, &id);
        element.extend(shown);
        value.push(Value::Object(element));
    }
    let mut body = Map::new();
    body.insert(
        "@odata.context".to_owned(),
        call.context(&listing.set, false),
    );
    if directory_query::counts(call, listing.of) && query.skip_token.is_none() {
        body.insert("@odata.count".to_owned(), json!(total));
    }
    if page.end() < total {
        let link = json!(next_link(call, page.end()));
        body.insert("@odata.nextLink".to_owned(), link);
    }
    body.insert("value".to_owned(), Value::Array(value));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// `/$count`: how many elements the filter leaves, as text.
pub(crate) fn count<S: Source>(
    call: &Call<'_>,
    listing: &Listing<'_>,
    source: &S,
) -> Result<Reply, GraphError> {
    check(call, listing)?;
    directory_query::check_count(call, listing.of)?;
    let count = choose(call, listing, source).len();
    Ok(Reply::raw("text/plain", count.to_string().into_bytes()))
}

/// The elements that filter and search leave, in the wanted order; with their documents where
/// these had to be made.
fn choose<'s, S: Source>(
    call: &Call<'_>,
    listing: &Listing<'_>,
    source: &'s S,
) -> Vec<(&'s S::Item, Option<Properties>)> {
    let query = &call.query;
    if query.filter.is_none() && query.search.is_none() && query.order.is_empty() {
        return source.items().iter().map(|item| (item, None)).collect();
    }
    let mut chosen: Vec<(&S::Item, Value)> = source
        .items()
        .iter()
        .map(|item| (item, Value::Object(source.render(item))))
        .filter(|(_, document)| {
            query.filter.as_ref().is_none_or(|filter| {
                let of = listing.of;
                holds(filter, &expand::Related { call, of, document })
            }) && query
                .search
                .as_ref()
                .is_none_or(|search| search.fits(document, listing.searched, listing.aliases))
        })
        .collect();
    chosen.sort_by(|(_, left), (_, right)| compare(&query.order, left, right));
    chosen
        .into_iter()
        .map(|(item, document)| match document {
            Value::Object(map) => (item, Some(map)),
            _ => (item, None),
        })
        .collect()
}

/// How two documents are ordered.
pub(crate) fn compare(orders: &[Order], left: &Value, right: &Value) -> Ordering {
    orders
        .iter()
        .map(|by| {
            let ordering = order(value_at(left, &by.path.0), value_at(right, &by.path.0));
            if by.descending {
                ordering.reverse()
            } else {
                ordering
            }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Checks the query against the type.
pub(crate) fn check(call: &Call<'_>, listing: &Listing<'_>) -> Result<(), GraphError> {
    let query = &call.query;
    check_members(call, query, listing.of)?;
    let cloud = call.cloud();
    if listing.of == DIRECTORY_OBJECT && call.endpoint.workload == Workload::Directory {
        directory_query::check_relation(call)?;
    }
    // Relations of the directory lead to objects of several types.
    let several: &[&str] = if listing.of == DIRECTORY_OBJECT {
        &DIRECTORY_OBJECTS
    } else {
        &[]
    };
    if let Some(filter) = &query.filter {
        schema::check(cloud, listing.of, filter)
            .or_else(|misfit| {
                let fits = |of: &&str| schema::check(cloud, of, filter).is_ok();
                several.iter().any(fits).then_some(()).ok_or(misfit)
            })
            .map_err(|it| call.misfit(it))?;
    }
    for by in &query.order {
        schema::order_by(cloud, listing.of, &by.path.0)
            .or_else(|misfit| {
                let fits = |of: &&str| schema::order_by(cloud, of, &by.path.0).is_ok();
                several.iter().any(fits).then_some(()).ok_or(misfit)
            })
            .map_err(|it| call.misfit(it))?;
    }
    if query.search.is_some() && listing.searched.is_empty() {
        // Unverified: the text.
        return Err(GraphError::bad_request(
            "The query parameter '$search' is not supported for this resource.",
        ));
    }
    if call.endpoint.workload == Workload::Directory {
        directory_query::check(call, listing.of)?;
    }
    match query.top.filter(|top| *top > listing.most) {
        None => {}
        // Unverified: both texts.
        Some(top) if call.endpoint.workload == Workload::Directory => {
            return Err(GraphError::directory_request(format!(
                "Invalid page size specified: '{top}'. Must be between 1 and {} inclusive.",
                listing.most
            )));
        }
        Some(top) => {
            return Err(GraphError::bad_request(format!(
                "The limit of '{}' for Top query has been exceeded. The value from the incoming \
                 request is '{top}'.",
                listing.most
            )));
        }
    }
    Ok(())
}

/// What the source itself expands: the directory's relations are the same wherever they stand.
fn others<'a>(call: &'a Call<'_>) -> &'a [Expand] {
    let generic = call.endpoint.operation == Operation::Generic;
    match call.endpoint.workload {
        Workload::Directory if !generic => &[],
        Workload::Directory | Workload::Mailbox => &call.query.expand,
    }
}

/// Checks `$select` and `$expand` against the type, whether or not there is anything to show.
pub(crate) fn check_members(call: &Call<'_>, query: &Query, of: &str) -> Result<(), GraphError> {
    let cloud = call.cloud();
    for name in query.select.iter().flatten() {
        let (of, name) = selected_of(of, name);
        if !may_have(cloud, of, name) && !extension_values::is_one(call, of, name) {
            return Err(GraphError::unknown_select(name, of));
        }
    }
    for expand in &query.expand {
        // Clients and the documentation write casts in any case: attachment-get.
        let (cast, name) = selected_of(of, &expand.name);
        let known = CASTS.into_iter().find(|it| it.eq_ignore_ascii_case(cast));
        let (of, name) = known.map_or((of, expand.name.as_str()), |of| (of, name));
        let member = schema::member(cloud, of, name)
            .ok_or_else(|| GraphError::unknown_select(&expand.name, of))?;
        if member.kind != MemberKind::Navigation {
            return Err(GraphError::no_navigation(member.name, of));
        }
        for name in expand.select.iter().flatten() {
            let (of, name) = selected_of(member.element_type(), name);
            if !may_have(cloud, of, name) {
                return Err(call.misfit(Misfit::Unknown {
                    name: name.to_owned(),
                    of: of.to_owned(),
                }));
            }
        }
    }
    Ok(())
}

/// Whether a type has a member, as far as the table knows the type.
fn may_have(cloud: SignInCloud, of: &str, name: &str) -> bool {
    let has = |of: &&str| schema::member(cloud, of, name).is_some();
    !schema::is_known(of) || has(&of) || of == DIRECTORY_OBJECT && DIRECTORY_OBJECTS.iter().any(has)
}

/// The type and the member that an entry of `$select` means; it may cast the type.
fn selected_of<'a>(of: &'a str, name: &'a str) -> (&'a str, &'a str) {
    let (of, name) = name
        .strip_prefix("microsoft.graph.")
        .and_then(|it| it.split_once('/'))
        .unwrap_or((of, name));
    (of, name.split('/').next().unwrap_or(name))
}

/// What `$select` leaves of a document, and what exists in the cloud.
pub(crate) fn project(
    call: &Call<'_>,
    of: &str,
    document: Properties,
) -> Result<Properties, GraphError> {
    selected(call, of, document, call.query.select.as_deref())
}

/// What a list of members leaves of a document, and what exists in the cloud.
pub(crate) fn selected(
    call: &Call<'_>,
    of: &str,
    document: Properties,
    select: Option<&[String]>,
) -> Result<Properties, GraphError> {
    let cloud = call.cloud();
    let shown = document.into_iter();
    let document: Properties = shown
        .filter(|(name, _)| !extended::is_hidden(name))
        .collect();
    let several = of == DIRECTORY_OBJECT;
    // Relations of the directory lead to objects of several types.
    let kind = document
        .get("@odata.type")
        .and_then(Value::as_str)
        .and_then(|it| it.strip_prefix("#microsoft.graph."))
        .filter(|kind| several && schema::is_a(kind, of))
        .map(str::to_owned);
    let of = kind.as_deref().unwrap_or(of);
    let Some(select) = select else {
        // A list has the base type, and shows the members of the derived one.
        let named = document.get("@odata.type").and_then(Value::as_str);
        let named = named.map(|it| crate::model::strip_namespace(it).to_owned());
        let of = named
            .as_deref()
            .filter(|named| schema::is_a(named, of))
            .unwrap_or(of);
        let hidden: &[&str] = match of {
            "event" => &["cancelledOccurrences", "originalStart"],
            "message" => &["uniqueBody", "internetMessageHeaders"],
            "user" => {
                return Ok(document
                    .into_iter()
                    .filter(|(name, _)| {
                        name.contains('@') || USER_DEFAULTS.contains(&name.as_str())
                    })
                    .collect());
            }
            _ => &[],
        };
        return Ok(document
            .into_iter()
            .filter(|(name, _)| {
                name.contains('@')
                    || !hidden.contains(&name.as_str())
                        && !schema::is_on_demand(of, name)
                        && (!schema::is_known(of) || schema::is_written(cloud, of, name))
            })
            .collect());
    };
    let mut wanted: Vec<&str> = Vec::new();
    for name in select {
        let (cast, first) = selected_of(of, name);
        match schema::member(cloud, cast, first) {
            Some(member) => wanted.push(member.name),
            None if !schema::is_known(cast) => wanted.push(first),
            None if several => {}
            None if extension_values::is_one(call, cast, first) => wanted.push(first),
            None => return Err(GraphError::unknown_select(first, cast)),
        }
    }
    // Outlook always names the item, the directory shows what was asked for.
    let outlook = call.endpoint.workload == Workload::Mailbox;
    let mut shown: Properties = document
        .into_iter()
        .filter(|(name, _)| match name.split_once('@') {
            // Control information of the whole, and of what was asked for.
            Some((of, _)) => of.is_empty() || wanted.contains(&of),
            None => wanted.contains(&name.as_str()) || outlook && name == "id",
        })
        .collect();
    if outlook {
        // The documents of Exchange are whole: what they lack, the service leaves out, too.
        return Ok(shown);
    }
    // What was asked for and is not set is null; what the caller may not see stays out.
    for name in wanted {
        let member = schema::member(cloud, of, name);
        if let Some(member) = member
            && member.kind == MemberKind::Property
            && call.reach == Reach::Full
        {
            shown.entry(name).or_insert_with(|| member.unset());
        }
    }
    Ok(shown)
}

/// The address of the next page: the request's own, at the host that was addressed.
fn next_link(call: &Call<'_>, position: usize) -> String {
    match call.endpoint.workload {
        Workload::Directory => link::next_page_of_directory(call, &page_token(position)),
        Workload::Mailbox => link::next_page(call, position),
    }
}

fn page_token(position: usize) -> String {
    format!("RFNwdAIAAQAAABY6{position:x}")
}

fn token_position(token: &str) -> Result<usize, GraphError> {
    token
        .strip_prefix("RFNwdAIAAQAAABY6")
        .and_then(|rest| usize::from_str_radix(rest, 16).ok())
        // Unverified: the text.
        .ok_or_else(|| {
            GraphError::directory_request(
                "The specified page token value has expired or is invalid.",
            )
        })
}

/// The types to which entries of `$expand` are cast.
const CASTS: [&str; 4] = [
    "eventMessage",
    "eventMessageRequest",
    "eventMessageResponse",
    "itemAttachment",
];

/// The type of what relations of the directory lead to, and the types that are there.
const DIRECTORY_OBJECT: &str = "directoryObject";
const DIRECTORY_OBJECTS: [&str; 7] = [
    "administrativeUnit",
    "application",
    "device",
    "directoryRole",
    "group",
    "servicePrincipal",
    "user",
];

/// What a user shows without `$select`. Source: learn.microsoft.com/graph/api/user-get.
const USER_DEFAULTS: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];
