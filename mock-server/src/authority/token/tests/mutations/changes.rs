//! Mutations that need more than a word.

use super::super::*;
use super::valid::{ASSERTION_TYPE, Asked, Bench, By, Flow, Grant, VERIFIER};
use crate::directory::Risk;

/// Makes the mutation with a name.
#[expect(clippy::too_many_lines, reason = "a table: an arm each")]
pub(super) fn make(name: &str, bench: &Bench, asked: &mut Asked, grant: Grant) {
    match name {
        "the method is GET" => {
            asked.method = Method::GET;
        }
        "the body is JSON by its content type" => {
            asked
                .headers
                .retain(|(name, _)| name != header::CONTENT_TYPE);
            let json = "application/json".to_owned();
            asked.headers.push((header::CONTENT_TYPE, json));
        }
        "the origin is a web page's, for a client that is none" => {
            let origin = "https://page.example".to_owned();
            asked.headers.push((header::ORIGIN, origin));
        }
        "a single-page application sends no origin" => {
            asked.headers.retain(|(name, _)| name != header::ORIGIN);
        }
        "a proxy on the way does not admit the tenant" => {
            asked.admitted = Some("fabrikam.com");
        }
        "another client id is in the header" => {
            let other = basic("11111111-2222-4333-8444-555555555555", "secret");
            asked.headers.push((header::AUTHORIZATION, other));
        }
        "the header has another secret than the body" => {
            let id = asked.get("client_id");
            asked
                .headers
                .push((header::AUTHORIZATION, basic(&id, "another")));
        }
        "the body has another secret than the header" => {
            let (id, secret) = (asked.get("client_id"), asked.get("client_secret"));
            asked
                .headers
                .push((header::AUTHORIZATION, basic(&id, &secret)));
            asked.set("client_secret", "another");
        }
        "the secret is in another case" => {
            let secret = asked.get("client_secret");
            let swapped = secret.chars().map(|it| {
                if it.is_lowercase() {
                    it.to_ascii_uppercase()
                } else {
                    it.to_ascii_lowercase()
                }
            });
            asked.set("client_secret", swapped.collect::<String>());
        }
        "the secret is another app's" => {
            asked.set("client_secret", bench.0.client("unconsented-app").1);
        }
        "a public client sends an assertion" => {
            asked.set("client_assertion_type", ASSERTION_TYPE);
            asked.set("client_assertion", "eyJ.eyJ.AAAA");
        }
        "there are two kinds of credential" => {
            asked.set("client_assertion_type", ASSERTION_TYPE);
            asked.set(
                "client_assertion",
                bench.assertion(Grant::new(Flow::App, By::Certificate), |_, _| {}),
            );
        }
        "the certificate that is registered is another" => {
            bench.registration(grant, |app| {
                // The key is the same, and the thumbprint is not.
                for key in &mut app.certificates {
                    *key.certificate.last_mut().unwrap() ^= 1;
                }
            });
        }
        "the keys of the issuer cannot be had" => {
            bench.registration(grant, |app| {
                for credential in &mut app.federated_credentials {
                    credential.jwks = None;
                }
            });
        }
        "the issuer is not trusted any more" => {
            bench.registration(grant, |app| app.federated_credentials.clear());
        }
        "the thumbprint is under the other's name" => {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    header["x5t"] = header["x5t#S256"].take();
                    header["x5t#S256"] = json!("");
                }),
            );
        }
        "the subject of the issuer is in another case" => {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["sub"] = json!(claims["sub"].as_str().unwrap().to_uppercase());
                }),
            );
        }
        "the issuer has a slash more" => {
            asked.set(
                "client_assertion",
                bench.assertion(grant, |header, claims| {
                    let _ = (&header, &claims);
                    claims["iss"] = json!(format!("{}/", claims["iss"].as_str().unwrap()));
                }),
            );
        }
        "a code for two APIs is redeemed without scope" => {
            let two = format!("openid User.Read {}/access_as_user", bench.api());
            asked.set("code", bench.code(grant, |code| code.scope = two));
            asked.remove("scope");
        }
        "a code for two APIs is redeemed for a sign-in" => {
            let two = format!("openid User.Read {}/access_as_user", bench.api());
            asked.set("code", bench.code(grant, |code| code.scope = two));
            asked.set("scope", "openid profile");
        }
        "the code is a refresh token" => {
            asked.set(
                "code",
                bench.refresh_token(Grant::new(Flow::Refresh, By::Secret), |_| {}),
            );
        }
        "the code is another client's" => {
            let other = bench.app("unconsented-app");
            asked.set(
                "code",
                bench.code(grant, |code| code.sign_in.client = other),
            );
        }
        "the code is old" => {
            let ago = SignedDuration::from_mins(10);
            asked.set(
                "code",
                bench.code(grant, |code| {
                    code.issued = code.issued.saturating_sub(ago).unwrap();
                }),
            );
        }
        "the code was redeemed before" => {
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
        }
        "the code is of another tenant" => {
            let other = bench.0.facts.apps["vendor-app"].tenant_id;
            asked.set(
                "code",
                bench.code(grant, |code| code.sign_in.tenant = other),
            );
        }
        "the verifier is in another case" => {
            asked.set("code_verifier", VERIFIER.to_lowercase());
        }
        "a single-page application used no challenge" => {
            asked.set("code", bench.code(grant, |code| code.challenge = None));
        }
        "the refresh token is a code" => {
            asked.set(
                "refresh_token",
                bench.code(Grant::new(Flow::Code, By::Secret), |_| {}),
            );
        }
        "the refresh token is another client's" => {
            let other = bench.app("unconsented-app");
            asked.set(
                "refresh_token",
                bench.refresh_token(grant, |token| token.sign_in.client = other),
            );
        }
        "nobody has approved yet" => {
            asked.set("device_code", bench.device_code(grant, false));
        }
        "the person declined" => {
            let code = bench.device_code(grant, false);
            assert!(bench.0.state.device_codes.decline(&code));
            asked.set("device_code", code);
        }
        "the user's token is an app's own" => {
            asked.set("assertion", asked.spare[1].clone());
        }
        "the user's token is an ID token of another client" => {
            asked.set("assertion", asked.spare[0].clone());
        }
        "the password has a blank more" => {
            asked.set("password", format!("{} ", asked.get("password")));
        }
        "the user is a guest" => {
            asked.set("username", bench.0.facts.users["guest"].upn.clone());
        }
        "the registration is switched off" => {
            bench.registration(grant, |app| app.disabled = true);
        }
        "the service principal of the app is deleted" => {
            let id = bench.app(grant.client());
            bench
                .0
                .tenant
                .write(|directory| directory.service_principals.shift_remove(&id));
        }
        "the app is for personal accounts" => {
            bench.registration(grant, |app| {
                app.sign_in_audience = crate::directory::SignInAudience::Personal;
            });
        }
        "Graph is switched off" => {
            bench.switch_graph_off();
        }
        "the API demands an assignment" => {
            bench.happen(&Event::RequireAssignment {
                app: "middle-tier-api".to_owned(),
            });
            if asked.version == 2 {
                asked.set("scope", format!("{}/.default", bench.api()));
            } else {
                asked.set("resource", bench.api());
            }
        }
        "consent is withdrawn" => {
            bench.0.tenant.write(|directory| directory.grants.clear());
        }
        "the user is deleted for good" => {
            let alice = bench.user("alice");
            bench
                .0
                .tenant
                .write(|directory| directory.purge_user(alice));
        }
        "the sign-in is too old for a policy" => {
            bench.happen(&Event::SetSignInFrequency {
                user: grant.user().map(str::to_owned),
                app: None,
                seconds: 3600,
                second_factor: false,
            });
            bench.0.tenant.clock.advance(SignedDuration::from_hours(2));
        }
        "the device of the sign-in is disabled" => {
            asked.set(
                "refresh_token",
                bench.refresh_token(grant, |token| token.sign_in.compliant_device = true),
            );
            bench.happen(&Event::DisableDevice {
                user: "alice".to_owned(),
            });
        }
        "the guest is disabled at home" => {
            let name = bench.guest_at_home();
            bench.at_home(&Event::DisableUser { user: name });
        }
        "the guest is deleted at home" => {
            let name = bench.guest_at_home();
            bench.at_home(&Event::DeleteUser { user: name });
        }
        "the guest's sessions are revoked at home" => {
            let user = bench.guest_at_home();
            bench.at_home(&Event::RevokeSessions {
                user,
                by: RevokedBy::Admin,
            });
        }
        "the guest is at risk at home" => {
            let user = bench.guest_at_home();
            bench.at_home(&Event::SetUserRisk {
                user,
                risk: Risk::High,
                policy: None,
            });
        }
        other => panic!("changes.rs has no '{other}'"),
    }
}

/// The header by which a client sends its secret.
fn basic(id: &str, secret: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    format!("Basic {encoded}")
}
