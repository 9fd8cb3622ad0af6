//! What a type or an operation adds to the generic level: all of it optional.
//!
//! An area has a list of these, and `graph/areas.rs` has the lists. They are installed once, with
//! what answers the mock's own endpoints, so that this level knows neither.

use std::sync::OnceLock;

use axum::http::StatusCode;
use serde_json::Value;

use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::mailbox::Properties;
use crate::model::Type;

/// What is added to a type.
pub(in crate::graph) struct Behaviour {
    /// The type; derived ones have it too, unless they have their own.
    pub(in crate::graph) of: &'static str,
    /// Checks a new document, and completes it.
    pub(in crate::graph) create: Option<Create>,
    /// Checks a change, and what follows from it.
    pub(in crate::graph) change: Option<Change>,
    /// Deletes in a way of its own; says whether it did.
    pub(in crate::graph) delete: Option<Delete>,
    /// Adds or takes away a link; says whether it did, or leaves it to the generic level.
    pub(in crate::graph) link: Option<Link>,
    /// Members that follow from others.
    pub(in crate::graph) show: Option<fn(&Call<'_>, &Subject<'_>, &mut Properties)>,
    /// What a collection has without anybody having written it, by id.
    pub(in crate::graph) presets: Option<Presets>,
    /// Brings links up to date that follow from others.
    pub(in crate::graph) refresh: Option<fn(&Call<'_>)>,
    /// Actions and functions.
    pub(in crate::graph) operations: &'static [(&'static str, Operate)],
    /// The id that a key means which is another one's than the id's.
    pub(in crate::graph) key: Option<Key>,
    /// How many elements a page has that asks for no number.
    pub(in crate::graph) page: Option<usize>,
    /// What states are called, where each change has to name the state that it changes.
    pub(in crate::graph) state: Option<&'static str>,
    /// Whether lists begin with what was written last.
    pub(in crate::graph) newest_first: bool,
    /// What `$search` looks into without a property.
    pub(in crate::graph) searched: &'static [&'static str],
}

type Answer = fn(&Call<'_>) -> Result<Reply, GraphError>;
type Key = fn(&Call<'_>, &str, &str) -> Option<String>;
type Presets = fn(&Call<'_>, &str) -> Vec<(String, Properties)>;
type Create = fn(&Call<'_>, &mut New) -> Result<(), GraphError>;
type Change = fn(&Call<'_>, &Subject<'_>, &mut Properties) -> Result<(), GraphError>;
type Delete = fn(&Call<'_>, &Subject<'_>) -> Result<bool, GraphError>;
type Link = fn(&Call<'_>, &Subject<'_>, &Linking<'_>) -> Result<bool, GraphError>;
type Operate = fn(&Call<'_>, &Subject<'_>) -> Result<Reply, GraphError>;

impl Behaviour {
    /// Nothing beyond the generic level, for the type with a name.
    pub(in crate::graph) const fn of(name: &'static str) -> Self {
        Self {
            of: name,
            create: None,
            change: None,
            delete: None,
            link: None,
            show: None,
            presets: None,
            refresh: None,
            key: None,
            page: None,
            state: None,
            operations: &[],
            newest_first: false,
            searched: &[],
        }
    }
}

/// A document that is about to be.
pub(in crate::graph) struct New {
    /// The type.
    pub(in crate::graph) of: Type,
    /// The collection.
    pub(in crate::graph) collection: String,
    /// The id that it gets.
    pub(in crate::graph) id: String,
    /// Its members.
    pub(in crate::graph) properties: Properties,
    /// The navigations that it binds, with what they lead to.
    pub(in crate::graph) links: Vec<(String, String)>,
    /// Whether it is kept elsewhere already, and shown from there.
    pub(in crate::graph) elsewhere: bool,
    /// The operation that goes on, where the service accepts the request and answers with nothing.
    pub(in crate::graph) accepted: Option<String>,
}

impl New {
    /// A text that the body has to have.
    pub(in crate::graph) fn required(&self, name: &str) -> Result<&str, GraphError> {
        text(&self.properties, name)
            .filter(|it| !it.is_empty())
            .ok_or_else(|| GraphError::value_required(name, self.of.name()))
    }

    /// Sets a member that the body leaves out.
    pub(in crate::graph) fn default(&mut self, name: &str, value: impl Into<Value>) {
        if self.properties.get(name).is_none_or(Value::is_null) {
            self.properties.insert(name.to_owned(), value.into());
        }
    }

    /// Sets a member, whatever the body says.
    pub(in crate::graph) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.properties.insert(name.to_owned(), value.into());
    }
}

/// A text of a document.
pub(in crate::graph) fn text<'p>(properties: &'p Properties, name: &str) -> Option<&'p str> {
    properties.get(name).and_then(Value::as_str)
}

/// A document that is there.
pub(in crate::graph) struct Subject<'a> {
    /// The collection.
    pub(in crate::graph) collection: &'a str,
    /// The id; empty for a singleton and for the collection itself.
    pub(in crate::graph) id: &'a str,
    /// The arguments of a function that is called.
    pub(in crate::graph) arguments: &'a [(String, String)],
}

impl<'a> Subject<'a> {
    /// The document with an id in a collection.
    pub(in crate::graph) fn of(collection: &'a str, id: &'a str) -> Self {
        Self {
            collection,
            id,
            arguments: &[],
        }
    }

    /// An argument of the function that is called; behind an alias it is a query parameter.
    ///
    /// Source: OData 4.01, URL conventions, 5.1.1.8.1.
    pub(in crate::graph) fn argument(&self, call: &Call<'_>, name: &str) -> Option<String> {
        let mut all = self.arguments.iter();
        let (_, value) = all.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        if !value.starts_with('@') {
            return Some(value.clone());
        }
        let value = call.parameter(value)?;
        let quoted = value
            .strip_prefix('\'')
            .and_then(|it| it.strip_suffix('\''));
        Some(quoted.map_or_else(|| value.to_owned(), |it| it.replace("''", "'")))
    }

    /// The address.
    pub(in crate::graph) fn address(&self) -> String {
        crate::store::address(self.collection, self.id)
    }

    /// The members that are written, none where nobody has written it.
    pub(in crate::graph) fn properties(&self, call: &Call<'_>) -> Option<Properties> {
        call.tenant.read_documents(|documents| {
            let found = documents.get(self.collection, self.id)?;
            Some(found.properties.clone())
        })
    }

    /// Changes the members, and answers with nothing.
    pub(in crate::graph) fn change(
        &self,
        call: &Call<'_>,
        change: impl FnOnce(&mut Properties),
    ) -> Result<Reply, GraphError> {
        call.tenant.write_documents(|documents| {
            let found = documents.get(self.collection, self.id);
            let mut properties = found.map_or_else(Properties::new, |it| it.properties.clone());
            change(&mut properties);
            documents.put(self.collection, self.id, properties, call.now)?;
            Ok::<_, GraphError>(())
        })?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

/// A link that is added or taken away.
pub(in crate::graph) struct Linking<'a> {
    /// The navigation.
    pub(in crate::graph) navigation: &'a str,
    /// What it leads to.
    pub(in crate::graph) target: &'a str,
    /// Whether it is added.
    pub(in crate::graph) adds: bool,
}

/// Installs the areas, and what answers the mock's own endpoints; once is enough.
pub(in crate::graph) fn install(areas: &'static [&'static [Behaviour]], endpoints: Answer) {
    // Another set of areas there is not.
    let _ = AREAS.set(areas);
    let _ = ENDPOINTS.set(endpoints);
}

/// What an endpoint of the mock's own answers to a call.
pub(super) fn endpoint(call: &Call<'_>) -> Result<Reply, GraphError> {
    let answer = ENDPOINTS.get().ok_or_else(GraphError::method_not_allowed)?;
    answer(call)
}

/// What is added to a type.
pub(super) fn find(of: Type) -> Option<&'static Behaviour> {
    let areas = AREAS.get()?;
    of.lineage().find_map(|of| {
        let mut all = areas.iter().flat_map(|area| area.iter());
        all.find(|it| it.of == of.name())
    })
}

/// What runs an operation of a type or of its bases.
pub(super) fn operation(of: Type, name: &str) -> Option<Operate> {
    let areas = AREAS.get()?;
    of.lineage().find_map(|of| {
        let mut all = areas.iter().flat_map(|area| area.iter());
        let own = all.find(|it| it.of == of.name())?;
        own.operations
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, run)| *run)
    })
}

/// Brings links up to date that follow from others.
pub(super) fn refresh(call: &Call<'_>) {
    let areas = AREAS.get().copied().unwrap_or_default();
    let all = areas.iter().flat_map(|area| area.iter());
    for refresh in all.filter_map(|it| it.refresh) {
        refresh(call);
    }
}

static ENDPOINTS: OnceLock<Answer> = OnceLock::new();
static AREAS: OnceLock<&'static [&'static [Behaviour]]> = OnceLock::new();
