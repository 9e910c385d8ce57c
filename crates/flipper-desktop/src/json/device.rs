//! Devices.

use serde::{Deserialize, Serialize};

use super::app::App;
use crate::devices;

/// A device that apps run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Device {
    /// Its id; empty for the machine that the desktop runs on, and for apps that name none.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its operating system.
    pub os: String,
    /// What it is: `this-machine`, `emulator` or `physical`; `named` if only its apps tell of it.
    pub kind: String,
    /// Why nothing can be run on it, in adb's words: `offline`, `unauthorized`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_ready: Option<String>,
    /// The name of its model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The name of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The desktop's ports that its apps reach on the device itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<PortForward>,
    /// The client ids of its apps, where devices are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
}

/// One of the desktop's ports, as a device's apps reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PortForward {
    /// The port.
    pub port: u16,
    /// Why they do not reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Device {
    /// These devices, each with its apps out of these.
    #[must_use]
    pub fn list(devices: &[devices::Device], apps: &[App]) -> Vec<Self> {
        let with_apps = |device: &devices::Device| {
            // An app of this machine may say that it is another system's, for old desktops.
            let own = |app: &&App| app.device_id == device.id && (device.id.is_empty() || app.os == device.os);
            Self { apps: apps.iter().filter(own).map(|app| app.id.clone()).collect(), ..Self::from(device) }
        };
        devices.iter().map(with_apps).collect()
    }
}

impl From<&devices::Device> for Device {
    fn from(device: &devices::Device) -> Self {
        let kind = match device.kind {
            devices::DeviceKind::ThisMachine => "this-machine",
            devices::DeviceKind::Emulator => "emulator",
            devices::DeviceKind::Physical => "physical",
            devices::DeviceKind::Named => "named",
        };
        let forward = |forward: &devices::PortForward| PortForward {
            port: forward.port,
            error: forward.result.as_ref().err().map(|failed| failed.error.to_string()),
        };
        Self {
            id: device.id.clone(),
            name: device.title.clone(),
            os: device.os.clone(),
            kind: kind.to_owned(),
            not_ready: device.not_ready.as_ref().map(|state| state.as_str().to_owned()),
            model: device.model.clone(),
            product: device.product.clone(),
            forwards: device.forwards.iter().map(forward).collect(),
            apps: Vec::new(),
        }
    }
}
