//! User realms: whether a domain is known, and where its people sign in.
//!
//! Sources: Microsoft's client libraries ask `/common/UserRealm/{user}?api-version=1.0`
//! (AzureAD/microsoft-authentication-library-for-go, `apps/internal/oauth/ops/authority`);
//! version 2 as in elastic/connectors, `tests/sources/fixtures/sharepoint_online`. The mock's domains
//! are all managed, none is federated.

use std::sync::Arc;

use axum::extract::{Path, RawQuery};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Handed, State, answer};
use crate::authority::form::Form;
use crate::authority::resolve::{CrossCloudRequest, OtherCloud};
use crate::directory::UserPrincipalName;
use crate::environment::{CloudFacts, SignInCloud};
use crate::exchange::{Annotation, Arrival};
use crate::world::Tenant;

/// `/{tenant}/userrealm/{user}`.
pub(super) async fn of_path(
    handed: Handed,
    Path((_, user)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    of_user(handed, Some(&user), query.as_deref(), &headers)
}

/// `/{tenant}/userrealm?user={user}`.
pub(super) async fn of_parameter(
    handed: Handed,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    of_user(handed, None, query.as_deref(), &headers)
}

fn of_user(
    (state, arrival): Handed,
    user: Option<&str>,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Response {
    answer(&state, &arrival, headers, "userrealm", |annotation| {
        let query = Form::parse(query.unwrap_or_default().as_bytes());
        let user = match user {
            Some(user) => user,
            None => query.get("user")?.unwrap_or_default(),
        };
        let realm = Realm::of(&state, &arrival, user, annotation);
        let version = query.get("api-version")?.unwrap_or("1.0");
        Ok(match version.split('.').next() {
            Some("2") => realm.version_2(user),
            _ => realm.version_1(),
        })
    })
}

/// `/getuserrealm.srf?login={user}`, from before there were versions.
pub(super) async fn legacy(
    (state, arrival): Handed,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&state, &arrival, &headers, "getuserrealm", |annotation| {
        let query = Form::parse(query.unwrap_or_default().as_bytes());
        let login = query.get("login")?.unwrap_or_default();
        if query.is_set("xml") {
            annotation.unsupported = Some("the XML form of getuserrealm.srf".to_owned());
        }
        Ok(Realm::of(&state, &arrival, login, annotation).legacy(login))
    })
}

/// What is known of a domain.
struct Realm {
    domain: String,
    tenant: Option<Arc<Tenant>>,
    facts: &'static CloudFacts,
}

impl Realm {
    /// The realm of a sign-in name, or of a bare domain.
    fn of(state: &State, arrival: &Arrival, user: &str, annotation: &mut Annotation) -> Self {
        let domain = match UserPrincipalName::new(user).domain() {
            "" => user.to_owned(),
            domain => domain.to_owned(),
        };
        let tenant = tenant_of(state, arrival.cloud, &domain);
        annotation.tenant = tenant.as_ref().map(|tenant| tenant.id);
        let cloud = tenant
            .as_ref()
            .map_or(arrival.cloud, |tenant| tenant.environment.cloud());
        Self {
            domain,
            tenant,
            facts: cloud.facts(),
        }
    }

    fn version_1(&self) -> Value {
        let mut body = Map::new();
        body.insert("ver".into(), json!("1.0"));
        body.insert("account_type".into(), json!(self.kind()));
        if self.tenant.is_some() {
            body.insert("domain_name".into(), json!(self.domain));
        }
        let facts = self.facts;
        let cloud = json!(facts.cloud_instance_name);
        body.insert("cloud_instance_name".into(), cloud);
        body.insert("cloud_audience_urn".into(), json!(facts.cloud_audience_urn));
        Value::Object(body)
    }

    fn version_2(&self, login: &str) -> Value {
        let cloud = &self.facts.cloud_instance_name;
        match &self.tenant {
            Some(tenant) => json!({
                "NameSpaceType": self.kind(),
                "Login": login,
                "DomainName": self.domain,
                "FederationBrandName": tenant.read(|it| it.display_name.clone()),
                "TenantBrandingInfo": null,
                "cloud_instance_name": cloud,
            }),
            None => json!({
                "NameSpaceType": self.kind(),
                "Login": login,
                "cloud_instance_name": cloud,
            }),
        }
    }

    fn legacy(&self, login: &str) -> Value {
        let cloud = &self.facts.cloud_instance_name;
        match &self.tenant {
            Some(tenant) => json!({
                "State": 4,
                "UserState": 1,
                "Login": login,
                "NameSpaceType": self.kind(),
                "DomainName": self.domain,
                "FederationBrandName": tenant.read(|it| it.display_name.clone()),
                "CloudInstanceName": cloud,
                "CloudInstanceIssuerUri": self.facts.cloud_audience_urn,
            }),
            None => json!({
                "State": 4,
                "UserState": 1,
                "Login": login,
                "NameSpaceType": self.kind(),
                "CloudInstanceName": cloud,
            }),
        }
    }

    fn kind(&self) -> &'static str {
        if self.tenant.is_some() {
            "Managed"
        } else {
            "Unknown"
        }
    }
}

/// The tenant of a domain, where the login host knows it.
fn tenant_of(state: &State, cloud: SignInCloud, domain: &str) -> Option<Arc<Tenant>> {
    let world = &state.world;
    world.tenant_of_domain(cloud, domain).or_else(|| {
        let other = OtherCloud::of_domain(world, cloud, domain)?;
        other
            .is_served(CrossCloudRequest::Discovery)
            .then_some(other.tenant)
    })
}
