//! A token request, as far as all grants share it: tenant, client, authentication, and what is
//! asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::endpoint::{Endpoint, note_tenant};
use crate::authority::State;
use crate::authority::client_authentication::{Presented, Verification, default_class};
use crate::authority::error::{AuthorityError, Trace};
use crate::authority::form::Form;
use crate::authority::issue::{ClaimsRequest, UserGrant, Version};
use crate::authority::resolve::{
    Client, Requested, RequestedResource, Resource, TenantSegment, is_admitted, is_open,
};
use crate::directory::{Application, Platform, RedirectUri, TenantId};
use crate::exchange::{Annotation, Arrival};
use crate::permission::OPENID_SCOPES;
use crate::token::{ClientClass, SignIn};
use crate::world::{Tenant, World};

/// What becomes of a `scope` with permissions of several APIs: a token is for one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SeveralApis {
    /// The token is for the API of the first scope.
    FirstCounts,
    /// The request is refused.
    Refused,
}

/// A token request, as far as all grants share it.
pub(super) struct TokenRequest<'a> {
    pub(super) state: &'a State,
    pub(super) arrival: &'a Arrival,
    pub(super) headers: &'a HeaderMap,
    pub(super) form: &'a Form,
    pub(super) grant: &'a str,
    pub(super) endpoint: Endpoint,
    pub(super) segment: &'a str,
    pub(super) place: TenantSegment,
    pub(super) presented: Presented<'a>,
    pub(super) claims: Option<ClaimsRequest>,
    pub(super) trace: &'a mut Trace,
    pub(super) annotation: &'a mut Annotation,
    /// The answer may be read by scripts of other origins: single-page applications.
    pub(super) cross_origin: bool,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// Nothing: what was asked for before counts.
    Nothing,
    /// To sign in: OpenID Connect scopes alone.
    SignIn(BTreeSet<String>),
    /// Permissions of an API.
    Api(Wanted),
}

/// What a token is to be for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The API and its permissions.
    pub(super) requested: RequestedResource,
    /// The OpenID Connect scopes.
    pub(super) openid: BTreeSet<String>,
    /// The version of the endpoint, and what v1 requests name.
    pub(super) version: Version,
}

impl<'a> TokenRequest<'a> {
    /// What is issued to a person for `wanted`. A grant that brings a nonce, a refresh token or
    /// claims of its own says so in the result.
    pub(super) fn user_grant<'g>(
        &self,
        tenant: &'g Tenant,
        (client, client_authentication): (&'g Client, u8),
        sign_in: &'g SignIn,
        wanted: Wanted,
    ) -> UserGrant<'g>
    where
        'a: 'g,
    {
        let Wanted {
            requested,
            openid,
            version,
        } = wanted;
        UserGrant {
            tenant,
            client,
            client_authentication,
            sign_in,
            arrival: self.arrival,
            requested,
            openid,
            always_refresh: matches!(version, Version::V1 { .. }),
            version,
            claims: self.claims.clone(),
            client_info: self.form.is_set("client_info"),
            nonce: None,
            previous: None,
        }
    }

    /// The tenant of the request, where the grant needs one.
    pub(super) fn tenant(&mut self, refusal: u32) -> Result<Arc<Tenant>, AuthorityError> {
        self.place.clone().tenant(refusal)
    }

    /// The tenant that the path names, if it is another one than this.
    pub(super) fn another_tenant(&self, id: TenantId) -> Option<Arc<Tenant>> {
        match &self.place {
            TenantSegment::Tenant(tenant) if tenant.id != id => Some(Arc::clone(tenant)),
            _ => None,
        }
    }

    /// The tenant that a sealed grant belongs to; the path must name it or leave it open.
    pub(super) fn tenant_of_grant(
        &mut self,
        id: TenantId,
        app: &Application,
        elsewhere: impl FnOnce(&str) -> AuthorityError,
    ) -> Result<Arc<Tenant>, AuthorityError> {
        match &self.place {
            TenantSegment::Tenant(tenant) if tenant.id == id => {}
            TenantSegment::Tenant(_) => return Err(elsewhere(self.segment)),
            open => Client::check_audience(app, open)?,
        }
        let Some(tenant) = self.state.world.tenant(self.arrival.cloud, id) else {
            return Err(elsewhere(self.segment));
        };
        is_open(&tenant, &id.to_string())?;
        is_admitted(self.arrival, &tenant)?;
        note_tenant(self.trace, self.annotation, &tenant);
        Ok(tenant)
    }

    /// The directory as the path names it, or its id.
    pub(super) fn directory_named(&self, tenant: &Tenant) -> String {
        match self.place {
            TenantSegment::Tenant(_) => self.segment.to_owned(),
            _ => tenant.id.to_string(),
        }
    }

    /// The registration of the client, before the tenant is known.
    pub(super) fn registration(&self) -> Result<Arc<Application>, AuthorityError> {
        self.registered().map(|(_, app)| app)
    }

    /// The registration of the client, and the tenant in which it is registered.
    fn registered(&self) -> Result<(Arc<Tenant>, Arc<Application>), AuthorityError> {
        let place = match &self.place {
            TenantSegment::Tenant(tenant) => tenant.read(|it| it.display_name.clone()),
            _ => self.segment.to_owned(),
        };
        let id = &self.presented.client_id;
        Client::find(&self.state.world, self.arrival, id, &place)
    }

    /// The client, and the tenant where it is looked at before the grant tells one: that of the
    /// path, or else that in which the app is registered.
    pub(super) fn client_before_grant(&self) -> Result<(Client, Arc<Tenant>), AuthorityError> {
        let tenant = match &self.place {
            TenantSegment::Tenant(tenant) => Arc::clone(tenant),
            open => {
                let (home, app) = self.registered()?;
                Client::check_audience(&app, open)?;
                home
            }
        };
        Ok((self.client(&tenant)?, tenant))
    }

    /// What is no code or token of the service, whoever presents it: the client's own faults are
    /// told first.
    pub(super) fn refuse_unreadable(&mut self) -> AuthorityError {
        let authenticated = self.client_before_grant().and_then(|(client, tenant)| {
            let is_spa = |uri: &RedirectUri| uri.platform == Platform::Spa;
            let class = if self.presented.any() {
                ClientClass::Confidential
            } else if self.headers.contains_key(header::ORIGIN)
                && client.app.redirect_uris.iter().any(is_spa)
            {
                ClientClass::Spa
            } else {
                default_class(&client.app)
            };
            self.authenticate(&client, class, &tenant)
        });
        match authenticated {
            Ok(_) => AuthorityError::aadsts(9002313).about("grant"),
            Err(error) => error,
        }
    }

    /// The client in a tenant.
    pub(super) fn client(&self, tenant: &Tenant) -> Result<Client, AuthorityError> {
        let id = &self.presented.client_id;
        Client::of_tenant(&self.state.world, self.arrival, id, tenant)
    }

    /// Authenticates the client, and applies the rules about the `Origin` header.
    ///
    /// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, "redirect
    /// URIs for single-page apps".
    pub(super) fn authenticate(
        &mut self,
        client: &Client,
        class: ClientClass,
        tenant: &Tenant,
    ) -> Result<u8, AuthorityError> {
        let origin = self
            .headers
            .get(header::ORIGIN)
            .and_then(|value| value.to_str().ok());
        match (class, origin) {
            (ClientClass::Spa, None) => return Err(AuthorityError::aadsts(9002327)),
            (ClientClass::Spa, Some(_)) => self.cross_origin = true,
            (_, Some(origin)) => {
                return Err(AuthorityError::aadsts(9002326).with("origin", origin));
            }
            (_, None) => {}
        }
        let verification = Verification {
            arrival: self.arrival,
            tenant,
            segment: self.segment,
            grant: self.grant,
            now: tenant.now(),
        };
        self.presented
            .authenticate(&client.app, class, &verification, self.annotation)
    }

    /// The API and the permissions that the request names.
    pub(super) fn asked(
        &self,
        tenant: &Tenant,
        several: SeveralApis,
    ) -> Result<Asked, AuthorityError> {
        let world = &self.state.world;
        match self.endpoint {
            Endpoint::V2 => {
                let Some(scope) = self.form.get("scope")? else {
                    return Ok(Asked::Nothing);
                };
                let mut requested = Requested::parse(world, tenant, scope)?;
                if requested.resources.is_empty() {
                    return Ok(Asked::SignIn(requested.openid));
                }
                if several == SeveralApis::FirstCounts {
                    requested.resources.truncate(1);
                }
                let (requested, openid) = requested.single(world, tenant, scope)?;
                Ok(Asked::Api(Wanted {
                    requested,
                    openid,
                    version: Version::V2,
                }))
            }
            Endpoint::V1 => match self.form.get("resource")? {
                Some(resource) => Wanted::of_resource(world, tenant, resource).map(Asked::Api),
                None => Ok(Asked::Nothing),
            },
        }
    }

    /// What a grant is for that nothing was asked for before: Graph where only a sign-in is asked
    /// for, and at v1 Azure AD Graph where nothing is.
    pub(super) fn wanted(
        &self,
        tenant: &Tenant,
        app: &Application,
    ) -> Result<Wanted, AuthorityError> {
        let world = &self.state.world;
        let wanted = match (self.asked(tenant, SeveralApis::Refused)?, self.endpoint) {
            (Asked::Api(wanted), _) => wanted,
            (Asked::SignIn(openid), _) => Wanted {
                requested: RequestedResource::sign_in(world, tenant)?,
                openid,
                version: Version::V2,
            },
            (Asked::Nothing, Endpoint::V1) => Wanted::of_nothing(),
            (Asked::Nothing, Endpoint::V2) => return Err(AuthorityError::missing("scope")),
        };
        self.check(tenant, app, &wanted)?;
        Ok(wanted)
    }

    /// What every grant of a user checks of what it is for.
    pub(super) fn check(
        &self,
        tenant: &Tenant,
        app: &Application,
        wanted: &Wanted,
    ) -> Result<(), AuthorityError> {
        self.check_resource(tenant, &wanted.requested)?;
        wanted.requested.check_itself(app)
    }

    /// `resource` at v2 must name the API of the scopes.
    ///
    /// Source: modelcontextprotocol/python-sdk#2578, microsoft/powerbi-modeling-mcp#68.
    pub(super) fn check_resource(
        &self,
        tenant: &Tenant,
        requested: &RequestedResource,
    ) -> Result<(), AuthorityError> {
        let (Some(resource), Endpoint::V2) = (self.form.get("resource")?, self.endpoint) else {
            return Ok(());
        };
        let of_an_api = requested.default || !requested.scopes.is_empty();
        let world = &self.state.world;
        if of_an_api && requested.resource.is_meant_by(world, tenant, resource) {
            return Ok(());
        }
        Err(AuthorityError::aadsts(9010010))
    }
}

/// A code or a token that belongs to another tenant than the path names.
pub(super) fn of_another_tenant(id: TenantId) -> impl FnOnce(&str) -> AuthorityError {
    move |segment| {
        AuthorityError::aadsts(700005)
            .with("tenant", segment)
            .with("expected", id.to_string())
    }
}

impl Wanted {
    /// What a v1 `resource` names.
    pub(super) fn of_resource(
        world: &World,
        tenant: &Tenant,
        resource: &str,
    ) -> Result<Self, AuthorityError> {
        let (requested, openid) =
            Requested::of_resource(world, tenant, resource)?.single(world, tenant, resource)?;
        Ok(Self {
            requested,
            openid,
            version: Version::V1 {
                resource: resource.to_owned(),
            },
        })
    }

    /// What a v1 request without `resource` is for: Azure AD Graph.
    pub(super) fn of_nothing() -> Self {
        let resource = Resource::azure_ad_graph(None);
        Self {
            version: Version::V1 {
                resource: resource.audience.value.clone(),
            },
            requested: RequestedResource {
                resource,
                scopes: BTreeSet::new(),
                default: true,
                qualified: false,
            },
            openid: OPENID_SCOPES.iter().map(|it| (*it).to_owned()).collect(),
        }
    }
}
