//! Who may look into a site, beside what the token's permissions open.
//!
//! The root site is everybody's; a group's site is its members'; a person's site is the person's.

use super::base::Target;
use crate::graph::access::Actor;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::files::{access, refusal};

/// Refuses who may not.
pub(super) fn check(call: &Call<'_>, target: &Target) -> Result<(), GraphError> {
    let Actor::User(user, _) = &call.actor else {
        return Ok(());
    };
    let owner = call.tenant.read_drives(|drives| {
        let mut all = drives.all();
        let first = all.find(|it| it.place.list == target.site.place.list)?;
        Some(first.owner.clone())
    });
    let owner = owner.ok_or_else(refusal::not_found)?;
    if access::is_at_home(call, &owner, *user) {
        Ok(())
    } else {
        Err(refusal::denied())
    }
}
