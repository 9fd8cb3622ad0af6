//! The log of sign-ins, written where the decision about one is made.
//!
//! Source: learn.microsoft.com/graph/api/resources/signin. v1.0 lists interactive sign-ins.

use std::net::IpAddr;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Tenant, World};
use crate::aadsts::Row;
use crate::exchange::Annotation;

/// Writes an interactive sign-in: one that ended with a code or a token, or with a refusal.
pub(crate) fn log(
    world: &World,
    tenant: &Tenant,
    annotation: &Annotation,
    address: IpAddr,
    correlation: Uuid,
) {
    let Some(user) = annotation.user else {
        return;
    };
    let code = annotation.aadsts.first().copied().unwrap_or(0);
    let app = annotation
        .client
        .and_then(|client| world.application(tenant.environment.cloud(), client))
        .map(|(_, app)| app.display_name.clone());
    let Some((name, display_name)) = tenant.read(|directory| {
        let user = directory.users.get(&user)?;
        Some((
            user.user_principal_name.to_string(),
            user.display_name.clone(),
        ))
    }) else {
        return;
    };
    let now = tenant.now();
    let reason = if code == 0 {
        "Other.".to_owned()
    } else {
        Row::find(code).map_or_else(String::new, |row| row.text.clone())
    };
    let client = if annotation.grant.is_some() {
        "Mobile Apps and Desktop clients"
    } else {
        "Browser"
    };
    let blocked = matches!(code, 53000..=53011);
    let id = world.random.uuid().to_string();
    let document = json!({
        "appDisplayName": app,
        "appId": annotation.client,
        "appliedConditionalAccessPolicies": [],
        "clientAppUsed": client,
        "conditionalAccessStatus": if blocked { "failure" } else { "notApplied" },
        "correlationId": correlation,
        "createdDateTime": crate::mailbox::seconds(now),
        "deviceDetail": {
            "browser": "", "deviceId": "", "displayName": "", "isCompliant": false,
            "isManaged": false, "operatingSystem": "", "trustType": "",
        },
        "ipAddress": address.to_string(),
        "isInteractive": true,
        "location": {"city": null, "countryOrRegion": null, "geoCoordinates": {}, "state": null},
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": crate::environment::GRAPH_APPLICATION_ID,
        "riskDetail": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "status": {"additionalDetails": null, "errorCode": code, "failureReason": reason},
        "userDisplayName": display_name,
        "userId": user,
        "userPrincipalName": name,
    });
    append_to_log(tenant, "auditLogs/signIns", &id, document);
}

/// Appends to a log; the oldest entries make room.
pub(crate) fn append_to_log(tenant: &Tenant, log: &str, id: &str, document: Value) {
    let Value::Object(document) = document else {
        return;
    };
    let now = tenant.now();
    tenant.write_documents(|documents| {
        documents.make_room(log, MOST);
        // A tenant that is full keeps no log.
        let _ = documents.put(log, id, document, now);
    });
}

/// The entries that a log of a tenant keeps: 4 KiB each.
const MOST: usize = 1_000;
