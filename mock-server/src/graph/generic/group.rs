//! What the service gives a group that is created.
//!
//! Sources: Azure/azure-cli, recordings of test_group_scenario (2022); of groups with mail
//! pnp/pnpcore, MockData of SiteCreationTests (2023).

use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::mailbox::{Properties, seconds};

/// Adds the security identifier, the day of renewal, and the address of a group with mail.
pub(super) fn stamp(call: &Call<'_>, id: &str, properties: &mut Properties) {
    properties.insert("renewedDateTime".to_owned(), json!(seconds(call.now)));
    if let Some(identifier) = security_identifier(id) {
        properties.insert("securityIdentifier".to_owned(), json!(identifier));
    }
    let nickname = properties.get("mailNickname").and_then(Value::as_str);
    if let (Some(nickname), Some(true)) = (
        nickname,
        properties.get("mailEnabled").and_then(Value::as_bool),
    ) {
        let domain = call.tenant.read(|it| it.domain().to_owned());
        let address = format!("{nickname}@{domain}");
        let addresses = json!([format!("SMTP:{address}")]);
        properties.entry("mail").or_insert(json!(address));
        properties.entry("proxyAddresses").or_insert(addresses);
    }
}

/// The identifier in Windows: the id of the object in four numbers.
fn security_identifier(id: &str) -> Option<String> {
    let bytes = uuid::Uuid::try_parse(id).ok()?.to_bytes_le();
    let parts = bytes.chunks_exact(4).map(|part| {
        let number = part.iter().rev();
        number
            .fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte))
            .to_string()
    });
    Some(format!("S-1-12-1-{}", parts.collect::<Vec<_>>().join("-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifier_is_the_one_that_the_service_makes_of_an_id() {
        // Recorded: Azure/azure-cli, test_group_scenario (2022).
        assert_eq!(
            security_identifier("a3f6c606-38ec-42d7-8c0e-d4ecaf0d9d61").as_deref(),
            Some("S-1-12-1-2750858758-1121401068-3973320332-1637682607")
        );
    }
}
