//! Streams: the bytes of a file, a photo, a page.
//!
//! They are kept beside the document, as the one document of an address below it.

use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::place::Place;
use super::service::Voice;
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::mailbox::Properties;

/// The bytes.
pub(super) fn read(
    call: &Call<'_>,
    owner: &Place<'_>,
    name: &str,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    owner.exists(call, voice)?;
    let address = format!("{}/{name}", owner.address());
    let found = call.tenant.read_documents(|documents| {
        let properties = &documents.get(&address, "")?.properties;
        let text = |name: &str| properties.get(name).and_then(Value::as_str);
        let bytes = STANDARD.decode(text(BYTES)?).ok()?;
        Some((text(KIND).unwrap_or(PLAIN).to_owned(), bytes))
    });
    let (kind, bytes) = found.ok_or_else(|| voice.not_found(&owner.id))?;
    Ok(Reply::raw(kind, bytes))
}

/// Writes the bytes.
pub(super) fn write(
    call: &Call<'_>,
    owner: &Place<'_>,
    name: &str,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    owner.exists(call, voice)?;
    let sent = call.header(header::CONTENT_TYPE.as_str());
    let kind = if sent.is_empty() { PLAIN } else { sent };
    let mut properties = Properties::new();
    properties.insert(KIND.to_owned(), json!(kind));
    let sent_apart = call.upload.and_then(|it| it.whole(crate::graph::MAX_BODY));
    let bytes = sent_apart.as_ref().unwrap_or(call.body);
    properties.insert(BYTES.to_owned(), json!(STANDARD.encode(bytes)));
    let address = format!("{}/{name}", owner.address());
    call.tenant
        .write_documents(|it| it.put(&address, "", properties, call.now).map(|_| ()))?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Takes the bytes away.
pub(super) fn delete(
    call: &Call<'_>,
    owner: &Place<'_>,
    name: &str,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    owner.exists(call, voice)?;
    let address = format!("{}/{name}", owner.address());
    if call.tenant.write_documents(|it| it.delete(&address, "")) {
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(voice.not_found(&owner.id))
    }
}

const BYTES: &str = "@bytes";
const KIND: &str = "@type";
const PLAIN: &str = "application/octet-stream";
