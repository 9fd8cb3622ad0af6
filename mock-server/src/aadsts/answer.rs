//! What the service answers with a code at a place: the same code differs by endpoint, version,
//! grant type, and by what the refusal is about.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Row;

/// Where an answer is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place<'a> {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// 1 or 2, where the endpoint has versions.
    pub version: Option<u8>,
    /// The grant type of a token request, in its short spelling.
    pub grant: Option<&'a str>,
}

/// By what way a refusal reaches its reader.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// The redirect of `/adminconsent`.
    AdminConsent,
    /// JSON of `/oauth2/v2.0/devicecode`.
    DeviceCode,
    /// JSON of discovery documents and keys.
    Discovery,
    /// A page for a person.
    Page,
    /// The redirect of `/authorize`.
    Redirect,
    /// JSON of `/oauth2/v2.0/token`.
    Token,
}

/// What the service answers with a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer {
    /// `error`.
    pub error: &'static str,
    /// The HTTP status, where the answer is JSON.
    pub http_status: u16,
    /// `suberror`.
    pub suberror: Option<&'static str>,
    /// Whether there is an `error_uri`.
    pub error_uri: bool,
    /// The text, with placeholders.
    pub text: &'static str,
}

impl Place<'_> {
    /// An endpoint, whatever its version.
    pub const fn of(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            version: None,
            grant: None,
        }
    }

    /// An endpoint in a version.
    pub const fn versioned(endpoint: Endpoint, version: u8) -> Self {
        Self {
            endpoint,
            version: Some(version),
            grant: None,
        }
    }
}

impl Row {
    /// What the service answers with this code at a place. `about` is what the refusal is about,
    /// where a code has several answers at one place.
    pub fn at(&'static self, place: Place<'_>, about: Option<&str>) -> Answer {
        let mut answer = Answer {
            error: &self.oauth_error,
            http_status: self.http_status,
            suberror: Some(self.suberror.as_str()).filter(|it| !it.is_empty()),
            error_uri: true,
            text: &self.text,
        };
        // The more a deviation says of its place, the later it comes.
        for deviation in DEVIATIONS.get(&self.code).into_iter().flatten() {
            if deviation.applies(place, about) {
                deviation.change(&mut answer);
            }
        }
        answer
    }
}

/// A text with its placeholders filled, in one pass: what is filled in is not looked at again.
/// `{name}` without a fact gets what `data/aadsts-placeholders.csv` has for it.
pub fn fill(template: &str, mut fact: impl FnMut(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        match fact(name) {
            Some(value) => text.push_str(&value),
            None => text.push_str(stand_in(name)),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// A deviation from a code's row: what is empty is as in the row, `-` is none.
#[derive(Debug, Deserialize)]
pub(super) struct Deviation {
    pub(super) code: u32,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) version: Option<u8>,
    pub(super) grant: String,
    pub(super) about: String,
    oauth_error: String,
    http_status: Option<u16>,
    suberror: String,
    error_uri: String,
    pub(super) text: String,
    #[cfg(test)]
    pub(super) source: String,
}

impl Deviation {
    fn applies(&self, place: Place<'_>, about: Option<&str>) -> bool {
        let fits = |wanted: &str, found: Option<&str>| wanted.is_empty() || found == Some(wanted);
        self.endpoint.is_none_or(|it| it == place.endpoint)
            && (self.version.is_none() || self.version == place.version)
            && fits(&self.grant, place.grant)
            && fits(&self.about, about)
    }

    fn change(&'static self, answer: &mut Answer) {
        if !self.oauth_error.is_empty() {
            answer.error = &self.oauth_error;
        }
        if let Some(status) = self.http_status {
            answer.http_status = status;
        }
        if !self.suberror.is_empty() {
            answer.suberror = Some(self.suberror.as_str()).filter(|it| *it != "-");
        }
        if !self.error_uri.is_empty() {
            answer.error_uri = self.error_uri == "yes";
        }
        if !self.text.is_empty() {
            answer.text = &self.text;
        }
    }

    /// How much it says of its place.
    fn precision(&self) -> usize {
        usize::from(self.endpoint.is_some())
            + usize::from(self.version.is_some())
            + usize::from(!self.grant.is_empty())
            + usize::from(!self.about.is_empty())
    }

    /// Whether the cells are ones that [`Self::change`] understands.
    #[cfg(test)]
    pub(super) fn is_well_formed(&self) -> bool {
        matches!(self.error_uri.as_str(), "" | "yes" | "no")
            && self.http_status.is_none_or(|it| (300..600).contains(&it))
            && !self.source.is_empty()
    }
}

/// All deviations.
#[cfg(test)]
pub(super) fn deviations() -> impl Iterator<Item = &'static Deviation> {
    DEVIATIONS.values().flatten()
}

/// What a text says where nobody knows the fact: the answer of a fault that no state led to.
pub(super) fn stand_in(name: &str) -> &'static str {
    STAND_INS.get(name).map_or("", String::as_str)
}

/// Whether a placeholder is known.
#[cfg(test)]
pub(super) fn is_placeholder(name: &str) -> bool {
    STAND_INS.contains_key(name)
}

static DEVIATIONS: LazyLock<HashMap<u32, Vec<Deviation>>> = LazyLock::new(|| {
    let mut all: HashMap<u32, Vec<Deviation>> = HashMap::new();
    for row in csv::Reader::from_reader(include_str!("../../data/aadsts-answers.csv").as_bytes())
        .deserialize()
    {
        // The file is part of the program; a test reads it.
        let row: Deviation = row.expect("data/aadsts-answers.csv fits its types");
        all.entry(row.code).or_default().push(row);
    }
    for of_code in all.values_mut() {
        of_code.sort_by_key(Deviation::precision);
    }
    all
});

static STAND_INS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/aadsts-placeholders.csv").as_bytes())
        .deserialize()
        .map(|row: Result<(String, String), _>| {
            row.expect("data/aadsts-placeholders.csv has two columns")
        })
        .collect()
});
