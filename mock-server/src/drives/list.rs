//! Lists of a site: their rows, columns and content types, without HTTP.
//!
//! A library is a list, too: its rows are the items of its drive, so that here are only the columns
//! and content types that somebody added to it.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::item::Identity;
use crate::directory::{ApplicationId, ObjectId};

/// The values of a row, or the members of a column, by name.
pub(crate) type Fields = Map<String, Value>;

/// What a tenant's sites have beside drives.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lists {
    #[serde(rename = "lists")]
    by_id: BTreeMap<Uuid, List>,
    /// The columns and content types of sites, by the site's id.
    sites: BTreeMap<String, Schema>,
    /// Who was let into what is selected, by what it is.
    grants: BTreeMap<String, Vec<Grant>>,
}

/// Columns and content types that somebody made.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Schema {
    /// The columns.
    pub(crate) columns: Vec<Column>,
    /// The content types.
    pub(crate) types: Vec<ContentType>,
}

/// A column.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    /// The id.
    pub(crate) id: Uuid,
    /// The name in fields.
    pub(crate) name: String,
    /// Its other members, as Graph writes them.
    pub(crate) members: Fields,
}

/// A content type.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContentType {
    /// The id: that of what it is made from, and more.
    pub(crate) id: String,
    /// Its other members, as Graph writes them.
    pub(crate) members: Fields,
    /// The columns that it adds.
    pub(crate) columns: Vec<Column>,
}

/// An app or a person that was let into a site, a list or a row.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    /// The id.
    pub(crate) id: String,
    /// `read`, `write`, `owner`, `fullcontrol`.
    pub(crate) roles: Vec<String>,
    /// The app.
    pub(crate) app: Option<ApplicationId>,
    /// The app's name, as it was written.
    pub(crate) app_name: Option<String>,
    /// The person.
    pub(crate) user: Option<ObjectId>,
}

/// A list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// The id.
    pub(crate) id: Uuid,
    /// The id of its site.
    pub(crate) site: String,
    /// The name in addresses.
    pub(crate) name: String,
    /// The name that people see.
    pub(crate) title: String,
    /// What it is for.
    pub(crate) description: String,
    /// `genericList`, `documentLibrary`, `events` and others.
    pub(crate) template: String,
    /// Whether people do not see it.
    pub(crate) hidden: bool,
    /// Whether its rows have content types that people choose.
    pub(crate) with_types: bool,
    /// The drive whose items are its rows.
    pub(crate) drive: Option<String>,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When it was last changed.
    pub(crate) modified: Timestamp,
    /// Who made it.
    pub(crate) created_by: Identity,
    /// Who changed it last.
    pub(crate) modified_by: Identity,
    /// The number in `eTag`.
    pub(crate) version: u32,
    /// The columns and content types beside those of the template.
    pub(crate) schema: Schema,
    rows: BTreeMap<u32, Row>,
    /// The number of the newest row that ever was.
    last: u32,
    gone: BTreeMap<u64, (u32, Uuid)>,
    forgotten: u64,
    sequence: u64,
    /// The rows by the number of their last change.
    #[serde(skip)]
    changes: BTreeMap<u64, u32>,
}

/// A row of a list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// The number, which is the id on the wire.
    pub(crate) number: u32,
    /// The GUID in its tag.
    pub(crate) id: Uuid,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When it was last changed.
    pub(crate) modified: Timestamp,
    /// Who made it.
    pub(crate) created_by: Identity,
    /// Who changed it last.
    pub(crate) modified_by: Identity,
    /// The number in `eTag`, and of the version.
    pub(crate) version: u32,
    /// The number of its last change in the list.
    pub(crate) sequence: u64,
    /// The content type, where it is not the list's first.
    pub(crate) content_type: Option<String>,
    /// The values.
    pub(crate) fields: Fields,
    /// Earlier values, oldest first.
    pub(crate) versions: Vec<Earlier>,
}

/// Earlier values of a row.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Earlier {
    /// The number before the point.
    pub(crate) number: u32,
    /// When it was written.
    pub(crate) modified: Timestamp,
    /// Who wrote it.
    pub(crate) modified_by: Identity,
    /// The values.
    pub(crate) fields: Fields,
}

/// What a delta of a list has.
#[derive(Debug)]
pub(crate) enum RowChange<'a> {
    /// A row.
    Row(&'a Row),
    /// A deleted row: its number.
    Gone(u32),
}

/// There is no room for more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

impl Lists {
    /// A list by its id.
    pub(crate) fn get(&self, id: Uuid) -> Option<&List> {
        self.by_id.get(&id)
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&mut self, id: Uuid) -> Option<&mut List> {
        self.by_id.get_mut(&id)
    }

    /// The lists of a site, oldest first.
    pub(crate) fn of<'a>(&'a self, site: &'a str) -> impl Iterator<Item = &'a List> {
        let mut found: Vec<&List> = self.by_id.values().filter(|it| it.site == site).collect();
        found.sort_by_key(|it| (it.created, it.id));
        found.into_iter()
    }

    /// Adds a list.
    pub(crate) fn add(&mut self, list: List) -> Result<(), Full> {
        if self.by_id.len() >= MOST_LISTS {
            return Err(Full);
        }
        self.by_id.insert(list.id, list);
        Ok(())
    }

    /// Takes a list away.
    pub(crate) fn remove(&mut self, id: Uuid) -> Option<List> {
        self.by_id.remove(&id)
    }

    /// What somebody added to a site.
    pub(crate) fn schema(&self, site: &str) -> Option<&Schema> {
        self.sites.get(site)
    }

    /// The same, to change it.
    pub(crate) fn schema_mut(&mut self, site: &str) -> &mut Schema {
        self.sites.entry(site.to_owned()).or_default()
    }

    /// Who was let into what is selected.
    pub(crate) fn grants(&self, of: &str) -> &[Grant] {
        self.grants.get(of).map_or(&[], Vec::as_slice)
    }

    /// Lets somebody in; who is in already gets the new roles.
    pub(crate) fn let_in(&mut self, of: &str, grant: Grant) -> Result<(), Full> {
        let all = self.grants.entry(of.to_owned()).or_default();
        let at = all.iter().position(|it| it.id == grant.id);
        match at {
            Some(at) => all[at] = grant,
            None if all.len() >= MOST_GRANTS => return Err(Full),
            None => all.push(grant),
        }
        Ok(())
    }

    /// Takes a grant away; says whether it was there.
    pub(crate) fn shut_out(&mut self, of: &str, id: &str) -> bool {
        let Some(all) = self.grants.get_mut(of) else {
            return false;
        };
        let before = all.len();
        all.retain(|it| it.id != id);
        all.len() < before
    }

    /// Makes what was read from a state file usable.
    pub(super) fn revive(&mut self) {
        for list in self.by_id.values_mut() {
            let rows = list.rows.values();
            list.changes = rows.map(|it| (it.sequence, it.number)).collect();
        }
    }
}

impl List {
    /// A list without rows.
    pub(crate) fn new(id: Uuid, site: &str, title: &str, by: Identity, now: Timestamp) -> Self {
        Self {
            id,
            site: site.to_owned(),
            name: title.to_owned(),
            title: title.to_owned(),
            description: String::new(),
            template: "genericList".to_owned(),
            hidden: false,
            with_types: false,
            drive: None,
            created: now,
            modified: now,
            created_by: by,
            modified_by: by,
            version: 0,
            schema: Schema::default(),
            rows: BTreeMap::new(),
            last: 0,
            gone: BTreeMap::new(),
            forgotten: 0,
            sequence: 0,
            changes: BTreeMap::new(),
        }
    }

    /// `eTag`. Source: recordings of NangoHQ/integration-templates.
    pub(crate) fn e_tag(&self) -> String {
        format!("\"{},{}\"", self.id, self.version)
    }

    /// A row by its number.
    pub(crate) fn row(&self, number: u32) -> Option<&Row> {
        self.rows.get(&number)
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows behind a number.
    pub(crate) fn rows(&self, behind: u32) -> impl Iterator<Item = &Row> {
        let from = (Bound::Excluded(behind), Bound::Unbounded);
        self.rows.range(from).map(|(_, row)| row)
    }

    /// Adds a row; its number.
    pub(crate) fn add(
        &mut self,
        id: Uuid,
        fields: Fields,
        content_type: Option<String>,
        by: Identity,
        now: Timestamp,
    ) -> Result<u32, Full> {
        if self.rows.len() >= MOST_ROWS {
            return Err(Full);
        }
        self.last += 1;
        let number = self.last;
        let row = Row {
            number,
            id,
            created: now,
            modified: now,
            created_by: by,
            modified_by: by,
            version: 1,
            sequence: 0,
            content_type,
            fields,
            versions: Vec::new(),
        };
        self.rows.insert(number, row);
        self.touch(number, by, now);
        Ok(number)
    }

    /// Writes values of a row, and keeps those before as a version; says whether it is there.
    pub(crate) fn write(
        &mut self,
        number: u32,
        fields: Fields,
        by: Identity,
        now: Timestamp,
    ) -> bool {
        let Some(row) = self.rows.get_mut(&number) else {
            return false;
        };
        row.versions.push(Earlier {
            number: row.version,
            modified: row.modified,
            modified_by: row.modified_by,
            fields: row.fields.clone(),
        });
        let surplus = row.versions.len().saturating_sub(MOST_VERSIONS);
        row.versions.drain(..surplus);
        row.fields = fields;
        row.version += 1;
        row.modified = now;
        row.modified_by = by;
        self.touch(number, by, now);
        true
    }

    /// Gives a row another content type.
    pub(crate) fn retype(&mut self, number: u32, content_type: String) {
        if let Some(row) = self.rows.get_mut(&number) {
            row.content_type = Some(content_type);
        }
    }

    /// Deletes a row; says whether it was there.
    pub(crate) fn delete(&mut self, number: u32, by: Identity, now: Timestamp) -> bool {
        let Some(row) = self.rows.remove(&number) else {
            return false;
        };
        self.changes.remove(&row.sequence);
        self.sequence += 1;
        self.gone.insert(self.sequence, (number, row.id));
        while self.gone.len() > MOST_TOMBSTONES {
            if let Some((number, _)) = self.gone.pop_first() {
                self.forgotten = number;
            }
        }
        self.modified = now;
        self.modified_by = by;
        true
    }

    /// Takes a column's values out of all rows.
    pub(crate) fn forget_column(&mut self, name: &str) {
        let lookup = format!("{name}LookupId");
        for row in self.rows.values_mut() {
            row.fields.shift_remove(name);
            row.fields.shift_remove(&lookup);
        }
    }

    /// The number of the last change.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What changed after a number, oldest first, so many at most; none where tombstones of that
    /// time are gone.
    pub(crate) fn changes(&self, after: u64, most: usize) -> Option<Vec<(u64, RowChange<'_>)>> {
        if after > 0 && after < self.forgotten || after > self.sequence {
            return None;
        }
        let from = (Bound::Excluded(after), Bound::Unbounded);
        let rows = self.changes.range(from).take(most);
        let mut found: Vec<(u64, RowChange<'_>)> = rows
            .filter_map(|(number, row)| Some((*number, RowChange::Row(self.rows.get(row)?))))
            .collect();
        // Who asks for the first time has nothing that could be gone.
        if after > 0 {
            let gone = self.gone.range(from).take(most);
            found.extend(gone.map(|(number, it)| (*number, RowChange::Gone(it.0))));
            found.sort_by_key(|(number, _)| *number);
            found.truncate(most);
        }
        Some(found)
    }

    fn touch(&mut self, number: u32, by: Identity, now: Timestamp) {
        if let Some(row) = self.rows.get_mut(&number) {
            self.changes.remove(&row.sequence);
            self.sequence += 1;
            row.sequence = self.sequence;
            self.changes.insert(row.sequence, number);
        }
        self.modified = now;
        self.modified_by = by;
    }
}

impl Row {
    /// `eTag`. Source: recordings of NangoHQ/integration-templates.
    pub(crate) fn e_tag(&self) -> String {
        format!("\"{},{}\"", self.id, self.version)
    }
}

/// The lists of a tenant.
const MOST_LISTS: usize = 10_000;

/// The rows of a list. The service has 30 million.
const MOST_ROWS: usize = 500_000;

/// The earlier values of a row.
const MOST_VERSIONS: usize = 500;

/// The deletions that a list tells of.
const MOST_TOMBSTONES: usize = 100_000;

/// The apps and people that are let into one thing.
const MOST_GRANTS: usize = 1000;
