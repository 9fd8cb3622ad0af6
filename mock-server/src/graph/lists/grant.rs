//! What is selected: sites, lists and rows into which apps and people are let one by one.
//!
//! `Sites.Selected` and its finer kin open nothing by themselves. Who has a broad permission
//! needs no grant.
//!
//! Sources: learn.microsoft.com/graph/permissions-selected-overview, /graph/api/site-post-permissions;
//! pnp/addin-transformation-guidance (the answer, and the id: the login of the app).

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::action::Action;
use super::base::Target;
use super::draw::{self, Line};
use super::refusal;
use crate::drives::list::Grant;
use crate::drives::{Drive, Drives};
use crate::graph::access::{Actor, Reach};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files::refusal as files;
use crate::graph::generic::route::Step;
use crate::mailbox::Properties;

/// What a grant lets do; each lets do what those before it do.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::graph) enum Role {
    Read,
    Write,
    /// Manages lists and columns.
    Owner,
    FullControl,
}

impl Role {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "read" => Self::Read,
            "write" => Self::Write,
            // Source: pnp/addin-transformation-guidance (`manage`).
            "owner" | "manage" => Self::Owner,
            "fullcontrol" => Self::FullControl,
            _ => return None,
        })
    }

    /// What an action needs.
    pub(super) fn of(action: Action) -> Self {
        use Action as A;

        match action {
            A::Column
            | A::Columns
            | A::Delta
            | A::Fields
            | A::List
            | A::Lists
            | A::Operations
            | A::Row
            | A::Rows
            | A::Type
            | A::Types
            | A::Version
            | A::Versions => Self::Read,
            A::CreateRow | A::DeleteRow | A::PatchFields | A::PatchRow | A::RestoreVersion => {
                Self::Write
            }
            A::AddCopy
            | A::CreateColumn
            | A::CreateList
            | A::CreateType
            | A::DeleteColumn
            | A::DeleteList
            | A::DeleteType
            | A::PatchColumn
            | A::PatchList
            | A::PatchType => Self::Owner,
            A::Grant | A::Grants | A::LetIn | A::PatchGrant | A::ShutOut => Self::FullControl,
        }
    }
}

/// What is selected, as grants name it.
fn address(target: &Target) -> String {
    match (target.list, target.row) {
        (Some(list), Some(row)) => format!("row {list} {row}"),
        (Some(list), None) => format!("list {list}"),
        (None, _) => format!("site {}", target.site.id),
    }
}

/// Refuses what is not selected, where nothing but a selecting permission opened the path.
pub(super) fn check(call: &Call<'_>, target: &Target, action: Action) -> Result<(), GraphError> {
    let mut path = vec![format!("site {}", target.site.id)];
    if let Some(list) = target.list {
        path.push(format!("list {list}"));
        if let Some(row) = target.row {
            path.push(format!("row {list} {row}"));
            path.extend(call.tenant.read_drives(|it| folders(it, list, row)));
        }
    }
    let needed = Role::of(action);
    let open = call
        .tenant
        .read_drives(|it| admits(call, it, &path, needed));
    if open { Ok(()) } else { Err(files::denied()) }
}

/// The same, of an item of a drive.
pub(in crate::graph) fn check_item(
    call: &Call<'_>,
    drive: &Drive,
    drives: &Drives,
    item: Option<Uuid>,
    needed: Role,
) -> bool {
    let list = drive.place.list;
    let mut path = vec![
        format!("site {}", super::base::site_id(&drive.place)),
        format!("list {list}"),
    ];
    if let Some(item) = item.and_then(|it| drive.get(it)).filter(|it| !it.is_root()) {
        path.push(format!("row {list} {}", item.row));
        path.extend(folders(drives, list, item.row));
    }
    admits(call, drives, &path, needed)
}

/// The same, of a site itself.
pub(in crate::graph) fn check_site(call: &Call<'_>, site: &str) -> Result<(), GraphError> {
    let path = [format!("site {site}")];
    let open = call
        .tenant
        .read_drives(|it| admits(call, it, &path, Role::Read));
    if open { Ok(()) } else { Err(files::denied()) }
}

fn folders(drives: &Drives, list: Uuid, row: u32) -> Vec<String> {
    let found = drives.lists.get(list).and_then(|it| {
        let drive = drives.get(it.drive.as_ref()?)?;
        let Some(Line::Item(_, item)) = Line::of(drives, it, row) else {
            return None;
        };
        let above = drive.above(item.id).into_iter().filter(|it| !it.is_root());
        Some(above.map(|it| format!("row {list} {}", it.row)).collect())
    });
    found.unwrap_or_default()
}

fn admits(call: &Call<'_>, drives: &Drives, path: &[String], needed: Role) -> bool {
    if call.reach != Reach::Selected {
        return true;
    }
    let holds = |name: &str| call.actor.holds(name);
    let opened = |at: &&String| match at.split(' ').next() {
        Some("site") => holds("Sites.Selected"),
        Some("list") => holds("Lists.SelectedOperations.Selected"),
        _ => {
            holds("ListItems.SelectedOperations.Selected")
                || holds("Files.SelectedOperations.Selected")
        }
    };
    let fits = |grant: &&Grant| {
        let app = grant.app == Some(call.client);
        let user = grant.user.is_some() && grant.user == call.actor.user();
        (app || user)
            && grant
                .roles
                .iter()
                .filter_map(|it| Role::parse(it))
                .any(|it| it >= needed)
    };
    path.iter()
        .filter(opened)
        .any(|at| drives.lists.grants(at).iter().any(|it| fits(&it)))
}

/// Whether a token holds a permission that selects. Source: learn.microsoft.com/graph/permissions-selected-overview.
pub(in crate::graph) fn selects(actor: &Actor) -> bool {
    SELECTING.iter().any(|it| actor.holds(it))
}

/// The grants of a site, a list or a row. In lists they have no roles.
/// Source: pnp/powershell, `Get-PnPAzureADAppSitePermission` (it reads each one for its roles).
pub(super) fn list(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let all = call.tenant.read_drives(|it| {
        let all = it.lists.grants(&address(target)).iter();
        all.cloned().collect::<Vec<Grant>>()
    });
    let documents = all.iter().map(|it| {
        let mut document = drawn(call, it);
        if target.list.is_none() {
            document.shift_remove("roles");
        }
        document
    });
    draw::listed(call, &set(target), documents.collect())
}

/// One grant.
pub(super) fn one(call: &Call<'_>, target: &Target, steps: &[Step]) -> Result<Reply, GraphError> {
    let grant = found(call, target, steps)?;
    Ok(draw::reply(
        call,
        StatusCode::OK,
        &set(target),
        drawn(call, &grant),
    ))
}

fn found(call: &Call<'_>, target: &Target, steps: &[Step]) -> Result<Grant, GraphError> {
    let key = super::key(steps, "permissions")?;
    let found = call.tenant.read_drives(|it| {
        let mut all = it.lists.grants(&address(target)).iter();
        all.find(|it| it.id == key).cloned()
    });
    found.ok_or_else(files::not_found)
}

/// Lets an app or a person in.
pub(super) fn add(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let body = call.json()?;
    let roles = roles(&body)?;
    let many = ["grantedToIdentitiesV2", "grantedToIdentities"];
    let many = many
        .iter()
        .find_map(|it| body.get(*it)?.as_array()?.first());
    let single = ["grantedToV2", "grantedTo"];
    let single = || single.iter().find_map(|it| body.get(*it));
    let to = many.or_else(single).ok_or_else(refusal::invalid_request)?;
    let mut grant = Grant {
        id: String::new(),
        roles,
        app: None,
        app_name: None,
        user: None,
    };
    let id = |of: &Value| of.get("id").and_then(Value::as_str).map(str::to_owned);
    if let Some(app) = to.get("application") {
        let app_id = id(app).and_then(|it| it.parse().ok());
        let app_id: crate::directory::ApplicationId =
            app_id.ok_or_else(refusal::invalid_request)?;
        grant.app = Some(app_id);
        let name = app.get("displayName").and_then(Value::as_str);
        grant.app_name = name.map(str::to_owned);
        let login = format!("i:0i.t|ms.sp.ext|{app_id}@{}", call.tenant.id.0);
        grant.id = STANDARD_NO_PAD.encode(login);
    } else if let Some(user) = to.get("user") {
        let key = id(user).ok_or_else(refusal::invalid_request)?;
        let user = call.tenant.read(|it| {
            let user = it.user_by_id_or_name(&key)?;
            Some((user.id, user.user_principal_name.to_string()))
        });
        let (user, name) = user.ok_or_else(files::nobody)?;
        grant.user = Some(user);
        grant.id = STANDARD_NO_PAD.encode(format!("i:0#.f|membership|{name}"));
    } else {
        return Err(refusal::invalid_request());
    }
    let document = drawn(call, &grant);
    call.tenant.write_drives(|it| {
        let added = it.lists.let_in(&address(target), grant);
        added.map_err(|_| refusal::full())
    })?;
    Ok(draw::reply(
        call,
        StatusCode::CREATED,
        &set(target),
        document,
    ))
}

fn roles(body: &Properties) -> Result<Vec<String>, GraphError> {
    let all = body.get("roles").and_then(Value::as_array);
    let all = all.filter(|it| !it.is_empty());
    let all = all.ok_or_else(refusal::invalid_request)?;
    let known = |it: &Value| {
        let text = it.as_str()?;
        Role::parse(text).map(|_| text.to_owned())
    };
    let all: Option<Vec<String>> = all.iter().map(known).collect();
    all.ok_or_else(refusal::invalid_request)
}

/// Changes what a grant lets do.
pub(super) fn change(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let mut grant = found(call, target, steps)?;
    grant.roles = roles(&call.json()?)?;
    call.tenant.write_drives(|it| {
        let changed = it.lists.let_in(&address(target), grant);
        changed.map_err(|_| refusal::full())
    })?;
    one(call, target, steps)
}

/// Takes a grant away.
pub(super) fn remove(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let key = super::key(steps, "permissions")?;
    let gone = call
        .tenant
        .write_drives(|it| it.lists.shut_out(&address(target), key));
    if gone {
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(files::not_found())
    }
}

fn drawn(call: &Call<'_>, grant: &Grant) -> Properties {
    let to = if let Some(app) = grant.app {
        let name = grant.app_name.clone();
        let name = name.unwrap_or_else(|| crate::graph::files::draw::app_name(call, app));
        json!({"application": {"displayName": name, "id": app.to_string()}})
    } else {
        let user = grant.user.and_then(|id| {
            call.tenant.read(|it| {
                let user = it.user(id)?;
                Some(json!({
                    "displayName": user.display_name, "id": user.id.to_string(),
                    "email": user.user_principal_name.to_string(),
                }))
            })
        });
        json!({"user": user})
    };
    let value = json!({
        "id": grant.id,
        "roles": grant.roles,
        "grantedToIdentitiesV2": [to],
        "grantedToIdentities": [to],
    });
    crate::graph::collection::members(value)
}

fn set(target: &Target) -> String {
    let mut set = target.site.set();
    if let Some(list) = target.list {
        set.push_str(&format!("/lists('{list}')"));
    }
    if let Some(row) = target.row {
        set.push_str(&format!("/items('{row}')"));
    }
    format!("{set}/permissions")
}

const SELECTING: [&str; 4] = [
    "Sites.Selected",
    "Lists.SelectedOperations.Selected",
    "ListItems.SelectedOperations.Selected",
    "Files.SelectedOperations.Selected",
];
