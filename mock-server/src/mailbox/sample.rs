//! The words from which mailboxes are filled: `data/sample-mailbox.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

/// Words for subjects, texts, names and files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sample {
    pub(super) outsiders: Vec<[String; 2]>,
    pub(super) bulk: Vec<[String; 2]>,
    pub(super) junk: Vec<[String; 2]>,
    pub(super) subjects: Vec<String>,
    pub(super) bulk_subjects: Vec<String>,
    pub(super) junk_subjects: Vec<String>,
    pub(super) topics: Vec<String>,
    pub(super) sentences: Vec<String>,
    pub(super) greetings: Vec<String>,
    pub(super) closings: Vec<String>,
    pub(super) categories: Vec<String>,
    pub(super) inbox_folders: Vec<String>,
    pub(super) top_folders: Vec<String>,
    pub(super) project_folders: Vec<String>,
    pub(super) attachments: Vec<[String; 2]>,
    pub(super) event_subjects: Vec<String>,
    pub(super) locations: Vec<String>,
    pub(super) companies: Vec<String>,
    pub(super) job_titles: Vec<String>,
    pub(super) first_names: Vec<String>,
    pub(super) last_names: Vec<String>,
}

pub(super) static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    // The file is part of the program; the tests of mailboxes read it.
    toml::from_str(include_str!("../../data/sample-mailbox.toml"))
        .expect("data/sample-mailbox.toml fits its types")
});
