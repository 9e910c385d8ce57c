//! What every client does, whatever its runtime: an app against a scripted desktop.
//!
//! The line `Covers:` in a scenario's documentation names what it stands for. `docs/conformance-scenarios.md` lists both.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a scenario may fail in a callback, too")]

mod bad_input;
mod callbacks;
mod calls;
mod certificates;
mod documentation;
mod events;
mod exchange;
mod flow;
mod handshake;
mod identity;
mod loss;
mod reach;
mod session;
mod stop;
mod transcripts;

macro_rules! publish {
    ({} $($topic:ident: { $($scenario:ident)* })*) => {
        $(pub use self::$topic::{$($scenario),*};)*
    };
}
crate::client_scenarios! { publish {} }
