//! The organization, its domains and its licences.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collection::{self, Documents, Listing, members};
use super::error::GraphError;
use super::users::write::MAILBOX_SKU;
use crate::directory::Directory;
use crate::mailbox::Properties;

/// `GET /organization`.
pub(super) fn organizations(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.tenant.read(|directory| {
        let items = Documents(vec![organization(call, directory)]);
        collection::list(call, &Listing::of("organization", "organization"), &items)
    })
}

/// `GET /organization/{id}`.
pub(super) fn get_organization(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.tenant.read(|directory| {
        let wanted = call.parameters.get("organization");
        if !wanted.eq_ignore_ascii_case(&directory.id.to_string()) {
            return Err(GraphError::resource_not_found(wanted));
        }
        call.entity(
            "organization",
            "organization",
            organization(call, directory),
        )
    })
}

/// `GET /domains`.
pub(super) fn domains(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.tenant.read(|directory| {
        let items = directory
            .domains
            .iter()
            .map(|name| domain(directory, name))
            .collect();
        collection::list(call, &Listing::of("domain", "domains"), &Documents(items))
    })
}

/// `GET /domains/{id}`.
pub(super) fn get_domain(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.tenant.read(|directory| {
        let wanted = call.parameters.get("domain");
        let found = directory
            .domains
            .iter()
            .find(|it| it.eq_ignore_ascii_case(wanted));
        let name = found.ok_or_else(|| GraphError::resource_not_found(wanted))?;
        call.entity("domains", "domain", domain(directory, name))
    })
}

/// `GET /subscribedSkus`: one licence, which brings a mailbox.
pub(super) fn subscribed_skus(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.tenant.read(|directory| {
        let consumed = directory
            .users
            .values()
            .filter(|user| user.deleted.is_none() && user.is_licensed())
            .count();
        let sku = json!({
            "accountId": directory.id,
            "accountName": directory.display_name,
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": consumed,
            "id": format!("{}_{MAILBOX_SKU}", directory.id),
            "skuId": MAILBOX_SKU,
            "skuPartNumber": "EXCHANGEENTERPRISE",
            "subscriptionIds": [],
            "prepaidUnits": {
                // More than any test world has people.
                "enabled": 1_000_000, "suspended": 0, "warning": 0, "lockedOut": 0,
            },
            "servicePlans": [{
                "servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0",
                "servicePlanName": "EXCHANGE_S_ENTERPRISE",
                "provisioningStatus": "Success",
                "appliesTo": "User",
            }],
        });
        let listing = Listing::of("subscribedSku", "subscribedSkus");
        collection::list(call, &listing, &Documents::of(sku))
    })
}

fn domain(directory: &Directory, name: &str) -> Properties {
    let initial = name == directory.domain();
    let value = json!({
        "id": name,
        "authenticationType": "Managed",
        "availabilityStatus": null,
        "isAdminManaged": true,
        "isDefault": initial,
        "isInitial": initial,
        "isRoot": true,
        "isVerified": true,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        "passwordValidityPeriodInDays": 2_147_483_647,
        "passwordNotificationWindowInDays": 14,
        "state": null,
    });
    members(value)
}

fn organization(call: &Call<'_>, directory: &Directory) -> Properties {
    let domains: Vec<Value> = directory
        .domains
        .iter()
        .enumerate()
        .map(|(at, name)| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": at == 0,
                "isInitial": at == 0,
                "name": name,
                "type": "Managed",
            })
        })
        .collect();
    let value = json!({
        "id": directory.id,
        "deletedDateTime": null,
        "businessPhones": [],
        "city": null,
        "country": null,
        "countryLetterCode": directory.country,
        "createdDateTime": crate::mailbox::seconds(directory.created),
        "displayName": directory.display_name,
        "marketingNotificationEmails": [],
        "onPremisesLastSyncDateTime": null,
        "onPremisesSyncEnabled": null,
        "partnerTenantType": null,
        "postalCode": null,
        "preferredLanguage": "en",
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "state": null,
        "street": null,
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": domains,
    });
    let Value::Object(mut map) = value else {
        return Properties::new();
    };
    // With User.Read alone an organization shows its name and domains only.
    // Source: learn.microsoft.com/graph/api/organization-get.
    let more = [
        "Organization.Read.All",
        "Directory.Read.All",
        "User.Read.All",
        "Directory.ReadWrite.All",
    ];
    if !more.iter().any(|permission| call.actor.holds(permission)) {
        for (name, value) in &mut map {
            if !["id", "displayName", "verifiedDomains"].contains(&name.as_str()) {
                *value = if value.is_array() {
                    json!([])
                } else {
                    Value::Null
                };
            }
        }
    }
    map
}
