//! Which permissions a client holds for a user.

use std::collections::BTreeSet;

use super::error::AuthorityError;
use super::resolve::{azure_ad_graph_id, azure_ad_graph_scopes};
use crate::directory::{Application, ApplicationId, Directory, ObjectId};
use crate::permission::OPENID_SCOPES;

/// The permissions that are consented, if those asked for are among them.
pub(crate) fn held_scopes(
    directory: &Directory,
    app: &Application,
    user: ObjectId,
    resource: ApplicationId,
    asked: &BTreeSet<String>,
) -> Result<BTreeSet<String>, AuthorityError> {
    let granted = consented_scopes(directory, app, user, resource);
    let is_held = |scope: &String| {
        granted.contains(scope) || granted.iter().any(|held| held.eq_ignore_ascii_case(scope))
    };
    if asked.iter().all(is_held) {
        Ok(granted)
    } else {
        Err(consent_missing(app))
    }
}

/// The permissions of an API that a client holds for a user, by consent or without being asked.
fn consented_scopes(
    directory: &Directory,
    app: &Application,
    user: ObjectId,
    resource: ApplicationId,
) -> BTreeSet<String> {
    if resource == azure_ad_graph_id() {
        return azure_ad_graph_scopes(directory, app.app_id, user);
    }
    let mut granted = directory.granted_scopes(app.app_id, user, resource);
    if let Some(api) = directory
        .applications
        .get(&resource)
        .and_then(|it| it.api.as_ref())
    {
        // A grant may name what the API has no more; what is only disabled can't be asked for, and
        // goes on. Unverified.
        granted.retain(|scope| {
            OPENID_SCOPES.contains(&scope.as_str())
                || api.scopes.iter().any(|it| it.value == *scope)
        });
    }
    // An API of this tenant may name clients whose users are not asked.
    if let Some(api) = directory
        .applications
        .get(&resource)
        .and_then(|it| it.api.as_ref())
        && api.pre_authorized.contains(&app.app_id)
    {
        granted.extend(api.scopes.iter().map(|scope| scope.value.clone()));
    }
    granted
}

/// Something asked for is not consented: AADSTS65001.
pub(crate) fn consent_missing(app: &Application) -> AuthorityError {
    AuthorityError::aadsts(65001)
        .with("app", app.app_id.to_string())
        .with("name", &app.display_name)
}
