//! Passwords and sessions of users.
//!
//! Sources: learn.microsoft.com/graph/api/user-changepassword,
//! /authenticationmethod-resetpassword, /user-revokesigninsessions,
//! /resources/passwordprofile; the rules for passwords:
//! learn.microsoft.com/entra/identity/authentication/concept-sspr-policy.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::super::call::{Call, Reply};
use super::super::error::GraphError;
use super::write::outranks;
use crate::directory::{Event, ObjectId, PasswordResetBy, RevokedBy};

/// What a `passwordProfile` asks for.
pub(super) struct NewPassword {
    pub(super) password: Option<String>,
    pub(super) change_at_sign_in: bool,
}

impl NewPassword {
    pub(super) fn read(profile: &Value) -> Result<Self, GraphError> {
        let flag = |name: &str| profile.get(name) == Some(&Value::Bool(true));
        let password = profile
            .get("password")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if let Some(password) = &password {
            check(password)?;
        }
        Ok(Self {
            password,
            change_at_sign_in: flag("forceChangePasswordNextSignIn")
                || flag("forceChangePasswordNextSignInWithMfa"),
        })
    }
}

/// What setting a password profile means. Unverified: that a password set by Graph ends the same
/// tokens as one that is reset in the portal.
pub(super) fn events(user: ObjectId, new: NewPassword) -> Vec<Event> {
    let id = user.to_string();
    let mut events = Vec::new();
    if new.password.is_some() {
        events.push(Event::ResetPassword {
            user: id.clone(),
            by: PasswordResetBy::AdminPortal,
            password: new.password,
        });
    }
    if new.change_at_sign_in {
        events.push(Event::ExpirePassword { user: id });
    }
    events
}

/// `POST …/revokeSignInSessions` and, in beta, `…/invalidateAllRefreshTokens`.
pub(in crate::graph) fn revoke_sign_in_sessions(call: &Call<'_>) -> Result<Reply, GraphError> {
    let user = call.target()?.user;
    if call.actor.user().is_some() {
        call.tenant
            .read(|directory| outranks(call, directory, user))?;
    }
    let by = if call.actor.user() == Some(user) {
        RevokedBy::User
    } else {
        RevokedBy::Admin
    };
    call.happen(&Event::RevokeSessions {
        user: user.to_string(),
        by,
    })?;
    let context = format!("{}/$metadata#Edm.Boolean", call.root());
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": true}),
    ))
}

/// `POST /me/changePassword`.
pub(in crate::graph) fn change(call: &Call<'_>) -> Result<Reply, GraphError> {
    let target = call.target()?.user;
    let mut action = call.action()?;
    let mut text = |name: &str| {
        action
            .text(name)?
            .ok_or_else(|| GraphError::value_required(name, "User"))
    };
    let current = text("currentPassword")?;
    let new = text("newPassword")?;
    action.finish("changePassword")?;
    let right = call
        .tenant
        .read(|it| it.user(target).is_some_and(|user| user.password == current));
    if !right {
        // Unverified: the text.
        return Err(GraphError::directory_request(
            "The specified current password does not match the password of the user.",
        ));
    }
    check(&new)?;
    call.happen(&Event::ChangePassword {
        user: target.to_string(),
        password: Some(new),
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /users/{id}/authentication/methods/{id}/resetPassword`: by an administrator, for another
/// user, who is asked for a new password at the next sign-in.
pub(in crate::graph) fn reset(call: &Call<'_>) -> Result<Reply, GraphError> {
    let target = call.target()?.user;
    let method = call.parameters.get("method");
    if !method.eq_ignore_ascii_case(PASSWORD_METHOD) {
        return Err(GraphError::resource_not_found(method));
    }
    call.tenant
        .read(|directory| outranks(call, directory, target))?;
    if call.actor.user() == Some(target) {
        // Unverified: code and text.
        return Err(GraphError::directory_denied());
    }
    let mut action = call.action()?;
    let asked = action.text("newPassword")?;
    action.finish("resetPassword")?;
    let (password, made) = match asked {
        Some(password) => {
            check(&password)?;
            (password, None)
        }
        // Eight characters of four kinds, as the service makes them.
        None => {
            let noise = call.world.random.uuid().simple().to_string();
            let made = format!("Zq{}!", &noise[..6]);
            (made.clone(), Some(made))
        }
    };
    let new = NewPassword {
        password: Some(password),
        change_at_sign_in: true,
    };
    for event in events(target, new) {
        call.happen(&event)?;
    }
    let mut reply = match made {
        Some(made) => Reply::json(
            StatusCode::ACCEPTED,
            json!({
                "@odata.context": format!(
                    "{}/$metadata#microsoft.graph.passwordResetResponse", call.root()
                ),
                "newPassword": made,
            }),
        ),
        None => Reply::empty(StatusCode::ACCEPTED),
    };
    let operation = call.world.random.uuid();
    let location = format!(
        "{}/users/{target}/authentication/operations/{operation}",
        call.root()
    );
    reply.headers.push((header::LOCATION, location));
    Ok(reply)
}

/// Whether a password is strong enough.
fn check(password: &str) -> Result<(), GraphError> {
    let kinds: [fn(char) -> bool; 4] = [
        |it| it.is_ascii_lowercase(),
        |it| it.is_ascii_uppercase(),
        |it| it.is_ascii_digit(),
        |it| !it.is_ascii_alphanumeric(),
    ];
    let held = kinds.iter().filter(|kind| password.chars().any(**kind));
    if (8..=256).contains(&password.chars().count()) && held.count() >= 3 {
        Ok(())
    } else {
        Err(GraphError::directory_request(
            "The specified password does not comply with password complexity requirements. Please \
             provide a different password.",
        ))
    }
}

/// The id of the password among the authentication methods of everybody.
/// Source: learn.microsoft.com/graph/api/resources/passwordauthenticationmethod.
const PASSWORD_METHOD: &str = "28c10230-6103-485e-b985-444c60001490";
