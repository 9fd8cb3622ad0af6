//! Files: `OneDrive` and document libraries.
//!
//! The generic level walks the path, guards it, and finds whose drive is meant; here is what the
//! drive does. Sources, where a function names no other: learn.microsoft.com/graph/api/resources/driveitem
//! and the pages of its methods; OneDrive/onedrive-api-docs; recordings of
//! NangoHQ/integration-templates and pnp/pnpcore.

pub(super) mod access;
mod action;
pub(super) mod base;
mod copy;
pub(super) mod delta;
pub(super) mod draw;
pub(super) mod find;
pub(crate) mod host;
pub(super) mod list;
mod name;
pub(super) mod refusal;
mod session;
mod share;
mod sharing;
mod thumbnail;
pub(super) mod ticket;
mod version;
mod write;

use super::call::{Call, Reply};
use super::error::GraphError;
use super::generic::route::{Step, Suffix};

pub(super) use self::action::Action;
pub(super) use self::base::Base;

/// Where the steps of a drive begin in a path, if it leads into one.
pub(super) fn begin(steps: &[Step]) -> Option<usize> {
    let root = steps.first()?.name;
    match root {
        "drive" | "drives" | "shares" => Some(0),
        "me" | "users" | "groups" | "sites" => steps
            .iter()
            .position(|it| matches!(it.name, "drive" | "drives" | "driveItem") && it.is_drive()),
        _ => None,
    }
}

/// Does what is asked of a drive. `steps`: those from the drive on.
pub(super) fn answer(
    call: &Call<'_>,
    base: &Base,
    steps: &[Step],
    action: Action,
) -> Result<Reply, GraphError> {
    use Action as A;

    match action {
        A::Drives => {
            for drive in base::all(call, base)? {
                access::check_selected(call, &drive, None, action)?;
            }
            return list::drives(call, base);
        }
        A::Share => return share::share(call, steps),
        A::ShareOf => return share::permission(call, steps),
        A::Shared | A::Recent => return list::recent(call, action),
        _ => {}
    }
    let drive = base::drive(call, base, steps)?;
    if action == A::Drive {
        access::check_selected(call, &drive, None, action)?;
        return list::drive(call, &drive);
    }
    let found = match base {
        Base::Item(_, item) => find::item_from(call, drive, *item, steps)?,
        _ => find::item(call, drive, steps)?,
    };
    // What is shared by an address is read by who has it, and changed where the link says so.
    let by_link = || {
        let first = steps.first().filter(|_| *base == Base::Share);
        first.is_some_and(|first| !action.writes() || share::writes(call, first))
    };
    if !by_link() {
        access::check(call, &found, action)?;
    }
    match action {
        A::Checkout | A::Checkin | A::DiscardCheckout => write::check_out(call, &found, action),
        A::Children => list::children(call, &found),
        A::Content => list::content(call, &found),
        A::Copy => copy::copy(call, &found),
        A::Create => write::create(call, &found),
        A::Delete => write::delete(call, &found),
        A::DeletePermission => sharing::delete(call, &found, steps),
        A::DeleteVersion => version::delete(call, &found, steps),
        A::Delta => delta::delta(call, &found, steps),
        A::Get => list::item(call, &found),
        A::Invite => sharing::invite(call, &found),
        A::Link => sharing::link(call, &found),
        A::Patch => write::patch(call, &found),
        A::PatchPermission => sharing::change(call, &found, steps),
        A::Permission => sharing::one(call, &found, steps),
        A::Permissions => sharing::list(call, &found),
        A::Purge => write::purge(call, &found),
        A::Put => write::put(call, found),
        A::Restore => write::restore(call, &found),
        A::RestoreVersion => version::restore(call, &found, steps),
        A::Search => list::search(call, &found, steps),
        A::Session => session::create(call, found),
        A::Thumbnail => thumbnail::one(call, &found, (steps, false)),
        A::ThumbnailContent => thumbnail::one(call, &found, (steps, true)),
        A::ThumbnailSet => thumbnail::set(call, &found, steps),
        A::Thumbnails => thumbnail::list(call, &found),
        A::Version => version::one(call, &found, steps),
        A::VersionContent => version::content(call, &found, steps),
        A::Versions => version::list(call, &found),
        A::Drive | A::Drives | A::Recent | A::Share | A::ShareOf | A::Shared => {
            Err(refusal::not_found())
        }
    }
}

impl Step {
    fn is_drive(&self) -> bool {
        self.of
            .is_some_and(|it| matches!(it.name(), "drive" | "driveItem"))
    }
}

/// Refuses a change of an item that another has checked out.
pub(super) fn writable(call: &Call<'_>, item: &crate::drives::Item) -> Result<(), GraphError> {
    write::free(call, item)
}

/// Refuses a name that the service does not take.
pub(super) fn check_name(name: &str) -> Result<(), GraphError> {
    name::check(name, false)
}

/// The host of a tenant's sites.
pub(super) fn host_of(directory: &crate::directory::Directory) -> String {
    crate::drives::place::host(directory, false)
}

/// The hosts of all tenants' sites.
pub(crate) fn hosts(world: &crate::world::World) -> Vec<String> {
    let mut found: Vec<String> = world
        .tenants()
        .iter()
        .flat_map(|tenant| {
            tenant.read(|it| {
                [
                    crate::drives::place::host(it, false),
                    crate::drives::place::host(it, true),
                ]
            })
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// What a path ends with, for the classification of requests.
pub(super) fn action(steps: &[Step], suffix: Suffix, method: &str) -> Option<Action> {
    action::of(steps, suffix, method)
}

#[cfg(test)]
mod tests;
