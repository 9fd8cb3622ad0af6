//! Events of app registrations and their credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::super::{Directory, KeyCredential, PasswordCredential, Platform, RedirectUri, Risk};
use super::apply::later;
use super::permission::register;
use super::{Applied, EventError, set};
use crate::permission::PermissionKind;
use crate::random::Random;

impl Directory {
    pub(super) fn set_app_risk(&mut self, app: &str, risk: Risk) -> Result<Applied, EventError> {
        let changed = set(&mut self.principal_mut(app)?.risk, risk);
        let name = self.app_name(app)?;
        let (high, word) = match risk {
            Risk::None => ("", "none"),
            Risk::Low => ("", "low"),
            Risk::Medium => ("", "medium"),
            Risk::High => (" (its own tokens are refused: AADSTS53003)", "high"),
        };
        Ok(Applied::either(
            changed,
            format!("the risk of {name} is {word}{high}"),
            format!("the risk of {name} was {word} already"),
        ))
    }

    pub(super) fn judge_app(
        &mut self,
        app: &str,
        verified: Option<bool>,
        risky: Option<bool>,
    ) -> Result<Applied, EventError> {
        if verified.is_none() && risky.is_none() {
            return Err(EventError::NotPossible(
                "neither 'verified' nor 'risky' is given: name at least one".to_owned(),
            ));
        }
        self.change_app(app, |app| {
            let publisher = &mut app.publisher;
            let verified = verified.is_some_and(|it| set(&mut publisher.verified, it));
            let risky = risky.is_some_and(|it| set(&mut publisher.risky, it));
            let words = format!(
                "the publisher of {} is {}verified, and consent to it is {}risky",
                app.alias,
                if publisher.verified { "" } else { "not " },
                if publisher.risky { "" } else { "not " },
            );
            Applied::either(
                verified || risky,
                words.clone(),
                format!("{words}, as before"),
            )
        })
    }

    pub(super) fn change_permissions(
        &mut self,
        app: &str,
        scopes: Option<&[String]>,
        roles: Option<&[String]>,
    ) -> Result<Applied, EventError> {
        if scopes.is_none() && roles.is_none() {
            return Err(EventError::NotPossible(
                "neither 'scopes' nor 'roles' is given: name at least one".to_owned(),
            ));
        }
        let scopes = scopes.map(|it| self.permissions(it, PermissionKind::Delegated));
        let roles = roles.map(|it| self.permissions(it, PermissionKind::Application));
        let (scopes, roles) = (scopes.transpose()?, roles.transpose()?);
        self.change_app(app, |app| {
            let scopes = scopes.is_some_and(|it| register(app, PermissionKind::Delegated, it));
            let roles = roles.is_some_and(|it| register(app, PermissionKind::Application, it));
            Applied::either(
                scopes || roles,
                format!(
                    "other permissions are registered on {}; what was consented stays",
                    app.alias
                ),
                format!("these permissions were registered on {} already", app.alias),
            )
        })
    }

    pub(super) fn enable_app(&mut self, app: &str, enabled: bool) -> Result<Applied, EventError> {
        let changed = set(&mut self.principal_mut(app)?.enabled, enabled);
        let name = self.app_name(app)?;
        let (word, code) = if enabled {
            ("enabled", "")
        } else {
            ("disabled", " (AADSTS7000112)")
        };
        Ok(Applied::either(
            changed,
            format!("{name} is {word}{code}"),
            format!("{name} was {word} already"),
        ))
    }

    pub(super) fn delete_app(&mut self, app: &str) -> Result<Applied, EventError> {
        let id = self.app_id(app)?;
        let name = self.app_name(app)?;
        self.applications.shift_remove(&id);
        self.remove_principal(id);
        Ok(Applied::changed(format!(
            "{name} is gone, with what was consented to it (AADSTS700016)"
        )))
    }

    pub(super) fn add_secret(
        &mut self,
        app: &str,
        secret: &str,
        now: Timestamp,
        random: &Random,
    ) -> Result<Applied, EventError> {
        if secret.is_empty() {
            return Err(EventError::NotPossible("the secret is empty".to_owned()));
        }
        let credential = PasswordCredential {
            key_id: random.uuid(),
            display_name: None,
            secret: secret.to_owned(),
            start: now,
            // Two years, as addPassword without an end date.
            // Source: learn.microsoft.com/graph/api/resources/passwordcredential.
            end: later(now, SignedDuration::from_hours(24 * 730)),
        };
        self.change_app(app, |app| {
            app.secrets.push(credential);
            Applied::changed(format!("{} has {} secret(s)", app.alias, app.secrets.len()))
        })
    }

    pub(super) fn remove_secret(
        &mut self,
        app: &str,
        secret: Option<&String>,
    ) -> Result<Applied, EventError> {
        self.change_app(app, |app| {
            let before = app.secrets.len();
            app.secrets
                .retain(|it| secret.is_some_and(|secret| it.secret != *secret));
            let (gone, left) = (before - app.secrets.len(), app.secrets.len());
            let name = &app.alias;
            let why = match (secret, before) {
                (_, 0) => format!("{name} had no secret"),
                _ => format!("{name} has no such secret among its {before}"),
            };
            Applied::either(
                gone > 0,
                format!(
                    "{gone} secret(s) of {name} removed, {left} left{}",
                    refused(left, 7000215)
                ),
                why,
            )
        })
    }

    pub(super) fn expire_secret(
        &mut self,
        app: &str,
        now: Timestamp,
    ) -> Result<Applied, EventError> {
        let end = later(now, SignedDuration::from_secs(-1));
        self.change_app(app, |app| {
            let live = app.secrets.iter().filter(|it| it.end > now).count();
            app.secrets.iter_mut().for_each(|it| it.end = end);
            let name = &app.alias;
            Applied::either(
                live > 0,
                format!("{live} secret(s) of {name} expired (AADSTS7000222)"),
                format!("{name} has no secret that has not expired"),
            )
        })
    }

    pub(super) fn add_certificate(
        &mut self,
        app: &str,
        certificate: &str,
        random: &Random,
    ) -> Result<Applied, EventError> {
        let base64: String = certificate
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .map(str::trim)
            .collect();
        let der = STANDARD.decode(base64).map_err(|error| {
            EventError::NotPossible(format!(
                "'certificate' is neither PEM nor base64 of a DER certificate: {error}"
            ))
        })?;
        let read = KeyCredential::read(random.uuid(), None, der);
        let credential = read.map_err(|error| {
            EventError::NotPossible(format!("'certificate' is not a DER certificate: {error}"))
        })?;
        self.change_app(app, |app| {
            app.certificates.push(credential);
            let count = app.certificates.len();
            Applied::changed(format!("{} has {count} certificate(s)", app.alias))
        })
    }

    pub(super) fn remove_certificate(&mut self, app: &str) -> Result<Applied, EventError> {
        self.change_app(app, |app| {
            let gone = app.certificates.len();
            app.certificates.clear();
            let name = &app.alias;
            Applied::either(
                gone > 0,
                format!(
                    "{gone} certificate(s) of {name} removed{}",
                    refused(0, 700027)
                ),
                format!("{name} had no certificate"),
            )
        })
    }

    pub(super) fn expire_certificate(
        &mut self,
        app: &str,
        now: Timestamp,
    ) -> Result<Applied, EventError> {
        let end = later(now, SignedDuration::from_secs(-1));
        self.change_app(app, |app| {
            let live = app.certificates.iter().filter(|it| it.end > now).count();
            app.certificates.iter_mut().for_each(|it| it.end = end);
            let name = &app.alias;
            Applied::either(
                live > 0,
                format!("{live} certificate(s) of {name} expired"),
                format!("{name} has no certificate that has not expired"),
            )
        })
    }

    /// All URIs get the platform of the first one that there was.
    pub(super) fn change_redirect_uris(
        &mut self,
        app: &str,
        uris: &[String],
    ) -> Result<Applied, EventError> {
        if let Some(wrong) = uris.iter().find(|it| Url::parse(it).is_err()) {
            return Err(EventError::NotPossible(format!(
                "'{wrong}' is not a URI such as https://app.example/callback"
            )));
        }
        self.change_app(app, |app| {
            let first = app.redirect_uris.first();
            let platform = first.map_or(Platform::Web, |it| it.platform);
            let wanted: Vec<RedirectUri> = uris
                .iter()
                .map(|uri| RedirectUri {
                    uri: uri.clone(),
                    platform,
                })
                .collect();
            let changed = set(&mut app.redirect_uris, wanted);
            let name = &app.alias;
            Applied::either(
                changed,
                format!(
                    "{name} has {} redirect URI(s); others get AADSTS50011",
                    uris.len()
                ),
                format!("{name} had these redirect URIs already"),
            )
        })
    }
}

fn refused(left: usize, code: u32) -> String {
    if left == 0 {
        format!(" (AADSTS{code})")
    } else {
        String::new()
    }
}
