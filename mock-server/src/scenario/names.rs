//! The users and apps that a scenario names: a name that nobody has is told before it is played.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::Scenario;
use super::step::{Action, BrowserAction, Step};
use crate::directory::Event;
use crate::fault::Fault;
use crate::notation::ReadError;
use crate::notation::did_you_mean;
use crate::world::seed::SeedFile;

/// The aliases of users and apps in a world.
#[derive(Clone, Debug, Default)]
pub struct Names {
    users: BTreeSet<String>,
    apps: BTreeSet<String>,
}

/// A name that nobody has.
struct Stranger {
    kind: &'static str,
    name: String,
}

impl Names {
    /// Those of a seed file.
    pub fn of(seed: &SeedFile) -> Self {
        let tenants = || seed.tenants.values();
        Self {
            users: tenants().flat_map(|it| it.users.keys().cloned()).collect(),
            apps: tenants().flat_map(|it| it.apps.keys().cloned()).collect(),
        }
    }

    /// Those of the default world.
    pub fn of_default_world() -> Self {
        Self::of(crate::world::default_seed())
    }

    /// Refuses a scenario that names somebody else; `text` is the file, for the place.
    ///
    /// # Errors
    ///
    /// A user or an app is none of these; the error has the place and the nearest right name.
    pub fn check(&self, name: &str, text: &str, scenario: &Scenario) -> Result<(), ReadError> {
        let mut found = Vec::new();
        for app in scenario.world.apps.keys() {
            found.push(Stranger::app(app));
        }
        scenario
            .world
            .events
            .iter()
            .for_each(|event| of_event(event, &mut found));
        of_steps(&scenario.steps, &mut found);
        let stranger = found.into_iter().find(|it| !self.knows(it));
        let Some(Stranger { kind, name: wrong }) = stranger else {
            return Ok(());
        };
        let known = if kind == USER {
            &self.users
        } else {
            &self.apps
        };
        let nearest = did_you_mean(&wrong, known.iter().map(String::as_str));
        let listed = if nearest.is_empty() {
            let all: Vec<&str> = known.iter().map(String::as_str).collect();
            format!("; there are {}", all.join(", "))
        } else {
            nearest
        };
        let problem = format!("no {kind} '{wrong}' in the world{listed}");
        Err(ReadError::at_word(name, text, problem, &wrong, 0))
    }

    fn knows(&self, stranger: &Stranger) -> bool {
        let Stranger { kind, name } = stranger;
        // Sign-in names, ids and placeholders are looked up when it is played.
        let is_alias = name
            .chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-');
        if !is_alias || uuid::Uuid::try_parse(name).is_ok() {
            return true;
        }
        match *kind {
            USER => self.users.contains(name),
            // The app of the case's auth method.
            _ => name == "app" || self.apps.contains(name),
        }
    }
}

impl Stranger {
    fn user(name: &str) -> Self {
        Self {
            kind: USER,
            name: name.to_owned(),
        }
    }

    fn app(name: &str) -> Self {
        Self {
            kind: APP,
            name: name.to_owned(),
        }
    }
}

fn of_steps(steps: &[Step], into: &mut Vec<Stranger>) {
    for step in steps {
        match &step.action {
            Action::Connect(connect) | Action::Reconnect(connect) => {
                into.push(Stranger::user(&connect.user));
            }
            Action::Browser(BrowserAction::SignIn { user }) => into.push(Stranger::user(user)),
            Action::Arrives(arrives) => into.push(Stranger::user(&arrives.to)),
            Action::Event(event) => of_event(event, into),
            Action::Fault(fault) => of_fault(fault, into),
            Action::Repeat(repeat) => of_steps(&repeat.steps, into),
            Action::SecondProcess(steps) | Action::Together(steps) => of_steps(steps, into),
            _ => {}
        }
    }
}

fn of_fault(fault: &Fault, into: &mut Vec<Stranger>) {
    into.extend(fault.on.user.as_deref().map(Stranger::user));
    into.extend(fault.on.client.as_deref().map(Stranger::app));
    if let crate::fault::FaultAction::Event(event) = &fault.action {
        of_event(event, into);
    }
}

fn of_event(event: &Event, into: &mut Vec<Stranger>) {
    let Ok(Value::Object(event)) = serde_json::to_value(event) else {
        return;
    };
    for fields in event.values().filter_map(Value::as_object) {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        into.extend(
            ["user", "mailbox"]
                .into_iter()
                .filter_map(text)
                .map(Stranger::user),
        );
        into.extend(text("app").map(Stranger::app));
    }
}

const USER: &str = "user";
const APP: &str = "app";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read_scenario;

    fn checked(steps: &str) -> Result<(), String> {
        let text = format!(
            "schema: 1\ntitle: A test\nsource: a test\nauth: all\nenvironment: all\nsteps:\n{steps}"
        );
        let scenario = read_scenario("file.yaml", &text).unwrap();
        let names = Names::of_default_world();
        let checked = names.check("file.yaml", &text, &scenario);
        checked.map_err(|error| error.render())
    }

    #[test]
    fn names_that_nobody_has_are_refused_with_the_nearest_one() {
        for (steps, told) in [
            (
                "  - connect: {as: alise}",
                "file.yaml:7:19: no user 'alise' in the world, did you mean 'alice'?",
            ),
            (
                "  - browser: {sign-in: {user: bobb}}",
                "did you mean 'bob'?",
            ),
            (
                "  - event: {disable-app: {app: own-ap}}",
                "no app 'own-ap' in the world, did you mean 'own-app'?",
            ),
            (
                "  - event: {revoke-sessions: {user: zoe-of-sales}}",
                "there are admin, alice",
            ),
            (
                "  - fault: {on: {surface: token, user: alcie}, do: empty}",
                "did you mean 'alice'?",
            ),
            (
                "  - repeat: {times: 2, steps: [{connect: {as: al}}]}",
                "no user 'al'",
            ),
        ] {
            let error = checked(steps).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        for steps in [
            "  - connect: {as: support}",
            "  - event: {disable-app: {app: '{app.client_id}'}}",
            "  - event: {disable-user: {user: alice@contoso.onmicrosoft.com}}",
            "  - fault: {on: {surface: token, client: app}, do: empty}",
        ] {
            assert_eq!(checked(steps), Ok(()), "{steps}");
        }
    }
}
