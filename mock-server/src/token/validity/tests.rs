mod sequences;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::directory::{
    ApplicationId, Event, ObjectId, PasswordResetBy, RevokedBy, ServicePrincipal, TenantId,
};
use crate::environment::Environment;
use crate::random::Random;
use crate::world::seed::{SeedContext, SeedFile};

fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn later(hours: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(hours)
}

fn directory() -> Directory {
    let text = "schema: 1\ntenants:\n  one:\n    name: One\n    environment: office365\n    \
                domain: one.example\n    users: {alice: {name: Alice A}, bob: {name: Bob B}}\n    \
                apps: {web: {name: Web, secrets: [{}]}}\n";
    let context = SeedContext {
        now: noon(),
        client_certificate: None,
    };
    SeedFile::parse(text)
        .unwrap()
        .directories(&context)
        .unwrap()
        .remove(0)
}

fn token(directory: &Directory, class: ClientClass, method: AuthenticationMethod) -> RefreshToken {
    RefreshToken {
        padding: String::new(),
        sign_in: SignIn {
            family: Uuid::from_u128(1),
            tenant: directory.id,
            client: directory.app_id("web").unwrap(),
            client_class: class,
            user: directory.find_user("alice").unwrap().id,
            auth_time: noon(),
            moment: noon(),
            method,
            mfa_time: None,
            session: Uuid::from_u128(2),
            compliant_device: false,
        },
        generation: 1,
        first_issued: noon(),
        issued: noon(),
        resource: ApplicationId(Uuid::nil()),
        audience: String::new(),
        named: String::new(),
        scopes: BTreeSet::new(),
    }
}

fn after(events: &[Event], class: ClientClass, method: AuthenticationMethod) -> Result<(), u32> {
    let mut directory = directory();
    let token = token(&directory, class, method);
    for event in events {
        directory
            .apply(event, later(1), &Random::seeded(1))
            .unwrap();
    }
    refresh_token(&token, &directory, Attempt::from_loopback(later(2))).map_err(Invalid::aadsts)
}

fn alice() -> String {
    "alice".to_owned()
}

/// Rows RT01 to RT08 of the documented matrix: public with password, public without, confidential.
#[test]
fn the_documented_matrix_holds() {
    use AuthenticationMethod::{NonPassword, Password};
    use ClientClass::{Confidential, Public};
    let reset = |by| Event::ResetPassword {
        user: alice(),
        by,
        password: None,
    };
    let revoke = |by| Event::RevokeSessions { user: alice(), by };
    let rows = [
        (
            Event::ExpirePassword { user: alice() },
            [false, false, false],
        ),
        (
            Event::ChangePassword {
                user: alice(),
                password: None,
            },
            [true, false, false],
        ),
        (reset(PasswordResetBy::SelfService), [true, false, false]),
        (reset(PasswordResetBy::AdminPortal), [true, false, false]),
        (reset(PasswordResetBy::AdminCenter), [true, true, true]),
        (revoke(RevokedBy::User), [true, true, true]),
        (revoke(RevokedBy::Admin), [true, true, true]),
        (
            Event::SingleSignOut { user: alice() },
            [false, false, false],
        ),
    ];
    let columns = [
        (Public, Password),
        (Public, NonPassword),
        (Confidential, Password),
    ];
    for (event, dies) in rows {
        for ((class, method), dies) in columns.into_iter().zip(dies) {
            let expected = if dies { Err(50173) } else { Ok(()) };
            let found = after(std::slice::from_ref(&event), class, method);
            assert_eq!(found, expected, "{event:?} {class:?} {method:?}");
        }
    }
}

#[test]
fn the_switch_extends_password_events_to_confidential_clients() {
    let mut directory = directory();
    let token = token(
        &directory,
        ClientClass::Confidential,
        AuthenticationMethod::NonPassword,
    );
    directory
        .switches
        .password_events_reach_confidential_clients = true;
    let change = Event::ChangePassword {
        user: alice(),
        password: None,
    };
    directory
        .apply(&change, later(1), &Random::seeded(1))
        .unwrap();
    assert_eq!(
        refresh_token(&token, &directory, Attempt::from_loopback(later(2)))
            .map_err(Invalid::aadsts),
        Err(50173)
    );
}

#[test]
fn a_sign_in_after_the_revocation_is_good() {
    let mut directory = directory();
    let revoke = Event::RevokeSessions {
        user: alice(),
        by: RevokedBy::Admin,
    };
    directory
        .apply(&revoke, later(1), &Random::seeded(1))
        .unwrap();
    let mut token = token(
        &directory,
        ClientClass::Public,
        AuthenticationMethod::Password,
    );
    token.sign_in.auth_time = later(2);
    token.sign_in.moment = later(2);
    assert_eq!(
        refresh_token(&token, &directory, Attempt::from_loopback(later(3))),
        Ok(())
    );
}

#[test]
fn another_users_events_change_nothing() {
    let bob = "bob".to_owned();
    let events = [
        Event::RevokeSessions {
            user: bob.clone(),
            by: RevokedBy::Admin,
        },
        Event::DisableUser { user: bob },
    ];
    assert_eq!(
        after(&events, ClientClass::Public, AuthenticationMethod::Password),
        Ok(())
    );
}

#[test]
fn deadlines_are_ninety_days_and_for_single_page_applications_one() {
    let directory = directory();
    let public = token(
        &directory,
        ClientClass::Public,
        AuthenticationMethod::Password,
    );
    let spa = token(&directory, ClientClass::Spa, AuthenticationMethod::Password);
    let check = |token: &RefreshToken, hours| {
        refresh_token(token, &directory, Attempt::from_loopback(later(hours)))
            .map_err(Invalid::aadsts)
    };
    assert_eq!(check(&public, 24 * 90 - 1), Ok(()));
    assert_eq!(check(&public, 24 * 90), Err(700082));
    assert_eq!(check(&spa, 23), Ok(()));
    assert_eq!(check(&spa, 24), Err(700084));
    let mut replaced = spa;
    replaced.issued = later(20);
    assert_eq!(
        check(&replaced, 24),
        Err(700084),
        "replacements inherit the deadline"
    );
}

#[test]
fn accounts_come_before_revocation() {
    let revoke = Event::RevokeSessions {
        user: alice(),
        by: RevokedBy::Admin,
    };
    let disable = Event::DisableUser { user: alice() };
    let delete = Event::DeleteUser { user: alice() };
    let class = (ClientClass::Confidential, AuthenticationMethod::Password);
    assert_eq!(
        after(&[revoke.clone(), disable.clone()], class.0, class.1),
        Err(50057)
    );
    assert_eq!(
        after(&[disable.clone(), delete.clone()], class.0, class.1),
        Err(500341)
    );
    let enable = Event::EnableUser { user: alice() };
    assert_eq!(after(&[disable, enable], class.0, class.1), Ok(()));
    let restore = Event::RestoreUser { user: alice() };
    assert_eq!(after(&[delete, restore], class.0, class.1), Ok(()));
}

#[test]
fn policies_gate_the_token_and_leave_it_intact() {
    let everybody = |event: fn(Option<String>, Option<String>) -> Event| event(None, None);
    let mfa = everybody(|user, app| Event::RequireMfa { user, app });
    let block = everybody(|user, app| Event::BlockByPolicy {
        user,
        app,
        inside: None,
        outside: None,
    });
    let device = everybody(|user, app| Event::RequireCompliantDevice { user, app });
    let terms = everybody(|user, app| Event::RequireTermsOfUse { user, app });
    let method = AuthenticationMethod::Password;
    let check = |events: &[Event]| after(events, ClientClass::Confidential, method);
    assert_eq!(check(std::slice::from_ref(&mfa)), Err(50076));
    assert_eq!(check(&[mfa, block]), Err(53003), "a block comes first");
    assert_eq!(check(&[device]), Err(53000));
    assert_eq!(check(&[terms]), Err(50158));
    let risk = Event::SetUserRisk {
        user: alice(),
        risk: Risk::High,
        policy: None,
    };
    assert_eq!(check(&[risk]), Err(53003));
}

#[test]
fn sign_in_frequency_waits_for_interaction_with_confidential_clients() {
    let every_hour = Event::SetSignInFrequency {
        user: None,
        app: None,
        seconds: 3600,
        second_factor: false,
    };
    let method = AuthenticationMethod::Password;
    let events = std::slice::from_ref(&every_hour);
    assert_eq!(after(events, ClientClass::Public, method), Err(70043));
    assert_eq!(after(events, ClientClass::Confidential, method), Ok(()));
    let mut directory = directory();
    directory
        .apply(&every_hour, noon(), &Random::seeded(1))
        .unwrap();
    let token = token(&directory, ClientClass::Confidential, method);
    let interactive = access(
        &token.sign_in,
        &directory,
        Attempt::from_loopback(later(2)),
        Use::Interactive,
    );
    assert_eq!(interactive.map_err(Invalid::aadsts), Err(70043));
}

#[test]
fn unassigned_users_are_refused_where_assignment_is_required() {
    let app = "web".to_owned();
    let require = Event::RequireAssignment { app: app.clone() };
    let assign = Event::AssignUser { app, user: alice() };
    let method = AuthenticationMethod::Password;
    assert_eq!(
        after(std::slice::from_ref(&require), ClientClass::Public, method),
        Err(50105)
    );
    assert_eq!(
        after(&[require, assign], ClientClass::Public, method),
        Ok(())
    );
}

#[test]
fn an_app_without_a_service_principal_is_not_gated_by_assignment() {
    let mut directory = directory();
    let token = token(
        &directory,
        ClientClass::Public,
        AuthenticationMethod::Password,
    );
    let principal: Option<ServicePrincipal> = directory
        .service_principals
        .shift_remove(&token.sign_in.client);
    assert!(principal.is_some());
    assert_eq!(
        refresh_token(&token, &directory, Attempt::from_loopback(later(1))),
        Ok(())
    );
    assert_eq!(
        (directory.environment, token.sign_in.tenant),
        (Environment::Office365, directory.id)
    );
    let nobody = RefreshToken {
        sign_in: SignIn {
            user: ObjectId(Uuid::nil()),
            tenant: TenantId(Uuid::nil()),
            ..token.sign_in.clone()
        },
        ..token
    };
    assert_eq!(
        refresh_token(&nobody, &directory, Attempt::from_loopback(later(1))),
        Err(Invalid::UserUnknown)
    );
}

/// Of several policies the first in the service's order is told, whichever was made first.
#[test]
fn the_order_of_demands_is_not_the_order_in_which_policies_were_made() {
    let (user, app) = (None, None);
    let demands = [
        (
            Event::BlockByPolicy {
                user: user.clone(),
                app: app.clone(),
                inside: None,
                outside: None,
            },
            53003,
        ),
        (
            Event::RequireMfa {
                user: user.clone(),
                app: app.clone(),
            },
            50076,
        ),
        (
            Event::RequireCompliantDevice {
                user: user.clone(),
                app: app.clone(),
            },
            53000,
        ),
        (
            Event::RequireTermsOfUse {
                user: user.clone(),
                app: app.clone(),
            },
            50158,
        ),
        (
            Event::SetSignInFrequency {
                user,
                app,
                seconds: 3600,
                second_factor: false,
            },
            70043,
        ),
    ];
    let method = AuthenticationMethod::Password;
    for (index, (earlier, code)) in demands.iter().enumerate() {
        for (later, _) in &demands[index + 1..] {
            for events in [
                [earlier.clone(), later.clone()],
                [later.clone(), earlier.clone()],
            ] {
                let found = after(&events, ClientClass::Public, method);
                assert_eq!(found, Err(*code), "{events:?}");
            }
        }
    }
}

#[test]
fn on_the_pages_the_password_comes_before_the_second_factor() {
    let mut directory = directory();
    let token = token(
        &directory,
        ClientClass::Public,
        AuthenticationMethod::Password,
    );
    let events = [
        Event::RequireMfa {
            user: None,
            app: None,
        },
        Event::SetSignInFrequency {
            user: None,
            app: None,
            seconds: 3600,
            second_factor: false,
        },
    ];
    for event in events {
        directory.apply(&event, noon(), &Random::seeded(1)).unwrap();
    }
    let found = access(
        &token.sign_in,
        &directory,
        Attempt::from_loopback(later(2)),
        Use::Interactive,
    );
    assert_eq!(found.map_err(Invalid::aadsts), Err(70043));
}
