//! Which messages a request asks for, and in which order.

use std::cmp::Ordering;

use super::set;
use crate::graph::call::Call;
use crate::graph::collection::{self, Listing, Page};
use crate::graph::error::GraphError;
use crate::graph::folders;
use crate::graph::message::MessageFields;
use crate::graph::odata::evaluate::{Field, Fields as _, holds};
use crate::graph::odata::parser::{Expression, Function};
use crate::graph::search_folders;
use crate::mailbox::{Contents, Item, Search, WellKnown};

/// How messages are listed.
pub(super) fn listing(call: &Call<'_>) -> Listing<'static> {
    Listing {
        of: "message",
        set: set(call),
        page: 10,
        most: 1000,
        searched: SEARCHED,
        aliases: ALIASES,
    }
}

/// The messages of a mailbox or a folder, newest first.
pub(super) struct Messages<'a> {
    call: &'a Call<'a>,
    contents: &'a Contents,
    folder: Option<u64>,
}

/// A page of messages.
pub(super) struct Chosen<'a> {
    pub(super) items: Vec<&'a Item>,
    /// How many there are on all pages, where the answer says so.
    pub(super) total: Option<usize>,
    /// Whether there are further ones.
    pub(super) more: bool,
}

impl<'a> Messages<'a> {
    pub(super) fn of(call: &'a Call<'a>, contents: &'a Contents) -> Result<Self, GraphError> {
        collection::check(call, &listing(call))?;
        efficient(call)?;
        let query = &call.query;
        if query.search.is_some() {
            if !query.order.is_empty() {
                return Err(GraphError::search_with_order());
            }
            if query.filter.is_some() {
                return Err(GraphError::search_with_filter());
            }
        }
        let folder = match call.parameters.find("folder") {
            Some(_) => Some(folders::find(call, contents)?),
            None => None,
        };
        Ok(Self {
            call,
            contents,
            folder,
        })
    }

    /// All, newest first.
    fn all(&self) -> Box<dyn Iterator<Item = &'a Item> + 'a> {
        let messages = &self.contents.messages;
        if let Some(search) = self.search() {
            return Box::new(search_folders::found(self.call, self.contents, search));
        }
        if let Some(folder) = self.folder {
            return Box::new(messages.newest_first_in(folder));
        }
        let hidden = self.hidden();
        Box::new(
            messages
                .newest_first()
                .filter(move |it| it.folder != hidden),
        )
    }

    /// What the folder finds, if it shows messages of others.
    fn search(&self) -> Option<&'a Search> {
        let folder = self.contents.folders.get(&self.folder?)?;
        folder.search.as_ref()
    }

    /// The folder that lists of the whole mailbox leave out.
    fn hidden(&self) -> u64 {
        self.contents
            .well_known(WellKnown::RecoverableItemsDeletions)
    }

    /// Those that filter and search leave, newest first.
    pub(super) fn fitting(&self) -> impl Iterator<Item = &'a Item> {
        let (call, contents) = (self.call, self.contents);
        let query = &call.query;
        self.all().filter(move |item| {
            let fields = MessageFields::new(call, contents, item);
            query
                .filter
                .as_ref()
                .is_none_or(|filter| holds(filter, &fields))
                && query
                    .search
                    .as_ref()
                    .is_none_or(|search| search.fits(&fields, SEARCHED, ALIASES))
        })
    }

    pub(super) fn chosen(&self, page: Page) -> Chosen<'a> {
        let query = &self.call.query;
        let end = page.start.saturating_add(page.size);
        let on_page = |all: &[&'a Item]| {
            let items = all.iter().copied().skip(page.start).take(page.size);
            items.collect()
        };
        if !query.order.is_empty() {
            let all = self.sorted(self.fitting().collect());
            return Chosen {
                items: on_page(&all),
                total: query.count.then_some(all.len()),
                more: end < all.len(),
            };
        }
        if query.filter.is_some() || query.search.is_some() || self.search().is_some() {
            // One more tells whether there is a next page.
            let most = if query.count {
                usize::MAX
            } else {
                end.saturating_add(1)
            };
            let found: Vec<&Item> = self.fitting().take(most).collect();
            return Chosen {
                items: on_page(&found),
                total: query.count.then_some(found.len()),
                more: end < found.len(),
            };
        }
        let messages = &self.contents.messages;
        let total = match self.folder {
            Some(folder) => messages.count_in(folder),
            None => messages.len() - messages.count_in(self.hidden()),
        };
        Chosen {
            items: self.all().skip(page.start).take(page.size).collect(),
            total: query.count.then_some(total),
            more: end < total,
        }
    }

    /// In the order that the request asks for; what is equal stays in its own.
    fn sorted(&self, items: Vec<&'a Item>) -> Vec<&'a Item> {
        let order = &self.call.query.order;
        let fields: Vec<MessageFields<'_>> = items
            .iter()
            .map(|item| MessageFields::new(self.call, self.contents, item))
            .collect();
        let keys = fields
            .iter()
            .map(|fields| order.iter().map(|by| fields.field(&by.path.0)).collect());
        let mut sorted: Vec<(Vec<Field<'_>>, &Item)> = keys.zip(items).collect();
        sorted.sort_by(|(left, _), (right, _)| {
            let pairs = order.iter().zip(left.iter().zip(right));
            pairs
                .map(|(by, (left, right))| {
                    let ordering = left.order(right);
                    if by.descending {
                        ordering.reverse()
                    } else {
                        ordering
                    }
                })
                .find(|ordering| ordering.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        sorted.into_iter().map(|(_, item)| item).collect()
    }
}

/// The rule for messages that are filtered and sorted: what `$orderby` names stands in `$filter`,
/// first and in the same order. Source: learn.microsoft.com/graph/api/user-list-messages.
fn efficient(call: &Call<'_>) -> Result<(), GraphError> {
    call.query.filter.as_ref().map_or(Ok(()), check_filter)?;
    let (Some(filter), false) = (&call.query.filter, call.query.order.is_empty()) else {
        return Ok(());
    };
    let mut filtered = Vec::new();
    let mut paths = Vec::new();
    filter.paths(&mut paths);
    for path in paths {
        let text = path.text().to_ascii_lowercase();
        if !filtered.contains(&text) {
            filtered.push(text);
        }
    }
    let wanted = call
        .query
        .order
        .iter()
        .map(|it| it.path.text().to_ascii_lowercase());
    let fits = wanted
        .zip(filtered.iter().map(Some).chain(std::iter::repeat(None)))
        .all(|(wanted, found)| found.is_some_and(|found| *found == wanted));
    if fits && !filtered.iter().any(|it| it.starts_with("flag")) {
        Ok(())
    } else {
        Err(GraphError::inefficient_filter())
    }
}

/// Refuses what Exchange can't evaluate over messages.
pub(in crate::graph) fn check_filter(filter: &Expression) -> Result<(), GraphError> {
    if has_invalid_node(filter) {
        return Err(GraphError::invalid_filter());
    }
    Ok(())
}

/// Whether Exchange can't evaluate an expression over messages.
fn has_invalid_node(expression: &Expression) -> bool {
    match expression {
        Expression::And(left, right) | Expression::Or(left, right) => {
            has_invalid_node(left) || has_invalid_node(right)
        }
        Expression::Not(inner) => has_invalid_node(inner),
        Expression::Call(function, ..) => *function == Function::EndsWith,
        Expression::Lambda { path, .. } => path.0.first().is_some_and(|name| {
            let recipients = ["toRecipients", "ccRecipients", "bccRecipients", "replyTo"];
            recipients.iter().any(|it| it.eq_ignore_ascii_case(name))
        }),
        Expression::Compare(..) | Expression::In(..) | Expression::Truth(_) => false,
    }
}

/// What words without a property look into.
const SEARCHED: &[&str] = &["from", "subject", "body/content"];

/// What the properties of `$search` look into. Source: learn.microsoft.com/graph/search-query-parameter.
const ALIASES: &[(&str, &[&str])] = &[
    ("attachment", &["attachments"]),
    ("bcc", &["bccRecipients"]),
    ("body", &["body/content"]),
    ("cc", &["ccRecipients"]),
    ("from", &["from"]),
    ("hasattachments", &["hasAttachments"]),
    ("hasattachment", &["hasAttachments"]),
    ("importance", &["importance"]),
    (
        "participants",
        &["from", "toRecipients", "ccRecipients", "bccRecipients"],
    ),
    ("received", &["receivedDateTime"]),
    (
        "recipients",
        &["toRecipients", "ccRecipients", "bccRecipients"],
    ),
    ("sent", &["sentDateTime"]),
    ("subject", &["subject"]),
    ("to", &["toRecipients"]),
];
