//! The areas of Graph that add behaviour to the generic level: a module and a line for each.

mod calendar_permissions;
mod extensions;
mod groups;
mod invitations;
pub(super) mod logs;
mod message_rules;
mod outlook_user;
mod places;
mod planner;
mod presence;
mod relevant_people;
mod roles;
mod sites;
mod teams;

use super::generic::behaviour::{self, Behaviour};
use super::{applications, dispatch};

/// What each area adds.
static ALL: &[&[Behaviour]] = &[
    applications::BEHAVIOURS,
    calendar_permissions::BEHAVIOURS,
    extensions::BEHAVIOURS,
    groups::BEHAVIOURS,
    invitations::BEHAVIOURS,
    logs::BEHAVIOURS,
    message_rules::BEHAVIOURS,
    outlook_user::BEHAVIOURS,
    places::BEHAVIOURS,
    planner::BEHAVIOURS,
    presence::BEHAVIOURS,
    relevant_people::BEHAVIOURS,
    roles::BEHAVIOURS,
    sites::BEHAVIOURS,
    teams::BEHAVIOURS,
];

/// Makes the areas known to the generic level.
pub(super) fn install() {
    behaviour::install(ALL, dispatch::handle);
}
