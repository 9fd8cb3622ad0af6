//! Graph's own model: every type, member, operation and entity set of v1.0, in which clouds each
//! exists, and the permissions of every documented path.
//!
//! Facts of `data/model/`, whose README names the sources. Names are compared without regard to
//! letter case, as Graph does; types have their names without `microsoft.graph.`.

mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::environment::SignInCloud;
use table::{Record, Section};

/// A complex or entity type.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Type(Record);

/// A member of a type.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Member(Record);

/// An action or a function that is bound to a type or to a collection of it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Operation(Record);

/// An entity set or a singleton: the first segment of a path.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Root(Record);

/// An enumeration.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Enumeration(Record);

/// What a member is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MemberKind {
    /// Part of the document.
    Property,
    /// A link to what lives elsewhere.
    Navigation,
    /// What lives below the document.
    Contained,
}

/// The permissions that a method of a path accepts, as the tables write them: `;` between
/// alternatives, `+` before what is also required, `*` before the least privileged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Accepted {
    /// Of a person.
    pub(crate) delegated: &'static str,
    /// Of an app as itself.
    pub(crate) application: &'static str,
}

/// The types that declare a member, by its name in lower case.
static OWNERS: LazyLock<HashMap<String, Vec<Type>>> = LazyLock::new(|| {
    let mut owners: HashMap<String, Vec<Type>> = HashMap::new();
    for of in Section::Types.all().map(Type) {
        for member in Section::Members.range(of.0.word(4), of.0.word(5)) {
            let name = member.text(0).to_ascii_lowercase();
            owners.entry(name).or_default().push(of);
        }
    }
    owners
});

fn exists_in(flags: u32, cloud: SignInCloud) -> bool {
    let bit = match cloud {
        SignInCloud::Global => 8,
        SignInCloud::UsGov => 9,
        SignInCloud::China => 10,
    };
    flags & 1 << bit != 0
}

impl Type {
    /// The type with a name, written with or without its namespace.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let name = strip_namespace(name);
        Section::Types.search(name).map(Self)
    }

    /// All types, in the order of their names.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Section::Types.all().map(Self)
    }

    /// Whether it says itself that members may be added.
    pub(crate) fn declares_open(self) -> bool {
        self.0.word(1) & 4 != 0
    }

    /// Whether it says itself that instances are streams.
    pub(crate) fn declares_stream(self) -> bool {
        self.0.word(1) & 8 != 0
    }

    /// The key that it names itself; empty where it names none.
    pub(crate) fn own_key(self) -> &'static str {
        self.0.text(3)
    }

    /// The members in a cloud that it names itself.
    pub(crate) fn own_members(self, cloud: SignInCloud) -> impl Iterator<Item = Member> {
        Section::Members
            .range(self.0.word(4), self.0.word(5))
            .map(Member)
            .filter(move |member| member.exists_in(cloud))
    }

    /// The operations that are bound to an instance, or to a collection, of this very type.
    pub(crate) fn own_operations(self, of_collection: bool) -> impl Iterator<Item = Operation> {
        let (start, count) = if of_collection { (8, 9) } else { (6, 7) };
        Section::Operations
            .range(self.0.word(start), self.0.word(count))
            .map(Operation)
    }

    fn at(index: u32) -> Option<Self> {
        Section::Types.get(index).map(Self)
    }

    /// The name without `microsoft.graph.`.
    pub(crate) fn name(self) -> &'static str {
        self.0.text(0)
    }

    /// Whether it is an entity, which has an id, and not a complex value.
    pub(crate) fn is_entity(self) -> bool {
        self.0.word(1) & 1 != 0
    }

    /// Whether only derived types have instances.
    pub(crate) fn is_abstract(self) -> bool {
        self.0.word(1) & 2 != 0
    }

    /// Whether members may be added that the type does not name.
    pub(crate) fn is_open(self) -> bool {
        self.lineage().any(|it| it.0.word(1) & 4 != 0)
    }

    /// Whether instances are streams, read with `$value`.
    pub(crate) fn has_stream(self) -> bool {
        self.lineage().any(|it| it.0.word(1) & 8 != 0)
    }

    /// Whether a cloud has the type.
    pub(crate) fn exists_in(self, cloud: SignInCloud) -> bool {
        exists_in(self.0.word(1), cloud)
    }

    /// The type from which it is derived.
    pub(crate) fn base(self) -> Option<Self> {
        Self::at(self.0.word(2))
    }

    /// The type and those from which it is derived, nearest first.
    pub(crate) fn lineage(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |it| it.base())
    }

    /// The types that are derived from it and have instances.
    pub(crate) fn derived(self) -> impl Iterator<Item = Self> {
        Section::Types
            .all()
            .map(Self)
            .filter(move |it| *it != self && !it.is_abstract() && it.is_a(self))
    }

    /// Whether it is another type or derived from it.
    pub(crate) fn is_a(self, other: Self) -> bool {
        self.lineage().any(|it| it == other)
    }

    /// The member with a name that a derived type adds.
    pub(crate) fn member_of_derived(self, name: &str, cloud: SignInCloud) -> Option<Member> {
        let owners = OWNERS.get(&name.to_ascii_lowercase())?;
        owners
            .iter()
            .filter(|it| it.is_a(self))
            .find_map(|it| it.member(name, cloud))
    }

    /// The name of the key member: `id` for nearly all.
    pub(crate) fn key(self) -> &'static str {
        self.lineage()
            .map(|it| it.0.text(3))
            .find(|key| !key.is_empty())
            .unwrap_or("id")
    }

    /// The member with a name in a cloud, inherited ones included.
    pub(crate) fn member(self, name: &str, cloud: SignInCloud) -> Option<Member> {
        self.lineage().find_map(|it| {
            Section::Members
                .search_in(it.0.word(4), it.0.word(5), name)
                .map(Member)
                .filter(|member| member.exists_in(cloud))
        })
    }

    /// All members in a cloud: those of the base types first, each in the order of its name.
    pub(crate) fn members(self, cloud: SignInCloud) -> Vec<Member> {
        let mut lineage: Vec<Self> = self.lineage().collect();
        lineage.reverse();
        lineage
            .into_iter()
            .flat_map(|it| Section::Members.range(it.0.word(4), it.0.word(5)))
            .map(Member)
            .filter(|member| member.exists_in(cloud))
            .collect()
    }

    /// The operations with a name that are bound to an instance, or to a collection, of the type.
    pub(crate) fn operations(
        self,
        name: &str,
        of_collection: bool,
        cloud: SignInCloud,
    ) -> Vec<Operation> {
        let (start, count) = if of_collection { (8, 9) } else { (6, 7) };
        self.lineage()
            .flat_map(|it| Section::Operations.range(it.0.word(start), it.0.word(count)))
            .map(Operation)
            .filter(|it| it.exists_in(cloud) && it.is_called(name))
            .collect()
    }

    /// Whether a member can be a key beside the id: `applications(appId='…')`.
    pub(crate) fn alternate_key(self, name: &str) -> Option<&'static str> {
        Section::AlternateKeys
            .all()
            .filter(|record| self.lineage().any(|it| it.0.index() == record.word(0)))
            .map(|record| record.text(1))
            .find(|key| key.eq_ignore_ascii_case(name))
    }
}

impl Member {
    /// The name as Graph writes it.
    pub(crate) fn name(self) -> &'static str {
        self.0.text(0)
    }

    /// The type of the value, or of an element: `String`, `importance`, `recipient`.
    pub(crate) fn type_name(self) -> &'static str {
        self.0.text(1)
    }

    /// The complex or entity type of the value, or of an element.
    pub(crate) fn of(self) -> Option<Type> {
        Type::at(self.0.word(2))
    }

    /// What it is.
    pub(crate) fn kind(self) -> MemberKind {
        match self.0.word(3) & 3 {
            0 => MemberKind::Property,
            1 => MemberKind::Navigation,
            _ => MemberKind::Contained,
        }
    }

    /// Whether it may be null.
    pub(crate) fn is_nullable(self) -> bool {
        self.0.word(3) & 1 << 2 != 0
    }

    /// Whether it has many values.
    pub(crate) fn is_collection(self) -> bool {
        self.0.word(3) & 1 << 3 != 0
    }

    /// Whether only the service writes it.
    pub(crate) fn is_computed(self) -> bool {
        self.0.word(3) & 1 << 4 != 0
    }

    /// Whether a cloud has it.
    pub(crate) fn exists_in(self, cloud: SignInCloud) -> bool {
        exists_in(self.0.word(3), cloud)
    }
}

impl Operation {
    /// The name, with its namespace where that is not Graph's own.
    pub(crate) fn name(self) -> &'static str {
        self.0.text(0)
    }

    /// The parameters, in lower case.
    pub(crate) fn parameters(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0
            .text(1)
            .split(';')
            .filter_map(|parameter| parameter.split_once(':'))
    }

    /// The type of the result, if there is one.
    pub(crate) fn returns(self) -> Option<Type> {
        Type::at(self.0.word(3))
    }

    /// The name of the type of the result; empty where there is none.
    pub(crate) fn returned(self) -> &'static str {
        self.0.text(2)
    }

    /// Whether more may be asked of the result.
    pub(crate) fn is_composable(self) -> bool {
        self.0.word(4) & 2 != 0
    }

    /// Whether the result is a collection.
    pub(crate) fn returns_collection(self) -> bool {
        self.0.word(4) & 4 != 0
    }

    /// Whether it only reads.
    pub(crate) fn is_function(self) -> bool {
        self.0.word(4) & 1 != 0
    }

    /// Whether a cloud has it.
    pub(crate) fn exists_in(self, cloud: SignInCloud) -> bool {
        exists_in(self.0.word(4), cloud)
    }

    fn is_called(self, name: &str) -> bool {
        let own = self.name();
        own.eq_ignore_ascii_case(name)
            || own
                .rsplit_once('.')
                .is_some_and(|(_, last)| last.eq_ignore_ascii_case(name))
    }
}

impl Root {
    /// The root with a name in a cloud.
    pub(crate) fn find(name: &str, cloud: SignInCloud) -> Option<Self> {
        Section::Roots
            .search(name)
            .map(Self)
            .filter(|root| exists_in(root.0.word(3), cloud))
    }

    /// All roots.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Section::Roots.all().map(Self)
    }

    /// The name as Graph writes it.
    pub(crate) fn name(self) -> &'static str {
        self.0.text(0)
    }

    /// Whether a cloud has it.
    pub(crate) fn exists_in(self, cloud: SignInCloud) -> bool {
        exists_in(self.0.word(3), cloud)
    }

    /// The type of the singleton, or of an element of the set.
    pub(crate) fn of(self) -> Option<Type> {
        Type::at(self.0.word(1))
    }

    /// Whether it is an entity set and not a singleton.
    pub(crate) fn is_set(self) -> bool {
        self.0.word(3) & 1 != 0
    }
}

impl Enumeration {
    /// The enumeration with a name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Section::Enumerations
            .search(strip_namespace(name))
            .map(Self)
    }

    /// All enumerations, in the order of their names.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Section::Enumerations.all().map(Self)
    }

    /// The name as Graph writes it.
    pub(crate) fn name(self) -> &'static str {
        self.0.text(0)
    }

    /// Whether a cloud has it.
    pub(crate) fn exists_in(self, cloud: SignInCloud) -> bool {
        exists_in(self.0.word(2), cloud)
    }

    /// The names of its members with their numbers.
    pub(crate) fn values(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let members = self.0.text(1).split(';');
        members.filter_map(|it| it.split_once('='))
    }

    /// The names of its members.
    pub(crate) fn members(self) -> impl Iterator<Item = &'static str> {
        self.0
            .text(1)
            .split(';')
            .filter_map(|member| member.split('=').next())
    }

    /// Whether several members can be set at once, written with commas.
    pub(crate) fn is_flags(self) -> bool {
        self.0.word(2) & 1 != 0
    }
}

/// The permissions of a method of a path in the tables' spelling: lower case, `{id}` for keys.
pub(crate) fn accepted(template: &str, method: &str) -> Option<Accepted> {
    Section::Paths
        .search_pair(template, method)
        .map(|record| Accepted {
            delegated: record.text(2),
            application: record.text(3),
        })
}

/// Whether documented paths begin with these names and keys, in the tables' spelling.
pub(crate) fn is_published(start: &str) -> bool {
    Section::Paths
        .first_from(start)
        .and_then(|record| record.text(0).strip_prefix(start))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '(', ':']))
}

/// All documented methods and paths, in the tables' spelling.
pub(crate) fn paths() -> impl Iterator<Item = (&'static str, &'static str, Accepted)> {
    Section::Paths.all().map(|record| {
        let accepted = Accepted {
            delegated: record.text(2),
            application: record.text(3),
        };
        (record.text(0), record.text(1), accepted)
    })
}

/// A name without Graph's namespace or its alias.
pub(crate) fn strip_namespace(name: &str) -> &str {
    let bare = name.trim_start_matches('#');
    ["microsoft.graph.", "graph."]
        .into_iter()
        .find(|prefix| {
            let start = bare.get(..prefix.len());
            start.is_some_and(|it| it.eq_ignore_ascii_case(prefix))
        })
        .map_or(bare, |prefix| &bare[prefix.len()..])
}

#[cfg(test)]
mod tests;
