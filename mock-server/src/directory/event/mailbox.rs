//! Events of mailboxes.

use super::super::{Directory, MailboxRight};
use super::account::called;
use super::{Applied, EventError, Then};

impl Directory {
    pub(super) fn grant_mailbox_access(
        &mut self,
        mailbox: &str,
        user: &str,
        right: MailboxRight,
    ) -> Result<Applied, EventError> {
        let delegate = self.user_mut(user)?;
        let (id, who) = (delegate.id, called(delegate));
        let rights = &mut self.mailbox_mut(mailbox)?.delegates;
        let added = rights.entry(id).or_default().insert(right);
        let (right, whose) = (word(right), called(self.user_mut(mailbox)?));
        Ok(Applied::either(
            added,
            format!("{who} has the right {right} in the mailbox of {whose}"),
            format!("{who} had the right {right} in the mailbox of {whose} already"),
        ))
    }

    pub(super) fn revoke_mailbox_access(
        &mut self,
        mailbox: &str,
        user: &str,
    ) -> Result<Applied, EventError> {
        let delegate = self.user_mut(user)?;
        let (id, who) = (delegate.id, called(delegate));
        let removed = self.mailbox_mut(mailbox)?.delegates.remove(&id);
        let whose = called(self.user_mut(mailbox)?);
        Ok(Applied::either(
            removed.is_some(),
            format!("{who} has no rights in the mailbox of {whose} any more"),
            format!("{who} had no rights in the mailbox of {whose}"),
        ))
    }

    pub(super) fn deliver_message(
        &mut self,
        user: &str,
        subject: Option<&String>,
        from: Option<&String>,
        body: Option<&String>,
    ) -> Result<Applied, EventError> {
        let domain = self.domain().to_owned();
        let owner = self.mailbox_owner(user)?;
        let subject = subject.map_or_else(|| "A new message".to_owned(), String::clone);
        let did = format!(
            "'{subject}' is in the inbox of {}",
            called(self.user_mut(user)?)
        );
        Ok(Applied::changed(did).and_then(Then::Deliver {
            user: owner,
            subject,
            from: from.map_or_else(|| format!("bob@{domain}"), String::clone),
            body: body.cloned().unwrap_or_default(),
        }))
    }

    pub(super) fn expire_delta_tokens(&mut self, user: &str) -> Result<Applied, EventError> {
        let owner = self.mailbox_owner(user)?;
        let did = format!(
            "the mailbox of {} forgot its changes: delta links get 410 SyncStateNotFound",
            called(self.user_mut(user)?)
        );
        Ok(Applied::changed(did).and_then(Then::ForgetChanges(owner)))
    }
}

fn word(right: MailboxRight) -> &'static str {
    match right {
        MailboxRight::FullAccess => "full-access",
        MailboxRight::SendAs => "send-as",
        MailboxRight::SendOnBehalf => "send-on-behalf",
    }
}
