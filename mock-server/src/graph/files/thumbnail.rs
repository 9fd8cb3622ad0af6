//! Small pictures of files: of PNG and JPEG, as of types of which the service makes none.
//!
//! Sources: OneDrive/onedrive-api-docs, docs/rest-api/resources/thumbnailset.md and
//! docs/rest-api/api/driveitem_list_thumbnails.md; recordings of NangoHQ/integration-templates and
//! pnp/pnpcore. Unverified: that a picture smaller than a size is given as it is; the address on the
//! site's own host, where the service has one of its media hosts.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::find::Found;
use super::version::key;
use super::{list, refusal, ticket};
use crate::drives::{Blob, Drive, Place};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::route::Step;
use crate::mailbox::Properties;
use crate::picture::{self, Frame};

/// A file of which there may be a picture, as it is found in a drive.
pub(super) struct Source {
    drive: String,
    place: Place,
    item: Uuid,
    content: Blob,
}

impl Source {
    /// The item, if it is a file that may be a picture.
    pub(super) fn of(drive: &Drive, item: Uuid) -> Option<Self> {
        let content = drive.get(item)?.content.clone()?;
        (content.length() <= picture::MOST as u64).then(|| Self {
            drive: drive.id.clone(),
            place: drive.place.clone(),
            item,
            content,
        })
    }

    /// Width and height, if it is a picture. Reads the beginning of the content: not under a lock.
    fn size(&self) -> Option<(u32, u32)> {
        let signature = self.content.beginning(picture::SIGNATURE).ok()?;
        // Most files are none, and need not be read further.
        if !picture::begins_one(&signature) {
            return None;
        }
        picture::size(&self.content.beginning(HEAD).ok()?)
    }

    /// The pictures of the sizes that a request names, or all; none where the file is no picture.
    pub(super) fn sets(&self, call: &Call<'_>, named: &[String]) -> Vec<Value> {
        let Some(size) = self.size() else {
            return Vec::new();
        };
        let mut set = Properties::new();
        set.insert("id".to_owned(), json!("0"));
        let default: Vec<String> = ["large", "medium", "small"].map(str::to_owned).into();
        let named = if named.is_empty() { &default } else { named };
        for name in named {
            if let Some(frame) = frame(name) {
                // Source: OneDrive/onedrive-api-docs, driveitem_list_thumbnails.md: names become
                // names of XML.
                let key = name.replace('_', "_x005f_");
                set.insert(key, self.thumbnail(call, frame, size));
            }
        }
        vec![Value::Object(set)]
    }

    fn thumbnail(&self, call: &Call<'_>, frame: Frame, size: (u32, u32)) -> Value {
        let (width, height) = frame.fit(size);
        let place = (self.drive.as_str(), &self.place);
        json!({
            "height": height,
            "url": ticket::thumbnail(call, place, self.item, frame),
            "width": width,
        })
    }
}

/// `GET …/thumbnails`.
pub(super) fn list(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let source = source(call, found)?;
    let value = source.map_or_else(Vec::new, |it| it.sets(call, &selected(call)));
    let context = format!("{}/$metadata#Collection(thumbnailSet)", call.root());
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": value}),
    ))
}

/// `GET …/thumbnails/0`.
pub(super) fn set(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let source = keyed(call, found, steps)?;
    let mut set = source.sets(call, &selected(call)).into_iter();
    let mut body = Properties::new();
    let context = format!("{}/$metadata#thumbnailSet", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    let set = set.next().ok_or_else(refusal::not_found)?;
    body.extend(crate::graph::collection::members(set));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// `GET …/thumbnails/0/medium`, and its content.
pub(super) fn one(
    call: &Call<'_>,
    found: &Found,
    (steps, content): (&[Step], bool),
) -> Result<Reply, GraphError> {
    let source = keyed(call, found, steps)?;
    let name = steps.iter().rev().map(|it| it.name);
    let frame = name
        .take_while(|it| *it != "thumbnails")
        .find_map(frame)
        .ok_or_else(refusal::not_found)?;
    let size = source.size().ok_or_else(refusal::not_found)?;
    let mut thumbnail = crate::graph::collection::members(source.thumbnail(call, frame, size));
    if content {
        let mut reply = Reply::empty(StatusCode::FOUND);
        if let Some(Value::String(url)) = thumbnail.remove("url") {
            reply.headers.push((header::LOCATION, url));
        }
        return Ok(reply);
    }
    let context = format!("{}/$metadata#thumbnail", call.root());
    thumbnail.insert("@odata.context".to_owned(), json!(context));
    Ok(Reply::json(StatusCode::OK, Value::Object(thumbnail)))
}

/// The file that a path names, if a picture may be made of it.
fn source(call: &Call<'_>, found: &Found) -> Result<Option<Source>, GraphError> {
    let id = found.there()?;
    list::whole(call, &found.drive, |_, drive| Some(Source::of(drive, id)))
}

/// The same with the key of the set, of which there is one.
fn keyed(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Source, GraphError> {
    if key(steps, "thumbnails")? != "0" {
        return Err(refusal::not_found());
    }
    source(call, found)?.ok_or_else(refusal::not_found)
}

/// The sizes that `$select` names.
fn selected(call: &Call<'_>) -> Vec<String> {
    let said = call.parameter("$select").or(call.parameter("select"));
    let names = said.unwrap_or_default().split(',').map(str::trim);
    names
        .filter(|it| frame(it).is_some())
        .map(str::to_owned)
        .collect()
}

/// The frame of a size: one of the six names, `c200x300` or `c200x300_crop`.
fn frame(name: &str) -> Option<Frame> {
    let square = |side, crop| {
        Some(Frame {
            width: side,
            height: side,
            crop,
        })
    };
    match name {
        "small" => square(96, false),
        "medium" => square(176, false),
        "large" => square(800, false),
        "smallSquare" => square(96, true),
        "mediumSquare" => square(176, true),
        "largeSquare" => square(800, true),
        custom => {
            let sizes = custom.strip_prefix('c')?;
            let (sizes, crop) = match sizes.strip_suffix("_crop") {
                Some(sizes) => (sizes, true),
                None => (sizes, false),
            };
            let (width, height) = sizes.split_once('x')?;
            let pixels = |text: &str| text.parse().ok().filter(|it| (1..=MOST).contains(it));
            Some(Frame {
                width: pixels(width)?,
                height: pixels(height)?,
                crop,
            })
        }
    }
}

/// So many bytes of a file tell its size.
const HEAD: usize = 256 << 10;

/// The longest side that a request may name, in pixels.
const MOST: u32 = 4096;
