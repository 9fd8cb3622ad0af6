use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

fn on() -> Redactor {
    Redactor::new(Redaction::On, KnownSecrets::default())
}

fn off() -> Redactor {
    Redactor::new(Redaction::Off, KnownSecrets::default())
}

const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";

#[test]
fn secrets_are_replaced_by_what_tells_them_apart() {
    let on = on();
    let field = |value: &str| on.field(Names::Credentials, "client_secret", value);
    assert_eq!(
        on.field(Names::Credentials, "scope", "Mail.Read"),
        "Mail.Read"
    );
    let secret = field("s3cr~t");
    assert!(!secret.contains("s3cr~t"));
    assert_eq!(secret, field("s3cr~t"));
    assert_ne!(secret, field("other"));
    let whole = off().field(Names::Credentials, "client_secret", "s3cr~t");
    assert_eq!(whole, "s3cr~t");
}

#[test]
fn a_known_secret_is_replaced_wherever_it_is() {
    let on = on();
    let secret = "Pw~alice/9+x";
    on.known().note(secret);
    let instead = format!("<{}>", fingerprint(secret));
    for (text, written) in [
        (format!("is {secret}!"), format!("is {instead}!")),
        ("a%20Pw%7Ealice%2F9%2Bx".to_owned(), format!("a {instead}")),
        ("Pw%2525257Ealice/9%2B%78".to_owned(), instead.clone()),
        ("Pw%257Ealice%252F9%252Bx".to_owned(), instead.clone()),
        (format!("{secret}{secret}"), format!("{instead}{instead}")),
        (format!("ä{secret}ß"), format!("ä{instead}ß")),
    ] {
        assert_eq!(on.text(&text), written);
        assert_eq!(off().text(&text), text);
    }
    let basic = STANDARD.encode(format!("client:{secret}"));
    for written in [
        on.header("x-forwarded-authorization", &format!("Basic {basic}")),
        on.field(Names::Credentials, "state", secret),
        on.field(Names::Credentials, "state", &basic),
        on.body(&format!("clientsecrt={secret}&x=y")),
        on.body("a=Pw%7Ealice%2F9%2Bx"),
        on.body(&json!({ "x": [secret], secret: 1 }).to_string()),
        on.json(
            Names::Documents,
            json!({"subject": format!("about {secret}")}),
        )
        .to_string(),
    ] {
        assert!(written.contains('<'), "{written}");
        for secret in [secret, &basic, "alice"] {
            assert!(!written.contains(secret), "{written}");
        }
    }
}

#[test]
fn words_of_base64_and_escapes_of_html_hide_nothing() {
    let on = on();
    let secret = "Pw~a<b>&\"alice\"/9+x";
    on.known().note(secret);
    let basic = STANDARD.encode(format!("client:{secret}"));
    let url = URL_SAFE_NO_PAD.encode(secret);
    let lines = format!("{}\n{}", &basic[..20], &basic[20..]);
    let mark = |text: &str| format!("<{}>", fingerprint(text));
    for (text, written) in [
        (
            format!("note: Basic {basic}, he said"),
            format!("note: Basic {}, he said", mark(&basic)),
        ),
        (
            format!("/v1.0/users/{url}/x?y={url}"),
            format!("/v1.0/users/{0}/x?y={0}", mark(&url)),
        ),
        (
            format!("data:text/plain;base64,{basic}"),
            format!("data:text/plain;base64,{}", mark(&basic)),
        ),
        (
            format!("{secret} {basic}"),
            format!("{} {}", mark(secret), mark(&basic)),
        ),
        (lines.clone(), mark(&lines)),
        (
            "<p>Pw~a&lt;b&gt;&amp;&quot;alice&quot;/9+x</p>".to_owned(),
            format!("<p>{}</p>", mark(secret)),
        ),
        ("no&amp;thing".to_owned(), "no&amp;thing".to_owned()),
        (
            "AAMkADVhYmE2ZTRl/LTJmODctNWQzYS1i".to_owned(),
            "AAMkADVhYmE2ZTRl/LTJmODctNWQzYS1i".to_owned(),
        ),
    ] {
        assert_eq!(on.text(&text), written);
    }
}

#[test]
fn escapes_of_json_hexadecimal_digits_and_words_in_words_hide_nothing() {
    let on = on();
    let secret = "Pw~a\"b\\c/9+x&%41";
    on.known().note(secret);
    let hex = |text: &str| -> String { text.bytes().map(|it| format!("{it:02x}")).collect() };
    let quoted = |text: &str| json!(text).to_string();
    let percent = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let units: String = secret.bytes().map(|it| format!("\\u{it:04X}")).collect();
    let solidus = quoted(secret).replace('/', "\\/");
    let document = json!({"note": json!({"deep": secret}).to_string()}).to_string();
    for text in [
        quoted(secret),
        quoted(&quoted(&quoted(secret))),
        percent(&quoted(secret)),
        quoted(&percent(secret)),
        percent(&percent(&quoted(&quoted(secret)))),
        units,
        solidus,
        format!("it says {document}, and that is it"),
        hex(secret),
        hex(secret).to_uppercase(),
        format!("a{}", hex(secret)),
        format!("{}0", hex(secret)),
        format!("0x{}", hex(&format!("client:{secret}!"))),
        hex(&STANDARD.encode(secret)),
        STANDARD.encode(hex(secret)),
        STANDARD.encode(STANDARD.encode(secret)),
        STANDARD.encode(format!("client:{}", percent(secret))),
        quoted(&format!("{{\"x\": \"{}\"}}", hex(secret))),
    ] {
        let written = on.text(&text);
        assert!(written.contains('<'), "{text}: {written}");
        for hidden in [
            secret,
            &hex(secret),
            &STANDARD.encode(secret),
            &quoted(secret),
        ] {
            assert!(!written.contains(hidden), "{text}: {written}");
        }
        assert_eq!(off().text(&text), text);
    }
    for text in [
        "C:\\users\\new",
        "\\u00e",
        "0123456789abcdef0123456789abcdef",
        "{\"subject\": \"no secret\"}",
        "100%25 of it\\n",
    ] {
        assert_eq!(on.text(text), text);
    }
}

#[test]
fn documents_in_texts_of_documents_lose_the_fields_that_are_made_for_secrets() {
    let on = on();
    let inner = json!({"client_secret": "nobody-knows", "scope": "Mail.Read"});
    let deep = json!([inner.to_string()]).to_string();
    let clean = json!({"subject": "client_secret"}).to_string();
    let written = on.json(
        Names::Credentials,
        json!({"once": inner.to_string(), "twice": deep, "clean": clean}),
    );
    let text = written.to_string();
    assert!(!text.contains("nobody-knows"), "{text}");
    assert!(text.contains("Mail.Read"), "{text}");
    assert_eq!(written["clean"], clean);
    let field = on.field(Names::Credentials, "state", &inner.to_string());
    assert!(
        !field.contains("nobody-knows") && field.contains("Mail.Read"),
        "{field}"
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "time is what is bounded")]
fn a_text_that_is_all_escapes_is_read_in_a_bounded_number_of_ways() {
    let text = "%2525252525252525&amp;amp;amp;\\\\\\\\\\\\".repeat(20_000);
    let begin = std::time::Instant::now();
    assert_eq!(on().text(&text), text);
    assert!(begin.elapsed().as_secs() < 20);
}

#[test]
fn a_code_of_graph_is_no_authorization_code() {
    let error =
        json!({"error": {"code": "InvalidAuthenticationToken", "innerError": {"code": "x"}}});
    assert_eq!(on().json(Names::Documents, error.clone()), error);
    let written = on().field(Names::Credentials, "code", "any");
    assert_eq!(written, format!("<{}>", fingerprint("any")));
}

#[test]
fn parts_of_a_batch_lose_their_authorization() {
    let batch = json!({"requests": [{"id": "1", "method": "GET", "url": "/me?token=abc",
        "headers": {"Authorization": "Bearer opaque-token", "Prefer": "a=b"}}]});
    let written = on().json(Names::Documents, batch);
    let headers = &written["requests"][0]["headers"];
    let instead = format!("Bearer <{}>", fingerprint("opaque-token"));
    assert_eq!(headers["Authorization"], instead);
    assert_eq!(headers["Prefer"], "a=b");
}

#[test]
fn both_passwords_of_a_change_at_graph_are_replaced() {
    let body = json!({"currentPassword": "Old-pass-1", "newPassword": "New-pass-1"});
    let written = on().json(Names::Documents, body).to_string();
    assert!(!written.contains("-pass-1"), "{written}");
}

#[test]
fn a_private_key_loses_what_only_its_owner_knows() {
    let key = json!({"kty": "RSA", "n": "modulus", "e": "AQAB", "d": "private", "p": "prime"});
    let written = on().json(Names::Documents, key);
    assert_eq!(written["n"], "modulus");
    assert!(!written.to_string().contains("pri"), "{written}");
    let no_key = json!({"d": "a day"});
    assert_eq!(on().json(Names::Documents, no_key.clone()), no_key);
}

#[test]
fn assertions_show_their_claims_and_lose_their_signature() {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let assertion = format!(
        "{}.{}.c2ln",
        part(r#"{"alg":"PS256"}"#),
        part(r#"{"aud":"x"}"#)
    );
    let field = |value: &str| on().field(Names::Credentials, "client_assertion", value);
    let shown = field(&assertion);
    assert!(
        shown.ends_with(r#"> {"alg":"PS256"} {"aud":"x"}"#),
        "{shown}"
    );
    assert!(!shown.contains("c2ln"), "{shown}");
    assert!(field("a.b.c").ends_with('>'));
}

#[test]
fn events_lose_their_secrets_and_nothing_else() {
    let event = |event: Value| serde_json::from_value::<Event>(event).unwrap();
    let add = event(json!({"add-secret": {"app": "own-app", "secret": "s3cr~t"}}));
    let written = on().event(add.clone());
    let replaced = on().field(Names::Documents, "secret", "s3cr~t");
    assert_eq!(
        written,
        event(json!({"add-secret": {"app": "own-app", "secret": replaced}}))
    );
    assert_eq!(off().event(add.clone()), add);
    let deliver = event(json!({"deliver-message": {"user": "alice", "body": "password"}}));
    assert_eq!(on().event(deliver.clone()), deliver);
}

#[test]
fn an_event_stays_one_where_a_known_secret_is_one_of_its_words() {
    let on = on();
    on.known().note("admin-portal");
    let event = |password: &str| {
        let fields = json!({"user": "alice", "by": "admin-portal", "password": password});
        serde_json::from_value::<Event>(json!({ "reset-password": fields })).unwrap()
    };
    let replaced = on.field(Names::Documents, "password", "s3cr~t");
    assert_eq!(on.event(event("s3cr~t")), event(&replaced));
}

#[test]
fn headers_and_bodies_lose_their_tokens() {
    let on = on();
    assert!(!on.header("authorization", "Bearer abc").contains("abc"));
    assert!(
        on.header("authorization", "bearer abc")
            .starts_with("bearer <")
    );
    assert_eq!(on.header("cookie", "ESTSAUTH=abc; x=y"), "ESTSAUTH=…");
    assert!(!on.header("x-client-secret", "abc").contains("abc"));
    assert_eq!(on.header("user-agent", "client/1 (x)"), "client/1 (x)");
    for name in ["location", "referer"] {
        let address = on.header(name, "https://app.example/cb?code=abc&state=x#id_token=y");
        assert!(
            !address.contains("abc") && address.contains("&state=x#") && !address.contains("=y"),
            "{address}"
        );
        let address = on.header(name, &format!("https://app.example/{JWT}?x={JWT}"));
        assert!(!address.contains("eyJ"), "{address}");
    }
    let body = json!({"access_token": "abc", "nested": [{"password": "p"}], "n": 1});
    let body = on.json(Names::Documents, body);
    assert!(
        !body.to_string().contains("abc") && !body.to_string().contains("\"p\""),
        "{body}"
    );
    assert_eq!(body["n"], 1);
}
