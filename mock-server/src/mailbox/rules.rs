//! The rules of an inbox: which mail they mean, and what becomes of it.
//!
//! Sources: learn.microsoft.com/graph/api/resources/messagerule, /messagerulepredicates,
//! /messageruleactions.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::item::{Attachment, AttachmentKind, Item};
use super::store::{Contents, base_subject, seconds};
use super::{ItemKey, Person, Properties, WellKnown};

/// Mail that a rule sends on.
pub(crate) struct Forward {
    /// The addresses.
    pub(crate) to: Vec<String>,
    /// The message.
    pub(crate) properties: Properties,
    /// Its files.
    pub(crate) attachments: Vec<Attachment>,
}

/// Applies rules to a message that has just come, in their order. Returns what is to be sent on.
pub(crate) fn apply(
    contents: &mut Contents,
    key: u64,
    rules: &[Properties],
    now: Timestamp,
) -> Vec<Forward> {
    let mut forwards = Vec::new();
    let Some(now_in) = contents.messages.get(&key).map(|it| it.folder) else {
        return forwards;
    };
    for rule in rules {
        let Some(item) = contents.messages.get(&key) else {
            break;
        };
        if !is_on(rule) || !means(rule, item, &contents.owner.person) {
            continue;
        }
        let actions = rule.get("actions").cloned().unwrap_or_default();
        forwards.extend(sent_on(&actions, item, &contents.owner.person, now));
        act(contents, key, &actions, now);
        if actions["stopProcessingRules"] == json!(true) {
            break;
        }
    }
    contents.begins_where_it_is(key, now_in);
    forwards
}

fn is_on(rule: &Properties) -> bool {
    let is = |name: &str| rule.get(name).and_then(Value::as_bool);
    is("isEnabled") != Some(false) && is("hasError") != Some(true)
}

/// Whether a rule means a message: all of its conditions hold, and none of its exceptions.
fn means(rule: &Properties, item: &Item, me: &Person) -> bool {
    let given = |name: &str| {
        let all = rule.get(name).and_then(Value::as_object);
        all.into_iter()
            .flatten()
            .filter(|(_, value)| demands(value))
            .collect::<Vec<_>>()
    };
    let message = Message::of(item, me);
    given("conditions")
        .iter()
        .all(|(name, value)| message.fits(name, value))
        && !given("exceptions")
            .iter()
            .any(|(name, value)| message.fits(name, value))
}

/// Whether a member says anything: the others say what a message must have.
fn demands(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(all) => !all.is_empty(),
        _ => true,
    }
}

/// What rules look at.
struct Message<'a> {
    item: &'a Item,
    properties: Properties,
    me: String,
}

impl<'a> Message<'a> {
    fn of(item: &'a Item, me: &Person) -> Self {
        Self {
            item,
            properties: item.properties(),
            me: me.address.to_lowercase(),
        }
    }

    fn get(&self, name: &str) -> &Value {
        self.properties.get(name).unwrap_or(&Value::Null)
    }

    fn text(&self, name: &str) -> String {
        self.get(name).as_str().unwrap_or_default().to_lowercase()
    }

    fn body(&self) -> String {
        let body = self.get("body")["content"].as_str();
        body.unwrap_or_default().to_lowercase()
    }

    /// The people of a list, or the one person.
    fn people(&self, name: &str) -> Vec<&Value> {
        match self.get(name) {
            Value::Array(all) => all.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        }
    }

    fn is_to(&self, list: &str, address: &str) -> bool {
        self.people(list).iter().any(|it| address_of(it) == address)
    }

    fn recipients(&self) -> Vec<&Value> {
        let mut all = self.people("toRecipients");
        all.extend(self.people("ccRecipients"));
        all
    }

    /// Whether one condition holds.
    fn fits(&self, name: &str, value: &Value) -> bool {
        let words = || words(value);
        let has_one = |text: &str| words().iter().any(|word| text.contains(word));
        let is_of = |people: &[&Value]| {
            let wanted = value.as_array().into_iter().flatten().map(address_of);
            let wanted: Vec<String> = wanted.collect();
            people.iter().any(|it| wanted.contains(&address_of(it)))
        };
        let is_named = |people: &[&Value]| people.iter().any(|it| has_one(&shown(it)));
        let same = |own: &str, otherwise: &str| {
            let own = self.get(own).as_str().unwrap_or(otherwise);
            value
                .as_str()
                .is_some_and(|it| it.eq_ignore_ascii_case(own))
        };
        match name {
            "subjectContains" => has_one(&self.text("subject")),
            "bodyContains" => has_one(&self.body()),
            "bodyOrSubjectContains" => has_one(&self.text("subject")) || has_one(&self.body()),
            "senderContains" => is_named(&self.people("from")),
            "recipientContains" => is_named(&self.recipients()),
            "fromAddresses" => is_of(&self.people("from")),
            "sentToAddresses" => is_of(&self.recipients()),
            "sentToMe" => self.is_to("toRecipients", &self.me),
            "sentCcMe" => self.is_to("ccRecipients", &self.me),
            "sentToOrCcMe" => {
                self.is_to("toRecipients", &self.me) || self.is_to("ccRecipients", &self.me)
            }
            "sentOnlyToMe" => self.is_to("toRecipients", &self.me) && self.recipients().len() == 1,
            "notSentToMe" => !self.is_to("toRecipients", &self.me),
            "hasAttachments" => self.item.attachments.iter().any(|it| !it.inline),
            "importance" => same("importance", "normal"),
            "sensitivity" => same("sensitivity", "normal"),
            "categories" => {
                let own = self.get("categories").as_array();
                let own: Vec<String> = own.into_iter().flatten().map(lower).collect();
                words().iter().any(|it| own.contains(it))
            }
            "headerContains" => {
                let headers = self.get("internetMessageHeaders").as_array();
                headers.into_iter().flatten().any(|it| {
                    let line = format!("{}: {}", lower(&it["name"]), lower(&it["value"]));
                    has_one(&line)
                })
            }
            "isMeetingRequest" => self.text("meetingMessageType") == "meetingrequest",
            "isMeetingResponse" => {
                let kind = self.text("meetingMessageType");
                [
                    "meetingaccepted",
                    "meetingdeclined",
                    "meetingtenativelyaccepted",
                ]
                .contains(&kind.as_str())
            }
            "withinSizeRange" => {
                let kilobytes = i64::try_from(self.item.size() / 1024).unwrap_or(i64::MAX);
                let bound = |name: &str| value[name].as_i64();
                bound("minimumSize").is_none_or(|it| it <= kilobytes)
                    && bound("maximumSize").is_none_or(|it| kilobytes <= it)
            }
            // Nothing that comes to a mailbox here is signed, encrypted, a voicemail, a report, an
            // automatic reply, or wants a vote.
            _ => false,
        }
    }
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(lower).collect()
}

fn lower(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_lowercase()
}

fn address_of(recipient: &Value) -> String {
    lower(&recipient["emailAddress"]["address"])
}

fn shown(recipient: &Value) -> String {
    let name = lower(&recipient["emailAddress"]["name"]);
    format!("{name} {}", address_of(recipient))
}

/// What happens to the message where it is.
fn act(contents: &mut Contents, key: u64, actions: &Value, now: Timestamp) {
    let is = |name: &str| actions[name] == json!(true);
    let folder = |contents: &Contents, name: &str| {
        let wanted = actions[name].as_str()?;
        if let Some(role) = WellKnown::of_mail_folder(wanted) {
            return Some(contents.well_known(role));
        }
        match contents.ids().decode(wanted) {
            Ok(ItemKey::Folder(key)) if contents.folders.contains_key(&key) => Some(key),
            _ => None,
        }
    };
    let categories = words_as_written(&actions["assignCategories"]);
    let importance = actions["markImportance"].as_str().map(str::to_owned);
    if is("markAsRead") || importance.is_some() || !categories.is_empty() {
        contents.change_message(key, now, |item| {
            item.read |= is("markAsRead");
            let mut properties = item.properties();
            if let Some(importance) = importance {
                properties.insert("importance".to_owned(), json!(importance));
            }
            if !categories.is_empty() {
                let own = properties.get("categories").map(words_as_written);
                let mut all = own.unwrap_or_default();
                all.extend(categories);
                all.dedup();
                properties.insert("categories".to_owned(), json!(all));
            }
            item.set_properties(&properties);
        });
    }
    if let Some(to) = folder(contents, "copyToFolder")
        && let Some(mut copy) = contents.messages.get(&key).cloned()
        && !contents.is_full_of_messages()
    {
        copy.key = contents.next_key();
        copy.folder = to;
        contents.add_message(copy);
    }
    if is("permanentDelete") {
        contents.remove_message(key);
    } else if is("delete") {
        let deleted = contents.well_known(WellKnown::DeletedItems);
        contents.move_message(key, deleted, now);
    } else if let Some(to) = folder(contents, "moveToFolder") {
        contents.move_message(key, to, now);
    }
}

fn words_as_written(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What the actions send to others.
fn sent_on(actions: &Value, item: &Item, me: &Person, now: Timestamp) -> Vec<Forward> {
    let people = |name: &str| -> Vec<&Value> {
        let all = actions[name].as_array().into_iter().flatten();
        all.filter(|it| !address_of(it).is_empty()).collect()
    };
    let original = item.properties();
    let mut found = Vec::new();
    let mut send = |people: Vec<&Value>, properties: Properties, attachments: Vec<Attachment>| {
        if !people.is_empty() {
            found.push(Forward {
                to: people.into_iter().map(address_of).collect(),
                properties,
                attachments,
            });
        }
    };
    let forward = |to: &[&Value]| {
        let subject = original.get("subject").and_then(Value::as_str);
        let subject = base_subject(subject.unwrap_or_default());
        let mut properties = Properties::new();
        properties.insert("subject".to_owned(), json!(format!("FW: {subject}")));
        properties.insert("from".to_owned(), me.recipient());
        properties.insert("sender".to_owned(), me.recipient());
        properties.insert("toRecipients".to_owned(), json!(to));
        properties.insert("sentDateTime".to_owned(), json!(seconds(now)));
        properties
    };
    let to = people("forwardTo");
    let mut whole = forward(&to);
    if let Some(body) = original.get("body") {
        whole.insert("body".to_owned(), body.clone());
    }
    send(to, whole, item.attachments.clone());
    let to = people("forwardAsAttachmentTo");
    let mut within = original.clone();
    within.insert("@odata.type".to_owned(), json!("#microsoft.graph.message"));
    let attached = Attachment {
        key: 1,
        name: item.text("subject"),
        content_type: "message/rfc822".to_owned(),
        inline: false,
        content_id: None,
        content: Vec::new(),
        modified: now,
        kind: AttachmentKind::Item(within),
    };
    let around = forward(&to);
    send(to, around, vec![attached]);
    // Whoever gets it sees it as it came.
    send(
        people("redirectTo"),
        original.clone(),
        item.attachments.clone(),
    );
    found
}
