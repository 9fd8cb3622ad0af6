//! What the names in events mean in a directory.

use jiff::Timestamp;

use super::super::{
    Application, ApplicationId, Directory, Mailbox, ObjectId, ServicePrincipal, User,
};
use super::{Applied, EventError, Then};
use crate::notation::nearest;
use crate::random::Random;

impl Directory {
    /// The application id that an alias or an id means in this tenant.
    pub fn app_id(&self, name: &str) -> Result<ApplicationId, EventError> {
        if let Some(app) = self.applications.values().find(|app| app.alias == name) {
            return Ok(app.app_id);
        }
        if let Some(id) = name.parse().ok().filter(|id| {
            self.service_principals.contains_key(id) || self.applications.contains_key(id)
        }) {
            return Ok(id);
        }
        let names = self.applications.values().map(|app| app.alias.as_str());
        Err(EventError::UnknownApp {
            name: name.to_owned(),
            tenant: self.domain().to_owned(),
            nearest: nearest(name, names),
        })
    }

    /// The object id that an alias, a sign-in name or an id means in this tenant.
    pub fn user_id(&self, name: &str) -> Result<ObjectId, EventError> {
        if let Some(user) = self.find_user(name) {
            return Ok(user.id);
        }
        let names = self
            .users
            .values()
            .flat_map(|user| [user.alias.as_str(), user.user_principal_name.as_str()]);
        Err(EventError::UnknownUser {
            name: name.to_owned(),
            tenant: self.domain().to_owned(),
            nearest: nearest(name, names),
        })
    }

    pub(super) fn user_mut(&mut self, name: &str) -> Result<&mut User, EventError> {
        let id = self.user_id(name)?;
        // Found a moment ago.
        Ok(&mut self.users[&id])
    }

    pub(super) fn mailbox_mut(&mut self, name: &str) -> Result<&mut Mailbox, EventError> {
        let user = self.user_mut(name)?;
        let upn = user.user_principal_name.to_string();
        user.mailbox
            .as_mut()
            .ok_or_else(|| EventError::NotPossible(format!("user '{upn}' has no mailbox")))
    }

    /// The id of a user who has a mailbox.
    pub(super) fn mailbox_owner(&mut self, name: &str) -> Result<ObjectId, EventError> {
        self.mailbox_mut(name)?;
        Ok(self.user_mut(name)?.id)
    }

    pub(super) fn principal_mut(&mut self, app: &str) -> Result<&mut ServicePrincipal, EventError> {
        let id = self.app_id(app)?;
        let tenant = self.domain().to_owned();
        self.service_principals.get_mut(&id).ok_or_else(|| {
            EventError::NotPossible(format!(
                "app '{app}' has no service principal in tenant {tenant}"
            ))
        })
    }

    /// The service principal of an app, which appears in the tenant if it is not there yet.
    pub(super) fn principal_or_new(
        &mut self,
        app: &str,
        now: Timestamp,
        random: &Random,
    ) -> Result<&mut ServicePrincipal, EventError> {
        let id = self.app_id(app)?;
        // An app without a service principal is known by its registration here.
        let home = self.id;
        let principals = &mut self.service_principals;
        if !principals.contains_key(&id) {
            let object = ObjectId(random.uuid());
            principals.insert(id, ServicePrincipal::new(object, id, home, now));
        }
        Ok(&mut principals[&id])
    }

    /// Changes a registration, here or (later) where it is.
    pub(super) fn change_app(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Application) -> Applied,
    ) -> Result<Applied, EventError> {
        let id = self.app_id(name)?;
        if let Some(app) = self.applications.get_mut(&id) {
            return Ok(change(app));
        }
        let home = self
            .service_principals
            .get(&id)
            .map(|principal| principal.home_tenant);
        home.filter(|home| *home != self.id)
            .map(|home| Applied::nothing(String::new()).and_then(Then::Elsewhere(home)))
            .ok_or_else(|| {
                EventError::NotPossible(format!("app '{name}' has no registration any more"))
            })
    }

    /// What people call an app: the alias, or the client id where the app is registered elsewhere.
    pub(super) fn app_name(&self, name: &str) -> Result<String, EventError> {
        let id = self.app_id(name)?;
        let app = self.applications.get(&id);
        Ok(app.map_or_else(|| id.to_string(), |it| it.alias.clone()))
    }
}
