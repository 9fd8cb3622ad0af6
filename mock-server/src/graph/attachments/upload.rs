//! Large attachments, which come in parts: the session that Graph begins, and the address that takes
//! the bytes, where the authorization is a part of the address.
//!
//! Sources: learn.microsoft.com/graph/outlook-large-attachments, /graph/api/
//! attachment-createuploadsession; microsoftgraph/msgraph-sdk-java#52 (the least and the most that
//! each way takes, measured).

use axum::http::{HeaderMap, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Holder, MAX_MESSAGE};
use crate::directory::TenantId;
use crate::environment::Environment;
use crate::exchange::Annotation;
use crate::graph::call::{Action, Call, Reply};
use crate::graph::endpoint::Workload;
use crate::graph::error::GraphError;
use crate::graph::{message, schema, time_zone};
use crate::mailbox::{Attachment, AttachmentKind, Contents, Upload};
use crate::world::{Tenant, World};

/// `POST …/attachments/createUploadSession`.
pub(in crate::graph) fn begin(call: &Call<'_>) -> Result<Reply, GraphError> {
    let holder = Holder::of(call);
    let mut action = Action(call.json()?);
    // Unverified: the text.
    let missing = || GraphError::invalid_request("The parameter 'AttachmentItem' is missing.");
    let Some(Value::Object(item)) = action.take("AttachmentItem") else {
        return Err(missing());
    };
    action.finish("createUploadSession")?;
    let item = schema::object(call.cloud(), Workload::Mailbox, "attachmentItem", item)?;
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    if text("attachmentType").is_none_or(|it| it != "file") {
        // Unverified: code and text. Source of the rule: attachment-createuploadsession.
        return Err(GraphError::invalid_request(
            "Upload sessions are supported for attachments of type 'file' only.",
        ));
    }
    let name = text("name").filter(|it| !it.is_empty()).ok_or_else(|| {
        GraphError::invalid_request("The required property 'name' of the attachment is missing.")
    })?;
    let size = item.get("size").and_then(Value::as_u64).unwrap_or(0);
    if size < LEAST {
        return Err(GraphError::upload_too_small());
    }
    if size > MOST {
        return Err(GraphError::upload_too_large());
    }
    let account = call.target()?.user;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item_found = holder.item(call, contents)?;
        let key = item_found.key;
        let id = message::id_of(call, contents, item_found);
        let expires = call.now.saturating_add(LIFE).unwrap_or(call.now);
        let token = call.world.random.uuid().simple().to_string();
        let number = contents.uploads.begin(Upload {
            item: key,
            event: holder == Holder::Event,
            token: token.clone(),
            size,
            expires,
            attachment: Attachment {
                key: 0,
                name: name.to_owned(),
                content_type: text("contentType")
                    .unwrap_or("application/octet-stream")
                    .to_owned(),
                inline: item.get("isInline") == Some(&json!(true)),
                content_id: text("contentId").map(str::to_owned),
                content: Vec::new(),
                modified: call.now,
                kind: AttachmentKind::File,
            },
        });
        let origin = origin(call);
        let tenant = call.tenant.id;
        let set = match holder {
            Holder::Event => "events",
            Holder::Message => "messages",
        };
        let address = format!(
            "{origin}/api/gv1.0/users('{account}@{tenant}')/{set}('{id}')/AttachmentSessions(\
             '{number}')?authtoken={token}"
        );
        let body = json!({
            "@odata.context": format!("{}/$metadata#microsoft.graph.uploadSession", call.root()),
            "uploadUrl": address,
            "expirationDateTime": time_zone::ticks(expires),
            "nextExpectedRanges": ["0-"],
        });
        Ok(Reply::json(StatusCode::CREATED, body))
    })
}

/// The origin of the address: Exchange's own host where Graph was asked at its own.
fn origin(call: &Call<'_>) -> String {
    let host = call.environment.upload_host();
    match host {
        Some(host) if call.origin == call.environment.graph_root() => format!("https://{host}"),
        _ => call.origin.to_owned(),
    }
}

/// A request to the address of an upload.
pub(in crate::graph) struct Part<'a> {
    /// The origin that was addressed.
    pub(in crate::graph) origin: &'a str,
    /// The environment that was addressed.
    pub(in crate::graph) environment: Environment,
    /// The method.
    pub(in crate::graph) method: &'a Method,
    /// The path.
    pub(in crate::graph) path: &'a str,
    /// The query.
    pub(in crate::graph) query: &'a str,
    /// The headers.
    pub(in crate::graph) headers: &'a HeaderMap,
    /// The bytes.
    pub(in crate::graph) body: &'a [u8],
}

/// The address of an upload, taken apart.
struct Address {
    account: String,
    tenant: TenantId,
    set: String,
    item: String,
    number: u64,
    token: String,
}

impl Address {
    fn parse(part: &Part<'_>) -> Option<Self> {
        let mut segments = part.path.split('/').filter(|it| !it.is_empty()).skip(2);
        let mut keyed = || {
            let decoded = percent_decode_str(segments.next()?).decode_utf8().ok()?;
            let (name, key) = decoded.split_once("('")?;
            Some((name.to_owned(), key.strip_suffix("')")?.to_owned()))
        };
        let ((users, owner), (set, item), (sessions, number)) = (keyed()?, keyed()?, keyed()?);
        let (account, tenant) = owner.split_once('@')?;
        let token = form_urlencoded::parse(part.query.as_bytes())
            .find(|(name, _)| name.eq_ignore_ascii_case("authtoken"))
            .map(|(_, value)| value.into_owned())?;
        let fits = users.eq_ignore_ascii_case("users")
            && sessions.eq_ignore_ascii_case("AttachmentSessions");
        fits.then_some(Self {
            account: account.to_owned(),
            tenant: tenant.parse().ok()?,
            set,
            item,
            number: number.parse().ok()?,
            token,
        })
    }

    /// The address without the session, at the host that was asked.
    fn of_item(&self, origin: &str) -> String {
        let Self {
            account,
            tenant,
            set,
            item,
            ..
        } = self;
        format!("{origin}/api/gv1.0/users('{account}@{tenant}')/{set}('{item}')")
    }
}

/// Takes a part of an upload, tells where one stands, or ends it. None where the path is not that
/// of an upload.
pub(in crate::graph) fn receive(
    world: &World,
    part: &Part<'_>,
    annotation: &mut Annotation,
) -> Option<Result<Reply, GraphError>> {
    let mut names = part.path.split('/').filter(|it| !it.is_empty());
    let is_upload = names
        .next()
        .is_some_and(|it| it.eq_ignore_ascii_case("api"))
        && names
            .next()
            .is_some_and(|it| it.eq_ignore_ascii_case("gv1.0"));
    if !is_upload {
        return None;
    }
    annotation.endpoint = Some(format!("{} AttachmentSessions", part.method));
    Some(received(world, part, annotation))
}

fn received(
    world: &World,
    part: &Part<'_>,
    annotation: &mut Annotation,
) -> Result<Reply, GraphError> {
    let address = Address::parse(part).ok_or_else(GraphError::item_not_found)?;
    let tenant: std::sync::Arc<Tenant> = world
        .tenant(part.environment.cloud(), address.tenant)
        .filter(|it| it.environment == part.environment)
        .ok_or_else(GraphError::item_not_found)?;
    let now = tenant.now();
    annotation.tenant = Some(tenant.id);
    annotation.tenant_time = Some(now);
    let user = address
        .account
        .parse()
        .map_err(|_| GraphError::item_not_found())?;
    let contents = tenant
        .mailbox(user, now)
        .ok_or_else(GraphError::no_mailbox)?;
    contents.write(|contents| {
        if contents
            .uploads
            .find(address.number, &address.token, now)
            .is_none()
        {
            // Unverified: the code; `404` by learn.microsoft.com/graph/outlook-large-attachments.
            return Err(GraphError::item_not_found());
        }
        match part.method.as_str() {
            "DELETE" => {
                contents.uploads.end(address.number);
                Ok(Reply::empty(StatusCode::NO_CONTENT))
            }
            "GET" => state(contents, &address, part, now),
            "PUT" => put(contents, &address, part, now),
            _ => Err(GraphError::odata_request_not_supported()),
        }
    })
}

/// Where an upload stands.
fn state(
    contents: &mut Contents,
    address: &Address,
    part: &Part<'_>,
    now: Timestamp,
) -> Result<Reply, GraphError> {
    let upload = contents
        .uploads
        .find(address.number, &address.token, now)
        .ok_or_else(GraphError::item_not_found)?;
    let root = format!("{}/api/gv1.0/$metadata", part.origin);
    let (account, tenant) = (&address.account, address.tenant);
    let body = json!({
        "@odata.context": format!(
            "{root}#users('{account}%40{tenant}')/{}('{}')/AttachmentSessions/$entity",
            address.set, address.item
        ),
        "ExpirationDateTime": time_zone::ticks(upload.expires),
        "NextExpectedRanges": [upload.attachment.content.len().to_string()],
    });
    Ok(Reply::json(StatusCode::OK, body))
}

/// Takes the next bytes.
fn put(
    contents: &mut Contents,
    address: &Address,
    part: &Part<'_>,
    now: Timestamp,
) -> Result<Reply, GraphError> {
    let sent = part.headers.get(header::CONTENT_RANGE);
    let sent = sent.and_then(|it| it.to_str().ok()).unwrap_or("");
    // Unverified: the codes and texts of what is refused here.
    let (from, to, total) = range(sent).ok_or_else(|| {
        GraphError::invalid_parameter(format!(
            "The Content-Range header '{sent}' is missing or invalid."
        ))
    })?;
    let found = contents
        .uploads
        .find(address.number, &address.token, now)
        .ok_or_else(GraphError::item_not_found)?;
    let expected = found.attachment.content.len() as u64;
    if total != found.size {
        return Err(GraphError::invalid_parameter(format!(
            "The total size {total} of the Content-Range header is not the size {} of the \
             attachment.",
            found.size
        )));
    }
    if to - from + 1 != part.body.len() as u64 {
        return Err(GraphError::invalid_parameter(format!(
            "The Content-Range header names {} bytes, and the body has {}.",
            to - from + 1,
            part.body.len()
        )));
    }
    if from != expected {
        return Err(GraphError::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "ErrorInvalidParameter",
            format!("The next expected range begins at {expected}, and {from} was sent."),
        ));
    }
    let (key, is_event) = (found.item, found.event);
    let holder = if is_event {
        Holder::Event
    } else {
        Holder::Message
    };
    if let Err(full) = holder.room(contents) {
        contents.uploads.end(address.number);
        return Err(full);
    }
    let already = holder
        .by_key(contents, key)
        .map(crate::mailbox::Item::size)
        .ok_or_else(GraphError::item_not_found)?;
    let found = contents
        .uploads
        .find(address.number, &address.token, now)
        .ok_or_else(GraphError::item_not_found)?;
    // Source: microsoftgraph/microsoft-graph-docs-contrib#2561.
    if already + found.attachment.content.len() + part.body.len() > MAX_MESSAGE {
        contents.uploads.end(address.number);
        return Err(GraphError::message_too_large());
    }
    found.attachment.content.extend_from_slice(part.body);
    if (found.attachment.content.len() as u64) < found.size {
        return state(contents, address, part, now);
    }
    let upload = contents
        .uploads
        .end(address.number)
        .ok_or_else(GraphError::item_not_found)?;
    let mut attachment = upload.attachment;
    attachment.key = contents.next_key();
    attachment.modified = now;
    let id = contents.ids().attachment(&address.item, attachment.key);
    holder.change(contents, key, now, |it| it.attachments.push(attachment));
    let mut reply = Reply::empty(StatusCode::CREATED);
    let location = format!("{}/Attachments('{id}')", address.of_item(part.origin));
    reply.headers.push((header::LOCATION, location));
    Ok(reply)
}

/// `bytes 0-9/20`, first, last and all.
fn range(text: &str) -> Option<(u64, u64, u64)> {
    let (unit, rest) = text.trim().split_once(' ')?;
    let (range, total) = rest.trim().split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (from, to, total) = (number(from)?, number(to)?, number(total)?);
    (unit.eq_ignore_ascii_case("bytes") && from <= to && to < total).then_some((from, to, total))
}

/// Source: microsoftgraph/msgraph-sdk-java#52; the documentation has 3 MB.
const LEAST: u64 = 2 * 1024 * 1024;
/// Source: learn.microsoft.com/graph/outlook-large-attachments.
const MOST: u64 = 150 * 1024 * 1024;
/// Unverified: how long an upload may take.
const LIFE: SignedDuration = SignedDuration::from_hours(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_names_its_first_and_last_byte_and_the_whole() {
        assert_eq!(range("bytes 0-9/20"), Some((0, 9, 20)));
        assert_eq!(range("Bytes 10-19/20"), Some((10, 19, 20)));
        for wrong in [
            "",
            "bytes",
            "bytes 0-9",
            "bytes 9-0/20",
            "bytes 0-20/20",
            "items 0-9/20",
        ] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
