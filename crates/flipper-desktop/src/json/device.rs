//! Devices.

use serde::{Deserialize, Serialize};

/// A device that apps are connected from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Device {
    /// Its id; empty for the machine that the desktop runs on, and for apps that name none.
    pub id: String,
    /// Its name for people, as its apps tell it.
    pub name: String,
    /// Its operating system.
    pub os: String,
    /// The client ids of its apps.
    pub apps: Vec<String>,
}

impl Device {
    /// The devices of these apps, in the order in which they first appear.
    #[must_use]
    pub fn of_apps(apps: &[super::App]) -> Vec<Self> {
        let mut devices: Vec<Self> = Vec::new();
        for app in apps {
            let same =
                |device: &&mut Self| device.id == app.device_id && device.os == app.os && device.name == app.device;
            match devices.iter_mut().find(same) {
                Some(device) => device.apps.push(app.id.clone()),
                None => devices.push(Self {
                    id: app.device_id.clone(),
                    name: app.device.clone(),
                    os: app.os.clone(),
                    apps: vec![app.id.clone()],
                }),
            }
        }
        devices
    }
}
