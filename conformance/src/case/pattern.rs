//! Patterns over case ids and checks: in `--filter`, known failures and profiles.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::library::Case;
use entra_mock::notation::nearest;

/// A pattern: a path with `*` (one segment, or a part of it) and `**` (any number of segments),
/// axes in brackets, and a check after `#`.
///
/// `auth/**`, `auth/*/missing-*[auth=own-app]`, `environments/**#no-other-cloud`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    text: String,
    segments: Vec<String>,
    axes: BTreeMap<String, String>,
    check: Option<String>,
}

/// Why a text is no pattern, or a pattern finds nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The brackets do not hold `axis=value` pairs.
    #[error(
        "the pattern '{0}' is not understood: write it as folder/name[auth=own-app,environment=china]#check"
    )]
    Malformed(String),
    /// The axis does not exist.
    #[error(
        "the pattern '{pattern}' names the axis '{axis}', but there are only auth and environment"
    )]
    UnknownAxis {
        /// The pattern.
        pattern: String,
        /// The axis.
        axis: String,
    },
    /// Nothing has such a name.
    #[error("no case fits '{pattern}'{}; 'entra-conformance list' shows what there is", .nearest.as_ref().map_or_else(String::new, |it| format!(", did you mean '{it}'?")))]
    NothingFits {
        /// The pattern.
        pattern: String,
        /// The nearest id.
        nearest: Option<String>,
    },
}

impl Pattern {
    /// The check that is named, if one is.
    pub fn check(&self) -> Option<&str> {
        self.check.as_deref()
    }

    /// Whether a case fits, whatever the check.
    pub fn fits(&self, case: &Case) -> bool {
        self.fits_parts(
            &case.scenario_id,
            case.auth_method.slug(),
            case.environment.slug(),
        )
    }

    /// Whether a check of a case fits.
    pub fn fits_check(&self, case: &Case, check: &str) -> bool {
        self.fits(case) && self.check.as_ref().is_none_or(|it| glob(it, check))
    }

    /// Whether a case with these parts of an id fits.
    pub fn fits_parts(&self, scenario: &str, auth: &str, environment: &str) -> bool {
        let axis = |name: &str, value: &str| self.axes.get(name).is_none_or(|it| glob(it, value));
        let path: Vec<&str> = scenario.split('/').collect();
        axis("auth", auth) && axis("environment", environment) && fits_path(&self.segments, &path)
    }

    /// The cases that fit; an error with the nearest id if there is none.
    pub fn select<'a>(&self, cases: &'a [Case]) -> Result<Vec<&'a Case>, PatternError> {
        let fitting: Vec<&Case> = cases
            .iter()
            .filter(|case| self.fits(case))
            .filter(|case| {
                let Some(check) = &self.check else {
                    return true;
                };
                case.check_names().any(|name| glob(check, name))
            })
            .collect();
        if fitting.is_empty() {
            let path = self.segments.join("/");
            let near_case = nearest(&path, cases.iter().map(|case| case.scenario_id.as_str()));
            let near_check = self.check.as_ref().and_then(|check| {
                let fits = cases.iter().filter(|case| self.fits(case));
                nearest(check, fits.flat_map(Case::check_names)).map(|it| format!("{path}#{it}"))
            });
            return Err(PatternError::NothingFits {
                pattern: self.text.clone(),
                nearest: near_check.or_else(|| longer(&path, cases)).or(near_case),
            });
        }
        Ok(fitting)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || PatternError::Malformed(text.to_owned());
        let (rest, check) = match text.split_once('#') {
            Some((rest, check)) if !check.is_empty() => (rest, Some(check.to_owned())),
            Some(_) => return Err(malformed()),
            None => (text, None),
        };
        let (path, brackets) = match rest.split_once('[') {
            Some((path, brackets)) => (path, brackets.strip_suffix(']').ok_or_else(malformed)?),
            None => (rest, ""),
        };
        if path.contains([']', '=', ' ']) || path.split('/').any(str::is_empty) {
            return Err(malformed());
        }
        let mut axes = BTreeMap::new();
        for pair in brackets
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            let (axis, value) = pair.split_once('=').ok_or_else(malformed)?;
            if !["auth", "environment"].contains(&axis) {
                let (pattern, axis) = (text.to_owned(), axis.to_owned());
                return Err(PatternError::UnknownAxis { pattern, axis });
            }
            axes.insert(axis.to_owned(), value.to_owned());
        }
        let segments = path.split('/').map(str::to_owned).collect();
        Ok(Self {
            text: text.to_owned(),
            segments,
            axes,
            check,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// The pattern that finds what begins with a path, if something does.
fn longer(path: &str, cases: &[Case]) -> Option<String> {
    let rest = |case: &Case| case.scenario_id.strip_prefix(path).map(str::to_owned);
    let found = cases.iter().find_map(rest)?;
    Some(if found.starts_with('/') {
        format!("{path}/**")
    } else {
        format!("{path}*{}", if found.contains('/') { "/**" } else { "" })
    })
}

fn fits_path(pattern: &[String], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            fits_path(rest, path)
                || path
                    .split_first()
                    .is_some_and(|it| fits_path(pattern, it.1))
        }
        (Some((first, rest)), Some((segment, others))) => {
            glob(first, segment) && fits_path(rest, others)
        }
        _ => false,
    }
}

/// Whether a text fits a pattern in which `*` is any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = pattern.rsplit_once('*').map(|it| it.1) else {
        return rest.is_empty();
    };
    let middle: Vec<&str> = parts.collect();
    for part in &middle[..middle.len() - 1] {
        match rest.find(part) {
            Some(position) => rest = &rest[position + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
