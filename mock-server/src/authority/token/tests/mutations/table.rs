//! What is documented as an error: mutations of a valid request, with their codes and sources.

use super::super::*;
use super::valid::{ASSERTION_TYPE, Asked, Bench, Grant, VERIFIER};
use crate::directory::Risk;

/// A mutation of a valid request.
pub(super) struct Row {
    /// What is done.
    pub(super) name: &'static str,
    /// The parameter or the object to which it is done.
    pub(super) of: &'static str,
    /// Where the refusal is documented or was seen.
    pub(super) source: &'static str,
    /// Which grants it can be done to, and at which version.
    pub(super) fits: fn(Grant, u8) -> bool,
    /// Does it.
    pub(super) change: fn(&Bench, &mut Asked, Grant),
    /// The codes of the refusal.
    pub(super) codes: &'static [u32],
}

/// The text without its end.
fn cut(text: &str) -> String {
    text[..text.len() - 20].to_owned()
}

/// A JWT with another signature.
fn broken(text: &str) -> String {
    format!("{}AAAAAAAA", &text[..text.len() - 8])
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "the method is GET",
        of: "the method",
        source: "nbarbettini/oidc-debugger#87",
        fits: |_, _| true,
        change: |_, asked, _| asked.method = Method::GET,
        codes: &[900561],
    },
    Row {
        name: "the body is JSON by its content type",
        of: "the content type",
        source: "microsoftgraph/microsoft-graph-docs-contrib#1369",
        fits: |_, _| true,
        change: |_, asked, _| {
            asked
                .headers
                .retain(|(name, _)| name != header::CONTENT_TYPE);
            let json = "application/json".to_owned();
            asked.headers.push((header::CONTENT_TYPE, json));
        },
        codes: &[900144],
    },
    Row {
        name: "the origin is a web page's, for a client that is none",
        of: "the origin",
        source: "MicrosoftDocs/azure-docs#100859",
        fits: |grant, _| !grant.is_spa(),
        change: |_, asked, _| {
            let origin = "https://page.example".to_owned();
            asked.headers.push((header::ORIGIN, origin));
        },
        codes: &[9002326],
    },
    Row {
        name: "a single-page application sends no origin",
        of: "the origin",
        source: "sidebase/nuxt-auth#301",
        fits: |grant, _| grant.is_spa(),
        change: |_, asked, _| asked.headers.retain(|(name, _)| name != header::ORIGIN),
        codes: &[9002327],
    },
    Row {
        name: "the tenant does not exist",
        of: "the tenant",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.segment = "nobody.example".to_owned(),
        codes: &[90002],
    },
    Row {
        name: "the tenant is no name",
        of: "the tenant",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.segment = "contoso".to_owned(),
        codes: &[900023],
    },
    Row {
        name: "the tenant is one of another cloud",
        of: "the tenant",
        source: "webprofusion/certify#553; Microsoft365DSC#5502",
        fits: |_, _| true,
        change: |_, asked, _| asked.segment = "contoso.partner.onmschina.cn".to_owned(),
        codes: &[90002],
    },
    Row {
        name: "the tenant is another one",
        of: "the tenant",
        source: "nextauthjs/next-auth#11602",
        fits: |_, _| true,
        change: |_, asked, _| asked.segment = "litware.onmicrosoft.com".to_owned(),
        codes: &[700005, 700016, 50020, 50034, 1000014, 7000229],
    },
    Row {
        name: "the tenant is that of personal accounts",
        of: "the tenant",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.segment = "consumers".to_owned(),
        codes: &[50059, 90027, 9001023, 9002332],
    },
    Row {
        name: "the tenant is left open by an app of one tenant",
        of: "the tenant",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.segment = "organizations".to_owned(),
        codes: &[50059, 50194],
    },
    Row {
        name: "a proxy on the way does not admit the tenant",
        of: "the proxy",
        source: "entra-docs, tenant-restrictions",
        fits: |_, _| true,
        change: |_, asked, _| asked.admitted = Some("fabrikam.com"),
        codes: &[500021],
    },
    Row {
        name: "the claims request is no JSON",
        of: "claims",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.set("claims", "no json"),
        codes: &[9002313],
    },
    Row {
        name: "grant_type is absent",
        of: "grant_type",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.remove("grant_type"),
        codes: &[900144],
    },
    Row {
        name: "grant_type is empty",
        of: "grant_type",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |_, _| true,
        change: |_, asked, _| asked.set("grant_type", ""),
        codes: &[900144],
    },
    Row {
        name: "client_id is absent",
        of: "client_id",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.remove("client_id"),
        codes: &[900144],
    },
    Row {
        name: "client_id is empty",
        of: "client_id",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |_, _| true,
        change: |_, asked, _| asked.set("client_id", ""),
        codes: &[900144],
    },
    Row {
        name: "code is absent",
        of: "code",
        source: "psoauth2: the whole answer without a code",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.remove("code"),
        codes: &[900144],
    },
    Row {
        name: "code is empty",
        of: "code",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("code", ""),
        codes: &[900144],
    },
    Row {
        name: "redirect_uri is absent",
        of: "redirect_uri",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.remove("redirect_uri"),
        codes: &[700009],
    },
    Row {
        name: "redirect_uri is empty",
        of: "redirect_uri",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("redirect_uri", ""),
        codes: &[700009],
    },
    Row {
        name: "code_verifier is absent",
        of: "code_verifier",
        source: "pennersr/django-allauth#2916",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.remove("code_verifier"),
        codes: &[50148],
    },
    Row {
        name: "code_verifier is empty",
        of: "code_verifier",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("code_verifier", ""),
        codes: &[50148],
    },
    Row {
        name: "refresh_token is absent",
        of: "refresh_token",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.is_refresh(),
        change: |_, asked, _| asked.remove("refresh_token"),
        codes: &[900144],
    },
    Row {
        name: "refresh_token is empty",
        of: "refresh_token",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.is_refresh(),
        change: |_, asked, _| asked.set("refresh_token", ""),
        codes: &[900144],
    },
    Row {
        name: "device_code is absent",
        of: "device_code",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::Device,
        change: |_, asked, _| asked.remove("device_code"),
        codes: &[900144],
    },
    Row {
        name: "device_code is empty",
        of: "device_code",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::Device,
        change: |_, asked, _| asked.set("device_code", ""),
        codes: &[900144],
    },
    Row {
        name: "assertion is absent",
        of: "assertion",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.remove("assertion"),
        codes: &[900144],
    },
    Row {
        name: "assertion is empty",
        of: "assertion",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.set("assertion", ""),
        codes: &[900144],
    },
    Row {
        name: "requested_token_use is absent",
        of: "requested_token_use",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.remove("requested_token_use"),
        codes: &[900144],
    },
    Row {
        name: "requested_token_use is empty",
        of: "requested_token_use",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.set("requested_token_use", ""),
        codes: &[900144],
    },
    Row {
        name: "username is absent",
        of: "username",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| asked.remove("username"),
        codes: &[900144],
    },
    Row {
        name: "username is empty",
        of: "username",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| asked.set("username", ""),
        codes: &[900144],
    },
    Row {
        name: "password is absent",
        of: "password",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| asked.remove("password"),
        codes: &[900144],
    },
    Row {
        name: "password is empty",
        of: "password",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| asked.set("password", ""),
        codes: &[900144],
    },
    Row {
        name: "client_secret is absent",
        of: "client_secret",
        source: "SupportArticles, error AADSTS7000218; f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant.has_secret(),
        change: |_, asked, _| asked.remove("client_secret"),
        codes: &[7000216, 7000218, 7000219],
    },
    Row {
        name: "client_secret is empty",
        of: "client_secret",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.has_secret(),
        change: |_, asked, _| asked.set("client_secret", ""),
        codes: &[7000216, 7000218, 7000219],
    },
    Row {
        name: "client_assertion is absent",
        of: "client_assertion",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| asked.remove("client_assertion"),
        codes: &[900144],
    },
    Row {
        name: "client_assertion is empty",
        of: "client_assertion",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| asked.set("client_assertion", ""),
        codes: &[900144],
    },
    Row {
        name: "client_assertion_type is absent",
        of: "client_assertion_type",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| asked.remove("client_assertion_type"),
        codes: &[900144],
    },
    Row {
        name: "client_assertion_type is empty",
        of: "client_assertion_type",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| asked.set("client_assertion_type", ""),
        codes: &[900144],
    },
    Row {
        name: "scope is absent",
        of: "scope",
        source: "entra-docs, reference-error-codes",
        fits: |grant, version| {
            version == 2
                && (grant.user().is_none() || matches!(grant, Grant::OnBehalfOf | Grant::Password))
        },
        change: |_, asked, _| asked.remove("scope"),
        codes: &[900144],
    },
    Row {
        name: "scope is empty",
        of: "scope",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, version| {
            version == 2
                && (grant.user().is_none() || matches!(grant, Grant::OnBehalfOf | Grant::Password))
        },
        change: |_, asked, _| asked.set("scope", ""),
        codes: &[900144],
    },
    Row {
        name: "grant_type comes twice",
        of: "grant_type",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |_, _| true,
        change: |_, asked, _| {
            asked
                .fields
                .push(("grant_type".to_owned(), asked.get("grant_type")))
        },
        codes: &[9000411],
    },
    Row {
        name: "client_id comes twice",
        of: "client_id",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |_, _| true,
        change: |_, asked, _| {
            asked
                .fields
                .push(("client_id".to_owned(), asked.get("client_id")))
        },
        codes: &[9000411],
    },
    Row {
        name: "code comes twice",
        of: "code",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.fields.push(("code".to_owned(), asked.get("code"))),
        codes: &[9000411],
    },
    Row {
        name: "redirect_uri comes twice",
        of: "redirect_uri",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| {
            asked
                .fields
                .push(("redirect_uri".to_owned(), asked.get("redirect_uri")))
        },
        codes: &[9000411],
    },
    Row {
        name: "code_verifier comes twice",
        of: "code_verifier",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| {
            asked
                .fields
                .push(("code_verifier".to_owned(), asked.get("code_verifier")))
        },
        codes: &[9000411],
    },
    Row {
        name: "refresh_token comes twice",
        of: "refresh_token",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.is_refresh(),
        change: |_, asked, _| {
            asked
                .fields
                .push(("refresh_token".to_owned(), asked.get("refresh_token")))
        },
        codes: &[9000411],
    },
    Row {
        name: "device_code comes twice",
        of: "device_code",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::Device,
        change: |_, asked, _| {
            asked
                .fields
                .push(("device_code".to_owned(), asked.get("device_code")))
        },
        codes: &[9000411],
    },
    Row {
        name: "assertion comes twice",
        of: "assertion",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| {
            asked
                .fields
                .push(("assertion".to_owned(), asked.get("assertion")))
        },
        codes: &[9000411],
    },
    Row {
        name: "requested_token_use comes twice",
        of: "requested_token_use",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| {
            asked.fields.push((
                "requested_token_use".to_owned(),
                asked.get("requested_token_use"),
            ))
        },
        codes: &[9000411],
    },
    Row {
        name: "username comes twice",
        of: "username",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| {
            asked
                .fields
                .push(("username".to_owned(), asked.get("username")))
        },
        codes: &[9000411],
    },
    Row {
        name: "password comes twice",
        of: "password",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| {
            asked
                .fields
                .push(("password".to_owned(), asked.get("password")))
        },
        codes: &[9000411],
    },
    Row {
        name: "client_secret comes twice",
        of: "client_secret",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.has_secret(),
        change: |_, asked, _| {
            asked
                .fields
                .push(("client_secret".to_owned(), asked.get("client_secret")))
        },
        codes: &[9000411],
    },
    Row {
        name: "client_assertion comes twice",
        of: "client_assertion",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| {
            asked
                .fields
                .push(("client_assertion".to_owned(), asked.get("client_assertion")))
        },
        codes: &[9000411],
    },
    Row {
        name: "client_assertion_type comes twice",
        of: "client_assertion_type",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| {
            asked.fields.push((
                "client_assertion_type".to_owned(),
                asked.get("client_assertion_type"),
            ))
        },
        codes: &[9000411],
    },
    Row {
        name: "scope comes twice",
        of: "scope",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |_, version| version == 2,
        change: |_, asked, _| asked.fields.push(("scope".to_owned(), asked.get("scope"))),
        codes: &[9000411],
    },
    Row {
        name: "resource comes twice",
        of: "resource",
        source: "RFC 6749, section 3.2: a parameter must not come twice, and an empty one counts as absent",
        fits: |_, version| version == 1,
        change: |_, asked, _| {
            asked
                .fields
                .push(("resource".to_owned(), asked.get("resource")))
        },
        codes: &[9000411],
    },
    Row {
        name: "grant_type is in another case",
        of: "grant_type",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.set("grant_type", asked.get("grant_type").to_uppercase()),
        codes: &[70003],
    },
    Row {
        name: "grant_type is one that nobody knows",
        of: "grant_type",
        source: "calvinchengx/entra-emulator e2e/differential",
        fits: |_, _| true,
        change: |_, asked, _| asked.set("grant_type", "no_such_grant"),
        codes: &[70003],
    },
    Row {
        name: "client_id is that of no app",
        of: "client_id",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.set("client_id", "11111111-2222-4333-8444-555555555555"),
        codes: &[700016],
    },
    Row {
        name: "client_id is a name",
        of: "client_id",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |_, asked, _| asked.set("client_id", "my-app"),
        codes: &[700016],
    },
    Row {
        name: "client_id is the id of zeros",
        of: "client_id",
        source: "Azure/Commercial-Marketplace-SaaS-Accelerator#748",
        fits: |_, _| true,
        change: |_, asked, _| asked.set("client_id", Uuid::nil().to_string()),
        codes: &[700038],
    },
    Row {
        name: "another client id is in the header",
        of: "the authorization header",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |_, _| true,
        change: |_, asked, _| {
            use base64::Engine as _;
            let other = "11111111-2222-4333-8444-555555555555:secret";
            let basic = base64::engine::general_purpose::STANDARD.encode(other);
            asked
                .headers
                .push((header::AUTHORIZATION, format!("Basic {basic}")));
        },
        codes: &[7000110],
    },
    Row {
        name: "the secret is wrong",
        of: "client_secret",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.has_secret(),
        change: |_, asked, _| asked.set("client_secret", "wrong"),
        codes: &[7000215],
    },
    Row {
        name: "the secret is in another case",
        of: "client_secret",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.has_secret(),
        change: |_, asked, _| {
            let secret = asked.get("client_secret");
            let swapped = secret.chars().map(|it| {
                if it.is_lowercase() {
                    it.to_ascii_uppercase()
                } else {
                    it.to_ascii_lowercase()
                }
            });
            asked.set("client_secret", swapped.collect::<String>());
        },
        codes: &[7000215],
    },
    Row {
        name: "the secret is another app's",
        of: "client_secret",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.has_secret(),
        change: |bench, asked, _| asked.set("client_secret", bench.0.client("unconsented-app").1),
        codes: &[7000215],
    },
    Row {
        name: "a public client sends a secret",
        of: "client_secret",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.is_public(),
        change: |_, asked, _| asked.set("client_secret", "a-secret"),
        codes: &[700025],
    },
    Row {
        name: "a public client sends an assertion",
        of: "client_assertion",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.is_public(),
        change: |_, asked, _| {
            asked.set("client_assertion_type", ASSERTION_TYPE);
            asked.set("client_assertion", "eyJ.eyJ.AAAA");
        },
        codes: &[700025],
    },
    Row {
        name: "there are two kinds of credential",
        of: "client_assertion",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant.has_secret(),
        change: |bench, asked, _| {
            asked.set("client_assertion_type", ASSERTION_TYPE);
            asked.set(
                "client_assertion",
                bench.assertion(Grant::Certificate, |_, _| {}),
            );
        },
        codes: &[9002324],
    },
    Row {
        name: "the credential is removed",
        of: "the credential",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.has_secret(),
        change: |bench, _, grant| {
            bench.happen(&Event::RemoveSecret {
                app: grant.client().to_owned(),
                secret: None,
            })
        },
        codes: &[7000215],
    },
    Row {
        name: "the secret has expired",
        of: "the credential",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.has_secret(),
        change: |bench, _, grant| {
            bench.happen(&Event::ExpireSecret {
                app: grant.client().to_owned(),
            })
        },
        codes: &[7000222],
    },
    Row {
        name: "the certificate is removed",
        of: "the credential",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant == Grant::Certificate,
        change: |bench, _, grant| {
            bench.happen(&Event::RemoveCertificate {
                app: grant.client().to_owned(),
            })
        },
        codes: &[700026],
    },
    Row {
        name: "the certificate has expired",
        of: "the credential",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::Certificate,
        change: |bench, _, grant| {
            bench.happen(&Event::ExpireCertificate {
                app: grant.client().to_owned(),
            })
        },
        codes: &[700027],
    },
    Row {
        name: "the issuer is not trusted any more",
        of: "the credential",
        source: "entra-docs, workload-identity-federation",
        fits: |grant, _| grant == Grant::Federated,
        change: |bench, _, grant| {
            bench.registration(grant, |app| app.federated_credentials.clear())
        },
        codes: &[700021, 700211],
    },
    Row {
        name: "the assertion is no JWT",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| asked.set("client_assertion", "rubbish"),
        codes: &[50027],
    },
    Row {
        name: "the signature of the assertion is broken",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| asked.set("client_assertion", broken(&asked.get("client_assertion"))),
        codes: &[700027],
    },
    Row {
        name: "the type of the assertion is another",
        of: "client_assertion_type",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant.has_assertion(),
        change: |_, asked, _| {
            asked.set(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
            )
        },
        codes: &[7000218],
    },
    Row {
        name: "the algorithm of the assertion is none",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant.has_assertion(),
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    header["alg"] = json!("none")
                }),
            )
        },
        codes: &[5002738],
    },
    Row {
        name: "the assertion has expired",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant.has_assertion(),
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["exp"] = json!(1_000_000)
                }),
            )
        },
        codes: &[700024],
    },
    Row {
        name: "the assertion is not yet valid",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant.has_assertion(),
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["nbf"] = json!(9_000_000_000_i64)
                }),
            )
        },
        codes: &[700024],
    },
    Row {
        name: "the assertion has no subject",
        of: "client_assertion",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant.has_assertion(),
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["sub"] = json!("")
                }),
            )
        },
        codes: &[700022],
    },
    Row {
        name: "the assertion is for another audience",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant.has_assertion(),
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["aud"] = json!("https://login.microsoftonline.us/common")
                }),
            )
        },
        codes: &[700023, 700212],
    },
    Row {
        name: "the assertion is about another app",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant == Grant::Certificate,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["sub"] = json!("someone")
                }),
            )
        },
        codes: &[50048],
    },
    Row {
        name: "the assertion is of another app",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant == Grant::Certificate,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["iss"] = json!("someone")
                }),
            )
        },
        codes: &[700021],
    },
    Row {
        name: "the thumbprint is under the other's name",
        of: "client_assertion",
        source: "MicrosoftDocs/entra-docs#1607",
        fits: |grant, _| grant == Grant::Certificate,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    header["x5t"] = header["x5t#S256"].take();
                    header["x5t#S256"] = json!("")
                }),
            )
        },
        codes: &[700027],
    },
    Row {
        name: "the thumbprint is that of no certificate",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant == Grant::Certificate,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    header["x5t#S256"] = json!("AAAA")
                }),
            )
        },
        codes: &[700027],
    },
    Row {
        name: "the assertion names no key",
        of: "client_assertion",
        source: "entra-docs, certificate-credentials",
        fits: |grant, _| grant == Grant::Certificate,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    header["x5t#S256"] = json!("")
                }),
            )
        },
        codes: &[5002723],
    },
    Row {
        name: "the subject of the issuer is another",
        of: "client_assertion",
        source: "entra-docs, workload-identity-federation-considerations",
        fits: |grant, _| grant == Grant::Federated,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["sub"] = json!("repo:contoso/other")
                }),
            )
        },
        codes: &[700213],
    },
    Row {
        name: "the subject of the issuer is in another case",
        of: "client_assertion",
        source: "Azure/login#515",
        fits: |grant, _| grant == Grant::Federated,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["sub"] = json!(claims["sub"].as_str().unwrap().to_uppercase())
                }),
            )
        },
        codes: &[7002138],
    },
    Row {
        name: "the issuer is another",
        of: "client_assertion",
        source: "entra-docs, workload-identity-federation-considerations",
        fits: |grant, _| grant == Grant::Federated,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["iss"] = json!("https://other.example")
                }),
            )
        },
        codes: &[700211],
    },
    Row {
        name: "the issuer has a slash more",
        of: "client_assertion",
        source: "Azure/azure-workload-identity, troubleshooting",
        fits: |grant, _| grant == Grant::Federated,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["iss"] = json!(format!("{}/", claims["iss"].as_str().unwrap()))
                }),
            )
        },
        codes: &[700211],
    },
    Row {
        name: "the token of the issuer is a user's",
        of: "client_assertion",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::Federated,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["scp"] = json!("User.Read")
                }),
            )
        },
        codes: &[700229],
    },
    Row {
        name: "the key of the issuer is unknown",
        of: "client_assertion",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant == Grant::Federated,
        change: |bench, asked, grant| {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    header["kid"] = json!("unknown")
                }),
            )
        },
        codes: &[5000811],
    },
    Row {
        name: "the scope does not exist",
        of: "scope",
        source: "entra-docs, scopes-oidc",
        fits: |grant, version| version == 2 && grant.user().is_some() && grant != Grant::Device,
        change: |_, asked, _| asked.set("scope", "No.Such.Scope"),
        codes: &[70011],
    },
    Row {
        name: "the API of the scope does not exist",
        of: "scope",
        source: "entra-docs, reference-error-codes",
        fits: |grant, version| version == 2 && grant != Grant::Device,
        change: |_, asked, _| asked.set("scope", "https://nobody.example/.default"),
        codes: &[500011],
    },
    Row {
        name: "the API of the scope is Graph of another cloud",
        of: "scope",
        source: "turbot/steampipe-plugin-azuread#167",
        fits: |grant, version| version == 2 && grant != Grant::Device,
        change: |_, asked, _| asked.set("scope", "https://graph.microsoft.us/.default"),
        codes: &[500011],
    },
    Row {
        name: "the scope is not consented",
        of: "scope",
        source: "PrefectHQ/fastmcp#2468",
        fits: |grant, version| version == 2 && grant.user().is_some() && grant != Grant::Device,
        change: |_, asked, _| asked.set("scope", "Directory.ReadWrite.All"),
        codes: &[65001],
    },
    Row {
        name: "scopes stand beside all that is registered",
        of: "scope",
        source: "MicrosoftDocs/entra-docs#1501",
        fits: |grant, version| version == 2 && grant.user().is_some() && grant != Grant::Device,
        change: |_, asked, _| asked.set("scope", "https://graph.microsoft.com/.default User.Read"),
        codes: &[70011],
    },
    Row {
        name: "scopes are of two APIs",
        of: "scope",
        source: "AzureAD/microsoft-authentication-library-for-js#1487",
        fits: |grant, version| {
            version == 2 && grant.user().is_some() && grant != Grant::Device && !grant.is_refresh()
        },
        change: |bench, asked, _| {
            asked.set("scope", format!("User.Read {}/access_as_user", bench.api()))
        },
        codes: &[28000],
    },
    Row {
        name: "all that is registered of two APIs",
        of: "scope",
        source: "AzureAD/microsoft-authentication-library-for-js#6069",
        fits: |grant, version| version == 2 && grant.user().is_none(),
        change: |bench, asked, _| asked.set("scope", format!("{GRAPH} {}/.default", bench.api())),
        codes: &[70011],
    },
    Row {
        name: "an app asks for a permission of users",
        of: "scope",
        source: "databricks/databricks-sql-nodejs#226",
        fits: |grant, version| version == 2 && grant.user().is_none(),
        change: |_, asked, _| asked.set("scope", "https://graph.microsoft.com/User.Read"),
        codes: &[1002012],
    },
    Row {
        name: "an app asks to sign a user in",
        of: "scope",
        source: "AzureAD/microsoft-authentication-library-for-go#304",
        fits: |grant, version| version == 2 && grant.user().is_none(),
        change: |_, asked, _| asked.set("scope", "openid profile offline_access"),
        codes: &[1002012],
    },
    Row {
        name: "an app asks for itself by a URI",
        of: "scope",
        source: "damienbod/angular-auth-oidc-client#1844",
        fits: |grant, version| version == 2 && matches!(grant, Grant::OnBehalfOf),
        change: |bench, asked, _| asked.set("scope", format!("{}/.default", bench.api())),
        codes: &[90009],
    },
    Row {
        name: "a v1 client asks for itself by a URI",
        of: "resource",
        source: "entra-docs, reference-error-codes",
        fits: |grant, version| version == 1 && matches!(grant, Grant::OnBehalfOf),
        change: |bench, asked, _| asked.set("resource", bench.api()),
        codes: &[90009],
    },
    Row {
        name: "a code for two APIs is redeemed without scope",
        of: "scope",
        source: "AzureAD/microsoft-authentication-library-for-python#125",
        fits: |grant, version| version == 2 && grant.is_code(),
        change: |bench, asked, grant| {
            let two = format!("openid User.Read {}/access_as_user", bench.api());
            asked.set("code", bench.code(grant, |code| code.scope = two));
            asked.remove("scope");
        },
        codes: &[28003],
    },
    Row {
        name: "a code for two APIs is redeemed for a sign-in",
        of: "scope",
        source: "AzureAD/microsoft-authentication-library-for-java#407",
        fits: |grant, version| version == 2 && grant.is_code(),
        change: |bench, asked, grant| {
            let two = format!("openid User.Read {}/access_as_user", bench.api());
            asked.set("code", bench.code(grant, |code| code.scope = two));
            asked.set("scope", "openid profile");
        },
        codes: &[28002],
    },
    Row {
        name: "resource is not the scope's",
        of: "resource",
        source: "modelcontextprotocol/python-sdk#2578",
        fits: |grant, version| version == 2 && grant != Grant::Device,
        change: |_, asked, _| asked.set("resource", "https://mcp.example"),
        codes: &[9010010],
    },
    Row {
        name: "resource has a slash more than the scope",
        of: "resource",
        source: "CyberDrain/CIPP#351",
        fits: |grant, version| version == 2 && !grant.is_for_api() && grant != Grant::Device,
        change: |_, asked, _| asked.set("resource", "https://graph.microsoft.com/"),
        codes: &[9010010],
    },
    Row {
        name: "the resource does not exist",
        of: "resource",
        source: "entra-docs, reference-error-codes",
        fits: |grant, version| version == 1 && grant != Grant::Device,
        change: |_, asked, _| asked.set("resource", "https://nobody.example"),
        codes: &[500011],
    },
    Row {
        name: "the resource is a scope",
        of: "resource",
        source: "backstage/backstage#26017",
        fits: |grant, version| version == 1 && grant != Grant::Device,
        change: |_, asked, _| asked.set("resource", GRAPH),
        codes: &[500011],
    },
    Row {
        name: "the code is garbled",
        of: "code",
        source: "MicrosoftDocs/azure-docs#63819",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("code", "rubbish"),
        codes: &[9002313],
    },
    Row {
        name: "the code was cut",
        of: "code",
        source: "AzureAD/microsoft-authentication-library-for-js#6076",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("code", cut(&asked.get("code"))),
        codes: &[9002313],
    },
    Row {
        name: "the code is a refresh token",
        of: "code",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.is_code(),
        change: |bench, asked, _| asked.set("code", bench.refresh_token(Grant::Refresh, |_| {})),
        codes: &[9002313],
    },
    Row {
        name: "the code is another client's",
        of: "code",
        source: "CompassSecurity/EntraFalcon#6",
        fits: |grant, _| grant.is_code(),
        change: |bench, asked, grant| {
            let other = bench.app("unconsented-app");
            asked.set(
                "code",
                bench.code(grant, |code| code.sign_in.client = other),
            );
        },
        codes: &[700007],
    },
    Row {
        name: "the code is old",
        of: "code",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.is_code(),
        change: |bench, asked, grant| {
            let ago = SignedDuration::from_mins(10);
            asked.set(
                "code",
                bench.code(grant, |code| {
                    code.issued = code.issued.saturating_sub(ago).unwrap()
                }),
            );
        },
        codes: &[70008],
    },
    Row {
        name: "the code was redeemed before",
        of: "code",
        source: "snok/django-auth-adfs#245",
        fits: |grant, _| grant.is_code(),
        change: |bench, asked, grant| {
            let mut id = Uuid::nil();
            let code = bench.code(grant, |code| id = code.id);
            let now = bench.0.tenant.now();
            let later = now.saturating_add(SignedDuration::from_mins(10)).unwrap();
            bench
                .0
                .world
                .redeemed
                .redeem(bench.0.tenant.id, id, later, now);
            asked.set("code", code);
        },
        codes: &[54005],
    },
    Row {
        name: "the code is of another tenant",
        of: "code",
        source: "nextauthjs/next-auth#11602",
        fits: |grant, _| grant.is_code(),
        change: |bench, asked, grant| {
            let other = bench.0.facts.apps["vendor-app"].tenant_id;
            asked.set(
                "code",
                bench.code(grant, |code| code.sign_in.tenant = other),
            );
        },
        codes: &[700005],
    },
    Row {
        name: "the redirect URI is another",
        of: "redirect_uri",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("redirect_uri", "https://elsewhere.example/"),
        codes: &[500112],
    },
    Row {
        name: "the redirect URI is in another case",
        of: "redirect_uri",
        source: "entra-docs, reply-url",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("redirect_uri", asked.get("redirect_uri").to_uppercase()),
        codes: &[500112],
    },
    Row {
        name: "the redirect URI is none",
        of: "redirect_uri",
        source: "Azure-Samples/azure-search-openai-demo#784",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("redirect_uri", "/callback"),
        codes: &[500116],
    },
    Row {
        name: "the verifier is another",
        of: "code_verifier",
        source: "AzureAD/microsoft-authentication-library-for-js#5044",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("code_verifier", "x".repeat(43)),
        codes: &[501481],
    },
    Row {
        name: "the verifier is in another case",
        of: "code_verifier",
        source: "RFC 7636, section 4.6",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("code_verifier", VERIFIER.to_lowercase()),
        codes: &[501481],
    },
    Row {
        name: "the verifier is too short",
        of: "code_verifier",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("code_verifier", "x".repeat(42)),
        codes: &[501482],
    },
    Row {
        name: "the verifier is too long",
        of: "code_verifier",
        source: "RFC 7636, section 4.1",
        fits: |grant, _| grant.is_code(),
        change: |_, asked, _| asked.set("code_verifier", "x".repeat(129)),
        codes: &[501481],
    },
    Row {
        name: "a single-page application used no challenge",
        of: "code_verifier",
        source: "entra-docs, v2-oauth2-auth-code-flow",
        fits: |grant, _| grant == Grant::CodeOfSpa,
        change: |bench, asked, grant| {
            asked.set("code", bench.code(grant, |code| code.challenge = None))
        },
        codes: &[9002325],
    },
    Row {
        name: "the refresh token is garbled",
        of: "refresh_token",
        source: "AzureAD/microsoft-authentication-library-for-android#558",
        fits: |grant, _| grant.is_refresh(),
        change: |_, asked, _| asked.set("refresh_token", "rubbish"),
        codes: &[9002313],
    },
    Row {
        name: "the refresh token was cut",
        of: "refresh_token",
        source: "AzureAD/microsoft-authentication-library-for-android#558",
        fits: |grant, _| grant.is_refresh(),
        change: |_, asked, _| asked.set("refresh_token", cut(&asked.get("refresh_token"))),
        codes: &[9002313],
    },
    Row {
        name: "the refresh token is a code",
        of: "refresh_token",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.is_refresh(),
        change: |bench, asked, _| asked.set("refresh_token", bench.code(Grant::Code, |_| {})),
        codes: &[9002313],
    },
    Row {
        name: "the refresh token is another client's",
        of: "refresh_token",
        source: "CompassSecurity/EntraFalcon#6",
        fits: |grant, _| grant.is_refresh(),
        change: |bench, asked, grant| {
            let other = bench.app("unconsented-app");
            asked.set(
                "refresh_token",
                bench.refresh_token(grant, |token| token.sign_in.client = other),
            );
        },
        codes: &[700007, 9002326, 7000218, 700025],
    },
    Row {
        name: "the refresh token was not used for 90 days",
        of: "refresh_token",
        source: "microsoft/foundry-dev-tools#707",
        fits: |grant, _| grant.is_refresh() && !grant.is_spa(),
        change: |bench, _, _| {
            bench
                .0
                .tenant
                .clock
                .advance(SignedDuration::from_hours(24 * 90))
        },
        codes: &[700082],
    },
    Row {
        name: "the refresh token of a single-page application is a day old",
        of: "refresh_token",
        source: "entra-docs, refresh-tokens",
        fits: |grant, _| grant == Grant::RefreshOfSpa,
        change: |bench, _, _| bench.0.tenant.clock.advance(SignedDuration::from_hours(24)),
        codes: &[700084],
    },
    Row {
        name: "the device code is unknown",
        of: "device_code",
        source: "seen at the service in 2026",
        fits: |grant, _| grant == Grant::Device,
        change: |_, asked, _| asked.set("device_code", "unknown"),
        codes: &[7000014],
    },
    Row {
        name: "nobody has approved yet",
        of: "device_code",
        source: "entra-docs, v2-oauth2-device-code",
        fits: |grant, _| grant == Grant::Device,
        change: |bench, asked, _| asked.set("device_code", bench.device_code(false)),
        codes: &[70016],
    },
    Row {
        name: "the person declined",
        of: "device_code",
        source: "entra-docs, v2-oauth2-device-code",
        fits: |grant, _| grant == Grant::Device,
        change: |bench, asked, _| {
            let code = bench.device_code(false);
            assert!(bench.0.state.device_codes.decline(&code));
            asked.set("device_code", code);
        },
        codes: &[70017],
    },
    Row {
        name: "the device code is old",
        of: "device_code",
        source: "Azure/azure-cli#22251",
        fits: |grant, _| grant == Grant::Device,
        change: |bench, _, _| bench.0.tenant.clock.advance(SignedDuration::from_mins(15)),
        codes: &[70020],
    },
    Row {
        name: "the assertion of the user is no JWT",
        of: "assertion",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.set("assertion", "rubbish"),
        codes: &[50027],
    },
    Row {
        name: "the signature of the user's token is broken",
        of: "assertion",
        source: "AzureAD/azure-activedirectory-library-for-dotnet#1234",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.set("assertion", broken(&asked.get("assertion"))),
        codes: &[50013],
    },
    Row {
        name: "the user's token is an app's own",
        of: "assertion",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.set("assertion", asked.spare[1].clone()),
        codes: &[7000114, 500136],
    },
    Row {
        name: "the user's token is an ID token of another client",
        of: "assertion",
        source: "AzureTRE-Deployment#65",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.set("assertion", asked.spare[0].clone()),
        codes: &[500131],
    },
    Row {
        name: "the user's token has expired",
        of: "assertion",
        source: "entra-docs, v2-oauth2-on-behalf-of-flow",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |bench, _, _| bench.0.tenant.clock.advance(SignedDuration::from_hours(2)),
        codes: &[500133],
    },
    Row {
        name: "the use of the token is another",
        of: "requested_token_use",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::OnBehalfOf,
        change: |_, asked, _| asked.set("requested_token_use", "impersonation"),
        codes: &[9002313],
    },
    Row {
        name: "the password is wrong",
        of: "password",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| asked.set("password", "wrong"),
        codes: &[50126],
    },
    Row {
        name: "the password has a blank more",
        of: "password",
        source: "entra-docs, v2-oauth-ropc",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| asked.set("password", format!("{} ", asked.get("password"))),
        codes: &[50126],
    },
    Row {
        name: "the user is not in the directory",
        of: "username",
        source: "Octoberfest7/TeamsPhisher#12",
        fits: |grant, _| grant == Grant::Password,
        change: |_, asked, _| asked.set("username", "nobody@contoso.onmicrosoft.com"),
        codes: &[50034],
    },
    Row {
        name: "the user is a guest",
        of: "username",
        source: "entra-docs, v2-oauth-ropc",
        fits: |grant, _| grant == Grant::Password,
        change: |bench, asked, _| asked.set("username", bench.0.facts.users["guest"].upn.clone()),
        codes: &[50126],
    },
    Row {
        name: "the app is switched off",
        of: "the client",
        source: "Worklytics/psoxy#74",
        fits: |_, _| true,
        change: |bench, _, grant| {
            bench.happen(&Event::DisableApp {
                app: grant.client().to_owned(),
            })
        },
        codes: &[7000112],
    },
    Row {
        name: "the registration is switched off",
        of: "the client",
        source: "graph application resource, isDisabled",
        fits: |_, _| true,
        change: |bench, _, grant| bench.registration(grant, |app| app.disabled = true),
        codes: &[7000112],
    },
    Row {
        name: "the app is deleted",
        of: "the client",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |bench, _, grant| {
            bench.happen(&Event::DeleteApp {
                app: grant.client().to_owned(),
            })
        },
        codes: &[700016],
    },
    Row {
        name: "the service principal of the app is deleted",
        of: "the client",
        source: "entra-docs, deprecate-spless-auth",
        fits: |_, _| true,
        change: |bench, _, grant| {
            let id = bench.app(grant.client());
            bench
                .0
                .tenant
                .write(|directory| directory.service_principals.shift_remove(&id));
        },
        codes: &[700016, 7000229],
    },
    Row {
        name: "the app is for personal accounts",
        of: "the client",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |_, _| true,
        change: |bench, _, grant| {
            bench.registration(grant, |app| {
                app.sign_in_audience = crate::directory::SignInAudience::Personal;
            })
        },
        codes: &[9002346],
    },
    Row {
        name: "the app is at risk",
        of: "the client",
        source: "entra-docs, concept-continuous-access-evaluation-workload",
        fits: |grant, _| grant.user().is_none(),
        change: |bench, _, grant| {
            bench.happen(&Event::SetAppRisk {
                app: grant.client().to_owned(),
                risk: Risk::High,
            })
        },
        codes: &[53003],
    },
    Row {
        name: "the API is switched off",
        of: "the API",
        source: "AzureAD/microsoft-authentication-library-for-dotnet#4905",
        fits: |grant, _| grant.is_for_api(),
        change: |bench, _, _| {
            bench.happen(&Event::DisableApp {
                app: "middle-tier-api".to_owned(),
            })
        },
        codes: &[500014],
    },
    Row {
        name: "the API is deleted",
        of: "the API",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.is_for_api(),
        change: |bench, _, _| {
            bench.happen(&Event::DeleteApp {
                app: "middle-tier-api".to_owned(),
            })
        },
        codes: &[500011],
    },
    Row {
        name: "Graph is switched off",
        of: "the API",
        source: "AzureAD/microsoft-authentication-library-for-dotnet#4905",
        fits: |grant, _| !grant.is_for_api(),
        change: |bench, _, _| bench.switch_graph_off(),
        codes: &[500014],
    },
    Row {
        name: "the API demands an assignment",
        of: "the API",
        source: "entra-docs, sample answer",
        fits: |grant, _| grant.user().is_none(),
        change: |bench, asked, _| {
            bench.happen(&Event::RequireAssignment {
                app: "middle-tier-api".to_owned(),
            });
            if asked.version == 2 {
                asked.set("scope", format!("{}/.default", bench.api()));
            } else {
                asked.set("resource", bench.api());
            }
        },
        codes: &[501051],
    },
    Row {
        name: "consent is withdrawn",
        of: "the consent",
        source: "PrefectHQ/fastmcp#2468",
        fits: |grant, _| grant.user().is_some(),
        change: |bench, _, _| bench.0.tenant.write(|directory| directory.grants.clear()),
        codes: &[65001],
    },
    Row {
        name: "the tenant is deleted",
        of: "the directory",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |bench, _, _| bench.happen(&Event::DeleteTenant {}),
        codes: &[90002],
    },
    Row {
        name: "the tenant is blocked",
        of: "the directory",
        source: "entra-docs, reference-error-codes",
        fits: |_, _| true,
        change: |bench, _, _| bench.happen(&Event::BlockTenant {}),
        codes: &[5000224],
    },
    Row {
        name: "the user is disabled",
        of: "the user",
        source: "canonical/authd#814",
        fits: |grant, _| grant.user() == Some("alice"),
        change: |bench, _, _| {
            bench.happen(&Event::DisableUser {
                user: "alice".to_owned(),
            })
        },
        codes: &[50057],
    },
    Row {
        name: "the user is deleted",
        of: "the user",
        source: "f-bader/EntraID-ErrorCodes",
        fits: |grant, _| grant.user() == Some("alice"),
        change: |bench, _, _| {
            bench.happen(&Event::DeleteUser {
                user: "alice".to_owned(),
            })
        },
        codes: &[500341],
    },
    Row {
        name: "the user is deleted for good",
        of: "the user",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.user() == Some("alice"),
        change: |bench, _, _| {
            let alice = bench.user("alice");
            bench
                .0
                .tenant
                .write(|directory| directory.purge_user(alice));
        },
        codes: &[50034],
    },
    Row {
        name: "the user is locked out",
        of: "the user",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::Password,
        change: |bench, _, _| {
            bench.happen(&Event::LockUser {
                user: "alice".to_owned(),
            })
        },
        codes: &[50053],
    },
    Row {
        name: "the password has expired",
        of: "the user",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::Password,
        change: |bench, _, _| {
            bench.happen(&Event::ExpirePassword {
                user: "alice".to_owned(),
            })
        },
        codes: &[50055],
    },
    Row {
        name: "the password is changed",
        of: "the user",
        source: "entra-docs, refresh-tokens",
        fits: |grant, _| {
            grant == Grant::Password
                || matches!(
                    grant,
                    Grant::CodeOfPublic
                        | Grant::CodeOfSpa
                        | Grant::Device
                        | Grant::RefreshOfPublic
                        | Grant::RefreshOfSpa
                )
        },
        change: |bench, _, _| {
            bench.happen(&Event::ChangePassword {
                user: "alice".to_owned(),
                password: None,
            });
        },
        codes: &[50126, 50173],
    },
    Row {
        name: "the sessions are revoked",
        of: "the user",
        source: "microsoft/SynapseVSCode#87",
        fits: |grant, _| grant.user() == Some("alice") && grant != Grant::Password,
        change: |bench, _, _| {
            bench.happen(&Event::RevokeSessions {
                user: "alice".to_owned(),
                by: RevokedBy::Admin,
            })
        },
        codes: &[50173],
    },
    Row {
        name: "the user is at risk",
        of: "the user",
        source: "entra-docs, concept-identity-protection-policies",
        fits: |grant, _| grant.user() == Some("alice"),
        change: |bench, _, _| {
            bench.happen(&Event::SetUserRisk {
                user: "alice".to_owned(),
                risk: Risk::High,
                policy: None,
            })
        },
        codes: &[53003, 50135],
    },
    Row {
        name: "the user is not assigned to the app",
        of: "the assignment",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.user().is_some(),
        change: |bench, _, grant| {
            bench.happen(&Event::RequireAssignment {
                app: grant.client().to_owned(),
            })
        },
        codes: &[50105],
    },
    Row {
        name: "a policy demands a second factor",
        of: "the policy",
        source: "AzureAD/microsoft-authentication-library-for-js#5491",
        fits: |grant, _| grant.user().is_some(),
        change: |bench, _, grant| {
            bench.happen(&Event::RequireMfa {
                user: grant.user().map(str::to_owned),
                app: None,
            })
        },
        codes: &[50076, 50079],
    },
    Row {
        name: "a policy blocks",
        of: "the policy",
        source: "a log with the whole answer, 2025-03",
        fits: |grant, _| grant.user().is_some(),
        change: |bench, _, grant| {
            bench.happen(&Event::BlockByPolicy {
                user: grant.user().map(str::to_owned),
                app: None,
                inside: None,
                outside: None,
            })
        },
        codes: &[53003],
    },
    Row {
        name: "a policy demands a compliant device",
        of: "the policy",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.user().is_some(),
        change: |bench, _, grant| {
            bench.happen(&Event::RequireCompliantDevice {
                user: grant.user().map(str::to_owned),
                app: None,
            })
        },
        codes: &[53000, 530033],
    },
    Row {
        name: "a policy demands accepted terms of use",
        of: "the policy",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant.user().is_some(),
        change: |bench, _, grant| {
            bench.happen(&Event::RequireTermsOfUse {
                user: grant.user().map(str::to_owned),
                app: None,
            })
        },
        codes: &[50158],
    },
    Row {
        name: "the sign-in is too old for a policy",
        of: "the policy",
        source: "microsoft/vscode-mssql#22364",
        fits: |grant, _| grant.is_refresh() && grant != Grant::Refresh,
        change: |bench, _, grant| {
            bench.happen(&Event::SetSignInFrequency {
                user: grant.user().map(str::to_owned),
                app: None,
                seconds: 3600,
                second_factor: false,
            });
            bench.0.tenant.clock.advance(SignedDuration::from_hours(2));
        },
        codes: &[70043],
    },
    Row {
        name: "the device of the sign-in is disabled",
        of: "the device",
        source: "entra-docs, reference-error-codes, 135011",
        fits: |grant, _| matches!(grant, Grant::RefreshOfPublic | Grant::RefreshOfSpa),
        change: |bench, asked, grant| {
            asked.set(
                "refresh_token",
                bench.refresh_token(grant, |token| token.sign_in.compliant_device = true),
            );
            bench.happen(&Event::DisableDevice {
                user: "alice".to_owned(),
            });
        },
        codes: &[135011],
    },
    Row {
        name: "the guest is disabled here",
        of: "the user",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| {
            bench.happen(&Event::DisableUser {
                user: "guest".to_owned(),
            })
        },
        codes: &[500571],
    },
    Row {
        name: "the guest is deleted here",
        of: "the user",
        source: "entra-docs, reference-error-codes",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| {
            bench.happen(&Event::DeleteUser {
                user: "guest".to_owned(),
            })
        },
        codes: &[500341],
    },
    Row {
        name: "the home tenant of the guest is not admitted",
        of: "the home tenant",
        source: "entra-docs, cross-tenant-access-overview",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| {
            bench.happen(&Event::BlockHomeTenant {
                user: "guest".to_owned(),
            })
        },
        codes: &[500213],
    },
    Row {
        name: "the home tenant of the guest is deleted",
        of: "the home tenant",
        source: "entra-docs, users-revoke-access",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| bench.at_home(&Event::DeleteTenant {}),
        codes: &[90002],
    },
    Row {
        name: "the home tenant of the guest is blocked",
        of: "the home tenant",
        source: "entra-docs, users-revoke-access",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| bench.at_home(&Event::BlockTenant {}),
        codes: &[5000224],
    },
    Row {
        name: "the guest is disabled at home",
        of: "the home account",
        source: "entra-docs, users-revoke-access",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| {
            let name = bench.guest_at_home();
            bench.at_home(&Event::DisableUser { user: name });
        },
        codes: &[50057],
    },
    Row {
        name: "the guest is deleted at home",
        of: "the home account",
        source: "entra-docs, users-revoke-access",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| {
            let name = bench.guest_at_home();
            bench.at_home(&Event::DeleteUser { user: name });
        },
        codes: &[500341],
    },
    Row {
        name: "the guest's sessions are revoked at home",
        of: "the home account",
        source: "entra-docs, users-revoke-access",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| {
            let user = bench.guest_at_home();
            bench.at_home(&Event::RevokeSessions {
                user,
                by: RevokedBy::Admin,
            });
        },
        codes: &[50173],
    },
    Row {
        name: "the guest is at risk at home",
        of: "the home account",
        source: "entra-docs, concept-identity-protection-b2b",
        fits: |grant, _| grant == Grant::RefreshOfGuest,
        change: |bench, _, _| {
            let user = bench.guest_at_home();
            bench.at_home(&Event::SetUserRisk {
                user,
                risk: Risk::High,
                policy: None,
            });
        },
        codes: &[53011],
    },
];
