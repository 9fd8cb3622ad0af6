//! Query parameters and form fields of a request, in their order, repeated ones included.

use axum::http::{HeaderMap, header};

use super::visit::Refusal;

/// What a browser sent: the query, and the form if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads the query and, where the content type says that it is a form, the body.
    pub(crate) fn read(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Self {
        let is_form = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|it| it.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        let form = if is_form { body } else { b"" };
        let pairs = form_urlencoded::parse(query.unwrap_or("").as_bytes())
            .chain(form_urlencoded::parse(form))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self { pairs }
    }

    /// The first value of a parameter, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The first value of a parameter as an owned text.
    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// Refuses if one of these parameters is there more than once: AADSTS9000411.
    ///
    /// Unverified: the code and the text are own knowledge.
    pub(crate) fn once(&self, names: &[&str]) -> Result<(), Refusal> {
        for name in names {
            if self.pairs.iter().filter(|(it, _)| it == name).count() > 1 {
                return Err(Refusal::new(
                    9_000_411,
                    "invalid_request",
                    format!(
                        "The request is not properly formatted. The parameter '{name}' is duplicated."
                    ),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_form_body_is_read() {
        let mut headers = HeaderMap::new();
        let read = |headers: &HeaderMap| Parameters::read(Some("a=1&a=2&b="), headers, b"c=3+4%20");
        assert_eq!(read(&headers).get("c"), None);
        headers.insert(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=UTF-8".parse().unwrap(),
        );
        let parameters = read(&headers);
        assert_eq!(parameters.get("c"), Some("3 4 "));
        assert_eq!(parameters.get("a"), Some("1"));
        assert_eq!(parameters.get("b"), None);
        assert_eq!(parameters.once(&["b", "a"]).unwrap_err().code, 9_000_411);
        assert_eq!(parameters.required("b").unwrap_err().code, 900_144);
    }
}
