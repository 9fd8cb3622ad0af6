//! Names in a scenario: aliases and placeholders instead of what one world alone has.

use serde_json::Value;

use crate::directory::{ApplicationId, ObjectId};
use crate::world::{Tenant, World};

/// Turns ids and addresses of a tenant into names that hold in another.
pub(super) struct Names<'a> {
    world: &'a World,
    tenant: &'a Tenant,
    domain: String,
}

impl<'a> Names<'a> {
    pub(super) fn new(world: &'a World, tenant: &'a Tenant) -> Self {
        let domain = tenant.read(|it| it.domain().to_owned());
        Self {
            world,
            tenant,
            domain,
        }
    }

    /// A user by alias, as far as there is one.
    pub(super) fn user(&self, id: ObjectId) -> String {
        self.tenant.read(|directory| {
            directory.user(id).map_or_else(
                || id.to_string(),
                |it| {
                    some(&it.alias)
                        .unwrap_or(it.user_principal_name.as_str())
                        .to_owned()
                },
            )
        })
    }

    /// A user by any name: the alias.
    pub(super) fn user_named(&self, name: &str) -> String {
        self.tenant.read(|directory| {
            let alias = directory.find_user(name).and_then(|it| some(&it.alias));
            alias.unwrap_or(name).to_owned()
        })
    }

    /// Somebody to sign in with, where nothing tells who it was.
    pub(super) fn anybody(&self) -> String {
        self.tenant.read(|directory| {
            let aliases = || directory.users.values().map(|it| it.alias.as_str());
            let somebody = aliases().find(|it| *it == "alice");
            somebody
                .or_else(|| aliases().find(|it| !it.is_empty()))
                .unwrap_or("alice")
                .to_owned()
        })
    }

    /// An app by alias, as far as there is one.
    pub(super) fn app(&self, id: ApplicationId) -> String {
        let cloud = self.tenant.environment.cloud();
        let app = self
            .world
            .application(cloud, id)
            .map(|(_, app)| app.alias.clone());
        app.filter(|it| !it.is_empty())
            .unwrap_or_else(|| id.to_string())
    }

    /// The fields of an event or a fault.
    pub(super) fn fields(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    match (name.as_str(), &member) {
                        ("user" | "mailbox", Value::String(text)) => {
                            *member = self.user_named(text).into();
                        }
                        ("app" | "client", Value::String(text)) => {
                            *member = match text.parse() {
                                Ok(id) => self.app(id).into(),
                                Err(_) => text.clone().into(),
                            };
                        }
                        _ => self.fields(member),
                    }
                }
                members.retain(|_, member| !member.is_null());
            }
            Value::Array(items) => items.iter_mut().for_each(|it| self.fields(it)),
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    /// A text, with placeholders for what belongs to the tenant. Braces that are meant are doubled.
    pub(super) fn text(&self, text: &str) -> String {
        text.replace('{', "{{")
            .replace('}', "}}")
            .replace(&self.tenant.id.to_string(), "{tenant.id}")
            .replace(&self.domain, "{tenant.domain}")
    }
}

fn some(alias: &str) -> Option<&str> {
    (!alias.is_empty()).then_some(alias)
}
