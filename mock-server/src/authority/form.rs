//! Form bodies and query strings: every field in its order, looked up by name, repeated ones
//! refused.

use axum::http::{HeaderMap, header};

use super::error::AuthorityError;

/// The fields of a form or a query string.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Parses a query string or a form body; never fails: what is no UTF-8 is replaced.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let fields = form_urlencoded::parse(bytes)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self { fields }
    }

    /// The form of a POST: the content type must be that of a form, or absent.
    pub(crate) fn of_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, AuthorityError> {
        // Some clients send none: azure-identity for Java at the token endpoint.
        let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
            return Ok(Self::parse(body));
        };
        let content_type = content_type.to_str().unwrap_or_default();
        if content_type.trim().is_empty() {
            return Ok(Self::parse(body));
        }
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let form = Self::parse(body);
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Ok(form);
        }
        // The service looks for parameters in form bodies only: in others it misses the first.
        // Source: recorded answers to JSON bodies, AADSTS900144 naming grant_type.
        Err(AuthorityError::missing("grant_type"))
    }

    /// The value of a field; an empty one counts as absent, a repeated one is refused.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, AuthorityError> {
        let mut values = self
            .fields
            .iter()
            .filter(|(field, _)| field == name)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(AuthorityError::aadsts(9000411).with("parameter", name));
        }
        Ok(first.map(str::trim).filter(|value| !value.is_empty()))
    }

    /// Refuses a form in which one of these fields comes twice.
    pub(crate) fn refuse_repeated(&self, names: &[&str]) -> Result<(), AuthorityError> {
        names.iter().try_for_each(|name| self.get(name).map(drop))
    }

    /// The value of a field that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, AuthorityError> {
        self.get(name)?.ok_or_else(|| AuthorityError::missing(name))
    }

    /// The value of a secret field: compared as it is, blanks included.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// What a person typed or pressed: the first value as it is, an empty one counts as absent.
    pub(crate) fn typed(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// The fields of a browser's request: the query, and the body where it is a form.
    pub(crate) fn of_request(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut all = Self::parse(query.unwrap_or_default().as_bytes());
        if let Ok(form) = Self::of_body(headers, body) {
            all.fields.extend(form.fields);
        }
        all
    }

    /// Whether a flag such as `client_info=1` is set.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.raw(name) == Some("1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_fields_are_refused_and_empty_ones_absent() {
        let form = Form::parse(b"a=1&a=2&b=&c=x+y%2B&%FF=1");
        assert_eq!(form.get("a").unwrap_err().code, 9000411);
        assert_eq!(form.get("b").unwrap(), None);
        assert_eq!(form.get("c").unwrap(), Some("x y+"));
        assert_eq!(
            form.required("d").unwrap_err(),
            AuthorityError::missing("d")
        );
    }

    #[test]
    fn only_form_bodies_have_fields() {
        let mut headers = HeaderMap::new();
        assert!(Form::of_body(&headers, b"a=1").is_ok());
        headers.insert(header::CONTENT_TYPE, "".parse().unwrap());
        assert!(Form::of_body(&headers, b"a=1").is_ok());
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        assert_eq!(Form::of_body(&headers, b"{}").unwrap_err().code, 900144);
        headers.insert(
            header::CONTENT_TYPE,
            "Application/X-WWW-Form-Urlencoded; charset=utf-8"
                .parse()
                .unwrap(),
        );
        assert!(Form::of_body(&headers, b"a=1").is_ok());
    }
}
