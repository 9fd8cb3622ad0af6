//! The way to the authorize endpoint and back.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use url::Url;

use super::id_token;
use super::mutant::Mutant;
use super::problem::Problem;
use super::settings::{Flow, Settings};
use super::style::Style;
use super::token::{merge_capabilities, random_id};

/// A sign-in that was begun.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) url: String,
    state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

impl Pending {
    /// Begins a sign-in. `consent` asks for consent even where it was given, `person` is who signed
    /// in before.
    pub(super) fn begin(
        settings: &Settings,
        consent: bool,
        claims: Option<&str>,
        person: Option<&str>,
    ) -> Result<Self, Problem> {
        let Flow::Delegated {
            scopes,
            redirect_uri,
        } = &settings.flow
        else {
            return Err(Problem::configuration(
                "this auth method has no sign-in page",
            ));
        };
        let (mut state, nonce, verifier) = (random_id(), random_id(), random_id());
        let verifier = if settings.kind.is(Mutant::OneChallenge) {
            "the-one-and-only-verifier-of-this-connector".to_owned()
        } else {
            verifier
        };
        let mut challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let is = |mutant| settings.kind.is(mutant);
        if is(Mutant::FixedState) {
            "the-state-of-the-connector".clone_into(&mut state);
        }
        if is(Mutant::StatesOfTheTime) {
            #[expect(clippy::disallowed_methods, reason = "what is wrong with it")]
            let now = jiff::Timestamp::now();
            state = format!("{:032x}", now.as_nanosecond());
        }
        if is(Mutant::CountsItsStates) {
            state = format!("sign-in-{}", verifier.len());
        }
        let mut method = "S256";
        if is(Mutant::PlainPkce) {
            (challenge, method) = (verifier.clone(), "plain");
        }
        let response_type = if is(Mutant::AsksForTokenAndCode) {
            "code id_token"
        } else {
            "code"
        };
        let scope: Vec<String> = scopes
            .iter()
            .map(|scope| settings.qualified(scope))
            .collect();
        let base = format!("{}/oauth2/v2.0/authorize", settings.authority());
        let mut url = Url::parse(&base)
            .map_err(|_| Problem::configuration(format!("'{base}' is no address")))?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("client_id", &settings.client_id)
                .append_pair("response_type", response_type)
                .append_pair("redirect_uri", redirect_uri)
                .append_pair(
                    "response_mode",
                    if settings.kind.has(Style::CallbackAsForm) {
                        "form_post"
                    } else if response_type == "code" {
                        "query"
                    } else {
                        "fragment"
                    },
                )
                .append_pair("scope", &scope.join(" "))
                .append_pair("nonce", &nonce)
                .append_pair("client_info", "1")
                .append_pair("claims", &merge_capabilities(claims, settings.kind));
            if let Some(person) = person {
                query.append_pair("login_hint", person);
            }
            if !settings.kind.has(Style::WithoutPkce) {
                query
                    .append_pair("code_challenge", &challenge)
                    .append_pair("code_challenge_method", method);
            }
            if !is(Mutant::WithoutState) {
                query.append_pair("state", &state);
            }
            if consent || is(Mutant::ForcesConsent) {
                query.append_pair("prompt", "consent");
            }
        }
        if is(Mutant::SignsInElsewhere) {
            let host = match url.host_str() {
                Some("login.microsoftonline.us") => "login.microsoftonline.com",
                _ => "login.microsoftonline.us",
            };
            // Both are host names.
            let _ = url.set_host(Some(host));
        }
        Ok(Self {
            url: url.into(),
            state,
            nonce,
            verifier,
        })
    }

    /// The sign-in with a state that is made of a name, as a mutant has it.
    pub(super) fn with_state_of(mut self, name: &str) -> Self {
        let state = URL_SAFE_NO_PAD.encode(digest(&SHA256, name.as_bytes()));
        self.url = self.url.replace(&self.state, &state);
        self.state = state;
        self
    }

    /// The code of a callback that belongs to this sign-in.
    pub(super) fn code(
        &self,
        settings: &Settings,
        redirect_url: &str,
        form: Option<&Map<String, Value>>,
    ) -> Result<String, Problem> {
        let parameters = parameters(redirect_url, form)?;
        let get = |name: &str| {
            parameters
                .iter()
                .find(|(it, _)| it == name)
                .map(|(_, value)| value.as_str())
        };
        // First of all: is this the answer to what was asked?
        let is = |mutant| settings.kind.is(mutant);
        let unasked = is(Mutant::SkipsStateCheck) || is(Mutant::WithoutState);
        let half = self.state.get(..self.state.len() / 2).unwrap_or_default();
        let own = get("state").is_some_and(|it| {
            is(Mutant::TakesAnyStateOfItsOwn) && it.len() == self.state.len()
                || is(Mutant::ComparesHalfTheState) && it.starts_with(half)
                || is(Mutant::ComparesAsFarAsItsState) && it.starts_with(&self.state)
                || is(Mutant::ComparesStatesWithoutCase) && it.eq_ignore_ascii_case(&self.state)
        });
        let empty = is(Mutant::TakesAnEmptyState) && get("state").is_none_or(str::is_empty);
        if get("state") != Some(&self.state) && !unasked && !own && !empty {
            return Err(Problem::untrusted(
                "the callback does not belong to this sign-in (its state differs): start again",
            ));
        }
        // Entra sends no `iss`; who sends another authority's has mixed up two sign-ins (RFC 9207, 2.4).
        let foreign = get("iss").is_some_and(|issuer| !id_token::is_trusted(settings, issuer));
        if foreign && !is(Mutant::TakesCallbacksOfAnyIssuer) {
            return Err(Problem::untrusted(
                "the callback comes from another sign-in service: start again",
            ));
        }
        if is(Mutant::IgnoresErrorCallbacks) {
            return Ok(get("code").unwrap_or("undefined").to_owned());
        }
        let both = get("error").is_some() && get("code").is_some();
        let known = get("error") == Some("access_denied");
        let redeems = both
            && (is(Mutant::TakesTheCodeOfAnError)
                || is(Mutant::KnowsOneErrorOfCallbacks) && !known);
        if let Some(error) = get("error").filter(|_| !redeems) {
            let body = json!({
                "error": error,
                "error_description": get("error_description").unwrap_or(
                    if get("error_subcode") == Some("cancel") { "the sign-in was cancelled" } else { "" }
                ),
            });
            return Err(Problem::of_authority(400, &body, None));
        }
        let code = get("code").filter(|it| !it.is_empty());
        code.map(str::to_owned)
            .ok_or_else(|| Problem::untrusted("the callback has neither a code nor an error"))
    }
}

fn parameters(
    redirect_url: &str,
    form: Option<&Map<String, Value>>,
) -> Result<Vec<(String, String)>, Problem> {
    if let Some(form) = form {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        return Ok(form
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect());
    }
    let url =
        Url::parse(redirect_url).map_err(|_| Problem::untrusted("the callback is no address"))?;
    let text = url.query().or(url.fragment()).unwrap_or_default();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect();
    let repeated = pairs
        .iter()
        .enumerate()
        .any(|(index, (name, _))| pairs[..index].iter().any(|(earlier, _)| earlier == name));
    if repeated {
        return Err(Problem::untrusted("the callback repeats a parameter"));
    }
    Ok(pairs)
}
