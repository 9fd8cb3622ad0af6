//! The scenario file.

use std::borrow::Cow;

use crate::environment::Environment;
use crate::fault::{Fault, FaultAction};
use crate::notation::Span;
use indexmap::IndexMap;
use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::axis::{AuthMethod, Axis, FEATURES, OPERATIONS, READ, UnknownName, current};
use super::check::Check;
use super::kind::GENERAL;
use super::step::{Action, Step};
use super::tweak::WorldTweaks;

/// A scenario file, schema 1.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// The version of the format: 1.
    #[serde(deserialize_with = "version")]
    #[schemars(extend("const" = 1))]
    pub schema: u32,
    /// What happens, in a few words.
    pub title: String,
    /// The document that says how it must end.
    pub source: String,
    /// The auth methods with which it runs: `all` (the four documented ones) or a list.
    pub auth: Axis<AuthMethod>,
    /// The environments in which it runs: `all` or a list.
    pub environment: Axis<Environment>,
    /// Rules that do not hold in this scenario, with the reason.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub exempt: IndexMap<String, String>,
    /// Operations, features and auth methods without which a connector skips it.
    #[serde(
        default,
        deserialize_with = "known_needs",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(with = "Vec<Need>")]
    pub needs: Vec<String>,
    /// Former ids of this scenario.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<String>,
    /// What is different from the default world.
    #[serde(default, skip_serializing_if = "WorldTweaks::is_empty")]
    pub world: WorldTweaks,
    /// What happens.
    #[serde(deserialize_with = "some_steps")]
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
}

impl Scenario {
    /// All checks, those of steps inside of steps included.
    pub fn checks(&self) -> Vec<&Check> {
        fn collect<'a>(steps: &'a [Step], into: &mut Vec<&'a Check>) {
            for step in steps {
                match &step.action {
                    Action::Check(check) => into.push(check),
                    Action::Repeat(repeat) => collect(&repeat.steps, into),
                    Action::SecondProcess(steps) | Action::Together(steps) => {
                        collect(steps, into);
                    }
                    _ => {}
                }
            }
        }
        let mut checks = Vec::new();
        collect(&self.steps, &mut checks);
        checks
    }

    /// All faults, those of steps inside of steps included.
    pub fn faults(&self) -> Vec<&Fault> {
        fn collect<'a>(steps: &'a [Step], into: &mut Vec<&'a Fault>) {
            for step in steps {
                match &step.action {
                    Action::Fault(fault) => into.push(fault),
                    Action::Repeat(repeat) => collect(&repeat.steps, into),
                    Action::SecondProcess(steps) | Action::Together(steps) => {
                        collect(steps, into);
                    }
                    _ => {}
                }
            }
        }
        let mut faults = Vec::new();
        collect(&self.steps, &mut faults);
        faults
    }

    /// Whether a fault presents a wrong certificate.
    pub fn has_wrong_certificates(&self) -> bool {
        let mut faults = self.faults().into_iter();
        faults.any(|fault| matches!(fault.action, FaultAction::Tls(_)))
    }

    /// The longest time for which a fault keeps an answer back, or lets it drip: nothing but waiting
    /// happens then.
    pub fn longest_delay(&self) -> Span {
        let delays = self.faults().into_iter().filter_map(|it| match it.action {
            FaultAction::Delay(span) | FaultAction::SlowBody(span) => Some(span),
            _ => None,
        });
        delays.max().unwrap_or(Span(SignedDuration::ZERO))
    }

    /// The auth methods with which it runs.
    pub fn auth_methods(&self) -> Vec<AuthMethod> {
        match &self.auth {
            Axis::All => AuthMethod::DOCUMENTED.to_vec(),
            Axis::Only(methods) => methods.clone(),
        }
    }

    /// The environment in whose default tenant a running mock plays it: the first.
    pub fn default_environment(&self) -> Environment {
        match &self.environment {
            Axis::All => Environment::Office365,
            Axis::Only(environments) => {
                let first = environments.first();
                first.copied().unwrap_or(Environment::Office365)
            }
        }
    }

    /// The environments in which it runs.
    pub fn environments(&self) -> Vec<Environment> {
        match &self.environment {
            Axis::All => Environment::ALL.to_vec(),
            Axis::Only(environments) => environments.clone(),
        }
    }
}

/// An operation, a feature or an auth method that a connector must have.
struct Need(String);

impl Need {
    fn known() -> impl Iterator<Item = &'static str> {
        let methods = AuthMethod::ALL.into_iter().map(AuthMethod::slug);
        let operations = OPERATIONS.into_iter().chain([READ]).chain(GENERAL);
        operations.chain(FEATURES).chain(methods)
    }
}

impl<'de> Deserialize<'de> for Need {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let name = current(&name).to_owned();
        if Self::known().any(|it| it == name) {
            return Ok(Self(name));
        }
        let kind = "operation, feature or auth method";
        Err(D::Error::custom(UnknownName::new(
            kind,
            &name,
            Self::known(),
        )))
    }
}

impl JsonSchema for Need {
    fn schema_name() -> Cow<'static, str> {
        "Need".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::known().collect();
        json_schema!({
            "enum": names,
            "description": "An operation, a feature or an auth method that a connector must have.",
        })
    }
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        1 => Ok(1),
        other => Err(D::Error::custom(format!(
            "the scenario has schema {other}, but this version reads schema 1"
        ))),
    }
}

fn known_needs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let needs = Vec::<Need>::deserialize(deserializer)?;
    Ok(needs.into_iter().map(|it| it.0).collect())
}

/// A list of steps that is not empty.
pub(super) fn some_steps<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Step>, D::Error> {
    let steps = Vec::<Step>::deserialize(deserializer)?;
    if steps.is_empty() {
        return Err(D::Error::custom("there are no steps: nothing would happen"));
    }
    Ok(steps)
}

/// The JSON Schema of scenario files.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("matrix".to_owned(), super::matrix::schema().to_value());
    }
    schema.insert(
        "title".to_owned(),
        "A scenario of entra-mock and entra-conformance".into(),
    );
    let mut schema = schema.to_value();
    super::matrix::allow_placeholders(&mut schema);
    schema
}
