//! Events of consent: grants, application permissions, assignments, and who may consent.

use jiff::Timestamp;

use super::super::{AdminConsentRequests, ConsentType, Directory, UserConsent};
use super::account::called;
use super::{Applied, EventError, set};
use crate::permission::{MicrosoftApi, PermissionKind};
use crate::random::Random;

/// What `set-user-consent-policy` says beside who may consent.
pub(super) struct ConsentRules<'a> {
    pub(super) admin_consent_requests: Option<bool>,
    pub(super) low_impact: Option<&'a [String]>,
    pub(super) request_days: Option<u16>,
    pub(super) reviewers: Option<&'a [String]>,
}

impl Directory {
    pub(super) fn set_user_consent_policy(
        &mut self,
        user_consent: UserConsent,
        rules: &ConsentRules<'_>,
    ) -> Result<Applied, EventError> {
        let reviewers = rules
            .reviewers
            .map(|names| names.iter().map(|it| self.user_id(it)).collect())
            .transpose()?;
        let low_impact = match rules.low_impact {
            Some(names) => {
                let by_api = self.permissions(names, PermissionKind::Delegated)?;
                let graph = MicrosoftApi::Graph.application_id();
                if let Some((api, _)) = by_api.iter().find(|(api, _)| api.0 != graph) {
                    return Err(EventError::NotPossible(format!(
                        "only permissions of Microsoft Graph are classified here, not those of {api}"
                    )));
                }
                Some(by_api.into_iter().flat_map(|it| it.1).collect())
            }
            None => None,
        };
        if rules
            .request_days
            .is_some_and(|days| !(1..=60).contains(&days))
        {
            return Err(EventError::NotPossible(
                "a consent request is open between 1 and 60 days".to_owned(),
            ));
        }
        let mut changed = set(&mut self.policies.user_consent, user_consent);
        let old = &self.policies.admin_consent_requests;
        let requests = AdminConsentRequests {
            enabled: rules.admin_consent_requests.unwrap_or(old.enabled),
            duration_days: rules.request_days.unwrap_or(old.duration_days),
            reviewers: reviewers.unwrap_or_else(|| old.reviewers.clone()),
            ..old.clone()
        };
        changed |= set(&mut self.policies.admin_consent_requests, requests);
        if let Some(low_impact) = low_impact {
            changed |= set(&mut self.policies.low_impact, low_impact);
        }
        let who = match user_consent {
            UserConsent::All => "users may consent to whatever is not restricted to administrators",
            UserConsent::VerifiedLowImpact => {
                "users may consent to low-impact permissions of verified publishers"
            }
            UserConsent::MicrosoftManaged => "users may consent to what Microsoft recommends",
            UserConsent::None => "only administrators may consent",
        };
        let requests = if self.policies.admin_consent_requests.enabled {
            ", and users may ask for it"
        } else {
            ""
        };
        Ok(Applied::either(
            changed,
            format!("{who}{requests}"),
            format!("{who}{requests} already"),
        ))
    }

    pub(super) fn grant_consent(
        &mut self,
        app: &str,
        user: Option<&String>,
        scopes: &[String],
        random: &Random,
    ) -> Result<Applied, EventError> {
        let client = self.app_id(app)?;
        let name = self.app_name(app)?;
        let scopes = self.permissions(scopes, PermissionKind::Delegated)?;
        if scopes.is_empty() {
            return Err(EventError::NotPossible(
                "'scopes' names no permission: name some, such as Mail.Read".to_owned(),
            ));
        }
        let (consent, whom) = match user {
            Some(user) => {
                let user = self.user_mut(user)?;
                (ConsentType::Principal(user.id), called(user))
            }
            None => (ConsentType::AllPrincipals, "everybody".to_owned()),
        };
        let mut new = Vec::new();
        for (api, scopes) in scopes {
            let held = self
                .grants
                .iter()
                .find(|it| it.client == client && it.resource == api && it.consent == consent)
                .map(|it| it.scopes.clone())
                .unwrap_or_default();
            new.extend(scopes.difference(&held).cloned());
            self.grant(random.uuid(), client, api, consent, scopes);
        }
        Ok(Applied::either(
            !new.is_empty(),
            format!("consented to {} of {name} for {whom}", some(&new)),
            format!("all of it was consented for {whom} already"),
        ))
    }

    pub(super) fn revoke_consent(
        &mut self,
        app: &str,
        user: Option<&String>,
    ) -> Result<Applied, EventError> {
        let client = self.app_id(app)?;
        let name = self.app_name(app)?;
        let Some(user) = user else {
            let gone: Vec<String> = self
                .grants
                .extract_if(.., |it| it.client == client)
                .flat_map(|it| it.scopes)
                .collect();
            return Ok(Applied::either(
                !gone.is_empty(),
                format!("all consent to {name} is withdrawn: {}", some(&gone)),
                format!("nothing was consented to {name}"),
            ));
        };
        let user = self.user_mut(user)?;
        let (id, who) = (user.id, called(user));
        let own = ConsentType::Principal(id);
        let gone: Vec<String> = self
            .grants
            .extract_if(.., |it| it.client == client && it.consent == own)
            .flat_map(|it| it.scopes)
            .collect();
        let others = self
            .grants
            .iter()
            .any(|it| it.client == client && it.consent == ConsentType::AllPrincipals);
        let stays = if others {
            format!(
                "; what is consented to {name} for the whole tenant stays (leave 'user' out to withdraw it)"
            )
        } else {
            String::new()
        };
        Ok(Applied::either(
            !gone.is_empty(),
            format!(
                "the consent of {who} to {name} is withdrawn: {}{stays}",
                some(&gone)
            ),
            format!("{who} has not consented to {name}{stays}"),
        ))
    }

    pub(super) fn grant_app_role(
        &mut self,
        app: &str,
        role: &str,
        now: Timestamp,
        random: &Random,
    ) -> Result<Applied, EventError> {
        let client = self.app_id(app)?;
        let name = self.app_name(app)?;
        let (api, role) = self.permission(role, PermissionKind::Application)?;
        let held = self.granted_roles(client, api).contains(&role);
        self.assign_role(random.uuid(), client, api, role.as_str(), now);
        let of = self.api_name(api);
        Ok(Applied::either(
            !held,
            format!("{name} has {role} of {of}"),
            format!("{name} had {role} of {of} already"),
        ))
    }

    pub(super) fn revoke_app_role(
        &mut self,
        app: &str,
        role: Option<&String>,
    ) -> Result<Applied, EventError> {
        let client = self.app_id(app)?;
        let name = self.app_name(app)?;
        let wanted = match role {
            // What is held may be revoked, also where its API is gone.
            Some(role) if self.holds(client, role) => Some((None, role.clone())),
            Some(role) => {
                let (api, role) = self.permission(role, PermissionKind::Application)?;
                Some((Some(api), role))
            }
            None => None,
        };
        let gone: Vec<String> = self
            .app_role_assignments
            .extract_if(.., |it| {
                it.client == client
                    && wanted.as_ref().is_none_or(|(api, role)| {
                        it.role == *role && api.is_none_or(|api| it.resource == api)
                    })
            })
            .map(|it| it.role)
            .collect();
        let held: Vec<String> = self
            .app_role_assignments
            .iter()
            .filter(|it| it.client == client)
            .map(|it| it.role.clone())
            .collect();
        let has = if held.is_empty() {
            "no application permission".to_owned()
        } else {
            some(&held)
        };
        Ok(Applied::either(
            !gone.is_empty(),
            format!("{name} has {} no longer", some(&gone)),
            format!("{name} has {has}"),
        ))
    }

    fn holds(&self, client: super::super::ApplicationId, role: &str) -> bool {
        let mut all = self.app_role_assignments.iter();
        all.any(|it| it.client == client && it.role == role)
    }

    pub(super) fn require_assignment(&mut self, app: &str) -> Result<Applied, EventError> {
        let changed = set(&mut self.principal_mut(app)?.assignment_required, true);
        let name = self.app_name(app)?;
        Ok(Applied::either(
            changed,
            format!("only assigned users may use {name} (others: AADSTS50105)"),
            format!("only assigned users might use {name} already"),
        ))
    }

    pub(super) fn assign_user(
        &mut self,
        app: &str,
        user: &str,
        assigned: bool,
    ) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        let (id, who) = (user.id, called(user));
        let principal = self.principal_mut(app)?;
        let (changed, word) = if assigned {
            (principal.assigned_users.insert(id), "is assigned")
        } else {
            (principal.assigned_users.remove(&id), "is not assigned")
        };
        let needless = if principal.assignment_required {
            ""
        } else {
            " (which does not require it)"
        };
        let name = self.app_name(app)?;
        Ok(Applied::either(
            changed,
            format!("{who} {word} to {name}{needless}"),
            format!("{who} {word} to {name} anyway{needless}"),
        ))
    }

    /// What people call an API.
    fn api_name(&self, api: super::super::ApplicationId) -> String {
        let microsoft = MicrosoftApi::of(api.0).map(|it| it.display_name().to_owned());
        microsoft.unwrap_or_else(|| {
            let app = self.applications.get(&api);
            app.map_or_else(|| api.to_string(), |it| it.alias.clone())
        })
    }
}

/// The names, or how many they are.
fn some(names: &[String]) -> String {
    match names {
        [_, _, _, _, _, ..] => format!("{} permissions", names.len()),
        few => few.join(", "),
    }
}
