//! Physical iOS devices, through `idb`.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flipper_pki::CertificateRequest;
use flipper_proto::Excerpt;
use tempfile::TempDir;

use super::deliverer::{Delivery, Issued, is_request};
use super::error::DeliveryError;
use super::program::{self, ProgramError};
use super::search;
use super::verdict::{Finding, Verdict};

/// The program `idb`, which reaches the files of apps on physical iOS devices.
///
/// It is run as it is, by whoever runs the desktop: never through a shell, never with more rights. Each run has a
/// deadline.
#[derive(Clone, Debug)]
pub struct Idb {
    program: PathBuf,
    timeout: Duration,
}

/// How long one run may take. An exchange needs four, one after the other, and has 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(6);

impl Idb {
    /// This program.
    #[must_use]
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), timeout: TIMEOUT }
    }

    /// The one that a command line would find; `None` if there is none.
    #[must_use]
    pub fn installed() -> Option<Self> {
        let path = env::var_os("PATH")?;
        // What a relative entry means depends on where the desktop happens to be started.
        let dirs = env::split_paths(&path).filter(|dir| dir.is_absolute());
        dirs.map(|dir| dir.join("idb")).find(|program| program.is_file()).map(Self::at)
    }

    /// How long one run of the program may take. Default: 6 seconds. An exchange needs four of them, one after the other,
    /// and has 30 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Delivers to the device on which the app's container holds the proof in `directory`.
    pub(super) fn deliver(&self, delivery: &Delivery<'_>, directory: &str) -> Result<Issued, DeliveryError> {
        let bundle = bundle_of(delivery)?;
        let devices = self.devices().map_err(DeliveryError::Idb)?;
        let (idb, sent) = (self.clone(), delivery.csr().clone());
        let (asked_bundle, proof) = (bundle.to_owned(), format!("{directory}app.csr"));
        let look = move |udid: &str, _| idb.look(udid, &asked_bundle, &proof, &sent);
        // The runs end by themselves a little before that.
        let timeout = self.timeout + Duration::from_secs(1);
        let found = search::first(devices, Vec::<Verdict>::new(), timeout, look);
        let (udid, ()) =
            found.map_err(|verdicts| DeliveryError::NoMatchingDevice { app: bundle.to_owned(), verdicts })?;
        let issued = delivery.sign(&udid)?;
        self.push(&udid, bundle, directory, &issued)
            .map_err(|text| DeliveryError::DeviceWrite { device: udid, text: Excerpt::new(&text) })?;
        Ok(issued)
    }

    /// The physical devices.
    fn devices(&self) -> Result<Vec<String>, ProgramError> {
        #[derive(serde::Deserialize)]
        struct Target {
            udid: String,
            #[serde(rename = "type", alias = "target_type")]
            kind: String,
        }
        let printed = self.run(["list-targets", "--json"])?;
        let mut devices = Vec::new();
        for line in printed.lines().filter(|line| !line.trim().is_empty()) {
            let target: Target =
                serde_json::from_str(line).map_err(|_| ProgramError::NotUnderstood(Excerpt::new(line)))?;
            if target.kind == "device" {
                devices.push(target.udid);
            }
        }
        Ok(devices)
    }

    /// Looks for the proof on one device.
    fn look(&self, udid: &str, bundle: &str, proof: &str, sent: &CertificateRequest) -> Result<(), Finding> {
        let failed = |error: io::Error| Finding::NotAsked { kind: error.kind(), text: error.to_string() };
        let here = TempDir::new().map_err(failed)?;
        let copy = here.path().join("app.csr");
        let pull = [&["file", "pull"][..], &of(udid, bundle)].concat();
        let pull = pull.into_iter().map(Path::new).chain([Path::new(proof), &copy]);
        self.run(pull.map(Path::as_os_str)).map_err(Finding::Idb)?;
        // Some versions make a directory of the name, with the file in it.
        let copy = if copy.is_dir() { copy.join("app.csr") } else { copy };
        let size = fs::metadata(&copy).map_err(failed)?.len();
        if size > u64::try_from(CertificateRequest::MAX_SIZE).unwrap_or(u64::MAX) {
            return Err(Finding::ProofDiffers);
        }
        let content = fs::read(&copy).map_err(failed)?;
        if is_request(&content, sent) { Ok(()) } else { Err(Finding::ProofDiffers) }
    }

    fn push(&self, udid: &str, bundle: &str, directory: &str, issued: &Issued) -> Result<(), String> {
        let here = TempDir::new().map_err(|error| error.to_string())?;
        for (name, content) in [("sonarCA.crt", issued.ca_pem()), ("device.crt", issued.certificate_pem())] {
            let copy = here.path().join(name);
            fs::write(&copy, content).map_err(|error| error.to_string())?;
            let push = [&["file", "push"][..], &of(udid, bundle)].concat();
            let push = push.into_iter().map(Path::new).chain([&*copy, Path::new(directory)]);
            self.run(push.map(Path::as_os_str)).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn run<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Result<String, ProgramError> {
        program::run(&self.program, args, self.timeout)
    }
}

fn of<'a>(udid: &'a str, bundle: &'a str) -> [&'a str; 4] {
    ["--udid", udid, "--bundle-id", bundle]
}

/// The bundle that the app is, which has to be able to stand in a command line.
fn bundle_of<'a>(delivery: &'a Delivery<'_>) -> Result<&'a str, DeliveryError> {
    let bundle = delivery.app_id();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if bundle.starts_with(|c: char| c.is_ascii_alphanumeric()) && bundle.chars().all(allowed) {
        Ok(bundle)
    } else {
        Err(DeliveryError::BundleId(Excerpt::new(bundle)))
    }
}
