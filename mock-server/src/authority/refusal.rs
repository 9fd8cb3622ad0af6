//! The refusal of a sign-in or a token that is not good, with its facts.

use super::error::{AuthorityError, RefusalFacts, no_such_user};
use crate::directory::{Application, Directory};
use crate::token::SignIn;
use crate::token::validity::Invalid;

/// The refusal of a sign-in or a refresh token, with its facts filled in.
pub(crate) fn refusal(
    invalid: Invalid,
    directory: &Directory,
    app: Option<&Application>,
    sign_in: &SignIn,
) -> AuthorityError {
    if matches!(invalid, Invalid::UserDeleted | Invalid::UserUnknown) {
        let deleted = invalid == Invalid::UserDeleted;
        return no_such_user(deleted, directory.id.to_string());
    }
    let user = directory.users.get(&sign_in.user).map_or_else(
        || sign_in.user.to_string(),
        |user| user.user_principal_name.to_string(),
    );
    let policy = directory
        .policies
        .conditional_access
        .iter()
        .find(|policy| policy.concerns(sign_in.user, sign_in.client) && invalid.is_of(policy))
        .map(|policy| policy.id);
    AuthorityError::of_invalid(
        invalid,
        &RefusalFacts {
            user: &user,
            tenant: &directory.display_name,
            app: &app.map_or_else(String::new, |it| it.app_id.to_string()),
            app_name: app.map_or("", |it| it.display_name.as_str()),
            resource: crate::environment::GRAPH_APPLICATION_ID,
            policy,
        },
    )
}
