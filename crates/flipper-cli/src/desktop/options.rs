//! What `flipper desktop` is told.

use std::env;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flipper_desktop::adb::Address;
use flipper_desktop::api::OfficialUi;
use flipper_desktop::proto::desktop::{Config, Host, Origin, Rate};
use flipper_desktop::records::{RecordOptions, recording_name};
use flipper_desktop::{Android, Idb, InitPolicy};

use crate::failure::Failure;
use crate::place::Place;
use crate::store::Store;
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
    #[arg(long)]
    pub(super) no_browser: bool,
    /// The port for `flipper apps`, `flipper call` and other scripts, always on this machine only.
    #[arg(long, value_name = "PORT", default_value_t = flipper_desktop::api::USUAL_PORT)]
    pub(super) ui_port: u16,
    /// Serve the page of the official desktop as well, from an installed npm package flipper-server 0.162.0.
    #[arg(long, value_name = "DIR")]
    official_ui: Option<PathBuf>,
    /// The port for that page, always on this machine only.
    #[arg(long, value_name = "PORT", requires = "official_ui", default_value_t = OfficialUi::USUAL_PORT)]
    official_ui_port: u16,
    /// Serve that page as it was published: show its dialogs for new users, enable no plugins, repair nothing.
    #[arg(long, requires = "official_ui")]
    pristine: bool,
    /// Listen to apps on this address instead of this machine's own only; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) bind: Vec<IpAddr>,
    /// A name or an address by which apps elsewhere know this machine; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(super) known_host: Vec<Host>,
    /// An origin whose pages may use the browser port; may be given several times.
    #[arg(long, value_name = "ORIGIN")]
    pub(super) allow_origin: Vec<Origin>,
    /// Upload the certificates of paired apps there as well: a directory, or a URL to put them to, in which `{name}`
    /// stands for the file's name; may be given several times.
    #[arg(long, value_name = "PLACE")]
    pub(super) upload_to: Vec<Store>,
    /// Do not put the certificates of paired apps into the answer: they are uploaded.
    #[arg(long, requires = "upload_to")]
    pub(super) upload_only: bool,
    /// Hand certificates out to apps that do not prove where they keep their files.
    #[arg(long)]
    pub(super) no_proof: bool,
    /// Leave Android devices alone.
    #[arg(long)]
    no_android: bool,
    /// Where adb's server is [default: what the environment tells adb, else 127.0.0.1:5037].
    #[arg(long, value_name = "HOST:PORT")]
    adb_server: Option<Address>,
    /// Leave iOS devices alone; simulators need nothing.
    #[arg(long)]
    no_idb: bool,
    /// The program `idb`, for iOS devices [default: the one of the PATH, if there is one].
    #[arg(long, value_name = "PROGRAM")]
    idb: Option<PathBuf>,
    /// Take the certificate authority of an official desktop over, so that apps that trust it connect at once
    /// [default: ~/.flipper/certs].
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    adopt_official: Option<Option<PathBuf>>,
    /// Which plugins of an app are initialised as soon as it connects, so that they tell their events.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Init::Background)]
    pub(super) init: Init,
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) limits: LimitOptions,
}

/// What a peer can make the desktop keep or do; docs/desktop.md lists all limits.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitOptions {
    /// How many apps may be connected at once [default: 1024].
    #[arg(long, value_name = "COUNT")]
    max_apps: Option<usize>,
    /// How many bytes a message of a session may have [default: 64 MiB].
    #[arg(long, value_name = "BYTES")]
    max_message: Option<usize>,
    /// How many bytes may wait for one app to read [default: 128 MiB].
    #[arg(long, value_name = "BYTES")]
    max_queue: Option<usize>,
    /// How many bytes a certificate request may have, with all that comes with it [default: 64 KiB].
    #[arg(long, value_name = "BYTES")]
    max_request: Option<usize>,
    /// How many certificates may be asked for in a second, all together [default: 5].
    #[arg(long, value_name = "COUNT")]
    exchange_rate: Option<u32>,
}

impl LimitOptions {
    /// The defaults, but for what was said.
    pub(super) fn apply(&self, config: &mut Config) {
        let limits = &mut config.limits;
        let set = |limit: &mut usize, to: Option<usize>| *limit = to.unwrap_or(*limit);
        set(&mut limits.clients, self.max_apps);
        set(&mut limits.message_bytes, self.max_message);
        set(&mut limits.queued_answer_bytes, self.max_queue);
        set(&mut limits.exchange_message_bytes, self.max_request);
        if let Some(rate) = self.exchange_rate {
            let burst = config.exchange_rate.burst.max(rate);
            config.exchange_rate = Rate { per_second: rate, burst };
        }
    }
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
    /// The page of the official desktop, if it is to be served.
    pub(super) fn official_page(&self) -> Result<Option<OfficialUi>, Failure> {
        let Some(directory) = &self.official_ui else { return Ok(None) };
        let ui = OfficialUi::find(directory).map_err(Failure::new)?;
        let ui = ui.port(self.official_ui_port).pristine(self.pristine);
        Ok(Some(env::home_dir().into_iter().fold(ui, OfficialUi::home)))
    }

    /// How Android devices are served, if they are.
    pub(super) fn android(&self) -> Result<Option<Android>, Failure> {
        if self.no_android {
            return Ok(None);
        }
        let address = self.adb_server.clone().map_or_else(Address::of_environment, Ok)?;
        Ok(Some(Android::new(address)))
    }

    /// How iOS devices are served, if they are.
    pub(super) fn ios(&self) -> Option<Idb> {
        if self.no_idb {
            return None;
        }
        self.idb.as_ref().map_or_else(Idb::installed, |program| Some(Idb::at(program)))
    }

    /// Where the official desktop's authority is that is to be taken over, if it is.
    pub(super) fn official(&self) -> Result<Option<PathBuf>, Failure> {
        match &self.adopt_official {
            None => Ok(None),
            Some(Some(directory)) => Ok(Some(directory.clone())),
            Some(None) => match env::home_dir() {
                Some(home) => Ok(Some(home.join(".flipper").join("certs"))),
                None => Err(Failure::new("there is no home directory; say where it is: --adopt-official DIR")),
            },
        }
    }

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
