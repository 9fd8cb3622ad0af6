//! Checks: what must be seen, over the journal and over the driver's answers.

use crate::environment::Environment;
use crate::journal::Surface;
use crate::notation::{Many, Span};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::axis::{AuthMethod, Axis, Category};
use super::term::{Answered, ClientAuthentication, Field, Secrets, Since, TokenName};
use super::value::ValueTest;

/// How bad it is when a check fails.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Informative.
    May,
    /// A documented recommendation: a warning.
    Should,
    /// A defect in any connector.
    #[default]
    Must,
}

/// A named requirement: what shows that it was exercised, and what must then hold.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Check {
    /// The name, stable words in kebab case.
    #[serde(rename = "check")]
    pub name: String,
    /// The requirement in a sentence.
    pub says: String,
    /// How bad it is when it fails.
    #[serde(default)]
    pub level: Level,
    /// The document that states it; the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// For which auth methods it is asked.
    #[serde(default)]
    pub auth: Axis<AuthMethod>,
    /// In which environments it is asked.
    #[serde(default)]
    pub environment: Axis<Environment>,
    /// What must be in the record, so that the check says something.
    pub witness: Evidence,
    /// What must hold.
    pub expect: Evidence,
}

impl Check {
    /// What the types cannot say: that witness and expectation say something.
    pub(super) fn validate(&self) -> Result<(), String> {
        if self.witness.is_empty() {
            return Err(format!(
                "the check '{}' has an empty witness: it would pass when the connector did nothing",
                self.name
            ));
        }
        if self.expect.is_empty() {
            return Err(format!("the check '{}' expects nothing", self.name));
        }
        match self
            .expect
            .selectors()
            .find(|(_, selector)| !selector.demands())
        {
            Some((surface, _)) => Err(format!(
                "the check '{}' picks requests of '{surface}' and demands nothing of them: add exactly, at-least, at-most, each, distinct, random, same, at-once or spaced-at-least",
                self.name
            )),
            None => Ok(()),
        }
    }

    /// Whether it is asked for this auth method and environment.
    pub fn applies_to(&self, auth: AuthMethod, environment: Environment) -> bool {
        let method = match &self.auth {
            Axis::All => true,
            Axis::Only(methods) => methods.contains(&auth),
        };
        let place = match &self.environment {
            Axis::All => true,
            Axis::Only(environments) => environments.contains(&environment),
        };
        method && place
    }
}

/// What is looked for in a record: exchanges by surface, an answer of the driver, the state.
///
/// As a witness it says what must have happened; as an expectation, what must hold. All that is
/// said must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(extend("minProperties" = 1))]
pub struct Evidence {
    /// Requests that begin a sign-in at the authorize endpoint (not the pages behind it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize: Option<Selector>,
    /// Requests to the token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Selector>,
    /// Requests to the device-code endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_code: Option<Selector>,
    /// Requests for configuration documents and instance discovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery: Option<Selector>,
    /// Requests for signing keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Selector>,
    /// Requests to Microsoft Graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<Selector>,
    /// Requests to the hosts of tenants' sites, where contents of files come and go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<Selector>,
    /// Requests to hosts that are none of the mock's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Selector>,
    /// TLS handshakes in which a fault presented a wrong certificate: answered 495 where the client
    /// refused it, 200 where it took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Selector>,
    /// Sign-in pages: what the person's browser sends after the authorize request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<Selector>,
    /// All requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Selector>,
    /// The last answer of the driver that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerTest>,
    /// What the connector says of its connection; the runner asks before it judges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusTest>,
    /// What a trigger has told, over all its answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<ToldTest>,
    /// What holds over all that happened in the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// What holds over all that happened in a case, whatever the case is about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// After 429 or 503 the time that `Retry-After` gives is kept, by seconds or date; without a
    /// usable one, a second.
    BacksOff,
    /// A refresh token that was refused with `invalid_grant` is not presented again.
    DeadTokenNeverAgain,
    /// Microsoft's hosts are never asked without TLS.
    HttpsOnly,
    /// A link to the next page is requested as it was given.
    NextLinkOpaque,
    /// No secret and no token but the access token goes to Graph.
    OnlyAccessTokensAtGraph,
    /// A refresh token is not presented while it is being redeemed.
    OneRefreshAtATime,
    /// The sign-in pages are asked for by the person's browser, and not by the connector.
    PagesByTheBrowser,
    /// Nothing is asked for again before the time that `Retry-After` gave.
    RetryAfterKept,
    /// No secret and no token goes to other places of Microsoft's than the token endpoint and Graph.
    SecretsAtTheirPlace,
    /// Nothing that the driver wrote to standard error has a secret or a token in it.
    StderrFreeOfSecrets,
}

impl Evidence {
    /// The selectors with the names of their surfaces.
    pub fn selectors(&self) -> impl Iterator<Item = (&'static str, &Selector)> {
        [
            ("authorize", &self.authorize),
            ("token", &self.token),
            ("device-code", &self.device_code),
            ("discovery", &self.discovery),
            ("keys", &self.keys),
            ("graph", &self.graph),
            ("sites", &self.sites),
            ("proxy", &self.proxy),
            ("tls", &self.tls),
            ("pages", &self.pages),
            ("any", &self.any),
        ]
        .into_iter()
        .filter_map(|(name, selector)| Some((name, selector.as_ref()?)))
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Picks exchanges, and says how many there must be and what each must look like.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Selector {
    /// Picks by grant type in its short spelling, such as `refresh_token`.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub grant: Many<String>,
    /// Picks by host: `login-host`, `graph-host` (of the case's environment), `other-cloud`
    /// (Microsoft's, but not of this environment), `foreign` (not Microsoft's), or a name with `*`.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub host: Many<String>,
    /// Picks by path, `*` for any text.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub path: Many<String>,
    /// Picks by method.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub method: Many<String>,
    /// Picks by answer: a status, an error, an AADSTS number, `success` or `refusal`.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub answered: Many<Answered>,
    /// Leaves out surfaces; for `any`.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub except: Many<Surface>,
    /// Picks by anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<Condition>,
    /// Only after the exchange that is the witness.
    #[serde(skip_serializing_if = "is_false")]
    pub after_witness: bool,
    /// Only before the exchange that is the witness.
    #[serde(skip_serializing_if = "is_false")]
    pub before_witness: bool,
    /// Only since the last step of this kind began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// Exactly so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exactly: Option<usize>,
    /// At least so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<usize>,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<usize>,
    /// What each of them must look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<Condition>,
    /// This value must be another one in each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct: Option<Field>,
    /// This value must be random enough in all of them together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random: Option<Random>,
    /// This value must be the same in all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same: Option<Field>,
    /// In real time, no more than so many begin within so short a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<AtOnce>,
    /// The tenant's time between two that follow one another, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spaced_at_least: Option<Span>,
}

impl Selector {
    /// Whether it demands something of what it picks.
    pub fn demands(&self) -> bool {
        self.exactly.is_some()
            || self.at_least.is_some()
            || self.at_most.is_some()
            || self.each.is_some()
            || self.distinct.is_some()
            || self.random.is_some()
            || self.same.is_some()
            || self.at_once.is_some()
            || self.spaced_at_least.is_some()
    }
}

/// A value that must not be guessed from those before it: what changes between several of them
/// must have room for so many random bits.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Random {
    /// Which value, such as `query.state`.
    pub value: Field,
    /// So many bits, at least.
    pub bits: u16,
}

/// How many may begin within a time: those that a fault delays by it are on their way together.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AtOnce {
    /// So many, at most.
    pub at_most: usize,
    /// Within this real time.
    pub within: Span,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// What one exchange looks like. All that is said must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Condition {
    /// The host, as in [`Selector::host`].
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub host: Many<String>,
    /// The path, `*` for any text.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub path: Many<String>,
    /// Not this path.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub path_not: Many<String>,
    /// The method.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub method: Many<String>,
    /// The answer.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub answered: Many<Answered>,
    /// The user of the token or of the sign-in, by sign-in name.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub user: Many<String>,
    /// Query parameters.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub query: IndexMap<String, ValueTest>,
    /// Form fields.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub form: IndexMap<String, ValueTest>,
    /// Request headers, names in lower case.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub header: IndexMap<String, ValueTest>,
    /// Members of the request's JSON body by JSON pointer.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub body: IndexMap<String, ValueTest>,
    /// Members of the answer's JSON body by JSON pointer.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub response: IndexMap<String, ValueTest>,
    /// Members of the client assertion, header and claims together.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub assertion: IndexMap<String, ValueTest>,
    /// Seconds from `nbf` (or `iat`, or the request) to `exp` of the client assertion, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_lives_at_most: Option<Span>,
    /// The ways in which the client proves itself: `assertion`, `secret-basic`, `secret-body`.
    /// An empty list: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_authentication: Option<Many<ClientAuthentication>>,
    /// A token of this kind is presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presents: Option<TokenName>,
    /// Where secrets must not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Secrets>,
    /// No parameter is given twice.
    #[serde(skip_serializing_if = "is_false")]
    pub no_repeated_parameters: bool,
}

/// What an answer of the driver looks like: the last one that is meant by `of` and `on`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AnswerTest {
    /// A step (`connect`, `reconnect`, `finish`, `status`) or an operation; any of them if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The connection; any if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// It succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub succeeds: Option<bool>,
    /// It failed with one of these categories.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub fails: Many<Category>,
    /// The driver asked for a sign-in on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for_sign_in: Option<bool>,
    /// The permissions, as words, that the consent page asked the person for on the way; absent
    /// where no such page came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_page: Option<ValueTest>,
    /// What the connector's user would see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<ValueTest>,
    /// The message names an AADSTS number, a trace id or a correlation id of the journal.
    #[serde(skip_serializing_if = "is_false")]
    pub names_the_refusal: bool,
    /// None of the answers has a known secret in it, not only the last.
    #[serde(skip_serializing_if = "is_false")]
    pub free_of_secrets: bool,
    /// Members of the value by JSON pointer.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub value: IndexMap<String, ValueTest>,
}

/// What the answers of an operation that watches have told, all taken together: by subject.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToldTest {
    /// The operation, such as `watch-messages`.
    pub by: String,
    /// The connection; the main one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Each of these came.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub has: Many<String>,
    /// None of these came.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub lacks: Many<String>,
    /// Nothing else came.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub only: Many<String>,
    /// So many came, whatever they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// Nothing came twice as new.
    #[serde(default, skip_serializing_if = "is_false")]
    pub once: bool,
    /// Only what came as this counts: `created` or `updated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_type: Option<String>,
}

/// What the connector says of a connection.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StatusTest {
    /// The connection; the main one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Whether it works.
    pub is: StateName,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub category: Many<Category>,
}

/// The state of a connection.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateName {
    /// It must be repaired.
    Broken,
    /// It works.
    Connected,
    /// It must be repaired, or does not exist.
    NotConnected,
}
