//! Lists: read, made, changed, deleted.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::base::{Site, Target};
use super::draw::{self, Drawing};
use super::{column, content_type, refusal, row};
use crate::drives::list::List;
use crate::drives::{Drive, Owner, Place};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files::{base, refusal as files};
use crate::graph::schema;
use crate::mailbox::Properties;

/// The lists of a site. What people do not see is listed where `$select` names `system`.
/// Source: learn.microsoft.com/graph/api/list-list.
pub(super) fn lists(call: &Call<'_>, site: &Site) -> Result<Reply, GraphError> {
    let system = call
        .query
        .select
        .as_ref()
        .is_some_and(|it| it.iter().any(|it| it.eq_ignore_ascii_case("system")));
    let documents = draw::whole(call, site, |drawing| {
        let lists = drawing.drives.lists.of(&site.id);
        let shown = lists.filter(|it| system || !it.hidden);
        shown.map(|it| expanded(drawing, it)).collect()
    })?;
    draw::listed(call, &format!("{}/lists", site.set()), documents)
}

/// One list.
pub(super) fn one(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let id = target.list()?;
    let document = draw::whole(call, &target.site, |drawing| {
        expanded(drawing, list_of(drawing, id)?)
    })?;
    let set = format!("{}/lists", target.site.set());
    Ok(draw::reply(call, StatusCode::OK, &set, document))
}

/// The list with an id.
pub(super) fn list_of<'a>(drawing: &Drawing<'a>, id: Uuid) -> Result<&'a List, GraphError> {
    drawing.drives.lists.get(id).ok_or_else(refusal::no_list)
}

fn expanded(drawing: &Drawing<'_>, list: &List) -> Result<Properties, GraphError> {
    let mut document = drawing.list(list);
    for expand in &drawing.style.call.query.expand {
        let name = expand.name.as_str();
        let value = match name {
            "columns" => json!(column::all(list).map(column::drawn).collect::<Vec<_>>()),
            "contentTypes" => {
                let all = content_type::of_list(list);
                json!(all.iter().map(content_type::drawn).collect::<Vec<_>>())
            }
            "drive" => match list.drive.as_ref().and_then(|it| drawing.drives.get(it)) {
                Some(drive) => Value::Object(drawing.style.drive(drive)),
                None => continue,
            },
            "items" => json!(row::first(drawing, list, &expand.inner)?),
            _ => {
                return Err(GraphError::expand_not_supported(name)
                    .not_in_the_mock(format!("$expand={name}")));
            }
        };
        document.insert(name.to_owned(), value);
    }
    Ok(document)
}

/// Makes a list, or a library with its drive. Source: learn.microsoft.com/graph/api/list-create.
pub(super) fn create(call: &Call<'_>, site: &Site) -> Result<Reply, GraphError> {
    let mut body = call.json()?;
    let columns = match body.shift_remove("columns") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) => all,
        Some(_) => return Err(refusal::invalid_request()),
    };
    let said = schema::object(call.cloud(), call.endpoint.workload, "list", body)?;
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    let title = text("displayName").or_else(|| text("name")).unwrap_or("");
    // Unverified: the text.
    let title = Some(title.trim()).filter(|it| !it.is_empty() && it.chars().count() <= 255);
    let title = title.ok_or_else(|| files::invalid("The displayName of the list is required."))?;
    let info = said.get("list");
    let detail = |name: &str| info.and_then(|it| it.get(name));
    let template = detail("template")
        .and_then(Value::as_str)
        .unwrap_or("genericList");
    let template = TEMPLATES
        .iter()
        .find(|it| it.eq_ignore_ascii_case(template));
    let template = template.ok_or_else(refusal::invalid_request)?;
    let by = base::identity(call);
    let mut list = List::new(call.world.random.uuid(), &site.id, title, by, call.now);
    list.name = name_of(title);
    (*template).clone_into(&mut list.template);
    text("description")
        .unwrap_or_default()
        .clone_into(&mut list.description);
    list.hidden = detail("hidden") == Some(&json!(true));
    list.with_types = detail("contentTypesEnabled") == Some(&json!(true));
    let mut drive = None;
    if list.template == "documentLibrary" {
        let made = library(call, site, &list)?;
        list.drive = Some(made.id.clone());
        drive = Some(made);
    }
    for members in columns {
        let Value::Object(members) = members else {
            return Err(refusal::invalid_request());
        };
        let column = column::new(call, members)?;
        if column::named(&list, &column.name).is_some() {
            return Err(refusal::column_exists(&column.name));
        }
        list.schema.columns.push(column);
    }
    let id = list.id;
    call.tenant.write_drives(|drives| {
        let taken = drives
            .lists
            .of(&site.id)
            .any(|it| same(&it.title, &list.title) || same(&it.name, &list.name));
        if taken {
            return Err(refusal::list_exists());
        }
        drives.lists.add(list).map_err(|_| refusal::full())?;
        if let Some(drive) = drive {
            drives.add(drive);
        }
        Ok::<(), GraphError>(())
    })?;
    let mut document = draw::whole(
        call,
        site,
        |drawing| Ok(drawing.list(list_of(drawing, id)?)),
    )?;
    // A new list has its tag without quotes. Source: recordings of NangoHQ/integration-templates.
    document.insert("eTag".to_owned(), json!(format!("{id},0")));
    document.shift_remove("@odata.etag");
    let set = format!("{}/lists", site.set());
    let mut reply = draw::reply(call, StatusCode::CREATED, &set, document);
    let location = format!("{}/_api/v2.0/{set}('{id}')", site.url());
    reply.headers.push((header::LOCATION, location));
    Ok(reply)
}

fn library(call: &Call<'_>, site: &Site, list: &List) -> Result<Drive, GraphError> {
    let owner: Option<Owner> = call.tenant.read_drives(|drives| {
        let mut all = drives.all();
        let first = all.find(|it| it.place.list == site.place.list)?;
        Some(first.owner.clone())
    });
    let owner = owner.ok_or_else(files::not_found)?;
    let place = Place {
        library: list.name.clone(),
        list: list.id,
        ..site.place.clone()
    };
    let mut drive = Drive::new(owner, place, &list.title, call.now);
    drive.additional = true;
    Ok(drive)
}

/// The name in addresses: the title without what an address does not take.
fn name_of(title: &str) -> String {
    let forbidden = "\"*:<>?/\\|#%&{}~+.";
    let kept = title.chars().filter(|it| !forbidden.contains(*it));
    let name: String = kept.collect();
    if name.trim().is_empty() {
        "List".to_owned()
    } else {
        name.trim().to_owned()
    }
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

/// Changes what a list says about itself; the name in addresses stays.
pub(super) fn patch(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let id = target.list()?;
    let said = schema::object(call.cloud(), call.endpoint.workload, "list", call.json()?)?;
    let by = base::identity(call);
    call.tenant.write_drives(|drives| {
        if let Some(title) = said.get("displayName").and_then(Value::as_str) {
            let mut others = drives.lists.of(&target.site.id).filter(|it| it.id != id);
            if others.any(|it| same(&it.title, title)) {
                return Err(refusal::list_exists());
            }
        }
        let list = drives.lists.get_mut(id).ok_or_else(refusal::no_list)?;
        row::matches(call, &list.e_tag())?;
        if let Some(title) = said.get("displayName").and_then(Value::as_str) {
            title.clone_into(&mut list.title);
        }
        if let Some(text) = said.get("description") {
            text.as_str()
                .unwrap_or_default()
                .clone_into(&mut list.description);
        }
        let info = said.get("list");
        let flag = |name: &str| info.and_then(|it| it.get(name)).and_then(Value::as_bool);
        list.hidden = flag("hidden").unwrap_or(list.hidden);
        list.with_types = flag("contentTypesEnabled").unwrap_or(list.with_types);
        list.version += 1;
        list.modified = call.now;
        list.modified_by = by;
        Ok::<(), GraphError>(())
    })?;
    one(call, target)
}

/// Deletes a list, and a library with its drive.
pub(super) fn delete(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let id = target.list()?;
    if id == target.site.place.list {
        // Unverified: a site here keeps its first library.
        return Err(files::denied());
    }
    call.tenant.write_drives(|drives| {
        let list = drives.lists.get(id).ok_or_else(refusal::no_list)?;
        row::matches(call, &list.e_tag())?;
        let gone = drives.lists.remove(id);
        if let Some(drive) = gone.and_then(|it| it.drive) {
            drives.remove(&drive);
        }
        Ok::<(), GraphError>(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// What is under way: nothing, for all is done at once.
pub(super) fn operations(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let set = match target.list {
        Some(id) => format!("{}/lists('{id}')/operations", target.site.set()),
        None => format!("{}/operations", target.site.set()),
    };
    draw::listed(call, &set, Vec::new())
}

/// The templates that a new list may have.
/// Source: learn.microsoft.com/graph/api/resources/listinfo.
const TEMPLATES: [&str; 11] = [
    "genericList",
    "documentLibrary",
    "survey",
    "links",
    "announcements",
    "contacts",
    "events",
    "tasks",
    "discussionBoard",
    "pictureLibrary",
    "issueTracking",
];
