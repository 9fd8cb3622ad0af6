//! What tokens say of a guest: who has signed the person in, and under which name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::directory::{ObjectId, User, UserPrincipalName};

fn payload(token: &Value) -> Value {
    let text = token.as_str().unwrap();
    let claims = URL_SAFE_NO_PAD.decode(text.split('.').nth(1).unwrap());
    serde_json::from_slice(&claims.unwrap()).unwrap()
}

impl Mock {
    /// What the tokens of a user say: the access token, the ID token and `client_info`.
    async fn told_of(&self, alias: &str, version: u8, scope: &str) -> [Value; 3] {
        let user = self.facts.users[alias].id;
        let code = self.code(|code| {
            code.sign_in.user = user;
            code.scope = scope.to_owned();
            code.resource = (version == 1).then(|| "https://graph.microsoft.com".to_owned());
        });
        let (id, secret) = self.client("own-app");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
            ("code", code.as_str()),
            ("redirect_uri", "http://localhost/callback"),
            ("client_info", "1"),
        ];
        let path = if version == 1 {
            "oauth2/token"
        } else {
            "oauth2/v2.0/token"
        };
        let (status, body) = self.post(&format!("/{}/{path}", self.id()), &form).await;
        assert_eq!(status, 200, "{body}");
        let info = URL_SAFE_NO_PAD.decode(body["client_info"].as_str().unwrap());
        [
            payload(&body["access_token"]),
            payload(&body["id_token"]),
            serde_json::from_slice(&info.unwrap()).unwrap(),
        ]
    }

    /// The tenant from which the guest comes.
    fn home_of_guest(&self) -> Arc<Tenant> {
        let id = self.facts.apps["vendor-app"].tenant_id;
        self.world.tenant_anywhere(id).unwrap()
    }
}

const NAME: &str = "guest@litware.onmicrosoft.com";

#[tokio::test]
async fn tokens_of_a_guest_name_the_home_tenant_and_the_name_there() {
    let mock = Mock::new();
    let home = mock.home_of_guest();
    let idp = format!("https://sts.windows.net/{}/", home.id);
    for version in [1, 2] {
        let [access, id, _] = mock
            .told_of("guest", version, "openid profile User.Read")
            .await;
        for (claims, by_v2) in [(&access, false), (&id, version == 2)] {
            assert_eq!(claims["idp"], idp, "{claims}");
            assert_eq!(claims["tid"], mock.id(), "{claims}");
            assert_eq!(
                claims["oid"],
                json!(mock.facts.users["guest"].id),
                "{claims}"
            );
            assert_eq!(claims["email"], NAME, "{claims}");
            let name = if by_v2 {
                "preferred_username"
            } else {
                "unique_name"
            };
            assert_eq!(claims[name], NAME, "{claims}");
            assert!(claims.get("upn").is_none(), "{claims}");
        }
        assert_eq!(access["acct"], 1, "{access}");
    }
}

#[tokio::test]
async fn tokens_of_a_member_have_the_name_here_and_no_mail_unasked() {
    let mock = Mock::new();
    let upn = &mock.facts.users["alice"].upn;
    for version in [1, 2] {
        let [access, id, info] = mock
            .told_of("alice", version, "openid profile User.Read")
            .await;
        assert_eq!(access["upn"], *upn, "{access}");
        assert_eq!(access["idp"], access["iss"], "{access}");
        assert_eq!(access["acct"], 0, "{access}");
        assert!(access.get("email").is_none(), "{access}");
        // Whoever signs in at v1 has asked for all that OpenID Connect has.
        assert_eq!(id.get("email").is_some(), version == 1, "{id}");
        assert!(id.get("idp").is_none(), "{id}");
        assert_eq!(info["utid"], mock.id(), "{info}");
        assert_eq!(info["uid"], json!(mock.facts.users["alice"].id), "{info}");
    }
}

#[tokio::test]
async fn client_info_names_the_account_at_home() {
    let mock = Mock::new();
    let home = mock.home_of_guest();
    let [_, _, info] = mock.told_of("guest", 2, "openid User.Read").await;
    assert_eq!(info["utid"], json!(home.id), "{info}");
    let account = home.write(|directory| {
        let mut account: User = directory.find_user("vendor-admin").unwrap().clone();
        account.id = ObjectId(Uuid::from_u128(77));
        account.user_principal_name = UserPrincipalName::new(NAME);
        directory.users.insert(account.id, account.clone());
        account
    });
    let [_, _, info] = mock.told_of("guest", 2, "openid User.Read").await;
    assert_eq!(info["uid"], json!(account.id), "{info}");
    assert_eq!(info["utid"], json!(home.id), "{info}");
}
