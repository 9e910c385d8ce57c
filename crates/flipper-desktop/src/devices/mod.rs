//! The devices that apps run on.

mod device;
mod registry;
mod watch;

pub use self::device::{AdbState, AdbStatus, Device, DeviceKind, PortForward, PortForwardFailed};

pub(crate) use self::registry::Registry;
pub(crate) use self::watch::watch_adb;
