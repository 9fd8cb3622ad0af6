//! Paths into sites and their lists: which site, library or item is meant, for the area of sites.

use super::place;
use super::route::Route;
use super::service::Voice;
use crate::graph::access::Reach;
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files;
use crate::graph::lists::{self, Start};

/// Answers a request into a site's lists; none where the path leads elsewhere.
pub(super) fn answer(
    call: &Call<'_>,
    route: &Route,
    voice: &Voice,
) -> Option<Result<Reply, GraphError>> {
    let Some(at) = lists::begin(&route.steps) else {
        return selected(call, route, voice).err().map(Err);
    };
    let steps = &route.steps[at..];
    let action = lists::action(steps, route.suffix, call.endpoint.method.as_str())?;
    Some(start(call, route, at, voice).and_then(|start| lists::answer(call, start, steps, action)))
}

/// A site itself is shown to who was let into it.
fn selected(call: &Call<'_>, route: &Route, voice: &Voice) -> Result<(), GraphError> {
    if call.reach != Reach::Selected || files::begin(&route.steps).is_some() {
        return Ok(());
    }
    let of = |it: &super::route::Step| it.actual().is_some_and(|of| of.name() == "site");
    let at = route.steps.iter().rposition(of).map_or(0, |it| it + 1);
    let site = place::owner(call, route, at, voice)?;
    site.exists(call, voice)?;
    lists::check_site(call, &site.id)
}

/// Whether the mock does what a request into a site's lists asks; none where it leads elsewhere,
/// or the generic level answers it.
pub(super) fn does(route: &Route, method: &str) -> Option<bool> {
    let at = lists::begin(&route.steps)?;
    lists::action(&route.steps[at..], route.suffix, method).map(|_| true)
}

fn start(call: &Call<'_>, route: &Route, at: usize, voice: &Voice) -> Result<Start, GraphError> {
    let steps = &route.steps[..at];
    if let Some(from) = files::begin(&route.steps) {
        let base = super::files::base(call, route, from, voice)?;
        let drive = lists::drive(call, &base, &steps[from..])?;
        if route.steps[at].name == "list" {
            return Ok(Start::Library(drive));
        }
        let found = files::find::item(call, drive, &steps[from..])?;
        let item = found.there()?;
        return Ok(Start::Item(found.drive, item));
    }
    let site = place::owner(call, route, at, voice)?;
    site.exists(call, voice)?;
    Ok(Start::Site(site.id))
}
