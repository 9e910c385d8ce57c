//! The ids that tie facts to decisions.
//!
//! All of them are counters, so that the same inputs give the same outputs. A fact that carries an id of something that
//! is over is ignored.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The id with this number; for languages that carry ids as integers.
            #[must_use]
            pub const fn from_u64(number: u64) -> Self {
                Self(number)
            }

            /// The number of this id.
            #[must_use]
            pub const fn as_u64(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
    };
}

id! {
    /// One attempt of a client to reach a desktop: a socket, from `Connect` to `handle_closed`.
    AttemptId, "attempt-"
}
id! {
    /// A piece of work that is not bytes, handed to the driver and answered by `handle_job_done`.
    JobId, "job-"
}
id! {
    /// A call of the desktop that a plugin is to answer.
    CallId, "call-"
}
id! {
    /// A generation of credentials: a key, a certificate request and what a desktop made of it.
    Generation, "generation-"
}
id! {
    /// A connection that a desktop accepted.
    ConnId, "connection-"
}
id! {
    /// A certificate exchange that a client asked a desktop for.
    ExchangeId, "exchange-"
}
id! {
    /// A request that a desktop sent to a client, as its caller knows it.
    RequestId, "request-"
}

/// Hands out the numbers of one kind of id.
#[derive(Debug, Default)]
pub(crate) struct Counter(u64);

impl Counter {
    pub(crate) fn next(&mut self) -> u64 {
        let number = self.0;
        self.0 += 1;
        number
    }
}

/// The `id` of a message on the wire: an integer from 0 to 2^53 - 1.
///
/// The requester chooses it; 0 is as good as any. The bound is what a JavaScript peer can hold exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(u64);

impl MessageId {
    /// The smallest id.
    pub const ZERO: Self = Self(0);

    /// The largest id: 2^53 - 1.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The id with this number, unless a JavaScript peer could not hold it exactly.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number of this id.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The id after this one; after the largest comes the smallest.
    #[must_use]
    pub(crate) const fn successor(self) -> Self {
        if self.0 < Self::MAX.0 { Self(self.0 + 1) } else { Self::ZERO }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
