//! Which case is run next, and where: those in which nothing but waiting happens have places of
//! their own, so that they hold up no other.

use std::cmp::Reverse;
use std::collections::VecDeque;

use entra_mock::scenario::Span;
use jiff::SignedDuration;
use parking_lot::Mutex;

use crate::case::Case;

/// The cases that are still to be run.
pub(super) struct Queue {
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    usual: VecDeque<Case>,
    /// Those with a service that is silent for a second or more, the longest silence first.
    waiting: VecDeque<Case>,
}

/// Where a worker takes its cases from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// One of `--jobs`: takes what is usual first.
    Job,
    /// Beside the jobs: takes what waits, and nothing else.
    Beside,
}

impl Queue {
    /// The places for these cases, and the queue of what is run there. A single job stays alone:
    /// there the cases are run one by one, in their order.
    pub(super) fn new(cases: Vec<Case>, jobs: usize) -> (Vec<Place>, Self) {
        let jobs = jobs.clamp(1, cases.len().max(1));
        let (mut waiting, usual): (Vec<Case>, Vec<Case>) =
            cases.into_iter().partition(|case| jobs > 1 && waits(case));
        waiting.sort_by_key(|case| Reverse(case.scenario.longest_delay()));
        let beside = waiting.len().min(jobs.saturating_mul(BESIDE_EACH_JOB));
        let mut places = vec![Place::Job; jobs];
        places.extend(vec![Place::Beside; beside]);
        let lists = Mutex::new(Lists {
            usual: usual.into(),
            waiting: waiting.into(),
        });
        (places, Self { lists })
    }

    /// The next case for a place.
    pub(super) fn take(&self, place: Place) -> Option<Case> {
        let mut lists = self.lists.lock();
        match place {
            Place::Job => lists.usual.pop_front(),
            Place::Beside => None,
        }
        .or_else(|| lists.waiting.pop_front())
    }
}

/// Whether a case mostly waits.
fn waits(case: &Case) -> bool {
    case.scenario.longest_delay() >= LONG
}

/// A silence of this length is longer than all that is done in most cases.
const LONG: Span = Span(SignedDuration::from_secs(1));

/// How many cases may wait beside each job: each has a driver of its own, which does little.
const BESIDE_EACH_JOB: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;

    fn cases() -> Vec<Case> {
        Library::embedded().unwrap().cases()
    }

    fn ids(queue: &Queue, place: Place) -> Vec<String> {
        std::iter::from_fn(|| queue.take(place).map(|case| case.id)).collect()
    }

    #[test]
    fn cases_that_wait_have_places_beside_the_jobs() {
        let all = cases();
        let (places, queue) = Queue::new(all.clone(), 2);
        let count = |place| places.iter().filter(|it| **it == place).count();
        assert_eq!((count(Place::Job), count(Place::Beside)), (2, 4));
        let waiting = ids(&queue, Place::Beside);
        assert!(waiting[0].starts_with("outages/"), "{waiting:?}");
        assert!(
            waiting
                .iter()
                .any(|it| it.starts_with("auth/sign-in/slow-redemption"))
        );
        assert!(waiting.len() < 20, "{waiting:?}");
        let usual = ids(&queue, Place::Job);
        assert_eq!(usual.len() + waiting.len(), all.len());
        assert!(!usual.iter().any(|it| waiting.contains(it)));
    }

    #[test]
    fn a_job_helps_with_what_waits_when_nothing_else_is_left() {
        let (_, queue) = Queue::new(cases(), 2);
        let last = ids(&queue, Place::Job).pop().unwrap();
        assert!(
            last.contains("slow"),
            "the shortest silence comes last: {last}"
        );
        assert_eq!(queue.take(Place::Beside).map(|it| it.id), None);
    }

    #[test]
    fn a_single_job_runs_all_cases_in_their_order() {
        let all = cases();
        let (places, queue) = Queue::new(all.clone(), 1);
        assert_eq!(places, [Place::Job]);
        let expected: Vec<String> = all.into_iter().map(|it| it.id).collect();
        assert_eq!(ids(&queue, Place::Job), expected);
    }

    #[test]
    fn there_are_no_more_places_than_cases() {
        let mut few = cases();
        few.retain(|it| it.scenario_id == "outages/graph-is-silent");
        let (places, _) = Queue::new(few, 8);
        assert!(places.len() <= 2, "{places:?}");
    }
}
