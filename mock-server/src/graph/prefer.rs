//! What a request prefers: the `Prefer` headers, and the level of metadata.

use axum::http::{HeaderMap, header};
use jiff::tz::TimeZone;

use super::error::GraphError;
use super::time_zone;

/// The preferences that Graph honours for Outlook data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefer {
    /// `IdType="ImmutableId"`.
    pub(crate) immutable_ids: bool,
    /// `outlook.timezone`, with the name as sent.
    pub(crate) time_zone: Option<(String, TimeZone)>,
    /// `outlook.body-content-type`.
    pub(crate) body: Option<BodyType>,
    /// `odata.maxpagesize`.
    pub(crate) page_size: Option<usize>,
    /// `create-if-missing`: a change makes what is not there.
    pub(crate) create_if_missing: bool,
    /// `return=minimal`.
    pub(crate) minimal: bool,
    /// `return=representation`.
    pub(crate) representation: bool,
}

/// The formats of a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyType {
    Html,
    Text,
}

/// How much control information an answer has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Metadata {
    Full,
    #[default]
    Minimal,
    None,
}

impl Prefer {
    /// Reads the headers; several values may stand in one or in several.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, GraphError> {
        let mut prefer = Self::default();
        for value in headers.get_all("prefer") {
            for entry in value.to_str().unwrap_or("").split(',') {
                let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
                let value = value.trim().trim_matches('"').trim();
                match name.trim().to_ascii_lowercase().as_str() {
                    "create-if-missing" => prefer.create_if_missing = true,
                    "idtype" => prefer.immutable_ids = value.eq_ignore_ascii_case("ImmutableId"),
                    "odata.maxpagesize" => {
                        prefer.page_size = value.parse().ok().filter(|it| *it > 0);
                    }
                    "outlook.body-content-type" => {
                        prefer.body = match value.to_ascii_lowercase().as_str() {
                            "html" => Some(BodyType::Html),
                            "text" => Some(BodyType::Text),
                            _ => prefer.body,
                        };
                    }
                    "outlook.timezone" => {
                        let zone = time_zone::find(value)
                            .ok_or_else(|| GraphError::unknown_time_zone(value))?;
                        prefer.time_zone = Some((value.to_owned(), zone));
                    }
                    "return" => {
                        prefer.minimal = value.eq_ignore_ascii_case("minimal");
                        prefer.representation = value.eq_ignore_ascii_case("representation");
                    }
                    _ => {}
                }
            }
        }
        Ok(prefer)
    }

    /// `Preference-Applied`; `minimal`: the answer left the body out.
    pub(crate) fn applied(&self, minimal: bool) -> Option<String> {
        let mut applied = Vec::new();
        if self.immutable_ids {
            applied.push("IdType=\"ImmutableId\"".to_owned());
        }
        if let Some((name, _)) = &self.time_zone {
            applied.push(format!("outlook.timezone=\"{name}\""));
        }
        match self.body {
            Some(BodyType::Html) => applied.push("outlook.body-content-type=\"html\"".to_owned()),
            Some(BodyType::Text) => applied.push("outlook.body-content-type=\"text\"".to_owned()),
            None => {}
        }
        if let Some(size) = self.page_size {
            applied.push(format!("odata.maxpagesize={size}"));
        }
        if self.minimal && minimal {
            applied.push("return=minimal".to_owned());
        }
        (!applied.is_empty()).then(|| applied.join(","))
    }
}

impl Metadata {
    /// The level that `Accept` asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|it| it.to_str().ok())
            .unwrap_or("");
        let accept = accept.to_ascii_lowercase();
        if accept.contains("odata.metadata=none") {
            Self::None
        } else if accept.contains("odata.metadata=full") {
            Self::Full
        } else {
            Self::Minimal
        }
    }

    /// The content type of an answer.
    pub(crate) fn content_type(self) -> String {
        let level = match self {
            Self::Full => "full",
            Self::Minimal => "minimal",
            Self::None => "none",
        };
        format!(
            "application/json;odata.metadata={level};odata.streaming=true;\
             IEEE754Compatible=false;charset=utf-8"
        )
    }
}
