//! What each event does to a directory.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::super::{
    AccessTokensEnded, Application, ApplicationId, ConditionalAccessPolicy, ConsentRequest,
    ConsentRequestStatus, ConsentType, Demand, Directory, KeyCredential, Mailbox, MailboxRight,
    ObjectId, PasswordCredential, Platform, RedirectUri, RevocationCause, ServicePrincipal, User,
    UserPrincipalName,
};
use super::{Applied, Event, EventError, PasswordResetBy, RevokedBy};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::notation::nearest;
use crate::random::Random;

impl Directory {
    /// Applies an event at a moment of the tenant's clock.
    pub fn apply(
        &mut self,
        event: &Event,
        now: Timestamp,
        random: &Random,
    ) -> Result<Applied, EventError> {
        let moment = self.moment(now);
        self.last_event = Some(moment);
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
            Event::SetUserRisk { user, risk } => self.user_mut(user)?.risk = *risk,
            Event::RemoveLicence { user } => self.user_mut(user)?.mailbox = None,
            // Conditional access.
            Event::RequireMfa { user, app } => {
                self.add_policy(user.as_ref(), app.as_ref(), Demand::Mfa, now, random)?;
            }
            Event::BlockByPolicy { user, app } => {
                self.add_policy(user.as_ref(), app.as_ref(), Demand::Block, now, random)?;
            }
            Event::RequireCompliantDevice { user, app } => {
                self.add_policy(
                    user.as_ref(),
                    app.as_ref(),
                    Demand::CompliantDevice,
                    now,
                    random,
                )?;
            }
            Event::RequireTermsOfUse { user, app } => {
                self.add_policy(user.as_ref(), app.as_ref(), Demand::TermsOfUse, now, random)?;
            }
            Event::SetSignInFrequency { user, app, seconds } => {
                let every = SignedDuration::from_secs(i64::from(*seconds));
                self.add_policy(
                    user.as_ref(),
                    app.as_ref(),
                    Demand::SignInFrequency(every),
                    now,
                    random,
                )?;
            }
            // Consent.
            Event::SetUserConsentPolicy {
                user_consent,
                admin_consent_requests,
            } => {
                self.policies.user_consent = *user_consent;
                if let Some(enabled) = admin_consent_requests {
                    self.policies.admin_consent_requests.enabled = *enabled;
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
                let client = self.app_id(app)?;
                let user = self.user_mut(user)?.id;
                let days = i64::from(self.policies.admin_consent_requests.duration_days);
                self.consent_requests.push(ConsentRequest {
                    id: random.uuid(),
                    client,
                    user,
                    scopes: by_resource(scopes),
                    reason: reason.clone().unwrap_or_default(),
                    created: now,
                    expires: later(now, SignedDuration::from_hours(24 * days)),
                    status: ConsentRequestStatus::Pending,
                });
            }
            Event::ApproveRequest { app } => {
                for request in self.close_requests(app, ConsentRequestStatus::Approved, now)? {
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
            Event::DenyRequest { app } => {
                self.close_requests(app, ConsentRequestStatus::Denied, now)?;
            }
            Event::BlockRequest { app } => {
                self.close_requests(app, ConsentRequestStatus::Blocked, now)?;
                self.principal_mut(app)?.enabled = false;
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
            Event::DisableApp { app } => self.principal_mut(app)?.enabled = false,
            Event::EnableApp { app } => self.principal_mut(app)?.enabled = true,
            Event::DeleteApp { app } => {
                let id = self.app_id(app)?;
                self.applications.shift_remove(&id);
                self.service_principals.shift_remove(&id);
                self.grants
                    .retain(|grant| grant.client != id && grant.resource != id);
                self.app_role_assignments
                    .retain(|role| role.client != id && role.resource != id);
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
                let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(|error| {
                    EventError::NotPossible(format!(
                        "'certificate' is not a DER certificate: {error}"
                    ))
                })?;
                let at = |time: x509_parser::time::ASN1Time| {
                    Timestamp::from_second(time.timestamp()).unwrap_or(now)
                };
                let credential = KeyCredential {
                    key_id: random.uuid(),
                    display_name: None,
                    start: at(parsed.validity().not_before),
                    end: at(parsed.validity().not_after),
                    certificate: der,
                };
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
                let user = self.user_mut(user)?;
                if user.mailbox.is_none() {
                    return Err(EventError::NotPossible(format!(
                        "user '{}' has no mailbox",
                        user.user_principal_name
                    )));
                }
                return Ok(Applied::Deliver {
                    user: user.id,
                    subject: subject
                        .clone()
                        .unwrap_or_else(|| "A new message".to_owned()),
                    from: from.clone().unwrap_or_else(|| format!("bob@{domain}")),
                    body: body.clone().unwrap_or_default(),
                });
            }
            // The tenant.
            Event::BlockTenant {} => self.blocked = true,
            Event::DeleteTenant {} => self.deleted = true,
        }
        Ok(Applied::Here)
    }

    /// The application id that an alias or an id means in this tenant.
    pub fn app_id(&self, name: &str) -> Result<ApplicationId, EventError> {
        if let Some(app) = self.applications.values().find(|app| app.alias == name) {
            return Ok(app.app_id);
        }
        if let Some(id) = name
            .parse()
            .ok()
            .filter(|id| self.service_principals.contains_key(id))
        {
            return Ok(id);
        }
        let names = self.applications.values().map(|app| app.alias.as_str());
        Err(EventError::UnknownApp {
            name: name.to_owned(),
            tenant: self.id.to_string(),
            nearest: nearest(name, names),
        })
    }

    /// The object id that an alias, a sign-in name or an id means in this tenant.
    pub fn user_id(&self, name: &str) -> Result<ObjectId, EventError> {
        if let Some(user) = self.find_user(name) {
            return Ok(user.id);
        }
        let names = self
            .users
            .values()
            .flat_map(|user| [user.alias.as_str(), user.user_principal_name.as_str()]);
        Err(EventError::UnknownUser {
            name: name.to_owned(),
            tenant: self.id.to_string(),
            nearest: nearest(name, names),
        })
    }

    fn user_mut(&mut self, name: &str) -> Result<&mut User, EventError> {
        let id = self.user_id(name)?;
        // Found a moment ago.
        Ok(&mut self.users[&id])
    }

    fn mailbox_mut(&mut self, name: &str) -> Result<&mut Mailbox, EventError> {
        let user = self.user_mut(name)?;
        let upn = user.user_principal_name.to_string();
        user.mailbox
            .as_mut()
            .ok_or_else(|| EventError::NotPossible(format!("user '{upn}' has no mailbox")))
    }

    fn principal_mut(&mut self, app: &str) -> Result<&mut ServicePrincipal, EventError> {
        let id = self.app_id(app)?;
        let tenant = self.id;
        self.service_principals.get_mut(&id).ok_or_else(|| {
            EventError::NotPossible(format!(
                "app '{app}' has no service principal in tenant {tenant}"
            ))
        })
    }

    fn change_app(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Application),
    ) -> Result<Applied, EventError> {
        let id = self.app_id(name)?;
        if let Some(app) = self.applications.get_mut(&id) {
            change(app);
            return Ok(Applied::Here);
        }
        let home = self
            .service_principals
            .get(&id)
            .map(|principal| principal.home_tenant);
        home.filter(|home| *home != self.id)
            .map(Applied::Elsewhere)
            .ok_or_else(|| {
                EventError::NotPossible(format!("app '{name}' has no registration any more"))
            })
    }

    fn close_requests(
        &mut self,
        app: &str,
        status: ConsentRequestStatus,
        now: Timestamp,
    ) -> Result<Vec<ConsentRequest>, EventError> {
        let client = self.app_id(app)?;
        let mut closed = Vec::new();
        for request in &mut self.consent_requests {
            let open = request.status == ConsentRequestStatus::Pending && request.expires > now;
            if request.client == client && open {
                request.status = status;
                closed.push(request.clone());
            }
        }
        if closed.is_empty() {
            return Err(EventError::NotPossible(format!(
                "no consent request for app '{app}' is open"
            )));
        }
        Ok(closed)
    }

    fn add_policy(
        &mut self,
        user: Option<&String>,
        app: Option<&String>,
        demand: Demand,
        now: Timestamp,
        random: &Random,
    ) -> Result<(), EventError> {
        let users = match user {
            Some(user) => BTreeSet::from([self.user_mut(user)?.id]),
            None => BTreeSet::new(),
        };
        let apps = match app {
            Some(app) => BTreeSet::from([self.app_id(app)?]),
            None => BTreeSet::new(),
        };
        let id = random.uuid();
        self.policies
            .conditional_access
            .push(ConditionalAccessPolicy {
                id,
                users,
                apps,
                demand,
                since: now,
            });
        Ok(())
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

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Permissions by API: `Mail.Read` is Graph's, `{application id}/{scope}` another API's.
fn by_resource(scopes: &[String]) -> Vec<(ApplicationId, BTreeSet<String>)> {
    let mut all: Vec<(ApplicationId, BTreeSet<String>)> = Vec::new();
    for scope in scopes {
        let qualified = scope
            .split_once('/')
            .and_then(|(resource, name)| Some((resource.parse().ok()?, name)));
        let (resource, name) = qualified.unwrap_or((graph(), scope.as_str()));
        match all.iter_mut().find(|(it, _)| *it == resource) {
            Some((_, names)) => {
                names.insert(name.to_owned());
            }
            None => all.push((resource, BTreeSet::from([name.to_owned()]))),
        }
    }
    all
}

fn graph() -> ApplicationId {
    // A constant; the unit tests parse it.
    GRAPH_APPLICATION_ID
        .parse()
        .expect("the application id of Graph is a UUID")
}
