//! Medium FS_ACCESS on iOS.

use std::path::Path;

use flipper_proto::{Excerpt, Medium};

use super::deliverer::{Deliverer, Delivery, Issued};
use super::error::DeliveryError;
use super::idb::Idb;
use super::plain_files::{PlainFiles, THIS_MACHINE};

/// Writes certificates into the directory of an app on iOS.
///
/// Where it runs shows in the destination:
/// - in a simulator (`…/Devices/UDID/data/…`), and as an iPad app on a Mac, its files are files of this machine, and
///   are treated as [`PlainFiles`] does. The device id is the simulator's UDID, or empty for the Mac itself;
/// - on a device (`…/Containers/Data/Application/ID/…`), they can only be reached through [`Idb`].
#[derive(Clone, Debug, Default)]
pub struct Ios {
    files: PlainFiles,
    idb: Option<Idb>,
}

impl Ios {
    /// Simulators, and this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Physical devices, too.
    #[must_use]
    pub fn idb(mut self, idb: Idb) -> Self {
        self.idb = Some(idb);
        self
    }

    /// As [`PlainFiles::require_proof`], for simulators and this machine. On devices the proof is what tells which of
    /// them it is.
    #[must_use]
    pub fn require_proof(mut self, required: bool) -> Self {
        self.files = self.files.require_proof(required);
        self
    }
}

impl Deliverer for Ios {
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Option<Issued>, DeliveryError> {
        let request = delivery.request();
        if request.medium != Medium::FsAccess || request.query.os != "iOS" {
            return Ok(None);
        }
        let destination = &*request.destination;
        let issued = match place_of(destination) {
            Place::Simulator { udid } => self.files.deliver_as(delivery, udid),
            // Nobody but this machine has a directory of that name here.
            Place::Container { directory } if !Path::new(destination).is_dir() => match &self.idb {
                Some(idb) => idb.deliver(delivery, &directory),
                None => Err(DeliveryError::NoIdb { destination: Excerpt::new(destination) }),
            },
            Place::Container { .. } | Place::Elsewhere => self.files.deliver_as(delivery, THIS_MACHINE),
        };
        issued.map(Some)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    Simulator {
        udid: &'a str,
    },
    /// A directory in the container of an app on a device, with a separator at its end.
    Container {
        directory: String,
    },
    Elsewhere,
}

fn place_of(destination: &str) -> Place<'_> {
    if let Some(udid) = element_after(destination, "/Devices/").map(|(udid, _)| udid).filter(|udid| is_uuid(udid)) {
        return Place::Simulator { udid };
    }
    match element_after(destination, "/Application/") {
        Some((id, rest)) if is_uuid(id) => {
            let directory = rest.trim_matches('/');
            let is_plain = !directory.starts_with('-') && directory.split('/').all(|name| name != "..");
            if is_plain { Place::Container { directory: format!("{directory}/") } } else { Place::Elsewhere }
        }
        _ => Place::Elsewhere,
    }
}

/// What comes directly after `parent`, and what comes after that.
fn element_after<'a>(path: &'a str, parent: &str) -> Option<(&'a str, &'a str)> {
    let (_, after) = path.split_once(parent)?;
    Some(after.split_once('/').unwrap_or((after, "")))
}

/// Only that: an app that names its directory otherwise must not have the id of another kind of device.
fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UDID: &str = "5A3D1B06-0E50-4B7B-8F4F-1A8C0D6C2E11";
    const APP: &str = "0F9E2C7D-64A1-4F0E-9D52-7B1E5A3C8D20";

    #[test]
    fn paths_tell_where_an_app_runs() {
        let simulator = format!(
            "/Users/x/Library/Developer/CoreSimulator/Devices/{UDID}/data/Containers/Data/Application/{APP}/Library/\
             Application Support/sonar/"
        );
        assert_eq!(place_of(&simulator), Place::Simulator { udid: UDID });
        for device in ["/private/var/mobile", "/var/mobile"] {
            let path = format!("{device}/Containers/Data/Application/{APP}/Library/Application Support/sonar/");
            let directory = "Library/Application Support/sonar/".to_owned();
            assert_eq!(place_of(&path), Place::Container { directory });
        }
        for mac in [
            format!("/Users/x/Library/Containers/{APP}/Data/Library/Application Support/sonar/"),
            "/Users/x/Library/Application Support/com.example.app/sonar/".to_owned(),
        ] {
            assert_eq!(place_of(&mac), Place::Elsewhere, "{mac}");
        }
    }

    #[test]
    fn paths_that_only_look_like_those_are_this_machines() {
        for path in [
            "/tmp/Devices/emulator-5554/".to_owned(),
            "/tmp/Devices//".to_owned(),
            "/tmp/Devices/".to_owned(),
            "/tmp/Application/x/Documents/".to_owned(),
            format!("/var/mobile/Containers/Data/Application/{APP}/../{UDID}/"),
            format!("/var/mobile/Containers/Data/Application/{APP}/--help/"),
            String::new(),
        ] {
            assert_eq!(place_of(&path), Place::Elsewhere, "{path}");
        }
    }
}
