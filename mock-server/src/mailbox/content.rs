//! Fills a mailbox with plausible contents, the same for the same seed and user.

mod calendar;

use jiff::{SignedDuration, Timestamp};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::folder::{FolderKind, WellKnown};
use super::item::{Attachment, AttachmentKind};
use super::sample::SAMPLE;
use super::store::Contents;
use super::{Owner, Person, Properties};
use crate::directory::MailboxKind;

/// Makes the contents of a mailbox as of a moment.
pub(super) fn fill(seed: u64, owner: &Owner, now: Timestamp) -> Contents {
    let id = owner.id.0.as_u64_pair();
    let mut filler = Filler {
        random: ChaCha8Rng::seed_from_u64(seed ^ id.0 ^ id.1.rotate_left(32)),
        contents: Contents::new(owner.clone()),
        owner: owner.clone(),
        // Whole minutes: ids and texts do not depend on the second of the first request.
        now: Timestamp::from_second(now.as_second().div_euclid(60) * 60).unwrap_or(now),
    };
    filler.folders();
    filler.settings();
    filler.mail();
    filler.calendar();
    filler.contacts();
    filler.search_folders();
    filler.contents
}

struct Filler {
    random: ChaCha8Rng,
    contents: Contents,
    owner: Owner,
    now: Timestamp,
}

/// The kinds of mail, by where they come from.
#[derive(Clone, Copy)]
enum Origin {
    Bulk,
    Colleague,
    Junk,
    Outside,
}

impl Filler {
    /// Where search folders are kept: beside the tree that people see.
    fn search_folders(&mut self) {
        let key = self.contents.add_folder("Finder", None, FolderKind::Mail);
        if let Some(folder) = self.contents.folders.get_mut(&key) {
            folder.well_known = Some(WellKnown::SearchFolders);
        }
    }

    fn folders(&mut self) {
        use WellKnown as W;
        let top = [
            ("Top of Information Store", W::Root, FolderKind::Mail),
            ("Archive", W::Archive, FolderKind::Mail),
            (
                "Conversation History",
                W::ConversationHistory,
                FolderKind::Mail,
            ),
            ("Deleted Items", W::DeletedItems, FolderKind::Mail),
            ("Drafts", W::Drafts, FolderKind::Mail),
            ("Inbox", W::Inbox, FolderKind::Mail),
            ("Junk Email", W::JunkEmail, FolderKind::Mail),
            ("Outbox", W::Outbox, FolderKind::Mail),
            ("Sent Items", W::SentItems, FolderKind::Mail),
            ("Deletions", W::RecoverableItemsDeletions, FolderKind::Mail),
            ("Calendar", W::Calendar, FolderKind::Calendar),
            ("Contacts", W::Contacts, FolderKind::Contact),
        ];
        let mut root = None;
        for (name, role, kind) in top {
            let key = self.contents.add_folder(name, root, kind);
            if let Some(folder) = self.contents.folders.get_mut(&key) {
                folder.well_known = Some(role);
                folder.hidden =
                    matches!(role, W::ConversationHistory | W::RecoverableItemsDeletions);
            }
            root = root.or(Some(key));
        }
        let inbox = self.contents.well_known(WellKnown::Inbox);
        for name in &SAMPLE.inbox_folders {
            self.contents
                .add_folder(name, Some(inbox), FolderKind::Mail);
        }
        for name in &SAMPLE.top_folders {
            let parent = self.contents.add_folder(name, root, FolderKind::Mail);
            for child in &SAMPLE.project_folders {
                self.contents
                    .add_folder(child, Some(parent), FolderKind::Mail);
            }
        }
        self.contents
            .add_folder("Birthdays", root, FolderKind::Calendar);
        let contacts = self.contents.well_known(WellKnown::Contacts);
        self.contents
            .add_folder("Suppliers", Some(contacts), FolderKind::Contact);
    }

    fn settings(&mut self) {
        let purpose = match self.owner.kind {
            MailboxKind::Regular => "user",
            MailboxKind::Shared => "shared",
        };
        let at = |days: i64| {
            let time = self
                .now
                .saturating_add(SignedDuration::from_hours(24 * days))
                .unwrap_or(self.now);
            json!({"dateTime": time.strftime("%Y-%m-%dT%H:00:00.0000000").to_string(), "timeZone": "UTC"})
        };
        let settings = json!({
            "timeZone": "UTC",
            "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
            "dateFormat": "M/d/yyyy",
            "timeFormat": "h:mm tt",
            "userPurpose": purpose,
            "automaticRepliesSetting": {
                "status": "disabled",
                "externalAudience": "all",
                "internalReplyMessage": "",
                "externalReplyMessage": "",
                "scheduledStartDateTime": at(0),
                "scheduledEndDateTime": at(1),
            },
            "language": {"locale": "en-US", "displayName": "English (United States)"},
            "workingHours": {
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "startTime": "08:00:00.0000000",
                "endTime": "17:00:00.0000000",
                "timeZone": {"name": "UTC"},
            },
        });
        if let Value::Object(settings) = settings {
            self.contents.settings = settings;
        }
    }

    fn mail(&mut self) {
        let role = |filler: &Self, role| filler.contents.well_known(role);
        let (inbox, archive) = (role(self, WellKnown::Inbox), role(self, WellKnown::Archive));
        let sent = role(self, WellKnown::SentItems);
        let own_folders: Vec<u64> = self
            .contents
            .folders
            .values()
            .filter(|folder| folder.kind == FolderKind::Mail && folder.well_known.is_none())
            .map(|folder| folder.key)
            .collect();
        // Oldest first, so that keys and change numbers grow with time.
        let mut plan: Vec<(i64, u64, Origin)> = Vec::new();
        let mut add =
            |filler: &mut Self, folder: u64, count: u32, days: i64, origins: &[Origin]| {
                for _ in 0..count {
                    let minutes = filler.random.random_range(5..days * 24 * 60);
                    let origin = filler.pick(origins);
                    plan.push((minutes, folder, origin));
                }
            };
        let usual = [
            Origin::Outside,
            Origin::Outside,
            Origin::Colleague,
            Origin::Bulk,
        ];
        add(self, inbox, 30, 3, &usual);
        add(self, inbox, 100, 60, &usual);
        add(self, sent, 55, 60, &[Origin::Outside, Origin::Colleague]);
        add(self, archive, 40, 300, &usual);
        add(self, role(self, WellKnown::DeletedItems), 12, 30, &usual);
        add(
            self,
            role(self, WellKnown::JunkEmail),
            8,
            20,
            &[Origin::Junk],
        );
        add(
            self,
            role(self, WellKnown::Drafts),
            4,
            10,
            &[Origin::Outside],
        );
        for folder in own_folders {
            add(self, folder, 9, 120, &[Origin::Outside, Origin::Colleague]);
        }
        plan.sort_unstable_by_key(|(minutes, folder, _)| (std::cmp::Reverse(*minutes), *folder));
        for (minutes, folder, origin) in plan {
            let time = SignedDuration::from_mins(-minutes);
            let time = self.now.saturating_add(time).unwrap_or(self.now);
            self.message(folder, origin, time);
        }
    }

    fn message(&mut self, folder: u64, origin: Origin, time: Timestamp) {
        let mine = folder == self.contents.well_known(WellKnown::SentItems)
            || folder == self.contents.well_known(WellKnown::Drafts);
        let draft = folder == self.contents.well_known(WellKnown::Drafts);
        let other = self.correspondent(origin);
        let me = self.owner.person.clone();
        let (from, to) = if mine { (me, other) } else { (other, me) };
        let subjects = match origin {
            Origin::Bulk => &SAMPLE.bulk_subjects,
            Origin::Junk => &SAMPLE.junk_subjects,
            Origin::Colleague | Origin::Outside => &SAMPLE.subjects,
        };
        let template = self.pick(subjects);
        let mut subject = self.fill_in(&template);
        // One in six answers an earlier mail, where there is one.
        let answered = self
            .random
            .random_ratio(1, 6)
            .then(|| self.recent())
            .flatten();
        if let Some((_, earlier)) = &answered {
            subject = format!("Re: {}", super::store::base_subject(earlier));
        }
        let html = self.random.random_ratio(2, 3);
        let body = self.body(&from, &to, html);
        let mut properties = Properties::new();
        let mut put = |name: &str, value: Value| {
            properties.insert(name.to_owned(), value);
        };
        put("subject", json!(subject));
        put(
            "body",
            json!({"contentType": if html { "html" } else { "text" }, "content": body}),
        );
        put("sender", from.recipient());
        put("from", from.recipient());
        put("toRecipients", json!([to.recipient()]));
        if self.random.random_ratio(1, 5) {
            let cc = self.correspondent(Origin::Colleague);
            put("ccRecipients", json!([cc.recipient()]));
        }
        if self.random.random_ratio(1, 8) {
            put(
                "importance",
                json!(if self.random.random_ratio(3, 4) {
                    "high"
                } else {
                    "low"
                }),
            );
        }
        if self.random.random_ratio(1, 6) {
            put("categories", json!([self.pick(&SAMPLE.categories)]));
        }
        if self.random.random_ratio(1, 10) && !mine {
            let status = if self.random.random_ratio(1, 2) {
                "flagged"
            } else {
                "complete"
            };
            put("flag", json!({"flagStatus": status}));
        }
        if matches!(origin, Origin::Bulk) {
            put("inferenceClassification", json!("other"));
        }
        let attachments = if self.random.random_ratio(1, 6) {
            vec![self.attachment(time)]
        } else {
            Vec::new()
        };
        let age = self.now.duration_since(time);
        let read = mine
            || self
                .random
                .random_ratio(if age.as_hours() < 72 { 2 } else { 9 }, 10);
        let mut item = self.contents.make_item(folder, &properties, time);
        item.read = read;
        item.draft = draft;
        item.attachments = attachments;
        if let Some((conversation, _)) = answered {
            item.conversation = conversation;
        }
        self.contents.add_message(item);
    }

    fn body(&mut self, from: &Person, to: &Person, html: bool) -> String {
        let greeting = self
            .pick(&SAMPLE.greetings)
            .replace("{first}", to.first_name());
        let closing = self.pick(&SAMPLE.closings);
        let count = self.random.random_range(1..=5);
        let lines: Vec<String> = (0..count)
            .map(|_| {
                let sentence = self.pick(&SAMPLE.sentences);
                let sentence = self.fill_in(&sentence);
                let mut letters = sentence.chars();
                let first = letters.next().map(|it| it.to_uppercase().to_string());
                first.unwrap_or_default() + letters.as_str()
            })
            .collect();
        if html {
            let paragraphs = format!("<p>{}</p>", lines.join("</p><p>"));
            format!(
                "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\
                 </head><body><p>{greeting}</p>{paragraphs}<p>{closing}<br>{}</p></body></html>",
                from.name
            )
        } else {
            format!(
                "{greeting}\r\n\r\n{}\r\n\r\n{closing}\r\n{}\r\n",
                lines.join("\r\n"),
                from.name
            )
        }
    }

    fn attachment(&mut self, time: Timestamp) -> Attachment {
        let [name, content_type] = self.pick(&SAMPLE.attachments);
        let size = self.random.random_range(200..3000);
        let name = self.fill_in(&name);
        let start: &[u8] = match content_type.as_str() {
            "application/pdf" => b"%PDF-1.4\n",
            "image/png" => b"\x89PNG\r\n\x1a\n",
            _ => b"reference;quantity;price\r\n",
        };
        // A line, again and again: drawing each byte took a tenth of making a mailbox.
        let line: [u8; 61] = std::array::from_fn(|_| self.random.random_range(b' '..=b'~'));
        let filler = line.iter().copied().cycle().take(size);
        let content = start.iter().copied().chain(filler).collect();
        Attachment {
            key: self.contents.next_key(),
            name,
            content_type,
            inline: false,
            content_id: None,
            content,
            modified: time,
            kind: AttachmentKind::File,
        }
    }

    fn correspondent(&mut self, origin: Origin) -> Person {
        let list = match origin {
            Origin::Bulk => &SAMPLE.bulk,
            Origin::Colleague if !self.owner.colleagues.is_empty() => {
                let colleagues = std::mem::take(&mut self.owner.colleagues);
                let picked = self.pick(&colleagues);
                self.owner.colleagues = colleagues;
                return picked;
            }
            Origin::Junk => &SAMPLE.junk,
            Origin::Colleague | Origin::Outside => &SAMPLE.outsiders,
        };
        let [name, address] = self.pick(list);
        Person { name, address }
    }

    /// One of the newest mails: conversation and subject.
    fn recent(&mut self) -> Option<(u64, String)> {
        let skip = self.random.random_range(0..8);
        let item = self.contents.messages.values().rev().nth(skip)?;
        Some((item.conversation, item.text("subject")))
    }

    fn fill_in(&mut self, template: &str) -> String {
        let number = self.random.random_range(100..99_999).to_string();
        let topic = self.pick(&SAMPLE.topics);
        let name = self.correspondent(Origin::Outside).name;
        template
            .replace("{number}", &number)
            .replace("{topic}", &topic)
            .replace("{name}", &name)
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        // Every list of the sample has entries; a test fills a mailbox.
        list.choose(&mut self.random)
            .expect("a list of words has entries")
            .clone()
    }
}
