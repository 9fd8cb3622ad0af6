//! Planner: each change names the state that it changes.
//!
//! Sources: learn.microsoft.com/graph/api/resources/planner-overview, /planner-post-plans,
//! /planner-post-tasks, /planner-post-buckets, /plannertask-update; the texts: issues of client
//! libraries, such as pnp/cli-microsoft365.

use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, New, Subject, text};
use crate::mailbox::{Properties, seconds};

/// What Planner adds.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        create: Some(plan),
        state: Some("Plan"),
        ..Behaviour::of("plannerPlan")
    },
    Behaviour {
        create: Some(bucket),
        state: Some("Bucket"),
        ..Behaviour::of("plannerBucket")
    },
    Behaviour {
        create: Some(task),
        change: Some(change),
        show: Some(show),
        state: Some("Task"),
        ..Behaviour::of("plannerTask")
    },
    Behaviour {
        change: Some(change),
        state: Some("TaskDetails"),
        ..Behaviour::of("plannerTaskDetails")
    },
    Behaviour {
        change: Some(change),
        state: Some("PlanDetails"),
        ..Behaviour::of("plannerPlanDetails")
    },
    Behaviour {
        state: Some("AssignedToTaskBoardFormat"),
        ..Behaviour::of("plannerAssignedToTaskBoardTaskFormat")
    },
    Behaviour {
        state: Some("BucketTaskBoardFormat"),
        ..Behaviour::of("plannerBucketTaskBoardTaskFormat")
    },
    Behaviour {
        state: Some("ProgressTaskBoardFormat"),
        ..Behaviour::of("plannerProgressTaskBoardTaskFormat")
    },
];

/// A plan is contained in a group: `owner`, or `container` with its address.
fn plan(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    needed(new, "title")?;
    let owner = text(&new.properties, "owner").map(str::to_owned);
    let container = new.properties.get("container");
    let of = |name: &str| {
        let found = container
            .and_then(|it| it.get(name))
            .and_then(Value::as_str);
        found.map(str::to_owned)
    };
    let by_address = of("url").and_then(|url| Some(url.rsplit('/').next()?.to_owned()));
    let group = owner.or_else(|| of("containerId")).or(by_address);
    let group = group.ok_or_else(|| missing("container"))?;
    let address = format!("groups/{group}");
    let (known, member) = call.tenant.read_documents(|documents| {
        let linked = |name: &str| documents.links(&format!("{address}/{name}")).to_vec();
        let members = [linked("members"), linked("owners")].concat();
        let user = call.actor.user().map(|it| format!("users/{it}"));
        let member = user.is_none_or(|user| members.contains(&user));
        (documents.get("groups", &group).is_some(), member)
    });
    if !known || !member {
        return Err(GraphError::new(
            axum::http::StatusCode::FORBIDDEN,
            "",
            "You do not have the required permissions to access this item, or the item may not \
             exist.",
        ));
    }
    let url = format!("{}/groups/{group}", call.root());
    new.set(
        "container",
        json!({"containerId": group, "type": "group", "url": url}),
    );
    new.set("owner", group);
    Ok(())
}

fn bucket(_: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    needed(new, "name")?;
    needed(new, "planId")?;
    new.set("orderHint", hint(&new.id));
    Ok(())
}

fn task(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    needed(new, "title")?;
    needed(new, "planId")?;
    new.default("percentComplete", 0);
    new.default("priority", 5);
    new.default("previewType", "automatic");
    new.default("assignments", json!({}));
    new.default("appliedCategories", json!({}));
    new.set("orderHint", hint(&new.id));
    new.set("assigneePriority", "");
    assigned(call, &mut new.properties);
    complete(call, &mut new.properties);
    Ok(())
}

/// A change of an open member changes what it names; null takes one away.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a hook: other areas refuse changes"
)]
fn change(call: &Call<'_>, of: &Subject<'_>, after: &mut Properties) -> Result<(), GraphError> {
    let before = of.properties(call).unwrap_or_default();
    for name in [
        "assignments",
        "appliedCategories",
        "checklist",
        "references",
        "categoryDescriptions",
        "sharedWith",
    ] {
        let (Some(Value::Object(had)), Some(Value::Object(sent))) =
            (before.get(name), after.get(name))
        else {
            continue;
        };
        let mut merged = had.clone();
        for (key, value) in sent {
            match (merged.get_mut(key), value) {
                (_, Value::Null) => {
                    merged.shift_remove(key);
                }
                (Some(Value::Object(kept)), Value::Object(more)) => {
                    kept.extend(more.clone());
                }
                _ => {
                    merged.insert(key.clone(), value.clone());
                }
            }
        }
        after.insert(name.to_owned(), Value::Object(merged));
    }
    assigned(call, after);
    complete(call, after);
    Ok(())
}

/// Who assigned somebody, and when.
fn assigned(call: &Call<'_>, task: &mut Properties) {
    let by = json!({"user": {"id": call.actor.user(), "displayName": null},
                    "application": {"id": call.client.to_string(), "displayName": null}});
    let all = task.get_mut("assignments").and_then(Value::as_object_mut);
    for assignment in all.into_iter().flat_map(serde_json::Map::values_mut) {
        if assignment.is_object() && assignment.get("assignedDateTime").is_none() {
            assignment["@odata.type"] = json!("#microsoft.graph.plannerAssignment");
            assignment["assignedDateTime"] = json!(seconds(call.now));
            assignment["assignedBy"] = by.clone();
            assignment["orderHint"] = json!(hint("assignment"));
        }
    }
}

/// A task is complete at 100 per cent.
fn complete(call: &Call<'_>, task: &mut Properties) {
    let done = task.get("percentComplete") == Some(&json!(100));
    let known = task
        .get("completedDateTime")
        .is_some_and(|it| !it.is_null());
    if done && !known {
        task.insert("completedDateTime".to_owned(), json!(seconds(call.now)));
    } else if !done && known {
        task.shift_remove("completedDateTime");
    }
}

/// What follows from the details of a task.
fn show(call: &Call<'_>, task: &Subject<'_>, shown: &mut Properties) {
    let place = format!("planner/tasks/{}/details", task.id);
    let details = Subject::of(&place, "").properties(call).unwrap_or_default();
    let count = |name: &str| {
        details
            .get(name)
            .and_then(Value::as_object)
            .map_or(0, serde_json::Map::len)
    };
    let checklist = details.get("checklist").and_then(Value::as_object);
    let open = checklist.map_or(0, |it| {
        it.values().filter(|it| it["isChecked"] != true).count()
    });
    let described = text(&details, "description").is_some_and(|it| !it.is_empty());
    for (name, value) in [
        ("hasDescription", json!(described)),
        ("checklistItemCount", json!(count("checklist"))),
        ("activeChecklistItemCount", json!(open)),
        ("referenceCount", json!(count("references"))),
    ] {
        shown.insert(name.to_owned(), value);
    }
}

/// A place in an order. Unverified: the numbers.
fn hint(id: &str) -> String {
    let sum: u32 = id.bytes().map(u32::from).sum();
    format!("85857233{:08}", sum % 100_000_000)
}

fn needed(new: &New, name: &'static str) -> Result<(), GraphError> {
    let there = text(&new.properties, name).is_some_and(|it| !it.is_empty());
    if there { Ok(()) } else { Err(missing(name)) }
}

/// Unverified: the text.
fn missing(name: &str) -> GraphError {
    GraphError::new(
        axum::http::StatusCode::BAD_REQUEST,
        "",
        format!("The request is invalid: the field '{name}' is required."),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn a_task_is_changed_by_who_names_its_state() {
        let bench = Bench::new();
        let app = bench.app_only(&["Tasks.ReadWrite.All", "Group.ReadWrite.All"]);
        let group = json!({"displayName": "Sales", "mailEnabled": true, "mailNickname": "sales",
                           "securityEnabled": false, "groupTypes": ["Unified"]});
        let group = bench.post(&app, "/v1.0/groups", group).await.expect(201);
        let plan = json!({"owner": group.id(), "title": "Launch"});
        let plan = bench
            .post(&app, "/v1.0/planner/plans", plan)
            .await
            .expect(201);
        let plans = format!("/v1.0/groups/{}/planner/plans", group.id());
        assert_eq!(
            bench.get(&app, &plans).await.expect(200).values()[0]["id"],
            plan.id()
        );
        let nowhere = json!({"owner": "nobody", "title": "Launch"});
        bench
            .post(&app, "/v1.0/planner/plans", nowhere)
            .await
            .expect(403);
        let body = json!({"planId": plan.id(), "title": "Invite",
            "assignments": {bench.user("alice").to_string(): {"@odata.type": "#microsoft.graph.plannerAssignment", "orderHint": " !"}}});
        let task = bench
            .post(&app, "/v1.0/planner/tasks", body)
            .await
            .expect(201);
        let path = format!("/v1.0/planner/tasks/{}", task.id());
        let state = task.body["@odata.etag"].as_str().unwrap().to_owned();
        let done = json!({"percentComplete": 100});
        let without = bench
            .send("PATCH", &app, &path, &[], done.clone())
            .await
            .expect(412);
        assert_eq!(
            without.body["error"]["message"],
            "The If-Match header must be specified for this kind of request."
        );
        bench
            .send(
                "PATCH",
                &app,
                &path,
                &[("if-match", "nonsense")],
                done.clone(),
            )
            .await
            .expect(400);
        bench
            .send("PATCH", &app, &path, &[("if-match", &state)], done.clone())
            .await
            .expect(204);
        bench
            .send("PATCH", &app, &path, &[("if-match", &state)], done)
            .await
            .expect(412);
        let read = bench.get(&app, &path).await.expect(200);
        assert!(read.body["completedDateTime"].is_string());
        assert_eq!(read.body["checklistItemCount"], 0);
        let state = read.body["@odata.etag"].as_str().unwrap().to_owned();
        // What an open member names is changed alone; null takes it away.
        let bob = json!({"assignments": {bench.user("bob").to_string(): {"@odata.type": "#microsoft.graph.plannerAssignment", "orderHint": " !"}}});
        let whole = [
            ("if-match", state.as_str()),
            ("prefer", "return=representation"),
        ];
        let changed = bench
            .send("PATCH", &app, &path, &whole, bob)
            .await
            .expect(200);
        assert_eq!(changed.body["assignments"].as_object().unwrap().len(), 2);
        let details = format!("{path}/details");
        let read = bench.get(&app, &details).await.expect(200);
        let state = read.body["@odata.etag"].as_str().unwrap().to_owned();
        let text = json!({"description": "By mail", "checklist": {"a": {"@odata.type": "#microsoft.graph.plannerChecklistItem", "title": "x"}}});
        bench
            .send("PATCH", &app, &details, &[("if-match", &state)], text)
            .await
            .expect(204);
        let read = bench.get(&app, &path).await.expect(200);
        assert_eq!(
            (
                &read.body["hasDescription"],
                &read.body["checklistItemCount"]
            ),
            (&json!(true), &json!(1))
        );
        let state = read.body["@odata.etag"].as_str().unwrap().to_owned();
        bench
            .send("DELETE", &app, &path, &[], Value::Null)
            .await
            .expect(412);
        bench
            .send("DELETE", &app, &path, &[("if-match", &state)], Value::Null)
            .await
            .expect(204);
    }
}
