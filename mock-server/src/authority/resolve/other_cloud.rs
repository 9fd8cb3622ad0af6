//! A tenant of another cloud than that of the login host: who refuses it with which code, and who
//! serves it all the same.
//!
//! The facts are rows of `data/cross-cloud.csv`; what has no row is not found, as a tenant that
//! does not exist.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use crate::authority::error::AuthorityError;
use crate::directory::{Application, ApplicationId, Platform};
use crate::environment::SignInCloud;
use crate::world::{Tenant, World};

/// What is asked for at the tenant.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// A token for the client itself.
    AppOnly,
    /// Any token, with a signed client assertion.
    Assertion,
    /// A token for a user, with a client secret.
    Confidential,
    /// Metadata.
    Discovery,
    /// A page of a web app.
    Page,
    /// A token for a user, without a client credential.
    Public,
    /// A page of a client that is public.
    PublicPage,
}

/// A tenant of another cloud.
pub(crate) struct OtherCloud {
    pub(crate) tenant: Arc<Tenant>,
    asked: SignInCloud,
}

impl Request {
    /// What a form of the token endpoint asks for: `secret` and `assertion` are how its client
    /// authenticates.
    pub(crate) fn of_token(grant: Option<&str>, secret: bool, assertion: bool) -> Self {
        match grant {
            _ if assertion => Self::Assertion,
            Some("client_credentials") => Self::AppOnly,
            _ if secret => Self::Confidential,
            _ => Self::Public,
        }
    }
}

impl OtherCloud {
    /// The tenant that a path segment names, if it is one of another cloud.
    pub(crate) fn of_segment(world: &World, asked: SignInCloud, segment: &str) -> Option<Self> {
        Self::find(asked, |cloud| world.tenant_of_segment(cloud, segment))
    }

    /// The tenant of a domain, if it is one of another cloud.
    pub(crate) fn of_domain(world: &World, asked: SignInCloud, domain: &str) -> Option<Self> {
        Self::find(asked, |cloud| world.tenant_of_domain(cloud, domain))
    }

    /// A domain may be a tenant in two clouds at once, so the asked one comes first.
    fn find(
        asked: SignInCloud,
        tenant_of: impl Fn(SignInCloud) -> Option<Arc<Tenant>>,
    ) -> Option<Self> {
        if tenant_of(asked).is_some() {
            return None;
        }
        let mut others = SignInCloud::ALL.into_iter().filter(|it| *it != asked);
        let tenant = others.find_map(tenant_of)?;
        Some(Self { tenant, asked })
    }

    /// The cloud that the tenant lives in.
    pub(crate) fn home(&self) -> SignInCloud {
        self.tenant.environment.cloud()
    }

    /// Whether the request is served as at the tenant's own cloud.
    pub(crate) fn is_served(&self, request: Request) -> bool {
        self.row(request).is_some_and(|row| row.code.is_none())
    }

    /// The refusal of a request; none where the tenant is not found.
    pub(crate) fn refusal(&self, request: Request) -> Option<AuthorityError> {
        // Whoever shows an assertion is a client like the others where nothing is known of it.
        let row = self.row(request).or_else(|| match request {
            Request::Assertion => self.row(Request::AppOnly),
            _ => None,
        })?;
        let error = AuthorityError::aadsts(row.code?)
            .with("tenant", self.tenant.id.to_string())
            .with("cloud", &self.home().facts().cloud_instance_name);
        Some(error)
    }

    /// The refusal on a page, by the client that sends people there.
    pub(crate) fn page_refusal(
        &self,
        world: &World,
        client_id: Option<&str>,
        redirect_uri: Option<&str>,
    ) -> Option<AuthorityError> {
        let app = client_id
            .and_then(|id| id.parse().ok())
            .and_then(|id: ApplicationId| {
                [self.home(), self.asked]
                    .into_iter()
                    .find_map(|cloud| world.application(cloud, id))
            })
            .map(|(_, app)| app);
        self.refusal(page_of(app.as_deref(), redirect_uri))
    }

    fn row(&self, request: Request) -> Option<&'static Row> {
        let home = self.home();
        ROWS.iter()
            .find(|row| row.asked == self.asked && row.home == home && row.request == request)
    }
}

/// The kind of page that an app asks for, which is known by its redirect URI.
pub(crate) fn page_of(app: Option<&Application>, redirect_uri: Option<&str>) -> Request {
    let platform = app.and_then(|app| match redirect_uri {
        Some(uri) => app.redirect_uri(uri).map(|it| it.platform),
        None => app.redirect_uris.first().map(|it| it.platform),
    });
    match platform {
        Some(Platform::PublicClient | Platform::Spa) => Request::PublicPage,
        _ => Request::Page,
    }
}

/// What a login host answers to a request for a tenant of another cloud.
#[derive(Debug, Deserialize)]
struct Row {
    asked: SignInCloud,
    home: SignInCloud,
    request: Request,
    /// The AADSTS code; none where the request is served.
    code: Option<u32>,
    #[serde(rename = "source")]
    _source: String,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/cross-cloud.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Row, _>| row.expect("data/cross-cloud.csv fits its types"))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aadsts;

    #[test]
    fn every_row_names_two_clouds_and_a_known_code_once() {
        let mut seen = Vec::new();
        for row in ROWS.iter() {
            assert_ne!(row.asked, row.home, "{row:?}");
            assert!(
                !seen.contains(&(row.asked, row.home, row.request)),
                "{row:?}"
            );
            seen.push((row.asked, row.home, row.request));
            assert!(
                row.code
                    .is_none_or(|code| aadsts::Row::find(code).is_some()),
                "{row:?}"
            );
            assert_eq!(
                row.code.is_none(),
                row.request == Request::Discovery,
                "{row:?}"
            );
        }
    }

    #[test]
    fn a_request_is_known_by_its_grant_and_its_credential() {
        let of = Request::of_token;
        assert_eq!(
            of(Some("client_credentials"), true, false),
            Request::AppOnly
        );
        assert_eq!(
            of(Some("client_credentials"), false, true),
            Request::Assertion
        );
        assert_eq!(
            of(Some("authorization_code"), true, false),
            Request::Confidential
        );
        assert_eq!(of(Some("password"), false, false), Request::Public);
        assert_eq!(of(None, false, false), Request::Public);
    }
}
