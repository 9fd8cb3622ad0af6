//! What no document of a seed file is: what users, apps and mailboxes are, which have keys of their
//! own, and what a path shows that stands elsewhere.

use std::sync::LazyLock;

use serde::Deserialize;

/// What is kept elsewhere at an address, in words; none where documents are.
pub(super) fn elsewhere(address: &str) -> Option<String> {
    let segments: Vec<&str> = address.split('/').collect();
    if ENDPOINTS.iter().any(|it| fits(it, &segments)) {
        return Some(format!(
            "/{address} has no documents of its own: users and apps are `users:` and `apps:` of the \
             tenant, mail and calendars are filled by a sample, or through Graph"
        ));
    }
    if segments.iter().any(|it| ["drive", "drives"].contains(it)) {
        return Some(format!(
            "/{address} is of a drive, whose files come through Graph: PUT …/root:/name:/content"
        ));
    }
    let view = VIEWS.iter().find(|it| {
        let path: Vec<&str> = it.path.split('/').collect();
        path.len() == segments.len()
            && path
                .iter()
                .zip(&segments)
                .all(|(one, other)| *one == "*" || one.eq_ignore_ascii_case(other))
    })?;
    Some(format!(
        "what /{address} shows stands at /{}, with {}",
        view.canonical, view.condition
    ))
}

/// Whether the path of an endpoint leads to an address.
fn fits(template: &str, segments: &[&str]) -> bool {
    let mut rest = segments;
    for part in template.split('/').filter(|it| !it.is_empty()) {
        let taken = match (part, rest) {
            ("{user}" | "{user-by-id}", ["users", _, ..]) => 2,
            ("{user}" | "{user-by-id}", _) | (_, []) => return false,
            (part, [first, ..]) if part.starts_with('{') || part.eq_ignore_ascii_case(first) => 1,
            _ => return false,
        };
        rest = &rest[taken..];
    }
    rest.is_empty()
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    method: String,
    path: String,
}

#[derive(Debug, Deserialize)]
struct View {
    path: String,
    canonical: String,
    #[serde(rename = "where")]
    condition: String,
}

fn rows<T: serde::de::DeserializeOwned>(text: &'static str) -> impl Iterator<Item = T> {
    csv::Reader::from_reader(text.as_bytes())
        .into_deserialize()
        // The files are part of the program; tests of Graph read them.
        .map(|row: Result<T, _>| row.expect("a table of Graph fits its types"))
}

/// The paths that the mock's own endpoints read.
static ENDPOINTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    rows(include_str!("../../../../data/graph-endpoints.csv"))
        .filter(|it: &Endpoint| it.method == "GET")
        .map(|it| it.path)
        .collect()
});

static VIEWS: LazyLock<Vec<View>> =
    LazyLock::new(|| rows(include_str!("../../../../data/graph-views.csv")).collect());
