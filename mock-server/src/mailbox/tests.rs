use uuid::Uuid;

use super::*;

fn owner(id: u128) -> Owner {
    Owner {
        person: Person {
            name: "Alice Archer".into(),
            address: "alice@contoso.example".into(),
        },
        id: ObjectId(Uuid::from_u128(id)),
        kind: MailboxKind::Regular,
        colleagues: vec![Person {
            name: "Bob Baker".into(),
            address: "bob@contoso.example".into(),
        }],
    }
}

/// A mailbox with its first contents.
pub(super) fn contents() -> Arc<MailboxLock> {
    Mailboxes::new(7).open(&owner(1), now())
}

fn now() -> Timestamp {
    "2026-01-15T12:00:42Z".parse().unwrap()
}

fn subjects(contents: &Contents) -> Vec<String> {
    contents
        .messages
        .values()
        .map(|item| item.text("subject"))
        .collect()
}

#[test]
fn a_mailbox_is_filled_the_same_way_each_time() {
    let one = Mailboxes::new(7).open(&owner(1), now());
    let again = Mailboxes::new(7).open(&owner(1), now());
    let first = one.read(subjects);
    assert_eq!(first, again.read(subjects));
    let other = Mailboxes::new(7).open(&owner(2), now());
    assert_ne!(first, other.read(subjects));
}

#[test]
fn a_mailbox_holds_a_few_hundred_varied_mails() {
    let contents = Mailboxes::new(7).open(&owner(1), now());
    contents.read(|contents| {
        assert!(
            (250..400).contains(&contents.messages.len()),
            "{}",
            contents.messages.len()
        );
        assert!(contents.events.len() > 45);
        assert_eq!(contents.contacts.len(), 48);
        let of =
            |test: &dyn Fn(&Item) -> bool| contents.messages.values().filter(|it| test(it)).count();
        assert!(of(&|item| !item.read) > 10);
        assert!(of(&|item| !item.attachments.is_empty()) > 20);
        assert!(of(&|item| item.conversation != item.key) > 20);
        assert!(of(&|item| item.properties().contains_key("categories")) > 20);
        let day = jiff::SignedDuration::from_hours(24);
        assert!(of(&|item| now().duration_since(item.received) < day) > 3);
        assert!(of(&|item| item.received > now()) == 0);
        let series = contents
            .events
            .values()
            .filter(|it| it.properties()["recurrence"].is_object());
        assert!(series.count() >= 5);
    });
}

#[test]
fn a_mailbox_takes_less_than_half_a_mebibyte_of_text() {
    let contents = Mailboxes::new(7).open(&owner(1), now());
    contents.read(|contents| {
        let size: usize = contents
            .messages
            .values()
            .chain(contents.events.values())
            .chain(contents.contacts.values())
            .map(|item| {
                serde_json::to_string(&item.properties()).unwrap().len()
                    + item
                        .attachments
                        .iter()
                        .map(|it| it.content.len())
                        .sum::<usize>()
            })
            .sum();
        assert!(size < 512 * 1024, "{size}");
    });
}

#[test]
fn a_delivered_mail_is_the_newest_and_unread() {
    let mailboxes = Mailboxes::new(7);
    let later = now() + jiff::SignedDuration::from_mins(5);
    let contents = mailboxes.open(&owner(1), later);
    contents.write(|contents| {
        contents.deliver("Hello", &owner(1).colleagues[0], "text", later);
        let newest = contents
            .messages
            .values()
            .max_by_key(|item| item.received)
            .unwrap();
        assert_eq!(newest.text("subject"), "Hello");
        assert!(!newest.read);
        assert_eq!(
            newest.properties()["from"]["emailAddress"]["name"],
            "Bob Baker"
        );
    });
}

#[test]
fn the_log_tells_what_happened_in_a_folder() {
    let mailboxes = Mailboxes::new(7);
    let contents = mailboxes.open(&owner(1), now());
    contents.write(|contents| {
        let inbox = contents.well_known(WellKnown::Inbox);
        let archive = contents.well_known(WellKnown::Archive);
        let start = contents.position();
        let key = contents.receive(inbox, &Properties::new(), Vec::new(), now());
        contents.change_message(key, now(), |item| item.read = true);
        contents.move_message(key, archive, now());
        let kinds: Vec<ChangeKind> = contents
            .changes_since(start, inbox)
            .unwrap()
            .iter()
            .map(|it| it.kind)
            .collect();
        assert_eq!(
            kinds,
            [
                ChangeKind::Created,
                ChangeKind::Updated,
                ChangeKind::Removed
            ]
        );
        assert_eq!(contents.changes_since(start, archive).unwrap().len(), 1);
        assert_eq!(contents.changes_since(u64::MAX, inbox), None);
    });
}

#[test]
fn a_renamed_user_writes_from_the_new_address() {
    let mailboxes = Mailboxes::new(7);
    mailboxes.open(&owner(1), now());
    let mut renamed = owner(1);
    renamed.person.address = "a.archer@contoso.example".into();
    let contents = mailboxes.open(&renamed, now());
    assert_eq!(
        contents.read(|it| it.owner.person.address.clone()),
        "a.archer@contoso.example"
    );
}

#[test]
fn the_order_of_messages_is_kept_whatever_happens_to_them() {
    fn check(contents: &Contents) {
        let messages = &contents.messages;
        let mut all: Vec<&Item> = messages.values().collect();
        all.sort_by_key(|item| std::cmp::Reverse((item.received, item.key)));
        let keys = |items: &mut dyn Iterator<Item = &Item>| items.map(|it| it.key).collect();
        let listed: Vec<u64> = keys(&mut messages.newest_first());
        assert_eq!(listed, all.iter().map(|it| it.key).collect::<Vec<_>>());
        for folder in contents.folders.keys() {
            let inside: Vec<&Item> = all
                .iter()
                .copied()
                .filter(|it| it.folder == *folder)
                .collect();
            let listed: Vec<u64> = keys(&mut messages.newest_first_in(*folder));
            assert_eq!(listed, inside.iter().map(|it| it.key).collect::<Vec<_>>());
            assert_eq!(messages.count_in(*folder), inside.len());
            let unread = inside.iter().filter(|it| !it.read).count();
            assert_eq!(messages.unread_in(*folder), unread);
            let bytes: usize = inside.iter().map(|it| it.size()).sum();
            assert_eq!(messages.bytes_in(*folder), bytes);
        }
    }
    contents().write(|contents| {
        check(contents);
        let inbox = contents.well_known(WellKnown::Inbox);
        let archive = contents.well_known(WellKnown::Archive);
        let keys: Vec<u64> = contents
            .messages
            .newest_first_in(inbox)
            .map(|it| it.key)
            .collect();
        contents.move_message(keys[0], archive, now());
        contents.remove_message(keys[1]);
        contents.change_message(keys[2], now(), |item| {
            item.read = !item.read;
            item.received = now();
            item.set_properties(&Properties::new());
        });
        contents.receive(inbox, &Properties::new(), Vec::new(), now());
        check(contents);
        let text = serde_json::to_string(contents).unwrap();
        let restored: Contents = serde_json::from_str(&text).unwrap();
        check(&restored);
        contents.delete_folder(archive);
        assert_eq!(contents.messages.count_in(archive), 0);
        check(contents);
    });
}
