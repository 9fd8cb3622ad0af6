//! Microsoft's services that the mock does not have: what asks for tokens for them is refused as
//! any unknown API, and the journal says why.

use std::sync::LazyLock;

use serde::Deserialize;

/// A service.
///
/// Sources: learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
/// (ids); Azure/azure-cli, `azure/cli/core/cloud.py`, and
/// learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure (hosts).
#[derive(Debug, Deserialize)]
struct Service {
    name: String,
    app_id: String,
    hosts: String,
}

/// What the journal says where a scope, or a list of them, or a `resource` asks for a service of
/// Microsoft that is not there.
pub(crate) fn missing_service(asked: &str) -> Option<String> {
    let name = service(asked)?;
    Some(format!(
        "no tokens for {name}: only Microsoft Graph and the tenants' own APIs are there"
    ))
}

fn service(asked: &str) -> Option<&'static str> {
    asked.split_whitespace().find_map(|one| {
        let plain = one.strip_prefix("spn:").unwrap_or(one);
        let rest = plain.strip_prefix("https://").unwrap_or(plain);
        let name = rest.split(['/', ':']).next().unwrap_or_default();
        let found = SERVICES.iter().find(|it| it.is_named(name))?;
        Some(found.name.as_str())
    })
}

impl Service {
    /// By its id, by a host, or by one below.
    fn is_named(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let below = |host: &str| {
            name.strip_suffix(host)
                .is_some_and(|it| it.is_empty() || it.ends_with('.'))
        };
        name == self.app_id || self.hosts.split(' ').any(below)
    }
}

static SERVICES: LazyLock<Vec<Service>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/microsoft-services.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .collect::<Result<_, _>>()
        .expect("data/microsoft-services.csv fits its types")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_known_by_id_host_and_subdomain_in_scopes_and_resources() {
        for (asked, name) in [
            (
                "https://outlook.office365.com/.default",
                "Office 365 Exchange Online",
            ),
            (
                "openid https://outlook.office.com/IMAP.AccessAsUser.All",
                "Office 365 Exchange Online",
            ),
            (
                "https://management.core.usgovcloudapi.net//.default",
                "Azure Resource Manager",
            ),
            (
                "https://MyVault.vault.azure.net/.default",
                "Azure Key Vault",
            ),
            (
                "https://contoso.sharepoint.com/",
                "Office 365 SharePoint Online",
            ),
            (
                "00000002-0000-0ff1-ce00-000000000000/.default",
                "Office 365 Exchange Online",
            ),
            ("499b84ac-1321-427f-aa17-267ca6975798", "Azure DevOps"),
        ] {
            assert_eq!(service(asked), Some(name), "{asked}");
        }
        for asked in [
            "",
            "openid Mail.Read",
            "https://graph.microsoft.com/.default",
            "https://notvault.azure.net.example/.default",
            "https://evilvault.azure.net/.default",
            "api://11111111-2222-3333-4444-555555555555/x",
        ] {
            assert_eq!(service(asked), None, "{asked}");
        }
    }
}
