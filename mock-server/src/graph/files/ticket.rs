//! What stands in pre-authenticated addresses: who may do what without a bearer, and until when.
//!
//! The real one is signed, too, and opaque to clients: OneDrive/onedrive-api-docs#792.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::TenantId;
use crate::drives::Place;
use crate::environment::{SignInCloud, Site};
use crate::graph::call::Call;
use crate::picture::Frame;
use crate::world::World;

/// What an address lets its holder do.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Ticket {
    pub(super) cloud: SignInCloud,
    pub(super) tenant: TenantId,
    pub(super) right: Right,
    /// Seconds since 1970.
    pub(super) expires: i64,
}

/// The right itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Right {
    /// Reads a content: drive, item, and an earlier version.
    Read(String, Uuid, Option<u32>),
    /// Reads a small picture of a content: drive, item, size.
    Picture(String, Uuid, Frame),
    /// Writes into an upload session.
    Upload(Uuid),
    /// Asks how far a copy is.
    Watch(Uuid),
}

impl Ticket {
    /// Seals a right for some time.
    pub(super) fn seal(call: &Call<'_>, right: Right, life: SignedDuration) -> String {
        let expires = call.now.checked_add(life).unwrap_or(call.now).as_second();
        let ticket = Self {
            cloud: call.cloud(),
            tenant: call.tenant.id,
            right,
            expires,
        };
        format!("v1.{}", call.world.sealer.seal(PURPOSE, &ticket))
    }

    /// Opens what was sealed, whether or not its time is over.
    pub(super) fn open(world: &World, text: &str) -> Option<Self> {
        world.sealer.open(PURPOSE, text.strip_prefix("v1.")?).ok()
    }

    /// Whether its time is over.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now.as_second() >= self.expires
    }
}

/// Where a site is, as the client reaches it: its own host, or the port of localhost.
pub(in crate::graph) fn root(call: &Call<'_>, place: &Place) -> String {
    let host = call.origin.split("://").nth(1).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    if Site::of_host(host).is_some() {
        format!("https://{}{}", place.host, encoded(&place.site))
    } else {
        format!("{}{}", call.origin, encoded(&place.site))
    }
}

/// A path with its names encoded.
pub(in crate::graph) fn encoded(path: &str) -> String {
    percent_encoding::utf8_percent_encode(path, IN_PATH).to_string()
}

/// The address of a content.
pub(super) fn download(
    call: &Call<'_>,
    (drive, place): (&str, &Place),
    item: Uuid,
    version: Option<(u32, &str)>,
) -> String {
    let right = Right::Read(drive.to_owned(), item, version.map(|it| it.0));
    let auth = Ticket::seal(call, right, DOWNLOAD);
    let root = root(call, place);
    match version {
        None => format!(
            "{root}/_layouts/15/download.aspx?UniqueId={item}&Translate=false&tempauth={auth}\
             &ApiVersion=2.0"
        ),
        Some((number, id)) => format!(
            "{root}/_api/v2.0/drive/items/{id}/versions/{number}.0/streamContent?tempauth={auth}"
        ),
    }
}

/// The address of a small picture.
pub(super) fn thumbnail(
    call: &Call<'_>,
    (drive, place): (&str, &Place),
    item: Uuid,
    frame: Frame,
) -> String {
    let right = Right::Picture(drive.to_owned(), item, frame);
    let auth = Ticket::seal(call, right, DOWNLOAD);
    let root = root(call, place);
    let crop = if frame.crop { "_crop" } else { "" };
    format!(
        "{root}/_api/v2.0/drives/{drive}/items/{item}/thumbnails/0/c{}x{}{crop}/content\
         ?tempauth={auth}",
        frame.width, frame.height
    )
}

/// How long contents are read. Source: recordings of pnp/pnpcore (3600 s).
const DOWNLOAD: SignedDuration = SignedDuration::from_hours(1);

/// How long a session's address is good; the session itself ends sooner.
/// Source: recordings of NangoHQ/integration-templates (86400 s).
pub(super) const UPLOAD: SignedDuration = SignedDuration::from_hours(24);

const PURPOSE: &str = "sharepoint_address";

/// What is encoded in the paths of addresses.
pub(super) const IN_PATH: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b',');
