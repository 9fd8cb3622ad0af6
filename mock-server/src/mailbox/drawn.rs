//! Documents that were drawn lately, so that who reads an item again gets what was written before.

use std::cell::RefCell;
use std::collections::HashMap;

use super::item::Item;

/// Written documents of the items of a mailbox in their present state, bounded.
#[derive(Debug, Default)]
pub struct Drawn(RefCell<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// By what a reader asks for, and by item.
    ways: Vec<(String, HashMap<u64, Document>)>,
    bytes: usize,
}

/// The state of an item, and its document.
type Document = (u64, Box<str>);

impl Drawn {
    /// Writes the document of an item to the end of a text. `way` says all that a document depends
    /// on beside the item and the mailbox.
    pub fn write<E>(
        &self,
        way: &str,
        item: &Item,
        to: &mut String,
        draw: impl FnOnce() -> Result<String, E>,
    ) -> Result<(), E> {
        if let Some(document) = self.0.borrow().find(way, item) {
            to.push_str(document);
            return Ok(());
        }
        let document = draw()?;
        to.push_str(&document);
        self.0.borrow_mut().add(way, item, document);
        Ok(())
    }

    /// Forgets all: documents look otherwise now.
    pub fn forget(&self) {
        *self.0.borrow_mut() = Kept::default();
    }
}

impl Kept {
    fn find(&self, way: &str, item: &Item) -> Option<&str> {
        let (_, drawn) = self.ways.iter().find(|(it, _)| it == way)?;
        let (state, document) = drawn.get(&item.key)?;
        (*state == item.change).then_some(document)
    }

    fn add(&mut self, way: &str, item: &Item, document: String) {
        if document.len() > LARGEST {
            return;
        }
        if self.bytes + document.len() > MOST {
            *self = Self::default();
        }
        let at = self.ways.iter().position(|(it, _)| it == way);
        let at = at.unwrap_or_else(|| {
            if self.ways.len() == WAYS {
                let (_, oldest) = self.ways.remove(0);
                self.bytes -= oldest.values().map(|it| it.1.len()).sum::<usize>();
            }
            self.ways.push((way.to_owned(), HashMap::new()));
            self.ways.len() - 1
        });
        self.bytes += document.len();
        let state = (item.change, document.into_boxed_str());
        if let Some((_, before)) = self.ways[at].1.insert(item.key, state) {
            self.bytes -= before.len();
        }
    }
}

impl Clone for Drawn {
    /// A copy of a mailbox begins without.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The bytes of all documents of a mailbox.
const MOST: usize = 1 << 20;

/// The bytes of one.
const LARGEST: usize = 64 << 10;

/// So many ways to ask are remembered.
const WAYS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{Contents, tests};

    #[test]
    fn a_document_is_drawn_once_for_each_state_and_way_and_memory_is_bounded() {
        let contents = tests::contents();
        contents.write(|contents: &mut Contents| {
            let drawn = Drawn::default();
            let count = std::cell::Cell::new(0);
            let draw = |item: &Item, way: &str, size: usize| {
                let mut text = String::new();
                let draw = || {
                    count.set(count.get() + 1);
                    Ok::<_, ()>("x".repeat(size))
                };
                drawn.write(way, item, &mut text, draw).unwrap();
                assert_eq!(text.len(), size);
            };
            let mut item = contents.messages.values().next().unwrap().clone();
            draw(&item, "a", 10);
            draw(&item, "a", 10);
            assert_eq!(count.get(), 1);
            draw(&item, "b", 10);
            item.change += 1;
            draw(&item, "a", 10);
            assert_eq!(count.get(), 3);
            drawn.forget();
            draw(&item, "a", 10);
            assert_eq!(count.get(), 4);
            for (number, item) in contents.messages.values().enumerate() {
                draw(item, &format!("{}", number % 20), LARGEST);
                let kept = drawn.0.borrow();
                let sum: usize = kept
                    .ways
                    .iter()
                    .flat_map(|it| it.1.values())
                    .map(|it| it.1.len())
                    .sum();
                assert_eq!(kept.bytes, sum);
                assert!(sum <= MOST && kept.ways.len() <= WAYS);
            }
        });
    }
}
