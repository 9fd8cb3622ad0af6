//! Precise changes that an administrator makes and no [`Event`](super::Event) says: one grant's
//! scopes, one assignment, one credential. Graph calls these; what an event says is an event.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Application, ApplicationId, ConditionalAccessPolicy, ConsentType, Directory, Mailbox, ObjectId,
    ServicePrincipal, User,
};

/// A deleted user can be restored for this long.
/// Source: learn.microsoft.com/graph/api/resources/directory.
const DELETED_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Directory {
    /// Takes note that something happens now; returns the moment that counts for it
    /// ([`Directory::moment`]).
    pub fn happens(&mut self, now: Timestamp) -> Timestamp {
        let moment = self.moment(now);
        self.last_event = Some(moment);
        moment
    }

    /// Adds a user.
    pub fn add_user(&mut self, user: User) {
        self.users.insert(user.id, user);
    }

    /// The deleted users that can still be restored.
    pub fn deleted_users(&self, now: Timestamp) -> impl Iterator<Item = &User> {
        self.users.values().filter(move |user| {
            user.deleted
                .is_some_and(|at| now.duration_since(at) < DELETED_FOR)
        })
    }

    /// Forgets a deleted user, with what was granted for the user.
    pub fn purge_user(&mut self, user: ObjectId) {
        self.users.shift_remove(&user);
        self.grants
            .retain(|grant| grant.consent != ConsentType::Principal(user));
        for principal in self.service_principals.values_mut() {
            principal.assigned_users.remove(&user);
        }
        for other in self.users.values_mut() {
            other.manager = other.manager.filter(|it| *it != user);
        }
    }

    /// Sets or clears the manager of a user.
    pub fn set_manager(&mut self, user: ObjectId, manager: Option<ObjectId>) {
        if let Some(user) = self.users.get_mut(&user) {
            user.manager = manager;
        }
    }

    /// Sets properties of a user by their names in Graph; null clears one.
    pub fn set_profile(&mut self, user: ObjectId, properties: Map<String, Value>) {
        let Some(user) = self.users.get_mut(&user) else {
            return;
        };
        for (name, value) in properties {
            let text = || value.as_str().map(str::to_owned);
            match name.as_str() {
                "displayName" => user.display_name = text().unwrap_or_default(),
                "givenName" => user.given_name = text().unwrap_or_default(),
                "surname" => user.surname = text().unwrap_or_default(),
                "jobTitle" => user.job_title = text(),
                "officeLocation" => user.office_location = text(),
                _ if value.is_null() => {
                    user.profile.shift_remove(&name);
                }
                _ => {
                    user.profile.insert(name, value);
                }
            }
        }
    }

    /// Gives a user a mailbox, where there is none: the effect of a licence.
    pub fn license(&mut self, user: ObjectId) {
        if let Some(user) = self.users.get_mut(&user) {
            user.mailbox.get_or_insert_with(Mailbox::default);
        }
    }
}

/// Apps and consent.
impl Directory {
    /// Adds a service principal; false where the app is in the tenant already.
    pub fn add_principal(&mut self, principal: ServicePrincipal) -> bool {
        let app = principal.app_id;
        let free = !self.service_principals.contains_key(&app);
        if free {
            self.service_principals.insert(app, principal);
        }
        free
    }

    /// Removes an app from the tenant, with what was granted to it and by it. A registration
    /// stays.
    pub fn remove_principal(&mut self, app: ApplicationId) {
        self.service_principals.shift_remove(&app);
        self.grants
            .retain(|grant| grant.client != app && grant.resource != app);
        self.app_role_assignments
            .retain(|role| role.client != app && role.resource != app);
    }

    /// Sets whether only assigned users may use an app.
    pub fn set_assignment_required(&mut self, app: ApplicationId, required: bool) {
        if let Some(principal) = self.service_principals.get_mut(&app) {
            principal.assignment_required = required;
        }
    }

    /// Replaces the scopes of one grant.
    pub fn set_scopes(&mut self, grant: Uuid, scopes: BTreeSet<String>) {
        if let Some(grant) = self.grants.iter_mut().find(|it| it.id == grant) {
            grant.scopes = scopes;
        }
    }

    /// Removes one grant.
    pub fn remove_grant(&mut self, grant: Uuid) {
        self.grants.retain(|it| it.id != grant);
    }

    /// Takes one application permission away.
    pub fn remove_assignment(&mut self, assignment: Uuid) {
        self.app_role_assignments.retain(|it| it.id != assignment);
    }

    /// Registers an app.
    pub fn add_application(&mut self, app: Application) {
        self.applications.insert(app.app_id, app);
    }

    /// The registration with an object id.
    pub fn application_by_object_id(&self, id: ObjectId) -> Option<&Application> {
        self.applications.values().find(|app| app.object_id == id)
    }

    /// Replaces the conditional access policies of an id.
    pub fn replace_policies(&mut self, id: Uuid, policies: Vec<ConditionalAccessPolicy>) {
        let all = &mut self.policies.conditional_access;
        let at = all.iter().position(|it| it.id == id).unwrap_or(all.len());
        all.retain(|it| it.id != id);
        all.splice(at..at, policies);
    }
}
