//! Sign-in logs and audit logs.
//!
//! Sign-ins are written where the decision is made (`world::sign_in`), audits here, from the
//! writes that the directory took: rows of `data/graph-audit-activities.csv`.
//!
//! Sources: learn.microsoft.com/graph/api/resources/signin, /resources/directoryaudit; names:
//! learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::exchange::Annotation;
use crate::graph::call::{Payload, Reply};
use crate::graph::generic::behaviour::Behaviour;
use crate::world::{Tenant, World, append_to_log};

/// What logs add: the newest stands first.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        newest_first: true,
        ..Behaviour::of("directoryAudit")
    },
    Behaviour {
        newest_first: true,
        ..Behaviour::of("signIn")
    },
];

#[derive(Debug, Deserialize)]
struct Activity {
    method: String,
    path: String,
    #[serde(rename = "activity")]
    name: String,
    category: String,
    operation: String,
    service: String,
}

/// Writes what a request changed in the directory.
pub(in crate::graph) fn audit(
    world: &World,
    tenant: &Tenant,
    path: &str,
    annotation: &Annotation,
    reply: &Reply,
) {
    let Some((method, template)) = annotation
        .endpoint
        .as_deref()
        .and_then(|it| it.split_once(' '))
    else {
        return;
    };
    let Some(activity) = ACTIVITIES.get(&(method.to_owned(), spelled(template))) else {
        return;
    };
    let now = tenant.now();
    let correlation = world.random.uuid();
    let made = match &reply.payload {
        Payload::Json(Value::Object(body)) => body.get("id").and_then(Value::as_str),
        _ => None,
    };
    // What a request is about stands in its path, or is what it made.
    let named = path.split('/').skip(2).find(|part| {
        Uuid::try_parse(part.trim_matches(|it: char| !it.is_ascii_hexdigit() && it != '-')).is_ok()
    });
    let target = named.or(made).unwrap_or_default();
    let app = annotation
        .client
        .and_then(|client| world.application(tenant.environment.cloud(), client))
        .map(|(_, app)| app.display_name.clone());
    let user = annotation.user.and_then(|user| {
        tenant.read(|directory| {
            let user = directory.user(user)?;
            Some(json!({
                "displayName": null, "id": user.id, "ipAddress": null, "roles": [],
                "userPrincipalName": user.user_principal_name.as_str(),
            }))
        })
    });
    let app = match &user {
        Some(_) => Value::Null,
        None => json!({
            "appId": annotation.client, "displayName": app,
            "servicePrincipalId": null, "servicePrincipalName": null,
        }),
    };
    let kind = match activity.category.as_str() {
        "GroupManagement" => "Group",
        "RoleManagement" => "Role",
        "ApplicationManagement" => "ServicePrincipal",
        "UserManagement" => "User",
        _ => "Other",
    };
    let id = format!("Directory_{correlation}_{}", now.as_millisecond());
    let document = json!({
        "activityDateTime": now.to_string(),
        "activityDisplayName": activity.name,
        "additionalDetails": [],
        "category": activity.category,
        "correlationId": correlation,
        "initiatedBy": {"app": app, "user": user},
        "loggedByService": activity.service,
        "operationType": activity.operation,
        "result": "success",
        "resultReason": "",
        "targetResources": [{
            "displayName": null, "groupType": null, "id": target, "modifiedProperties": [],
            "type": kind, "userPrincipalName": null,
        }],
    });
    append_to_log(tenant, "auditLogs/directoryAudits", &id, document);
}

/// A template in the tables' spelling.
fn spelled(template: &str) -> String {
    let parts = template.split('/').map(|part| {
        if part.starts_with('{') {
            "{id}".to_owned()
        } else {
            part.to_ascii_lowercase()
        }
    });
    let template = parts.collect::<Vec<_>>().join("/");
    match template.strip_prefix("/me") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/users/{{id}}{rest}"),
        _ => template,
    }
}

static ACTIVITIES: LazyLock<HashMap<(String, String), Activity>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/graph-audit-activities.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Activity, _>| {
            row.expect("data/graph-audit-activities.csv fits its types")
        })
        .map(|row| ((row.method.clone(), spelled(&row.path)), row))
        .collect()
});

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn what_the_directory_takes_stands_in_the_audit_log() {
        let bench = Bench::new();
        let app = bench.app_only(&[
            "Group.ReadWrite.All",
            "AuditLog.Read.All",
            "Directory.Read.All",
        ]);
        let body = json!({
            "displayName": "Sales", "mailEnabled": false, "mailNickname": "sales",
            "securityEnabled": true,
        });
        let group = bench
            .post(&app, "/v1.0/groups", body)
            .await
            .expect(201)
            .id();
        let root = bench.delegated("root", &["Group.ReadWrite.All"]);
        let path = format!("/v1.0/groups/{group}");
        bench
            .send("DELETE", &root, &path, &[], Value::Null)
            .await
            .expect(204);
        bench
            .send("DELETE", &root, &path, &[], Value::Null)
            .await
            .expect(404);
        let path = "/v1.0/auditLogs/directoryAudits?$filter=category%20eq%20'GroupManagement'";
        let log = bench.get(&app, path).await.expect(200);
        let of = |at: usize, name: &str| log.values()[at][name].clone();
        assert_eq!(log.values().len(), 2);
        assert_eq!(of(0, "activityDisplayName"), "Delete group");
        assert_eq!(of(1, "activityDisplayName"), "Add group");
        assert_eq!(
            of(0, "initiatedBy")["user"]["id"],
            bench.user("root").to_string()
        );
        assert_eq!(of(1, "targetResources")[0]["id"], group);
        bench
            .get(
                &bench.app_only(&["Group.Read.All"]),
                "/v1.0/auditLogs/directoryAudits",
            )
            .await
            .expect(403);
    }
}
