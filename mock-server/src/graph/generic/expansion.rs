//! `$expand`: what stands in a relation to a document, or lives below it.

use serde_json::{Value, json};

use super::membership;
use super::read;
use super::service::Voice;
use super::view::View;
use crate::graph::call::Call;
use crate::graph::collection;
use crate::graph::error::GraphError;
use crate::graph::odata::evaluate::holds;
use crate::graph::odata::query::Expand;
use crate::graph::schema;
use crate::mailbox::Properties;
use crate::model::{Member, MemberKind, Type};

/// What `$expand` adds to the document of a type at an address.
pub(in crate::graph) fn of(
    call: &Call<'_>,
    address: &str,
    of: Type,
    expand: &Expand,
) -> Result<Option<Value>, GraphError> {
    let member = of
        .member(&expand.name, call.cloud())
        .filter(|it| it.kind() != MemberKind::Property)
        .ok_or_else(|| GraphError::no_navigation(&expand.name, of.name()))?;
    let name = &expand.name;
    if expand.levels.is_some() {
        return Err(GraphError::expand_not_supported(name)
            .not_in_the_mock(format!("$levels of $expand={name}")));
    }
    let inner = member.of().unwrap_or(of);
    let directory = of_the_directory(inner);
    if directory && expand.has_options() {
        // Source: learn.microsoft.com/graph/query-parameters, "expand parameter": relations of the
        // directory take $select alone. Unverified: the text.
        return Err(GraphError::unsupported_query(
            "The specified query options of an expanded reference property are currently not \
             supported.",
        ));
    }
    let mut found = narrow(call, inner, expand, related(call, address, member))?;
    if directory {
        found.truncate(MOST);
    }
    let mut shown = Vec::new();
    for (below, document) in found {
        let select = expand.select.as_deref();
        let mut document = collection::selected(call, inner.name(), document, select)?;
        for further in &expand.inner.expand {
            let value = self::of(call, &below, inner, further)?;
            document.extend(value.map(|it| (further.name.clone(), it)));
        }
        shown.push(Value::Object(document));
    }
    Ok(if member.is_collection() {
        Some(json!(shown))
    } else {
        // Source: OData 4.01, JSON format, 8.3: a relation that leads nowhere is null.
        Some(shown.into_iter().next().unwrap_or(Value::Null))
    })
}

/// How many elements stand in a relation to a document.
pub(in crate::graph) fn count(call: &Call<'_>, address: &str, of: Type, name: &str) -> usize {
    let member = of.member(name, call.cloud());
    let member = member.filter(|it| it.kind() != MemberKind::Property);
    member.map_or(0, |it| related(call, address, it).len())
}

/// Whether the directory keeps what a name below one of its sets leads to.
pub(in crate::graph) fn is_of_the_directory(set: &str, name: &str) -> bool {
    Voice::named(set, name).is_directory()
}

/// Whether a type is of the directory's objects.
fn of_the_directory(of: Type) -> bool {
    Type::find("directoryObject").is_some_and(|base| of.is_a(base))
}

/// The documents of a relation with their addresses.
fn related(call: &Call<'_>, address: &str, member: Member) -> Vec<(String, Properties)> {
    let collection = format!("{address}/{}", member.name());
    let view = View::at(&collection);
    if view.is_none() && member.kind() == MemberKind::Navigation {
        return membership::reached(call, address, member.name())
            .into_iter()
            .filter_map(|target| {
                let document = read::described(call, &target)?;
                Some((target, document))
            })
            .collect();
    }
    let kept = view.as_ref().map_or(&collection, |it| &it.collection);
    let stored = call.tenant.read_documents(|documents| {
        let shown = documents
            .list(kept)
            .filter(|it| view.as_ref().is_none_or(|view| view.shows(documents, it)));
        shown.cloned().collect::<Vec<_>>()
    });
    let Some(inner) = member.of() else {
        return Vec::new();
    };
    let mut found: Vec<(String, Properties)> = stored
        .iter()
        .map(|it| {
            let address = crate::store::address(kept, &it.id);
            (address, read::whole(call, it, inner))
        })
        .collect();
    if found.is_empty() && !member.is_collection() && view.is_none() {
        // A singleton is there before anybody writes it.
        let unset = read::completed(call, Properties::new(), inner);
        found.push((collection, unset));
    }
    found
}

/// Applies the options in parentheses, as a list would.
fn narrow(
    call: &Call<'_>,
    of: Type,
    expand: &Expand,
    found: Vec<(String, Properties)>,
) -> Result<Vec<(String, Properties)>, GraphError> {
    let query = &expand.inner;
    let mut found: Vec<(String, Value)> = found
        .into_iter()
        .map(|(address, document)| (address, Value::Object(document)))
        .collect();
    if let Some(filter) = &query.filter {
        schema::check(call.cloud(), of.name(), filter).map_err(|it| call.misfit(it))?;
        found.retain(|(_, document)| holds(filter, document));
    }
    for by in &query.order {
        schema::order_by(call.cloud(), of.name(), &by.path.0).map_err(|it| call.misfit(it))?;
    }
    found.sort_by(|(_, left), (_, right)| collection::compare(&query.order, left, right));
    found.drain(..query.skip.min(found.len()));
    found.truncate(query.top.unwrap_or(usize::MAX));
    Ok(found
        .into_iter()
        .map(|(address, document)| (address, collection::members(document)))
        .collect())
}

/// The most objects of a relation. Source: learn.microsoft.com/graph/query-parameters.
const MOST: usize = 20;
