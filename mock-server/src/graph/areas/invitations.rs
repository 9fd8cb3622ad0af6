//! Invitations: who is invited is a guest from then on, whether or not the invitation is ever
//! redeemed.
//!
//! Sources: learn.microsoft.com/graph/api/invitation-post;
//! learn.microsoft.com/entra/external-id/user-properties.

use serde_json::{Value, json};

use crate::directory::{ObjectId, Risk, User, UserKind, UserPrincipalName};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, New};

/// What invitations add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[Behaviour {
    create: Some(invite),
    ..Behaviour::of("invitation")
}];

fn invite(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let text = |name: &str| {
        let value = new.properties.get(name).and_then(Value::as_str);
        value.filter(|it| !it.is_empty()).map(str::to_owned)
    };
    // Unverified: the text, taken from groups.
    let needed = |name: &str| GraphError::value_required(name, "Invitation");
    let address =
        text("invitedUserEmailAddress").ok_or_else(|| needed("invitedUserEmailAddress"))?;
    let target = text("inviteRedirectUrl").ok_or_else(|| needed("inviteRedirectUrl"))?;
    let Some((local, _)) = address.split_once('@').filter(|(_, it)| !it.is_empty()) else {
        // Unverified: the text.
        return Err(GraphError::directory_request(
            "The invited user's email address is not valid.",
        ));
    };
    let name = text("invitedUserDisplayName").unwrap_or_else(|| local.to_owned());
    let user = guest(call, &address, name);
    let sent = [
        ("invitedUserType", json!("Guest")),
        ("sendInvitationMessage", json!(false)),
        ("resetRedemption", json!(false)),
    ];
    for (name, value) in sent {
        new.default(name, value);
    }
    let encoded =
        percent_encoding::utf8_percent_encode(&target, percent_encoding::NON_ALPHANUMERIC);
    let redeem = format!(
        "{}/redeem?rd={encoded}&tenant={}&user={}",
        call.cloud().authority_root(),
        call.tenant.id,
        new.id
    );
    for (name, value) in [
        ("inviteRedeemUrl", json!(redeem)),
        ("status", json!("PendingAcceptance")),
        ("invitedUser", json!({"id": user.to_string()})),
    ] {
        new.properties.insert(name.to_owned(), value);
    }
    Ok(())
}

/// The guest with an address; made where there is none.
fn guest(call: &Call<'_>, address: &str, display_name: String) -> ObjectId {
    let id = ObjectId(call.world.random.uuid());
    call.tenant.write(|directory| {
        let local = address.replace('@', "_");
        let upn = format!("{local}#EXT#@{}", directory.domain());
        let known = directory
            .users
            .values()
            .find(|it| it.deleted.is_none() && it.user_principal_name.as_str() == upn);
        if let Some(known) = known {
            return known.id;
        }
        let taken = directory.users.values().any(|it| it.alias == local);
        let profile = [
            ("mail", json!(address)),
            ("otherMails", json!([address])),
            ("creationType", json!("Invitation")),
            ("externalUserState", json!("PendingAcceptance")),
        ];
        directory.add_user(User {
            id,
            alias: if taken { id.to_string() } else { local },
            user_principal_name: UserPrincipalName::new(upn),
            display_name,
            given_name: String::new(),
            surname: String::new(),
            job_title: None,
            office_location: None,
            manager: None,
            profile: profile
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            password: call.world.random.uuid().to_string(),
            kind: UserKind::Guest { home_tenant: None },
            enabled: true,
            roles: std::collections::BTreeSet::new(),
            created: call.now,
            deleted: None,
            password_expired: false,
            locked_until: None,
            risk: Risk::None,
            other_roles: std::collections::BTreeSet::new(),
            second_factor: true,
            device_disabled: None,
            revocations: Vec::new(),
            mailbox: None,
        });
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn who_is_invited_is_a_guest_once() {
        let bench = Bench::new();
        let app = bench.app_only(&["User.Invite.All", "User.Read.All"]);
        let body = json!({
            "invitedUserEmailAddress": "gina@fabrikam.example",
            "inviteRedirectUrl": "https://app.example/",
        });
        let invited = bench
            .post(&app, "/v1.0/invitations", body.clone())
            .await
            .expect(201);
        assert_eq!(invited.body["status"], "PendingAcceptance");
        let redeem = invited.body["inviteRedeemUrl"].as_str().unwrap();
        assert!(redeem.starts_with("https://login.microsoftonline.com/redeem?rd="));
        let id = invited.body["invitedUser"]["id"].as_str().unwrap();
        let select = "$select=userPrincipalName,userType,mail,externalUserState,displayName";
        let path = format!("/v1.0/users/{id}?{select}");
        let guest = bench.get(&app, &path).await.expect(200);
        assert_eq!(
            guest.body["userPrincipalName"],
            "gina_fabrikam.example#EXT#@contoso.onmicrosoft.com"
        );
        assert_eq!(guest.body["userType"], "Guest");
        assert_eq!(guest.body["mail"], "gina@fabrikam.example");
        assert_eq!(guest.body["externalUserState"], "PendingAcceptance");
        let again = bench
            .post(&app, "/v1.0/invitations", body)
            .await
            .expect(201);
        assert_eq!(again.body["invitedUser"]["id"], id);
        let wrong = json!({"invitedUserEmailAddress": "gina@fabrikam.example"});
        let refused = bench.post(&app, "/v1.0/invitations", wrong).await;
        assert_eq!(refused.refused(400), "Request_BadRequest");
    }
}
