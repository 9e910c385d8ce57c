//! A device, as it is at one moment.

use std::env;
use std::error::Error;
use std::fmt;

use flipper_proto::Excerpt;

use crate::adb::{self, Address};

/// A device that apps run on, as it was when it was asked for or told of.
///
/// Nothing depends on it: an app is served whether its device is known or not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// What its apps are known by: the serial number in adb's words, an UDID, or whatever an app says. Empty for the
    /// desktop's own machine.
    pub id: String,
    /// Its operating system, in the words of the protocol: `Android`, `iOS`, `MacOS`, `Linux`, ….
    pub os: String,
    /// Its name for people.
    pub title: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Why nothing can be run on it, in adb's words: `offline`, `unauthorized`, …. `None` if there is no such reason.
    pub not_ready: Option<Excerpt>,
    /// The name of its model, if adb tells.
    pub model: Option<String>,
    /// The name of the product, if adb tells.
    pub product: Option<String>,
    /// The desktop's ports that the device's apps reach on the device itself. Empty where that is not done, and until it
    /// was tried.
    pub forwards: Vec<PortForward>,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeviceKind {
    /// The machine that the desktop runs on.
    ThisMachine,
    /// An Android emulator.
    Emulator,
    /// An Android device that adb knows, by cable or by network.
    Physical,
    /// Known only because an app that is connected says that it runs there.
    Named,
}

/// One of the desktop's ports, as a device's apps reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortForward {
    /// The port, on the device and on the desktop's machine.
    pub port: u16,
    /// Whether the device leads connections to it here.
    pub result: Result<(), PortForwardFailed>,
}

/// A device does not lead connections to a port to the desktop. Its apps may reach the desktop by other ways: emulators
/// at 10.0.2.2, others through the network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortForwardFailed {
    /// The device.
    pub serial: String,
    /// The port.
    pub port: u16,
    /// Why.
    pub error: adb::Error,
}

/// How the desktop stands with adb's server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdbStatus {
    /// Where the server is, or should be.
    pub address: Address,
    /// Whether it tells of devices.
    pub state: AdbState,
}

/// Whether adb's server tells of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdbState {
    /// It has not answered yet.
    Connecting,
    /// It tells.
    Tracking,
    /// It cannot be asked; this is tried again, in ever longer intervals up to ten seconds.
    Lost(adb::Error),
}

impl Device {
    pub(super) fn this_machine() -> Self {
        let title = hostname::get().map_or_else(|_| "localhost".to_owned(), |name| name.to_string_lossy().into_owned());
        Self { title, ..Self::new(String::new(), this_os(), DeviceKind::ThisMachine) }
    }

    pub(super) fn new(id: String, os: &str, kind: DeviceKind) -> Self {
        Self {
            title: id.clone(),
            id,
            os: os.to_owned(),
            kind,
            not_ready: None,
            model: None,
            product: None,
            forwards: Vec::new(),
        }
    }
}

/// The operating system that this was built for, as apps that run on it call it.
fn this_os() -> &'static str {
    match env::consts::OS {
        "linux" => "Linux",
        "macos" => "MacOS",
        "windows" => "Windows",
        other => other,
    }
}

impl fmt::Display for PortForwardFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "apps on {} do not reach port {} by adb: {}", self.serial, self.port, self.error)
    }
}

impl Error for PortForwardFailed {}
