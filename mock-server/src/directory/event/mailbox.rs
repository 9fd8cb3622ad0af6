//! Events of mailboxes and drives.

use super::super::{Directory, MailboxRight};
use super::account::called;
use super::{Applied, EventError, Then};
use crate::mailbox::WellKnown;
use crate::notation::did_you_mean;

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

    pub(super) fn restrict_app_mailboxes(
        &mut self,
        app: &str,
        mailboxes: Option<&[String]>,
    ) -> Result<Applied, EventError> {
        let owners = mailboxes
            .map(|all| all.iter().map(|name| self.mailbox_owner(name)).collect())
            .transpose()?;
        let principal = self.principal_mut(app)?;
        let changed = principal.mailboxes != owners;
        let (did, kept) = match &owners {
            None => ("may open every mailbox again", "may open every mailbox"),
            Some(_) => (
                "may open these mailboxes alone, as itself",
                "may open these mailboxes alone already",
            ),
        };
        principal.mailboxes = owners;
        Ok(Applied::either(
            changed,
            format!("app '{app}' {did}"),
            format!("app '{app}' {kept}"),
        ))
    }

    pub(super) fn deliver_message(
        &mut self,
        user: &str,
        [subject, from, body]: [Option<&String>; 3],
        late: u32,
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
            late,
        }))
    }

    pub(super) fn change_message(
        &mut self,
        user: &str,
        subject: &str,
        read: Option<bool>,
        folder: Option<&str>,
    ) -> Result<Applied, EventError> {
        let folder = folder.map(|it| Ok((it, mail_folder(it)?))).transpose()?;
        let done = [
            read.map(|read| if read { "read" } else { "unread" }.to_owned()),
            folder.map(|(name, _)| format!("in {name}")),
        ];
        let done: Vec<String> = done.into_iter().flatten().collect();
        if done.is_empty() {
            let missing = "say what changes: 'read', 'folder' or both";
            return Err(EventError::NotPossible(missing.to_owned()));
        }
        let owner = self.mailbox_owner(user)?;
        let did = format!(
            "'{subject}' of {} is {}",
            called(self.user_mut(user)?),
            done.join(" and ")
        );
        Ok(Applied::changed(did).and_then(Then::ChangeMessage {
            user: owner,
            subject: subject.to_owned(),
            read,
            folder: folder.map(|(_, folder)| folder),
        }))
    }

    pub(super) fn delete_file(&mut self, user: &str, path: &str) -> Result<Applied, EventError> {
        let owner = self.user_mut(user)?;
        let (user, did) = (owner.id, format!("'{path}' of {} is gone", called(owner)));
        let path = path.to_owned();
        Ok(Applied::changed(did).and_then(Then::DeleteFile { user, path }))
    }

    pub(super) fn put_file(
        &mut self,
        user: &str,
        path: &str,
        text: &str,
        keep_both: bool,
    ) -> Result<Applied, EventError> {
        let owner = self.user_mut(user)?;
        let did = format!("'{path}' is in the OneDrive of {}", called(owner));
        let user = owner.id;
        Ok(Applied::changed(did).and_then(Then::PutFile {
            user,
            path: path.to_owned(),
            text: text.to_owned(),
            keep_both,
        }))
    }

    pub(super) fn expire_delta_tokens(&mut self, user: &str) -> Result<Applied, EventError> {
        let owner = self.mailbox_owner(user)?;
        let did = format!(
            "mailbox and OneDrive of {} forgot their changes: delta links get 410",
            called(self.user_mut(user)?)
        );
        Ok(Applied::changed(did).and_then(Then::ForgetChanges(owner)))
    }
}

/// A mail folder by its well-known name.
fn mail_folder(name: &str) -> Result<WellKnown, EventError> {
    WellKnown::of_mail_folder(name).ok_or_else(|| {
        let nearest = did_you_mean(name, WellKnown::mail_folder_names());
        EventError::NotPossible(format!("no well-known mail folder '{name}'{nearest}"))
    })
}

fn word(right: MailboxRight) -> &'static str {
    match right {
        MailboxRight::FullAccess => "full-access",
        MailboxRight::SendAs => "send-as",
        MailboxRight::SendOnBehalf => "send-on-behalf",
    }
}
