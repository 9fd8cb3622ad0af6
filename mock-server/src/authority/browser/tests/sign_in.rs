use super::{Mock, query};
use crate::directory::{Event, RevocationCause, RevokedBy};

#[tokio::test]
async fn a_user_signs_in_with_name_and_password() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let answer = browser
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    let parameters = answer.parameters();
    assert!(parameters["code"].starts_with("1.A"), "{parameters:?}");
    assert_eq!(parameters["state"], "s t&1");
    assert!(parameters.contains_key("session_state"));
    assert_eq!(answer.annotation.user, Some(mock.user("alice").id));
    assert_eq!(answer.annotation.tokens.len(), 1);
    assert!(browser.has_cookies());

    // The session answers the next request by itself, also a silent one.
    let silent = browser
        .get(&mock.authorize("own-app", &[("prompt", "none")]))
        .await;
    assert!(silent.parameters().contains_key("code"));
}

#[tokio::test]
async fn sign_ins_stand_in_the_log_with_their_codes() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let alice = mock.user("alice");
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    let upn = alice.user_principal_name.to_string();
    let page = browser.press(&page, "next", &[("loginfmt", &upn)]).await;
    let page = browser
        .press(&page, "sign-in", &[("passwd", "wrong")])
        .await;
    browser
        .press(&page, "sign-in", &[("passwd", &alice.password)])
        .await;
    let codes: Vec<(u64, String)> = mock.tenant.read_documents(|documents| {
        documents
            .list("auditLogs/signIns")
            .map(|it| {
                let code = it.properties["status"]["errorCode"].as_u64().unwrap();
                let user = it.properties["userId"].as_str().unwrap().to_owned();
                (code, user)
            })
            .collect()
    });
    let id = alice.id.to_string();
    assert_eq!(codes, [(50126, id.clone()), (0, id)]);
}

#[tokio::test]
async fn a_silent_sign_in_where_every_tenant_may_be_asks_for_a_sign_in() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    browser
        .sign_in(&mock.authorize("vendor-app", &[]), "alice")
        .await;
    let silent = [
        ("prompt", "none"),
        ("domain_hint", "litware.onmicrosoft.com"),
    ];
    let uri = mock.authorize("vendor-app", &silent);
    let common = uri.replace(&mock.tenant.id.to_string(), "common");
    let told = &browser.get(&common).await.parameters()["error_description"];
    assert!(told.starts_with("AADSTS50058:"), "{told}");
}

#[tokio::test]
async fn wrong_names_and_passwords_are_said_beside_the_field() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    let unknown = browser
        .press(
            &page,
            "next",
            &[("loginfmt", "nobody@contoso.onmicrosoft.com")],
        )
        .await;
    assert_eq!(
        (unknown.page().as_str(), unknown.error_code()),
        ("sign-in", 50034)
    );
    let empty = browser.press(&page, "next", &[]).await;
    assert_eq!(empty.page(), "sign-in");

    let upn = mock.user("alice").user_principal_name.to_string();
    let page = browser.press(&unknown, "next", &[("loginfmt", &upn)]).await;
    let mut page = browser
        .press(&page, "sign-in", &[("passwd", "wrong")])
        .await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("password", 50126)
    );
    assert_eq!(page.annotation.aadsts, [50126]);
    for _ in 0..9 {
        page = browser
            .press(&page, "sign-in", &[("passwd", "wrong")])
            .await;
    }
    let right = mock.user("alice").password;
    let locked = browser.press(&page, "sign-in", &[("passwd", &right)]).await;
    assert_eq!(
        (locked.page().as_str(), locked.error_code()),
        ("password", 50053)
    );
    mock.tenant
        .clock
        .advance(jiff::SignedDuration::from_secs(61));
    let answer = browser
        .press(&locked, "sign-in", &[("passwd", &right)])
        .await;
    assert!(answer.parameters().contains_key("code"));
}

#[tokio::test]
async fn disabled_and_deleted_accounts_do_not_sign_in() {
    let mock = Mock::new();
    mock.event(&Event::DisableUser {
        user: "alice".into(),
    });
    let answer = mock
        .browser()
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    assert_eq!(
        (answer.page().as_str(), answer.error_code()),
        ("error", 50057)
    );
    let bob = mock.user("bob").user_principal_name.to_string();
    mock.event(&Event::DeleteUser { user: "bob".into() });
    let mut browser = mock.browser();
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    let page = browser.press(&page, "next", &[("loginfmt", &bob)]).await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("sign-in", 50034)
    );
}

#[tokio::test]
async fn an_expired_password_is_changed_on_the_way() {
    let mock = Mock::new();
    mock.event(&Event::ExpirePassword {
        user: "alice".into(),
    });
    let old = mock.user("alice").password;
    let mut browser = mock.browser();
    let page = browser
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("password-change", 50055)
    );
    let differ = [
        ("passwd", old.as_str()),
        ("newpasswd", "New-1"),
        ("confirmpasswd", "New-2"),
    ];
    let page = browser.press(&page, "change-password", &differ).await;
    assert_eq!(page.page(), "password-change");
    let wrong = [
        ("passwd", "wrong"),
        ("newpasswd", "New-1"),
        ("confirmpasswd", "New-1"),
    ];
    let page = browser.press(&page, "change-password", &wrong).await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("password-change", 50126)
    );
    let right = [
        ("passwd", old.as_str()),
        ("newpasswd", "New-1"),
        ("confirmpasswd", "New-1"),
    ];
    let answer = browser.press(&page, "change-password", &right).await;
    assert!(answer.parameters().contains_key("code"));
    assert_eq!(mock.user("alice").password, "New-1");
}

#[tokio::test]
async fn a_quick_pick_signs_in_with_one_press() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    let upn = mock.user("bob").user_principal_name.to_string();
    let answer = browser.press(&page, &format!("pick={upn}"), &[]).await;
    assert!(answer.parameters().contains_key("code"));
    assert_eq!(answer.annotation.user, Some(mock.user("bob").id));
}

#[tokio::test]
async fn a_security_key_survives_a_password_reset() {
    let mock = Mock::new();
    let upn = mock.user("alice").user_principal_name.to_string();
    let uri = mock.authorize("own-app", &[("login_hint", &upn)]);
    let mut with_key = mock.browser();
    let page = with_key.get(&uri).await;
    assert_eq!(page.page(), "password");
    let answer = with_key.press(&page, "security-key", &[]).await;
    assert!(answer.parameters().contains_key("code"));
    let mut with_password = mock.browser();
    let page = with_password.get(&uri).await;
    with_password
        .press(
            &page,
            "sign-in",
            &[("passwd", &mock.user("alice").password)],
        )
        .await;

    mock.event(&Event::ResetPassword {
        user: "alice".into(),
        by: crate::directory::PasswordResetBy::AdminPortal,
        password: None,
    });
    let silent = mock.authorize("own-app", &[("prompt", "none")]);
    assert!(
        with_key
            .get(&silent)
            .await
            .parameters()
            .contains_key("code")
    );
    assert_eq!(
        with_password.get(&silent).await.parameters()["error"],
        "login_required"
    );
    mock.event(&Event::RevokeSessions {
        user: "alice".into(),
        by: RevokedBy::Admin,
    });
    assert_eq!(
        with_key.get(&silent).await.parameters()["error"],
        "login_required"
    );
}

#[tokio::test]
async fn a_sign_in_just_after_a_revocation_stands_though_the_clock_does() {
    let mock = Mock::new();
    mock.tenant.clock.freeze();
    mock.event(&Event::RevokeSessions {
        user: "alice".into(),
        by: RevokedBy::Admin,
    });
    let mut browser = mock.browser();
    browser
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    let silent = browser
        .get(&mock.authorize("own-app", &[("prompt", "none")]))
        .await;
    assert!(silent.parameters().contains_key("code"));
    assert_eq!(
        mock.user("alice").revocations[0].cause,
        RevocationCause::RevokedByAdministrator
    );
}

#[tokio::test]
async fn several_accounts_lead_to_the_picker() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let login = mock.authorize("own-app", &[("prompt", "login")]);
    browser.sign_in(&login, "alice").await;
    browser.sign_in(&login, "bob").await;
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    assert_eq!(page.page(), "pick-account");
    let bob = mock.user("bob");
    let tile = format!("account={} {}", mock.tenant.id, bob.id);
    let answer = browser.press(&page, &tile, &[]).await;
    assert_eq!(answer.annotation.user, Some(bob.id));
    let other = browser.press(&page, "other-account", &[]).await;
    assert_eq!(other.page(), "sign-in");
    let silent = browser
        .get(&mock.authorize("own-app", &[("prompt", "none")]))
        .await;
    assert_eq!(silent.parameters()["error"], "interaction_required");
    // Source: learn.microsoft.com/entra/msal/javascript/browser/login-user.
    assert!(silent.parameters()["error_description"].starts_with(
        "AADSTS16000: Either multiple user identities are available for the current request or \
         selected account is not supported for the scenario."
    ));
    // A hint chooses without asking.
    let hint = mock.user("alice").user_principal_name.to_string();
    let hinted = [("prompt", "none"), ("login_hint", hint.as_str())];
    let answer = browser.get(&mock.authorize("own-app", &hinted)).await;
    assert_eq!(answer.annotation.user, Some(mock.user("alice").id));
}

#[tokio::test]
async fn select_account_asks_even_for_one() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    browser
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    let alice = mock.user("alice").user_principal_name.to_string();
    for hint in [None, Some(alice.as_str()), Some("nobody@nowhere.example")] {
        let mut query = vec![("prompt", "select_account")];
        query.extend(hint.map(|hint| ("login_hint", hint)));
        let page = browser.get(&mock.authorize("own-app", &query)).await;
        assert_eq!(page.page(), "pick-account", "{hint:?}");
    }
    let page = browser
        .get(&mock.authorize("own-app", &[("prompt", "login")]))
        .await;
    assert_eq!(page.page(), "sign-in");
}

#[tokio::test]
async fn conditional_access_asks_or_blocks() {
    let mock = Mock::new();
    let uri = mock.authorize("own-app", &[]);
    mock.event(&Event::RequireMfa {
        user: Some("alice".into()),
        app: None,
    });
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "mfa");
    let denied = browser.press(&page, "deny", &[]).await;
    assert_eq!(
        (denied.page().as_str(), denied.error_code()),
        ("error", 50074)
    );
    let answer = browser.press(&page, "approve", &[]).await;
    assert!(answer.parameters().contains_key("code"));

    mock.event(&Event::RequireTermsOfUse {
        user: Some("alice".into()),
        app: None,
    });
    let silent = browser
        .get(&mock.authorize("own-app", &[("prompt", "none")]))
        .await;
    assert_eq!(silent.parameters()["error"], "interaction_required");
    let page = browser.get(&uri).await;
    assert_eq!(page.page(), "terms-of-use");
    let answer = browser.press(&page, "accept", &[]).await;
    assert!(answer.parameters().contains_key("code"));

    mock.event(&Event::SetSignInFrequency {
        user: Some("alice".into()),
        app: None,
        seconds: 3600,
        second_factor: false,
    });
    mock.tenant
        .clock
        .advance(jiff::SignedDuration::from_hours(2));
    let page = browser.get(&uri).await;
    assert_eq!(page.page(), "password");
    let page = browser
        .press(
            &page,
            "sign-in",
            &[("passwd", &mock.user("alice").password)],
        )
        .await;
    let answer = browser.press(&page, "approve", &[]).await;
    assert!(answer.parameters().contains_key("code"));

    mock.event(&Event::BlockByPolicy {
        user: Some("alice".into()),
        app: None,
        inside: None,
        outside: None,
    });
    let page = browser.get(&uri).await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 53003));
    mock.event(&Event::RequireCompliantDevice {
        user: Some("bob".into()),
        app: None,
    });
    let page = mock.browser().sign_in(&uri, "bob").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("compliant-device", 53000)
    );
}

#[tokio::test]
async fn an_app_may_require_assignment_or_be_switched_off() {
    let mock = Mock::new();
    let uri = mock.authorize("own-app", &[]);
    mock.event(&Event::RequireAssignment {
        app: "own-app".into(),
    });
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 50105));
    mock.event(&Event::AssignUser {
        app: "own-app".into(),
        user: "alice".into(),
    });
    let answer = mock.browser().sign_in(&uri, "alice").await;
    assert!(answer.parameters().contains_key("code"));
    mock.event(&Event::DisableApp {
        app: "own-app".into(),
    });
    let page = mock.browser().get(&uri).await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("error", 7000112)
    );
}

#[tokio::test]
async fn users_of_other_tenants_are_refused_and_guests_are_not() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    let vendor = "vendor-admin@litware.onmicrosoft.com";
    let refused = browser.press(&page, "next", &[("loginfmt", vendor)]).await;
    assert_eq!(
        (refused.page().as_str(), refused.error_code()),
        ("error", 50020)
    );
    let guest = mock
        .browser()
        .sign_in(&mock.authorize("own-app", &[]), "guest")
        .await;
    assert!(guest.parameters().contains_key("code"));
}

#[tokio::test]
async fn organizations_leaves_the_tenant_to_the_name() {
    let mock = Mock::new();
    let tenant = mock.tenant.id.to_string();
    let uri = mock
        .authorize("vendor-app", &[])
        .replace(&tenant, "organizations");
    let mut browser = mock.browser();
    let answer = browser.sign_in(&uri, "alice").await;
    assert_eq!(
        answer.annotation.tenant,
        Some(mock.tenant.id),
        "{}",
        answer.html
    );
    let page = browser
        .get(&mock.authorize("own-app", &[]).replace(&tenant, "common"))
        .await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 50194));
    let page = browser
        .get(&mock.authorize("own-app", &[]).replace(&tenant, "consumers"))
        .await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("error", 9002332)
    );
}

#[tokio::test]
async fn a_query_that_is_too_long_is_refused_as_a_whole() {
    let mock = Mock::new();
    let long = "s".repeat(9000);
    let page = mock
        .browser()
        .get(&mock.authorize("own-app", &[("state", &long)]))
        .await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 90015));
}

#[tokio::test]
async fn an_administrators_consent_at_v2_is_not_for_all_tenants_and_people() {
    let mock = Mock::new();
    let client = mock.app("vendor-app").app_id.to_string();
    let link = query(&[("client_id", client.as_str()), ("scope", ".default")]);
    for segment in ["common", "consumers"] {
        let uri = format!("/{segment}/v2.0/adminconsent?{link}");
        assert_eq!(mock.browser().get(&uri).await.error_code(), 9002328);
    }
    let v1 = format!("/common/adminconsent?{link}");
    assert_eq!(mock.browser().get(&v1).await.page(), "sign-in");
}

#[tokio::test]
async fn a_disabled_registration_signs_nobody_in() {
    let mock = Mock::new();
    let uri = mock.authorize("own-app", &[]);
    let link = format!(
        "/{}/adminconsent?client_id={}",
        mock.tenant.id,
        mock.app("own-app").app_id
    );
    let mut browser = mock.browser();
    let page = browser.get(&uri).await;
    mock.change_app("own-app", |app| app.disabled = true);
    for uri in [&uri, &link] {
        let refused = mock.browser().get(uri).await;
        assert_eq!(
            (refused.page().as_str(), refused.error_code()),
            ("error", 7000112),
            "{uri}"
        );
    }
    // Also on a page that was opened before.
    let upn = mock.user("alice").user_principal_name.to_string();
    let page = browser.press(&page, "next", &[("loginfmt", &upn)]).await;
    let password = mock.user("alice").password;
    let refused = browser
        .press(&page, "sign-in", &[("passwd", &password)])
        .await;
    assert_eq!(refused.error_code(), 7000112);
}

/// Source: AzureAD/azure-activedirectory-library-for-dotnet PromptBehavior.cs.
#[tokio::test]
async fn libraries_have_prompts_of_their_own() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let asked = |prompt: &'static str| {
        mock.authorize("own-app", &[("prompt", prompt)])
            .replace("/v2.0", "")
    };
    let nobody = browser.get(&asked("attempt_none")).await;
    assert_eq!(nobody.parameters()["error"], "login_required");
    let page = browser.get(&asked("refresh_session")).await;
    assert_eq!(page.page(), "sign-in");
    browser
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    for prompt in ["attempt_none", "refresh_session"] {
        let answer = browser.get(&asked(prompt)).await;
        assert!(answer.parameters().contains_key("code"), "{prompt}");
    }
}
