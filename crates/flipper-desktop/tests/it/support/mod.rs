//! What the tests work with.

#[cfg(target_os = "linux")]
pub(crate) mod adb;
mod app;
mod certificates;
mod pairing;
mod peer;
mod rig;

pub(crate) use self::app::{app, app_named};
pub(crate) use self::certificates::{Identity, foreign_authority, memory_authority};
pub(crate) use self::pairing::{APP_ID, Asking, DEVICE, link, link_to, now, paired, paired_with};
pub(crate) use self::peer::{Peer, RawPeer, Request};
pub(crate) use self::rig::{Rig, desktop, poll_once, within};
