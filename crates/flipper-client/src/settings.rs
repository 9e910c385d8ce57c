//! What an app says before it starts.

use std::env;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use flipper_pki::{CredentialStore, PairingLink, WallClock};
use flipper_proto::client::{Config, MediumChoice, Os, Ports};
use flipper_proto::{Limits, Medium, Overflow};

use crate::app::Observer;
use crate::error::StartError;
use crate::launch::Launch;
use crate::notice::Notice;
use crate::plugin::Plugin;
use crate::www::CertificateProvider;

/// Settings on their way to a start, with an adapter that will carry it out.
#[must_use]
pub struct Builder<L> {
    config: Config,
    host_is_given: bool,
    ports: Option<Ports>,
    pairing: Option<String>,
    directory: Option<PathBuf>,
    plugins: Vec<Arc<dyn Plugin>>,
    observer: Option<Observer>,
    provider: Option<Arc<dyn CertificateProvider>>,
    launch: PhantomData<fn() -> L>,
}

impl<L: Launch> Builder<L> {
    /// The settings of an app: `app` is the name that people see, `app_id` its bundle id in reverse-DNS form.
    ///
    /// Everything else has a default that needs no change on a desktop machine.
    pub fn new(app: impl Into<String>, app_id: impl Into<String>) -> Self {
        let mut config = Config::new(app, app_id);
        let host_name = host_name();
        config.os = Os::Automatic(real_os());
        config.device.clone_from(&host_name);
        config.device_id = host_name;
        config.instance_id = Some(format!("{:016x}", random()));
        config.seed = random();
        Self {
            config,
            host_is_given: false,
            ports: None,
            pairing: None,
            directory: None,
            plugins: Vec::new(),
            observer: None,
            provider: None,
            launch: PhantomData,
        }
    }

    /// Adds a plugin.
    pub fn plugin(mut self, plugin: impl Plugin) -> Self {
        self.plugins.push(Arc::new(plugin));
        self
    }

    /// The desktop's host name or address. Default: `localhost`.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.config.host = host.into();
        self.host_is_given = true;
        self
    }

    /// The desktop's ports. Default: what the variable `FLIPPER_ALT_PORTS` says, else `FLIPPER_PORTS` (both in the form
    /// `INSECURE,SECURE`), else 9089 and 9088.
    pub fn ports(mut self, insecure: u16, secure: u16) -> Self {
        self.ports = Some(Ports { insecure, secure });
        self
    }

    /// The operating system to present. Default: the real one, or `MacOS` to a desktop that refuses that.
    pub fn os(mut self, os: impl Into<String>) -> Self {
        self.config.os = Os::Fixed(os.into());
        self
    }

    /// The device's name. Default: the host name.
    pub fn device(mut self, device: impl Into<String>) -> Self {
        self.config.device = device.into();
        self
    }

    /// A stable id of the device, which is presented where the desktop has none for it. Default: the host name.
    pub fn device_id(mut self, device_id: impl Into<String>) -> Self {
        self.config.device_id = device_id.into();
        self
    }

    /// The app's private directory for keys and certificates. Default: `apps/<app id>` in `FLIPPER_STATE_DIR`, else in
    /// `~/.flipper`.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// How certificates reach the app, and what the session says about it. Default: files, and in the session whatever
    /// has the official UI show the app.
    pub fn medium(mut self, medium: Medium) -> Self {
        self.config.medium = MediumChoice::Fixed(medium);
        self
    }

    /// Pairs the app with a desktop on another machine, by the link that `flipper pair` prints there. Default: what the
    /// variable `FLIPPER_PAIRING` says.
    ///
    /// The link names the desktop's host and ports, which [`host`](Self::host) and [`ports`](Self::ports) override, and
    /// holds a secret: the app proves with it that it may have a certificate, and takes certificates from nobody else
    /// than the desktop that knows it as well. The medium is WWW then, whatever was chosen; a
    /// [certificate provider](Self::certificate_provider) is needed only where the desktop does not put certificates
    /// into its answer.
    pub fn pairing(mut self, link: impl Into<String>) -> Self {
        self.pairing = Some(link.into());
        self
    }

    /// Where medium WWW fetches certificates from. Whatever it fetches is used, unless the app is
    /// [paired](Self::pairing).
    pub fn certificate_provider(mut self, provider: impl CertificateProvider) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// What is bounded, and how.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Which event goes when a plugin's buffer is full. Default: the oldest.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.config.overflow = overflow;
        self
    }

    /// Changes any other setting of the state machine, such as how long it waits for what.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Is told of every step and every failure, from the task or thread that drives the connection.
    pub fn observer(mut self, observer: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Starts, and goes on looking for a desktop until it is stopped. Returns at once.
    ///
    /// # Errors
    /// [`StartError`]. Neither the network nor the disk is ever a reason.
    pub fn start(self) -> Result<L::Handle, StartError> {
        L::launch(self.into_setup()?)
    }

    /// Ends the settings without a start, for adapters that are told more than a [`Setup`] holds.
    ///
    /// # Errors
    /// As [`start`](Self::start), but for what only a start finds out.
    pub fn into_setup(self) -> Result<Setup, StartError> {
        let mut config = self.config;
        if config.app.is_empty() {
            return Err(StartError::NoName("the app's name"));
        }
        if config.app_id.is_empty() {
            return Err(StartError::NoName("the app's id"));
        }
        let pairing = pairing(self.pairing, |name| env::var(name).ok())?;
        if let Some(link) = &pairing {
            config.medium = MediumChoice::Fixed(Medium::Www);
            if !self.host_is_given {
                config.host.clone_from(&link.host);
            }
        }
        if config.medium == MediumChoice::Fixed(Medium::Www) && self.provider.is_none() && pairing.is_none() {
            return Err(StartError::NoCertificateProvider);
        }
        config.ports = match (self.ports, &pairing) {
            (Some(ports), _) => ports,
            (None, Some(link)) => Ports { insecure: link.insecure_port, secure: link.secure_port },
            (None, None) => ports_of_environment(|name| env::var(name).ok())?.unwrap_or(config.ports),
        };
        let directory = self.directory.map_or_else(|| default_directory(&config.app_id), Ok)?;
        Ok(Setup {
            config,
            store: CredentialStore::new(directory),
            wall_clock: WallClock::default(),
            plugins: self.plugins,
            observer: self.observer,
            provider: self.provider,
            pairing,
        })
    }
}

impl<L> fmt::Debug for Builder<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Everything that an adapter needs to start an app.
#[non_exhaustive]
pub struct Setup {
    /// The settings of the state machine.
    pub config: Config,
    /// Where keys and certificates are kept.
    pub store: CredentialStore,
    /// The calendar that certificates are checked by. Default: the system's.
    pub wall_clock: WallClock,
    /// The plugins to begin with.
    pub plugins: Vec<Arc<dyn Plugin>>,
    /// Who is told of every step.
    pub observer: Option<Observer>,
    /// Where medium WWW fetches certificates from.
    pub provider: Option<Arc<dyn CertificateProvider>>,
    /// The desktop that the app is paired with.
    pub pairing: Option<PairingLink>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("config", &self.config).field("store", &self.store).finish_non_exhaustive()
    }
}

/// The name of this machine, which every system should know.
fn host_name() -> String {
    hostname::get().map_or_else(|_| "localhost".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The name that desktops know this operating system by.
fn real_os() -> String {
    match env::consts::OS {
        "android" => "Android",
        "freebsd" => "FreeBSD",
        "ios" => "iOS",
        "linux" => "Linux",
        "macos" => "MacOS",
        "windows" => "Windows",
        other => other,
    }
    .to_owned()
}

/// The link that was given, else that of the environment.
fn pairing(
    given: Option<String>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<PairingLink>, StartError> {
    let (source, text) = match given {
        Some(text) => ("the app", text),
        None => match variable(PAIRING).filter(|value| !value.is_empty()) {
            Some(text) => (PAIRING, text),
            None => return Ok(None),
        },
    };
    PairingLink::parse(&text).map(Some).map_err(|error| StartError::BadPairing { source, error })
}

const PAIRING: &str = "FLIPPER_PAIRING";

/// `FLIPPER_PORTS` moves other ports of the official desktop, but its documentation says that it moves these: it counts
/// where `FLIPPER_ALT_PORTS` is unset.
fn ports_of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Ports>, StartError> {
    for name in ["FLIPPER_ALT_PORTS", "FLIPPER_PORTS"] {
        let Some(value) = variable(name).filter(|value| !value.is_empty()) else { continue };
        let parsed = value.split_once(',').and_then(|(insecure, secure)| {
            Some(Ports { insecure: insecure.trim().parse().ok()?, secure: secure.trim().parse().ok()? })
        });
        return parsed.map(Some).ok_or(StartError::BadPorts { variable: name, value });
    }
    Ok(None)
}

fn default_directory(app_id: &str) -> Result<PathBuf, StartError> {
    let state = env::var_os("FLIPPER_STATE_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = state.or_else(|| env::home_dir().map(|home| home.join(".flipper"))).ok_or(StartError::NoDirectory)?;
    Ok(state.join("apps").join(folder_name(app_id)))
}

/// An app id as the name of one folder, whatever it holds.
fn folder_name(app_id: &str) -> String {
    let mut name = String::new();
    for byte in app_id.bytes() {
        let plain = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || (byte == b'.' && !name.is_empty());
        if plain {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// Where the system has no randomness the process id has to do: neither use is a secret.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()))
}

#[cfg(test)]
mod tests {
    use flipper_pki::LinkError;

    use super::*;

    fn ports(alt: Option<&str>, legacy: Option<&str>) -> Result<Option<Ports>, StartError> {
        ports_of_environment(|name| {
            match name {
                "FLIPPER_ALT_PORTS" => alt,
                _ => legacy,
            }
            .map(str::to_owned)
        })
    }

    #[test]
    fn alt_ports_win_over_ports() {
        assert_eq!(ports(None, None), Ok(None));
        assert_eq!(ports(Some("1,2"), Some("3,4")), Ok(Some(Ports { insecure: 1, secure: 2 })));
        assert_eq!(ports(None, Some("3, 4")), Ok(Some(Ports { insecure: 3, secure: 4 })));
        assert_eq!(ports(Some(""), Some("3,4")), Ok(Some(Ports { insecure: 3, secure: 4 })));
    }

    #[test]
    fn ports_that_are_none_are_refused() {
        for bad in ["1", "1,", "a,b", "1,70000", "1,2,3"] {
            let error = StartError::BadPorts { variable: "FLIPPER_ALT_PORTS", value: bad.to_owned() };
            assert_eq!(ports(Some(bad), None), Err(error));
        }
    }

    #[test]
    fn the_apps_own_link_wins_over_that_of_the_environment() {
        let link = |host: &str| {
            format!("flipper://pair?v=1&host={host}&ports=1,2&id=e0f7b247d96e4bfe&secret=AAECAwQFBgcICQoLDA0ODw")
        };
        let host = |given: Option<&str>, variable: Option<&str>| {
            pairing(given.map(link), |_| variable.map(link)).unwrap().map(|link| link.host)
        };
        assert_eq!(host(None, None), None);
        assert_eq!(host(None, Some("a")).as_deref(), Some("a"));
        assert_eq!(host(Some("b"), Some("a")).as_deref(), Some("b"));
        let error = pairing(None, |_| Some("flipper://pair?v=1&secret=abc".to_owned())).unwrap_err();
        assert_eq!(error, StartError::BadPairing { source: "FLIPPER_PAIRING", error: LinkError::Missing("host") });
        assert!(!error.to_string().contains("abc"), "{error}");
    }

    #[test]
    fn an_app_id_never_leaves_its_folder() {
        assert_eq!(folder_name("com.example.app"), "com.example.app");
        assert_eq!(folder_name("../../etc"), "%2E.%2F..%2Fetc");
        assert_eq!(folder_name(".hidden"), "%2Ehidden");
        assert_eq!(folder_name("a/b\\c ü"), "a%2Fb%5Cc%20%C3%BC");
    }
}
