//! Medium FS_ACCESS on Android devices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flipper_pki::CertificateRequest;
use flipper_proto::{Excerpt, Medium};

use super::deliverer::{Deliverer, Delivery, Issued, is_request};
use super::device_files::{AppFiles, Entry, Ran};
use super::error::DeliveryError;
use super::search;
use super::verdict::{Finding, Verdict};
use crate::adb::{self, Attached, Server};

/// Writes certificates into the directory of an app on an Android device, through adb.
///
/// The device is the one on which the destination holds, as `app.csr`, the very request that was sent. All devices are
/// asked at once, each no more than once in an exchange, and none is waited for longer than its
/// [deadline](Self::device_timeout); the first that has it ends the search. The certificate is bound to the serial
/// number of that device, so that nobody has to be asked again when the app connects.
///
/// What is read and written there is read and written as the app: by `run-as`, which wants a debuggable build, with
/// `--user` for a work profile; where `run-as` refuses, by `su`, on devices that have it. The destination has to be in
/// the app's own private directory, or another app could have put the proof there.
///
/// Where nothing is found, the client is told what every device said.
#[derive(Clone, Debug)]
pub struct Android {
    server: Server,
    device_timeout: Duration,
    app_roots: Vec<String>,
}

/// How long a device may take to be found.
const DEVICE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the device that was found may take to be written to.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// More than a request has, with whatever a device prints before it.
const MAX_OUTPUT: usize = CertificateRequest::MAX_SIZE + 4096;

impl Android {
    /// Through the adb server at this address.
    #[must_use]
    pub fn new(address: adb::Address) -> Self {
        Self { server: Server::new(address), device_timeout: DEVICE_TIMEOUT, app_roots: Vec::new() }
    }

    /// How long a device may take to tell whether it has the app. Default: 2 seconds.
    ///
    /// The rest of an exchange takes little, but all of it has to be done in 30 seconds.
    #[must_use]
    pub fn device_timeout(mut self, timeout: Duration) -> Self {
        self.device_timeout = timeout;
        self
    }

    /// A directory of devices, an absolute path, in which every app has a private one under the name of its package;
    /// besides `/data/data`, `/data/user/N`, `/data/user_de/N` and those of adopted storage, `/mnt/expand/ID/user/N`.
    #[must_use]
    pub fn app_root(mut self, root: impl Into<String>) -> Self {
        self.app_roots.push(root.into());
        self
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Looks for the proof on all devices.
    fn find(&self, app: &Arc<AppFiles>, sent: &CertificateRequest) -> Result<(String, Entry), DeliveryError> {
        let (ready, others): (Vec<_>, Vec<_>) =
            self.server.devices().map_err(DeliveryError::Adb)?.into_iter().partition(Attached::is_ready);
        let not_ready = |Attached { serial, state, .. }: Attached| Verdict {
            device: serial,
            finding: Finding::NotReady { state: Excerpt::new(&state) },
        };
        let (server, asked_app, sent) = (self.server.clone(), Arc::clone(app), sent.clone());
        let found = search::first(
            ready.into_iter().map(|attached| attached.serial).collect(),
            others.into_iter().map(not_ready).collect(),
            self.device_timeout,
            move |serial, until| look(&server, serial, &asked_app, &sent, until),
        );
        found.map_err(|verdicts| DeliveryError::NoMatchingDevice { app: app.package().to_owned(), verdicts })
    }

    fn write(&self, serial: &str, entry: Entry, app: &AppFiles, issued: &Issued) -> Result<(), DeliveryError> {
        let failed = |text: &str| DeliveryError::DeviceWrite { device: serial.to_owned(), text: Excerpt::new(text) };
        let temporary = super::folder::temporary_name().map_err(|error| failed(&error.to_string()))?;
        let script = app.script_to_write(entry, &temporary, issued.ca_pem(), issued.certificate_pem());
        let server = self.server.clone().patience(WRITE_TIMEOUT);
        match app.run(&server, serial, entry, &script, MAX_OUTPUT) {
            Ok(Ran::Done(_)) => Ok(()),
            Ok(Ran::Failed(said) | Ran::NotLetIn(said)) => Err(failed(&said)),
            Err(error) => Err(failed(&error.to_string())),
        }
    }
}

impl Deliverer for Android {
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Option<Issued>, DeliveryError> {
        let request = delivery.request();
        if request.medium != Medium::FsAccess || request.query.os != "Android" {
            return Ok(None);
        }
        let app = Arc::new(AppFiles::new(delivery.app_id(), &request.destination, &self.app_roots)?);
        let (serial, entry) = self.find(&app, delivery.csr())?;
        let issued = delivery.sign(&serial)?;
        self.write(&serial, entry, &app, &issued)?;
        Ok(Some(issued))
    }
}

/// Looks for the proof on one device.
fn look(
    server: &Server,
    serial: &str,
    app: &AppFiles,
    sent: &CertificateRequest,
    until: Instant,
) -> Result<Entry, Finding> {
    let ask = |entry| {
        let server = server.clone().patience(until.saturating_duration_since(Instant::now()));
        app.run(&server, serial, entry, &app.script_to_read(entry), MAX_OUTPUT).map_err(|error| match error {
            adb::Error::TimedOut { after } => Finding::TimedOut { after },
            error => Finding::Adb(error),
        })
    };
    let decide = |ran, entry| match ran {
        Ran::Done(content) => {
            if is_request(content.as_bytes(), sent) {
                Ok(entry)
            } else {
                Err(Finding::ProofDiffers)
            }
        }
        Ran::Failed(said) | Ran::NotLetIn(said) => Err(Finding::NoProof { said: Excerpt::new(&said) }),
    };
    let run_as = match ask(Entry::RunAs)? {
        Ran::NotLetIn(said) => said,
        ran => return decide(ran, Entry::RunAs),
    };
    if is_not_installed(&run_as) {
        // `su` would find no directory either, but on some devices it asks the user first.
        return Err(Finding::NotInstalled { said: Excerpt::new(&run_as) });
    }
    match ask(Entry::Su)? {
        Ran::NotLetIn(su) => Err(Finding::NotLetIn { run_as: Excerpt::new(&run_as), su: Excerpt::new(&su) }),
        ran => decide(ran, Entry::Su),
    }
}

/// In the words of `run-as` since Android 8, and before.
fn is_not_installed(said: &str) -> bool {
    said.contains("unknown package") || (said.contains("Package '") && said.contains("is unknown"))
}
