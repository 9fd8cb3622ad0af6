//! Values of extensions on users: of properties that apps have registered (`extension_{app}_{name}`),
//! and of schema extensions.
//!
//! Sources: learn.microsoft.com/graph/extensibility-overview, "Directory extensions" and "Schema
//! extensions".

use serde_json::Value;

use super::call::Call;
use super::endpoint::Workload;
use super::error::GraphError;
use crate::mailbox::Properties;

/// What an extension is.
enum Kind {
    /// A property with the type of its values, and whether it has many.
    Property(String, bool),
    /// A schema.
    Schema,
}

/// Whether a name is that of an extension that objects of a type may have.
pub(super) fn is_one(call: &Call<'_>, of: &str, name: &str) -> bool {
    kind(call, of, name).is_some()
}

/// The extension with a name that objects of a type may have.
fn kind(call: &Call<'_>, of: &str, name: &str) -> Option<Kind> {
    let targets = |it: &Properties, list: &str| {
        let all = it.get(list).and_then(Value::as_array);
        let mut all = all.into_iter().flatten().filter_map(Value::as_str);
        all.any(|it| it.eq_ignore_ascii_case(of))
    };
    // What Exchange keeps is read while its mailbox is held: see `crate::lock`.
    if call.endpoint.workload != Workload::Directory {
        return None;
    }
    call.tenant.read_documents(|documents| {
        if let Some(schema) = documents.get("schemaExtensions", name) {
            return targets(&schema.properties, "targetTypes").then_some(Kind::Schema);
        }
        if !name.starts_with("extension_") {
            return None;
        }
        let mut collections = documents.collections();
        let found = collections.find_map(|(collection, mut all)| {
            if !collection.ends_with("/extensionProperties") {
                return None;
            }
            all.find(|it| it.properties.get("name").and_then(Value::as_str) == Some(name))
        })?;
        let text = |name: &str| found.properties.get(name).and_then(Value::as_str);
        let many = found.properties.get("isMultiValued") == Some(&Value::Bool(true));
        let kind = Kind::Property(text("dataType").unwrap_or("String").to_owned(), many);
        targets(&found.properties, "targetObjects").then_some(kind)
    })
}

/// Takes values of extensions out of a body, and checks them.
pub(super) fn take(
    call: &Call<'_>,
    of: &str,
    body: &mut Properties,
) -> Result<Properties, GraphError> {
    let known = |name: &str| crate::graph::schema::member(call.cloud(), of, name).is_some();
    let mut names: Vec<String> = body.keys().filter(|it| !known(it)).cloned().collect();
    let mut taken = Properties::new();
    names.retain(|it| !it.contains('@'));
    for name in names {
        let kind = match kind(call, of, &name) {
            Some(kind) => kind,
            // Unverified: the text.
            None if name.starts_with("extension_") => {
                return Err(GraphError::directory_request(format!(
                    "The following extension properties are not available: {name}."
                )));
            }
            None => continue,
        };
        let value = body.shift_remove(&name).unwrap_or_default();
        let fits = match (&kind, &value) {
            (_, Value::Null) => true,
            (Kind::Schema, value) => value.is_object(),
            (Kind::Property(of, true), Value::Array(all)) => all.iter().all(|it| is_of(of, it)),
            (Kind::Property(of, many), value) => !many && is_of(of, value),
        };
        if !fits {
            // Unverified: the text.
            return Err(GraphError::directory_request(format!(
                "Invalid value specified for property '{name}' of resource 'User'."
            )));
        }
        taken.insert(name, value);
    }
    Ok(taken)
}

/// Whether a value is of a type of extension properties.
///
/// Source: learn.microsoft.com/graph/api/resources/extensionproperty, `dataType`.
fn is_of(of: &str, value: &Value) -> bool {
    match of {
        "Boolean" => value.is_boolean(),
        "Integer" => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        "LargeInteger" => value.is_i64(),
        "DateTime" => value
            .as_str()
            .is_some_and(crate::graph::odata::evaluate::is_instant),
        // Source: the same page: 256 characters.
        _ => value.as_str().is_some_and(|it| it.chars().count() <= 256),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn users_have_values_of_extensions_that_are_registered() {
        let bench = Bench::new();
        let app = bench.app_only(&[
            "Application.ReadWrite.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
        ]);
        let mine = json!({"displayName": "Mine"});
        let made = bench
            .post(&app, "/v1.0/applications", mine)
            .await
            .expect(201);
        let list = format!("/v1.0/applications/{}/extensionProperties", made.id());
        let skype = json!({"name": "skypeId", "dataType": "String", "targetObjects": ["User"]});
        let made = bench.post(&app, &list, skype).await.expect(201);
        let name = made.body["name"].as_str().unwrap().to_owned();
        let alice = format!("/v1.0/users/{}", bench.user("alice"));
        bench
            .send(
                "PATCH",
                &app,
                &alice,
                &[],
                json!({name.as_str(): "alice.skype"}),
            )
            .await
            .expect(204);
        let read = bench
            .get(&app, &format!("{alice}?$select=id,{name}"))
            .await
            .expect(200);
        assert_eq!(read.body[&name], "alice.skype");
        assert!(
            bench
                .get(&app, &alice)
                .await
                .expect(200)
                .body
                .get(&name)
                .is_none()
        );
        let wrong = bench
            .send("PATCH", &app, &alice, &[], json!({name.as_str(): 5}))
            .await;
        assert_eq!(wrong.refused(400), "Request_BadRequest");
        let unknown = json!({"extension_0123456789abcdef0123456789abcdef_shoe": "44"});
        let unknown = bench
            .send("PATCH", &app, &alice, &[], unknown)
            .await
            .expect(400);
        assert!(
            unknown.text.contains("are not available"),
            "{}",
            unknown.text
        );
        let gone = json!({name.as_str(): null});
        bench
            .send("PATCH", &app, &alice, &[], gone)
            .await
            .expect(204);
        let read = bench
            .get(&app, &format!("{alice}?$select=id,{name}"))
            .await
            .expect(200);
        assert!(read.body.get(&name).is_none_or(serde_json::Value::is_null));
    }

    #[tokio::test]
    async fn users_have_values_of_schema_extensions() {
        let bench = Bench::new();
        let app = bench.app_only(&["Application.ReadWrite.All", "User.ReadWrite.All"]);
        let schema = json!({"id": "courses", "description": "Courses", "targetTypes": ["User"],
            "properties": [{"name": "level", "type": "Integer"}]});
        let made = bench
            .post(&app, "/v1.0/schemaExtensions", schema)
            .await
            .expect(201);
        let alice = format!("/v1.0/users/{}", bench.user("alice"));
        let id = made.id();
        bench
            .send(
                "PATCH",
                &app,
                &alice,
                &[],
                json!({id.as_str(): {"level": 3}}),
            )
            .await
            .expect(204);
        let read = bench
            .get(&app, &format!("{alice}?$select=id,{id}"))
            .await
            .expect(200);
        assert_eq!(read.body[&id], json!({"level": 3}));
        let unknown = bench
            .send("PATCH", &app, &alice, &[], json!({"contoso_courses": {}}))
            .await;
        unknown.refused(400);
    }
}
