//! Where connections outlive the process.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entra_mock::platform::private;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::token::Tokens;
use super::watch::Watches;
use crate::protocol::Connect;

/// The store of a reference connector. Clones are the same store.
#[derive(Clone, Default)]
pub struct Store {
    place: Arc<Place>,
}

enum Place {
    /// A file for each connection, for its owner's eyes only.
    Folder(PathBuf),
    /// Outlives a connector in the same process.
    Memory(Mutex<BTreeMap<String, String>>),
}

impl Default for Place {
    fn default() -> Self {
        Self::Memory(Mutex::default())
    }
}

/// A connection as it is kept.
#[derive(Deserialize, Serialize)]
pub(super) struct Saved {
    /// What the user filled in.
    pub(super) connect: Connect,
    /// The tokens.
    pub(super) tokens: Option<Tokens>,
    /// Why it does not work any more.
    pub(super) broken: Option<Problem>,
    /// What it watches, and how far it has come.
    #[serde(default)]
    pub(super) watches: Watches,
}

impl Store {
    /// A store in a folder, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// The folder cannot be made.
    pub fn in_folder(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let place = Place::Folder(folder.to_owned());
        Ok(Self {
            place: Arc::new(place),
        })
    }

    /// A connection by name; a problem if what is kept of it cannot be read.
    pub(super) fn load(&self, name: &str) -> Option<Result<Saved, Problem>> {
        let text = match &*self.place {
            Place::Folder(folder) => std::fs::read_to_string(file(folder, name)).ok()?,
            Place::Memory(all) => all.lock().get(name)?.clone(),
        };
        Some(serde_json::from_str(&text).map_err(|_| {
            let text = "what was kept of the connection cannot be read: connect again";
            Problem::new(crate::case::Category::ReconnectRequired, text)
        }))
    }

    /// Keeps a connection. What was kept before is there until all of the new one is.
    pub(super) fn save(&self, name: &str, saved: &Saved) -> Result<(), Problem> {
        let failed = |error: &dyn std::fmt::Display| {
            Problem::unavailable(format!("the connection cannot be saved: {error}"))
        };
        let text = serde_json::to_string(saved).map_err(|error| failed(&error))?;
        match &*self.place {
            Place::Folder(folder) => {
                let path = file(folder, name);
                let beside = path.with_extension("new");
                write(&beside, &text)
                    .and_then(|()| std::fs::rename(&beside, &path))
                    .map_err(|error| failed(&error))
            }
            Place::Memory(all) => {
                all.lock().insert(name.to_owned(), text);
                Ok(())
            }
        }
    }

    /// The names of all connections.
    pub(super) fn names(&self) -> Vec<String> {
        match &*self.place {
            Place::Folder(folder) => {
                let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
                let texts = files.filter_map(|it| std::fs::read_to_string(it.path()).ok());
                let saved = texts.filter_map(|it| serde_json::from_str::<Saved>(&it).ok());
                saved.map(|it| it.connect.connection).collect()
            }
            Place::Memory(all) => all.lock().keys().cloned().collect(),
        }
    }

    /// Forgets a connection.
    pub(super) fn remove(&self, name: &str) {
        match &*self.place {
            Place::Folder(folder) => {
                let _ = std::fs::remove_file(file(folder, name));
            }
            Place::Memory(all) => {
                all.lock().remove(name);
            }
        }
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = private(&mut options).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The suite chooses the names, so they may be anything.
fn file(folder: &Path, name: &str) -> PathBuf {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    folder.join(format!("{}.json", name.replace('.', "%2E")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn saved() -> Saved {
        let connect = json!({"connection": "a/b", "auth_method": "own-app", "settings": {}});
        Saved {
            connect: serde_json::from_value(connect).unwrap(),
            tokens: None,
            broken: None,
            watches: Watches::default(),
        }
    }

    #[test]
    fn a_connection_is_kept_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(folder.path()).unwrap();
        assert!(store.load("a/b").is_none());
        store.save("a/b", &saved()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;

            let path = file(folder.path(), "a/b");
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let again = Store::in_folder(folder.path()).unwrap();
        let loaded = again.load("a/b").unwrap().ok().unwrap();
        assert_eq!(loaded.connect.connection, "a/b");
        store.remove("a/b");
        assert!(again.load("a/b").is_none());
    }

    #[test]
    fn a_damaged_connection_must_be_repaired_and_the_others_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(folder.path()).unwrap();
        for name in ["one", "two"] {
            store.save(name, &saved()).unwrap();
        }
        let path = file(folder.path(), "one");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() / 2]).unwrap();
        let problem = store.load("one").unwrap().err().unwrap();
        assert_eq!(problem.category, crate::case::Category::ReconnectRequired);
        assert!(store.load("two").unwrap().is_ok());
    }
}
