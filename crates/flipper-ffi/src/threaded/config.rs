//! What an app says before it starts.

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use flipper_blocking::proto::{Medium, Overflow};
use flipper_blocking::{Flipper, Notice, Options, Setup, StartError};
use flipper_proto::client::{Config, Event};

use super::user::User;
use crate::event::FlipperEvent;
use crate::pointer::FlipperStr;
use crate::record::{self, Record};
use crate::result::FlipperResult;

/// What an app says before it starts. Zero it, then set its size, the app's name and its id: everything else has a
/// default that needs no change on a desktop machine.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperAppConfig {
    /// `sizeof(flipper_app_config)`.
    pub size: usize,
    /// The app's name, as people see it.
    pub app: FlipperStr,
    /// The app's bundle id in reverse-DNS form, such as com.example.app.
    pub app_id: FlipperStr,
    /// The desktop's host name or address. Default: localhost.
    pub host: FlipperStr,
    /// The app's private directory for keys and certificates. Default: apps/ID in FLIPPER_STATE_DIR, else in ~/.flipper.
    pub directory: FlipperStr,
    /// The operating system to present. Default: the real one, or MacOS to a desktop that refuses that.
    pub os: FlipperStr,
    /// The device's name. Default: the host name.
    pub device: FlipperStr,
    /// A stable id of the device, which is presented where the desktop has none for it. Default: the host name.
    pub device_id: FlipperStr,
    /// Pairs the app with a desktop on another machine, by the link that `flipper pair` prints there. It holds a secret.
    /// Default: what the variable FLIPPER_PAIRING says.
    pub pairing: FlipperStr,
    /// The desktop's plain port. Default of both: what the variables FLIPPER_ALT_PORTS or FLIPPER_PORTS say, else 9089
    /// and 9088. It is both or none.
    pub insecure_port: u16,
    /// The desktop's port with TLS.
    pub secure_port: u16,
    /// How certificates reach the app: 1 by files, 2 over the network (with `pairing` only), 3 not at all, because they lie in
    /// the directory. Default: files, or over the network where there is a pairing.
    pub medium: u32,
    /// How many threads make callbacks, up to 1024. Default: 1, and then everything comes one after the other. With more,
    /// calls come side by side, also those of one plugin.
    pub handlers: u32,
    /// Which event goes when too many wait: 1 the newest. Default: the oldest.
    pub overflow: u32,
    /// The wait after the first failure, milliseconds; it doubles with each further one. Default: 250.
    pub backoff_first_ms: u64,
    /// The longest wait between two attempts, milliseconds. Default: 10,000.
    pub backoff_ceiling_ms: u64,
    /// How long the desktop may take to issue a certificate, milliseconds. Default: 20,000.
    pub grant_ms: u64,
    /// How long the pauses between bursts of events are at least, milliseconds. The official UI shows what comes after
    /// 200 ms of silence only: an app that always sends needs 250. Default: no pauses.
    pub event_pause_ms: u64,
    /// The largest message, bytes. Default: 64 MiB.
    pub message_bytes: usize,
    /// How many calls may wait for their answers. Default: 16,384.
    pub pending_calls: usize,
    /// How many bytes these calls may have together. Default: 128 MiB.
    pub pending_call_bytes: usize,
    /// How many plugins there may be. Default: 1,024.
    pub plugins: usize,
    /// How many events of one plugin wait for a desktop. Default: 10,000.
    pub buffered_events: usize,
    /// How many bytes these events may have together. Default: 8 MiB.
    pub buffered_event_bytes: usize,
    /// Is told of every state, step, failure and misbehaviour (`flipper_event_kind` 1 to 4), one after the other. The event
    /// is good until the callback returns, and must not be freed.
    pub on_event: Option<unsafe extern "C" fn(user: *mut c_void, event: *const FlipperEvent)>,
    /// What `on_event` gets as its `user`.
    pub user: *mut c_void,
    /// Frees `user`, when `on_event` will not be called any more.
    pub free_user: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

// SAFETY: its size comes first; the rest is texts, numbers, and pointers that may be NULL.
unsafe impl Record for FlipperAppConfig {}

/// So many threads are no help to anybody.
const MOST_HANDLERS: usize = 1024;

/// What a config says.
pub(super) struct Wanted {
    pub(super) setup: Setup,
    pub(super) options: Options,
    pub(super) observer: Arc<User>,
}

impl FlipperAppConfig {
    /// # Safety
    /// `record` is NULL or points to a record of the size that it says, with good texts and callbacks in it.
    pub(super) unsafe fn read(record: *const Self) -> Result<Wanted, FlipperResult> {
        // SAFETY: the caller's promise.
        let this = unsafe { record::read(record) }?;
        // SAFETY: the caller's promise.
        let text = |text: FlipperStr| unsafe { text.read() };
        // SAFETY: the caller's promise.
        let observer = Arc::new(unsafe { User::new(this.user, this.free_user) });

        let mut builder = Flipper::builder(text(this.app)?, text(this.app_id)?);
        for (given, set) in [
            (this.host, flipper_blocking::Builder::host as fn(_, String) -> _),
            (this.directory, flipper_blocking::Builder::directory),
            (this.os, flipper_blocking::Builder::os),
            (this.device, flipper_blocking::Builder::device),
            (this.device_id, flipper_blocking::Builder::device_id),
            (this.pairing, flipper_blocking::Builder::pairing),
        ] {
            let given = text(given)?;
            if !given.is_empty() {
                builder = set(builder, given.to_owned());
            }
        }
        builder = match (this.insecure_port, this.secure_port) {
            (0, 0) => builder,
            (0, _) | (_, 0) => return Err(FlipperResult::BadValue),
            (insecure, secure) => builder.ports(insecure, secure),
        };
        if this.medium != 0 {
            builder = builder.medium(Medium::from_number(this.medium.into()).ok_or(FlipperResult::BadValue)?);
        }
        builder = match this.overflow {
            0 => builder,
            1 => builder.overflow(Overflow::DropNewest),
            _ => return Err(FlipperResult::BadValue),
        };
        if let Some(on_event) = this.on_event {
            let user = Arc::clone(&observer);
            builder = builder.observer(move |notice| {
                if let Some(event) = event(notice) {
                    // SAFETY: whoever gave the callback promised that it may be called like this, from any thread.
                    unsafe { on_event(user.pointer(), &raw const event) };
                }
            });
        }
        let setup = builder.configure(|config| this.tune(config)).into_setup()?;
        Ok(Wanted { setup, options: this.options()?, observer })
    }

    fn options(&self) -> Result<Options, FlipperResult> {
        let mut options = Options::default();
        let handlers = usize::try_from(self.handlers).ok().filter(|handlers| *handlers <= MOST_HANDLERS);
        if let Some(handlers) = NonZeroUsize::new(handlers.ok_or(FlipperResult::BadValue)?) {
            options.handlers = handlers;
        }
        Ok(options)
    }

    fn tune(&self, config: &mut Config) {
        let set_time = |time: &mut Duration, ms: u64| {
            if ms != 0 {
                *time = Duration::from_millis(ms);
            }
        };
        set_time(&mut config.backoff.first, self.backoff_first_ms);
        set_time(&mut config.backoff.ceiling, self.backoff_ceiling_ms);
        set_time(&mut config.timing.grant, self.grant_ms);
        set_time(&mut config.event_pause, self.event_pause_ms);
        let limits = &mut config.limits;
        for (limit, given) in [
            (&mut limits.message_bytes, self.message_bytes),
            (&mut limits.pending_calls, self.pending_calls),
            (&mut limits.pending_call_bytes, self.pending_call_bytes),
            (&mut limits.plugins, self.plugins),
            (&mut limits.buffered_events, self.buffered_events),
            (&mut limits.buffered_event_bytes, self.buffered_event_bytes),
        ] {
            if given != 0 {
                *limit = given;
            }
        }
    }
}

/// A notice, as the state machine told it.
fn event(notice: &Notice) -> Option<FlipperEvent> {
    Some(FlipperEvent::of_client(match notice {
        Notice::State(state) => Event::StateChanged(state.clone()),
        Notice::Step(step) => Event::Step(step.clone()),
        Notice::Failed(failure) => Event::Failed(failure.clone()),
        Notice::PeerMisbehaved(error) => Event::PeerMisbehaved(error.clone()),
        _ => return None,
    }))
}

impl From<StartError> for FlipperResult {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NoName(_) => Self::NoName,
            StartError::BadPorts { .. } => Self::BadPorts,
            StartError::NoDirectory => Self::NoDirectory,
            StartError::BadPairing { .. } => Self::BadPairing,
            StartError::NoCertificateProvider => Self::NotPaired,
            StartError::NoRuntime(_) => Self::NoThreads,
            StartError::AlreadyStarted => Self::AlreadyStarted,
            _ => Self::Misuse,
        }
    }
}
