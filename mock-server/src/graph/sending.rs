//! Sending: `sendMail`, drafts, replies and forwards.
//!
//! Sources: learn.microsoft.com/graph/api/user-sendmail, /message-reply, /message-forward,
//! /outlook-send-mail-from-other-user.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::access::Actor;
use super::attachments;
use super::call::{Action, Call, Reply};
use super::endpoint::Workload;
use super::error::GraphError;
use super::{events, message, messages, mime, people, schema, text};
use crate::directory::{MailboxRight, ObjectId};
use crate::mailbox::{Attachment, Item, Owner, Properties, WellKnown, base_subject, seconds};

/// What is made of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    Forward,
    Reply,
    ReplyAll,
}

/// `POST …/sendMail`.
pub(super) fn send_mail(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (properties, attachments, save) = if mime::is_mime(call) {
        let (properties, attachments) = mime::read(call)?;
        (properties, attachments, true)
    } else {
        let mut action = Action(call.json()?);
        let message = action
            .take("message")
            .ok_or_else(|| GraphError::invalid_request("The parameter 'Message' is missing."))?;
        let save = action.boolean("SaveToSentItems", true)?;
        action.finish("sendMail")?;
        let mut properties = checked(call, message)?;
        let attachments = attachments::take(call, &mut properties)?;
        (properties, attachments, save)
    };
    deliver(call, properties, &attachments, save)?;
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// `POST …/messages/{id}/send`.
pub(super) fn send_draft(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    let (key, properties, attachments) = {
        contents.read(|contents| {
            let item = messages::find(call, contents)?;
            if !item.draft {
                // Unverified: code and text.
                return Err(GraphError::invalid_request("Only drafts can be sent."));
            }
            let mut properties = item.properties();
            let id = message::internet_message_id(contents, item);
            properties.insert("internetMessageId".to_owned(), json!(id));
            Ok((item.key, properties, item.attachments.clone()))
        })?
    };
    let sent = deliver(call, properties, &attachments, false)?;
    contents.write(|contents| {
        let to = contents.well_known(WellKnown::SentItems);
        contents.move_message(key, to, call.now);
        contents.change_message(key, call.now, |item| {
            item.draft = false;
            item.received = call.now;
            item.set_properties(&sent);
        });
        Ok(Reply::empty(StatusCode::ACCEPTED))
    })
}

/// `POST …/messages/{id}/reply`, `/replyAll`, `/forward`.
pub(super) fn answer(call: &Call<'_>, kind: Answer) -> Result<Reply, GraphError> {
    let (properties, attachments, _) = compose(call, kind)?;
    deliver(call, properties, &attachments, true)?;
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// `POST …/messages/{id}/createReply`, `/createReplyAll`, `/createForward`.
pub(super) fn create(call: &Call<'_>, kind: Answer) -> Result<Reply, GraphError> {
    let (properties, attachments, conversation) = compose(call, kind)?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let folder = contents.well_known(WellKnown::Drafts);
        messages::room(contents)?;
        let key = messages::draft(call, contents, folder, properties, attachments);
        contents
            .messages
            .change(key, |item| item.conversation = conversation);
        let item = contents
            .messages
            .get(&key)
            .ok_or_else(GraphError::item_not_found)?;
        messages::shown(call, contents, item)
    })
}

/// The message that answers another one.
fn compose(
    call: &Call<'_>,
    kind: Answer,
) -> Result<(Properties, Vec<Attachment>, u64), GraphError> {
    let mut action = if mime::is_mime(call) {
        let (message, _) = mime::read(call)?;
        Action(Properties::from_iter([(
            "message".to_owned(),
            Value::Object(message),
        )]))
    } else {
        call.action()?
    };
    let comment = action.text("comment")?;
    let changes = action
        .take("message")
        .map(|it| checked(call, it))
        .transpose()?;
    let mut changes = changes.unwrap_or_default();
    let to = action.take("toRecipients");
    action.finish("reply")?;
    if comment.is_some() && changes.contains_key("body") {
        // Source: learn.microsoft.com/graph/api/message-reply. Unverified: the text.
        return Err(GraphError::invalid_request(
            "Specify either a comment or the body of the message, but not both.",
        ));
    }
    if to.is_some() && changes.contains_key("toRecipients") {
        return Err(GraphError::invalid_request(
            "Specify the recipients either as a parameter or in the message, but not both.",
        ));
    }
    if let Some(to) = to {
        let body = Properties::from_iter([("toRecipients".to_owned(), to)]);
        changes.extend(schema::object(
            call.cloud(),
            Workload::Mailbox,
            "message",
            body,
        )?);
    }
    let extra = attachments::take(call, &mut changes)?;
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let item = messages::find(call, contents)?;
        let me = contents.owner.person.address.clone();
        let mut properties = quoted(item, kind, &me, comment.as_deref().unwrap_or(""));
        for name in ["sender", "from"] {
            properties.insert(name.to_owned(), contents.owner.person.recipient());
        }
        properties.extend(changes);
        let mut files = if kind == Answer::Forward {
            item.attachments.clone()
        } else {
            Vec::new()
        };
        files.extend(extra);
        Ok((properties, files, item.conversation))
    })
}

/// Subject, recipients and quoted text of an answer.
fn quoted(item: &Item, kind: Answer, me: &str, comment: &str) -> Properties {
    let original = item.properties();
    let get = |name: &str| original.get(name).cloned().unwrap_or(Value::Null);
    let subject = get("subject");
    let subject = base_subject(subject.as_str().unwrap_or("")).to_owned();
    let mark = if kind == Answer::Forward { "FW" } else { "RE" };
    let list = |name: &str| match get(name) {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    let address = |it: &Value| {
        it["emailAddress"]["address"]
            .as_str()
            .unwrap_or("")
            .to_lowercase()
    };
    let mut to = Vec::new();
    let mut cc = Vec::new();
    if kind != Answer::Forward {
        let reply_to = list("replyTo");
        to = if reply_to.is_empty() {
            vec![get("from")]
        } else {
            reply_to
        };
    }
    if kind == Answer::ReplyAll {
        let others = |list: Vec<Value>| {
            list.into_iter()
                .filter(|it| address(it) != me.to_lowercase())
        };
        to.extend(others(list("toRecipients")));
        cc.extend(others(list("ccRecipients")));
    }
    let body = get("body");
    let content = body["content"].as_str().unwrap_or("");
    let html = body["contentType"]
        .as_str()
        .is_some_and(|it| it.eq_ignore_ascii_case("html"));
    let content = if html {
        content.to_owned()
    } else {
        text::escape(content).replace("\r\n", "<br>")
    };
    let from = get("from");
    let who = |name: &str| text::escape(from["emailAddress"][name].as_str().unwrap_or(""));
    let quoted = format!(
        "<html><body>{}<hr><div><b>From:</b> {} &lt;{}&gt;<br><b>Sent:</b> {}<br><b>Subject:</b> \
         {}</div><br>{content}</body></html>",
        text::escape(comment),
        who("name"),
        who("address"),
        seconds(item.received),
        text::escape(get("subject").as_str().unwrap_or("")),
    );
    let mut found = Properties::new();
    found.insert("subject".to_owned(), json!(format!("{mark}: {subject}")));
    found.insert(
        "body".to_owned(),
        json!({"contentType": "html", "content": quoted}),
    );
    found.insert("toRecipients".to_owned(), json!(to));
    found.insert("ccRecipients".to_owned(), json!(cc));
    found
}

/// Sends a message: into the mailboxes of recipients in the tenant, and (if wanted) into the
/// sender's Sent Items. Returns the message as sent.
fn deliver(
    call: &Call<'_>,
    mut properties: Properties,
    attachments: &[Attachment],
    save: bool,
) -> Result<Properties, GraphError> {
    let recipients = recipients(&properties)?;
    let account = call.target()?.user;
    let contents = call.mailbox()?;
    let me = contents.read(|it| it.owner.person.clone());
    let sender = sender(call, account, &properties)?;
    properties.insert("from".to_owned(), sender.from);
    properties.insert("sender".to_owned(), sender.sender);
    properties.insert("sentDateTime".to_owned(), json!(seconds(call.now)));
    let domain = me.address.rsplit('@').next().unwrap_or("example");
    properties
        .entry("internetMessageId")
        .or_insert_with(|| json!(format!("<{}@{domain}>", call.world.random.uuid().simple())));
    let mut arrived = properties.clone();
    arrived.shift_remove("bccRecipients");
    arrived.shift_remove("flag");
    if arrived.get("isDeliveryReceiptRequested") == Some(&json!(false)) {
        arrived.shift_remove("isDeliveryReceiptRequested");
    }
    let owners = events::owners(call, &recipients);
    if save {
        contents.write(|contents| {
            messages::room(contents)?;
            let folder = contents.well_known(WellKnown::SentItems);
            let key = contents.receive(folder, &properties, attachments.to_vec(), call.now);
            contents.messages.change(key, |item| item.read = true);
            Ok::<_, GraphError>(())
        })?;
    }
    for owner in owners {
        let contents = call.tenant.mailboxes.open(&owner, call.now);
        let come = contents.write(|contents| {
            // A full mailbox takes nothing. The service tells the sender by a message.
            if contents.is_full_of_messages() {
                return None;
            }
            let inbox = contents.well_known(WellKnown::Inbox);
            Some(contents.receive(inbox, &arrived, attachments.to_vec(), call.now))
        });
        if let Some(key) = come {
            call.tenant.run_rules(owner.id, key, call.now);
        }
    }
    Ok(properties)
}

struct Sender {
    from: Value,
    sender: Value,
}

/// Who sends: the account of the path, or the `from` of the message where the rights allow it.
fn sender(
    call: &Call<'_>,
    account: ObjectId,
    properties: &Properties,
) -> Result<Sender, GraphError> {
    call.tenant.read(|directory| {
        let recipient = |id: ObjectId| {
            Owner::of(directory, id)
                .map(|owner| owner.person.recipient())
                .ok_or_else(GraphError::no_mailbox)
        };
        let wanted = properties
            .get("from")
            .and_then(|from| from["emailAddress"]["address"].as_str())
            .filter(|address| !address.is_empty());
        let from = match wanted {
            None => account,
            Some(address) => {
                directory
                    .user_by_name(address)
                    .ok_or_else(GraphError::send_as_denied)?
                    .id
            }
        };
        let Actor::User(user, _) = &call.actor else {
            // An app may send as any mailbox that it may use; `from` names another account here.
            // Unverified: that the right of the mailbox is asked for.
            if from == account {
                return Ok(Sender {
                    from: recipient(from)?,
                    sender: recipient(from)?,
                });
            }
            let owner = directory
                .user(from)
                .ok_or_else(GraphError::send_as_denied)?;
            if owner.grants_mailbox_right(account, &[MailboxRight::SendAs]) {
                return Ok(Sender {
                    from: recipient(from)?,
                    sender: recipient(from)?,
                });
            }
            return Err(GraphError::send_as_denied());
        };
        if from == *user {
            return Ok(Sender {
                from: recipient(from)?,
                sender: recipient(from)?,
            });
        }
        // Another's name: the permission, and the right in that mailbox.
        if !call.actor.holds("Mail.Send.Shared") {
            return Err(GraphError::send_as_denied());
        }
        let owner = directory
            .user(from)
            .ok_or_else(GraphError::send_as_denied)?;
        if owner.grants_mailbox_right(*user, &[MailboxRight::SendAs]) {
            Ok(Sender {
                from: recipient(from)?,
                sender: recipient(from)?,
            })
        } else if owner.grants_mailbox_right(*user, &[MailboxRight::SendOnBehalf]) {
            Ok(Sender {
                from: recipient(from)?,
                sender: recipient(*user)?,
            })
        } else {
            Err(GraphError::send_as_denied())
        }
    })
}

/// The addresses of all recipients, each once.
fn recipients(properties: &Properties) -> Result<Vec<String>, GraphError> {
    let mut found: Vec<String> = Vec::new();
    for name in ["toRecipients", "ccRecipients", "bccRecipients"] {
        for recipient in properties
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let address = recipient["emailAddress"]["address"]
                .as_str()
                .unwrap_or("")
                .trim();
            let valid = address.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            });
            if !valid {
                let name = recipient["emailAddress"]["name"].as_str();
                let shown = name.filter(|_| address.is_empty()).unwrap_or(address);
                return Err(GraphError::unresolved_recipient(shown));
            }
            let address = address.to_lowercase();
            if !found.contains(&address) {
                found.push(address);
            }
        }
    }
    if found.is_empty() {
        Err(GraphError::no_recipients())
    } else {
        Ok(found)
    }
}

/// The message of an action, checked as a message; what only the service sets is dropped.
fn checked(call: &Call<'_>, message: Value) -> Result<Properties, GraphError> {
    let Value::Object(body) = message else {
        return Err(GraphError::unexpected_node("PrimitiveValue", "StartObject"));
    };
    let mut properties = schema::object(call.cloud(), Workload::Mailbox, "message", body)?;
    message::check_headers(&properties)?;
    super::extended::check(&mut properties)?;
    people::complete(call, &mut properties);
    let files = properties.shift_remove("attachments");
    let mut scratch = call
        .mailbox()?
        .write(|it| it.make_item(0, &Properties::new(), call.now));
    message::apply(&mut scratch, properties);
    let mut properties = scratch.properties();
    if let Some(files) = files {
        properties.insert("attachments".to_owned(), files);
    }
    Ok(properties)
}
