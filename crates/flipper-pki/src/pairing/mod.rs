//! Pairing: a secret that a person carries from a desktop to an app, so that each can prove itself to the other where
//! they share no files.

mod file;
mod link;
mod pairings;
mod proof;
mod record;

pub use self::link::{LinkError, PairingLink};
pub use self::pairings::{Paired, Pairing, PairingRefusal, PairingState, Pairings, PairingsError};
pub use self::proof::{PairedRequest, PairingSecret};
