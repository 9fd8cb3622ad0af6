//! The tables of permissions as code: an array of rows, and their order by name and kind.
//! `src/permission.rs` includes it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use uuid::Uuid;

/// Adds the table called `name`, made of a file.
pub(super) fn compile(code: &mut String, name: &str, file: &Path) {
    let rows: Vec<HashMap<String, String>> = csv::Reader::from_path(file)
        .expect("a table of permissions is there")
        .deserialize()
        .map(|row| row.expect("a table of permissions is a table"))
        .collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| (rows[*at]["name"].to_ascii_lowercase(), kind(&rows[*at])));
    let mut written = |text: std::fmt::Arguments<'_>| {
        code.write_fmt(text).expect("texts can be written");
    };
    written(format_args!("static {name}: Table = Table {{ rows: &[\n"));
    for row in &rows {
        let id = match row["id"].as_str() {
            "" => made_of(&row["name"], kind(row)),
            id => id.parse().expect("ids of permissions are UUIDs"),
        };
        let admin_only = kind(row) == "Application" || row["admin_consent_required"] == "true";
        written(format_args!(
            "Permission {{ name: {:?}, kind: PermissionKind::{}, id: Uuid::from_u128({:#x}), \
             admin_only: {admin_only}, meaning: {:?} }},\n",
            row["name"],
            kind(row),
            id.as_u128(),
            row["meaning"],
        ));
    }
    written(format_args!("], by_name: &{order:?} }};\n"));
}

/// The name of the kind in the code.
fn kind(row: &HashMap<String, String>) -> &'static str {
    match row["kind"].as_str() {
        "application" => "Application",
        "delegated" => "Delegated",
        other => panic!("a permission is of kind application or delegated, not {other}"),
    }
}

/// An id that is always the same for the same permission, where none is published.
fn made_of(name: &str, kind: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{name} {kind}").as_bytes())
}
