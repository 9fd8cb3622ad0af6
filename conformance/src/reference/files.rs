//! The operations of a connector for files: drives, their items and contents, sites and lists.
//!
//! Source: learn.microsoft.com/graph/api/resources/driveitem and the pages of its methods.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::graph::{Body, Session};
use super::mutant::Mutant;
use super::operations::{Arguments, encoded};
use super::problem::Problem;
use super::settings::Flow;
use super::upload::{self, Place};
use crate::case::Category;

/// The operations that the connector has.
pub(super) const OPERATIONS: [&str; 10] = [
    "create-folder",
    "delete-file",
    "get-file",
    "get-profile",
    "list-files",
    "list-items",
    "list-sites",
    "move-file",
    "upload-file",
    "watch-files",
];

/// Does an operation in the drive of the person or the account: `own` is whose it is.
pub(super) async fn run(
    session: &Session<'_>,
    operation: &str,
    own: &str,
    arguments: &Arguments<'_>,
) -> Result<Value, Problem> {
    let is = |mutant| session.connection.is(mutant);
    let app_only = matches!(session.connection.settings.flow, Flow::AppOnly { .. });
    let drive = match arguments.text("site") {
        Some(site) if !is(Mutant::IgnoresTheSite) => format!("/sites/{site}/drive"),
        _ if app_only && is(Mutant::TakesASiteForTheAccount) => "/sites/root/drive".to_owned(),
        _ => format!("{own}/drive"),
    };
    let limit = arguments.limit();
    let top = ("$top", limit.min(100).to_string());
    let item = |id: &str| format!("{drive}/items/{}", encoded(id));
    match operation {
        "list-files" => {
            let folder = folder(&drive, arguments);
            let path = format!("{folder}children");
            session.collect(&path, &[top], limit).await
        }
        "get-file" => {
            let path = item(&arguments.required("id")?);
            let mut found = session.send(Method::GET, &path, &[], None).await?;
            if found.get("file").is_some() {
                let mut content = download(session, &found, &path).await?;
                if is(Mutant::ReadsTheBeginningOfContents) {
                    content.truncate(64 << 10);
                }
                found["contentBytes"] = json!(STANDARD.encode(content));
            }
            Ok(found)
        }
        "upload-file" => {
            let text = arguments.text("content").unwrap_or_default();
            let times = arguments.0.get("repeat").and_then(Value::as_u64);
            let times = usize::try_from(times.unwrap_or(1)).unwrap_or(1);
            let bytes = text.repeat(times.clamp(1, MOST)).into_bytes();
            let name = arguments.required("name")?;
            let place = Place {
                path: format!("{drive}/root:/{}", below(arguments, &name)),
                conflict: conflict(session, arguments),
            };
            let by_session = arguments.0.get("session").and_then(Value::as_bool);
            if by_session == Some(true) || bytes.len() > upload::SIMPLE {
                return upload::by_session(session, &place, &bytes).await;
            }
            upload::at_once(session, &place, &bytes).await
        }
        "create-folder" => {
            let path = format!("{}children", folder(&drive, arguments));
            let mut body = json!({"name": arguments.required("name")?, "folder": {}});
            body[CONFLICT] =
                json!(conflict(session, arguments).unwrap_or_else(|| "fail".to_owned()));
            session.send(Method::POST, &path, &[], Some(&body)).await
        }
        "move-file" => {
            let mut body = json!({});
            if let Some(folder) = arguments.text("destinationId") {
                body["parentReference"] = json!({ "id": folder });
            }
            let keeps_its_name =
                body.get("parentReference").is_some() && is(Mutant::LeavesMovedFilesTheirName);
            if let Some(name) = arguments.text("name").filter(|_| !keeps_its_name) {
                body["name"] = json!(name);
            }
            let path = item(&arguments.required("id")?);
            session.send(Method::PATCH, &path, &[], Some(&body)).await
        }
        "delete-file" => {
            let path = item(&arguments.required("id")?);
            session.send(Method::DELETE, &path, &[], None).await
        }
        "list-sites" => {
            let search = arguments.text("search").unwrap_or_else(|| "*".to_owned());
            session
                .collect("/sites", &[("search", search), top], limit)
                .await
        }
        "list-items" => {
            let (site, list) = (arguments.required("site")?, arguments.required("list")?);
            let path = format!("/sites/{site}/lists/{}/items", encoded(&list));
            let fields = ("$expand", "fields".to_owned());
            session.collect(&path, &[fields, top], limit).await
        }
        "watch-files" => {
            let path = arguments.text("path").unwrap_or_default();
            let connection = session.connection;
            connection.watch(session, operation, &drive, &path).await
        }
        other => Err(Problem::new(
            Category::Unsupported,
            format!("there is no operation '{other}'"),
        )),
    }
}

/// The address of a folder, so that a segment can follow: the root, or a folder by path or id.
fn folder(drive: &str, arguments: &Arguments<'_>) -> String {
    match (arguments.text("folder"), arguments.text("path")) {
        (Some(id), _) => format!("{drive}/items/{}/", encoded(&id)),
        (None, Some(path)) => format!("{}/", root(drive, &path)),
        (None, None) => format!("{drive}/root/"),
    }
}

/// The root of a drive, or a folder below it.
pub(super) fn root(drive: &str, path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return format!("{drive}/root");
    }
    format!("{drive}/root:/{}:", escaped(path))
}

/// The path of a file in its folder.
fn below(arguments: &Arguments<'_>, name: &str) -> String {
    let folder = arguments.text("path").unwrap_or_default();
    let folder = folder.trim_matches('/');
    if folder.is_empty() {
        return escaped(name);
    }
    escaped(&format!("{folder}/{name}"))
}

/// Each segment of a path as it stands in an address.
fn escaped(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(encoded).collect();
    segments.join("/")
}

/// What is to happen where the name is taken, if somebody said so.
fn conflict(session: &Session<'_>, arguments: &Arguments<'_>) -> Option<String> {
    if session.connection.is(Mutant::WritesOverWhatIsThere) {
        return Some("replace".to_owned());
    }
    arguments.text("conflictBehavior")
}

/// The content of a file, from the address at which it is for a while, without a token.
///
/// Source: learn.microsoft.com/graph/api/driveitem-get-content ("preauthenticated download URLs").
async fn download(session: &Session<'_>, item: &Value, path: &str) -> Result<Vec<u8>, Problem> {
    let address = |item: &Value| item[ADDRESS].as_str().map(str::to_owned);
    let mut url = address(item);
    for _ in 0..2 {
        let Some(place) = url else { break };
        match session.fetch(&place).await? {
            Some(content) => return Ok(content),
            // The address has ended: the item has a new one.
            None => url = address(&session.send(Method::GET, path, &[], None).await?),
        }
    }
    Err(Problem::unavailable(
        "Microsoft Graph names no address at which the content can be had",
    ))
}

/// What is sent with a request for an upload at once.
pub(super) fn raw(bytes: &[u8]) -> Body<'_> {
    Body::Raw(bytes)
}

/// What to do where a name is taken.
pub(super) const CONFLICT: &str = "@microsoft.graph.conflictBehavior";

const ADDRESS: &str = "@microsoft.graph.downloadUrl";

/// A text is repeated so often at most.
const MOST: usize = 1 << 24;
