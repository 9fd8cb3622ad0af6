//! What becomes of the objects.

use super::uses::{Act, Bench, Use};
use crate::authority::resolve::graph_id;
use crate::directory::{
    Application, Directory, Event, ObjectId, PasswordResetBy, RevokedBy, Risk, ServicePrincipal,
    SignInAudience, User,
};

/// A state of an object.
pub(super) struct State {
    /// As `objects.csv` has it.
    pub(super) name: &'static str,
    /// Which places touch the object.
    pub(super) fits: fn(Use) -> bool,
    /// Makes it so.
    pub(super) change: fn(&Bench, Use),
}

const fn state(name: &'static str, fits: fn(Use) -> bool, change: fn(&Bench, Use)) -> State {
    State { name, fits, change }
}

/// All states: of the client, the API, the user, the tenant, the guest's home, and of policies.
pub(super) const STATES: &[State] = &[
    // The client.
    state("client-disabled", any, |bench, usage| {
        principal(bench, usage, |it| it.enabled = false);
    }),
    state("client-registration-disabled", any, |bench, usage| {
        registration(bench, usage, |it| it.disabled = true);
    }),
    state("client-deleted", any, |bench, usage| {
        let id = bench.id(usage.client);
        for tenant in [bench.home().as_ref(), bench.tenant()] {
            tenant.write(|directory| {
                directory.applications.shift_remove(&id);
                directory.remove_principal(id);
            });
        }
    }),
    state("client-principal-deleted", any, |bench, usage| {
        let id = bench.id(usage.client);
        bench.change(|directory| directory.remove_principal(id));
    }),
    state("client-home-deleted", is_foreign, |bench, _| {
        bench.at_home(&Event::DeleteTenant {});
    }),
    state("client-home-blocked", is_foreign, |bench, _| {
        bench.at_home(&Event::BlockTenant {});
    }),
    state("client-home-removed", is_foreign, |bench, _| {
        remove_home(bench);
    }),
    state("client-single-tenant", is_foreign, |bench, usage| {
        registration(bench, usage, |it| {
            it.sign_in_audience = SignInAudience::SingleTenant;
        });
    }),
    state("client-personal", any, |bench, usage| {
        registration(bench, usage, |it| {
            it.sign_in_audience = SignInAudience::Personal;
        });
    }),
    state("client-secret-expired", Use::has_secret, |bench, usage| {
        registration(bench, usage, |it| {
            it.secrets.iter_mut().for_each(|it| it.end = it.start);
        });
    }),
    state("client-secret-removed", Use::has_secret, |bench, usage| {
        registration(bench, usage, |it| it.secrets.clear());
    }),
    state("client-redirect-removed", has_redirect, |bench, usage| {
        registration(bench, usage, |it| {
            it.redirect_uris.remove(0);
        });
    }),
    state("client-assignment", any, |bench, usage| {
        principal(bench, usage, |it| it.assignment_required = true);
    }),
    state("client-at-risk", any, |bench, usage| {
        principal(bench, usage, |it| it.risk = Risk::High);
    }),
    state("consent-withdrawn", has_consent, |bench, usage| {
        let id = bench.id(usage.client);
        bench.change(|directory| directory.grants.retain(|it| it.client != id));
    }),
    // The API.
    state("api-disabled", for_api, |bench, _| {
        let id = bench.id("middle-tier-api");
        bench.change(|it| it.service_principals[&id].enabled = false);
    }),
    state("api-registration-disabled", for_api, |bench, _| {
        api(bench, |it| it.disabled = true);
    }),
    state("api-principal-deleted", for_api, |bench, _| {
        let id = bench.id("middle-tier-api");
        bench.change(|it| it.remove_principal(id));
    }),
    state("api-deleted", for_api, |bench, _| {
        let app = "middle-tier-api".to_owned();
        bench.happen(&Event::DeleteApp { app });
    }),
    state("api-scope-disabled", has_scope, |bench, _| {
        api(bench, |it| {
            let scopes = &mut it.api.as_mut().unwrap().scopes;
            for scope in scopes {
                scope.enabled = false;
            }
        });
    }),
    state("api-scope-removed", has_scope, |bench, _| {
        api(bench, |it| it.api.as_mut().unwrap().scopes.clear());
    }),
    state("api-uri-removed", for_api, |bench, _| {
        api(bench, |it| it.api.as_mut().unwrap().identifier_uris.clear());
    }),
    state("api-assignment", for_api, |bench, _| {
        let id = bench.id("middle-tier-api");
        bench.change(|it| it.service_principals[&id].assignment_required = true);
    }),
    state("api-home-deleted", for_api, |bench, _| {
        move_api(bench, |it| it.deleted = true);
    }),
    state("api-home-blocked", for_api, |bench, _| {
        move_api(bench, |it| it.blocked = true);
    }),
    state("graph-disabled", for_graph, |bench, _| {
        let (random, now) = (&bench.mock.world.random, bench.tenant().now());
        let id = ObjectId(random.uuid());
        bench.change(|directory| {
            let mut principal = ServicePrincipal::new(id, graph_id(), directory.id, now);
            principal.enabled = false;
            directory.add_principal(principal);
        });
    }),
    // The user.
    state("user-disabled", is_member, |bench, usage| {
        user(bench, usage, |it| it.enabled = false);
    }),
    state("user-deleted", is_member, |bench, usage| {
        let user = name(usage);
        bench.happen(&Event::DeleteUser { user });
    }),
    state("user-erased", is_member, |bench, usage| {
        let id = bench.mock.user(&name(usage)).id;
        bench.change(|it| drop(it.users.shift_remove(&id)));
    }),
    state("user-sessions-revoked", is_member, |bench, usage| {
        let (user, by) = (name(usage), RevokedBy::Admin);
        bench.happen(&Event::RevokeSessions { user, by });
    }),
    state(
        "user-sessions-revoked-by-user",
        is_member,
        |bench, usage| {
            let (user, by) = (name(usage), RevokedBy::User);
            bench.happen(&Event::RevokeSessions { user, by });
        },
    ),
    state("user-password-changed", is_member, |bench, usage| {
        let (user, password) = (name(usage), Some("another password".to_owned()));
        bench.happen(&Event::ChangePassword { user, password });
    }),
    state("user-password-reset", is_member, |bench, usage| {
        bench.happen(&Event::ResetPassword {
            user: name(usage),
            by: PasswordResetBy::AdminCenter,
            password: Some("another password".to_owned()),
        });
    }),
    state("user-password-expired", is_member, |bench, usage| {
        let user = name(usage);
        bench.happen(&Event::ExpirePassword { user });
    }),
    state("user-locked", is_member, |bench, usage| {
        let user = name(usage);
        bench.happen(&Event::LockUser { user });
    }),
    state("user-at-risk", is_member, |bench, usage| {
        user(bench, usage, |it| it.risk = Risk::High);
    }),
    state("user-renamed", is_member, |bench, usage| {
        let (user, to) = (name(usage), "renamed@contoso.onmicrosoft.com".to_owned());
        bench.happen(&Event::RenameUser { user, to });
    }),
    state("user-signed-out", is_member, |bench, usage| {
        let user = name(usage);
        bench.happen(&Event::SingleSignOut { user });
    }),
    state("user-without-licence", is_member, |bench, usage| {
        let user = name(usage);
        bench.happen(&Event::RemoveLicence { user });
    }),
    // The tenant.
    state("tenant-deleted", any, |bench, _| {
        bench.happen(&Event::DeleteTenant {});
    }),
    state("tenant-blocked", any, |bench, _| {
        bench.happen(&Event::BlockTenant {});
    }),
    state("tenant-removed", any, |bench, _| {
        let cloud = bench.tenant().environment.cloud();
        bench.mock.world.remove(cloud, bench.tenant().id).unwrap();
    }),
    // The guest, here and at home.
    state("guest-disabled", Use::is_guest, |bench, usage| {
        user(bench, usage, |it| it.enabled = false);
    }),
    state("guest-deleted", Use::is_guest, |bench, usage| {
        let user = name(usage);
        bench.happen(&Event::DeleteUser { user });
    }),
    state("guest-home-refused", Use::is_guest, |bench, usage| {
        let user = name(usage);
        bench.happen(&Event::BlockHomeTenant { user });
    }),
    state("guest-home-deleted", Use::is_guest, |bench, _| {
        bench.at_home(&Event::DeleteTenant {});
    }),
    state("guest-home-blocked", Use::is_guest, |bench, _| {
        bench.at_home(&Event::BlockTenant {});
    }),
    state("guest-home-removed", Use::is_guest, |bench, _| {
        remove_home(bench);
    }),
    state("guest-disabled-at-home", Use::is_guest, |bench, _| {
        let user = "guest-at-home".to_owned();
        bench.at_home(&Event::DisableUser { user });
    }),
    state("guest-deleted-at-home", Use::is_guest, |bench, _| {
        let user = "guest-at-home".to_owned();
        bench.at_home(&Event::DeleteUser { user });
    }),
    state("guest-revoked-at-home", Use::is_guest, |bench, _| {
        let (user, by) = ("guest-at-home".to_owned(), RevokedBy::Admin);
        bench.at_home(&Event::RevokeSessions { user, by });
    }),
    state("guest-at-risk-at-home", Use::is_guest, |bench, _| {
        bench.at_home(&Event::SetUserRisk {
            user: "guest-at-home".to_owned(),
            risk: Risk::High,
            policy: None,
        });
    }),
    // Policies.
    state("policy-blocks", has_user, |bench, _| {
        bench.happen(&Event::BlockByPolicy {
            user: None,
            app: None,
            inside: None,
            outside: None,
        });
    }),
    state("policy-second-factor", has_user, |bench, _| {
        let (user, app) = (None, None);
        bench.happen(&Event::RequireMfa { user, app });
    }),
    state("policy-device", has_user, |bench, _| {
        let (user, app) = (None, None);
        bench.happen(&Event::RequireCompliantDevice { user, app });
    }),
    state("policy-terms", has_user, |bench, _| {
        let (user, app) = (None, None);
        bench.happen(&Event::RequireTermsOfUse { user, app });
    }),
];

fn any(_: Use) -> bool {
    true
}

fn is_foreign(usage: Use) -> bool {
    usage.client == "vendor-app"
}

fn has_redirect(usage: Use) -> bool {
    matches!(
        usage.act,
        Act::Silent | Act::Session | Act::Password | Act::Consent | Act::Code | Act::Refresh
    )
}

fn has_consent(usage: Use) -> bool {
    has_user(usage) && usage.act != Act::Consent
}

fn for_api(usage: Use) -> bool {
    usage.for_api
}

fn has_scope(usage: Use) -> bool {
    usage.for_api && usage.user.is_some()
}

fn for_graph(usage: Use) -> bool {
    !usage.for_api && !matches!(usage.act, Act::Graph | Act::UserInfo)
}

fn has_user(usage: Use) -> bool {
    usage.user.is_some()
}

fn is_member(usage: Use) -> bool {
    usage.user == Some("alice")
}

fn name(usage: Use) -> String {
    usage.user.unwrap().to_owned()
}

fn user(bench: &Bench, usage: Use, change: impl FnOnce(&mut User)) {
    let id = bench.mock.user(&name(usage)).id;
    bench.change(|it| change(&mut it.users[&id]));
}

fn principal(bench: &Bench, usage: Use, change: impl FnOnce(&mut ServicePrincipal)) {
    let id = bench.id(usage.client);
    bench.change(|it| {
        it.service_principals.get_mut(&id).map(change);
    });
}

/// Changes the registration of the client, wherever it is.
fn registration(bench: &Bench, usage: Use, change: impl FnOnce(&mut Application)) {
    let id = bench.id(usage.client);
    let home = bench.home();
    let tenant = if is_foreign(usage) {
        home.as_ref()
    } else {
        bench.tenant()
    };
    tenant.write(|it| change(&mut it.applications[&id]));
}

fn api(bench: &Bench, change: impl FnOnce(&mut Application)) {
    let id = bench.id("middle-tier-api");
    bench.change(|it| change(&mut it.applications[&id]));
}

fn remove_home(bench: &Bench) {
    let home = bench.home();
    let cloud = home.environment.cloud();
    bench.mock.world.remove(cloud, home.id).unwrap();
}

/// Moves the registration of the API to the other tenant, to which something happens.
fn move_api(bench: &Bench, change: impl FnOnce(&mut Directory)) {
    let id = bench.id("middle-tier-api");
    let home = bench.home();
    let mut moved = None;
    bench.change(|it| moved = it.applications.shift_remove(&id));
    home.write(|it| {
        let mut api = moved.unwrap();
        api.sign_in_audience = SignInAudience::MultiTenant;
        it.applications.insert(id, api);
        change(it);
    });
    bench.mock.world.reindex(&home);
}
