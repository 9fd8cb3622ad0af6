//! The files of the authority, and when it is made anew. What programs make of its constraints is
//! tested with OpenSSL (`tests/black_box/certificates.rs`).

use jiff::SignedDuration;

use super::*;
use crate::environment::Site;

fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

fn open(folder: &Path, names: &[&str], now: Timestamp) -> CertificateAuthority {
    let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    CertificateAuthority::open(folder, &names, now).unwrap()
}

#[test]
fn it_permits_what_the_mock_serves_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(folder.path(), &["entra"], now());
    let names: Vec<&str> = authority.permitted_names().collect();
    for name in Site::all_hosts().chain(["localhost", "entra"]) {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert_eq!(authority.replaced(), None);
    // What was read from the file is what was meant.
    let again = open(folder.path(), &["entra"], now());
    assert_eq!(again.scope, Scope::wanted(["entra".to_owned()]));
    assert_eq!(again.pem, authority.pem);
}

#[test]
fn one_that_lacks_a_name_is_replaced_and_keeps_those_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), &["entra"], now());
    first.trust_store_file().unwrap();
    let second = open(folder.path(), &["other"], now());
    assert_eq!(second.replaced(), Some("it does not permit other"));
    assert!(second.notice().unwrap().contains("ca.pem"));
    assert!(!folder.path().join("trust-store.p12").exists());
    for names in [&["entra"][..], &["other", "entra"], &[]] {
        assert_eq!(open(folder.path(), names, now()).pem, second.pem);
    }
}

#[test]
fn one_of_an_older_version_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    // Permits all hosts of today, but leaves e-mail, URIs and other uses open.
    let mut params = rcgen::CertificateParams::default();
    set_validity(&mut params, now(), -1, 3650);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    let names = Site::all_hosts().chain(["localhost"]);
    let permitted_subtrees = names
        .map(|it| rcgen::GeneralSubtree::DnsName(it.to_owned()))
        .collect();
    params.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees,
        excluded_subtrees: Vec::new(),
    });
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let text = format!("{}{}", certificate.pem(), key.serialize_pem());
    write(&folder.path().join("ca.key"), text.as_bytes(), 0o600).unwrap();
    let replaced = open(folder.path(), &[], now());
    assert!(replaced.replaced().unwrap().contains("permits more"));
    assert_eq!(open(folder.path(), &[], now()).replaced(), None);
}

#[test]
fn one_that_ends_is_replaced_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), &[], now());
    let days = |days: i64| now() + SignedDuration::from_hours(24 * days);
    assert_eq!(open(folder.path(), &[], days(690)).pem, first.pem);
    let second = open(folder.path(), &[], days(710));
    assert!(second.replaced().unwrap().contains("ends in"));
    assert_ne!(second.pem, first.pem);
    let third = open(folder.path(), &[], days(2000));
    assert_eq!(third.replaced(), Some("it has expired"));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_use_is_refused_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), &[], now());
    let key = folder.path().join("ca.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = CertificateAuthority::open(folder.path(), &[], now()).unwrap_err();
    let told = refused.to_string();
    assert!(told.contains("ca.key") && told.contains("0644"), "{told}");
    assert!(
        told.contains("chmod 600") && told.contains("delete it"),
        "{told}"
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let refused = CertificateAuthority::open(folder.path(), &[], now()).unwrap_err();
    assert!(refused.to_string().contains("chmod go-w"), "{refused}");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn all_who_open_a_folder_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["a.example", "b.example", "c.example", "d.example"];
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(|| open(folder.path(), &[name], now()));
        }
    });
    let last = open(folder.path(), &names, now());
    assert_eq!(last.replaced(), None, "each one's name is kept");
    let file = fs::read_to_string(folder.path().join("ca.pem")).unwrap();
    assert_eq!(file, last.pem);
}
