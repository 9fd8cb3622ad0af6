//! What other programs make of the root certificate and of client certificates.

use std::fs;
use std::path::Path;
use std::process::Command;

use entra_black_box::{Finished, Server, program, root, run};
use tempfile::TempDir;

/// A folder with the machine's authority in it.
fn authority(arguments: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Command::new(program("entra-mock"));
    server.args(["run", "--data-dir"]).arg(folder.path());
    let finished = run(server.args(arguments).args(["--", "true"]));
    assert_eq!(finished.code, Some(0), "{finished}");
    folder
}

fn openssl(folder: &Path, arguments: &[&str]) -> Finished {
    run(Command::new("openssl").args(arguments).current_dir(folder))
}

/// What `openssl verify` says of a certificate for a name, signed with the authority's key.
fn verified(folder: &Path, name: &str, extensions: &str, purpose: &str) -> Finished {
    let config = format!(
        "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = anybody\n[ext]\n\
         subjectAltName = {name}\n{extensions}\n"
    );
    fs::write(folder.join("leaf.cnf"), config).expect("the folder is ours");
    let made = openssl(
        folder,
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "leaf.key",
            "-out",
            "leaf.pem",
            "-config",
            "leaf.cnf",
            "-extensions",
            "ext",
            "-days",
            "30",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
        ],
    );
    assert_eq!(made.code, Some(0), "{made}");
    openssl(
        folder,
        &[
            "verify",
            "-x509_strict",
            "-purpose",
            purpose,
            "-CAfile",
            "ca.pem",
            "leaf.pem",
        ],
    )
}

const SERVER: &str = "extendedKeyUsage = serverAuth\nbasicConstraints = critical, CA:false";

#[test]
fn openssl_takes_certificates_for_permitted_names_and_no_others() {
    let folder = authority(&["--name", "entra"]);
    for name in [
        "DNS:login.microsoftonline.com",
        "DNS:dod-graph.microsoft.us",
        "DNS:microsoft.com",
        "DNS:localhost",
        "DNS:entra",
        "IP:127.0.0.1",
        "IP:::1",
    ] {
        let verified = verified(folder.path(), name, SERVER, "sslserver");
        assert_eq!(verified.code, Some(0), "{name}: {verified}");
    }
    for name in [
        "DNS:example.com",
        "DNS:evil-microsoft.com",
        "DNS:microsoft.com.example",
        "DNS:outlook.office365.com",
        "DNS:com",
        "DNS:*.com",
        "DNS:localhost, DNS:example.com",
        "DNS:other",
        "IP:192.0.2.7",
        "IP:2001:db8::7",
        "email:somebody@example.com",
        "email:somebody@microsoft.com",
        "URI:https://example.com/",
        "URI:https://login.microsoftonline.com/",
    ] {
        let verified = verified(folder.path(), name, SERVER, "sslserver");
        assert_ne!(verified.code, Some(0), "{name}: {verified}");
        assert!(
            verified.stderr.contains("permitted subtree"),
            "{name}: {verified}"
        );
    }
}

#[test]
fn openssl_takes_certificates_for_servers_only() {
    let folder = authority(&[]);
    for (usage, purpose) in [
        ("extendedKeyUsage = clientAuth", "sslclient"),
        ("extendedKeyUsage = emailProtection", "smimesign"),
        ("extendedKeyUsage = codeSigning", "codesign"),
    ] {
        let extensions = format!("{usage}\nkeyUsage = digitalSignature");
        let verified = verified(folder.path(), "DNS:localhost", &extensions, purpose);
        assert_ne!(verified.code, Some(0), "{purpose}: {verified}");
    }
    // Nor may it make another authority.
    let sub = "basicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign";
    let verified = verified(folder.path(), "DNS:localhost", sub, "sslserver");
    assert_ne!(verified.code, Some(0), "{verified}");
}

#[test]
fn ca_shows_what_it_permits_and_removes_it() {
    let folder = authority(&["--name", "entra.example"]);
    let path = folder.path().to_str().expect("a temporary path is UTF-8");
    let ca = |flag: &str| {
        let finished =
            run(Command::new(program("entra-mock")).args(["ca", flag, "--data-dir", path]));
        assert_eq!(finished.code, Some(0), "{finished}");
        finished
    };
    let shown = ca("--show");
    for part in [
        "\n  entra.example\n",
        "\n  microsoft.com\n",
        "127.0.0.0/8",
        "valid until",
        "ca.key",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {shown}");
    }
    // The table in the document is whole.
    let document = fs::read_to_string(root().join("SECURITY.md")).expect("the document");
    let names = shown
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  "));
    for name in names.filter(|it| *it != "entra.example") {
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
    let fingerprint = openssl(
        folder.path(),
        &["x509", "-in", "ca.pem", "-noout", "-fingerprint", "-sha256"],
    );
    let fingerprint = fingerprint
        .stdout
        .trim()
        .rsplit('=')
        .next()
        .expect("a fingerprint")
        .to_owned();
    assert!(
        shown.stdout.contains(&fingerprint),
        "{fingerprint}: {shown}"
    );
    let removed = ca("--remove");
    assert!(removed.stdout.contains("ca.key"), "{removed}");
    assert!(
        removed.stderr.contains("entra-mock local test authority"),
        "{removed}"
    );
    assert!(!folder.path().join("ca.key").exists());
}

#[test]
fn one_that_lacks_a_name_is_replaced_and_the_user_told() {
    let folder = authority(&[]);
    let path = folder.path().to_str().expect("a temporary path is UTF-8");
    let again = run(Command::new(program("entra-mock")).args([
        "run",
        "--data-dir",
        path,
        "--name",
        "entra",
        "--",
        "true",
    ]));
    assert_eq!(again.code, Some(0), "{again}");
    assert!(again.stderr.contains("does not permit entra"), "{again}");
    assert!(again.stderr.contains("ca.pem"), "{again}");
    let third = run(Command::new(program("entra-mock"))
        .args(["run", "--quiet", "--data-dir"])
        .args([path, "--", "true"]));
    assert_eq!(third.stderr, "", "{third}");
}

#[tokio::test]
async fn a_further_name_is_the_mocks_own_everywhere() {
    let server = Server::start(&["--name", "entra.example"]);
    let control = port_of(server.get("/control"));
    let site = port_of(server.get("/environments/us-gov-l4/authority"));
    let ca = reqwest::get(format!("{}/api/v1/ca", server.get("/control")));
    let ca = ca.await.expect("it answers").bytes().await.expect("a body");
    let trust = reqwest::Certificate::from_pem(&ca).expect("a certificate");
    let here = "127.0.0.1:0".parse().expect("an address");
    let client = reqwest::Client::builder()
        .no_proxy()
        .resolve("entra.example", here)
        .resolve("other.example", here)
        .tls_certs_only([trust]);
    let client = client.build().expect("a client");
    let get = async |url: String| {
        let answer = client.get(&url).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("a body"))
    };

    let (status, ready) = get(format!("http://entra.example:{control}/api/v1/ready")).await;
    assert_eq!(status, 200, "{ready}");
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    // Who asks by the name is told the name.
    assert_eq!(ready["control"], format!("http://entra.example:{control}"));
    let authority = format!("https://entra.example:{site}");
    assert_eq!(ready["environments"]["us-gov-l4"]["authority"], authority);
    let (status, found) = get(format!(
        "{authority}/common/v2.0/.well-known/openid-configuration"
    ))
    .await;
    assert_eq!(status, 200, "{found}");
    assert!(
        found.contains(&format!("{authority}/common/oauth2/v2.0/token")),
        "{found}"
    );
    let (status, refused) = get(format!("http://other.example:{control}/api/v1/ready")).await;
    assert_eq!(status, 403, "{refused}");
    assert!(refused.contains("--name"), "{refused}");
    let foreign = client
        .get(format!("https://other.example:{site}/"))
        .send()
        .await;
    foreign.expect_err("there is no certificate for it");
    let (_, variables) = get(format!(
        "http://entra.example:{control}/api/v1/variables?environment=us-gov-l4"
    ))
    .await;
    let variables: serde_json::Value = serde_json::from_str(&variables).expect("JSON");
    assert_eq!(variables["ENTRA_MOCK_AUTHORITY"], authority);
    assert_eq!(
        variables["HTTPS_PROXY"],
        format!("http://entra.example:{control}")
    );
    assert_eq!(
        variables["AZURE_AUTHORITY_HOST"],
        "https://login.microsoftonline.us"
    );
}

fn port_of(url: &str) -> &str {
    url.rsplit(':').next().expect("a port")
}

/// What OpenSSL says of the PKCS#12 file of a client certificate that was made with a flag.
fn pkcs12(flags: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = run(Command::new(program("entra-mock"))
        .args(["cert", "--out"])
        .arg(folder.path())
        .args(flags));
    assert_eq!(made.code, Some(0), "{made}");
    openssl(
        folder.path(),
        &[
            "pkcs12",
            "-in",
            "client-certificate.pfx",
            "-passin",
            "pass:entra-mock",
            "-info",
            "-nodes",
        ],
    )
}

#[test]
fn a_pfx_has_the_form_that_all_libraries_read_unless_the_modern_one_is_asked_for() {
    for (flags, encryption, check) in [
        (&[] as &[&str], "pbeWithSHA1And3-KeyTripleDES-CBC", "sha1"),
        (&["--modern"], "AES-256-CBC", "sha256"),
    ] {
        let read = pkcs12(flags);
        assert_eq!(read.code, Some(0), "{flags:?}: {read}");
        // The key and the certificate.
        assert_eq!(read.stderr.matches(encryption).count(), 2, "{read}");
        assert!(read.stderr.contains(&format!("MAC: {check}")), "{read}");
        assert!(read.stdout.contains("BEGIN PRIVATE KEY"), "{read}");
        assert!(read.stdout.contains("BEGIN CERTIFICATE"), "{read}");
    }
}

#[test]
fn a_stored_pfx_of_an_older_version_is_replaced_by_one_that_all_libraries_read() {
    let folder = authority(&[]);
    let pfx = folder.path().join("client.pfx");
    let before = openssl(
        folder.path(),
        &[
            "pkcs12",
            "-export",
            "-inkey",
            "client-key.pem",
            "-in",
            "client-certificate.pem",
            "-keypbe",
            "AES-256-CBC",
            "-certpbe",
            "AES-256-CBC",
            "-macalg",
            "sha256",
            "-passout",
            "pass:pfx-password-for-tests",
            "-out",
            "client.pfx",
        ],
    );
    assert_eq!(before.code, Some(0), "{before}");
    let older = fs::read(&pfx).expect("the folder is ours");
    let again = run(Command::new(program("entra-mock"))
        .args(["run", "--data-dir"])
        .arg(folder.path())
        .args(["--", "true"]));
    assert_eq!(again.code, Some(0), "{again}");
    assert_ne!(fs::read(&pfx).expect("the folder is ours"), older);
}
