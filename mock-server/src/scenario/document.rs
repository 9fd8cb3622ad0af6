//! The scenario file.

use crate::environment::Environment;
use crate::fault::FaultAction;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::axis::{AuthMethod, Axis, FEATURES, OPERATIONS, UnknownName};
use super::check::Check;
use super::step::{Action, Step};
use super::tweak::WorldTweaks;

/// A scenario file, schema 1.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// The version of the format: 1.
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Former ids of this scenario.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<String>,
    /// What is different from the default world.
    #[serde(default, skip_serializing_if = "WorldTweaks::is_empty")]
    pub world: WorldTweaks,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// All checks, those inside of `repeat` and `together` included.
    pub fn checks(&self) -> Vec<&Check> {
        fn collect<'a>(steps: &'a [Step], into: &mut Vec<&'a Check>) {
            for step in steps {
                match &step.action {
                    Action::Check(check) => into.push(check),
                    Action::Repeat(repeat) => collect(&repeat.steps, into),
                    Action::Together(steps) => collect(steps, into),
                    _ => {}
                }
            }
        }
        let mut checks = Vec::new();
        collect(&self.steps, &mut checks);
        checks
    }

    /// Whether a fault presents a wrong certificate.
    pub fn has_wrong_certificates(&self) -> bool {
        fn any(steps: &[Step]) -> bool {
            steps.iter().any(|step| match &step.action {
                Action::Fault(fault) => matches!(fault.action, FaultAction::Tls(_)),
                Action::Repeat(repeat) => any(&repeat.steps),
                Action::Together(steps) => any(steps),
                _ => false,
            })
        }
        any(&self.steps)
    }

    /// What the types cannot say: the version, the names in `needs`, checks of one name.
    pub(super) fn validate(&self) -> Result<(), String> {
        if self.schema != 1 {
            return Err(format!(
                "the scenario has schema {}, but this version reads schema 1",
                self.schema
            ));
        }
        for name in &self.needs {
            let methods = || AuthMethod::ALL.into_iter().map(AuthMethod::slug);
            let known = || OPERATIONS.into_iter().chain(FEATURES).chain(methods());
            if !known().any(|it| it == name) {
                return Err(
                    UnknownName::new("operation, feature or auth method", name, known())
                        .to_string(),
                );
            }
        }
        for (axis, empty) in [
            (
                "auth",
                matches!(&self.auth, Axis::Only(list) if list.is_empty()),
            ),
            (
                "environment",
                matches!(&self.environment, Axis::Only(list) if list.is_empty()),
            ),
        ] {
            if empty {
                return Err(format!(
                    "'{axis}' is an empty list: the scenario would never run"
                ));
            }
        }
        if self.steps.is_empty() {
            return Err("the scenario has no steps".to_owned());
        }
        let mut names: Vec<&str> = self.checks().iter().map(|it| it.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("two checks have the name '{}'", pair[0])),
            None => Ok(()),
        }
    }

    /// The auth methods with which it runs.
    pub fn auth_methods(&self) -> Vec<AuthMethod> {
        match &self.auth {
            Axis::All => AuthMethod::DOCUMENTED.to_vec(),
            Axis::Only(methods) => methods.clone(),
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

/// The JSON Schema of scenario files.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Scenario);
    schema.insert(
        "title".to_owned(),
        "A scenario of the connector conformance suite".into(),
    );
    schema.to_value()
}
