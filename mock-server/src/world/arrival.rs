//! What happens when mail has come: the rules of the inbox.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::tenant::Tenant;
use crate::directory::ObjectId;
use crate::mailbox::{Forward, Properties, WellKnown, apply_rules};

impl Tenant {
    /// Lets the rules of an inbox act on a message that has just come into it. What they send on
    /// comes to mailboxes of the tenant; it is not sent on from there.
    ///
    /// Source: learn.microsoft.com/graph/api/resources/messagerule. Unverified: that the chain ends
    /// with the first who gets it; the service marks what rules have sent, and stops at a mark.
    pub(crate) fn run_rules(&self, user: ObjectId, message: u64, now: Timestamp) {
        let mut had = BTreeSet::from([user]);
        for forward in self.sorted(user, message, now) {
            let users: Vec<ObjectId> = self.read(|directory| {
                let to = forward.to.iter();
                to.filter_map(|it| directory.user_by_name(it).map(|user| user.id))
                    .collect()
            });
            for user in users {
                if !had.insert(user) {
                    continue;
                }
                if let Some(key) = self.receive(user, &forward, now) {
                    self.sorted(user, key, now);
                }
            }
        }
    }

    fn receive(&self, user: ObjectId, forward: &Forward, now: Timestamp) -> Option<u64> {
        self.mailbox(user, now)?.write(|contents| {
            if contents.is_full_of_messages() {
                return None;
            }
            let inbox = contents.well_known(WellKnown::Inbox);
            let files = forward.attachments.clone();
            Some(contents.receive(inbox, &forward.properties, files, now))
        })
    }

    /// Applies the rules, and returns what is to be sent on.
    fn sorted(&self, user: ObjectId, message: u64, now: Timestamp) -> Vec<Forward> {
        let Some(contents) = self.mailbox(user, now) else {
            return Vec::new();
        };
        let collection = format!("users/{user}/mailFolders/inbox/messageRules");
        let mut rules: Vec<Properties> = self.read_documents(|documents| {
            let all = documents.list(&collection);
            all.map(|it| it.properties.clone()).collect()
        });
        if rules.is_empty() {
            return Vec::new();
        }
        let order = |rule: &Properties| rule.get("sequence").and_then(serde_json::Value::as_i64);
        rules.sort_by_key(|it| order(it).unwrap_or(i64::MAX));
        contents.write(|contents| apply_rules(contents, message, &rules, now))
    }
}
