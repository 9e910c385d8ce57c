//! Why a client is not given a certificate.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use flipper_pki::CsrError;
use flipper_proto::{ErrorReport, Excerpt, Medium};

use super::program::ProgramError;
use super::verdict::{self, Verdict};
use crate::adb;

/// Why a client is not given a certificate. It is told so: see [`to_report`](DeliveryError::to_report).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The certificate request is refused.
    Request(CsrError),
    /// Nobody serves clients of this operating system by this medium.
    NotServed {
        /// The operating system, as the client says.
        os: Excerpt,
        /// The medium.
        medium: Medium,
    },
    /// The destination is no absolute path.
    DestinationNotAbsolute(Excerpt),
    /// The destination cannot be used.
    Destination {
        /// The destination.
        path: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// The destination holds no `app.csr`, so that nothing shows that the client can write there.
    ProofMissing {
        /// The path that was looked at.
        path: PathBuf,
    },
    /// The `app.csr` in the destination is something else than a regular file, for example a symbolic link.
    ProofNotAFile {
        /// The path that was looked at.
        path: PathBuf,
    },
    /// The `app.csr` in the destination cannot be read.
    ProofUnreadable {
        /// The path that was looked at.
        path: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// The `app.csr` in the destination is another request than the one that was sent.
    ProofDiffers {
        /// The path that was looked at.
        path: PathBuf,
    },
    /// A certificate could not be written.
    Write {
        /// Where.
        path: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// The app's id is no name that an Android package can have.
    PackageName(Excerpt),
    /// The destination is not in the private directory of the app that asks.
    DestinationNotTheApps {
        /// The destination.
        destination: Excerpt,
        /// The app.
        package: String,
    },
    /// The app's id is no name that an iOS bundle can have.
    BundleId(Excerpt),
    /// The app is on a physical iOS device, and nothing here reaches those.
    NoIdb {
        /// The destination, which is a path of the device.
        destination: Excerpt,
    },
    /// `idb` does not work, so that no device could be asked.
    Idb(ProgramError),
    /// Adb does not work, so that no device could be asked.
    Adb(adb::Error),
    /// No device has the request in the destination, so that nothing shows where the app is.
    NoMatchingDevice {
        /// The app's package or bundle.
        app: String,
        /// What each device said.
        verdicts: Vec<Verdict>,
    },
    /// The certificates could not be written to the device that the app is on.
    DeviceWrite {
        /// The device.
        device: String,
        /// What it said.
        text: Excerpt,
    },
    /// The client's clock is so far off that it would take the certificate for expired, or for not valid yet.
    ClockSkew {
        /// By how many milliseconds it is ahead of the desktop's; negative if it is behind.
        millis: i64,
    },
    /// The certificate was not delivered in time.
    TimedOut {
        /// How long that was.
        after: Duration,
    },
    /// The client has asked this many times without waiting for an answer.
    TooManyRequests {
        /// The limit.
        max: usize,
    },
    /// The deliverer panicked. Nobody else is harmed.
    Panicked,
    /// For a [`Deliverer`](super::Deliverer) that fails in its own way: what the client is to be told.
    Other(ErrorReport),
}

impl DeliveryError {
    /// The kind of error, for programs.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Request(CsrError::CannotSign(_)) => "CannotSign",
            Self::Request(_) => "InvalidRequest",
            Self::NotServed { .. } => "NotServed",
            Self::DestinationNotAbsolute(_) | Self::Destination { .. } | Self::DestinationNotTheApps { .. } => {
                "InvalidDestination"
            }
            Self::PackageName(_) => "InvalidPackageName",
            Self::BundleId(_) => "InvalidBundleId",
            Self::NoIdb { .. } => "IdbMissing",
            Self::Idb(_) => "IdbFailed",
            Self::Adb(error) => error.name(),
            Self::NoMatchingDevice { .. } => "NoMatchingDevice",
            Self::ProofMissing { .. } => "ProofMissing",
            Self::ProofNotAFile { .. } => "ProofNotAFile",
            Self::ProofUnreadable { .. } => "ProofUnreadable",
            Self::ProofDiffers { .. } => "ProofDiffers",
            Self::Write { .. } | Self::DeviceWrite { .. } => "WriteFailed",
            Self::ClockSkew { .. } => "ClockSkew",
            Self::TimedOut { .. } => "DeliveryTimedOut",
            Self::TooManyRequests { .. } => "TooManyRequests",
            Self::Panicked => "DelivererPanicked",
            Self::Other(report) => report.name.as_deref().unwrap_or("DeliveryFailed"),
        }
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        Some(match self {
            Self::Request(_) => "send a PKCS#10 request in PEM, signed by its own key, whose only CN is the app's id",
            Self::NotServed { os, medium: Medium::FsAccess } if os.as_str() == "Android" => {
                "this desktop was started without adb, see Builder::android; or have the app use medium 2 (WWW)"
            }
            Self::NotServed { .. } => {
                "for now certificates are delivered as files (medium 1), to apps on the desktop's own machine"
            }
            Self::DestinationNotAbsolute(_) => "send the absolute path of the directory that holds app.csr",
            Self::Destination { .. } | Self::ProofUnreadable { .. } | Self::Write { .. } => {
                "app and desktop must see the same directory, and run as the same user"
            }
            Self::ProofMissing { .. } => {
                "write the request to app.csr in the destination before it is sent; or have the desktop do without that \
                 proof: flipper desktop --no-proof, or require_proof(false) in a program of its own"
            }
            Self::ProofNotAFile { .. } => "app.csr must be a regular file in the destination itself",
            Self::ProofDiffers { .. } => "write the request that is sent to app.csr before it is sent",
            Self::PackageName(_) => {
                "send the package's name as app_id; it is made of letters, digits, dots and underscores"
            }
            Self::DestinationNotTheApps { .. } => {
                "send a directory in the app's own files directory, for example /data/user/0/PACKAGE/files/sonar/"
            }
            Self::BundleId(_) => "send the bundle's id as app_id; it is made of letters, digits, dots and hyphens",
            Self::NoIdb { .. } => {
                "install idb on the desktop's machine and have the desktop use it; or have the app use medium 2 (WWW), \
                 which needs no access to its files"
            }
            Self::Idb(_) => "see whether `idb list-targets --json` works",
            Self::Adb(error) => return error.hint(),
            Self::NoMatchingDevice { verdicts, .. } => verdict::hint(verdicts),
            Self::DeviceWrite { .. } => "see that the device is still connected and has room left",
            Self::ClockSkew { .. } => "set the date and time of both machines",
            Self::TimedOut { .. } | Self::TooManyRequests { .. } => "try again in a few seconds",
            Self::Panicked => "the log of the desktop says where",
            Self::Other(report) => return report.hint.as_deref(),
        })
    }

    /// The error as the client is told it: `{"error":{"name","message","hint"}}`.
    #[must_use]
    pub fn to_report(&self) -> ErrorReport {
        if let Self::Other(report) = self {
            return report.clone();
        }
        let report = ErrorReport::new(self.to_string()).named(self.name());
        match self.hint() {
            Some(hint) => report.with_hint(hint),
            None => report,
        }
    }
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "{error}"),
            Self::NotServed { os, medium } => {
                write!(f, "apps on {os} are not served yet by medium {medium} ({})", medium.number())
            }
            Self::DestinationNotAbsolute(destination) => {
                write!(f, "the destination {destination:?} is no absolute path")
            }
            Self::Destination { path, text, .. } => {
                write!(f, "the destination {} cannot be used: {text}", path.display())
            }
            Self::ProofMissing { path } => {
                write!(f, "there is no {}: nothing shows that the app can write there", path.display())
            }
            Self::ProofNotAFile { path } => write!(f, "{} is no regular file", path.display()),
            Self::ProofUnreadable { path, text, .. } => write!(f, "{} cannot be read: {text}", path.display()),
            Self::ProofDiffers { path } => {
                write!(f, "{} holds another certificate request than the one that was sent", path.display())
            }
            Self::Write { path, text, .. } => write!(f, "{} cannot be written: {text}", path.display()),
            Self::PackageName(name) => write!(f, "{name:?} is no name of an Android package"),
            Self::DestinationNotTheApps { destination, package } => {
                write!(f, "the destination {destination:?} is not in a private directory of {package}")
            }
            Self::BundleId(id) => write!(f, "{id:?} is no id of an iOS bundle"),
            Self::NoIdb { destination } => {
                write!(f, "the destination {destination:?} is on an iOS device, which this desktop does not reach")
            }
            Self::Idb(error) => write!(f, "the iOS devices cannot be asked: {error}"),
            Self::Adb(error) => write!(f, "the devices cannot be asked: {error}"),
            Self::NoMatchingDevice { app, verdicts } if verdicts.is_empty() => {
                write!(f, "no device is connected that {app} could run on")
            }
            Self::NoMatchingDevice { app, verdicts } => {
                write!(f, "no device has the certificate request of {app}")?;
                verdicts
                    .iter()
                    .zip([": "].into_iter().chain(std::iter::repeat("; ")))
                    .try_for_each(|(verdict, before)| write!(f, "{before}{verdict}"))
            }
            Self::DeviceWrite { device, text } => {
                write!(f, "the certificates cannot be written on {device}: {}", text.as_str())
            }
            Self::ClockSkew { millis } => {
                let way = if *millis < 0 { "behind" } else { "ahead of" };
                let span = Duration::from_millis(millis.unsigned_abs());
                write!(f, "the app's clock is {} {way} the desktop's: no certificate would be valid for it", Span(span))
            }
            Self::TimedOut { after } => {
                write!(f, "the certificate was not delivered within {} s", after.as_secs())
            }
            Self::TooManyRequests { max } => write!(f, "{max} requests of this connection wait already"),
            Self::Panicked => f.write_str("the desktop failed to deliver the certificate"),
            Self::Other(report) => f.write_str(&report.message),
        }
    }
}

impl Error for DeliveryError {}

impl From<CsrError> for DeliveryError {
    fn from(error: CsrError) -> Self {
        Self::Request(error)
    }
}

/// A span of time in its two largest units.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.as_secs() / 60;
        let (days, hours) = (minutes / (24 * 60), minutes / 60 % 24);
        if days > 0 { write!(f, "{days} d {hours} h") } else { write!(f, "{hours} h {} min", minutes % 60) }
    }
}
