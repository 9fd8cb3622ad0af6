//! Earlier values of a row.
//!
//! Source: learn.microsoft.com/graph/api/listitem-list-versions, /listitemversion-restore.

use axum::http::StatusCode;
use serde_json::json;

use super::base::Target;
use super::draw::{self, Drawing, Line};
use super::list::list_of;
use super::refusal;
use super::row;
use crate::drives::list::{Fields, List};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files::{base, refusal as files};
use crate::graph::generic::route::Step;
use crate::mailbox::{Properties, seconds};

/// The versions of a row, the newest first.
pub(super) fn list(call: &Call<'_>, target: &Target) -> Result<Reply, GraphError> {
    let (values, set) = all(call, target)?;
    draw::listed(call, &set, values)
}

fn all(call: &Call<'_>, target: &Target) -> Result<(Vec<Properties>, String), GraphError> {
    let (id, number) = (target.list()?, target.row()?);
    draw::whole(call, &target.site, |drawing| {
        let list = list_of(drawing, id)?;
        let line = row::line(drawing, list, number)?;
        let set = format!(
            "{}/items('{number}')/versions",
            draw::set(&target.site, list)
        );
        Ok((drawn(drawing, list, line), set))
    })
}

/// One version.
pub(super) fn one(call: &Call<'_>, target: &Target, steps: &[Step]) -> Result<Reply, GraphError> {
    let wanted = super::key(steps, "versions")?;
    let (values, set) = all(call, target)?;
    let found = values.into_iter().find(|it| it["id"] == *wanted);
    let found = found.ok_or_else(files::not_found)?;
    Ok(draw::reply(call, StatusCode::OK, &set, found))
}

/// The versions of a row with their fields.
pub(super) fn drawn(drawing: &Drawing<'_>, list: &List, line: Line<'_>) -> Vec<Properties> {
    let version = |number: String, modified, by, fields: &Fields| {
        let mut shown = Fields::new();
        for (name, value) in fields {
            if !value.is_null() {
                shown.insert(name.clone(), value.clone());
            }
        }
        shown.insert("_UIVersionString".to_owned(), json!(number));
        shown.insert("Modified".to_owned(), json!(seconds(modified)));
        let value = json!({
            "id": number,
            "lastModifiedDateTime": seconds(modified),
            "lastModifiedBy": drawing.style.identity(by),
            "fields": shown,
        });
        crate::graph::collection::members(value)
    };
    match line {
        Line::Row(row) => {
            let now = version(
                format!("{}.0", row.version),
                row.modified,
                row.modified_by,
                &row.fields,
            );
            let earlier = row.versions.iter().rev().map(|it| {
                version(
                    format!("{}.0", it.number),
                    it.modified,
                    it.modified_by,
                    &it.fields,
                )
            });
            std::iter::once(now).chain(earlier).collect()
        }
        Line::Item(_, item) => {
            let current = crate::graph::files::draw::version(item);
            let mut found = vec![version(
                current,
                item.modified,
                item.modified_by,
                &Drawing::fields(list, line),
            )];
            for earlier in item.versions.iter().rev() {
                found.push(version(
                    format!("{}.0", earlier.number),
                    earlier.modified,
                    earlier.modified_by,
                    &Fields::new(),
                ));
            }
            found
        }
    }
}

/// Makes earlier values the current ones; those before become a version.
pub(super) fn restore(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let (id, number) = (target.list()?, target.row()?);
    let wanted = super::key(steps, "versions")?;
    let whole: u32 = wanted
        .strip_suffix(".0")
        .unwrap_or(wanted)
        .parse()
        .map_err(|_| files::not_found())?;
    let by = base::identity(call);
    call.tenant.write_drives(|drives| {
        let list = drives.lists.get(id).ok_or_else(refusal::no_list)?;
        if let Some(drive) = list.drive.clone() {
            let drive = drives.get_mut(&drive).ok_or_else(files::not_found)?;
            let item = drive.row(number).ok_or_else(files::not_found)?;
            crate::graph::files::writable(call, item)?;
            let version = item.versions.iter().find(|it| it.number == whole);
            let (item, content) = (
                item.id,
                version.ok_or_else(files::not_found)?.content.clone(),
            );
            return drive.write(item, content, by, call.now).map_err(files::of);
        }
        let list = drives.lists.get_mut(id).ok_or_else(refusal::no_list)?;
        let row = list.row(number).ok_or_else(files::not_found)?;
        let version = row.versions.iter().find(|it| it.number == whole);
        let fields = version.ok_or_else(files::not_found)?.fields.clone();
        list.write(number, fields, by, call.now);
        Ok(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
