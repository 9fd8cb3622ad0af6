//! The names of people who are given by their address.

use serde_json::{Value, json};

use super::call::Call;
use crate::mailbox::Properties;

/// Members that hold a `recipient` or a list of such.
const RECIPIENTS: [&str; 8] = [
    "attendees",
    "bccRecipients",
    "ccRecipients",
    "from",
    "organizer",
    "replyTo",
    "sender",
    "toRecipients",
];

/// Completes the names of all people in a resource: a colleague's name, or else the address.
///
/// Source: learn.microsoft.com/graph/api/user-post-messages (the answer names each recipient);
/// allodia-eu/email-calendar-sync-engine, fixtures/contacts/contacts_delta_snapshot.json.
pub(super) fn complete(call: &Call<'_>, properties: &mut Properties) {
    let mut people: Vec<&mut Value> = Vec::new();
    for (name, value) in properties.iter_mut() {
        if name == "emailAddresses" {
            people.extend(value.as_array_mut().into_iter().flatten());
        } else if RECIPIENTS.contains(&name.as_str()) {
            let recipients = match value {
                Value::Array(list) => list.as_mut_slice(),
                one => std::slice::from_mut(one),
            };
            people.extend(
                recipients
                    .iter_mut()
                    .filter_map(|it| it.get_mut("emailAddress")),
            );
        }
    }
    people.retain(|person| {
        let text = |name: &str| person[name].as_str().unwrap_or("").trim();
        text("name").is_empty() && !text("address").is_empty()
    });
    if people.is_empty() {
        return;
    }
    call.tenant.read(|directory| {
        for person in people {
            let address = person["address"].as_str().unwrap_or("").trim().to_owned();
            let known = directory.user_by_name(&address);
            let name = known.map_or_else(|| address.clone(), |user| user.display_name.clone());
            if let Value::Object(person) = person {
                // The service writes the name first.
                let address = person.shift_remove("address").unwrap_or_default();
                person.insert("name".to_owned(), json!(name));
                person.insert("address".to_owned(), address);
            }
        }
    });
}
