//! The columns and content types of sites, lists and content types.
//!
//! Sources: learn.microsoft.com/graph/api/list-post-columns, /site-post-columns,
//! /columndefinition-update, /columndefinition-delete, /list-post-contenttypes,
//! /contenttype-addcopy, /contenttype-post-columns.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::base::Target;
use super::draw;
use super::{column, content_type, refusal};
use crate::drives::Drives;
use crate::drives::list::{Column, ContentType};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files::{base, refusal as files};
use crate::graph::generic::route::Step;
use crate::mailbox::Properties;

/// Whose columns: the list's, the site's, or a content type's.
fn set(target: &Target, of: Option<&str>) -> String {
    let mut set = target.site.set();
    if let Some(list) = target.list {
        set.push_str(&format!("/lists('{list}')"));
    }
    if let Some(of) = of {
        set.push_str(&format!("/contentTypes('{of}')"));
    }
    set
}

/// The content type in whose columns a path leads.
fn holder(steps: &[Step]) -> Option<&str> {
    let at = steps.iter().position(|it| it.name == "contentTypes")?;
    steps[at + 1..].iter().find(|it| it.name == "columns")?;
    super::key(steps, "contentTypes").ok()
}

fn read(drives: &Drives, target: &Target, of: Option<&str>) -> Result<Vec<Column>, GraphError> {
    if let Some(of) = of {
        let all = types_of(drives, target)?;
        let own = all.into_iter().find(|it| it.id.eq_ignore_ascii_case(of));
        let own = own.ok_or_else(files::not_found)?;
        let mut found: Vec<Column> = column::of_sites()
            .filter(|it| matches!(it.name.as_str(), "ContentType" | "Title"))
            .cloned()
            .collect();
        found.extend(own.columns);
        return Ok(found);
    }
    if let Some(list) = target.list {
        let list = drives.lists.get(list).ok_or_else(refusal::no_list)?;
        return Ok(column::all(list).cloned().collect());
    }
    let added = drives.lists.schema(&target.site.id);
    let added = added.map_or(&[][..], |it| &it.columns);
    Ok(column::of_sites()
        .cloned()
        .chain(added.iter().cloned())
        .collect())
}

fn named(all: &[Column], key: &str) -> Option<usize> {
    let id: Option<Uuid> = key.parse().ok();
    all.iter()
        .position(|it| Some(it.id) == id || it.name.eq_ignore_ascii_case(key))
}

/// The columns.
pub(super) fn columns(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let of = holder(steps);
    let all = call.tenant.read_drives(|it| read(it, target, of))?;
    let documents = all.iter().map(column::drawn).collect();
    draw::listed(call, &format!("{}/columns", set(target, of)), documents)
}

/// One column, by its id or its name.
pub(super) fn one_column(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let of = holder(steps);
    let key = super::key(steps, "columns")?;
    let all = call.tenant.read_drives(|it| read(it, target, of))?;
    let at = named(&all, key).ok_or_else(files::not_found)?;
    let set = format!("{}/columns", set(target, of));
    Ok(draw::reply(
        call,
        StatusCode::OK,
        &set,
        column::drawn(&all[at]),
    ))
}

/// The columns that people added, to change them.
fn own<'a>(
    drives: &'a mut Drives,
    target: &Target,
    of: Option<&str>,
) -> Result<&'a mut Vec<Column>, GraphError> {
    let schema = match target.list {
        Some(list) => {
            let list = drives.lists.get_mut(list).ok_or_else(refusal::no_list)?;
            &mut list.schema
        }
        None => drives.lists.schema_mut(&target.site.id),
    };
    match of {
        None => Ok(&mut schema.columns),
        Some(of) => {
            let mut all = schema.types.iter_mut();
            let own = all.find(|it| it.id.eq_ignore_ascii_case(of));
            // Unverified: what the service says of its own content types.
            own.map(|it| &mut it.columns).ok_or_else(files::denied)
        }
    }
}

/// Adds a column.
pub(super) fn create_column(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let of = holder(steps);
    let mut body = call.json()?;
    let bound = body
        .shift_remove("sourceColumn@odata.bind")
        .and_then(|it| it.as_str().map(str::to_owned));
    let column = match bound {
        // A column of the site, for a content type or a list.
        Some(link) => {
            let key = link.rsplit('/').next().unwrap_or_default().to_owned();
            let site = Target {
                list: None,
                row: None,
                ..target.clone()
            };
            let all = call.tenant.read_drives(|it| read(it, &site, None))?;
            let at = named(&all, &key).ok_or_else(files::not_found)?;
            all[at].clone()
        }
        None => column::new(call, body)?,
    };
    call.tenant.write_drives(|drives| {
        let all = read(drives, target, of)?;
        if all
            .iter()
            .any(|it| it.name.eq_ignore_ascii_case(&column.name))
        {
            return Err(refusal::column_exists(&column.name));
        }
        if all.len() >= MOST_COLUMNS {
            return Err(refusal::full());
        }
        own(drives, target, of)?.push(column.clone());
        changed(call, drives, target);
        Ok::<(), GraphError>(())
    })?;
    let set = format!("{}/columns", set(target, of));
    let mut reply = draw::reply(call, StatusCode::CREATED, &set, column::drawn(&column));
    let location = format!("{}/_api/v2.0/{set}('{}')", target.site.url(), column.id);
    reply.headers.push((header::LOCATION, location));
    Ok(reply)
}

/// The list is another one after a change of its columns.
fn changed(call: &Call<'_>, drives: &mut Drives, target: &Target) {
    if let Some(list) = target.list.and_then(|it| drives.lists.get_mut(it)) {
        list.version += 1;
        list.modified = call.now;
        list.modified_by = base::identity(call);
    }
}

/// Changes a column.
pub(super) fn patch_column(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let of = holder(steps);
    let key = super::key(steps, "columns")?;
    let body = call.json()?;
    call.tenant.write_drives(|drives| {
        let all = read(drives, target, of)?;
        let at = named(&all, key).ok_or_else(files::not_found)?;
        let (id, mut column) = (all[at].id, all[at].clone());
        column::change(call, &mut column, body)?;
        let own = own(drives, target, of)?;
        let mine = own.iter_mut().find(|it| it.id == id);
        // Columns that each list has keep as they are. Unverified.
        *mine.ok_or_else(files::denied)? = column;
        changed(call, drives, target);
        Ok::<(), GraphError>(())
    })?;
    one_column(call, target, steps)
}

/// Takes a column away with its values.
pub(super) fn delete_column(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let of = holder(steps);
    let key = super::key(steps, "columns")?;
    call.tenant.write_drives(|drives| {
        let all = read(drives, target, of)?;
        let at = named(&all, key).ok_or_else(files::not_found)?;
        let (id, name) = (all[at].id, all[at].name.clone());
        let own = own(drives, target, of)?;
        let before = own.len();
        own.retain(|it| it.id != id);
        if own.len() == before {
            // Unverified: what the service says of columns that each list has.
            return Err(files::denied());
        }
        if let Some(list) = target.list.filter(|_| of.is_none())
            && let Some(list) = drives.lists.get_mut(list)
        {
            list.forget_column(&name);
        }
        changed(call, drives, target);
        Ok::<(), GraphError>(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn types_of(drives: &Drives, target: &Target) -> Result<Vec<ContentType>, GraphError> {
    if let Some(list) = target.list {
        let list = drives.lists.get(list).ok_or_else(refusal::no_list)?;
        return Ok(content_type::of_list(list));
    }
    let added = drives.lists.schema(&target.site.id);
    let added = added.map_or(&[][..], |it| &it.types);
    let given = content_type::of_sites().cloned();
    Ok(given.chain(added.iter().cloned()).collect())
}

/// The content types.
pub(super) fn types(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let all = call.tenant.read_drives(|it| types_of(it, target))?;
    let documents = all.iter().map(content_type::drawn).collect();
    draw::listed(
        call,
        &format!("{}/contentTypes", set(target, None)),
        documents,
    )
}

/// One content type.
pub(super) fn one_type(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let key = super::key(steps, "contentTypes")?;
    let all = call.tenant.read_drives(|it| types_of(it, target))?;
    let own = all.into_iter().find(|it| it.id.eq_ignore_ascii_case(key));
    let own = own.ok_or_else(files::not_found)?;
    let set = format!("{}/contentTypes", set(target, None));
    Ok(draw::reply(
        call,
        StatusCode::OK,
        &set,
        content_type::drawn(&own),
    ))
}

/// Makes a content type from another one.
pub(super) fn create_type(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let all = call.tenant.read_drives(|it| types_of(it, target))?;
    let new = content_type::new(call, call.json()?, &all)?;
    add_type(call, target, new)
}

/// Takes a copy of a content type of the site into a list.
pub(super) fn add_copy(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let list = target.list()?;
    let body = call.json()?;
    let said = body.get("contentType");
    let key = match said {
        Some(Value::String(link)) => link.rsplit('/').next().map(str::to_owned),
        Some(value) => value.get("id").and_then(Value::as_str).map(str::to_owned),
        None => None,
    };
    let key = key.ok_or_else(refusal::invalid_request)?;
    let site = Target {
        list: None,
        row: None,
        ..target.clone()
    };
    let copy = call.tenant.read_drives(|drives| {
        let all = types_of(drives, &site)?;
        let of = all.iter().find(|it| it.id.eq_ignore_ascii_case(&key));
        let of = of.ok_or_else(files::not_found)?;
        let list = drives.lists.get(list).ok_or_else(refusal::no_list)?;
        let copy = content_type::copy(list, of);
        if content_type::of_list(list)
            .iter()
            .any(|it| it.id == copy.id)
        {
            return Err(files::name_taken());
        }
        Ok(copy)
    })?;
    add_type(call, target, copy)
}

fn add_type(call: &Call<'_>, target: &Target, new: ContentType) -> Result<Reply, GraphError> {
    let document = content_type::drawn(&new);
    let id = new.id.clone();
    call.tenant.write_drives(|drives| {
        let types = match target.list {
            Some(list) => {
                let list = drives.lists.get_mut(list).ok_or_else(refusal::no_list)?;
                &mut list.schema.types
            }
            None => &mut drives.lists.schema_mut(&target.site.id).types,
        };
        if types.len() >= MOST_TYPES {
            return Err(refusal::full());
        }
        types.push(new);
        Ok(())
    })?;
    let set = format!("{}/contentTypes", set(target, None));
    let mut reply = draw::reply(call, StatusCode::CREATED, &set, document);
    let location = format!("{}/_api/v2.0/{set}('{id}')", target.site.url());
    reply.headers.push((header::LOCATION, location));
    Ok(reply)
}

/// Changes a content type.
pub(super) fn patch_type(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let said = content_type::checked(call, call.json()?)?;
    with_own_type(call, target, steps, |types, at| {
        let name = |it: &Properties| it.get("name").cloned().unwrap_or(json!(""));
        let kept = name(&types[at].members);
        types[at].members.extend(
            said.into_iter()
                .filter(|(member, _)| !matches!(member.as_str(), "id" | "isBuiltIn" | "parentId")),
        );
        if name(&types[at].members).as_str().is_none_or(str::is_empty) {
            types[at].members.insert("name".to_owned(), kept);
        }
    })?;
    one_type(call, target, steps)
}

/// Takes a content type away.
pub(super) fn delete_type(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    with_own_type(call, target, steps, |types, at| {
        types.remove(at);
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn with_own_type(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
    work: impl FnOnce(&mut Vec<ContentType>, usize),
) -> Result<(), GraphError> {
    let key = super::key(steps, "contentTypes")?;
    call.tenant.write_drives(|drives| {
        let all = types_of(drives, target)?;
        if !all.iter().any(|it| it.id.eq_ignore_ascii_case(key)) {
            return Err(files::not_found());
        }
        let types = match target.list {
            Some(list) => {
                let list = drives.lists.get_mut(list).ok_or_else(refusal::no_list)?;
                &mut list.schema.types
            }
            None => &mut drives.lists.schema_mut(&target.site.id).types,
        };
        let at = types.iter().position(|it| it.id.eq_ignore_ascii_case(key));
        // Unverified: what the service says of its own content types.
        work(types, at.ok_or_else(files::denied)?);
        Ok(())
    })
}

/// The columns of a list. Source: learn.microsoft.com/sharepoint/install/software-boundaries-limits-2019.
const MOST_COLUMNS: usize = 600;

/// The content types that people add to a site or a list.
const MOST_TYPES: usize = 500;
