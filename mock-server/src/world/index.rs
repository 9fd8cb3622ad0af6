//! By what tenants are found.

use std::collections::HashMap;
use std::sync::Arc;

use super::Tenant;
use crate::directory::{ApplicationId, Directory, TenantId};
use crate::environment::SignInCloud;

#[derive(Debug, Default)]
pub(super) struct Index {
    // A tenant id may exist in two clouds, so the cloud is part of the key.
    // Source: the tenant f8cdef31-… of the global and the US Government cloud.
    pub(super) by_id: HashMap<(SignInCloud, TenantId), Arc<Tenant>>,
    pub(super) by_domain: HashMap<(SignInCloud, String), TenantId>,
    pub(super) by_app: HashMap<(SignInCloud, ApplicationId), TenantId>,
    pub(super) order: Vec<(SignInCloud, TenantId)>,
    /// The tenants that the ready file names, in its order.
    pub(super) defaults: Vec<(SignInCloud, TenantId)>,
}

impl Index {
    pub(super) fn add(&mut self, tenant: &Arc<Tenant>) {
        let key = tenant.key();
        if self.by_id.insert(key, Arc::clone(tenant)).is_none() {
            self.order.push(key);
        }
        self.learn(tenant, tenant.read(names));
    }

    pub(super) fn remove(&mut self, key: (SignInCloud, TenantId)) -> Option<Arc<Tenant>> {
        let (cloud, id) = key;
        let tenant = self.by_id.remove(&key)?;
        self.order.retain(|it| *it != key);
        self.defaults.retain(|it| *it != key);
        self.by_domain
            .retain(|(of, _), tenant| (*of, *tenant) != (cloud, id));
        self.by_app
            .retain(|(of, _), tenant| (*of, *tenant) != (cloud, id));
        Some(tenant)
    }

    pub(super) fn of(&self, keys: &[(SignInCloud, TenantId)]) -> Vec<Arc<Tenant>> {
        keys.iter()
            .filter_map(|key| self.by_id.get(key).cloned())
            .collect()
    }

    pub(super) fn learn(&mut self, tenant: &Tenant, (domains, apps): Names) {
        let cloud = tenant.environment.cloud();
        for domain in domains {
            self.by_domain.insert((cloud, domain), tenant.id);
        }
        for app in apps {
            self.by_app.insert((cloud, app), tenant.id);
        }
    }
}

/// Domains in lower case, and apps: by what a tenant is found.
pub(super) type Names = (Vec<String>, Vec<ApplicationId>);

pub(super) fn names(directory: &Directory) -> Names {
    let domains = directory.domains.iter().map(|it| it.to_ascii_lowercase());
    let apps = directory.applications.keys().copied();
    (domains.collect(), apps.collect())
}
