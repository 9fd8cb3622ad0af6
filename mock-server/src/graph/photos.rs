//! Photos of people and contacts. A size that is smaller than what was sent is made of it; the others,
//! and photos that are neither PNG nor JPEG, have the bytes that were sent.
//!
//! Sources: allodia-eu/email-calendar-sync-engine, fixtures/error/photo_image_not_found.json,
//! photo_invalid_size.json and docs/agent-guidance/graph.md; learn.microsoft.com/graph/api/
//! profilephoto-get, /profilephoto-update, /profilephoto-delete.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::contacts;
use super::error::GraphError;
use crate::mailbox::{Contents, Photo, Properties};
use crate::picture::{self, Frame};

/// `GET …/photo` and `/photos/{size}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let size = size(call)?;
    let photo = of_user(call)?;
    let mut body = Properties::new();
    let set = match call.parameters.find("size") {
        None => "photo".to_owned(),
        Some(size) => format!("photos('{size}')"),
    };
    body.insert(
        "@odata.context".to_owned(),
        call.context(&call.set(&set), true),
    );
    body.extend(described(&photo, size));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// `GET …/photo/$value` and `/photos/{size}/$value`.
pub(super) fn content(call: &Call<'_>) -> Result<Reply, GraphError> {
    let size = size(call)?;
    let photo = of_user(call)?;
    let made = call.parameters.find("size").and_then(|_| {
        let (width, height) = picture::size(&photo.bytes)?;
        let frame = frame(size);
        let is_smaller = frame.width <= width && frame.height <= height;
        is_smaller.then(|| picture::smaller(&photo.bytes, frame))?
    });
    Ok(match made {
        Some(made) => Reply::raw("image/jpeg".to_owned(), made),
        None => Reply::raw(photo.kind, photo.bytes),
    })
}

/// `GET …/photos`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let photo = of_user(call)?;
    let value: Vec<Value> = SIZES
        .iter()
        .map(|size| Value::Object(described(&photo, size)))
        .collect();
    let context = call.context(&call.set("photos"), false);
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": value}),
    ))
}

/// `PUT` and `PATCH …/photo/$value`.
pub(super) fn put(call: &Call<'_>) -> Result<Reply, GraphError> {
    let photo = sent(call)?;
    let contents = call.mailbox()?;
    contents.write(|contents| contents.photo = Some(photo));
    Ok(Reply::empty(StatusCode::OK))
}

/// `DELETE …/photo`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents
        .write(|contents| contents.photo.take())
        .map(|_| Reply::empty(StatusCode::NO_CONTENT))
        .ok_or_else(GraphError::no_photo)
}

/// `GET …/contacts/{id}/photo`.
pub(super) fn of_contact(call: &Call<'_>) -> Result<Reply, GraphError> {
    let photo = contacts_photo(call)?;
    let mut body = Properties::new();
    let set = format!("contacts('{}')/photo", call.parameters.get("contact"));
    body.insert(
        "@odata.context".to_owned(),
        call.context(&call.set(&set), true),
    );
    body.extend(described(&photo, SIZES[8]));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// `GET …/contacts/{id}/photo/$value`.
pub(super) fn content_of_contact(call: &Call<'_>) -> Result<Reply, GraphError> {
    let photo = contacts_photo(call)?;
    Ok(Reply::raw(photo.kind, photo.bytes))
}

/// `PUT` and `PATCH …/contacts/{id}/photo/$value`.
pub(super) fn put_of_contact(call: &Call<'_>) -> Result<Reply, GraphError> {
    let photo = sent(call)?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = contacts::find(call, contents)?.key;
        contents.contact_photos.insert(key, photo);
        Ok(Reply::empty(StatusCode::OK))
    })
}

fn contacts_photo(call: &Call<'_>) -> Result<Photo, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let key = contacts::find(call, contents)?.key;
        // Source of the text: microsoftgraph/microsoft-graph-docs-contrib#7939.
        contents.contact_photos.get(&key).cloned().ok_or_else(|| {
            GraphError::new(
                StatusCode::NOT_FOUND,
                "ErrorItemNotFound",
                "The photo wasn't found.",
            )
        })
    })
}

fn of_user(call: &Call<'_>) -> Result<Photo, GraphError> {
    // Unverified: photos of people without a mailbox, whom the mock gives none.
    let contents = call.mailbox().map_err(|_| GraphError::no_photo())?;
    contents
        .read(|contents: &Contents| contents.photo.clone())
        .ok_or_else(GraphError::no_photo)
}

/// The photo that a request sends.
fn sent(call: &Call<'_>) -> Result<Photo, GraphError> {
    let kind = call.header(header::CONTENT_TYPE.as_str());
    let is_image = kind.to_ascii_lowercase().starts_with("image/");
    if !is_image || call.body.is_empty() {
        // Unverified: code and text.
        return Err(GraphError::invalid_request(format!(
            "The content type '{kind}' is not that of an image, or the image is empty."
        )));
    }
    Ok(Photo {
        kind: kind.to_owned(),
        bytes: call.body.to_vec(),
    })
}

/// What is told of a photo.
fn described(photo: &Photo, size: &str) -> Properties {
    let frame = frame(size);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &photo.bytes);
    let etag: String = digest.as_ref()[..16]
        .iter()
        .map(|it| format!("{it:02X}"))
        .collect();
    super::collection::members(json!({
        "@odata.mediaContentType": photo.kind,
        "@odata.mediaEtag": format!("\"{etag}\""),
        "id": size,
        "height": frame.height,
        "width": frame.width,
    }))
}

/// What a picture of a size fills.
fn frame(size: &str) -> Frame {
    let side = size.split('x').next().and_then(|it| it.parse().ok());
    let side = side.unwrap_or(0);
    Frame {
        width: side,
        height: side,
        crop: true,
    }
}

/// The size that the path names; the largest one where it names none.
fn size(call: &Call<'_>) -> Result<&'static str, GraphError> {
    let Some(wanted) = call.parameters.find("size") else {
        return Ok(SIZES[8]);
    };
    let known = SIZES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(wanted));
    known.copied().ok_or_else(GraphError::no_photo_size)
}

/// Source: learn.microsoft.com/graph/api/profilephoto-get.
const SIZES: [&str; 9] = [
    "48x48", "64x64", "96x96", "120x120", "240x240", "360x360", "432x432", "504x504", "648x648",
];
