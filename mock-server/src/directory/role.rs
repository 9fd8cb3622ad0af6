//! The built-in roles of a tenant, by their templates.

use std::sync::LazyLock;

use serde::Deserialize;
use uuid::Uuid;

use super::{Directory, DirectoryRole, ObjectId, TenantId};

/// A built-in role. Source: learn.microsoft.com/entra/identity/role-based-access-control/
/// permissions-reference; a tenant's list of 2026-07.
#[derive(Debug, Deserialize)]
pub(crate) struct RoleTemplate {
    /// The id of the template, which `wids` has: the same in all tenants.
    #[serde(rename = "template")]
    pub(crate) id: String,
    /// The name.
    pub(crate) name: String,
    #[serde(deserialize_with = "yes")]
    /// Whether it can be given.
    pub(crate) enabled: bool,
}

fn yes<'de, D: serde::Deserializer<'de>>(text: D) -> Result<bool, D::Error> {
    String::deserialize(text).map(|it| it == "yes")
}

impl RoleTemplate {
    /// All.
    pub(crate) fn all() -> &'static [Self] {
        &ALL
    }

    /// The one with an id.
    pub(crate) fn find(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|it| it.id.eq_ignore_ascii_case(id))
    }

    /// Whether it is the global administrator's.
    pub(crate) fn is_global_administrator(&self) -> bool {
        self.id == DirectoryRole::GlobalAdministrator.template_id()
    }

    /// The id that the role has in a tenant.
    pub(crate) fn object_id(&self, tenant: TenantId) -> Uuid {
        Uuid::new_v5(&tenant.0, self.id.as_bytes())
    }

    fn known(&self) -> Option<DirectoryRole> {
        DirectoryRole::ALL
            .into_iter()
            .find(|it| it.template_id() == self.id)
    }
}

impl Directory {
    /// Those who hold a role.
    pub(crate) fn holders_of(&self, template: &RoleTemplate) -> impl Iterator<Item = ObjectId> {
        let (known, id) = (template.known(), template.id.clone());
        self.users
            .values()
            .filter(|user| user.deleted.is_none())
            .filter(move |user| match known {
                Some(role) => user.roles.contains(&role),
                None => user.other_roles.contains(&id),
            })
            .map(|user| user.id)
    }

    /// Gives a person a role, or takes it away; says whether that changed anything.
    pub(crate) fn set_role(
        &mut self,
        user: ObjectId,
        template: &RoleTemplate,
        holds: bool,
    ) -> bool {
        let Some(user) = self.users.get_mut(&user) else {
            return false;
        };
        match (template.known(), holds) {
            (Some(role), true) => user.roles.insert(role),
            (Some(role), false) => user.roles.remove(&role),
            (None, true) => user.other_roles.insert(template.id.clone()),
            (None, false) => user.other_roles.remove(&template.id),
        }
    }
}

static ALL: LazyLock<Vec<RoleTemplate>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/directory-roles.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<RoleTemplate, _>| row.expect("data/directory-roles.csv fits its types"))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_that_the_mock_knows_has_a_template() {
        for role in DirectoryRole::ALL {
            assert!(RoleTemplate::find(role.template_id()).is_some(), "{role:?}");
        }
    }
}
