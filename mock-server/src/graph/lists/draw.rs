//! Lists and rows as Graph writes them.

use serde_json::{Value, json};

use super::base::{Site, escaped};
use super::column;
use super::content_type;
use crate::drives::list::{Fields, List, Row};
use crate::drives::{Drive, Drives, Identity, Item, Owner};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files::draw::{self, Style};
use crate::mailbox::{Properties, seconds};

/// How lists are written.
pub(super) struct Drawing<'a> {
    pub(super) style: Style<'a>,
    pub(super) site: &'a Site,
    pub(super) drives: &'a Drives,
}

/// A row of a list, or of a library.
#[derive(Clone, Copy)]
pub(super) enum Line<'a> {
    Row(&'a Row),
    Item(&'a Drive, &'a Item),
}

/// Draws something of a site.
pub(super) fn whole<A>(
    call: &Call<'_>,
    site: &Site,
    work: impl FnOnce(&Drawing<'_>) -> Result<A, GraphError>,
) -> Result<A, GraphError> {
    call.tenant.read(|directory| {
        call.tenant.read_drives(|drives| {
            work(&Drawing {
                style: Style {
                    call,
                    directory,
                    with_address: true,
                },
                site,
                drives,
            })
        })
    })
}

impl<'a> Line<'a> {
    /// The row of a list with a number.
    pub(super) fn of(drives: &'a Drives, list: &'a List, number: u32) -> Option<Self> {
        match &list.drive {
            Some(drive) => {
                let drive = drives.get(drive)?;
                drive.row(number).map(|it| Self::Item(drive, it))
            }
            None => list.row(number).map(Self::Row),
        }
    }

    /// The rows of a list behind a number.
    pub(super) fn all(
        drives: &'a Drives,
        list: &'a List,
        behind: u32,
    ) -> Box<dyn Iterator<Item = Self> + 'a> {
        match &list.drive {
            Some(drive) => match drives.get(drive) {
                Some(drive) => Box::new(drive.rows(behind).map(move |it| Self::Item(drive, it))),
                None => Box::new(std::iter::empty()),
            },
            None => Box::new(list.rows(behind).map(Self::Row)),
        }
    }

    pub(super) fn number(self) -> u32 {
        match self {
            Self::Row(row) => row.number,
            Self::Item(_, item) => item.row,
        }
    }

    /// `eTag`. Source: recordings of NangoHQ/integration-templates: of rows in small letters,
    /// without braces.
    pub(super) fn e_tag(self) -> String {
        match self {
            Self::Row(row) => row.e_tag(),
            Self::Item(_, item) => format!("\"{},{}\"", item.id, item.version),
        }
    }

    pub(super) fn fields(self) -> &'a Fields {
        match self {
            Self::Row(row) => &row.fields,
            Self::Item(_, item) => &item.fields,
        }
    }

    fn stamps(self) -> (jiff::Timestamp, jiff::Timestamp, Identity, Identity) {
        match self {
            Self::Row(row) => (row.created, row.modified, row.created_by, row.modified_by),
            Self::Item(_, item) => (
                item.created,
                item.modified,
                item.created_by,
                item.modified_by,
            ),
        }
    }

    fn version(self) -> String {
        match self {
            Self::Row(row) => format!("{}.0", row.version),
            Self::Item(_, item) => draw::version(item),
        }
    }

    /// The content type: its id and name.
    pub(super) fn content_type(self, list: &List) -> (String, String) {
        let (said, folder) = match self {
            Self::Row(row) => (row.content_type.as_deref(), false),
            Self::Item(_, item) => (item.content_type.as_deref(), !item.is_file()),
        };
        content_type::of_row(list, said, folder)
    }
}

impl Drawing<'_> {
    /// A list of the site.
    pub(super) fn list(&self, list: &List) -> Properties {
        let drive = list.drive.as_ref().and_then(|it| self.drives.get(it));
        let url = match drive {
            Some(drive) => draw::library(drive),
            None => {
                let name = crate::graph::files::ticket::encoded(&list.name);
                format!("{}/Lists/{name}", self.site.url())
            }
        };
        let modified = drive.map_or(list.modified, |it| it.root().modified);
        let value = json!({
            "@odata.etag": list.e_tag(),
            "createdDateTime": seconds(list.created),
            "description": list.description,
            "eTag": list.e_tag(),
            "id": list.id.to_string(),
            "lastModifiedDateTime": seconds(modified),
            "name": list.name,
            "webUrl": url,
            "displayName": list.title,
            "createdBy": self.style.identity(list.created_by),
            "lastModifiedBy": self.style.identity(list.modified_by),
            "parentReference": {"siteId": self.site.id},
            "list": {
                "contentTypesEnabled": list.with_types,
                "hidden": list.hidden,
                "template": list.template,
            },
        });
        crate::graph::collection::members(value)
    }

    /// A row, without its fields.
    pub(super) fn line(&self, list: &List, line: Line<'_>) -> Properties {
        let (created, modified, created_by, modified_by) = line.stamps();
        let url = match line {
            Line::Item(drive, item) => draw::web_url(drive, item),
            Line::Row(row) => {
                let name = crate::graph::files::ticket::encoded(&list.name);
                format!("{}/Lists/{name}/{}_.000", self.site.url(), row.number)
            }
        };
        // The folder in which it is; rows of lists have one that shows nowhere else.
        let parent = match line {
            Line::Item(_, item) => item.parent.unwrap_or_default(),
            Line::Row(_) => uuid::Uuid::new_v5(&list.id, b"root folder"),
        };
        let (type_id, type_name) = line.content_type(list);
        let value = json!({
            "@odata.etag": line.e_tag(),
            "createdDateTime": seconds(created),
            "eTag": line.e_tag(),
            "id": line.number().to_string(),
            "lastModifiedDateTime": seconds(modified),
            "webUrl": url,
            "createdBy": self.style.identity(created_by),
            "lastModifiedBy": self.style.identity(modified_by),
            "parentReference": {"id": parent.to_string(), "siteId": self.site.id},
            "contentType": {"id": type_id, "name": type_name},
        });
        crate::graph::collection::members(value)
    }

    /// The fields of a row: what people wrote, and what the service keeps.
    /// Source: recordings of NangoHQ/integration-templates and pnp/pnpcore.
    pub(super) fn fields(list: &List, line: Line<'_>) -> Properties {
        let (created, modified, created_by, modified_by) = line.stamps();
        let mut found = Properties::new();
        found.insert("@odata.etag".to_owned(), json!(line.e_tag()));
        if let Line::Item(_, item) = line {
            found.insert("FileLeafRef".to_owned(), json!(item.name));
        }
        for (name, value) in line.fields() {
            if !value.is_null() && column::named_field(list, name) {
                found.insert(name.clone(), value.clone());
            }
        }
        let mut put = |name: &str, value: Value| {
            found.insert(name.to_owned(), value);
        };
        put("id", json!(line.number().to_string()));
        put("ContentType", json!(line.content_type(list).1));
        put("Modified", json!(seconds(modified)));
        put("Created", json!(seconds(created)));
        put("AuthorLookupId", json!(lookup(created_by)));
        put("EditorLookupId", json!(lookup(modified_by)));
        put("_UIVersionString", json!(line.version()));
        let (items, folders) = match line {
            Line::Row(row) => {
                put("Attachments", json!(false));
                put("Edit", json!(""));
                if let Some(title) = row.fields.get("Title").filter(|it| !it.is_null()) {
                    put("LinkTitleNoMenu", title.clone());
                    put("LinkTitle", title.clone());
                }
                (0, 0)
            }
            Line::Item(drive, item) => {
                put("LinkFilenameNoMenu", json!(item.name));
                put("LinkFilename", json!(item.name));
                let ending = item.name.rsplit_once('.').map_or("", |(_, it)| it);
                if item.is_file() {
                    put("DocIcon", json!(ending));
                    put("FileSizeDisplay", json!(item.size.to_string()));
                }
                let inside = drive.list(item.id, None);
                let folders = inside.filter(|(_, it)| !it.is_file()).count();
                (drive.child_count(item.id) - folders, folders)
            }
        };
        put("ItemChildCount", json!(items.to_string()));
        put("FolderChildCount", json!(folders.to_string()));
        for name in [
            "_ComplianceFlags",
            "_ComplianceTag",
            "_ComplianceTagWrittenTime",
            "_ComplianceTagUserId",
        ] {
            put(name, json!(""));
        }
        for (name, by) in [("AppAuthor", created_by), ("AppEditor", modified_by)] {
            if let Some(app) = by.app {
                put(
                    &format!("{name}LookupId"),
                    json!(number(app.to_string().as_bytes())),
                );
            }
        }
        found
    }
}

/// The number of a person in the site. Unverified: the service counts those who come; here it is
/// made of the person's id, so that it is the same in each site.
fn lookup(by: Identity) -> String {
    match by.user {
        Some(user) => number(user.to_string().as_bytes()),
        // The system account. Source: SharePoint's id for it.
        None => "1073741823".to_owned(),
    }
}

fn number(of: &[u8]) -> String {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, of);
    let (first, ..) = id.as_fields();
    (6 + first % 1_000_000).to_string()
}

/// The sites of people whose drives are in use.
pub(in crate::graph) fn personal(call: &Call<'_>) -> Vec<Properties> {
    call.tenant.read(|directory| {
        call.tenant.read_drives(|drives| {
            let own = drives.all().filter_map(|it| {
                let Owner::User(id) = &it.owner else {
                    return None;
                };
                let user = directory
                    .users
                    .values()
                    .find(|user| user.id.to_string() == *id)?;
                let path = crate::graph::files::ticket::encoded(&it.place.site);
                let site = json!({
                    "id": super::base::site_id(&it.place),
                    "createdDateTime": seconds(it.created),
                    "name": it.place.site.rsplit('/').next(),
                    "webUrl": format!("https://{}{path}", it.place.host),
                    "displayName": user.display_name,
                    "root": {},
                    "siteCollection": {"hostname": it.place.host},
                    "isPersonalSite": true,
                });
                Some(crate::graph::collection::members(site))
            });
            own.collect()
        })
    })
}

/// The set of a list as contexts name it.
pub(super) fn set(site: &Site, list: &List) -> String {
    format!("{}/lists('{}')", site.set(), escaped(&list.id.to_string()))
}

/// An answer with one document.
pub(super) fn reply(
    call: &Call<'_>,
    status: axum::http::StatusCode,
    set: &str,
    document: Properties,
) -> Reply {
    draw::reply(call, status, set, document)
}

/// A list of documents, as the query asks: filtered, ordered, a page of them.
pub(in crate::graph) fn listed(
    call: &Call<'_>,
    set: &str,
    documents: Vec<Properties>,
) -> Result<Reply, GraphError> {
    let source = crate::graph::collection::Documents(documents);
    let query = &call.query;
    let mut all: Vec<Value> = source.0.into_iter().map(Value::Object).collect();
    if let Some(filter) = &query.filter {
        all.retain(|it| crate::graph::odata::evaluate::holds(filter, it));
    }
    for order in query.order.iter().rev() {
        let at = |it: &Value| crate::graph::odata::evaluate::value_at(it, &order.path.0).clone();
        all.sort_by(|left, right| {
            let found = crate::graph::odata::evaluate::order(&at(left), &at(right));
            if order.descending {
                found.reverse()
            } else {
                found
            }
        });
    }
    let skip: usize = match &query.skip_token {
        None => 0,
        Some(token) => token
            .parse()
            .map_err(|_| crate::graph::files::refusal::invalid("The skip token is malformed."))?,
    };
    let top = query.top.unwrap_or(PAGE).min(MOST);
    let more = all.len() > skip.saturating_add(top);
    let page: Vec<Value> = all
        .into_iter()
        .skip(skip)
        .take(top)
        .map(|it| {
            let document = crate::graph::collection::members(it);
            Value::Object(draw::select(call, document))
        })
        .collect();
    let mut body = Properties::new();
    let context = format!("{}/$metadata#{set}", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    if more {
        let next = (skip + top).to_string();
        let tokens = ["$skiptoken", "skiptoken"];
        let link = crate::graph::files::list::again(call, &tokens, "$skiptoken", &next);
        body.insert("@odata.nextLink".to_owned(), json!(link));
    }
    body.insert("value".to_owned(), json!(page));
    Ok(Reply::json(axum::http::StatusCode::OK, Value::Object(body)))
}

/// The documents of a page, and the most that a client gets.
pub(super) const PAGE: usize = 200;
pub(super) const MOST: usize = 5000;
