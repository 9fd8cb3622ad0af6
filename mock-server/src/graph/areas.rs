//! The areas of Graph that add behaviour to the generic level: a line for each.

use super::generic::behaviour::{self, Behaviour};
use super::{applications, extensions, groups, invitations, logs, roles, sites, teams};

/// What each area adds.
static ALL: &[&[Behaviour]] = &[
    applications::BEHAVIOURS,
    extensions::BEHAVIOURS,
    groups::BEHAVIOURS,
    invitations::BEHAVIOURS,
    logs::BEHAVIOURS,
    roles::BEHAVIOURS,
    sites::BEHAVIOURS,
    teams::BEHAVIOURS,
];

/// Makes the areas known to the generic level.
pub(super) fn install() {
    behaviour::install(ALL);
}
