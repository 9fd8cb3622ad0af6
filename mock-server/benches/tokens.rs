//! What issuing and checking a token costs, beside the raw signature that it contains.
//!
//! `cargo bench -p entra-mock --bench tokens`; over HTTP: `tests/load/run`.

use std::collections::BTreeSet;

use divan::{Bencher, black_box};
use entra_mock::directory::{ApplicationId, ObjectId, TenantId};
use entra_mock::environment::{Environment, GRAPH_APPLICATION_ID, Issuer, SignInCloud};
use entra_mock::random::Random;
use entra_mock::token::{
    AccessTokenSpec, Audience, KeyRings, Sealer, Subject, TokenFormat, mint_access_token,
    verify_access_token,
};

fn main() {
    divan::main();
}

fn spec() -> AccessTokenSpec {
    let random = Random::seeded(1);
    AccessTokenSpec {
        environment: Environment::Office365,
        issuer: Issuer::of_cloud(Environment::Office365.cloud()),
        tenant: TenantId(random.uuid()),
        tenant_created: "2025-01-15T09:00:00Z".parse().expect("a timestamp"),
        country: "US".to_owned(),
        audience: Audience {
            value: "https://graph.microsoft.com".to_owned(),
            resource: GRAPH_APPLICATION_ID.parse().expect("a UUID"),
            version: 1,
        },
        client: ApplicationId(random.uuid()),
        client_name: "Nightly export".to_owned(),
        client_authentication: 1,
        subject: Subject::Application {
            object_id: ObjectId(random.uuid()),
            roles: BTreeSet::from(["Mail.Read".to_owned(), "User.Read.All".to_owned()]),
        },
        issued: "2026-01-15T09:00:00Z".parse().expect("a timestamp"),
        moment: "2026-01-15T09:00:00Z".parse().expect("a timestamp"),
        lifetime: 3599,
        handles_claims_challenges: false,
        format: TokenFormat::Jwt,
    }
}

#[divan::bench]
fn raw_signature(bencher: Bencher<'_, '_>) {
    let key = KeyRings::new(None).of(SignInCloud::Global).key(0);
    bencher.bench(|| key.sign(black_box(b"header.claims")));
}

#[divan::bench]
fn mint(bencher: Bencher<'_, '_>) {
    let key = KeyRings::new(None).of(SignInCloud::Global).key(0);
    let (spec, sealer, random) = (spec(), Sealer::new(), Random::seeded(1));
    bencher.bench(|| mint_access_token(black_box(&spec), &key, &sealer, &random));
}

#[divan::bench]
fn verify(bencher: Bencher<'_, '_>) {
    let keys = KeyRings::new(None);
    let key = keys.of(SignInCloud::Global).key(0);
    let sealer = Sealer::new();
    let token = mint_access_token(&spec(), &key, &sealer, &Random::seeded(1));
    bencher.bench(|| verify_access_token(black_box(&token), &keys, &sealer).is_ok());
}

#[divan::bench]
fn seal_and_open(bencher: Bencher<'_, '_>) {
    let sealer = Sealer::new();
    let value = vec!["a refresh token carries some hundred bytes".to_owned(); 12];
    bencher.bench(|| {
        let sealed = sealer.seal("refresh_token", black_box(&value));
        sealer.open::<Vec<String>>("refresh_token", &sealed)
    });
}
