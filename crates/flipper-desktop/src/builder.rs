//! What a desktop is told before it starts.

use std::env;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use flipper_async::Runtime;
use flipper_async::desk::{Desk, Options, Tls};
use flipper_pki::{Authority, AuthorityConfig, Binding, WallClock};
use flipper_proto::desktop::{Config, Host, PeerIdentity, Timing};
use flipper_proto::{Excerpt, Limits};
use flipper_tokio::Tokio;

use crate::audience::{Events, Observer, Speaker};
use crate::desktop::{Desktop, Parts};
use crate::error::StartError;
use crate::event::Event;
use crate::exchange::{Deliverer, PlainFiles};
use crate::ports::{Ports, bind};
use crate::www::Www;

/// The settings of a desktop. [`Desktop::builder`] begins them, [`start`](Self::start) ends them.
#[must_use]
pub struct Builder {
    config: Config,
    options: Options,
    ports: Option<Ports>,
    addresses: Vec<IpAddr>,
    authority: AuthoritySource,
    wall_clock: WallClock,
    deliverers: Vec<Box<dyn Deliverer>>,
    require_proof: bool,
    init_background_plugins: bool,
    observers: Vec<Observer>,
    speaker: Speaker,
    pub(crate) www: Www,
}

enum AuthoritySource {
    Default,
    Directory(PathBuf),
    Memory,
    Given(Authority),
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            config: Config::new(),
            options: Options::default(),
            ports: None,
            addresses: Vec::new(),
            authority: AuthoritySource::Default,
            wall_clock: WallClock::default(),
            deliverers: Vec::new(),
            require_proof: true,
            init_background_plugins: true,
            observers: Vec::new(),
            speaker: Speaker::new(),
            www: Www::new(),
        }
    }

    /// The ports for exchanges and for sessions; 0 is any that is free. Default: what the variable `FLIPPER_ALT_PORTS`
    /// says, else `FLIPPER_PORTS` (both in the form `INSECURE,SECURE`), else 9089 and 9088.
    pub fn ports(mut self, insecure: u16, secure: u16) -> Self {
        self.ports = Some(Ports { insecure, secure });
        self
    }

    /// Any two ports that are free.
    pub fn any_ports(mut self) -> Self {
        self.ports = Some(Ports::ANY);
        self
    }

    /// Listens on this address, and on no other that was not given as well. Default: 127.0.0.1 and, where the machine
    /// has it, `::1`.
    ///
    /// Anybody who can reach the desktop can ask it for a certificate. It takes requests that name an address it
    /// listens on; other names that it goes by, and all of them where the address is `0.0.0.0` or `::`, are to be given
    /// as [known hosts](Self::known_host).
    pub fn bind(mut self, address: IpAddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// A name or an address that apps may know this machine by, besides those of loopback. A request that names another
    /// one is refused with HTTP 401: that is how web pages are kept out whose name was made to lead here.
    pub fn known_host(mut self, host: Host) -> Self {
        self.config.known_hosts.push(host);
        self
    }

    /// The directory of the certificate authority: made if it is not there, for the desktop alone. Default: `desktop`
    /// in `FLIPPER_STATE_DIR`, else in `~/.flipper`.
    pub fn state_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.authority = AuthoritySource::Directory(directory.into());
        self
    }

    /// Makes a certificate authority that is gone when the desktop is: apps have to exchange certificates with the next
    /// one.
    pub fn in_memory_authority(mut self) -> Self {
        self.authority = AuthoritySource::Memory;
        self
    }

    /// Uses this certificate authority.
    pub fn authority(mut self, authority: Authority) -> Self {
        self.authority = AuthoritySource::Given(authority);
        self
    }

    /// The calendar that certificates are issued and checked by. An authority that is [given](Self::authority) has one of
    /// its own. Default: the system's.
    pub fn wall_clock(mut self, clock: WallClock) -> Self {
        self.wall_clock = clock;
        self
    }

    /// Adds a way for certificates to reach apps. It is asked after those that were added before, and before
    /// [`PlainFiles`].
    pub fn deliverer(mut self, deliverer: impl Deliverer) -> Self {
        self.deliverers.push(Box::new(deliverer));
        self
    }

    /// Whether an app that gets its certificates as files has to prove that it can write where it wants them. Default:
    /// yes; see [`PlainFiles::require_proof`] for what it means to do without.
    pub fn require_proof(mut self, required: bool) -> Self {
        self.require_proof = required;
        self
    }

    /// Whether the desktop initialises the background plugins of every client by itself, as the official one does when
    /// a person looks at it. Default: yes.
    pub fn init_background_plugins(mut self, init: bool) -> Self {
        self.init_background_plugins = init;
        self
    }

    /// Is told of every event, one after the other, on a thread that all observers of the desktop share. One that
    /// panics harms nobody.
    ///
    /// It may block, and loses nothing by that. When it is more than 64 events behind, the desktop waits for it: it
    /// goes on to pass on the answers of clients, but hands out no certificates and initialises no plugins; it reads
    /// less and less, and cannot end either.
    pub fn observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// All events from the first one on: an app that has waited for the desktop may connect before
    /// [`Desktop::events`] can be called.
    pub fn events(&mut self) -> Events {
        self.speaker.audience().subscribe()
    }

    /// What is bounded.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// How long to wait for what.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.config.timing = timing;
        self
    }

    /// How connections are treated on their way in.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Changes any other setting of the state machine, such as how often certificates may be asked for.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Starts on tokio: opens the certificate authority and listens. When this returns, apps can connect.
    ///
    /// # Errors
    /// [`StartError`]: ports that are in use, a certificate authority that cannot be used, no tokio runtime.
    pub async fn start(self) -> Result<Desktop, StartError> {
        self.start_on(Tokio::current().map_err(StartError::NoRuntime)?).await
    }

    /// As [`start`](Self::start), on any runtime.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_on<R: Runtime>(self, runtime: R) -> Result<Desktop<R>, StartError> {
        let ports = self.ports.map_or_else(Ports::of_environment, Ok)?;
        if ports.insecure == ports.secure && ports.insecure != 0 {
            return Err(StartError::SamePort(ports.insecure));
        }
        let mut config = self.config;
        // What somebody else has in use shows before anything is written to the disk.
        let (insecure, insecure_port) = bind(&runtime, &self.addresses, ports.insecure).await?;
        let (secure, secure_port) = bind(&runtime, &self.addresses, ports.secure).await?;
        let named = self.addresses.iter().filter(|address| !address.is_unspecified());
        config.known_hosts.extend(named.filter_map(|address| address.to_string().parse::<Host>().ok()));
        let (pairings, paired_apps) = self.www.split(self.authority.directory()?);
        let (source, clock) = (self.authority, self.wall_clock.clone());
        let authority = runtime.unblock(move || source.open(clock)).await?;

        let desk = Desk::new(runtime.clone(), config, self.options);
        let tls = Tls::new(authority.server_config(), |certificate| identity(&Binding::of_certificate(certificate)));
        insecure.into_iter().for_each(|listener| desk.listen_insecure(listener));
        secure.into_iter().for_each(|listener| desk.listen_secure(listener, tls.clone()));
        let mut deliverers = self.deliverers;
        deliverers.push(Box::new(paired_apps));
        deliverers.push(Box::new(PlainFiles::new().require_proof(self.require_proof)));
        Desktop::new(Parts {
            runtime,
            desk,
            ports: Ports { insecure: insecure_port, secure: secure_port },
            authority,
            wall_clock: self.wall_clock,
            pairings,
            deliverers,
            init_background_plugins: self.init_background_plugins,
            observers: self.observers,
            speaker: self.speaker,
        })
    }
}

impl AuthoritySource {
    /// Where it is, if it is in a directory that is known.
    fn directory(&self) -> Result<Option<PathBuf>, StartError> {
        match self {
            Self::Given(_) | Self::Memory => Ok(None),
            Self::Directory(directory) => Ok(Some(directory.clone())),
            Self::Default => {
                let state = env::var_os("FLIPPER_STATE_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
                let state = state.or_else(|| env::home_dir().map(|home| home.join(".flipper")));
                Ok(Some(state.ok_or(StartError::NoStateDirectory)?.join("desktop")))
            }
        }
    }

    /// This may block on the disk.
    fn open(self, clock: WallClock) -> Result<Authority, StartError> {
        let mut config = AuthorityConfig::default();
        config.clock = Arc::new(clock);
        let directory = self.directory()?;
        match (self, directory) {
            (Self::Given(authority), _) => Ok(authority),
            (_, Some(directory)) => Ok(Authority::open_with(directory, config)?),
            (_, None) => Ok(Authority::in_memory(config)?),
        }
    }
}

/// Whom a certificate that passed was issued to, in the words of the state machine.
fn identity(binding: &Result<Binding, flipper_pki::BindingError>) -> PeerIdentity {
    match binding {
        Ok(Binding::Bound { app, device_id }) => PeerIdentity::Bound { app: app.clone(), device_id: device_id.clone() },
        Ok(Binding::Unbound { common_name }) => PeerIdentity::Unbound { common_name: common_name.clone() },
        Err(error) => PeerIdentity::Unusable(Excerpt::new(&error.to_string())),
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("ports", &self.ports)
            .field("addresses", &self.addresses)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
