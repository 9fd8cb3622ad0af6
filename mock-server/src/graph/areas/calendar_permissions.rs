//! Who a calendar is shared with.
//!
//! Sources: learn.microsoft.com/graph/api/resources/calendarpermission,
//! /calendar-post-calendarpermissions, /calendarpermission-delete.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::graph::call::Call;
use crate::graph::collection::members;
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, New, Subject};
use crate::mailbox::Properties;

/// What permissions of calendars add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[Behaviour {
    create: Some(share),
    delete: Some(delete),
    presets: Some(organization),
    ..Behaviour::of("calendarPermission")
}];

/// Everybody in the organization sees when the owner is free or busy.
fn organization(_: &Call<'_>, _: &str) -> Vec<(String, Properties)> {
    let everybody = json!({
        "isRemovable": false,
        "isInsideOrganization": true,
        "role": "freeBusyRead",
        "allowedRoles": ["none", "freeBusyRead", "limitedRead", "read", "write"],
        "emailAddress": {"name": "My Organization"},
    });
    vec![(STANDARD.encode("Default"), members(everybody))]
}

/// Unverified: the form of ids, and the texts.
fn share(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let address = new
        .properties
        .get("emailAddress")
        .and_then(|it| it.get("address"));
    let Some(address) = address
        .and_then(serde_json::Value::as_str)
        .map(str::to_owned)
    else {
        return Err(GraphError::invalid_request(
            "The property 'emailAddress' is missing.",
        ));
    };
    let inside = call
        .tenant
        .read(|it| it.user_by_id_or_name(&address).is_some());
    new.id = STANDARD.encode(address.to_ascii_lowercase());
    let taken = call
        .tenant
        .read_documents(|it| it.get(&new.collection, &new.id).is_some());
    if taken {
        return Err(GraphError::invalid_request(
            "The calendar is shared with this recipient already.",
        ));
    }
    new.default("isInsideOrganization", inside);
    new.default("isRemovable", true);
    new.default("role", "read");
    new.set(
        "allowedRoles",
        json!(["freeBusyRead", "limitedRead", "read", "write"]),
    );
    Ok(())
}

fn delete(_: &Call<'_>, permission: &Subject<'_>) -> Result<bool, GraphError> {
    if permission.id == STANDARD.encode("Default") {
        // Unverified: code and text.
        return Err(GraphError::new(
            StatusCode::FORBIDDEN,
            "ErrorAccessDenied",
            "The permission of the organization can't be removed.",
        ));
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn a_calendar_is_shared_read_back_and_withdrawn() {
        let bench = Bench::new();
        let alice = bench.delegated("alice", &["Calendars.ReadWrite"]);
        let list = "/v1.0/me/calendar/calendarPermissions";
        let before = bench.get(&alice, list).await.expect(200);
        assert_eq!(
            before.values()[0]["emailAddress"]["name"],
            "My Organization"
        );
        let body = json!({"emailAddress": {"name": "Bob", "address": "bob@contoso.onmicrosoft.com"}, "role": "read"});
        let made = bench.post(&alice, list, body.clone()).await.expect(201);
        assert_eq!(
            (&made.body["isRemovable"], &made.body["role"]),
            (&json!(true), &json!("read"))
        );
        bench.post(&alice, list, body).await.expect(400);
        let one = format!("{list}/{}", made.id());
        let role = json!({"role": "write"});
        let changed = bench
            .send("PATCH", &alice, &one, &[], role)
            .await
            .expect(200);
        assert_eq!(changed.body["role"], "write");
        bench
            .send("DELETE", &alice, &one, &[], Value::Null)
            .await
            .expect(204);
        assert_eq!(bench.get(&alice, list).await.expect(200).values().len(), 1);
        let default = format!("{list}/RGVmYXVsdA==");
        bench
            .send("DELETE", &alice, &default, &[], Value::Null)
            .await
            .expect(403);
        let reader = bench.delegated("alice", &["Calendars.Read"]);
        bench.get(&reader, list).await.expect(200);
        bench
            .post(&reader, list, json!({"role": "read"}))
            .await
            .expect(403);
    }
}
