//! A path walked by type: from a root, along members, keys, casts and operations.
//!
//! At a collection a cast, a bound operation or `$count` comes first, and everything else is a
//! key. Names are taken in any letter case, with or without `microsoft.graph.`; keys verbatim.
//! Behind an item of a drive and a site a path may stand between colons: `root:/a/b.txt:/content`.

use super::segment::{Inner, Segment};
use super::service::Voice;
use crate::environment::SignInCloud;
use crate::graph::error::{GraphError, Service};
use crate::model::{self, Member, MemberKind, Operation, Root, Type, strip_namespace};

/// Where a path leads.
pub(in crate::graph) struct Route {
    /// The path in the spelling of the permission tables.
    pub(in crate::graph) template: String,
    /// The path as the documentation writes it, for people.
    pub(in crate::graph) display: String,
    /// The steps, one for each name with its key.
    pub(in crate::graph) steps: Vec<Step>,
    /// What is asked of the last step.
    pub(in crate::graph) suffix: Suffix,
}

/// One name of a path.
pub(in crate::graph) struct Step {
    /// The name as Graph writes it.
    pub(in crate::graph) name: &'static str,
    /// What the name is.
    pub(in crate::graph) kind: StepKind,
    /// The type of the entity or value, or of the elements.
    pub(in crate::graph) of: Option<Type>,
    /// Whether the name stands for many.
    pub(in crate::graph) is_collection: bool,
    /// The key behind the name.
    pub(in crate::graph) key: Option<Key>,
    /// The type to which the step is cast.
    pub(in crate::graph) cast: Option<Type>,
    /// The path from the item or site to the one that is meant.
    pub(in crate::graph) within: Option<Vec<String>>,
    /// The arguments of a function.
    pub(in crate::graph) arguments: Vec<(String, String)>,
    /// How much of the route's template the step and what is before it take, in bytes.
    pub(in crate::graph) template_end: usize,
}

/// What a step is.
#[derive(Clone, Copy)]
pub(in crate::graph) enum StepKind {
    /// An entity set or a singleton.
    Root(Root),
    /// A member.
    Member(Member),
    /// An action or a function.
    Operation(Operation),
}

/// A key of an entity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::graph) enum Key {
    /// The id, or what else a set takes in its place.
    Id(String),
    /// Another member with its value.
    Alternate(&'static str, String),
}

/// What is asked of the last step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::graph) enum Suffix {
    /// Itself.
    None,
    /// How many there are.
    Count,
    /// The links, and not what they lead to.
    Ref,
    /// The bare value.
    Value,
}

impl Step {
    /// The type behind a cast, or the declared one.
    pub(in crate::graph) fn actual(&self) -> Option<Type> {
        self.cast.or(self.of)
    }

    /// Whether the step stands for many, and no key picks one.
    pub(in crate::graph) fn is_open_collection(&self) -> bool {
        self.is_collection && self.key.is_none()
    }

    /// Whether it is a function that leads to one entity.
    pub(in crate::graph) fn leads_on(&self) -> bool {
        matches!(self.kind, StepKind::Operation(operation) if operation.is_function())
            && !self.is_collection
            && self.of.is_some_and(Type::is_entity)
    }

    /// Whether it is a link to what lives elsewhere.
    pub(in crate::graph) fn is_link(&self) -> bool {
        matches!(self.kind, StepKind::Member(member) if member.kind() == MemberKind::Navigation)
    }
}

impl Route {
    /// The last step.
    pub(in crate::graph) fn last(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// The template with one key as it is: some documented paths have a fixed one, such as `inbox`.
    pub(in crate::graph) fn literals(&self) -> Vec<String> {
        let keyed = self.steps.iter().filter_map(|step| match &step.key {
            Some(Key::Id(id)) => Some((step.template_end, id.to_ascii_lowercase())),
            _ => None,
        });
        keyed
            .filter_map(|(end, id)| {
                let (before, after) = self.template.split_at_checked(end)?;
                Some(format!("{}{id}{after}", before.strip_suffix("{id}")?))
            })
            .collect()
    }

    /// The operation on the path, if there is one: what follows it is asked of its result. A
    /// function that leads to one entity is a name like others where something follows it.
    pub(in crate::graph) fn operation(&self) -> Option<(usize, Operation)> {
        let last = self.steps.len().saturating_sub(1);
        self.steps
            .iter()
            .enumerate()
            .find_map(|(at, step)| match step.kind {
                StepKind::Operation(_) if at < last && step.leads_on() => None,
                StepKind::Operation(operation) => Some((at, operation)),
                StepKind::Root(_) | StepKind::Member(_) => None,
            })
    }
}

/// Walks a path in a cloud.
///
/// # Errors
///
/// A segment that the type before it does not have, or that the cloud lacks.
pub(super) fn walk(segments: &[Segment], cloud: SignInCloud) -> Result<Route, GraphError> {
    let mut walker = Walker {
        cloud,
        route: Route {
            template: String::new(),
            display: String::new(),
            steps: Vec::new(),
            suffix: Suffix::None,
        },
    };
    let mut rest = segments.iter();
    while let Some(segment) = rest.next() {
        let taken = match segment.before_colon().filter(|_| walker.may_hold_paths()) {
            Some(bare) => walker.take(&bare).and_then(|()| walker.within(&mut rest)),
            None if walker.by_path(segment, rest.as_slice().is_empty()) => Ok(()),
            None => walker.take(segment),
        };
        if let Err(refusal) = taken {
            // Exchange parses what is behind its own names.
            // Source: allodia-eu/email-calendar-sync-engine, an unknown name below a contact.
            let exchange = Voice::of(&walker.route).service() == Service::Exchange;
            return Err(if exchange {
                GraphError::parse_uri(refusal.message)
            } else {
                refusal
            });
        }
    }
    Ok(walker.route)
}

struct Walker {
    cloud: SignInCloud,
    route: Route,
}

impl Walker {
    fn take(&mut self, segment: &Segment) -> Result<(), GraphError> {
        let unknown = || GraphError::unknown_segment(&segment.name);
        if self.route.suffix != Suffix::None {
            return Err(unknown());
        }
        if self.route.steps.is_empty() {
            return self.start(segment);
        }
        if segment.name.starts_with('$') {
            return self.end(segment);
        }
        let last = self.route.steps.last().ok_or_else(unknown)?;
        let of = last.actual();
        let many = last.is_open_collection();
        if let Some(cast) = self.cast(segment, of) {
            return self.take_cast(segment, cast);
        }
        if let Some(of) = of {
            let name = strip_namespace(&segment.name);
            let operations = of.operations(name, many, self.cloud);
            if let Some(operation) = chosen(&operations, segment) {
                self.take_operation(segment, operation);
                return Ok(());
            }
            // Not a key either: other clouds have the operation.
            let elsewhere = |cloud| !of.operations(name, many, cloud).is_empty();
            if SignInCloud::ALL.into_iter().any(elsewhere) {
                return Err(unknown());
            }
        }
        if many {
            return self.take_key(segment);
        }
        let name = strip_namespace(&segment.name);
        let member = of
            .and_then(|of| of.member(name, self.cloud))
            .or_else(|| self.uncast(of?, name))
            .ok_or_else(unknown)?;
        self.take_member(member, segment)
    }

    /// The member of a derived type whose cast the published paths leave out.
    fn uncast(&self, of: Type, name: &str) -> Option<Member> {
        let published = format!("{}/{}", self.route.template, name.to_ascii_lowercase());
        if !model::is_published(&published) {
            return None;
        }
        of.member_of_derived(name, self.cloud)
    }

    /// Whether a path in colons may follow the next segment.
    fn may_hold_paths(&self) -> bool {
        let named =
            |it: &Step| matches!(it.name, "items" | "root" | "sites" | "special" | "children");
        match self.route.last() {
            None => false,
            Some(last) if last.is_open_collection() => named(last),
            Some(last) => last
                .actual()
                .is_some_and(|it| matches!(it.name(), "drive" | "site")),
        }
    }

    /// Takes `getByPath(path='…')` of a site: another way to write a path in colons.
    /// Source: learn.microsoft.com/graph/api/site-getbypath.
    fn by_path(&mut self, segment: &Segment, is_last: bool) -> bool {
        let named = strip_namespace(&segment.name).eq_ignore_ascii_case("getByPath");
        let path = match (&segment.inner, segment.arguments()) {
            (_, [(name, path)]) if name == "path" => path,
            // As Office365-REST-Python-Client writes it.
            (Inner::Key(path), _) => path,
            _ => return false,
        };
        let last = self.route.steps.last_mut().filter(|it| {
            let of = it.actual().map_or("", Type::name);
            !it.is_open_collection() && of == "site"
        });
        let (true, Some(last)) = (named, last) else {
            return false;
        };
        let parts = path.split('/').filter(|it| !it.is_empty());
        let within = last.within.get_or_insert_default();
        within.extend(parts.map(str::to_owned));
        let end = if is_last { ":/{id}" } else { ":/{id}:" };
        self.route.template.push_str(end);
        self.route.display.push_str(end);
        self.mark_end();
        true
    }

    /// Takes the path between two colons, or from a colon to the end.
    fn within<'s>(
        &mut self,
        rest: &mut impl Iterator<Item = &'s Segment>,
    ) -> Result<(), GraphError> {
        let mut parts = Vec::new();
        let mut closed = false;
        for segment in rest {
            closed = segment.text.ends_with(':');
            let part = segment.text.strip_suffix(':').unwrap_or(&segment.text);
            if !part.is_empty() {
                parts.push(part.to_owned());
            }
            if closed {
                break;
            }
        }
        let last = self.route.steps.last_mut();
        let holds = last.filter(|it| {
            let of = it.actual().map_or("", Type::name);
            !it.is_open_collection() && matches!(of, "driveItem" | "site")
        });
        let Some(last) = holds else {
            return Err(GraphError::unknown_segment(&parts.join("/")));
        };
        if parts.is_empty() {
            return Ok(());
        }
        last.within = Some(parts);
        let end = if closed { ":/{id}:" } else { ":/{id}" };
        self.route.template.push_str(end);
        self.route.display.push_str(end);
        self.mark_end();
        Ok(())
    }

    fn start(&mut self, segment: &Segment) -> Result<(), GraphError> {
        let root = Root::find(&segment.name, self.cloud)
            .ok_or_else(|| GraphError::unknown_segment(&segment.name))?;
        self.named(root.name());
        self.route.steps.push(Step {
            name: root.name(),
            kind: StepKind::Root(root),
            of: root.of(),
            is_collection: root.is_set(),
            key: None,
            cast: None,
            within: None,
            arguments: Vec::new(),
            template_end: self.route.template.len(),
        });
        self.inner(segment)
    }

    fn take_member(&mut self, member: Member, segment: &Segment) -> Result<(), GraphError> {
        self.named(member.name());
        self.route.steps.push(Step {
            name: member.name(),
            kind: StepKind::Member(member),
            of: member.of(),
            is_collection: member.is_collection(),
            key: None,
            cast: None,
            within: None,
            arguments: Vec::new(),
            template_end: self.route.template.len(),
        });
        self.inner(segment)
    }

    fn take_operation(&mut self, segment: &Segment, operation: Operation) {
        let name = operation.name().rsplit('.').next().unwrap_or_default();
        self.route.display.push('/');
        self.route.display.push_str(name);
        self.push(&format!("/{}", name.to_ascii_lowercase()));
        let mut names: Vec<String> = segment
            .arguments()
            .iter()
            .map(|(name, _)| format!("{}={{value}}", name.to_ascii_lowercase()))
            .collect();
        if !names.is_empty() {
            names.sort();
            let inner = format!("({})", names.join(","));
            self.push(&inner);
            self.route.display.push_str(&inner);
        }
        self.route.steps.push(Step {
            name: operation.name(),
            kind: StepKind::Operation(operation),
            of: operation.returns(),
            is_collection: operation.returns_collection(),
            key: None,
            cast: None,
            within: None,
            arguments: segment.arguments().to_vec(),
            template_end: self.route.template.len(),
        });
    }

    /// The key in parentheses behind a name, or another way to name one.
    fn inner(&mut self, segment: &Segment) -> Result<(), GraphError> {
        let unknown = || GraphError::unknown_segment(&segment.name);
        match &segment.inner {
            Inner::Nothing => Ok(()),
            Inner::Key(key) => self.set_key(Key::Id(key.clone()), "/{id}"),
            Inner::Named(values) => {
                let [(name, value)] = values.as_slice() else {
                    return Err(unknown());
                };
                let of = self
                    .route
                    .last()
                    .and_then(Step::actual)
                    .ok_or_else(unknown)?;
                if name.eq_ignore_ascii_case(of.key()) {
                    return self.set_key(Key::Id(value.clone()), "/{id}");
                }
                let alternate = of.alternate_key(name).ok_or_else(unknown)?;
                let template = format!("({}={{value}})", alternate.to_ascii_lowercase());
                self.set_key(Key::Alternate(alternate, value.clone()), &template)
            }
        }
    }

    fn take_key(&mut self, segment: &Segment) -> Result<(), GraphError> {
        // A key of its own may have parentheses; they are part of it.
        let text = match &segment.inner {
            Inner::Nothing => segment.name.clone(),
            Inner::Key(inner) => format!("{}({inner})", segment.name),
            Inner::Named(_) => return Err(GraphError::unknown_segment(&segment.name)),
        };
        self.set_key(Key::Id(text), "/{id}")
    }

    fn set_key(&mut self, key: Key, template: &str) -> Result<(), GraphError> {
        let last = self.route.steps.last_mut();
        let Some(last) =
            last.filter(|it| it.is_open_collection() && it.of.is_some_and(Type::is_entity))
        else {
            return Err(match key {
                Key::Id(text) | Key::Alternate(_, text) => GraphError::unknown_segment(&text),
            });
        };
        last.key = Some(key);
        self.route.template.push_str(template);
        self.route.display.push_str(template);
        self.mark_end();
        Ok(())
    }

    fn end(&mut self, segment: &Segment) -> Result<(), GraphError> {
        let unknown = || GraphError::unknown_segment(&segment.name);
        let last = self.route.last().ok_or_else(unknown)?;
        let name = segment.name.to_ascii_lowercase();
        let suffix = match name.as_str() {
            "$count" if last.is_open_collection() => Suffix::Count,
            "$ref" if last.is_link() => Suffix::Ref,
            "$value" if !last.is_open_collection() && has_value(last) => Suffix::Value,
            _ => return Err(unknown()),
        };
        self.route.suffix = suffix;
        self.push(&format!("/{name}"));
        self.route.display.push('/');
        self.route.display.push_str(&name);
        Ok(())
    }

    /// The derived type that a segment names.
    fn cast(&self, segment: &Segment, of: Option<Type>) -> Option<Type> {
        let of = of?;
        // Only a name with its namespace is a cast where a key could stand, too.
        let qualified = segment.name.contains('.');
        let derived = Type::find(&segment.name)?;
        let fits = derived.exists_in(self.cloud)
            && derived != of
            && (derived.is_a(of) || of.is_a(derived));
        (qualified && fits).then_some(derived)
    }

    fn take_cast(&mut self, segment: &Segment, cast: Type) -> Result<(), GraphError> {
        if let Some(last) = self.route.steps.last_mut() {
            last.cast = Some(cast);
        }
        self.push(&format!(
            "/microsoft.graph.{}",
            cast.name().to_ascii_lowercase()
        ));
        self.route.display.push_str("/microsoft.graph.");
        self.route.display.push_str(cast.name());
        self.mark_end();
        self.inner(segment)
    }

    fn push(&mut self, text: &str) {
        self.route.template.push_str(text);
    }

    fn mark_end(&mut self) {
        let end = self.route.template.len();
        if let Some(last) = self.route.steps.last_mut() {
            last.template_end = end;
        }
    }

    fn named(&mut self, name: &str) {
        self.push(&format!("/{}", name.to_ascii_lowercase()));
        self.route.display.push('/');
        self.route.display.push_str(name);
    }
}

/// Whether a step has a bare value: a member of a document, or a stream.
fn has_value(step: &Step) -> bool {
    let is_property =
        matches!(step.kind, StepKind::Member(it) if it.kind() == MemberKind::Property);
    is_property || step.actual().is_some_and(Type::has_stream)
}

/// The overload whose parameters a call names; an action takes its own from the body.
fn chosen(operations: &[Operation], segment: &Segment) -> Option<Operation> {
    if matches!(segment.inner, Inner::Key(_)) {
        // A function of one parameter may be called without its name.
        return operations
            .iter()
            .find(|it| it.is_function() && it.parameters().count() == 1)
            .copied();
    }
    let arguments = segment.arguments();
    let whole = operations
        .iter()
        .find(|it| {
            if !it.is_function() {
                return arguments.is_empty();
            }
            let mut count = 0;
            let named = it.parameters().all(|(name, _)| {
                count += 1;
                arguments
                    .iter()
                    .any(|(given, _)| given.eq_ignore_ascii_case(name))
            });
            named && count == arguments.len()
        })
        .copied();
    // A function without its arguments is still that function, called wrongly.
    whole.or_else(|| operations.first().filter(|_| arguments.is_empty()).copied())
}

#[cfg(test)]
mod tests;
