//! What adb's server is asked.

use std::time::Duration;

use super::address::Address;
use super::error::Error;
use super::link::{Deadline, Link, unexpected};
use super::shell::{self, Output};
use super::tracking::Tracking;

/// Adb's server, which may be there or not: every question makes a connection of its own.
#[derive(Clone, Debug)]
pub struct Server {
    address: Address,
    patience: Duration,
}

/// How long a question may take where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(5);

/// A device, as adb's server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The name that adb knows it by: `emulator-5554`, `192.168.1.7:5555`, a serial number.
    pub serial: String,
    /// `device` if it can be used; else `offline`, `unauthorized`, `no permissions`, `recovery` and the like.
    pub state: String,
    /// The product's name.
    pub product: Option<String>,
    /// The name of the model.
    pub model: Option<String>,
    /// A number that is new whenever the device is.
    pub transport_id: Option<u64>,
}

impl Server {
    /// The server at this address.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, patience: PATIENCE }
    }

    /// How long any question may take, from connecting to the last byte. Default: 5 seconds.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The version of its protocol, 41 in these years.
    ///
    /// # Errors
    /// [`Error`].
    pub fn version(&self) -> Result<u32, Error> {
        let text = self.ask("host:version")?;
        u32::from_str_radix(text.trim(), 16).map_err(|_| unexpected("a version", text.as_bytes()))
    }

    /// The devices that it knows, usable or not.
    ///
    /// # Errors
    /// [`Error`].
    pub fn devices(&self) -> Result<Vec<Attached>, Error> {
        Ok(Attached::read_list(&self.ask("host:devices-l")?))
    }

    /// The devices now, and again whenever something about them changes.
    ///
    /// # Errors
    /// [`Error`].
    pub fn track(&self) -> Result<Tracking, Error> {
        let mut link = self.connect()?;
        let brief = match link.request("host:track-devices-l") {
            Err(Error::Refused(_)) => {
                // Servers from before 2017 track, but tell no more than the state.
                link = self.connect()?;
                link.request("host:track-devices")?;
                true
            }
            answer => answer.map(|()| false)?,
        };
        Ok(Tracking::new(link, self.clone(), brief))
    }

    /// Runs a command in the shell of a device, with this on its standard input. No more than `max` bytes of output are
    /// read.
    ///
    /// On devices before Android 7, whose shell tells neither exit codes nor what came from where, everything printed
    /// counts as standard output, and line ends may be CR LF.
    ///
    /// # Errors
    /// [`Error`]; a command that fails is an [`Output`] with its exit code.
    pub fn shell(&self, serial: &str, command: &str, stdin: &str, max: usize) -> Result<Output, Error> {
        let deadline = Deadline::within(self.patience);
        let mut link = Link::open(&self.address, deadline)?;
        link.request(&format!("host-serial:{serial}:features"))?;
        let features = link.block()?;
        let mut link = Link::open(&self.address, deadline)?;
        link.request(&format!("host:transport:{serial}"))?;
        if features.split(',').any(|feature| feature.trim() == "shell_v2") {
            shell::run(&mut link, command, stdin, max)
        } else {
            shell::run_without_codes(&mut link, command, stdin, max)
        }
    }

    /// Has connections that a device's programs make to `port` of the device led to the same port of the machine of
    /// adb's server.
    ///
    /// # Errors
    /// [`Error`]: [`Error::Refused`] says why the device does not listen there.
    pub fn reverse(&self, serial: &str, port: u16) -> Result<(), Error> {
        let mut link = self.to_device(serial)?;
        link.request(&format!("reverse:forward:tcp:{port};tcp:{port}"))?;
        // The first answer was that there is somebody to ask.
        link.status()
    }

    /// Which ports of a device are led elsewhere: pairs of where from and where to, such as `tcp:9089`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn reversed(&self, serial: &str) -> Result<Vec<(String, String)>, Error> {
        let mut link = self.to_device(serial)?;
        link.request("reverse:list-forward")?;
        let list = link.block()?;
        let pair = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        };
        Ok(list.lines().filter_map(pair).collect())
    }

    fn ask(&self, question: &str) -> Result<String, Error> {
        let mut link = self.connect()?;
        link.request(question)?;
        link.block()
    }

    fn to_device(&self, serial: &str) -> Result<Link, Error> {
        let mut link = self.connect()?;
        link.request(&format!("host:transport:{serial}"))?;
        Ok(link)
    }

    fn connect(&self) -> Result<Link, Error> {
        Link::open(&self.address, Deadline::within(self.patience))
    }
}

impl Attached {
    /// Whether commands can be run on it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == "device"
    }

    /// Whether it is an emulator on the machine of adb's server.
    #[must_use]
    pub fn is_emulator(&self) -> bool {
        self.serial.starts_with("emulator-")
    }

    pub(super) fn read_list(list: &str) -> Vec<Self> {
        list.lines().filter_map(Self::read).collect()
    }

    /// `SERIAL STATE KEY:VALUE …`; a state may have more than one word. The short form has tabs.
    fn read(line: &str) -> Option<Self> {
        let (serial, rest) = line.trim().split_once(char::is_whitespace)?;
        let mut attached =
            Self { serial: serial.to_owned(), state: String::new(), product: None, model: None, transport_id: None };
        let mut state = Vec::new();
        for word in rest.split_whitespace() {
            match word.split_once(':') {
                Some(("product", product)) => attached.product = Some(product.to_owned()),
                Some(("model", model)) => attached.model = Some(model.to_owned()),
                Some(("transport_id", id)) => attached.transport_id = id.parse().ok(),
                Some(("device" | "usb" | "features", _)) => {}
                _ => state.push(word),
            }
        }
        attached.state = state.join(" ");
        Some(attached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(serial: &str, state: &str) -> Attached {
        Attached { serial: serial.to_owned(), state: state.to_owned(), product: None, model: None, transport_id: None }
    }

    #[test]
    fn lists_of_devices_are_read() {
        let list = "emulator-5554          device product:sdk_gphone64 model:Pixel_6 device:emu64 transport_id:7\n\
                    192.168.1.7:5555       offline transport_id:8\n\
                    R58M                   no permissions (user in plugdev group?); see [http://developer.android.com/] usb:1-1 transport_id:9\n\
                    short\tunauthorized\n\
                    \n\
                    garbage\n";
        let read = Attached::read_list(list);
        let emulator = Attached {
            product: Some("sdk_gphone64".to_owned()),
            model: Some("Pixel_6".to_owned()),
            transport_id: Some(7),
            ..attached("emulator-5554", "device")
        };
        assert!(emulator.is_ready() && emulator.is_emulator());
        let offline = Attached { transport_id: Some(8), ..attached("192.168.1.7:5555", "offline") };
        assert!(!offline.is_ready() && !offline.is_emulator());
        assert_eq!(read[..2], [emulator, offline]);
        assert!(read[2].state.starts_with("no permissions (user in plugdev group?)"), "{:?}", read[2]);
        assert_eq!(read[3..], [attached("short", "unauthorized")]);
    }
}
