//! What an app tells a client before it starts.

use flipper_proto::client::{Config, MediumChoice, Os};
use flipper_proto::{Medium, Overflow};

use crate::pointer::FlipperStr;
use crate::record::{self, Record, set, set_limit, set_span, set_text};
use crate::result::FlipperResult;

/// How certificates travel from the desktop to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperMedium {
    /// As the desktop serves it: FS_ACCESS in the exchange, and NONE in the session where the desktop answers no device id.
    /// Only where a medium is chosen.
    Automatic = 0,
    /// The desktop writes them into the app's directory.
    FsAccess = 1,
    /// The desktop uploads them, and the app fetches them by its device id.
    Www = 2,
    /// Not at all: the app uses the credentials that it has.
    None = 3,
}

/// Whether the desktop should show this app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperForeground {
    /// The desktop decides.
    Unsaid = 0,
    /// It should.
    Yes = 1,
    /// It should not.
    No = 2,
}

/// Which event goes when the buffer of a plugin is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperOverflow {
    /// The oldest.
    DropOldest = 0,
    /// The newest.
    DropNewest = 1,
}

/// What an app tells a client before it starts. Zero and NULL stand for the default, but the app's name and id are needed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperClientConfig {
    /// `sizeof(flipper_client_config)`.
    pub size: usize,
    /// The app's name, as people see it.
    pub app: FlipperStr,
    /// The app's bundle id, in reverse-DNS form. The certificate is issued to it.
    pub app_id: FlipperStr,
    /// The operating system. Where a desktop refuses it, the client presents another, unless `os_fixed` is not 0. Default:
    /// Linux.
    pub os: FlipperStr,
    /// The device's name, as people see it. Default: localhost.
    pub device: FlipperStr,
    /// A stable id of the device, for desktops that answer none. Default: localhost.
    pub device_id: FlipperStr,
    /// The desktop's host name or address, without a port. Default: localhost.
    pub host: FlipperStr,
    /// Tells two processes of one app apart: random, and other for each process. Default: none.
    pub instance_id: FlipperStr,
    /// Where the jitter of waits comes from: random, and other for each process.
    pub seed: u64,
    /// How long the first wait after a failure is; each further one is twice as long. Default: 250 ms.
    pub backoff_first_ms: u64,
    /// How long a wait is at most. Default: 10 s.
    pub backoff_ceiling_ms: u64,
    /// How long a session lasts until the next wait is the first again. Default: 10 s.
    pub backoff_stable_ms: u64,
    /// How long opening a WebSocket may take, TCP and TLS included. Default: 10 s.
    pub connect_ms: u64,
    /// How long the desktop may take to answer the certificate request. Default: 20 s.
    pub grant_ms: u64,
    /// How long closing a WebSocket may take. Default: 2 s.
    pub close_ms: u64,
    /// How long the desktop may be silent before it is pinged, and how long it has to answer. Default: 10 s.
    pub ping_ms: u64,
    /// How long a desktop that does not respond is waited for. Default: 10 min.
    pub unresponsive_ms: u64,
    /// How long before its certificates expire a client asks for new ones. Default: 1 day.
    pub renew_before_ms: u64,
    /// How long the pauses between bursts of events are at least. Default: there are none. The official UI shows nothing of
    /// an app that is never silent for 250 ms.
    pub event_pause_ms: u64,
    /// The largest message in bytes, in and out. Default: 64 MiB.
    pub message_bytes: u64,
    /// How many bytes the events of one plugin that wait may have together. Default: 8 MiB.
    pub buffered_event_bytes: u64,
    /// How many bytes of answers wait for a desktop that does not read. Default: 128 MiB.
    pub queued_answer_bytes: u64,
    /// The largest message of a certificate exchange in bytes. Default: 64 KiB.
    pub exchange_message_bytes: u64,
    /// How many calls of the desktop may wait for their answers. Default: 16,384.
    pub pending_calls: u32,
    /// How many plugins there may be. Default: 1,024.
    pub plugins: u32,
    /// How many events of one plugin wait for a desktop that wants them. Default: 10,000.
    pub buffered_events: u32,
    /// A `flipper_overflow`. Default: the oldest event goes.
    pub overflow: u32,
    /// A `flipper_medium`. Default: automatic.
    pub medium: u32,
    /// A `flipper_foreground`. Default: the desktop decides.
    pub foreground: u32,
    /// After how many sessions in a row that were not stable the client waits for the ceiling. Default: 4.
    pub loop_sessions: u32,
    /// How many pings go unanswered until the desktop counts as unresponsive. Default: 2.
    pub missed_pings: u32,
    /// The desktop's port for certificate exchanges. Default: 9089.
    pub insecure_port: u16,
    /// The desktop's port for sessions. Default: 9088.
    pub secure_port: u16,
    /// Whether `os` is presented whatever the desktop says: 0 or 1. Default: 0.
    pub os_fixed: u32,
}

// SAFETY: its size comes first; the rest is texts and numbers.
unsafe impl Record for FlipperClientConfig {}

impl FlipperClientConfig {
    /// # Safety
    /// `record` is NULL, or points to a record of the size that it says, with good texts in it.
    pub(super) unsafe fn read(record: *const Self) -> Result<Config, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe {
            let record = record::read(record)?;
            let mut config = Config::new(record.app.read_required()?, record.app_id.read_required()?);
            let os = record.os.read_optional()?;
            set_text(&mut config.device, record.device.read_optional()?);
            set_text(&mut config.device_id, record.device_id.read_optional()?);
            set_text(&mut config.host, record.host.read_optional()?);
            config.instance_id = record.instance_id.read_optional()?.map(str::to_owned);
            record.set_choices(&mut config, os)?;
            record.set_spans(&mut config);
            record.set_limits(&mut config)?;
            Ok(config)
        }
    }

    fn set_choices(&self, config: &mut Config, os: Option<&str>) -> Result<(), FlipperResult> {
        config.os = match (os, self.os_fixed) {
            (None, 0) => config.os.clone(),
            (Some(os), 0) => Os::Automatic(os.to_owned()),
            (os, 1) => Os::Fixed(os.unwrap_or("Linux").to_owned()),
            _ => return Err(FlipperResult::BadValue),
        };
        if self.medium != FlipperMedium::Automatic as u32 {
            config.medium = MediumChoice::Fixed(medium(self.medium)?);
        }
        config.foreground = match self.foreground {
            number if number == FlipperForeground::Unsaid as u32 => None,
            number if number == FlipperForeground::Yes as u32 => Some(true),
            number if number == FlipperForeground::No as u32 => Some(false),
            _ => return Err(FlipperResult::BadValue),
        };
        config.overflow = overflow(self.overflow)?;
        set(&mut config.ports.insecure, self.insecure_port);
        set(&mut config.ports.secure, self.secure_port);
        config.seed = self.seed;
        Ok(())
    }

    fn set_spans(&self, config: &mut Config) {
        set_span(&mut config.backoff.first, self.backoff_first_ms);
        set_span(&mut config.backoff.ceiling, self.backoff_ceiling_ms);
        set_span(&mut config.backoff.stable, self.backoff_stable_ms);
        set(&mut config.backoff.loop_sessions, self.loop_sessions);
        set_span(&mut config.timing.connect, self.connect_ms);
        set_span(&mut config.timing.grant, self.grant_ms);
        set_span(&mut config.timing.close, self.close_ms);
        set_span(&mut config.timing.ping, self.ping_ms);
        set(&mut config.timing.missed_pings, self.missed_pings);
        set_span(&mut config.timing.unresponsive, self.unresponsive_ms);
        set_span(&mut config.timing.renew_before, self.renew_before_ms);
        set_span(&mut config.event_pause, self.event_pause_ms);
    }

    fn set_limits(&self, config: &mut Config) -> Result<(), FlipperResult> {
        let limits = &mut config.limits;
        set_limit(&mut limits.message_bytes, self.message_bytes)?;
        set_limit(&mut limits.buffered_event_bytes, self.buffered_event_bytes)?;
        set_limit(&mut limits.queued_answer_bytes, self.queued_answer_bytes)?;
        set_limit(&mut limits.exchange_message_bytes, self.exchange_message_bytes)?;
        set_limit(&mut limits.pending_calls, self.pending_calls.into())?;
        set_limit(&mut limits.plugins, self.plugins.into())?;
        set_limit(&mut limits.buffered_events, self.buffered_events.into())
    }
}

/// A medium that is not the automatic one.
pub(crate) fn medium(number: u32) -> Result<Medium, FlipperResult> {
    Medium::from_number(number.into()).ok_or(FlipperResult::BadValue)
}

/// Which event goes.
pub(crate) fn overflow(number: u32) -> Result<Overflow, FlipperResult> {
    match number {
        number if number == FlipperOverflow::DropOldest as u32 => Ok(Overflow::DropOldest),
        number if number == FlipperOverflow::DropNewest as u32 => Ok(Overflow::DropNewest),
        _ => Err(FlipperResult::BadValue),
    }
}
