//! Playing, without HTTP: exchanges are written to the journal as the edge writes them.

use serde_json::{Value, json};

use super::*;
use crate::environment::Environment;
use crate::journal::{Exchange, Journal, Redaction};
use crate::random::Random;
use crate::scenario::read_scenario;
use crate::server::{ClientCertificate, Validity};
use crate::token::{KeyRings, Sealer};
use crate::world::seed::SeedContext;

struct Bench {
    world: World,
    tenant: Arc<Tenant>,
    players: Players,
}

impl Bench {
    fn new() -> Self {
        let world = World::new(
            Random::seeded(1),
            KeyRings::new(None).into(),
            Sealer::new(),
            Journal::new(100, Redaction::On),
        );
        let now = "2026-01-15T09:00:00Z".parse().unwrap();
        let certificate = ClientCertificate::generate("client", Validity::Now, "a password", now);
        let context = SeedContext {
            now,
            client_certificate: Some(certificate.certificate),
        };
        world.begin(None, &context).unwrap();
        let tenant = world.defaults().swap_remove(0);
        Self {
            world,
            tenant,
            players: Players::default(),
        }
    }

    fn load(&self, steps: &str) -> Result<Progress, PlayError> {
        self.load_with("auth: all\nenvironment: all\n", steps, None)
    }

    fn load_with(
        &self,
        head: &str,
        steps: &str,
        auth: Option<AuthMethod>,
    ) -> Result<Progress, PlayError> {
        let text = format!("schema: 1\ntitle: A title\nsource: a document\n{head}steps:\n{steps}");
        let scenario =
            read_scenario("test.yaml", &text).unwrap_or_else(|error| panic!("{}", error.render()));
        self.players
            .load(&self.world, &self.tenant, &scenario, auth)
    }

    /// A client does something; the edge tells the players.
    fn exchange(&self, members: Value) -> Progress {
        let mut all = json!({
            "number": 0, "at": "2026-01-15T09:00:00Z", "elapsed_micros": 1, "connection": 1,
            "surface": "graph", "method": "GET", "origin": "https://graph.microsoft.com",
            "path": "/", "query": [], "request_headers": [], "form": [], "status": 200,
            "response_headers": [], "aadsts": [], "tokens": [], "tenant": self.tenant.id,
        });
        let Value::Object(members) = members else {
            panic!("members of an exchange");
        };
        all.as_object_mut().unwrap().extend(members);
        let exchange: Exchange = serde_json::from_value(all).unwrap();
        self.world.journal.exchange(exchange);
        self.players.exchanged(&self.world);
        self.players.progress(&self.tenant).unwrap()
    }

    fn sign_in(&self, user: &str, status: u16) -> Progress {
        let id = self.tenant.read(|it| it.user_id(user).unwrap());
        self.exchange(json!({
            "surface": "token", "method": "POST", "path": "/t/oauth2/v2.0/token",
            "grant": "authorization_code", "status": status, "user": id,
        }))
    }

    fn is_enabled(&self, user: &str) -> bool {
        self.tenant.read(|directory| {
            let id = directory.user_id(user).unwrap();
            directory.user(id).unwrap().enabled
        })
    }

    fn get(&self, path: &str, status: u16) -> Progress {
        self.exchange(json!({"path": path, "status": status}))
    }
}

fn states(progress: &Progress) -> Vec<StepState> {
    progress.steps.iter().map(|it| it.state).collect()
}

#[test]
fn the_mocks_steps_happen_in_turn_between_those_of_a_client() {
    use StepState::{Done, PassedOver, Pending, Waiting};
    let bench = Bench::new();
    let loaded = bench
        .load(
            "  - connect: {as: alice}\n  - call: list-messages\n  - event: {disable-user: {user: \
             alice}}\n  - advance: 90d\n  - fault: {do: empty}\n  - call: list-messages\n    \
             fails: unavailable\n  - check: a-name\n    says: something\n    witness: {token: \
             {}}\n    expect: {token: {at-most: 1}}\n  - clear-faults: {}\n  - note: The end\n",
        )
        .unwrap();
    assert_eq!(loaded.state, PlayState::Waiting);
    let waiting = loaded.waiting_for.clone().unwrap();
    assert_eq!(waiting, "a sign-in of alice that ends with a token");
    assert_eq!(loaded.steps[0].state, Waiting);

    // What does not fit changes nothing: somebody else, a refusal, another operation.
    bench.sign_in("bob", 200);
    bench.sign_in("alice", 400);
    let still = bench.get("/v1.0/me/messages", 200);
    assert_eq!(states(&still), states(&loaded));
    assert!(bench.is_enabled("alice"));

    let called = bench.sign_in("alice", 200);
    assert_eq!(called.steps[0].state, Done);
    assert_eq!(called.steps[0].exchanges, [4]);
    let before = bench.tenant.now();
    let after = bench.get("/v1.0/users/someone/mailFolders/inbox/messages", 200);
    let wanted = [
        Done, Done, Done, Done, Done, Waiting, Pending, Pending, Pending,
    ];
    assert_eq!(states(&after), wanted);
    assert!(!bench.is_enabled("alice"));
    assert!(bench.tenant.now().duration_since(before).as_hours() >= 90 * 24);
    assert_eq!(bench.tenant.faults.list().len(), 1);

    let ended = bench.get("/v1.0/me/messages", 503);
    assert_eq!(ended.state, PlayState::Ended);
    assert_eq!(ended.steps[6].state, PassedOver);
    assert_eq!(ended.steps[6].by, PlayedBy::Suite);
    assert!(bench.tenant.faults.is_empty());
    assert_eq!(
        bench.players.next(&bench.world, &bench.tenant),
        Err(PlayError::Ended)
    );
}

#[test]
fn a_call_that_must_fail_is_seen_where_its_token_is_refused() {
    let bench = Bench::new();
    bench
        .load("  - call: list-messages\n    fails: reconnect-required\n")
        .unwrap();
    let refused = json!({"surface": "token", "grant": "refresh_token", "status": 400});
    assert_eq!(bench.exchange(refused).state, PlayState::Ended);
}

#[test]
fn a_call_that_goes_on_after_a_401_fails_once_or_not_at_all() {
    let two = "  - call: list-messages\n    fails: reconnect-required\n  - call: list-messages\n    \
               fails: reconnect-required\n";
    let token =
        |status: u16| json!({"surface": "token", "grant": "refresh_token", "status": status});
    let bench = Bench::new();
    bench.load(two).unwrap();
    let challenged = bench.get("/v1.0/me/messages", 401);
    assert_eq!(challenged.steps[0].state, StepState::Waiting);
    // The client recovers: the call did not fail.
    bench.exchange(token(200));
    let recovered = bench.get("/v1.0/me/messages", 200);
    assert_eq!(recovered.steps[0].state, StepState::Waiting);
    // The refusal of its token is the end of the call, and the 401 before it no other one.
    bench.get("/v1.0/me/messages", 401);
    let refused = bench.exchange(token(400));
    assert_eq!(refused.steps[0].exchanges, [5]);
    assert_eq!(refused.steps[1].state, StepState::Waiting);
    // A new token that Graph refuses as well leaves nothing to try.
    bench.get("/v1.0/me/messages", 401);
    bench.exchange(token(200));
    assert_eq!(bench.get("/v1.0/me/messages", 401).state, PlayState::Ended);

    // Other refusals of Graph are final.
    let bench = Bench::new();
    bench.load(two).unwrap();
    let refused = bench.get("/v1.0/me/messages", 403);
    assert_eq!(refused.steps[0].state, StepState::Done);
}

#[test]
fn a_new_sign_in_after_a_401_is_that_of_the_next_step() {
    let bench = Bench::new();
    bench
        .load(
            "  - call: list-messages\n    fails: reconnect-required\n  - reconnect: {as: alice}\n",
        )
        .unwrap();
    bench.get("/v1.0/me/messages", 401);
    let ended = bench.sign_in("alice", 200);
    assert_eq!(ended.state, PlayState::Ended);
    assert_eq!(ended.steps[0].exchanges, [1]);
    assert_eq!(ended.steps[1].exchanges, [2]);
}

#[test]
fn calls_at_once_may_come_in_any_order_and_repeated_steps_come_again() {
    let bench = Bench::new();
    let loaded = bench
        .load(
            "  - repeat:\n      times: 2\n      steps:\n        - together:\n            - call: \
             list-messages\n            - event: {rotate-signing-key: {}}\n            - call: \
             get-profile\n",
        )
        .unwrap();
    assert_eq!(loaded.steps.len(), 4);
    assert_eq!(loaded.steps[0].state, StepState::Done);
    bench.get("/v1.0/me", 200);
    let first = bench.get("/v1.0/me/messages", 200);
    assert_eq!(first.steps[1].exchanges.len(), 2);
    bench.get("/v1.0/me/messages", 200);
    assert_eq!(bench.get("/v1.0/me", 200).state, PlayState::Ended);
}

#[test]
fn somebody_may_say_to_go_on_and_must_where_nothing_is_seen() {
    let bench = Bench::new();
    bench
        .load("  - connect: {}\n  - restart: {}\n  - disconnect: {}\n")
        .unwrap();
    let next = || bench.players.next(&bench.world, &bench.tenant).unwrap();
    let second = next();
    assert_eq!(second.steps[0].state, StepState::PassedOver);
    assert!(
        second
            .waiting_for
            .unwrap()
            .contains("restart the connector")
    );
    assert_eq!(
        bench.get("/v1.0/me", 200).steps[1].state,
        StepState::Waiting
    );
    next();
    assert_eq!(next().state, PlayState::Ended);
    bench.players.stop(&bench.tenant).unwrap();
    assert_eq!(bench.players.stop(&bench.tenant), Err(PlayError::NotLoaded));
    assert_eq!(bench.players.progress(&bench.tenant), None);
}

#[test]
fn the_world_is_changed_for_the_app_of_the_auth_method() {
    let bench = Bench::new();
    let head = "auth: all\nenvironment: [office365]\nworld:\n  user-consent: none\n  events:\n    \
                - expire-secret: {app: '{app.client_id}'}\n";
    let own_app = bench.world.describe(&bench.tenant).apps["own-app"].client_id;
    let expired = || {
        bench.tenant.read(|directory| {
            let secrets = &directory.applications[&own_app].secrets;
            secrets.iter().all(|it| it.end <= bench.tenant.now())
        })
    };
    assert!(!expired());
    let loaded = bench.load_with(head, "  - connect: {}\n", Some(AuthMethod::OwnApp));
    assert_eq!(loaded.unwrap().auth_method, AuthMethod::OwnApp);
    assert!(expired());
}

#[test]
fn what_cannot_be_played_is_told_when_it_is_loaded() {
    let bench = Bench::new();
    let refused = |head: &str, steps: &str, auth| {
        let head = if head.is_empty() {
            "auth: all\nenvironment: all\n"
        } else {
            head
        };
        bench.load_with(head, steps, auth).unwrap_err().to_string()
    };
    let step = refused(
        "",
        "  - note: a\n  - event: {disable-user: {user: alcie}}\n",
        None,
    );
    assert!(
        step.starts_with("step 2, event: {disable-user: {user: alcie}}: no user 'alcie'"),
        "{step}"
    );
    assert!(step.contains("did you mean 'alice'?"), "{step}");
    let fault = refused("", "  - fault: {on: {client: own-ap}, do: empty}\n", None);
    assert!(fault.contains("did you mean 'own-app'?"), "{fault}");
    let person = refused("", "  - connect: {as: alicia}\n", None);
    assert!(person.contains("no user 'alicia'"), "{person}");
    let placeholder = refused(
        "",
        "  - event: {expire-secret: {app: '{ap.client_id}'}}\n",
        None,
    );
    assert!(placeholder.contains("unknown placeholder"), "{placeholder}");
    let elsewhere = refused("auth: all\nenvironment: china\n", "  - connect: {}\n", None);
    assert!(
        elsewhere.contains("the scenario is for china"),
        "{elsewhere}"
    );
    let method = refused(
        "auth: own-app\nenvironment: all\n",
        "  - connect: {}\n",
        Some(AuthMethod::DeviceCode),
    );
    assert!(
        method.contains("for own-app, not for device-code"),
        "{method}"
    );
    let long = refused("", "  - repeat: {times: 5000, steps: [{note: a}]}\n", None);
    assert!(long.contains("more than 2000 steps"), "{long}");
    assert_eq!(bench.players.progress(&bench.tenant), None);
    assert_eq!(bench.tenant.environment, Environment::Office365);
}

#[test]
fn a_step_that_cannot_happen_stops_the_scenario_until_somebody_goes_on() {
    let bench = Bench::new();
    let failed = bench
        .load("  - event: {approve-request: {app: own-app}}\n  - note: after it\n")
        .unwrap();
    assert_eq!(failed.state, PlayState::Failed, "{failed}");
    assert!(failed.waiting_for.is_some());
    assert_eq!(bench.get("/v1.0/me", 200).state, PlayState::Failed);
    let after = bench.players.next(&bench.world, &bench.tenant).unwrap();
    assert_eq!(after.state, PlayState::Ended);
}

#[test]
fn a_person_is_told_to_turn_to_the_second_process_and_back() {
    let bench = Bench::new();
    let steps = "  - second-process:\n      - event: {disable-user: {user: bob}}\n  - note: end\n";
    let begun = bench.load(steps).unwrap();
    assert!(begun.waiting_for.unwrap().contains("second process"));
    let bob_is_enabled = || {
        bench
            .tenant
            .read(|directory| directory.users[&directory.user_id("bob").unwrap()].enabled)
    };
    assert!(bob_is_enabled());
    let turned = bench.players.next(&bench.world, &bench.tenant).unwrap();
    assert!(turned.waiting_for.unwrap().contains("first process"));
    assert!(!bob_is_enabled());
    let back = bench.players.next(&bench.world, &bench.tenant).unwrap();
    assert_eq!(back.state, PlayState::Ended);
}

#[test]
fn what_a_step_does_stands_in_the_journal_as_if_a_person_did_it() {
    let bench = Bench::new();
    let steps = "  - fault: {do: {status: 503}}\n  - advance: 90m\n  - clear-faults: {}\n  - clear-faults: {}\n";
    bench.load(steps).unwrap();
    let told: Vec<Value> = bench
        .world
        .journal
        .since(0)
        .iter()
        .filter(|it| it.tenant() == Some(bench.tenant.id))
        .map(|it| json!(**it)["change"].clone())
        .collect();
    // What is clear already is not cleared.
    assert_eq!(
        told,
        [
            json!({"set": {"number": 1, "fault": {"on": {}, "do": {"status": 503}}}}),
            json!({"advance": "1h30m"}),
            json!({"cleared": {}}),
        ]
    );
}

#[test]
fn steps_may_stand_in_steps_ten_deep() {
    let bench = Bench::new();
    let mut steps = String::new();
    for level in 0..10 {
        let indent = " ".repeat(level * 4);
        steps += &format!("{indent}  - repeat:\n{indent}      times: 1\n{indent}      steps:\n");
    }
    steps += &format!("{}  - note: the innermost\n", " ".repeat(40));
    let ended = bench.load(&steps).unwrap();
    assert_eq!(ended.state, PlayState::Ended);
    assert_eq!(ended.steps.len(), 1);
}
