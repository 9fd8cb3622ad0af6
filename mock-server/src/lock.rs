//! The locks of the program, in one order.
//!
//! Every lock has a rank, and a thread that holds a lock takes only locks of higher ranks: so no
//! two threads can wait for each other. The ranks, in their order, are the list of [`Rank`]; the
//! rank is part of a lock's type. Debug builds check the order at each acquisition and panic where
//! it is broken, whether or not another thread is there to be waited for; release builds contain
//! no check.
//!
//! What a lock guards is reached in closures (`lock.read(|it| …)`), which cannot be suspended: no
//! lock is held over an await.

use std::fmt;
use std::marker::PhantomData;

#[cfg(debug_assertions)]
mod held;

/// A lock that one thread at a time holds.
pub(crate) struct Mutex<R, T: ?Sized> {
    rank: PhantomData<fn() -> R>,
    inner: parking_lot::Mutex<T>,
}

/// A lock that many readers or one writer hold.
pub(crate) struct RwLock<R, T: ?Sized> {
    rank: PhantomData<fn() -> R>,
    inner: parking_lot::RwLock<T>,
}

/// A type that names a rank; [`rank`] has one for each.
pub(crate) trait Ranked {
    /// The rank.
    const RANK: Rank;
}

macro_rules! ranks {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// The places in the order of locks: whoever holds one takes only those below it in this
        /// list.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(crate) enum Rank { $($(#[$doc])* $name,)+ }

        /// The ranks as types.
        pub(crate) mod rank {
            $($(#[$doc])* #[derive(Clone, Copy, Debug)] pub(crate) enum $name {}

            impl super::Ranked for $name {
                const RANK: super::Rank = super::Rank::$name;
            })+
        }
    };
}

ranks! {
    /// The scenarios at play, which act on all that follows.
    Players,
    /// Which tenants there are, and which domains and apps are whose.
    Tenants,
    /// The directory of one tenant.
    Directory,
    /// What Graph serves beside the directory and the mailboxes.
    Documents,
    /// The drives of one tenant.
    Drives,
    /// The mailboxes of a tenant that are in use.
    Mailboxes,
    /// The contents of one mailbox.
    Mailbox,
    /// Device codes that wait for a person.
    DeviceCodes,
    /// The faults of one tenant.
    Faults,
    /// Who is signed in with which client.
    Connections,
    /// Which authorization codes were redeemed.
    RedeemedCodes,
    /// The newest tokens that went over the wire.
    SeenTokens,
    /// The tokens whose signature was verified.
    VerifiedTokens,
    /// What is in flight at Graph.
    InFlight,
    /// What was counted against Graph's limits.
    Windows,
    /// The answers that are on their way.
    Answers,
    /// The connections that are open.
    Capacity,
    /// The request bodies that are in memory.
    Bodies,
    /// The ports that the mock listens on.
    Ports,
    /// Certificates and TLS configurations that were made.
    Certificates,
    /// The signing keys of a sign-in cloud.
    SigningKeys,
    /// The secret with which is sealed what clients bring back.
    SealingSecret,
    /// The time of a tenant.
    Clock,
    /// The entries of the journal.
    Journal,
    /// The secrets that are known by their value.
    KnownSecrets,
    /// The stream of random values.
    Random,
}

impl<R, T> Mutex<R, T> {
    /// A lock around a value.
    pub(crate) const fn new(value: T) -> Self {
        Self {
            rank: PhantomData,
            inner: parking_lot::Mutex::new(value),
        }
    }
}

impl<R: Ranked, T: ?Sized> Mutex<R, T> {
    /// Works on what the lock guards.
    pub(crate) fn write<A>(&self, work: impl FnOnce(&mut T) -> A) -> A {
        let _held = Held::new(R::RANK);
        work(&mut self.inner.lock())
    }

    /// Looks at what the lock guards.
    pub(crate) fn read<A>(&self, look: impl FnOnce(&T) -> A) -> A {
        let _held = Held::new(R::RANK);
        look(&self.inner.lock())
    }

    /// Works on what the lock guards, unless somebody else does.
    pub(crate) fn try_write<A>(&self, work: impl FnOnce(&mut T) -> A) -> Option<A> {
        let _held = Held::new(R::RANK);
        self.inner.try_lock().map(|mut it| work(&mut it))
    }
}

impl<R, T> RwLock<R, T> {
    /// A lock around a value.
    pub(crate) const fn new(value: T) -> Self {
        Self {
            rank: PhantomData,
            inner: parking_lot::RwLock::new(value),
        }
    }
}

impl<R: Ranked, T: ?Sized> RwLock<R, T> {
    /// Looks at what the lock guards, beside other readers.
    pub(crate) fn read<A>(&self, look: impl FnOnce(&T) -> A) -> A {
        let _held = Held::new(R::RANK);
        look(&self.inner.read())
    }

    /// Works on what the lock guards, alone.
    pub(crate) fn write<A>(&self, work: impl FnOnce(&mut T) -> A) -> A {
        let _held = Held::new(R::RANK);
        work(&mut self.inner.write())
    }
}

/// A note of this thread that it holds, or is about to take, a lock.
#[derive(Debug)]
struct Held {
    #[cfg(debug_assertions)]
    rank: Rank,
}

impl Held {
    #[cfg_attr(debug_assertions, track_caller)]
    fn new(rank: Rank) -> Self {
        #[cfg(debug_assertions)]
        {
            held::take(rank);
            Self { rank }
        }
        #[cfg(not(debug_assertions))]
        {
            let _ = rank;
            Self {}
        }
    }
}

#[cfg(debug_assertions)]
impl Drop for Held {
    fn drop(&mut self) {
        held::release(self.rank);
    }
}

impl<R, T: Default> Default for Mutex<R, T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<R, T: Default> Default for RwLock<R, T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<R, T: ?Sized + fmt::Debug> fmt::Debug for Mutex<R, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}

impl<R, T: ?Sized + fmt::Debug> fmt::Debug for RwLock<R, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}

#[cfg(test)]
mod tests;
