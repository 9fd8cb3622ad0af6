//! How each row of the table is provoked.

use jiff::SignedDuration;

use super::Row;
use crate::directory::{Event, PasswordResetBy, RevokedBy, Risk, UserConsent};
use crate::token::AuthenticationMethod;

/// The kinds of token of the table's columns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Column {
    PublicPassword,
    PublicOther,
    Confidential,
}

impl Column {
    pub(super) const ALL: [Self; 3] = [Self::PublicPassword, Self::PublicOther, Self::Confidential];

    pub(super) fn state(self, row: &Row) -> &str {
        match self {
            Self::PublicPassword => &row.pwd_token,
            Self::PublicOther => &row.nonpwd_token,
            Self::Confidential => &row.confidential_token,
        }
    }

    pub(super) fn method(self) -> AuthenticationMethod {
        match self {
            Self::PublicOther => AuthenticationMethod::NonPassword,
            Self::PublicPassword | Self::Confidential => AuthenticationMethod::Password,
        }
    }
}

/// What a row does between the sign-in and the refresh, and how the refresh is asked for.
#[derive(Clone)]
pub(super) struct Provocation {
    pub(super) app: &'static str,
    pub(super) user: &'static str,
    pub(super) resource: Option<&'static str>,
    pub(super) before: Vec<Event>,
    pub(super) events: Vec<Event>,
    /// What an administrator calls at Graph: the path, and the permission for it.
    pub(super) graph: Option<(&'static str, &'static str)>,
    pub(super) advance: SignedDuration,
    pub(super) ask: Ask,
    pub(super) with_second_factor: bool,
    pub(super) at_a_compliant_device: bool,
    /// The same token is good where the refresh is asked for as a good client asks.
    pub(super) elsewhere_good: bool,
    /// What lifts a condition again.
    pub(super) lift: Vec<Event>,
}

/// How the refresh is asked for, where it is not as a good client asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ask {
    Well,
    AtAnotherCloud,
    AtAnotherTenant,
    ByAnotherClient,
    From(&'static str),
    FromABrowser,
    Garbled,
    ThroughAProxyThatAdmits(&'static str),
    TwiceAtOnce,
    WithAnAssertion { expired: bool },
    WithAScopeNobodyConsentedTo,
    WithASecretThatIsNotWanted,
    WithoutCredential,
    WithoutOrigin,
}

fn alice() -> String {
    "alice".to_owned()
}

/// The provocation of a row for the app of a column, or `None` if the row is not reproduced.
#[expect(clippy::too_many_lines, reason = "a table: a row each")]
pub(super) fn provocation(row: &str, column: Column) -> Option<Provocation> {
    let app = match column {
        Column::Confidential => "own-app",
        Column::PublicPassword | Column::PublicOther => "native-app",
    };
    let quiet = || Provocation {
        app,
        user: "alice",
        resource: None,
        before: Vec::new(),
        events: Vec::new(),
        graph: None,
        advance: SignedDuration::from_secs(1),
        ask: Ask::Well,
        with_second_factor: false,
        at_a_compliant_device: false,
        elsewhere_good: false,
        lift: Vec::new(),
    };
    let asked = |ask| Provocation { ask, ..quiet() };
    let name = || app.to_owned();
    let after = |event| Provocation {
        events: vec![event],
        ..quiet()
    };
    let until = |event, lift| Provocation {
        events: vec![event],
        lift: vec![lift],
        ..quiet()
    };
    let reset = |by| {
        after(Event::ResetPassword {
            user: alice(),
            by,
            password: None,
        })
    };
    let grant = |user: Option<String>, scopes: &[&str]| Event::GrantConsent {
        app: name(),
        user,
        scopes: scopes.iter().map(|it| (*it).to_owned()).collect(),
    };
    let revoke = |user: Option<String>| Event::RevokeConsent { app: name(), user };
    let user = || Some(alice());
    Some(match row {
        "RT01" => after(Event::ExpirePassword { user: alice() }),
        "RT02" => after(Event::ChangePassword {
            user: alice(),
            password: None,
        }),
        "RT03" => reset(PasswordResetBy::SelfService),
        "RT04" | "RT09" => reset(PasswordResetBy::AdminPortal),
        "RT05" => reset(PasswordResetBy::AdminCenter),
        "RT06" => after(Event::RevokeSessions {
            user: alice(),
            by: RevokedBy::User,
        }),
        "RT07" => after(Event::RevokeSessions {
            user: alice(),
            by: RevokedBy::Admin,
        }),
        "RT08" => after(Event::SingleSignOut { user: alice() }),
        "RT10" => Provocation {
            advance: SignedDuration::from_hours(24 * 90),
            ..quiet()
        },
        "RT12" => Provocation {
            app: "spa-app",
            advance: SignedDuration::from_hours(24),
            ask: Ask::FromABrowser,
            ..quiet()
        },
        "RT13" => Provocation {
            advance: SignedDuration::from_hours(2),
            ..after(Event::SetSignInFrequency {
                user: user(),
                app: None,
                seconds: 3600,
                second_factor: false,
            })
        },
        // Not within the five minutes that are allowed for clocks.
        "RT14" => Provocation {
            advance: SignedDuration::from_mins(6),
            ..after(Event::SetSignInFrequency {
                user: user(),
                app: None,
                seconds: 0,
                second_factor: false,
            })
        },
        "RT16" => after(Event::SetTokenLifetime { seconds: Some(600) }),
        "RT20" => quiet(),
        "RT21" => asked(Ask::TwiceAtOnce),
        "RT23" => asked(Ask::ByAnotherClient),
        "RT24" => asked(Ask::Garbled),
        "RT25" => Provocation {
            app: "vendor-app",
            ..asked(Ask::AtAnotherTenant)
        },
        "RT26" => Provocation {
            app: "spa-app",
            ask: Ask::WithoutOrigin,
            ..quiet()
        },
        "RT30" => until(
            Event::ExpireSecret { app: name() },
            Event::AddSecret {
                app: name(),
                secret: "the-secret-of-the-test".to_owned(),
            },
        ),
        "RT31" => after(Event::RemoveSecret {
            app: name(),
            secret: None,
        }),
        "RT32" => Provocation {
            ask: Ask::WithAnAssertion { expired: false },
            ..after(Event::RemoveCertificate { app: name() })
        },
        "RT33" => asked(Ask::WithAnAssertion { expired: true }),
        "RT34" => asked(Ask::WithoutCredential),
        "RT35" => Provocation {
            app: "native-app",
            ..asked(Ask::WithASecretThatIsNotWanted)
        },
        "RT36" => after(Event::AddSecret {
            app: name(),
            secret: "another-secret-of-the-app".to_owned(),
        }),
        "RT40" => until(
            Event::DisableUser { user: alice() },
            Event::EnableUser { user: alice() },
        ),
        "RT41" => Provocation {
            user: "guest",
            ..until(
                Event::DisableUser {
                    user: "guest".to_owned(),
                },
                Event::EnableUser {
                    user: "guest".to_owned(),
                },
            )
        },
        "RT42" => after(Event::DeleteUser { user: alice() }),
        "RT43" => after(Event::LockUser { user: alice() }),
        "RT44" => until(
            Event::SetUserRisk {
                user: alice(),
                risk: Risk::High,
                policy: None,
            },
            Event::SetUserRisk {
                user: alice(),
                risk: Risk::None,
                policy: None,
            },
        ),
        "RT47" => Provocation {
            user: "guest",
            ..after(Event::RevokeSessions {
                user: "guest".to_owned(),
                by: RevokedBy::Admin,
            })
        },
        "RT48" => after(Event::RenameUser {
            user: alice(),
            to: "alice.archer@contoso.onmicrosoft.com".to_owned(),
        }),
        "RT49" => after(Event::RemoveLicence { user: alice() }),
        "RT50" => until(revoke(None), grant(None, &["User.Read"])),
        "RT51" => asked(Ask::WithAScopeNobodyConsentedTo),
        "RT52" => after(Event::SetUserConsentPolicy {
            user_consent: UserConsent::None,
            admin_consent_requests: None,
            low_impact: None,
            request_days: None,
            reviewers: None,
        }),
        "RT53" => Provocation {
            events: vec![revoke(None), grant(None, &["User.Read"])],
            ..quiet()
        },
        "RT54" => until(
            Event::RequireAssignment { app: name() },
            Event::AssignUser {
                app: name(),
                user: alice(),
            },
        ),
        "RT55" => until(
            Event::DisableApp { app: name() },
            Event::EnableApp { app: name() },
        ),
        "RT56" => after(Event::DeleteApp { app: name() }),
        "RT57" => Provocation {
            resource: Some("middle-tier-api"),
            ..after(Event::DeleteApp {
                app: "middle-tier-api".to_owned(),
            })
        },
        "RT59" => after(Event::ChangeRedirectUris {
            app: name(),
            redirect_uris: vec!["https://elsewhere.example/".to_owned()],
        }),
        "RT60" => after(Event::RequireMfa {
            user: user(),
            app: None,
        }),
        "RT61" => Provocation {
            events: vec![
                Event::RemoveSecondFactor { user: alice() },
                Event::RequireMfa {
                    user: user(),
                    app: None,
                },
            ],
            ..quiet()
        },
        "RT62" => Provocation {
            with_second_factor: true,
            advance: SignedDuration::from_hours(2),
            ..after(Event::SetSignInFrequency {
                user: user(),
                app: None,
                seconds: 3600,
                second_factor: true,
            })
        },
        "RT63" => Provocation {
            ask: Ask::From("203.0.113.7"),
            elsewhere_good: true,
            ..after(Event::BlockByPolicy {
                user: user(),
                app: None,
                inside: None,
                outside: Some(vec!["127.0.0.0/8".to_owned()]),
            })
        },
        "RT64" => after(Event::RequireCompliantDevice {
            user: user(),
            app: None,
        }),
        "RT65" => after(Event::RequireTermsOfUse {
            user: user(),
            app: None,
        }),
        "RT66" => Provocation {
            at_a_compliant_device: true,
            ..after(Event::DisableDevice { user: alice() })
        },
        "RT71" => Provocation {
            user: "guest",
            ..until(
                Event::BlockHomeTenant {
                    user: "guest".to_owned(),
                },
                Event::AllowHomeTenant {
                    user: "guest".to_owned(),
                },
            )
        },
        "RT72" => Provocation {
            elsewhere_good: true,
            ..asked(Ask::ThroughAProxyThatAdmits("fabrikam.com"))
        },
        "RT70" => after(Event::DeleteTenant {}),
        "RT76" => asked(Ask::AtAnotherCloud),
        "RT80" => Provocation {
            graph: Some((
                "/v1.0/users/{user}/revokeSignInSessions",
                "User.RevokeSessions.All",
            )),
            ..quiet()
        },
        "RT81" => Provocation {
            graph: Some((
                "/beta/users/{user}/invalidateAllRefreshTokens",
                "Directory.ReadWrite.All",
            )),
            ..quiet()
        },
        "RT82" => after(Event::RevokeAccessTokens {
            user: user(),
            app: None,
        }),
        "RT84" => Provocation {
            before: vec![revoke(None), grant(user(), &["User.Read"])],
            ..until(revoke(user()), grant(user(), &["User.Read"]))
        },
        _ => return None,
    })
}
