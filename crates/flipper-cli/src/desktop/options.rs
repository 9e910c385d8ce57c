//! What `flipper desktop` is told.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flipper_desktop::InitPolicy;
use flipper_desktop::proto::desktop::{Host, Origin};
use flipper_desktop::records::{RecordOptions, recording_name};

use crate::place::Place;
use crate::values::two_ports;

/// How the desktop runs.
#[derive(Args)]
pub(crate) struct Options {
    /// Tell what happens as JSON, one object a line, the events of plugins included.
    #[arg(long)]
    pub(super) json: bool,
    /// Record everything that passes into this file [default: records/TIME.sqlite in the desktop's directory].
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = false)]
    record: Option<Option<PathBuf>>,
    /// How many bytes the recording may have.
    #[arg(long, value_name = "BYTES", requires = "record")]
    record_limit: Option<u64>,
    /// The ports for certificate exchanges and for sessions; 0 is any that is free [default: FLIPPER_ALT_PORTS, else
    /// FLIPPER_PORTS, else 9089,9088].
    #[arg(long, value_name = "INSECURE,SECURE", value_parser = two_ports)]
    pub(super) ports: Option<(u16, u16)>,
    /// The port for browsers and Node.
    #[arg(long, value_name = "PORT", env = "FLIPPER_BROWSER_PORT", hide_env = true, default_value_t = 8333)]
    pub(super) browser_port: u16,
    /// Do without a port for browsers and Node.
    #[arg(long, conflicts_with = "browser_port")]
    pub(super) no_browser: bool,
    /// The port for `flipper apps`, `flipper call` and other scripts, always on this machine only.
    #[arg(long, value_name = "PORT", default_value_t = flipper_desktop::api::USUAL_PORT)]
    pub(super) ui_port: u16,
    /// Listen to apps on this address instead of this machine's own only; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) bind: Vec<IpAddr>,
    /// A name or an address by which apps elsewhere know this machine; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(super) known_host: Vec<Host>,
    /// An origin whose pages may use the browser port; may be given several times.
    #[arg(long, value_name = "ORIGIN")]
    pub(super) allow_origin: Vec<Origin>,
    /// Hand certificates out to apps that do not prove where they keep their files.
    #[arg(long)]
    pub(super) no_proof: bool,
    /// Which plugins of an app are initialised as soon as it connects, so that they tell their events.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Init::Background)]
    pub(super) init: Init,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Init {
    /// Those that want to run in the background.
    Background,
    /// All.
    All,
    /// None, until somebody calls one.
    None,
}

impl From<Init> for InitPolicy {
    fn from(init: Init) -> Self {
        match init {
            Init::Background => Self::Background,
            Init::All => Self::All,
            Init::None => Self::None,
        }
    }
}

impl Options {
    /// Where to record, if at all.
    pub(super) fn recording(&self, directory: &Path) -> Option<PathBuf> {
        match self.record.as_ref()? {
            Some(path) => Some(path.clone()),
            None => {
                let folder = directory.join("records");
                // What keeps it from being made keeps the file from being made as well, and is told then.
                let _made = fs::create_dir_all(&folder);
                Some(folder.join(format!("{}.sqlite", recording_name())))
            }
        }
    }

    pub(super) fn record_options(&self) -> RecordOptions {
        let mut options = RecordOptions::default();
        options.max_file_bytes = self.record_limit;
        options
    }
}
