//! Which site, list and row a path means.

use uuid::Uuid;

use super::refusal;
use crate::drives::list::List;
use crate::drives::{Drives, Identity, Place};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::files::base as drives;
use crate::graph::files::{Base, refusal as files};
use crate::graph::generic::route::{Key, Step};

/// A site: where it is, with its first library.
#[derive(Clone, Debug)]
pub(in crate::graph) struct Site {
    /// The id.
    pub(super) id: String,
    /// Where its first library is.
    pub(super) place: Place,
}

/// What the steps of a path begin at.
#[derive(Clone, Debug)]
pub(in crate::graph) enum Start {
    /// A site, by its id.
    Site(String),
    /// A library, by its drive.
    Library(String),
    /// An item of a drive.
    Item(String, Uuid),
}

/// What a path means.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The site.
    pub(super) site: Site,
    /// The list, if it leads into one.
    pub(super) list: Option<Uuid>,
    /// The number of the row, if it leads to one.
    pub(super) row: Option<u32>,
}

impl Site {
    fn of_drive(call: &Call<'_>, drive: &str) -> Result<Self, GraphError> {
        let place = call
            .tenant
            .read_drives(|it| it.get(drive).map(|it| it.place.clone()));
        let place = place.ok_or_else(files::not_found)?;
        let id = site_id(&place);
        Ok(Self { id, place })
    }

    /// A site by its id.
    pub(super) fn of(call: &Call<'_>, id: &str) -> Result<Self, GraphError> {
        let drive = drives::of_site(call, id)?;
        Self::of_drive(call, &drive)
    }

    /// The id as contexts have it.
    pub(super) fn set(&self) -> String {
        format!("sites('{}')", escaped(&self.id))
    }

    /// The address.
    pub(super) fn url(&self) -> String {
        let path = crate::graph::files::ticket::encoded(&self.place.site);
        format!("https://{}{path}", self.place.host)
    }
}

/// The id of the site of a library.
pub(in crate::graph) fn site_id(place: &Place) -> String {
    format!("{},{},{}", place.host, place.collection, place.web)
}

/// An id as it stands in contexts.
pub(super) fn escaped(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, KEY).to_string()
}

impl Target {
    /// Finds what is meant. `steps`: those behind the site, the drive or the item.
    pub(super) fn find(call: &Call<'_>, start: Start, steps: &[Step]) -> Result<Self, GraphError> {
        let (drive, item) = match start {
            Start::Site(id) => {
                let site = Site::of(call, &id)?;
                known(call, &site);
                return Self::in_site(call, site, steps);
            }
            Start::Library(drive) => (drive, None),
            Start::Item(drive, item) => (drive, Some(item)),
        };
        let site = Site::of_drive(call, &drive)?;
        let first = Site::of(call, &site.id)?;
        known(call, &first);
        let mut target = Self {
            list: Some(site.place.list),
            row: None,
            site: first,
        };
        if let Some(item) = item {
            let row = call
                .tenant
                .read_drives(|it| it.get(&drive)?.get(item).map(|it| it.row));
            // The root has no row.
            target.row = Some(row.filter(|it| *it > 0).ok_or_else(files::not_found)?);
        } else {
            target.find_row(call, steps)?;
        }
        Ok(target)
    }

    fn in_site(call: &Call<'_>, site: Site, steps: &[Step]) -> Result<Self, GraphError> {
        let mut target = Self {
            site,
            list: None,
            row: None,
        };
        if let Some(Key::Id(key)) = steps
            .first()
            .filter(|it| it.name == "lists")
            .and_then(|it| it.key.as_ref())
        {
            target.list = Some(list_id(call, &target.site, key)?);
            target.find_row(call, steps)?;
        }
        Ok(target)
    }

    fn find_row(&mut self, call: &Call<'_>, steps: &[Step]) -> Result<(), GraphError> {
        let Some(Key::Id(key)) = steps
            .get(1)
            .filter(|it| it.name == "items")
            .and_then(|it| it.key.as_ref())
        else {
            return Ok(());
        };
        let list = self.list.ok_or_else(refusal::no_list)?;
        let row = call.tenant.read_drives(|it| row_of(it, list, key));
        self.row = Some(row.ok_or_else(files::not_found)?);
        Ok(())
    }

    /// The list.
    pub(super) fn list(&self) -> Result<Uuid, GraphError> {
        self.list.ok_or_else(refusal::no_list)
    }

    /// The row.
    pub(super) fn row(&self) -> Result<u32, GraphError> {
        self.row.ok_or_else(files::not_found)
    }
}

/// The number of a row that a key names: the number, or the GUID in the tag.
fn row_of(drives: &Drives, list: Uuid, key: &str) -> Option<u32> {
    let list = drives.lists.get(list)?;
    let drive = list.drive.as_ref().and_then(|it| drives.get(it));
    if let Ok(number) = key.parse() {
        let there = match drive {
            Some(drive) => drive.row(number).is_some(),
            None => list.row(number).is_some(),
        };
        return there.then_some(number);
    }
    let id: Uuid = key.parse().ok()?;
    match drive {
        Some(drive) => drive.get(id).map(|it| it.row).filter(|it| *it > 0),
        None => list.rows(0).find(|it| it.id == id).map(|it| it.number),
    }
}

/// The list of a site that a key names: by its id, its title, or its name in addresses.
/// Source: learn.microsoft.com/graph/api/list-get.
pub(super) fn list_id(call: &Call<'_>, site: &Site, key: &str) -> Result<Uuid, GraphError> {
    let bare = key.trim_start_matches('{').trim_end_matches('}');
    let found = call.tenant.read_drives(|drives| {
        let lists = &drives.lists;
        if let Ok(id) = bare.parse::<Uuid>() {
            let own = lists.get(id).filter(|it| it.site == site.id)?;
            return Some(own.id);
        }
        let same = |text: &str| text.to_lowercase() == key.to_lowercase();
        let titled = lists.of(&site.id).find(|it| same(&it.title));
        let named = || lists.of(&site.id).find(|it| same(&it.name));
        titled.or_else(named).map(|it| it.id)
    });
    found.ok_or_else(refusal::no_list)
}

/// The drive of a library that a key of a site names.
pub(in crate::graph) fn library(
    call: &Call<'_>,
    site: &str,
    key: &str,
) -> Result<String, GraphError> {
    let site = Site::of(call, site)?;
    known(call, &site);
    let list = list_id(call, &site, key)?;
    let drive = call
        .tenant
        .read_drives(|it| it.lists.get(list)?.drive.clone());
    // Unverified: what the service says of a list without a drive.
    drive.ok_or_else(files::not_found)
}

/// The item of a library's drive that is a row.
pub(in crate::graph) fn item(call: &Call<'_>, drive: &str, row: &str) -> Result<Uuid, GraphError> {
    let found = call.tenant.read_drives(|drives| {
        let drive = drives.get(drive)?;
        let number = row_of(drives, drive.place.list, row)?;
        drive.row(number).map(|it| it.id)
    });
    found.ok_or_else(files::not_found)
}

/// Makes the list of a site's first library known among its lists.
fn known(call: &Call<'_>, site: &Site) {
    let id = site.place.list;
    if call.tenant.read_drives(|it| it.lists.get(id).is_some()) {
        return;
    }
    call.tenant.write_drives(|drives| {
        let drive = drives.all().find(|it| it.place.list == id);
        let Some(drive) = drive else {
            return;
        };
        let mut list = List::new(
            id,
            &site.id,
            &drive.name,
            Identity::default(),
            drive.created,
        );
        list.name.clone_from(&drive.place.library);
        "documentLibrary".clone_into(&mut list.template);
        list.drive = Some(drive.id.clone());
        list.version = 1;
        // Where there is no room for it, it is not found.
        let _ = drives.lists.add(list);
    });
}

/// The drive that is meant where a path leads from a drive into lists.
pub(in crate::graph) fn drive(
    call: &Call<'_>,
    base: &Base,
    steps: &[Step],
) -> Result<String, GraphError> {
    drives::drive(call, base, steps)
}

const KEY: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
