//! The `claims` parameter.
//!
//! Source: learn.microsoft.com/entra/identity-platform/claims-challenge.

use std::net::IpAddr;

use serde_json::Value;

use crate::authority::error::AuthorityError;

/// What a `claims` parameter asks for, as far as the mock knows it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ClaimsRequest {
    /// The client handles claims challenges (`cp1`).
    pub(crate) handles_challenges: bool,
    /// The address of the client as the API saw it (`xms_rp_ipaddr`). What the other challenge
    /// demands, a token issued after a moment (`nbf`), every new token is.
    pub(crate) seen_address: Option<IpAddr>,
    /// `auth_time` is wanted in the ID token.
    pub(crate) auth_time: bool,
    /// Claims that the mock does not look at, such as `access_token.acrs`.
    pub(crate) unknown: Vec<String>,
}

impl ClaimsRequest {
    /// Parses a `claims` parameter: it must be a JSON object.
    pub(crate) fn parse(text: Option<&str>) -> Result<Option<Self>, AuthorityError> {
        let Some(text) = text else { return Ok(None) };
        let value: Value = serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| AuthorityError::aadsts(9002313))?;
        let access = &value["access_token"];
        let capabilities = access["xms_cc"]["values"].as_array();
        Ok(Some(Self {
            handles_challenges: capabilities.is_some_and(|values| {
                values
                    .iter()
                    .any(|it| it.as_str().is_some_and(|it| it.eq_ignore_ascii_case("cp1")))
            }),
            seen_address: access["xms_rp_ipaddr"]["value"]
                .as_str()
                .and_then(|text| text.parse().ok()),
            auth_time: value["id_token"].get("auth_time").is_some(),
            unknown: unknown(&value),
        }))
    }
}

/// What a claims request names beyond what the mock knows. `capolids` and `polids` come from its
/// own refusals, and every new sign-in satisfies them.
fn unknown(value: &Value) -> Vec<String> {
    let known = [
        (
            "access_token",
            &["xms_cc", "xms_rp_ipaddr", "nbf", "capolids", "polids"][..],
        ),
        ("id_token", &["auth_time"]),
    ];
    known
        .into_iter()
        .flat_map(|(token, known)| {
            let names = value[token]
                .as_object()
                .into_iter()
                .flat_map(|it| it.keys());
            names
                .filter(|name| !known.contains(&name.as_str()))
                .map(move |name| format!("{token}.{name}"))
        })
        .collect()
}
