//! Whatever is sent, Graph answers with one of its own statuses.

use proptest::prelude::*;

use super::*;

/// Paths and queries made of pieces that mean something, and of pieces that do not.
fn piece() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "me",
        "users",
        "messages",
        "mailFolders",
        "inbox",
        "events",
        "calendarView",
        "calendar",
        "contacts",
        "$count",
        "$value",
        "$batch",
        "delta",
        "attachments",
        "sendMail",
        "move",
        "messages('x')",
        "('",
        "%27",
        "%ff",
        "%00",
        "alice@contoso.onmicrosoft.com",
        "AAMk",
        "..",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-zA-Z0-9$()%20.@-]{0,12}"]
}

fn option() -> impl Strategy<Value = String> {
    let name = proptest::sample::select(vec![
        "$filter",
        "$select",
        "$orderby",
        "$top",
        "$skip",
        "$search",
        "$expand",
        "$count",
        "$skiptoken",
        "$deltatoken",
        "startDateTime",
        "endDateTime",
        "x",
    ]);
    (name, "\\PC{0,30}").prop_map(|(name, value)| {
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        format!("{name}={value}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_request_panics(
        method in proptest::sample::select(vec!["GET", "POST", "PATCH", "DELETE", "PUT"]),
        pieces in proptest::collection::vec(piece(), 0..5),
        options in proptest::collection::vec(option(), 0..4),
        content_type in proptest::sample::select(vec!["application/json", "text/plain", "x"]),
        prefer in proptest::sample::select(vec!["outlook.timezone=\"x\"", "return=minimal", "=,=;"]),
        body in prop_oneof!["\\PC{0,60}", Just("{}".to_owned()), Just("{\"message\":{}}".to_owned()),
            Just("{\"start\":{\"dateTime\":\"9999-12-31T23:59:59\"},\"end\":{}}".to_owned())],
    ) {
        let path = format!("/v1.0/me/{}?{}", pieces.join("/"), options.join("&"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bench = &*BENCH;
        let token = bench.delegated("alice", &["Mail.ReadWrite", "Mail.Send", "Calendars.ReadWrite", "Contacts.ReadWrite"]);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", bench.token(&token)))
            .header("content-type", content_type)
            .header("prefer", prefer)
            .header("content-length", body.len())
            .body(Body::from(body));
        if let Ok(request) = request {
            let answer = runtime.block_on(bench.answer(request));
            let refused = answer.status == 501 && answer.annotation.unsupported.is_some();
            prop_assert!(answer.status.as_u16() < 500 || refused, "{}", answer.text);
        }
    }
}

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);
