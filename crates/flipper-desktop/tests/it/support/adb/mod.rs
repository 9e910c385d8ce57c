//! Android, for tests: Debian's own adb server, and devices that it cannot tell from real ones.

mod device;
mod scripted;
mod server;
mod transport;

pub(crate) use self::device::{Device, Mode};
pub(crate) use self::scripted::{Say, ScriptedServer};
pub(crate) use self::server::AdbServer;
