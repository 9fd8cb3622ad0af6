use flate2::write::{DeflateEncoder, ZlibEncoder};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use super::*;
use crate::directory::Event;
use crate::environment::Environment;
use crate::server::MockEntra;

fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
}

fn gzip(text: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap().into()
}

fn decoded(encoding: &'static str, body: Bytes) -> Result<Bytes, Refused> {
    decode(&with(header::CONTENT_ENCODING, encoding), body, 1000)
}

#[test]
fn compressed_bodies_are_read_in_each_encoding() {
    let text = b"{\"subject\": \"x\"}";
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(text).unwrap();
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
    bare.write_all(text).unwrap();
    for (encoding, body) in [
        ("gzip", gzip(text)),
        ("GZIP", gzip(text)),
        ("deflate", zlib.finish().unwrap().into()),
        ("deflate", bare.finish().unwrap().into()),
        ("identity", Bytes::from_static(text)),
        ("gzip, gzip", gzip(&gzip(text))),
    ] {
        assert_eq!(
            decoded(encoding, body).as_deref(),
            Ok(&text[..]),
            "{encoding}"
        );
    }
    let plain = Bytes::from_static(text);
    assert_eq!(decode(&HeaderMap::new(), plain.clone(), 3), Ok(plain));
}

#[test]
fn what_unfolds_to_more_than_the_limit_is_refused_and_so_are_unknown_and_broken_ones() {
    let bomb = gzip(&vec![0; 1 << 24]);
    assert!(bomb.len() < 1 << 15);
    assert_eq!(decoded("gzip", bomb), Err(Refused::TooLarge));
    assert_eq!(decoded("gzip", gzip(&[7; 1000])).unwrap().len(), 1000);
    let broken = Err(Refused::Broken("gzip".to_owned()));
    assert_eq!(decoded("gzip", Bytes::from_static(b"{}")), broken);
    assert_eq!(decoded("gzip", gzip(b"abc").slice(..8)), broken);
    let unknown = |name: &str| Err(Refused::Unknown(name.to_owned()));
    assert_eq!(decoded("br", Bytes::from_static(b"x")), unknown("br"));
    let often = "gzip, gzip, gzip, gzip";
    assert_eq!(decoded(often, gzip(b"x")), unknown(often));
}

#[test]
fn an_answer_is_compressed_where_the_request_asks_for_gzip() {
    let long = Bytes::from(vec![b' '; 1000]);
    for (asked, expected) in [
        ("gzip", true),
        ("br;q=1.0, GZIP;q=0.5", true),
        ("*", true),
        ("gzip;q=0, *", false),
        ("*, gzip;q=0", false),
        ("br", false),
        ("identity", false),
    ] {
        let mut headers = with(
            header::CONTENT_TYPE,
            "application/json;odata.metadata=minimal",
        );
        let asked_for = with(header::ACCEPT_ENCODING, asked);
        let folded = encode(&asked_for, &mut headers, &long);
        assert_eq!(folded.is_some(), expected, "{asked}");
        assert_eq!(headers.contains_key(header::CONTENT_ENCODING), expected);
        if let Some(folded) = folded {
            assert_eq!(decoded("gzip", folded), Ok(long.clone()));
        }
    }
    let gzip = with(header::ACCEPT_ENCODING, "gzip");
    let mut json = with(header::CONTENT_TYPE, "application/json");
    assert_eq!(encode(&gzip, &mut json, &Bytes::from_static(b"{}")), None);
    let mut picture = with(header::CONTENT_TYPE, "image/png");
    assert_eq!(encode(&gzip, &mut picture, &long), None);
    assert_eq!(encode(&gzip, &mut HeaderMap::new(), &long), None);
}

/// A mock on the wire, and a token for alice's mail.
struct Wire {
    /// The mock's files, as long as it lives.
    _home: tempfile::TempDir,
    /// Ends when it is dropped.
    _mock: MockEntra,
    client: Client,
    root: String,
    token: String,
}

impl Wire {
    async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let builder = MockEntra::builder().plain_http(true);
        let mock = builder.data_directory(home.path()).start().await.unwrap();
        let tenant = mock.create_tenant(Environment::Office365);
        let scopes = ["Mail.ReadWrite".to_owned()].into();
        tenant
            .event(&Event::GrantConsent {
                app: "native-app".to_owned(),
                user: None,
                scopes,
            })
            .unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let endpoint = tenant.token_endpoint().replacen("https:", "http:", 1);
        let facts = tenant.describe();
        let form = [
            ("grant_type", "password"),
            ("client_id", &facts.apps["native-app"].client_id.to_string()),
            ("username", &facts.users["alice"].upn),
            ("password", &facts.users["alice"].password),
            ("scope", "https://graph.microsoft.com/Mail.ReadWrite"),
        ];
        let answer = client.post(&endpoint).form(&form).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        let (root, _) = endpoint.split_once(&format!("/{}/", tenant.id())).unwrap();
        Self {
            _home: home,
            _mock: mock,
            client,
            root: root.to_owned(),
            token: body["access_token"].as_str().expect("a token").to_owned(),
        }
    }

    async fn draft(&self, encoding: Option<&str>, body: Bytes) -> Response {
        let url = format!("{}/v1.0/me/messages", self.root);
        let mut request = self.client.post(url).bearer_auth(&self.token).body(body);
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(encoding) = encoding {
            request = request.header(header::CONTENT_ENCODING, encoding);
        }
        request.send().await.unwrap()
    }
}

async fn error_of(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn graph_reads_compressed_requests_and_compresses_its_answers() {
    let wire = Wire::start().await;
    let draft = json!({"subject": "packed"}).to_string();
    let made = wire.draft(Some("gzip"), gzip(draft.as_bytes())).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    assert_eq!(made["subject"], "packed");
    let refused = wire.draft(Some("br"), Bytes::from(draft.clone())).await;
    assert_eq!(refused.status(), 415);
    let refused = error_of(wire.draft(Some("gzip"), Bytes::from(draft)).await).await;
    assert_eq!((refused.0, refused.1.as_str()), (400, "BadRequest"));
    let url = format!("{}/v1.0/me/messages", wire.root);
    let ask = async |encoding: &str| {
        let request = wire.client.get(&url).bearer_auth(&wire.token);
        let request = request.header(header::ACCEPT_ENCODING, encoding);
        request.send().await.unwrap()
    };
    let packed = ask("gzip").await;
    assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
    let packed = packed.bytes().await.unwrap();
    let plain = ask("identity").await;
    assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
    let plain = plain.bytes().await.unwrap();
    let unpacked = decode(
        &with(header::CONTENT_ENCODING, "gzip"),
        packed.clone(),
        1 << 20,
    );
    assert_eq!(unpacked, Ok(plain.clone()));
    assert!(packed.len() * 3 < plain.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_four_megabytes_has_one_refusal_however_it_is_packed() {
    let wire = Wire::start().await;
    let draft = |size: usize| {
        let content = "A".repeat(size);
        let body = json!({"body": {"contentType": "text", "content": content}});
        Bytes::from(body.to_string())
    };
    let expected = (
        413,
        "BadRequest".to_owned(),
        "The maximum request length supported is 4MB.".to_owned(),
    );
    let over = draft(4 << 20);
    assert_eq!(
        error_of(wire.draft(None, over.clone()).await).await,
        expected
    );
    let packed = gzip(&over);
    assert_eq!(
        error_of(wire.draft(Some("gzip"), packed).await).await,
        expected
    );
    assert_eq!(wire.draft(None, draft(3 << 20)).await.status(), 201);
    let packed = gzip(&draft(3 << 20));
    assert_eq!(wire.draft(Some("gzip"), packed).await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_may_ask_before_it_calls() {
    let wire = Wire::start().await;
    let url = format!("{}/v1.0/me/messages", wire.root);
    let asked = wire.client.request(Method::OPTIONS, url);
    let answer = asked
        .header(header::ORIGIN, "https://spa.contoso.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PATCH")
        .header(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "authorization,sdkversion",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let told = |name: header::HeaderName| answer.headers()[name].to_str().unwrap();
    assert_eq!(told(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert!(told(header::ACCESS_CONTROL_ALLOW_METHODS).contains("PATCH"));
    let allowed = told(header::ACCESS_CONTROL_ALLOW_HEADERS);
    assert_eq!(allowed, "authorization,sdkversion");
    assert!(told(header::ACCESS_CONTROL_MAX_AGE).parse::<u32>().unwrap() > 0);
}
