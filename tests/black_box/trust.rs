//! The root certificate in the stores of a user: put there when asked, and taken out completely.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use entra_black_box::{Finished, program, run};

fn ca(home: &Path, action: &str) -> Finished {
    run(Command::new(program("entra-mock"))
        .args(["ca", action])
        .env("HOME", home)
        .env("ENTRA_MOCK_DATA_DIR", home.join("data")))
}

fn certutil(folder: &Path, arguments: &[&str]) -> Finished {
    run(Command::new("certutil")
        .args(arguments)
        .arg("-d")
        .arg(format!("sql:{}", folder.display())))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()));
        }
        files.push(entry.path());
    }
    files.sort();
    files
}

/// Whether NSS' tools are there; if not, what is left out is said.
fn has_certutil() -> bool {
    let there = Command::new("certutil").arg("-H").output().is_ok();
    if !there {
        eprintln!("left out: certutil is not installed (libnss3-tools)");
    }
    there
}

#[test]
fn what_trust_puts_into_stores_untrust_takes_out_again() {
    if !has_certutil() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let home = home.path();
    let firefox = home.join(".mozilla/firefox/x.default");
    let chromium = home.join(".pki/nssdb");
    fs::create_dir_all(&firefox).expect("a profile");
    let made = certutil(&firefox, &["-N", "--empty-password"]);
    assert_eq!(made.code, Some(0), "{made}");
    let path = run(Command::new(program("entra-mock"))
        .arg("ca")
        .env("ENTRA_MOCK_DATA_DIR", home.join("data")));
    assert_eq!(path.code, Some(0), "{path}");
    let before = files(home);
    let listed = certutil(&firefox, &["-L"]).stdout;

    // Twice: the second time replaces the first.
    for _ in 0..2 {
        let trusted = ca(home, "trust");
        assert_eq!(trusted.code, Some(0), "{trusted}");
        for store in [&firefox, &chromium] {
            let found = certutil(store, &["-L"]).stdout;
            assert_eq!(
                found.matches("entra-mock local test authority").count(),
                1,
                "{found}"
            );
            let verified = certutil(
                store,
                &["-V", "-u", "L", "-n", "entra-mock local test authority"],
            );
            assert_eq!(verified.code, Some(0), "{verified}");
        }
    }

    let untrusted = ca(home, "untrust");
    assert_eq!(untrusted.code, Some(0), "{untrusted}");
    assert_eq!(files(home), before, "{untrusted}");
    assert_eq!(certutil(&firefox, &["-L"]).stdout, listed);
    let again = ca(home, "untrust");
    assert_eq!(again.code, Some(0), "{again}");
    assert!(again.stdout.contains("it is in no store"), "{again}");
}

#[test]
fn a_database_that_got_another_certificate_stays() {
    if !has_certutil() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let home = home.path();
    let chromium = home.join(".pki/nssdb");
    assert_eq!(ca(home, "trust").code, Some(0));
    let noise = home.join("noise");
    fs::write(&noise, [7; 64]).expect("a file");
    let noise = noise.to_str().expect("a path");
    let own = [
        "-S", "-x", "-n", "mine", "-s", "CN=mine", "-t", "C,,", "-z", noise,
    ];
    let added = certutil(&chromium, &own);
    assert_eq!(added.code, Some(0), "{added}");
    let untrusted = ca(home, "untrust");
    assert_eq!(untrusted.code, Some(0), "{untrusted}");
    let left = certutil(&chromium, &["-L"]).stdout;
    assert!(left.contains("mine"), "{left}");
}
