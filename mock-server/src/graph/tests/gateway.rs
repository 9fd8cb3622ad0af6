//! What is answered before Graph looks at a request.

use axum::http::Version;

use super::*;

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}

#[tokio::test]
async fn a_preflight_needs_no_token_on_any_path() {
    let bench = Bench::new();
    for path in [
        "/v1.0/me",
        "/beta/users/x/sendMail",
        "/v1.0/$batch",
        "/v1.0/me/drive/root:/a.txt:/content",
        "/",
    ] {
        let asked = request("OPTIONS", path)
            .header("origin", "https://spa.example")
            .header("access-control-request-headers", "authorization")
            .body(Body::empty())
            .unwrap();
        let answer = bench.answer(asked).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "authorization"
        );
        assert_eq!(answer.annotation.endpoint.as_deref(), Some("OPTIONS"));
    }
}

#[tokio::test]
async fn a_write_over_http_1_says_how_long_it_is() {
    let bench = Bench::new();
    let token = bench.token(&bench.delegated("alice", &["User.Read"]));
    let send = async |method: &str, version: Version, header: Option<(&str, &str)>| {
        let mut request = request(method, "/v1.0/me/messages")
            .version(version)
            .header("authorization", format!("Bearer {token}"));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        bench.answer(request.body(Body::empty()).unwrap()).await
    };
    for method in ["POST", "PUT"] {
        let answer = send(method, Version::HTTP_11, None).await.expect(411);
        assert!(answer.text.contains("HTTP Error 411"), "{}", answer.text);
        assert!(answer.header("content-type").starts_with("text/html"));
        assert!(
            answer
                .annotation
                .decision
                .unwrap()
                .contains("Content-Length")
        );
    }
    for (method, version, header) in [
        ("POST", Version::HTTP_11, Some(("content-length", "0"))),
        (
            "POST",
            Version::HTTP_11,
            Some(("transfer-encoding", "chunked")),
        ),
        ("POST", Version::HTTP_2, None),
        ("GET", Version::HTTP_11, None),
        ("DELETE", Version::HTTP_11, None),
    ] {
        let answer = send(method, version, header).await;
        assert_ne!(answer.status, 411, "{method} {version:?} {header:?}");
    }
}

#[tokio::test]
async fn each_service_refuses_a_method_in_its_own_words() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read", "Mail.Read"]);
    for (method, path, code, message) in [
        (
            "POST",
            "/v1.0/users/x",
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        ),
        (
            "PUT",
            "/v1.0/me/messages/x",
            "ErrorInvalidRequest",
            "The OData request is not supported.",
        ),
    ] {
        let answer = bench.send(method, &token, path, &[], Value::Null).await;
        let answer = answer.expect(405);
        assert_eq!(answer.body["error"]["code"], code);
        assert_eq!(answer.body["error"]["message"], message);
        assert!(answer.annotation.unsupported.is_some());
    }
}
