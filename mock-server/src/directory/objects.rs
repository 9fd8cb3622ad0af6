//! What a directory holds, watched: whoever changes something leaves a note of what it was before.
//!
//! Objects are shared: who reads one may keep it without copying, and it is copied when it is
//! changed. [`super::changes`] makes the change log of the notes.

use std::hash::Hash;
use std::ops::{Deref, DerefMut, Index, IndexMut};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Objects by id, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Objects<K, V> {
    now: IndexMap<K, Arc<V>>,
    /// What was touched since the notes were taken, as it was then.
    before: IndexMap<K, Option<Arc<V>>>,
}

/// An object before and after a change; absent where it was not there.
pub(super) type Touched<K, V> = (K, Option<Arc<V>>, Option<Arc<V>>);

impl<K, V> Default for Objects<K, V> {
    fn default() -> Self {
        Self {
            now: IndexMap::new(),
            before: IndexMap::new(),
        }
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Objects<K, V> {
    /// The object with an id.
    pub fn get(&self, id: &K) -> Option<&V> {
        self.now.get(id).map(Arc::as_ref)
    }

    /// The object with an id, to keep.
    pub fn shared(&self, id: &K) -> Option<Arc<V>> {
        self.now.get(id).cloned()
    }

    /// The object with an id, to change.
    pub fn get_mut(&mut self, id: &K) -> Option<&mut V> {
        let object = self.now.get_mut(id)?;
        self.before
            .entry(*id)
            .or_insert_with(|| Some(Arc::clone(object)));
        Some(Arc::make_mut(object))
    }

    /// Whether there is an object with an id.
    pub fn contains_key(&self, id: &K) -> bool {
        self.now.contains_key(id)
    }

    /// The ids.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K> + DoubleEndedIterator + Clone {
        self.now.keys()
    }

    /// The objects.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> + DoubleEndedIterator + Clone {
        self.now.values().map(Arc::as_ref)
    }

    /// The objects, to change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        for (id, object) in &self.now {
            self.before
                .entry(*id)
                .or_insert_with(|| Some(Arc::clone(object)));
        }
        self.now.values_mut().map(Arc::make_mut)
    }

    /// The objects with their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> + DoubleEndedIterator + Clone {
        self.now.iter().map(|(id, object)| (id, object.as_ref()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.now.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.now.is_empty()
    }

    /// Adds an object, or replaces the one with the same id, which is returned.
    pub fn insert(&mut self, id: K, object: V) -> Option<V> {
        let old = self.now.insert(id, Arc::new(object));
        self.before.entry(id).or_insert_with(|| old.clone());
        old.map(Arc::unwrap_or_clone)
    }

    /// Takes an object away; the others keep their order.
    pub fn shift_remove(&mut self, id: &K) -> Option<V> {
        let old = self.now.shift_remove(id)?;
        self.before
            .entry(*id)
            .or_insert_with(|| Some(Arc::clone(&old)));
        Some(Arc::unwrap_or_clone(old))
    }

    /// What was touched since this was asked last.
    pub(super) fn take_touched(&mut self) -> Vec<Touched<K, V>> {
        std::mem::take(&mut self.before)
            .into_iter()
            .map(|(id, before)| (id, before, self.now.get(&id).cloned()))
            .collect()
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Index<&K> for Objects<K, V> {
    type Output = V;

    fn index(&self, id: &K) -> &V {
        &self.now[id]
    }
}

impl<K: Copy + Eq + Hash, V: Clone> IndexMut<&K> for Objects<K, V> {
    fn index_mut(&mut self, id: &K) -> &mut V {
        self.get_mut(id).expect("no object with this id")
    }
}

impl<K: Eq + Hash, V> FromIterator<(K, V)> for Objects<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(objects: I) -> Self {
        Self {
            now: objects
                .into_iter()
                .map(|(id, object)| (id, Arc::new(object)))
                .collect(),
            before: IndexMap::new(),
        }
    }
}

impl<K: Serialize, V: Serialize> Serialize for Objects<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.now.iter().map(|(id, object)| (id, object.as_ref())))
    }
}

impl<'de, K, V> Deserialize<'de> for Objects<K, V>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let objects: IndexMap<K, V> = IndexMap::deserialize(deserializer)?;
        Ok(objects.into_iter().collect())
    }
}

/// A value that notes what it was before it is changed.
#[derive(Clone, Debug, Default)]
pub struct Watched<T> {
    now: T,
    before: Option<Box<T>>,
}

impl<T> Watched<T> {
    /// What it was when this was asked last, if it was touched since.
    pub(super) fn take_before(&mut self) -> Option<T> {
        self.before.take().map(|it| *it)
    }
}

impl<T> From<T> for Watched<T> {
    fn from(now: T) -> Self {
        Self { now, before: None }
    }
}

impl<T> Deref for Watched<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.now
    }
}

impl<T: Clone> DerefMut for Watched<T> {
    fn deref_mut(&mut self) -> &mut T {
        if self.before.is_none() {
            self.before = Some(Box::new(self.now.clone()));
        }
        &mut self.now
    }
}

impl<T: Serialize> Serialize for Watched<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.now.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Watched<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}
