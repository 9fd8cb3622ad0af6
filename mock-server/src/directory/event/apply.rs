//! What each event does to a directory.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::super::{
    AccessTokensEnded, ApplicationId, ConsentRequestStatus, ConsentType, Demand, Directory,
    KeyCredential, MailboxRight, Networks, PasswordCredential, Platform, RedirectUri,
    RevocationCause, User, UserPrincipalName,
};
use super::conditional_access::{address_of, networks};
use super::registration::{application, delegated, register};
use super::{Applied, Event, EventError, PasswordResetBy, RevokedBy};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::random::Random;

impl Directory {
    /// Applies an event at a moment of the tenant's clock.
    pub fn apply(
        &mut self,
        event: &Event,
        now: Timestamp,
        random: &Random,
    ) -> Result<Applied, EventError> {
        let moment = self.happens(now);
        match event {
            // Passwords and sessions.
            Event::ChangePassword { user, password } => {
                let user = self.user_mut(user)?;
                set_password(user, password.as_ref());
                user.revoke(RevocationCause::PasswordChanged, moment);
            }
            Event::ResetPassword { user, by, password } => {
                let user = self.user_mut(user)?;
                set_password(user, password.as_ref());
                let cause = match by {
                    PasswordResetBy::AdminCenter => RevocationCause::PasswordResetInAdminCenter,
                    PasswordResetBy::AdminPortal => RevocationCause::PasswordResetInAzurePortal,
                    PasswordResetBy::SelfService => RevocationCause::PasswordResetBySelfService,
                };
                user.revoke(cause, moment);
            }
            Event::ExpirePassword { user } => self.user_mut(user)?.password_expired = true,
            Event::RevokeSessions { user, by } => {
                let cause = match by {
                    RevokedBy::Admin => RevocationCause::RevokedByAdministrator,
                    RevokedBy::User => RevocationCause::RevokedByUser,
                };
                self.user_mut(user)?.revoke(cause, moment);
            }
            Event::SingleSignOut { user } => {
                self.user_mut(user)?
                    .revoke(RevocationCause::SingleSignOut, moment);
            }
            // Accounts.
            Event::DisableUser { user } => self.user_mut(user)?.enabled = false,
            Event::EnableUser { user } => self.user_mut(user)?.enabled = true,
            Event::DeleteUser { user } => self.user_mut(user)?.deleted = Some(now),
            Event::RestoreUser { user } => self.user_mut(user)?.deleted = None,
            Event::LockUser { user } => {
                // Smart lockout lasts one minute at first.
                // Source: learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout.
                self.user_mut(user)?.locked_until = Some(later(now, SignedDuration::from_secs(60)));
            }
            Event::RenameUser { user, to } => {
                let domain = UserPrincipalName::new(to.clone()).domain().to_owned();
                if !self.has_domain(&domain) {
                    return Err(EventError::NotPossible(format!(
                        "'{to}' is not in a verified domain of tenant {}: use one of {}",
                        self.id,
                        self.domains.join(", ")
                    )));
                }
                self.user_mut(user)?.user_principal_name = UserPrincipalName::new(to.clone());
            }
            Event::SetUserRisk { user, risk, policy } => {
                self.user_mut(user)?.risk = *risk;
                if let Some(policy) = policy {
                    self.policies.high_risk = *policy;
                }
            }
            Event::RemoveSecondFactor { user } => self.user_mut(user)?.second_factor = false,
            Event::RegisterSecondFactor { user } => self.user_mut(user)?.second_factor = true,
            Event::DisableDevice { user } => self.user_mut(user)?.device_disabled = Some(moment),
            Event::RemoveLicence { user } => self.user_mut(user)?.mailbox = None,
            // Conditional access.
            Event::RequireMfa { user, app } => {
                let who = (user.as_ref(), app.as_ref());
                self.add_policy(who, Networks::default(), Demand::Mfa, moment, random)?;
            }
            Event::BlockByPolicy {
                user,
                app,
                inside,
                outside,
            } => {
                let networks = Networks {
                    inside: networks(inside.as_deref())?,
                    outside: networks(outside.as_deref())?,
                };
                let who = (user.as_ref(), app.as_ref());
                self.add_policy(who, networks, Demand::Block, moment, random)?;
            }
            Event::RequireCompliantDevice { user, app } => {
                let who = (user.as_ref(), app.as_ref());
                let demand = Demand::CompliantDevice;
                self.add_policy(who, Networks::default(), demand, moment, random)?;
            }
            Event::RequireTermsOfUse { user, app } => {
                let who = (user.as_ref(), app.as_ref());
                self.add_policy(who, Networks::default(), Demand::TermsOfUse, moment, random)?;
            }
            Event::SetSignInFrequency {
                user,
                app,
                seconds,
                second_factor,
            } => {
                let every = SignedDuration::from_secs(i64::from(*seconds));
                let demand = if *second_factor {
                    Demand::MfaFrequency(every)
                } else {
                    Demand::SignInFrequency(every)
                };
                let who = (user.as_ref(), app.as_ref());
                self.add_policy(who, Networks::default(), demand, moment, random)?;
            }
            Event::SetClientAddress { address } => {
                self.client_address = address.as_deref().map(address_of).transpose()?;
            }
            Event::BlockHomeTenant { user } => {
                let home = self.home_tenant(user)?;
                self.policies.blocked_home_tenants.insert(home);
            }
            Event::AllowHomeTenant { user } => {
                let home = self.home_tenant(user)?;
                self.policies.blocked_home_tenants.remove(&home);
            }
            // Consent.
            Event::SetUserConsentPolicy {
                user_consent,
                admin_consent_requests,
                low_impact,
                request_days,
                reviewers,
            } => {
                let reviewers = reviewers
                    .as_ref()
                    .map(|names| names.iter().map(|it| self.user_id(it)).collect())
                    .transpose()?;
                let low_impact = low_impact.as_deref().map(delegated).transpose()?;
                if request_days.is_some_and(|days| !(1..=60).contains(&days)) {
                    return Err(EventError::NotPossible(
                        "a consent request is open between 1 and 60 days".to_owned(),
                    ));
                }
                self.policies.user_consent = *user_consent;
                let requests = &mut self.policies.admin_consent_requests;
                requests.enabled = admin_consent_requests.unwrap_or(requests.enabled);
                requests.duration_days = request_days.unwrap_or(requests.duration_days);
                requests.reviewers = reviewers.unwrap_or_else(|| requests.reviewers.clone());
                if let Some(low_impact) = low_impact {
                    self.policies.low_impact = low_impact;
                }
            }
            Event::GrantConsent { app, user, scopes } => {
                let client = self.app_id(app)?;
                let consent = match user {
                    Some(user) => ConsentType::Principal(self.user_mut(user)?.id),
                    None => ConsentType::AllPrincipals,
                };
                self.grant(
                    random.uuid(),
                    client,
                    graph(),
                    consent,
                    scopes.iter().cloned(),
                );
            }
            Event::RevokeConsent { app, user } => {
                let client = self.app_id(app)?;
                let user = user
                    .as_ref()
                    .map(|user| self.user_mut(user).map(|it| it.id))
                    .transpose()?;
                self.grants.retain(|grant| {
                    grant.client != client
                        || user.is_some_and(|user| grant.consent != ConsentType::Principal(user))
                });
            }
            Event::RequestConsent {
                app,
                user,
                scopes,
                reason,
            } => {
                let reason = reason.clone().unwrap_or_default();
                self.request_consent(app, user, scopes, reason, now, random)?;
            }
            Event::ApproveRequest { app } => {
                let approved = ConsentRequestStatus::Approved;
                let closed = self.close_requests(app, approved, None, now)?;
                self.principal_or_new(app, now, random)?;
                for request in closed {
                    for (resource, scopes) in request.scopes {
                        self.grant(
                            random.uuid(),
                            request.client,
                            resource,
                            ConsentType::AllPrincipals,
                            scopes,
                        );
                    }
                }
            }
            Event::DenyRequest { app, justification } => {
                let denied = ConsentRequestStatus::Denied;
                self.close_requests(app, denied, justification.as_deref(), now)?;
            }
            Event::BlockRequest { app, justification } => {
                let blocked = ConsentRequestStatus::Blocked;
                self.close_requests(app, blocked, justification.as_deref(), now)?;
                self.principal_or_new(app, now, random)?.enabled = false;
            }
            Event::RequireAssignment { app } => self.principal_mut(app)?.assignment_required = true,
            Event::AssignUser { app, user } => {
                let user = self.user_mut(user)?.id;
                self.principal_mut(app)?.assigned_users.insert(user);
            }
            Event::UnassignUser { app, user } => {
                let user = self.user_mut(user)?.id;
                self.principal_mut(app)?.assigned_users.remove(&user);
            }
            Event::GrantAppRole { app, role } => {
                let client = self.app_id(app)?;
                self.assign_role(random.uuid(), client, graph(), role, now);
            }
            Event::RevokeAppRole { app, role } => {
                let client = self.app_id(app)?;
                self.app_role_assignments.retain(|assignment| {
                    assignment.client != client
                        || role.as_ref().is_some_and(|role| assignment.role != *role)
                });
            }
            // Apps.
            Event::SetAppRisk { app, risk } => self.principal_mut(app)?.risk = *risk,
            Event::JudgeApp {
                app,
                verified,
                risky,
            } => {
                return self.change_app(app, |app| {
                    let publisher = &mut app.publisher;
                    publisher.verified = verified.unwrap_or(publisher.verified);
                    publisher.risky = risky.unwrap_or(publisher.risky);
                });
            }
            Event::ChangePermissions { app, scopes, roles } => {
                let scopes = scopes.as_deref().map(delegated).transpose()?;
                let roles = roles.as_deref().map(application).transpose()?;
                return self.change_app(app, |app| register(app, scopes, roles));
            }
            Event::DisableApp { app } => self.principal_mut(app)?.enabled = false,
            Event::EnableApp { app } => self.principal_mut(app)?.enabled = true,
            Event::DeleteApp { app } => {
                let id = self.app_id(app)?;
                self.applications.shift_remove(&id);
                self.remove_principal(id);
            }
            Event::AddSecret { app, secret } => {
                let credential = PasswordCredential {
                    key_id: random.uuid(),
                    display_name: None,
                    secret: secret.clone(),
                    start: now,
                    // Two years, as addPassword without an end date.
                    // Source: learn.microsoft.com/graph/api/resources/passwordcredential.
                    end: later(now, SignedDuration::from_hours(24 * 730)),
                };
                return self.change_app(app, |app| app.secrets.push(credential));
            }
            Event::RemoveSecret { app, secret } => {
                return self.change_app(app, |app| {
                    app.secrets
                        .retain(|it| secret.as_ref().is_some_and(|secret| it.secret != *secret));
                });
            }
            Event::ExpireSecret { app } => {
                let end = later(now, SignedDuration::from_secs(-1));
                return self.change_app(app, |app| {
                    app.secrets.iter_mut().for_each(|it| it.end = end);
                });
            }
            Event::AddCertificate { app, certificate } => {
                let der = STANDARD.decode(certificate.trim()).map_err(|error| {
                    EventError::NotPossible(format!(
                        "'certificate' is not base64 of a DER certificate: {error}"
                    ))
                })?;
                let read = KeyCredential::read(random.uuid(), None, der);
                let credential = read.map_err(|error| {
                    EventError::NotPossible(format!(
                        "'certificate' is not a DER certificate: {error}"
                    ))
                })?;
                return self.change_app(app, |app| app.certificates.push(credential));
            }
            Event::RemoveCertificate { app } => {
                return self.change_app(app, |app| app.certificates.clear());
            }
            Event::ExpireCertificate { app } => {
                let end = later(now, SignedDuration::from_secs(-1));
                return self.change_app(app, |app| {
                    app.certificates.iter_mut().for_each(|it| it.end = end);
                });
            }
            Event::ChangeRedirectUris { app, redirect_uris } => {
                return self.change_app(app, |app| {
                    let platform = app
                        .redirect_uris
                        .first()
                        .map_or(Platform::Web, |it| it.platform);
                    app.redirect_uris = redirect_uris
                        .iter()
                        .map(|uri| RedirectUri {
                            uri: uri.clone(),
                            platform,
                        })
                        .collect();
                });
            }
            // Tokens.
            Event::ExpireAccessTokens { user, app } => {
                let ended = self.tokens_ended(user.as_ref(), app.as_ref(), moment)?;
                record(&mut self.access_tokens_expired, ended);
            }
            Event::RevokeAccessTokens { user, app } => {
                let ended = self.tokens_ended(user.as_ref(), app.as_ref(), moment)?;
                record(&mut self.access_tokens_revoked, ended);
            }
            Event::SetTokenLifetime { seconds } => {
                // Source: learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes.
                if let Some(seconds) = seconds.filter(|it| !(600..=86_400).contains(it)) {
                    return Err(EventError::NotPossible(format!(
                        "an access token lives between 600 and 86400 seconds, not {seconds}"
                    )));
                }
                self.policies.access_token_lifetime = *seconds;
            }
            Event::RotateSigningKey {} => self.key_generation += 1,
            // Mailboxes.
            Event::GrantMailboxAccess {
                mailbox,
                user,
                right,
            } => {
                let user = self.user_mut(user)?.id;
                self.mailbox_mut(mailbox)?
                    .delegates
                    .entry(user)
                    .or_default()
                    .insert(right.unwrap_or(MailboxRight::FullAccess));
            }
            Event::RevokeMailboxAccess { mailbox, user } => {
                let user = self.user_mut(user)?.id;
                self.mailbox_mut(mailbox)?.delegates.remove(&user);
            }
            Event::DeliverMessage {
                user,
                subject,
                from,
                body,
            } => {
                let domain = self.domain().to_owned();
                return Ok(Applied::Deliver {
                    user: self.mailbox_owner(user)?,
                    subject: subject
                        .clone()
                        .unwrap_or_else(|| "A new message".to_owned()),
                    from: from.clone().unwrap_or_else(|| format!("bob@{domain}")),
                    body: body.clone().unwrap_or_default(),
                });
            }
            Event::ExpireDeltaTokens { user } => {
                return Ok(Applied::ForgetChanges(self.mailbox_owner(user)?));
            }
            // The tenant.
            Event::BlockTenant {} => self.blocked = true,
            Event::DeleteTenant {} => self.deleted = true,
        }
        Ok(Applied::Here)
    }

    fn tokens_ended(
        &mut self,
        user: Option<&String>,
        app: Option<&String>,
        now: Timestamp,
    ) -> Result<AccessTokensEnded, EventError> {
        Ok(AccessTokensEnded {
            at: now,
            user: user
                .map(|user| self.user_mut(user).map(|it| it.id))
                .transpose()?,
            app: app.map(|app| self.app_id(app)).transpose()?,
        })
    }
}

/// Keeps one record for each user and app.
fn record(records: &mut Vec<AccessTokensEnded>, new: AccessTokensEnded) {
    records.retain(|old| (old.user, old.app) != (new.user, new.app));
    records.push(new);
}

fn set_password(user: &mut User, password: Option<&String>) {
    user.password = password
        .cloned()
        .unwrap_or_else(|| format!("{}+", user.password));
    user.password_expired = false;
    user.locked_until = None;
}

pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn graph() -> ApplicationId {
    // A constant; the unit tests parse it.
    GRAPH_APPLICATION_ID
        .parse()
        .expect("the application id of Graph is a UUID")
}
