//! Extensions: open ones, schemas, and properties of the directory.
//!
//! Sources: learn.microsoft.com/graph/api/opentypeextension-post-opentypeextension,
//! /schemaextension-post-schemaextensions, /application-post-extensionproperty.

use serde_json::Value;

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
    let id = new.required("extensionName")?.to_owned();
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
        return Err(GraphError::value_required("id", "schemaExtension"));
    };
    new.id = if name.contains('_') {
        name.to_owned()
    } else {
        let random = call.world.random.uuid().simple().to_string();
        format!("ext{}_{name}", &random[..8])
    };
    new.default("owner", call.client.to_string());
    new.default("status", "InDevelopment");
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
    let (id, display_name) = found.ok_or_else(|| GraphError::resource_not_found(app))?;
    let full = format!("extension_{id}_{}", new.required("name")?);
    new.set("name", full);
    new.default("appDisplayName", display_name);
    new.default("isMultiValued", false);
    new.default("isSyncedFromOnPremises", false);
    Ok(())
}
