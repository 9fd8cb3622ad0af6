//! `/me/people`: colleagues, first those of whom there is most mail.
//!
//! Source: learn.microsoft.com/graph/api/user-list-people. Unverified: the scores.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::directory::ObjectId;
use crate::graph::call::Call;
use crate::graph::collection::members;
use crate::graph::generic::behaviour::Behaviour;
use crate::mailbox::Properties;

/// What people add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[Behaviour {
    presets: Some(people),
    page: Some(10),
    searched: &["displayName", "userPrincipalName", "scoredEmailAddresses"],
    ..Behaviour::of("person")
}];

fn people(call: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    let owner = collection
        .strip_prefix("users/")
        .and_then(|it| it.strip_suffix("/people"));
    let owner: Option<ObjectId> = owner.and_then(|it| it.parse().ok());
    let Some(owner) = owner else {
        return Vec::new();
    };
    let mut mails: HashMap<String, usize> = HashMap::new();
    if let Ok(contents) = call.mailbox_of(owner) {
        contents.read(|contents| {
            for item in contents.messages.newest_first().take(LOOKED_AT) {
                let from = item.property("from").unwrap_or_default();
                if let Some(address) = from["emailAddress"]["address"].as_str() {
                    *mails.entry(address.to_ascii_lowercase()).or_default() += 1;
                }
            }
        });
    }
    let mut found: Vec<(usize, String, Properties)> = call.tenant.read(|directory| {
        let others = directory.users.values();
        let others = others.filter(|it| it.id != owner && it.deleted.is_none());
        others
            .map(|user| {
                let address = user.user_principal_name.as_str();
                let count = mails.get(&address.to_ascii_lowercase()).copied().unwrap_or(0);
                let text = |value: &str| if value.is_empty() { Value::Null } else { json!(value) };
                let score = f64::from(u32::try_from(count).unwrap_or(u32::MAX)) + 8.0;
                let person = json!({
                    "displayName": user.display_name,
                    "givenName": text(&user.given_name),
                    "surname": text(&user.surname),
                    "birthday": "",
                    "personNotes": "",
                    "isFavorite": false,
                    "jobTitle": user.job_title,
                    "companyName": null,
                    "officeLocation": user.office_location,
                    "userPrincipalName": address,
                    "imAddress": format!("sip:{address}"),
                    "scoredEmailAddresses": [{
                        "address": address, "relevanceScore": score, "selectionLikelihood": "notSpecified",
                    }],
                    "personType": {"class": "Person", "subclass": "OrganizationUser"},
                });
                (count, user.id.to_string(), members(person))
            })
            .collect()
    });
    found.sort_by(|(left, _, one), (right, _, other)| {
        let name = |it: &Properties| {
            it["displayName"]
                .as_str()
                .unwrap_or_default()
                .to_lowercase()
        };
        right.cmp(left).then_with(|| name(one).cmp(&name(other)))
    });
    found
        .into_iter()
        .map(|(_, id, person)| (id, person))
        .collect()
}

/// Messages that count.
const LOOKED_AT: usize = 500;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn colleagues_are_people_found_by_their_names() {
        let bench = Bench::new();
        let alice = bench.delegated("alice", &["People.Read"]);
        let all = bench.get(&alice, "/v1.0/me/people").await.expect(200);
        assert!(!all.values().is_empty() && all.values().len() <= 10);
        assert!(
            all.values()
                .iter()
                .all(|it| it["id"] != bench.user("alice").to_string())
        );
        let bob = bench
            .get(
                &alice,
                "/v1.0/me/people?$search=%22bob%22&$select=displayName,personType",
            )
            .await
            .expect(200);
        assert_eq!(bob.values().len(), 1, "{}", bob.text);
        assert_eq!(bob.values()[0]["personType"]["class"], "Person");
        let one = format!("/v1.0/me/people/{}", bench.user("bob"));
        assert_eq!(
            bench.get(&alice, &one).await.expect(200).body["isFavorite"],
            json!(false)
        );
        let china = Bench::at(
            crate::environment::Environment::China,
            "contoso.partner.onmschina.cn",
        );
        let carol = china.delegated("alice", &["People.Read"]);
        china.get(&carol, "/v1.0/me/people").await.expect(400);
    }
}
