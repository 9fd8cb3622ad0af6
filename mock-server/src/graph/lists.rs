//! Lists: what sites have beside drives, and who was let into what is selected.
//!
//! The generic level walks the path, guards it, and finds the site; here is what lists do. Sources,
//! where a function names no other: learn.microsoft.com/graph/api/resources/list, /resources/listitem
//! and the pages of their methods; recordings of NangoHQ/integration-templates and pnp/pnpcore.

mod access;
mod action;
mod base;
mod column;
mod content_type;
mod delta;
mod draw;
mod filter;
mod grant;
mod list;
mod refusal;
mod row;
mod schema;
mod version;

use super::call::{Call, Reply};
use super::error::GraphError;
use super::files;
use super::generic::route::{Key, Step, Suffix};

pub(super) use self::action::Action;
pub(super) use self::base::{Start, drive, item, library};
pub(super) use self::draw::{listed, personal};
pub(super) use self::grant::{Role, check_item, check_site, selects};

/// Where in a path what is asked of a site begins: behind the site, the drive, or the item of a
/// drive. None where the path leads elsewhere, or on into a drive.
pub(super) fn begin(steps: &[Step]) -> Option<usize> {
    let named = |it: &Step| it.of.map_or("", |of| of.name());
    let mut found = None;
    for (at, step) in steps.iter().enumerate().skip(1) {
        let before = steps[at - 1].actual().map_or("", |it| it.name());
        let below = matches!(
            (before, step.name),
            (
                "site",
                "lists" | "columns" | "contentTypes" | "permissions" | "operations"
            ) | ("drive" | "sharedDriveItem", "list")
                | ("driveItem" | "sharedDriveItem", "listItem")
        );
        if below {
            found = Some(at);
        } else if found.is_some() && matches!(named(step), "drive" | "driveItem") {
            found = None;
        }
    }
    found
}

/// What a path with its method asks, where the mock does it.
pub(super) fn action(steps: &[Step], suffix: Suffix, method: &str) -> Option<Action> {
    action::of(steps, suffix, method)
}

/// Does what is asked of a site. `steps`: those behind the site, the drive or the item.
pub(super) fn answer(
    call: &Call<'_>,
    start: Start,
    steps: &[Step],
    action: Action,
) -> Result<Reply, GraphError> {
    use Action as A;

    let target = base::Target::find(call, start, steps)?;
    access::check(call, &target)?;
    grant::check(call, &target, action)?;
    match action {
        A::AddCopy => schema::add_copy(call, &target),
        A::Column => schema::one_column(call, &target, steps),
        A::Columns => schema::columns(call, &target, steps),
        A::CreateColumn => schema::create_column(call, &target, steps),
        A::CreateList => list::create(call, &target.site),
        A::CreateRow => row::create(call, &target),
        A::CreateType => schema::create_type(call, &target),
        A::DeleteColumn => schema::delete_column(call, &target, steps),
        A::DeleteList => list::delete(call, &target),
        A::DeleteRow => row::delete(call, &target),
        A::DeleteType => schema::delete_type(call, &target, steps),
        A::Delta => delta::answer(call, &target, steps),
        A::Fields => row::fields(call, &target),
        A::Grant => grant::one(call, &target, steps),
        A::Grants => grant::list(call, &target),
        A::LetIn => grant::add(call, &target),
        A::List => list::one(call, &target),
        A::Lists => list::lists(call, &target.site),
        A::Operations => list::operations(call, &target),
        A::PatchColumn => schema::patch_column(call, &target, steps),
        A::PatchFields => row::patch_fields(call, &target),
        A::PatchGrant => grant::change(call, &target, steps),
        A::PatchList => list::patch(call, &target),
        A::PatchRow => row::patch(call, &target),
        A::PatchType => schema::patch_type(call, &target, steps),
        A::RestoreVersion => version::restore(call, &target, steps),
        A::Row => row::one(call, &target),
        A::Rows => row::all(call, &target),
        A::ShutOut => grant::remove(call, &target, steps),
        A::Type => schema::one_type(call, &target, steps),
        A::Types => schema::types(call, &target),
        A::Version => version::one(call, &target, steps),
        A::Versions => version::list(call, &target),
    }
}

/// The key of a step.
fn key<'s>(steps: &'s [Step], name: &str) -> Result<&'s str, GraphError> {
    let step = steps.iter().rev().find(|it| it.name == name);
    match step.and_then(|it| it.key.as_ref()) {
        Some(Key::Id(id)) => Ok(id),
        _ => Err(files::refusal::not_found()),
    }
}

#[cfg(test)]
mod tests;
