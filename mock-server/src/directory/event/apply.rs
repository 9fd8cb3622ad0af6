//! What each event does to a directory, by theme in the modules beside this one.

use jiff::{SignedDuration, Timestamp};

use super::super::{Demand, Directory, MailboxRight, Networks};
use super::conditional_access::networks;
use super::consent::ConsentRules;
use super::{Applied, Event, EventError};
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
        let everywhere = Networks::default;
        match event {
            // Passwords and sessions.
            Event::ChangePassword { user, password } => {
                self.change_password(user, password.as_ref(), moment)
            }
            Event::ResetPassword { user, by, password } => {
                self.reset_password(user, *by, password.as_ref(), moment)
            }
            Event::ExpirePassword { user } => self.expire_password(user),
            Event::RevokeSessions { user, by } => self.revoke_sessions(user, *by, moment),
            Event::SingleSignOut { user } => self.single_sign_out(user, moment),
            // Accounts.
            Event::DisableUser { user } => self.enable_user(user, false),
            Event::EnableUser { user } => self.enable_user(user, true),
            Event::DeleteUser { user } => self.delete_user(user, now),
            Event::RestoreUser { user } => self.restore_user(user),
            Event::LockUser { user } => self.lock_user(user, now),
            Event::RenameUser { user, to } => self.rename_user(user, to),
            Event::SetUserRisk { user, risk, policy } => self.set_user_risk(user, *risk, *policy),
            Event::RemoveSecondFactor { user } => self.set_second_factor(user, false),
            Event::RegisterSecondFactor { user } => self.set_second_factor(user, true),
            Event::DisableDevice { user } => self.disable_device(user, moment),
            Event::RemoveLicence { user } => self.remove_licence(user),
            // Conditional access.
            Event::RequireMfa { user, app } => {
                self.policy((user, app), everywhere(), Demand::Mfa, moment, random)
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
                self.policy((user, app), networks, Demand::Block, moment, random)
            }
            Event::RequireCompliantDevice { user, app } => {
                let demand = Demand::CompliantDevice;
                self.policy((user, app), everywhere(), demand, moment, random)
            }
            Event::RequireTermsOfUse { user, app } => self.policy(
                (user, app),
                everywhere(),
                Demand::TermsOfUse,
                moment,
                random,
            ),
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
                self.policy((user, app), everywhere(), demand, moment, random)
            }
            Event::SetClientAddress { address } => self.set_client_address(address.as_deref()),
            Event::BlockHomeTenant { user } => self.admit_home_tenant(user, false),
            Event::AllowHomeTenant { user } => self.admit_home_tenant(user, true),
            // Consent.
            Event::SetUserConsentPolicy {
                user_consent,
                admin_consent_requests,
                low_impact,
                request_days,
                reviewers,
            } => {
                let rules = ConsentRules {
                    admin_consent_requests: *admin_consent_requests,
                    low_impact: low_impact.as_deref(),
                    request_days: *request_days,
                    reviewers: reviewers.as_deref(),
                };
                self.set_user_consent_policy(*user_consent, &rules)
            }
            Event::GrantConsent { app, user, scopes } => {
                self.grant_consent(app, user.as_ref(), scopes, random)
            }
            Event::RevokeConsent { app, user } => self.revoke_consent(app, user.as_ref()),
            Event::RequestConsent {
                app,
                user,
                scopes,
                reason,
            } => {
                let reason = reason.clone().unwrap_or_default();
                self.request_consent(app, user, scopes, reason, now, random)
            }
            Event::ApproveRequest { app } => self.approve_request(app, now, random),
            Event::DenyRequest { app, justification } => {
                self.deny_request(app, justification.as_deref(), now)
            }
            Event::BlockRequest { app, justification } => {
                self.block_request(app, justification.as_deref(), now, random)
            }
            Event::RequireAssignment { app } => self.require_assignment(app),
            Event::AssignUser { app, user } => self.assign_user(app, user, true),
            Event::UnassignUser { app, user } => self.assign_user(app, user, false),
            Event::GrantAppRole { app, role } => self.grant_app_role(app, role, now, random),
            Event::RevokeAppRole { app, role } => self.revoke_app_role(app, role.as_ref()),
            // Apps.
            Event::SetAppRisk { app, risk } => self.set_app_risk(app, *risk),
            Event::JudgeApp {
                app,
                verified,
                risky,
            } => self.judge_app(app, *verified, *risky),
            Event::ChangePermissions { app, scopes, roles } => {
                self.change_permissions(app, scopes.as_deref(), roles.as_deref())
            }
            Event::DisableApp { app } => self.enable_app(app, false),
            Event::EnableApp { app } => self.enable_app(app, true),
            Event::DeleteApp { app } => self.delete_app(app),
            Event::AddSecret { app, secret } => self.add_secret(app, secret, now, random),
            Event::RemoveSecret { app, secret } => self.remove_secret(app, secret.as_ref()),
            Event::ExpireSecret { app } => self.expire_secret(app, now),
            Event::AddCertificate { app, certificate } => {
                self.add_certificate(app, certificate, random)
            }
            Event::RemoveCertificate { app } => self.remove_certificate(app),
            Event::ExpireCertificate { app } => self.expire_certificate(app, now),
            Event::ChangeRedirectUris { app, redirect_uris } => {
                self.change_redirect_uris(app, redirect_uris)
            }
            // Tokens.
            Event::ExpireAccessTokens { user, app } => {
                self.expire_access_tokens(user.as_ref(), app.as_ref(), moment)
            }
            Event::RevokeAccessTokens { user, app } => {
                self.revoke_access_tokens(user.as_ref(), app.as_ref(), moment)
            }
            Event::SetTokenLifetime { seconds } => self.set_token_lifetime(*seconds),
            Event::RotateSigningKey {} => Ok(self.rotate_signing_key()),
            // Mailboxes.
            Event::GrantMailboxAccess {
                mailbox,
                user,
                right,
            } => {
                let right = right.unwrap_or(MailboxRight::FullAccess);
                self.grant_mailbox_access(mailbox, user, right)
            }
            Event::RevokeMailboxAccess { mailbox, user } => {
                self.revoke_mailbox_access(mailbox, user)
            }
            Event::RestrictAppMailboxes { app, mailboxes } => {
                self.restrict_app_mailboxes(app, mailboxes.as_deref())
            }
            Event::ChangeMessage {
                user,
                subject,
                read,
                folder,
            } => self.change_message(user, subject, *read, folder.as_deref()),
            Event::DeliverMessage {
                user,
                subject,
                from,
                body,
                late,
            } => {
                let texts = [subject, from, body].map(Option::as_ref);
                self.deliver_message(user, texts, late.unwrap_or_default())
            }
            Event::DeleteFile { user, path } => self.delete_file(user, path),
            Event::PutFile {
                user,
                path,
                text,
                keep_both,
            } => {
                let text = text.as_deref().unwrap_or_default();
                self.put_file(user, path, text, keep_both.unwrap_or_default())
            }
            Event::ExpireDeltaTokens { user } => self.expire_delta_tokens(user),
            // The tenant.
            Event::BlockTenant {} => Ok(self.block_tenant()),
            Event::DeleteTenant {} => Ok(self.delete_tenant()),
        }
    }

    fn policy(
        &mut self,
        (user, app): (&Option<String>, &Option<String>),
        networks: Networks,
        demand: Demand,
        since: Timestamp,
        random: &Random,
    ) -> Result<Applied, EventError> {
        self.add_policy(
            (user.as_ref(), app.as_ref()),
            networks,
            demand,
            since,
            random,
        )
    }
}

pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
