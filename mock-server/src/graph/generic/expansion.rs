//! `$expand`: what stands in a relation to a document, or lives below it.

use serde_json::{Value, json};

use super::membership;
use super::read;
use super::view::View;
use crate::graph::call::Call;
use crate::graph::collection;
use crate::graph::error::GraphError;
use crate::graph::odata::query::Expand;
use crate::mailbox::Properties;
use crate::model::{MemberKind, Type};

/// What `$expand` adds to the document of a type at an address.
pub(super) fn of(
    call: &Call<'_>,
    address: &str,
    of: Type,
    expand: &Expand,
) -> Result<Option<Value>, GraphError> {
    let member = of
        .member(&expand.name, call.cloud())
        .filter(|it| it.kind() != MemberKind::Property)
        .ok_or_else(|| GraphError::no_navigation(&expand.name, of.name()))?;
    if expand.filtered || expand.levels.is_some() {
        let name = &expand.name;
        return Err(GraphError::expand_not_supported(name)
            .not_in_the_mock(format!("options of $expand={name}")));
    }
    let collection = format!("{address}/{}", member.name());
    let view = View::at(&collection);
    let inner = member.of().unwrap_or(of);
    let found: Vec<Properties> = if view.is_none() && member.kind() == MemberKind::Navigation {
        membership::reached(call, address, member.name())
            .iter()
            .filter_map(|target| read::described(call, target))
            .collect()
    } else {
        let kept = view.as_ref().map_or(&collection, |it| &it.collection);
        let stored = call.tenant.read_documents(|documents| {
            let shown = documents
                .list(kept)
                .filter(|it| view.as_ref().is_none_or(|view| view.shows(documents, it)));
            shown.cloned().collect::<Vec<_>>()
        });
        stored
            .iter()
            .map(|it| read::whole(call, it, inner))
            .collect()
    };
    let directory = inner.name() == "directoryObject";
    let most = if directory { MOST } else { usize::MAX };
    let mut shown = Vec::new();
    for document in found.into_iter().take(most) {
        let select = expand.select.as_deref();
        let document = collection::selected(call, inner.name(), document, select)?;
        shown.push(Value::Object(document));
    }
    Ok(if member.is_collection() {
        Some(json!(shown))
    } else {
        // Source: OData 4.01, JSON format, 8.3: a relation that leads nowhere is null.
        Some(shown.into_iter().next().unwrap_or(Value::Null))
    })
}

/// The most objects of a relation. Source: learn.microsoft.com/graph/query-parameters.
const MOST: usize = 20;
