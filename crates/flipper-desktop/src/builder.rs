//! What a desktop is told before it starts.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use flipper_async::Runtime;
use flipper_async::desk::{Desk, Options, Tls};
use flipper_pki::{Authority, AuthorityConfig, Binding, WallClock};
use flipper_proto::desktop::{Config, Host, Origin, PeerIdentity, Rate, Timing};
use flipper_proto::{Excerpt, Limits};
use flipper_tokio::Tokio;

use crate::audience::{Events, Observer, Speaker};
use crate::desktop::{Desktop, Parts};
use crate::error::StartError;
use crate::event::Event;
use crate::exchange::{Android, Deliverer, Idb, Ios, PlainFiles};
use crate::exposure::Exposure;
use crate::filter::Filter;
use crate::init_policy::InitPolicy;
use crate::port_owner::PortOwner;
use crate::ports::{Ports, bind_all};
use crate::state::{Instance, InstanceHolder, default_state_directory, find_instance_holder};

/// The settings of a desktop. [`Desktop::builder`] begins them, [`start`](Self::start) ends them.
#[must_use]
pub struct Builder {
    config: Config,
    options: Options,
    ports: Option<Ports>,
    browser_port: Option<u16>,
    addresses: Vec<IpAddr>,
    authority: AuthoritySource,
    adopt_official: Option<PathBuf>,
    wall_clock: WallClock,
    deliverers: Vec<Box<dyn Deliverer>>,
    android: Option<Android>,
    idb: Option<Idb>,
    require_proof: bool,
    init_policy: InitPolicy,
    observers: Vec<Observer>,
    speaker: Speaker,
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
            browser_port: None,
            addresses: Vec::new(),
            authority: AuthoritySource::Default,
            adopt_official: None,
            wall_clock: WallClock::default(),
            deliverers: Vec::new(),
            android: None,
            idb: None,
            require_proof: true,
            init_policy: InitPolicy::default(),
            observers: Vec::new(),
            speaker: Speaker::new(),
        }
    }

    /// The ports for exchanges and for sessions; 0 is any that is free. Default: what the variable `FLIPPER_ALT_PORTS`
    /// says, else `FLIPPER_PORTS` (both in the form `INSECURE,SECURE`), else 9089 and 9088.
    pub fn ports(mut self, insecure: u16, secure: u16) -> Self {
        self.ports = Some(Ports::new(insecure, secure));
        self
    }

    /// Opens a port for browsers and Node as well, such as [`Ports::USUAL_BROWSER`]; 0 is any that is free. Default:
    /// none.
    ///
    /// There are no certificates on it: any program of this machine may claim to be any app there, and so may the pages
    /// that a developer serves from `localhost`. From other machines, and from pages of other origins, it takes
    /// [allowed origins](Self::allowed_origin) only.
    pub fn browser_port(mut self, port: Option<u16>) -> Self {
        self.browser_port = port;
        self
    }

    /// An origin whose pages may use the browser port, from any machine that reaches it.
    pub fn allowed_origin(mut self, origin: Origin) -> Self {
        self.config.allowed_origins.push(origin);
        self
    }

    /// Any two ports that are free, for exchanges and for sessions.
    pub fn any_ports(mut self) -> Self {
        self.ports = Some(Ports::ANY);
        self
    }

    /// Listens on this address, and on no other that was not given as well. Default: 127.0.0.1 and, where the machine
    /// has it, `::1`.
    ///
    /// Anybody who can reach the desktop can ask it for a certificate; [`Desktop::exposure`] says what that means. It takes requests that name an address it
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

    /// The directory of the certificate authority: made if it is not there, for the desktop alone. Only one desktop runs
    /// with it at a time. Default: `desktop` in `FLIPPER_STATE_DIR`, else in `~/.flipper`.
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

    /// Makes the CA of an official desktop this one's, so that the apps that trust it connect without a new exchange. Its
    /// files lie in `~/.flipper/certs` as a rule, and are only read.
    ///
    /// The certificates that the official desktop issued bind nobody: who holds one may connect as any app, and shows as
    /// [`PeerIdentity::Unbound`](flipper_proto::desktop::PeerIdentity::Unbound). Apps of the CA that was in use before
    /// exchange certificates again. Has no effect on an authority that is [given](Self::authority), or lives in memory.
    pub fn adopt_official(mut self, directory: impl Into<PathBuf>) -> Self {
        self.adopt_official = Some(directory.into());
        self
    }

    /// The calendar that certificates are issued and checked by. An authority that is [given](Self::authority) has one of
    /// its own. Default: the system's.
    pub fn wall_clock(mut self, clock: WallClock) -> Self {
        self.wall_clock = clock;
        self
    }

    /// Adds a way for certificates to reach apps. It is asked after those that were added before, and before
    /// the desktop's own: [`Android`], [`Ios`] and [`PlainFiles`].
    pub fn deliverer(mut self, deliverer: impl Deliverer) -> Self {
        self.deliverers.push(Box::new(deliverer));
        self
    }

    /// Serves apps on Android devices, through adb: follows which devices there are, has them lead connections to the
    /// desktop's ports here, and delivers certificates to their apps. Default: no.
    ///
    /// An adb server that is not there is waited for; none is started.
    pub fn android(mut self, android: Android) -> Self {
        self.android = Some(android);
        self
    }

    /// Serves apps on physical iOS devices as well, through the program `idb`. Default: no. Those in simulators need
    /// nothing.
    pub fn idb(mut self, idb: Idb) -> Self {
        self.idb = Some(idb);
        self
    }

    /// Whether an app that gets its certificates as files has to prove that it can write where it wants them. Default:
    /// yes; see [`PlainFiles::require_proof`] for what it means to do without.
    pub fn require_proof(mut self, required: bool) -> Self {
        self.require_proof = required;
        self
    }

    /// Which plugins of every client the desktop initialises by itself. Default: [`InitPolicy::Background`].
    pub fn init_policy(mut self, policy: InitPolicy) -> Self {
        self.init_policy = policy;
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
        self.speaker.audience().subscribe(Filter::new())
    }

    /// How many certificate requests are taken up, from all apps together. Default: 5 a second, 20 in a burst. What one
    /// connection alone may have is [`Config::connection_exchange_rate`].
    pub fn exchange_rate(mut self, rate: Rate) -> Self {
        self.config.exchange_rate = rate;
        self
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
    /// [`StartError`]: ports that are in use, another desktop with the same state, a certificate authority that cannot be used, no tokio runtime.
    pub async fn start(self) -> Result<Desktop, StartError> {
        self.start_on(Tokio::current().map_err(StartError::NoRuntime)?).await
    }

    /// As [`start`](Self::start), on any runtime.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_on<R: Runtime>(self, runtime: R) -> Result<Desktop<R>, StartError> {
        let mut ports = self.ports.map_or_else(Ports::of_environment, Ok)?;
        ports.browser = self.browser_port;
        if let Some(port) = ports.twice() {
            return Err(StartError::SamePort(port));
        }
        let mut config = self.config;
        let directory = self.authority.directory()?;
        // What somebody else has in use shows before anything is written to the disk.
        let listeners = match bind_all(&runtime, &self.addresses, &mut ports).await {
            Err(StartError::PortInUse { address, owner }) => {
                return Err(in_use(&runtime, directory, address, owner).await);
            }
            bound => bound?,
        };
        let exposure = exposure(&self.addresses, ports, &config, self.require_proof);
        let named = self.addresses.iter().filter(|address| !address.is_unspecified());
        config.known_hosts.extend(named.filter_map(|address| address.to_string().parse::<Host>().ok()));
        let mut authority_config = AuthorityConfig::default();
        authority_config.clock = Arc::new(self.wall_clock.clone());
        authority_config.adopt = self.adopt_official;
        let source = self.authority;
        let open = move || {
            let instance = directory.as_deref().map(Instance::take).transpose()?;
            Ok::<_, StartError>((instance, source.open(directory, authority_config)?))
        };
        let (instance, authority) = runtime.unblock(open).await?;

        let desk = Desk::new(runtime.clone(), config, self.options);
        let tls = Tls::new(authority.server_config(), |certificate| identity(&Binding::of_certificate(certificate)));
        listeners.insecure.into_iter().for_each(|listener| desk.listen_insecure(listener));
        listeners.secure.into_iter().for_each(|listener| desk.listen_secure(listener, tls.clone()));
        listeners.browser.into_iter().for_each(|listener| desk.listen_browser(listener));
        let mut deliverers = self.deliverers;
        let adb = self.android.as_ref().map(|android| android.server().clone());
        deliverers.extend(self.android.map(|android| Box::new(android) as Box<dyn Deliverer>));
        let mut ios = Ios::new().require_proof(self.require_proof);
        if let Some(idb) = self.idb {
            ios = ios.idb(idb);
        }
        deliverers.push(Box::new(ios));
        deliverers.push(Box::new(PlainFiles::new().require_proof(self.require_proof)));
        Desktop::new(Parts {
            runtime,
            desk,
            ports,
            exposure,
            instance,
            authority,
            wall_clock: self.wall_clock,
            deliverers,
            adb,
            init_policy: self.init_policy,
            observers: self.observers,
            speaker: self.speaker,
        })
    }
}

impl AuthoritySource {
    /// Where it is kept, if anywhere.
    fn directory(&self) -> Result<Option<PathBuf>, StartError> {
        match self {
            Self::Given(_) | Self::Memory => Ok(None),
            Self::Directory(directory) => Ok(Some(directory.clone())),
            Self::Default => default_state_directory().map(Some).ok_or(StartError::NoStateDirectory),
        }
    }

    /// This may block on the disk.
    fn open(self, directory: Option<PathBuf>, config: AuthorityConfig) -> Result<Authority, StartError> {
        Ok(match (self, directory) {
            (Self::Given(authority), _) => authority,
            (_, Some(directory)) => Authority::open_with(directory, config)?,
            (_, None) => Authority::in_memory(config)?,
        })
    }
}

/// The error of a port that is in use: that another desktop has this very state tells more than which port it is.
async fn in_use<R: Runtime>(
    runtime: &R,
    directory: Option<PathBuf>,
    address: SocketAddr,
    owner: Option<PortOwner>,
) -> StartError {
    let look = move || {
        let directory = directory?;
        let InstanceHolder { pid } = find_instance_holder(&directory).ok()??;
        Some(StartError::AlreadyRunning { pid, directory })
    };
    runtime.unblock(look).await.unwrap_or(StartError::PortInUse { address, owner })
}

/// What it means that the desktop listens on these addresses, if others reach them.
fn exposure(addresses: &[IpAddr], ports: Ports, config: &Config, proof_required: bool) -> Option<Exposure> {
    let addresses: Vec<IpAddr> = addresses.iter().copied().filter(|address| !address.is_loopback()).collect();
    let lacks_names = config.known_hosts.is_empty() && addresses.iter().all(IpAddr::is_unspecified);
    let origins_allowed = !config.allowed_origins.is_empty();
    let exposed = !addresses.is_empty();
    exposed.then_some(Exposure { addresses, ports, proof_required, lacks_names, origins_allowed })
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
