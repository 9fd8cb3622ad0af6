//! Rows of lists: read, made, changed, deleted.

use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::base::Target;
use super::draw::{self, Drawing, Line};
use super::filter;
use super::list::list_of;
use super::{column, content_type, refusal};
use crate::drives::list::{Fields, List};
use crate::drives::{Conflict, Drives};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files::{base, list as files_list, refusal as files};
use crate::graph::odata::query::{Expand, Query};
use crate::mailbox::Properties;
use crate::model::Type;

/// The rows of a list: those that the filter leaves, page by page.
pub(super) fn all(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let id = target.list()?;
    let query = &call.query;
    let skip = query.skip_token.as_deref().map(Behind::read).transpose()?;
    let skip = skip.unwrap_or(Behind::Number(0));
    let top = query.top.unwrap_or(draw::PAGE).min(draw::MOST);
    let (values, next, set) = draw::whole(call, &target.site, |drawing| {
        let list = list_of(drawing, id)?;
        filter::check(call, list, row_count(drawing.drives, list))?;
        let orders = filter::orders(query);
        let mut values = Vec::new();
        let mut next = None;
        if orders.is_empty() {
            let Behind::Number(behind) = skip else {
                return Err(malformed());
            };
            let mut last = behind;
            for line in Line::all(drawing.drives, list, behind) {
                if !filter::holds(drawing, list, line) {
                    continue;
                }
                if values.len() == top {
                    next = Some(Behind::Number(last));
                    break;
                }
                last = line.number();
                values.push(drawn(drawing, list, line, query)?);
            }
        } else {
            let from = match skip {
                Behind::Number(0) => 0,
                Behind::Count(count) => count,
                Behind::Number(_) => return Err(malformed()),
            };
            let sorted = filter::sorted(drawing, list, &orders);
            for line in sorted.iter().skip(from).take(top) {
                values.push(drawn(drawing, list, *line, query)?);
            }
            next = (sorted.len() > from + top).then_some(Behind::Count(from + top));
        }
        Ok((values, next, draw::set(&target.site, list)))
    })?;
    let mut body = Properties::new();
    let context = format!("{}/$metadata#{set}/items{}", call.root(), shown(query));
    body.insert("@odata.context".to_owned(), json!(context));
    if let Some(next) = next {
        let tokens = ["$skiptoken", "skiptoken"];
        let link = files_list::again(call, &tokens, "$skiptoken", &next.write());
        body.insert("@odata.nextLink".to_owned(), json!(link));
    }
    body.insert("value".to_owned(), json!(values));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// The first rows of a list, where a list is read with them.
pub(super) fn first(
    drawing: &Drawing<'_>,
    list: &List,
    query: &Query,
) -> Result<Vec<Value>, GraphError> {
    let lines = Line::all(drawing.drives, list, 0);
    let lines = lines.take(query.top.unwrap_or(draw::PAGE).min(draw::PAGE));
    lines.map(|it| drawn(drawing, list, it, query)).collect()
}

/// What is expanded, as the service has it in contexts. Source: recordings of
/// NangoHQ/integration-templates.
fn shown(query: &Query) -> String {
    let fields = query.expand.iter().find(|it| is_fields(it));
    match fields {
        Some(expand) => match &expand.select {
            Some(names) => format!("(fields({}))", names.join(",")),
            None => "(fields())".to_owned(),
        },
        None => String::new(),
    }
}

fn is_fields(expand: &Expand) -> bool {
    expand.name.eq_ignore_ascii_case("fields")
}

fn row_count(drives: &Drives, list: &List) -> usize {
    match list.drive.as_ref().and_then(|it| drives.get(it)) {
        Some(drive) => drive.row_count(),
        None => list.len(),
    }
}

/// From where a page goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Behind {
    /// Behind a row.
    Number(u32),
    /// Behind so many.
    Count(usize),
}

impl Behind {
    /// Source: learn.microsoft.com/graph/api/listitem-list: base64 of `Paged=TRUE&p_ID=200`.
    fn write(self) -> String {
        let text = match self {
            Self::Number(number) => format!("Paged=TRUE&p_ID={number}"),
            Self::Count(count) => format!("Paged=TRUE&p_Count={count}"),
        };
        let text = STANDARD.encode(text);
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    fn read(text: &str) -> Result<Self, GraphError> {
        let bytes = STANDARD.decode(text).map_err(|_| malformed())?;
        let text = String::from_utf8(bytes).map_err(|_| malformed())?;
        let number = text
            .strip_prefix("Paged=TRUE&p_ID=")
            .and_then(|it| it.parse().ok())
            .map(Self::Number);
        let count = || {
            let count = text.strip_prefix("Paged=TRUE&p_Count=")?;
            count.parse().ok().map(Self::Count)
        };
        number.or_else(count).ok_or_else(malformed)
    }
}

/// Unverified: the text.
fn malformed() -> GraphError {
    files::invalid("The skip token is malformed.")
}

/// A row with what is expanded.
pub(super) fn drawn(
    drawing: &Drawing<'_>,
    list: &List,
    line: Line<'_>,
    query: &Query,
) -> Result<Value, GraphError> {
    let call = drawing.style.call;
    let mut document = selected(drawing.line(list, line), query.select.as_deref());
    for expand in &query.expand {
        match expand.name.to_ascii_lowercase().as_str() {
            "fields" => {
                let context = format!(
                    "{}/$metadata#{}/items('{}')/fields/$entity",
                    call.root(),
                    draw::set(drawing.site, list),
                    line.number()
                );
                document.insert("fields@odata.context".to_owned(), json!(context));
                let fields = Drawing::fields(list, line);
                let fields = selected(fields, expand.select.as_deref());
                document.insert("fields".to_owned(), Value::Object(fields));
            }
            "driveitem" => {
                if let Line::Item(drive, item) = line {
                    let item = drawing.style.item(drive, item);
                    let item = selected(item, expand.select.as_deref());
                    document.insert("driveItem".to_owned(), Value::Object(item));
                }
            }
            "versions" => {
                let all = super::version::drawn(drawing, list, line);
                document.insert("versions".to_owned(), json!(all));
            }
            _ => {
                let name = &expand.name;
                return Err(GraphError::expand_not_supported(name)
                    .not_in_the_mock(format!("$expand={name}")));
            }
        }
    }
    Ok(Value::Object(document))
}

/// Leaves what is named, and control information.
pub(super) fn selected(document: Properties, names: Option<&[String]>) -> Properties {
    let Some(names) = names else {
        return document;
    };
    document
        .into_iter()
        .filter(|(member, _)| {
            member.starts_with("@odata.") || names.iter().any(|it| it.eq_ignore_ascii_case(member))
        })
        .collect()
}

/// The row with a number.
pub(super) fn line<'a>(
    drawing: &Drawing<'a>,
    list: &'a List,
    number: u32,
) -> Result<Line<'a>, GraphError> {
    Line::of(drawing.drives, list, number).ok_or_else(files::not_found)
}

/// One row. Source: recordings of NangoHQ/integration-templates; a single row has its fields only
/// where they are expanded.
pub(super) fn one(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    answer(call, target, StatusCode::OK, &call.query)
}

fn answer(
    call: &Call<'_>,
    target: &Target,
    status: StatusCode,
    query: &Query,
) -> Result<Reply, GraphError> {
    let (id, number) = (target.list()?, target.row()?);
    let (document, tag, set) = draw::whole(call, &target.site, |drawing| {
        let list = list_of(drawing, id)?;
        let line = line(drawing, list, number)?;
        let set = format!("{}/items{}", draw::set(&target.site, list), shown(query));
        Ok((drawn(drawing, list, line, query)?, line.e_tag(), set))
    })?;
    if status == StatusCode::OK && call.not_modified(tag.trim_matches('"')) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
    }
    let mut body = Properties::new();
    let context = format!("{}/$metadata#{set}/$entity", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    body.extend(crate::graph::collection::members(document));
    let mut reply = Reply::json(status, Value::Object(body));
    reply.headers.push((header::ETAG, tag));
    Ok(reply)
}

/// The fields of a row.
pub(super) fn fields(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let (id, number) = (target.list()?, target.row()?);
    let (document, tag, set) = draw::whole(call, &target.site, |drawing| {
        let list = list_of(drawing, id)?;
        let line = line(drawing, list, number)?;
        let set = format!("{}/items('{number}')/fields", draw::set(&target.site, list));
        let fields = Drawing::fields(list, line);
        Ok((
            selected(fields, call.query.select.as_deref()),
            line.e_tag(),
            set,
        ))
    })?;
    let mut body = Properties::new();
    let context = format!("{}/$metadata#{set}/$entity", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    body.extend(document);
    let mut reply = Reply::json(StatusCode::OK, Value::Object(body));
    reply.headers.push((header::ETAG, tag));
    Ok(reply)
}

/// Compares `If-Match` with a tag.
pub(super) fn matches(call: &Call<'_>, tag: &str) -> Result<(), GraphError> {
    let wanted = call.header("if-match").trim();
    let wanted = wanted.strip_prefix("W/").unwrap_or(wanted);
    if wanted.is_empty() || wanted == "*" || wanted.trim_matches('"') == tag.trim_matches('"') {
        Ok(())
    } else {
        Err(files::tag_differs())
    }
}

/// Makes a row. Source: learn.microsoft.com/graph/api/listitem-create; recordings of
/// NangoHQ/integration-templates.
pub(super) fn create(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let id = target.list()?;
    let body = call.json()?;
    check_members(call, &body)?;
    let said = fields_of(&body)?;
    let wanted = named_type(&body)?;
    let by = base::identity(call);
    let number = call.tenant.write_drives(|drives| {
        let list = drives.lists.get_mut(id).ok_or_else(refusal::no_list)?;
        if list.drive.is_some() {
            return Err(refusal::library_rows());
        }
        let mut fields = column::values(list, &said)?;
        let content_type = type_of(list, &mut fields, wanted.as_ref())?;
        column::defaults(list, &mut fields);
        unique(list, &fields, None)?;
        fields.retain(|_, value| !value.is_null());
        let row = call.world.random.uuid();
        list.add(row, fields, content_type, by, call.now)
            .map_err(|_| refusal::full())
    })?;
    let made = Target {
        row: Some(number),
        ..target.clone()
    };
    let query = Query {
        expand: vec![Expand {
            name: "fields".to_owned(),
            select: None,
            levels: None,
            inner: Query::default(),
        }],
        ..Query::default()
    };
    let mut reply = answer(call, &made, StatusCode::CREATED, &query)?;
    let location = format!(
        "{}/_api/v2.0/{}/lists('{id}')/items('{number}')",
        target.site.url(),
        target.site.set()
    );
    reply.headers.push((header::LOCATION, location));
    Ok(reply)
}

/// Refuses members that a row does not have: its values are in `fields`.
fn check_members(call: &Call<'_>, body: &Properties) -> Result<(), GraphError> {
    let of = Type::find("listItem");
    let mut names = body.keys().filter(|it| !it.contains('@'));
    let known = |name: &String| of.and_then(|it| it.member(name, call.cloud())).is_some();
    match names.find(|it| !known(it)) {
        Some(name) => Err(GraphError::unknown_property(name, "listItem")),
        None => Ok(()),
    }
}

fn fields_of(body: &Properties) -> Result<Properties, GraphError> {
    match body.get("fields") {
        None | Some(Value::Null) => Ok(Properties::new()),
        Some(Value::Object(fields)) => Ok(fields.clone()),
        Some(_) => Err(refusal::invalid_request()),
    }
}

/// The content type that a body names: its id.
fn named_type(body: &Properties) -> Result<Option<String>, GraphError> {
    match body.get("contentType") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.get("id").and_then(Value::as_str) {
            Some(id) => Ok(Some(id.to_owned())),
            None => Err(refusal::invalid_request()),
        },
    }
}

/// The content type that a body gives a row, by its id or, in the field, by its name.
fn type_of(
    list: &List,
    fields: &mut Fields,
    wanted: Option<&String>,
) -> Result<Option<String>, GraphError> {
    let named = fields.shift_remove("ContentType");
    let named = named.as_ref().and_then(Value::as_str);
    if wanted.is_none() && named.is_none() {
        return Ok(None);
    }
    let all = content_type::of_list(list);
    let found = all.iter().find(|it| match wanted {
        Some(id) => it.id.eq_ignore_ascii_case(id),
        None => Some(content_type::name(it)) == named,
    });
    // A site's own means the list's copy of it.
    let parent = || {
        let id = wanted?;
        all.iter()
            .find(|it| it.members.get("parentId") == Some(&json!(id)))
    };
    let found = found.or_else(parent).ok_or_else(refusal::invalid_request)?;
    Ok(Some(found.id.clone()))
}

/// Checks the columns whose values are unique.
fn unique(list: &List, fields: &Fields, own: Option<u32>) -> Result<(), GraphError> {
    for column in &list.schema.columns {
        if !column::is(column, "enforceUniqueValues") {
            continue;
        }
        let Some(value) = fields.get(&column.name).filter(|it| !it.is_null()) else {
            continue;
        };
        let same = |other: &Value| match (other.as_str(), value.as_str()) {
            (Some(left), Some(right)) => left.to_lowercase() == right.to_lowercase(),
            _ => other == value,
        };
        let mut others = list.rows(0).filter(|it| Some(it.number) != own);
        if others.any(|it| it.fields.get(&column.name).is_some_and(same)) {
            return Err(refusal::duplicate(&column.name));
        }
    }
    Ok(())
}

/// Changes fields of a row; the answer has the fields alone.
pub(super) fn patch_fields(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    write(call, target, &call.json()?, None)?;
    fields(call, target)
}

/// Changes a row: its fields, its content type.
pub(super) fn patch(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let body = call.json()?;
    check_members(call, &body)?;
    write(
        call,
        target,
        &fields_of(&body)?,
        named_type(&body)?.as_ref(),
    )?;
    answer(call, target, StatusCode::OK, &call.query)
}

fn write(
    call: &Call<'_>,
    target: &Target,
    said: &Properties,
    wanted: Option<&String>,
) -> Result<(), GraphError> {
    let (id, number) = (target.list()?, target.row()?);
    let by = base::identity(call);
    call.tenant.write_drives(|drives| {
        let list = drives.lists.get(id).ok_or_else(refusal::no_list)?;
        let mut fields = column::values(list, said)?;
        let content_type = type_of(list, &mut fields, wanted)?;
        let line = Line::of(drives, list, number).ok_or_else(files::not_found)?;
        matches(call, &line.e_tag())?;
        unique(list, &fields, Some(number))?;
        if let Line::Item(_, item) = line {
            let (drive, item) = (list.drive.clone().unwrap_or_default(), item.id);
            return write_item(call, drives, (&drive, item), fields, content_type);
        }
        let list = drives.lists.get_mut(id).ok_or_else(refusal::no_list)?;
        let before = list.row(number).map(|it| it.fields.clone());
        let mut all = before.ok_or_else(files::not_found)?;
        all.extend(fields);
        all.retain(|_, value| !value.is_null());
        list.write(number, all, by, call.now);
        if let Some(content_type) = content_type {
            list.retype(number, content_type);
        }
        Ok(())
    })
}

/// Writes fields of an item of a library; its name is one of them.
fn write_item(
    call: &Call<'_>,
    drives: &mut Drives,
    (drive, item): (&str, Uuid),
    mut fields: Fields,
    content_type: Option<String>,
) -> Result<(), GraphError> {
    let drive = drives.get_mut(drive).ok_or_else(files::not_found)?;
    let own = drive.get(item).ok_or_else(files::not_found)?;
    crate::graph::files::writable(call, own)?;
    if let Some(name) = fields.shift_remove("FileLeafRef") {
        let name = name.as_str().ok_or_else(refusal::invalid_request)?;
        crate::graph::files::check_name(name)?;
        drive
            .relocate(item, None, Some(name), Conflict::Fail)
            .map_err(files::of)?;
    }
    let (by, now) = (base::identity(call), call.now);
    drive.update(item, |own| {
        own.fields.extend(fields);
        own.fields.retain(|_, value| !value.is_null());
        if content_type.is_some() {
            own.content_type = content_type;
        }
        own.version += 1;
        own.modified = now;
        own.modified_by = by;
    });
    Ok(())
}

/// Deletes a row; of a library with what it is.
pub(super) fn delete(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let (id, number) = (target.list()?, target.row()?);
    let by = base::identity(call);
    call.tenant.write_drives(|drives| {
        let list = drives.lists.get(id).ok_or_else(refusal::no_list)?;
        let line = Line::of(drives, list, number).ok_or_else(files::not_found)?;
        matches(call, &line.e_tag())?;
        if let Line::Item(_, item) = line {
            crate::graph::files::writable(call, item)?;
            let (drive, item) = (list.drive.clone().unwrap_or_default(), item.id);
            let drive = drives.get_mut(&drive).ok_or_else(files::not_found)?;
            return drive.delete(item).map_err(files::of);
        }
        let list = drives.lists.get_mut(id).ok_or_else(refusal::no_list)?;
        list.delete(number, by, call.now);
        Ok(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
