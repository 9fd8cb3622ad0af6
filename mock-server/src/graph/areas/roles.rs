//! Directory roles: templates, activated roles and their members, role management.
//!
//! Who holds a built-in role stands with the person in the directory, so that consent, the rights
//! of administrators and `wids` in tokens follow.
//!
//! Sources: learn.microsoft.com/graph/api/resources/directoryrole,
//! /resources/unifiedroledefinition, /resources/unifiedroleassignment; names and ids:
//! learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::directory::{ObjectId, RoleTemplate};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, Linking, New, Subject};
use crate::mailbox::Properties;

/// What directory roles add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        presets: Some(templates),
        ..Behaviour::of("directoryRoleTemplate")
    },
    Behaviour {
        create: Some(activate),
        link: Some(link),
        presets: Some(roles),
        ..Behaviour::of("directoryRole")
    },
    Behaviour {
        presets: Some(definitions),
        ..Behaviour::of("unifiedRoleDefinition")
    },
    Behaviour {
        create: Some(assign),
        delete: Some(unassign),
        presets: Some(assignments),
        ..Behaviour::of("unifiedRoleAssignment")
    },
];

fn document(value: Value) -> Properties {
    crate::graph::collection::members(value)
}

fn templates(_: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    if collection != "directoryRoleTemplates" {
        return Vec::new();
    }
    let shown = |it: &RoleTemplate| {
        let value = json!({"displayName": it.name, "description": null, "deletedDateTime": null});
        (it.id.clone(), document(value))
    };
    RoleTemplate::all().iter().map(shown).collect()
}

/// The roles that somebody holds, and the global administrator, which each tenant has.
fn roles(call: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    if collection != "directoryRoles" {
        return Vec::new();
    }
    let held = call.tenant.read(|directory| {
        let all = RoleTemplate::all().iter();
        all.filter(|it| it.is_global_administrator() || directory.holders_of(it).next().is_some())
            .map(|it| (it.object_id(directory.id), it))
            .collect::<Vec<_>>()
    });
    held.into_iter()
        .map(|(id, template)| (id.to_string(), role(template)))
        .collect()
}

fn role(template: &RoleTemplate) -> Properties {
    document(json!({
        "deletedDateTime": null,
        "description": null,
        "displayName": template.name,
        "roleTemplateId": template.id,
    }))
}

/// `POST /directoryRoles`: the role of a template comes to be in the tenant.
fn activate(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let named = new.properties.get("roleTemplateId").and_then(Value::as_str);
    let template = named
        .and_then(RoleTemplate::find)
        .ok_or_else(|| GraphError::resource_not_found(named.unwrap_or_default()))?;
    new.id = template.object_id(call.tenant.id).to_string();
    let active = roles(call, "directoryRoles")
        .iter()
        .any(|(id, _)| *id == new.id)
        || call
            .tenant
            .read_documents(|it| it.get("directoryRoles", &new.id).is_some());
    if active {
        return Err(GraphError::directory_request(CONFLICT));
    }
    new.properties = role(template);
    Ok(())
}

/// The members of a role are those who hold it.
fn link(call: &Call<'_>, role: &Subject<'_>, linking: &Linking<'_>) -> Result<bool, GraphError> {
    let template = call.tenant.read(|directory| {
        let mut all = RoleTemplate::all().iter();
        all.find(|it| it.object_id(directory.id).to_string() == role.id)
    });
    let (Some(template), "members", Some(user)) =
        (template, linking.navigation, user_at(linking.target))
    else {
        return Ok(false);
    };
    let changed = call
        .tenant
        .write(|it| it.set_role(user, template, linking.adds));
    if changed {
        Ok(true)
    } else if linking.adds {
        Err(GraphError::already_linked(linking.navigation))
    } else {
        Err(GraphError::resource_not_found(&user.to_string()))
    }
}

fn user_at(address: &str) -> Option<ObjectId> {
    address.strip_prefix("users/")?.parse().ok()
}

fn definitions(_: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    if collection != DEFINITIONS {
        return Vec::new();
    }
    let shown = |it: &RoleTemplate| {
        let value = json!({
            "description": null,
            "displayName": it.name,
            "isBuiltIn": true,
            "isEnabled": it.enabled,
            "resourceScopes": ["/"],
            "templateId": it.id,
            "version": "1",
        });
        (it.id.clone(), document(value))
    };
    RoleTemplate::all().iter().map(shown).collect()
}

fn assignments(call: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    if collection != ASSIGNMENTS {
        return Vec::new();
    }
    call.tenant.read(|directory| {
        RoleTemplate::all()
            .iter()
            .flat_map(|template| {
                directory.holders_of(template).map(|user| {
                    let id = assignment_id(template, user);
                    let value = json!({
                        "directoryScopeId": "/",
                        "principalId": user,
                        "roleDefinitionId": template.id,
                    });
                    (id, document(value))
                })
            })
            .collect()
    })
}

/// Role and principal, in the form that assignments of the service have.
fn assignment_id(template: &RoleTemplate, user: ObjectId) -> String {
    let role: Uuid = template.id.parse().unwrap_or_default();
    let mut bytes = role.to_bytes_le().to_vec();
    bytes.extend(user.0.to_bytes_le());
    format!("{}-1", URL_SAFE_NO_PAD.encode(bytes))
}

/// `POST /roleManagement/directory/roleAssignments`: for the whole tenant it gives a person the
/// role; for a part of it, and for groups and apps, it is kept and gives nothing.
fn assign(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    if new.collection != ASSIGNMENTS {
        return Ok(());
    }
    let text = |name: &str| new.properties.get(name).and_then(Value::as_str);
    let required = |name: &str| GraphError::value_required(name, "RoleAssignment");
    let role = text("roleDefinitionId").ok_or_else(|| required("roleDefinitionId"))?;
    let principal = text("principalId").ok_or_else(|| required("principalId"))?;
    let template = RoleTemplate::find(role);
    let own = call
        .tenant
        .read_documents(|it| it.get(DEFINITIONS, role).is_some());
    if template.is_none() && !own {
        return Err(GraphError::resource_not_found(role));
    }
    let whole = text("directoryScopeId").unwrap_or("/") == "/";
    let user: Option<ObjectId> = principal.parse().ok();
    let user = user.filter(|user| call.tenant.read(|it| it.user(*user).is_some()));
    if let (Some(template), Some(user), true) = (template, user, whole) {
        if !call.tenant.write(|it| it.set_role(user, template, true)) {
            return Err(GraphError::directory_request(CONFLICT));
        }
        new.id = assignment_id(template, user);
        new.elsewhere = true;
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all behaviours")]
fn unassign(call: &Call<'_>, assignment: &Subject<'_>) -> Result<bool, GraphError> {
    if assignment.collection != ASSIGNMENTS {
        return Ok(false);
    }
    let held = call.tenant.read(|directory| {
        RoleTemplate::all().iter().find_map(|template| {
            let mut holders = directory.holders_of(template);
            let user = holders.find(|user| assignment_id(template, *user) == assignment.id)?;
            Some((template, user))
        })
    });
    Ok(held
        .is_some_and(|(template, user)| call.tenant.write(|it| it.set_role(user, template, false))))
}

const ASSIGNMENTS: &str = "roleManagement/directory/roleAssignments";
const DEFINITIONS: &str = "roleManagement/directory/roleDefinitions";
const CONFLICT: &str = "A conflicting object with one or more of the specified property values is \
                        present in the directory.";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn a_role_that_is_assigned_is_held_and_taken_away() {
        let bench = Bench::new();
        let app = bench.app_only(&["RoleManagement.ReadWrite.Directory", "Directory.Read.All"]);
        let (role, alice) = ("fe930be7-5e62-47db-91af-98c3a49a38b1", bench.user("alice"));
        let assignments = "/v1.0/roleManagement/directory/roleAssignments";
        let body = json!({"principalId": alice, "roleDefinitionId": role, "directoryScopeId": "/"});
        let made = bench
            .post(&app, assignments, body.clone())
            .await
            .expect(201);
        assert_eq!(
            bench.post(&app, assignments, body).await.refused(400),
            "Request_BadRequest"
        );
        let filter = format!("{assignments}?$filter=principalId%20eq%20'{alice}'");
        let listed = bench.get(&app, &filter).await.expect(200);
        assert_eq!(listed.values()[0]["id"], made.id());
        let roles = bench.get(&app, "/v1.0/directoryRoles").await.expect(200);
        let user_administrator = roles
            .values()
            .iter()
            .find(|it| it["roleTemplateId"] == role)
            .unwrap();
        let members = format!(
            "/v1.0/directoryRoles/{}/members",
            user_administrator["id"].as_str().unwrap()
        );
        assert_eq!(
            bench.get(&app, &members).await.expect(200).values()[0]["id"],
            alice.to_string()
        );
        let one = format!("{members}/{alice}/$ref");
        bench
            .send("DELETE", &app, &one, &[], Value::Null)
            .await
            .expect(204);
        let gone = bench
            .get(&app, &format!("{assignments}/{}", made.id()))
            .await;
        assert_eq!(gone.refused(404), "Request_ResourceNotFound");
    }

    #[tokio::test]
    async fn every_tenant_has_the_definitions_of_built_in_roles() {
        let bench = Bench::new();
        let app = bench.app_only(&["RoleManagement.Read.Directory"]);
        let path = "/v1.0/roleManagement/directory/roleDefinitions";
        let all = bench.get(&app, path).await.expect(200);
        assert!(all.values().len() >= 100);
        let one = format!("{path}/62e90394-69f5-4237-9190-012177145e10");
        assert_eq!(
            bench.get(&app, &one).await.expect(200).body["displayName"],
            "Global Administrator"
        );
    }
}
