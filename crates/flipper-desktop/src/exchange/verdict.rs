//! What came of looking for an app on devices.

use std::fmt;
use std::io;
use std::time::Duration;

use flipper_proto::Excerpt;

use super::program::ProgramError;
use crate::adb;

/// What came of looking for an app on one device. Shown, it is one line: the device, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The device: its serial number or UDID.
    pub device: String,
    /// What came of it.
    pub finding: Finding,
}

/// What came of looking for an app on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Nothing can be run on the device in this state: `offline`, `unauthorized`, ….
    NotReady {
        /// Its state in adb's words.
        state: Excerpt,
    },
    /// The app is not on the device.
    NotInstalled {
        /// What the device said.
        said: Excerpt,
    },
    /// The device lets nobody in as the app.
    NotLetIn {
        /// What `run-as` said.
        run_as: Excerpt,
        /// What `su` said.
        su: Excerpt,
    },
    /// There is no `app.csr` where the app says, or it cannot be read.
    NoProof {
        /// What the device said.
        said: Excerpt,
    },
    /// There is an `app.csr`, but it holds another request than the one that was sent.
    ProofDiffers,
    /// The device did not answer in time.
    TimedOut {
        /// How long that was.
        after: Duration,
    },
    /// This machine did not get round to asking the device.
    NotAsked {
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// Adb failed.
    Adb(adb::Error),
    /// `idb` failed.
    Idb(ProgramError),
}

impl Finding {
    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotReady { state } if state.as_str().contains("unauthorized") => {
                "answer the question on the device's screen, whether it trusts this computer"
            }
            Self::NotReady { .. } => "wait until `adb devices` shows the device as `device`, or plug it in again",
            Self::NotLetIn { .. } => {
                "install a debuggable build of the app; where that does not help, as on some devices of Samsung, have \
                 the app use medium 2 (WWW), which needs no access to its files"
            }
            Self::Adb(error) => error.hint().unwrap_or("see whether `adb shell` works with the device"),
            Self::ProofDiffers | Self::NoProof { .. } => {
                "write the request that is sent to app.csr in the destination before it is sent"
            }
            Self::TimedOut { .. } => "see whether the device answers to others, or plug it in again",
            Self::Idb(_) => {
                "install a development build of the app, and see whether `idb file ls --bundle-id` works with it; where \
                 that does not help, have the app use medium 2 (WWW), which needs no access to its files"
            }
            Self::NotAsked { .. } => "see what this machine has run out of",
            Self::NotInstalled { .. } => return None,
        })
    }

    /// How much it tells about the device that the app is on.
    fn weight(&self) -> u8 {
        match self {
            Self::NotInstalled { .. } => 0,
            Self::NotReady { .. } => 1,
            Self::Adb(_) | Self::TimedOut { .. } | Self::NotAsked { .. } | Self::Idb(_) => 2,
            Self::NoProof { .. } => 3,
            Self::NotLetIn { .. } => 4,
            Self::ProofDiffers => 5,
        }
    }
}

/// What to do after all of this, going by the device that the app is most likely on.
pub(super) fn hint(verdicts: &[Verdict]) -> &'static str {
    if verdicts.is_empty() {
        return "connect the device; `adb devices`, or `idb list-targets` for iOS, has to show it";
    }
    let most = verdicts.iter().map(|verdict| &verdict.finding).max_by_key(|finding| finding.weight());
    most.and_then(Finding::hint).unwrap_or("connect the device that the app runs on; `adb devices` has to show it")
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.device, self.finding)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady { state } => write!(f, "the device is {}", state.as_str()),
            Self::NotInstalled { said } | Self::NoProof { said } => f.write_str(said.as_str()),
            Self::NotLetIn { run_as, su } => write!(f, "{}; {}", run_as.as_str(), su.as_str()),
            Self::ProofDiffers => f.write_str("app.csr holds another certificate request than the one that was sent"),
            Self::TimedOut { after } => write!(f, "no answer within {:.1} s", after.as_secs_f64()),
            Self::NotAsked { text, .. } => write!(f, "it was not asked: {text}"),
            Self::Adb(error) => write!(f, "{error}"),
            Self::Idb(error) => write!(f, "idb: {error}"),
        }
    }
}
