//! What is told where several things are wrong: account, revocation, consent, assignment and
//! policies, each of which hides those after it.

use super::*;
use crate::authority::verdict;
use crate::directory::RevokedBy;

#[tokio::test]
async fn a_refresh_that_many_things_refuse_is_told_them_in_the_services_order() {
    let mock = Mock::new();
    let app = || "native-app".to_owned();
    let alice = || "alice".to_owned();
    let refresh = provocation("RT20", Column::PublicPassword).unwrap();
    let token = mock.refresh_token(&refresh, Column::PublicPassword);
    mock.tenant.clock.advance(SignedDuration::from_secs(1));
    for event in [
        Event::RequireMfa {
            user: None,
            app: None,
        },
        Event::RequireAssignment { app: app() },
        Event::RevokeConsent {
            app: app(),
            user: None,
        },
        Event::RevokeSessions {
            user: alice(),
            by: RevokedBy::Admin,
        },
        Event::DisableUser { user: alice() },
    ] {
        mock.happen(&event);
    }
    let told = async |expected: u64| {
        let answer = mock.present(&refresh, &token, "").await;
        assert_eq!(code_of(&answer), expected, "{answer:?}");
        let opened = RefreshToken::open(&token, &mock.world.sealer).unwrap();
        let verdict = verdict::refresh_token(&mock.world, &opened);
        assert_eq!(u64::from(verdict.unwrap_err().aadsts), expected);
    };
    told(50057).await;
    mock.happen(&Event::EnableUser { user: alice() });
    told(50173).await;
    let id = mock.facts.users["alice"].id;
    mock.tenant.write(|it| it.users[&id].revocations.clear());
    told(65001).await;
    mock.happen(&Event::GrantConsent {
        app: app(),
        user: None,
        scopes: vec!["User.Read".to_owned()],
    });
    told(50105).await;
    mock.happen(&Event::AssignUser {
        app: app(),
        user: alice(),
    });
    told(50076).await;
}
