//! Extensions: open ones, schemas, and properties of the directory.
//!
//! Sources: learn.microsoft.com/graph/api/opentypeextension-post-opentypeextension,
//! /schemaextension-post-schemaextensions, /application-post-extensionproperty.

use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, New};

/// What extensions add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        create: Some(open),
        ..Behaviour::of("openTypeExtension")
    },
    Behaviour {
        create: Some(schema),
        ..Behaviour::of("schemaExtension")
    },
    Behaviour {
        create: Some(property),
        ..Behaviour::of("extensionProperty")
    },
];

/// An open extension has its name as its id.
fn open(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let name = new.properties.get("extensionName").and_then(Value::as_str);
    let Some(name) = name.filter(|it| !it.is_empty()) else {
        return Err(needed("extensionName", "openTypeExtension"));
    };
    let id = name.to_owned();
    let taken = call
        .tenant
        .read_documents(|it| it.get(&new.collection, &id).is_some());
    if taken {
        // Unverified: the text.
        return Err(GraphError::directory_request(
            "An extension already exists with given id.",
        ));
    }
    new.id = id;
    Ok(())
}

/// A schema is in development, and belongs to an app; a name without a domain gets a prefix.
fn schema(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let body = call.json()?;
    let Some(name) = body.get("id").and_then(Value::as_str) else {
        return Err(needed("id", "schemaExtension"));
    };
    new.id = if name.contains('_') {
        name.to_owned()
    } else {
        let random = call.world.random.uuid().simple().to_string();
        format!("ext{}_{name}", &random[..8])
    };
    for (name, value) in [
        ("owner", json!(call.client.to_string())),
        ("status", json!("InDevelopment")),
    ] {
        let unset = new.properties.get(name).is_none_or(Value::is_null);
        if unset {
            new.properties.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// A property of the directory carries the client id of its app in its name.
fn property(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let app = new.collection.split('/').nth(1).unwrap_or_default();
    let found = call.tenant.read(|directory| {
        let mut apps = directory.applications.values();
        let app = apps.find(|it| it.object_id.to_string() == app)?;
        Some((app.app_id.0.simple().to_string(), app.display_name.clone()))
    });
    let (Some((id, display_name)), Some(name)) =
        (found, new.properties.get("name").and_then(Value::as_str))
    else {
        return Err(needed("name", "ExtensionProperty"));
    };
    let full = format!("extension_{id}_{name}");
    new.properties.insert("name".to_owned(), json!(full));
    for (name, value) in [
        ("appDisplayName", json!(display_name)),
        ("isMultiValued", json!(false)),
        ("isSyncedFromOnPremises", json!(false)),
    ] {
        let unset = new.properties.get(name).is_none_or(Value::is_null);
        if unset {
            new.properties.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// Unverified: the text, taken from groups.
fn needed(property: &str, of: &str) -> GraphError {
    GraphError::directory_request(format!(
        "A value is required for property '{property}' of resource '{of}'."
    ))
}
