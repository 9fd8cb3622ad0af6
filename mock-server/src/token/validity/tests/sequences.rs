//! Random sequences of events, sign-ins and time, against a model that knows only the documents.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Something that happens in a sequence.
#[derive(Clone, Debug)]
enum Step {
    Happens(Event),
    Passes(SignedDuration),
    SignsIn(Person),
    Refreshes(usize),
}

/// How somebody signs in.
#[derive(Clone, Copy, Debug)]
struct Person {
    class: ClientClass,
    method: AuthenticationMethod,
    second_factor: bool,
    compliant_device: bool,
}

/// What the documents say of one token: the model. It knows no timestamps of revocations, only
/// whether the token was there when one happened.
#[derive(Clone, Debug)]
struct Expected {
    class: ClientClass,
    method: AuthenticationMethod,
    second_factor: bool,
    compliant_device: bool,
    device_disabled: bool,
    signed_in: Timestamp,
    first_issued: Timestamp,
    issued: Timestamp,
    revoked: bool,
}

/// What the documents say of the account and the tenant.
#[derive(Clone, Debug, Default)]
struct Tenant {
    disabled: bool,
    deleted: bool,
    high_risk: bool,
    new_password_ends_risk: bool,
    no_second_factor: bool,
    assignment_required: bool,
    assigned: bool,
    elsewhere: bool,
    /// What the policies demand, in the order in which they were made.
    demands: Vec<Demanded>,
}

/// What a policy demands.
#[derive(Clone, Copy, Debug)]
enum Demanded {
    Device,
    Frequency(SignedDuration),
    Mfa,
    MfaFrequency(SignedDuration),
    NoAccess,
    NoAccessFromElsewhere,
    Terms,
}

impl Tenant {
    fn happens(&mut self, event: &Event, tokens: &mut [Expected]) {
        let mut revoke = |which: fn(&Expected) -> bool| {
            for token in tokens.iter_mut().filter(|it| which(it)) {
                token.revoked = true;
            }
        };
        let public_password = |it: &Expected| {
            it.class != ClientClass::Confidential && it.method == AuthenticationMethod::Password
        };
        match event {
            Event::ChangePassword { .. } => revoke(public_password),
            Event::ResetPassword { by, .. } => revoke(match by {
                PasswordResetBy::AdminCenter => |_: &Expected| true,
                PasswordResetBy::AdminPortal | PasswordResetBy::SelfService => public_password,
            }),
            Event::RevokeSessions { user, .. } if user == "alice" => revoke(|_| true),
            Event::DisableUser { .. } => self.disabled = true,
            Event::EnableUser { .. } => self.disabled = false,
            Event::DeleteUser { .. } => self.deleted = true,
            Event::RestoreUser { .. } => self.deleted = false,
            Event::SetUserRisk { risk, policy, .. } => {
                self.high_risk = *risk == Risk::High;
                if let Some(policy) = policy {
                    self.new_password_ends_risk = *policy == HighRisk::ChangePassword;
                }
            }
            Event::RemoveSecondFactor { .. } => self.no_second_factor = true,
            Event::RegisterSecondFactor { .. } => self.no_second_factor = false,
            Event::DisableDevice { .. } => {
                for token in tokens {
                    token.device_disabled = true;
                }
            }
            Event::SetClientAddress { address } => self.elsewhere = address.is_some(),
            Event::RequireAssignment { .. } => self.assignment_required = true,
            Event::AssignUser { .. } => self.assigned = true,
            Event::UnassignUser { .. } => self.assigned = false,
            Event::BlockByPolicy { outside, .. } => self.demands.push(match outside {
                Some(_) => Demanded::NoAccessFromElsewhere,
                None => Demanded::NoAccess,
            }),
            Event::RequireCompliantDevice { .. } => self.demands.push(Demanded::Device),
            Event::RequireMfa { .. } => self.demands.push(Demanded::Mfa),
            Event::RequireTermsOfUse { .. } => self.demands.push(Demanded::Terms),
            Event::SetSignInFrequency {
                seconds,
                second_factor,
                ..
            } => {
                // Every time: with five minutes for clocks that differ.
                let seconds = if *seconds == 0 { 300 } else { *seconds };
                let every = SignedDuration::from_secs(i64::from(seconds));
                self.demands.push(if *second_factor {
                    Demanded::MfaFrequency(every)
                } else {
                    Demanded::Frequency(every)
                });
            }
            // Everything else leaves sign-ins alone.
            _ => {}
        }
    }

    /// The documented code, in the service's order.
    fn verdict(&self, token: &Expected, now: Timestamp) -> Result<(), u32> {
        let day = SignedDuration::from_hours(24);
        if token.class == ClientClass::Spa && now.duration_since(token.first_issued) >= day {
            return Err(700084);
        }
        if now.duration_since(token.issued) >= day * 90 {
            return Err(700082);
        }
        if self.deleted {
            return Err(500341);
        }
        if self.disabled {
            return Err(50057);
        }
        if token.revoked {
            return Err(50173);
        }
        if token.device_disabled
            && token.compliant_device
            && token.class != ClientClass::Confidential
        {
            return Err(135011);
        }
        if self.assignment_required && !self.assigned {
            return Err(50105);
        }
        if self.high_risk {
            return Err(if self.new_password_ends_risk {
                50135
            } else {
                53003
            });
        }
        // Of several demands the one is told that the documents name first.
        let age = now.duration_since(token.signed_in);
        let refused = self.demands.iter().filter_map(|demand| match *demand {
            Demanded::NoAccess => Some((1, 53003)),
            Demanded::NoAccessFromElsewhere => self.elsewhere.then_some((1, 53003)),
            Demanded::Mfa | Demanded::MfaFrequency(_) if !token.second_factor => {
                Some((2, if self.no_second_factor { 50079 } else { 50076 }))
            }
            Demanded::Mfa => None,
            Demanded::MfaFrequency(every) => (age >= every).then_some((2, 50078)),
            Demanded::Device => (!token.compliant_device).then_some((3, 53000)),
            Demanded::Terms => Some((4, 50158)),
            Demanded::Frequency(every) => {
                let counts = token.class != ClientClass::Confidential && age >= every;
                counts.then_some((5, 70043))
            }
        });
        if let Some((_, code)) = refused.min() {
            return Err(code);
        }
        Ok(())
    }
}

fn event() -> impl Strategy<Value = Event> {
    let user = alice;
    let app = || "web".to_owned();
    let reset = move |by| Event::ResetPassword {
        user: user(),
        by,
        password: None,
    };
    select(vec![
        Event::ChangePassword {
            user: user(),
            password: None,
        },
        reset(PasswordResetBy::AdminCenter),
        reset(PasswordResetBy::AdminPortal),
        reset(PasswordResetBy::SelfService),
        Event::ExpirePassword { user: user() },
        Event::RevokeSessions {
            user: user(),
            by: RevokedBy::Admin,
        },
        Event::RevokeSessions {
            user: "bob".to_owned(),
            by: RevokedBy::Admin,
        },
        Event::SingleSignOut { user: user() },
        Event::DisableUser { user: user() },
        Event::EnableUser { user: user() },
        Event::DeleteUser { user: user() },
        Event::RestoreUser { user: user() },
        Event::LockUser { user: user() },
        Event::SetUserRisk {
            user: user(),
            risk: Risk::High,
            policy: None,
        },
        Event::SetUserRisk {
            user: user(),
            risk: Risk::Low,
            policy: None,
        },
        Event::SetUserRisk {
            user: user(),
            risk: Risk::High,
            policy: Some(HighRisk::ChangePassword),
        },
        Event::RemoveSecondFactor { user: user() },
        Event::RegisterSecondFactor { user: user() },
        Event::DisableDevice { user: user() },
        Event::BlockByPolicy {
            user: None,
            app: None,
            inside: None,
            outside: Some(vec!["127.0.0.0/8".to_owned()]),
        },
        Event::SetClientAddress {
            address: Some("203.0.113.7".to_owned()),
        },
        Event::SetClientAddress { address: None },
        Event::SetSignInFrequency {
            user: None,
            app: None,
            seconds: 0,
            second_factor: false,
        },
        Event::SetSignInFrequency {
            user: None,
            app: None,
            seconds: 7200,
            second_factor: true,
        },
        Event::RequireAssignment { app: app() },
        Event::AssignUser {
            app: app(),
            user: user(),
        },
        Event::UnassignUser {
            app: app(),
            user: user(),
        },
        Event::BlockByPolicy {
            user: Some(user()),
            app: None,
            inside: None,
            outside: None,
        },
        Event::RequireCompliantDevice {
            user: None,
            app: Some(app()),
        },
        Event::RequireMfa {
            user: Some(user()),
            app: Some(app()),
        },
        Event::RequireTermsOfUse {
            user: None,
            app: None,
        },
        Event::SetSignInFrequency {
            user: None,
            app: None,
            seconds: 7200,
            second_factor: false,
        },
        Event::ExpireAccessTokens {
            user: None,
            app: None,
        },
        Event::RotateSigningKey {},
        Event::RemoveLicence { user: user() },
    ])
}

fn step() -> impl Strategy<Value = Step> {
    use AuthenticationMethod::{NonPassword, Password};
    use ClientClass::{Confidential, Public, Spa};
    let hours = select(vec![0, 1, 3, 25, 24 * 30, 24 * 61]);
    prop_oneof![
        // Conditions that nothing lifts come seldom, so that the others are seen, too.
        6 => event().prop_map(Step::Happens),
        3 => hours.prop_map(|it| Step::Passes(SignedDuration::from_hours(it))),
        4 => (
            select(vec![Public, Confidential, Spa]),
            select(vec![Password, NonPassword]),
            any::<(bool, bool)>(),
        )
            .prop_map(|(class, method, (second_factor, compliant_device))| {
                Step::SignsIn(Person { class, method, second_factor, compliant_device })
            }),
        3 => (0_usize..8).prop_map(Step::Refreshes),
    ]
}

/// Whether a token is good for a client where the tenant sees it.
fn good_at(token: &RefreshToken, directory: &Directory, now: Timestamp) -> Result<(), Invalid> {
    let local = Attempt::from_loopback(now);
    let from = directory.seen_from(local.from);
    refresh_token(token, directory, Attempt { from, ..local })
}

/// The directory, as a state file would bring it back.
fn restored(directory: &Directory) -> Directory {
    serde_json::from_str(&serde_json::to_string(directory).unwrap()).unwrap()
}

fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let random = Random::seeded(1);
    let mut directory = directory();
    let mut model = Tenant::default();
    let mut tokens: Vec<RefreshToken> = Vec::new();
    let mut expected: Vec<Expected> = Vec::new();
    let mut refused_for_ever: Vec<Option<u32>> = Vec::new();
    let mut now = noon();
    for step in steps {
        match step {
            Step::Happens(event) => {
                // An event that does not fit the state, such as one for a deleted user, happens
                // in neither.
                if directory.apply(event, now, &random).is_ok() {
                    model.happens(event, &mut expected);
                }
            }
            Step::Passes(by) => now += *by,
            Step::SignsIn(person) => {
                if directory.find_user("alice").is_none() {
                    continue;
                }
                let mut fresh = token(&directory, person.class, person.method);
                fresh.sign_in.auth_time = directory.moment(now);
                fresh.sign_in.moment = fresh.sign_in.auth_time;
                fresh.sign_in.mfa_time = person.second_factor.then_some(fresh.sign_in.auth_time);
                fresh.sign_in.compliant_device = person.compliant_device;
                (fresh.issued, fresh.first_issued) = (now, now);
                tokens.push(fresh);
                expected.push(Expected {
                    class: person.class,
                    method: person.method,
                    second_factor: person.second_factor,
                    compliant_device: person.compliant_device,
                    device_disabled: false,
                    signed_in: tokens[tokens.len() - 1].sign_in.moment,
                    first_issued: now,
                    issued: now,
                    revoked: false,
                });
                refused_for_ever.push(None);
            }
            Step::Refreshes(index) => {
                let Some(token) = tokens.get_mut(*index) else {
                    continue;
                };
                if good_at(token, &directory, now).is_ok() {
                    token.issued = now;
                    expected[*index].issued = now;
                }
            }
        }
        for (index, token) in tokens.iter().enumerate() {
            let found = good_at(token, &directory, now).map_err(Invalid::aadsts);
            prop_assert_eq!(
                found,
                model.verdict(&expected[index], now),
                "{:?}",
                expected[index]
            );
            let permanent = matches!(found, Err(50173 | 135011 | 700082 | 700084));
            if let Some(code) = refused_for_ever[index] {
                prop_assert!(found.is_err(), "alive again after {}", code);
            }
            if permanent {
                refused_for_ever[index] = found.err();
            }
        }
    }
    // Nothing but the state decides, so a restart changes nothing.
    let again = restored(&directory);
    for token in &tokens {
        prop_assert_eq!(good_at(token, &directory, now), good_at(token, &again, now));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn ten_thousand_sequences_end_as_the_documents_say(
        steps in proptest::collection::vec(step(), 1..14)
    ) {
        run(&steps)?;
    }
}
