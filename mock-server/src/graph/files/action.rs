//! What a request asks of a drive.

use crate::graph::generic::route::{Step, Suffix};

/// What is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::graph) enum Action {
    Checkin,
    Checkout,
    Children,
    Content,
    Copy,
    Create,
    Delete,
    DeletePermission,
    DeleteVersion,
    Delta,
    DiscardCheckout,
    Drive,
    Drives,
    Get,
    Invite,
    Link,
    Patch,
    PatchPermission,
    Permission,
    Permissions,
    Purge,
    Put,
    Recent,
    Restore,
    RestoreVersion,
    Search,
    Session,
    Share,
    ShareOf,
    Shared,
    Thumbnail,
    ThumbnailContent,
    ThumbnailSet,
    Thumbnails,
    Version,
    VersionContent,
    Versions,
}

impl Action {
    /// Whether it changes the item.
    pub(super) fn writes(self) -> bool {
        matches!(
            self,
            Self::Checkin
                | Self::Checkout
                | Self::Create
                | Self::Delete
                | Self::DeletePermission
                | Self::DeleteVersion
                | Self::DiscardCheckout
                | Self::Invite
                | Self::Link
                | Self::Patch
                | Self::PatchPermission
                | Self::Purge
                | Self::Put
                | Self::Restore
                | Self::RestoreVersion
                | Self::Session
        )
    }
}

/// What a path with its method asks, where the mock does it. `steps`: those from the drive on.
pub(super) fn of(steps: &[Step], suffix: Suffix, method: &str) -> Option<Action> {
    use Action as A;

    let (first, mut rest) = steps.split_first()?;
    if suffix != Suffix::None {
        return None;
    }
    if first.is_open_collection() {
        return (rest.is_empty() && method == "GET" && first.name == "drives").then_some(A::Drives);
    }
    if rest.is_empty() && first.name != "driveItem" {
        let action = if first.name == "shares" {
            A::Share
        } else {
            A::Drive
        };
        return (method == "GET").then_some(action);
    }
    // An item is the first step where a row of a list leads to it.
    if first.name == "driveItem" {
        return of_item(rest, method);
    }
    let second = rest.first()?;
    if first.name == "shares" && second.name == "permission" {
        return (rest.len() == 1 && method == "GET").then_some(A::ShareOf);
    }
    let on_drive = match (plain(second), method) {
        ("search", "GET") => Some(A::Search),
        ("recent", "GET") => Some(A::Recent),
        ("sharedWithMe", "GET") => Some(A::Shared),
        _ => None,
    };
    if on_drive.is_some() && rest.len() == 1 {
        return on_drive;
    }
    let holds = match second.name {
        "root" => true,
        "items" | "special" => second.key.is_some() && first.name != "shares",
        "driveItem" => first.name == "shares",
        _ => false,
    };
    if !holds {
        return None;
    }
    rest = &rest[1..];
    of_item(rest, method)
}

/// What is asked of an item.
fn of_item(mut rest: &[Step], method: &str) -> Option<Action> {
    use Action as A;

    // An item may be reached from folder to folder.
    while let Some(child) = rest
        .first()
        .filter(|it| it.name == "children" && it.key.is_some())
    {
        if child.cast.is_some() {
            return None;
        }
        rest = &rest[1..];
    }
    let names: Vec<&str> = rest.iter().map(plain).collect();
    let keyed = rest.first().is_some_and(|it| it.key.is_some());
    Some(match (names.as_slice(), method) {
        ([], "GET") => A::Get,
        ([], "PATCH") => A::Patch,
        ([], "DELETE") => A::Delete,
        (["children"], "GET") => A::Children,
        (["children"], "POST") => A::Create,
        (["content"], "GET") => A::Content,
        (["content"], "PUT") => A::Put,
        (["copy"], "POST") => A::Copy,
        (["delta"], "GET") => A::Delta,
        (["search"], "GET") => A::Search,
        (["createUploadSession"], "POST") => A::Session,
        (["createLink"], "POST") => A::Link,
        (["invite"], "POST") => A::Invite,
        (["checkin"], "POST") => A::Checkin,
        (["checkout"], "POST") => A::Checkout,
        (["discardCheckout"], "POST") => A::DiscardCheckout,
        (["permanentDelete"], "POST") => A::Purge,
        (["restore"], "POST") => A::Restore,
        (["thumbnails"], "GET") if !keyed => A::Thumbnails,
        (["thumbnails"], "GET") => A::ThumbnailSet,
        (["thumbnails", _], "GET") if keyed => A::Thumbnail,
        (["thumbnails", _, "content"], "GET") if keyed => A::ThumbnailContent,
        (["permissions"], "GET") if !keyed => A::Permissions,
        (["permissions"], "GET") => A::Permission,
        (["permissions"], "PATCH") if keyed => A::PatchPermission,
        (["permissions"], "DELETE") if keyed => A::DeletePermission,
        (["versions"], "GET") if !keyed => A::Versions,
        (["versions"], "GET") => A::Version,
        (["versions"], "DELETE") if keyed => A::DeleteVersion,
        (["versions", "content"], "GET") if keyed => A::VersionContent,
        (["versions", "restoreVersion"], "POST") if keyed => A::RestoreVersion,
        _ => return None,
    })
}

/// A name without its namespace.
fn plain(step: &Step) -> &'static str {
    step.name.rsplit('.').next().unwrap_or(step.name)
}
