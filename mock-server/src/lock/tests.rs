use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Mutex, RwLock, rank};

fn message(work: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(work)).err()?;
    panic.downcast_ref::<String>().cloned()
}

#[test]
fn locks_are_taken_in_their_order() {
    let tenants: RwLock<rank::Tenants, u8> = RwLock::new(1);
    let directory: RwLock<rank::Directory, u8> = RwLock::new(2);
    let journal: Mutex<rank::Journal, u8> = Mutex::new(3);
    let sum = tenants.read(|a| directory.write(|b| journal.read(|c| a + *b + c)));
    assert_eq!(sum, 6);
}

#[test]
fn a_lower_rank_is_refused_while_a_higher_one_is_held() {
    let tenants: RwLock<rank::Tenants, ()> = RwLock::default();
    let directory: RwLock<rank::Directory, ()> = RwLock::default();
    let wrong = message(|| directory.read(|()| tenants.read(|()| ()))).unwrap();
    assert!(
        wrong.starts_with("lock order: Tenants is taken while Directory is held"),
        "{wrong}"
    );
    // The thread holds nothing any more.
    tenants.write(|()| directory.write(|()| ()));
}

#[test]
fn two_locks_of_one_rank_are_not_held_at_once() {
    let one: RwLock<rank::Directory, ()> = RwLock::default();
    let other: RwLock<rank::Directory, ()> = RwLock::default();
    assert!(message(|| one.read(|()| other.read(|()| ()))).is_some());
    // Nor one for reading twice: a writer between the two would wait, and be waited for.
    assert!(message(|| one.read(|()| one.read(|()| ()))).is_some());
    one.read(|()| ());
    other.read(|()| ());
}

#[test]
fn a_lock_that_is_only_tried_has_its_place_too() {
    let mailbox: Mutex<rank::Mailbox, u8> = Mutex::new(1);
    assert_eq!(mailbox.try_write(|it| *it), Some(1));
    let journal: Mutex<rank::Journal, ()> = Mutex::default();
    assert!(message(|| journal.read(|()| mailbox.try_write(|_| ()).unwrap())).is_some());
}
