//! Which locks each thread holds, and the check of their order. Debug builds only.

use std::cell::RefCell;

use super::Rank;

thread_local! {
    static HELD: RefCell<Vec<Rank>> = const { RefCell::new(Vec::new()) };
}

/// Notes that a lock is taken.
#[track_caller]
pub(super) fn take(rank: Rank) {
    let highest = HELD.with_borrow(|held| held.iter().max().copied());
    if let Some(highest) = highest
        && rank <= highest
        // A panic while unwinding would end the process and hide the first one.
        && !std::thread::panicking()
    {
        panic!(
            "lock order: {rank:?} is taken while {highest:?} is held; release {highest:?} first, or \
             change the order in `lock::Rank`"
        );
    }
    HELD.with_borrow_mut(|held| held.push(rank));
}

/// Notes that a lock is released.
pub(super) fn release(rank: Rank) {
    HELD.with_borrow_mut(|held| {
        if let Some(at) = held.iter().rposition(|it| *it == rank) {
            held.remove(at);
        }
    });
}
