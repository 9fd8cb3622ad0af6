//! A valid request of each grant.

use aws_lc_rs::signature::RsaSignatureEncoding;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::federated::{AUDIENCE, ISSUER, SUBJECT};
use super::super::*;
pub(super) use super::grant::{By, Flow, Grant};
use crate::authority::device_code::Request as DeviceRequest;
use crate::directory::{
    Application, ApplicationId, KeyCredential, ObjectId, ServicePrincipal, UserPrincipalName,
};
use crate::token::RefreshToken;

/// Both endpoints.
pub(super) const VERSIONS: [u8; 2] = [1, 2];

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) segment: String,
    pub(super) version: u8,
    pub(super) fields: Vec<(String, String)>,
    pub(super) headers: Vec<(header::HeaderName, String)>,
    /// The tenants that a proxy on the way admits.
    pub(super) admitted: Option<&'static str>,
    /// Tokens that are no good as the assertion of a user: an ID token, and one of an app alone.
    pub(super) spare: [String; 2],
}

impl Asked {
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.fields.push((name.to_owned(), value.into()));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.fields.retain(|(field, _)| field != name);
    }

    pub(super) fn get(&self, name: &str) -> String {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// A mock in which a grant's request is valid.
pub(super) struct Bench(pub(super) Mock);

impl Bench {
    pub(super) fn new(grant: Grant) -> Self {
        let mock = Mock::new();
        if grant.by == By::Federated {
            mock.trust(grant.client());
        }
        if grant.by == By::Certificate && grant.flow != Flow::App {
            let certificate = mock.certificate.certificate.clone();
            let key = KeyCredential::read(Uuid::from_u128(6), None, certificate).unwrap();
            let id = mock.facts.apps[grant.client()].client_id;
            mock.tenant.write(|directory| {
                let app = directory.applications.get_mut(&id).unwrap();
                app.certificates.push(key);
            });
        }
        if grant == Grant::new(Flow::Code, By::Nothing) {
            // The default world's desktop app signs in at another URI of this machine.
            let event = Event::ChangeRedirectUris {
                app: "native-app".to_owned(),
                redirect_uris: vec![grant.redirect_uri().to_owned()],
            };
            mock.happen(&event);
            let id = mock.facts.apps["native-app"].client_id;
            mock.tenant.write(|directory| {
                let app = directory.applications.get_mut(&id).unwrap();
                for uri in &mut app.redirect_uris {
                    uri.platform = crate::directory::Platform::PublicClient;
                }
            });
        }
        Self(mock)
    }

    pub(super) fn app(&self, alias: &str) -> ApplicationId {
        self.0.facts.apps[alias].client_id
    }

    pub(super) fn user(&self, alias: &str) -> ObjectId {
        self.0.facts.users[alias].id
    }

    /// The API of the tenant.
    pub(super) fn api(&self) -> String {
        format!("api://{}", self.app("middle-tier-api"))
    }

    pub(super) fn sign_in(&self, grant: Grant) -> SignIn {
        let mock = &self.0;
        let now = mock.tenant.now();
        SignIn {
            family: mock.world.random.uuid(),
            tenant: mock.tenant.id,
            client: self.app(grant.client()),
            client_class: grant.class(),
            user: self.user(grant.user().unwrap()),
            auth_time: now,
            moment: mock.tenant.read(|directory| directory.moment(now)),
            method: AuthenticationMethod::Password,
            mfa_time: None,
            session: mock.world.random.uuid(),
            compliant_device: false,
        }
    }

    /// A valid request.
    pub(super) async fn valid(&self, grant: Grant, version: u8) -> Asked {
        let mut asked = Asked {
            method: Method::POST,
            segment: self.0.id(),
            version,
            fields: Vec::new(),
            headers: vec![(
                header::CONTENT_TYPE,
                "application/x-www-form-urlencoded".to_owned(),
            )],
            admitted: None,
            spare: Default::default(),
        };
        let (id, secret) = self.0.client(grant.client());
        asked.set("client_id", id);
        if grant.by == By::Secret {
            asked.set("client_secret", secret);
        }
        if grant.has_assertion() {
            asked.set("client_assertion_type", ASSERTION_TYPE);
            asked.set("client_assertion", self.assertion(grant, |_, _| {}));
        }
        if grant.by == By::Origin {
            let origin = "https://spa.contoso.example".to_owned();
            asked.headers.push((header::ORIGIN, origin));
        }
        self.target(grant, &mut asked);
        self.grant(grant, &mut asked).await;
        asked
    }

    fn target(&self, grant: Grant, asked: &mut Asked) {
        let api = self.api();
        let (scope, resource) = match grant {
            _ if grant.is_for_api() => (format!("{api}/access_as_user"), api.as_str()),
            _ if grant.user().is_none() => (GRAPH.to_owned(), "https://graph.microsoft.com"),
            _ => ("User.Read".to_owned(), "https://graph.microsoft.com"),
        };
        if asked.version == 2 {
            asked.set("scope", scope);
        } else {
            asked.set("resource", resource);
        }
    }

    async fn grant(&self, grant: Grant, asked: &mut Asked) {
        match grant.flow {
            Flow::Code => {
                asked.set("grant_type", "authorization_code");
                asked.set("code", self.code(grant, |_| {}));
                asked.set("redirect_uri", grant.redirect_uri());
                asked.set("code_verifier", VERIFIER);
            }
            Flow::App => {
                asked.set("grant_type", "client_credentials");
            }
            Flow::Device => {
                asked.set("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
                asked.set("device_code", self.device_code(grant, true));
            }
            Flow::OnBehalfOf => {
                asked.set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                asked.set("requested_token_use", "on_behalf_of");
                // A v1 endpoint takes v1 tokens.
                self.set_token_version(asked.version);
                asked.set("assertion", self.0.for_middle_tier().await);
                asked.spare = [
                    self.token_for_api(false).await,
                    self.token_for_api(true).await,
                ];
            }
            Flow::Password => {
                let user = &self.0.facts.users["alice"];
                asked.set("grant_type", "password");
                asked.set("username", user.upn.clone());
                asked.set("password", user.password.clone());
            }
            Flow::Refresh | Flow::RefreshOfGuest => {
                asked.set("grant_type", "refresh_token");
                asked.set("refresh_token", self.refresh_token(grant, |_| {}));
            }
        }
    }

    fn set_token_version(&self, version: u8) {
        let id = self.app("middle-tier-api");
        self.0.tenant.write(|directory| {
            let app = directory.applications.get_mut(&id).unwrap();
            app.api.as_mut().unwrap().access_token_version = Some(version);
        });
    }

    /// An authorization code with a challenge.
    pub(super) fn code(&self, grant: Grant, change: impl FnOnce(&mut AuthorizationCode)) -> String {
        self.0.code(|code| {
            code.sign_in = self.sign_in(grant);
            code.redirect_uri = grant.redirect_uri().to_owned();
            code.challenge = Some((CHALLENGE.to_owned(), "S256".to_owned()));
            code.scope = "openid offline_access User.Read".to_owned();
            change(code);
        })
    }

    pub(super) fn refresh_token(
        &self,
        grant: Grant,
        change: impl FnOnce(&mut RefreshToken),
    ) -> String {
        let now = self.0.tenant.now();
        let (resource, scope) = if grant.is_for_api() {
            (self.app("middle-tier-api"), "access_as_user")
        } else {
            let graph = crate::environment::GRAPH_APPLICATION_ID;
            (graph.parse().unwrap(), "User.Read")
        };
        let mut token = RefreshToken {
            padding: String::new(),
            sign_in: self.sign_in(grant),
            generation: 1,
            first_issued: now,
            issued: now,
            resource,
            audience: "https://graph.microsoft.com".to_owned(),
            named: if grant.is_for_api() {
                self.api()
            } else {
                "https://graph.microsoft.com".to_owned()
            },
            scopes: [scope, "offline_access"].map(str::to_owned).into(),
        };
        change(&mut token);
        token.seal(&self.0.world.sealer)
    }

    /// A device code, approved by the person or not.
    pub(super) fn device_code(&self, grant: Grant, approved: bool) -> String {
        let mock = &self.0;
        let request = DeviceRequest {
            client: self.app(grant.client()),
            cloud: Environment::Office365.cloud(),
            tenant: Some(mock.tenant.id),
            scope: "User.Read".to_owned(),
            resource: None,
        };
        let now = mock.tenant.now();
        let codes = &mock.state.device_codes;
        let code = codes.create(request, now, &mock.world.random).device_code;
        if approved {
            assert!(codes.approve(&code, self.sign_in(grant)));
        }
        code
    }

    /// A client assertion whose header and claims are changed before it is signed.
    pub(super) fn assertion(
        &self,
        grant: Grant,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> String {
        let (mut header, mut claims) = self.parts_of_assertion(grant);
        change(&mut header, &mut claims);
        self.0.signed(&header, &claims, false)
    }

    /// The same, signed by an algorithm whatever the header says.
    pub(super) fn assertion_by(
        &self,
        grant: Grant,
        algorithm: &'static RsaSignatureEncoding,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> String {
        let (mut header, mut claims) = self.parts_of_assertion(grant);
        change(&mut header, &mut claims);
        self.0.signed_by(algorithm, &header, &claims, false)
    }

    /// The header and the claims of a good client assertion.
    fn parts_of_assertion(&self, grant: Grant) -> (Value, Value) {
        let mock = &self.0;
        let now = mock.tenant.now().as_second();
        if grant.by == By::Federated {
            let claims = json!({
                "iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "nbf": now - 10, "exp": now + 300,
            });
            (
                json!({"alg": "RS256", "typ": "JWT", "kid": "builds-1"}),
                claims,
            )
        } else {
            let digest = aws_lc_rs::digest::digest(
                &aws_lc_rs::digest::SHA256,
                &mock.certificate.certificate,
            );
            let thumbprint = URL_SAFE_NO_PAD.encode(digest);
            let header = json!({"alg": "RS256", "typ": "JWT", "x5t#S256": thumbprint});
            let mut claims = mock.claims();
            let id = mock.client(grant.client()).0;
            claims["iss"] = json!(id);
            claims["sub"] = json!(id);
            (header, claims)
        }
    }

    /// A token that is no user's, for the API of the tenant.
    async fn token_for_api(&self, app_only: bool) -> String {
        let mock = &self.0;
        let form = if app_only {
            let (id, secret) = mock.client("daemon-secret");
            vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", id),
                ("client_secret", secret),
                ("scope", format!("{}/.default", self.api())),
            ]
        } else {
            let user = &mock.facts.users["alice"];
            vec![
                ("grant_type", "password".to_owned()),
                ("client_id", mock.client("native-app").0),
                ("username", user.upn.clone()),
                ("password", user.password.clone()),
                ("scope", "openid profile User.Read".to_owned()),
            ]
        };
        let form: Vec<(&str, &str)> = form.iter().map(|(name, it)| (*name, it.as_str())).collect();
        let body = mock.token(&form).await.1;
        assert!(body["access_token"].is_string(), "{body}");
        let name = if app_only { "access_token" } else { "id_token" };
        body[name].as_str().unwrap().to_owned()
    }

    pub(super) async fn send(&self, asked: &Asked) -> (u16, Value) {
        let path = if asked.version == 1 {
            "oauth2/token"
        } else {
            "oauth2/v2.0/token"
        };
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&asked.fields)
            .finish();
        let mut request = Request::builder()
            .method(asked.method.clone())
            .uri(format!("/{}/{path}", asked.segment));
        for (name, value) in &asked.headers {
            request = request.header(name, value);
        }
        let mut arrival = arrival_at(Environment::Office365);
        arrival.admitted_tenants = asked.admitted.map(Into::into);
        let request = request.body(Body::from(body)).unwrap();
        let (status, body, _) = self.0.send_by(arrival, request).await;
        (status, body)
    }

    /// Something happens, unless another mutation made it impossible: alone it is seen by its code.
    pub(super) fn happen(&self, event: &Event) {
        let _ = self.0.world.apply(&self.0.tenant, event);
    }

    /// Changes the registration of the grant's client.
    pub(super) fn registration(&self, grant: Grant, change: impl FnOnce(&mut Application)) {
        let id = self.app(grant.client());
        self.0.tenant.write(|directory| {
            // Another mutation may have deleted it.
            directory.applications.get_mut(&id).map(change);
        });
    }

    /// Gives Graph a service principal in the tenant that is switched off.
    pub(super) fn switch_graph_off(&self) {
        let mock = &self.0;
        let graph = crate::environment::GRAPH_APPLICATION_ID.parse().unwrap();
        let (id, now) = (ObjectId(mock.world.random.uuid()), mock.tenant.now());
        mock.tenant.write(|directory| {
            let mut principal = ServicePrincipal::new(id, graph, directory.id, now);
            principal.enabled = false;
            directory.add_principal(principal);
        });
    }

    /// The tenant from which the guest comes.
    fn home(&self) -> Arc<Tenant> {
        let tenant = self.0.facts.apps["vendor-app"].tenant_id;
        self.0.world.tenant_anywhere(tenant).unwrap()
    }

    /// Something happens in the tenant from which the guest comes.
    pub(super) fn at_home(&self, event: &Event) {
        let _ = self.0.world.apply(&self.home(), event);
    }

    /// The sign-in name of the guest's account at home, which is made.
    pub(super) fn guest_at_home(&self) -> String {
        let home = self.home();
        let guest = self.0.tenant.read(|directory| {
            let guest = directory.find_user("guest").unwrap();
            guest.user_principal_name.at_home()
        });
        home.write(|directory| {
            let mut account = directory.find_user("vendor-admin").unwrap().clone();
            account.id = ObjectId(self.0.world.random.uuid());
            account.alias = "guest-at-home".to_owned();
            account.user_principal_name = UserPrincipalName::new(&guest);
            directory.users.insert(account.id, account);
        });
        "guest-at-home".to_owned()
    }
}

pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
