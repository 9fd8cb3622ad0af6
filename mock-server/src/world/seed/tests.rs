use super::*;
use crate::directory::MailboxRight;
use crate::environment::Environment;
use crate::journal::{Journal, Redaction};
use crate::random::Random;
use crate::token::{KeyRings, Sealer};
use crate::world::World;

pub(crate) fn context() -> SeedContext {
    SeedContext {
        now: "2026-01-15T09:00:00Z".parse().unwrap(),
        client_certificate: Some(certificate()),
    }
}

pub(crate) fn certificate() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["client".to_owned()]).unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

pub(crate) fn world() -> World {
    let journal = Journal::new(10, Redaction::On);
    World::new(
        Random::seeded(1),
        std::sync::Arc::new(KeyRings::new(None)),
        Sealer::new(),
        journal,
    )
}

#[test]
fn the_default_world_has_what_the_documentation_names() {
    let world = world();
    let tenants = world.add_default(&context());
    let domains: Vec<_> = tenants
        .iter()
        .map(|it| it.read(|it| it.domain().to_owned()))
        .collect();
    assert_eq!(
        domains,
        [
            "contoso.onmicrosoft.com",
            "contosogov.onmicrosoft.us",
            "contosodod.onmicrosoft.us",
            "contoso.partner.onmschina.cn",
        ]
    );
    for tenant in &tenants {
        let described = world.describe(tenant);
        let users: Vec<_> = described.users.keys().map(String::as_str).collect();
        assert_eq!(
            users,
            ["admin", "alice", "bob", "guest", "nomail", "support"]
        );
        // Source: microsoftgraph/microsoft-graph-toolkit#3405, pnp/pnpjs#2238.
        let guest = &described.users["guest"].upn;
        assert!(
            guest.contains("_litware") && guest.contains("#EXT#@"),
            "{guest}"
        );
        for app in [
            "vendor-app",
            "own-app",
            "daemon-secret",
            "daemon-certificate",
            "native-app",
            "spa-app",
            "middle-tier-api",
            "unconsented-app",
        ] {
            assert!(described.apps.contains_key(app), "{app}");
        }
        assert_eq!(
            described.shared_mailbox,
            Some(format!("support@{}", described.tenant.domain))
        );
        assert_ne!(described.apps["vendor-app"].tenant_id, described.tenant.id);
    }
}

#[test]
fn the_same_file_gives_the_same_ids_and_a_fresh_copy_gives_others() {
    let (one, two) = (world(), world());
    let (first, second) = (one.add_default(&context()), two.add_default(&context()));
    let own = |world: &World, tenant: &crate::world::Tenant| {
        world.describe(tenant).apps["own-app"].clone()
    };
    assert_eq!(own(&one, &first[0]), own(&two, &second[0]));
    let copy = one.create_tenant(Environment::Office365, &context());
    assert_ne!(own(&one, &copy).client_id, own(&one, &first[0]).client_id);
    assert_ne!(
        one.describe(&copy).apps["vendor-app"].client_id,
        one.describe(&first[0]).apps["vendor-app"].client_id
    );
}

#[test]
fn alice_may_open_the_shared_mailbox_and_bob_may_not() {
    let world = world();
    let tenant = &world.add_default(&context())[0];
    tenant.read(|directory| {
        let id = |alias| directory.find_user(alias).unwrap().id;
        let support = directory.find_user("support").unwrap();
        assert!(support.grants_mailbox_right(id("alice"), &[MailboxRight::FullAccess]));
        assert!(!support.grants_mailbox_right(id("bob"), &[MailboxRight::FullAccess]));
    });
}

#[test]
fn a_typo_is_named_with_its_place() {
    let text = "schema: 1\ntenants:\n  one:\n    name: One\n    environment: office365\n    domain: one.example\n    userz: {}\n";
    let error = SeedFile::parse(text).unwrap_err().to_string();
    assert!(error.contains("userz") && error.contains('7'), "{error}");
}

#[test]
fn wrong_names_and_values_are_refused_with_the_nearest_right_one() {
    let base = "schema: 1\ntenants:\n  one:\n    name: One\n    environment: office365\n    domain: one.example\n    users: {alice: {name: Alice A}}\n";
    let cases = [
        (
            "    apps: {daemon: {name: D, permissions: {application: [Mail.Reed]}}}\n",
            "tenants.one.apps.daemon: Microsoft Graph has no application permission 'Mail.Reed', did you mean 'Mail.Read'?",
        ),
        (
            "    apps: {web: {name: W, consent: {users: {alise: [Mail.Read]}}}}\n",
            "tenants.one.apps.web.consent.users: no user 'alise' in this tenant, did you mean 'alice'?",
        ),
        (
            "    apps: {web: {name: W, certificates: [rubbish]}}\n",
            "tenants.one.apps.web.certificates: expected PEM, base64 of a DER certificate, or 'generated'",
        ),
        (
            "    installed: {else: {}}\n",
            "tenants.one.installed: no app 'else' in this file",
        ),
    ];
    for (more, expected) in cases {
        let file = SeedFile::parse(&format!("{base}{more}")).unwrap();
        let error = file.directories(&context()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let newer = SeedFile::parse("schema: 2\ntenants: {}\n")
        .unwrap_err()
        .to_string();
    assert!(newer.contains("schema 2"), "{newer}");
}

#[test]
fn secrets_look_like_secrets() {
    let secret = build::secret("contoso.onmicrosoft.com", "own-app/0");
    assert_eq!(secret.len(), 40);
    assert_eq!(&secret[3..6], "8Q~");
}

/// A seed file with something in its app.
fn with_app(app: &str) -> String {
    format!(
        "schema: 1\ntenants:\n  mine:\n    name: Mine\n    environment: office365\n    domain: \
         mine.onmicrosoft.com\n    users:\n      alice: {{name: Alice Archer}}\n    apps:\n      \
         my-api:\n        name: My API\n        api:\n          uris: ['api://my-api']\n          \
         scopes: [{{value: read}}]\n          roles: [{{value: Tasks.Read.All}}]\n      my-app:\n        \
         name: My app\n        {app}\n"
    )
}

#[test]
fn a_mistake_shows_its_line_and_what_the_key_takes() {
    for (app, said) in [
        (
            "secrets: [my-secret]",
            "such as `secrets: [{value: my-secret}]`",
        ),
        (
            "secrets: my-secret",
            "such as `secrets: [{value: my-secret}]`",
        ),
        (
            "redirect_uris: [http://localhost]",
            "such as `redirect_uris: {web:",
        ),
        (
            "consent: [Mail.Read]",
            "such as `consent: {tenant: [Mail.Read]}`",
        ),
        ("redirect_uri: {}", "did you mean 'redirect_uris'?"),
        ("client_id: my-app", "expected an id such as"),
        ("name: twice", "the key 'name' is given twice"),
    ] {
        let text = with_app(app);
        let line = text.lines().count();
        let shown = SeedFile::read("world.yaml", &text).unwrap_err().to_string();
        assert!(shown.contains(said), "{app}: {shown}");
        assert!(shown.starts_with(&format!("world.yaml:{line}:")), "{shown}");
    }
    let environment = with_app("").replace("office365", "office356");
    let shown = SeedFile::parse(&environment).unwrap_err().to_string();
    assert!(shown.contains("did you mean 'office365'?"), "{shown}");
}

#[test]
fn a_federated_credential_needs_no_id() {
    let text = with_app(
        "federated_credentials: [{name: builds, issuer: https://i.example, subject: s, audience: a}, \
         {name: other, issuer: https://o.example, subject: s, audience: a}]",
    );
    let ids = || -> Vec<_> {
        let made = SeedFile::parse(&text).unwrap().directories(&context());
        let directory = made.unwrap().remove(0);
        let mut apps = directory.applications.values();
        let app = apps.find(|it| it.alias == "my-app").unwrap();
        app.federated_credentials.iter().map(|it| it.id).collect()
    };
    let made = ids();
    assert!(
        made.iter().all(|it| !it.is_nil()) && made[0] != made[1],
        "{made:?}"
    );
    assert_eq!(ids(), made);
}

#[test]
fn permissions_of_exchange_and_of_own_apis_are_consented_and_exported() {
    let text = with_app(
        "permissions: {application: [Mail.Read, IMAP.AccessAsApp], apis: {my-api: [read]}}\n        \
         consent: {application: [Mail.Read, IMAP.AccessAsApp, full_access_as_app], apis: {my-api: \
         [read]}, roles: {my-api: [Tasks.Read.All]}}",
    );
    let file = SeedFile::parse(&text).unwrap();
    let made = file.directories(&context()).unwrap();
    let held = |directories: &[Directory]| {
        let all = directories[0].app_role_assignments.iter();
        let mut all: Vec<_> = all.map(|it| (it.resource, it.role.clone())).collect();
        all.sort();
        all
    };
    assert_eq!(held(&made).len(), 4);
    let contents: Vec<_> = made
        .iter()
        .map(|it| (it.clone(), Documents::default()))
        .collect();
    let again = SeedFile::parse(&SeedFile::of(&contents, &context()).to_yaml()).unwrap();
    let again = again.directories(&context()).unwrap();
    assert_eq!(held(&again), held(&made));
    let registered = |directories: &[Directory]| {
        let apps = directories[0].applications.values();
        let app = apps
            .into_iter()
            .find(|it| it.alias == "my-app")
            .unwrap()
            .clone();
        serde_json::to_value(app.required_resource_access).unwrap()
    };
    assert_eq!(registered(&again), registered(&made));
}

#[test]
fn names_that_a_seed_does_not_define_are_refused_with_the_nearest() {
    for (app, said) in [
        (
            "consent: {application: [IMAP.AccessAsAp]}",
            "did you mean 'IMAP.AccessAsApp'?",
        ),
        (
            "consent: {tenant: [Mail.Reed]}",
            "did you mean 'Mail.Read'?",
        ),
        (
            "consent: {roles: {my-api: [Tasks.Reed.All]}}",
            "did you mean 'Tasks.Read.All'?",
        ),
        ("consent: {apis: {my-api: [raed]}}", "did you mean 'read'?"),
        (
            "consent: {apis: {my-apii: [read]}}",
            "did you mean 'my-api'?",
        ),
        (
            "permissions: {apis: {my-api: [raed]}}",
            "did you mean 'read'?",
        ),
        ("assigned: [alcie]", "did you mean 'alice'?"),
    ] {
        let file = SeedFile::parse(&with_app(app)).unwrap();
        let refused = file.directories(&context()).unwrap_err().to_string();
        assert!(refused.contains(said), "{app}: {refused}");
    }
    let policies = |text: &str| {
        let text = with_app("").replace("    users:", &format!("    {text}\n    users:"));
        let file = SeedFile::parse(&text)?;
        file.directories(&context())
    };
    for (text, said) in [
        (
            "policies: {low_impact: [User.Raed]}",
            "did you mean 'User.Read'?",
        ),
        (
            "policies: {admin_consent_requests: {enabled: true, duration_days: 30, reviewers: \
             [11111111-1111-4111-8111-111111111111]}}",
            "no user of this tenant has the object id",
        ),
        ("switches: {variation: legal}", "legal"),
        (
            "switches: {strict-rotatoin: true}",
            "did you mean 'strict-rotation'?",
        ),
    ] {
        let refused = policies(text).unwrap_err().to_string();
        assert!(refused.contains(said), "{text}: {refused}");
    }
}
