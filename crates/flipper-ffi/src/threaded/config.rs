//! What an app says before it starts.

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::sync::Arc;

use flipper_blocking::{Flipper, Notice, Options, Setup, StartError};
use flipper_proto::client::{Config, Event};

use super::user::User;
use crate::client::{self, FlipperMedium};
use crate::event::FlipperEvent;
use crate::pointer::FlipperStr;
use crate::record::{self, Record, set_limit, set_span};
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
    /// How long the first wait after a failure is; each further one is twice as long. Default: 250 ms.
    pub backoff_first_ms: u64,
    /// How long a wait is at most. Default: 10 s.
    pub backoff_ceiling_ms: u64,
    /// How long the desktop may take to answer the certificate request. Default: 20 s.
    pub grant_ms: u64,
    /// How long the pauses between bursts of events are at least. Default: there are none. The official UI shows nothing of
    /// an app that is never silent for 250 ms.
    pub event_pause_ms: u64,
    /// The largest message in bytes, in and out. Default: 64 MiB.
    pub message_bytes: u64,
    /// How many bytes the calls of the desktop that wait for their answers may have together. Default: 128 MiB.
    pub pending_call_bytes: u64,
    /// How many bytes the events of one plugin that wait may have together. Default: 8 MiB.
    pub buffered_event_bytes: u64,
    /// How many calls of the desktop may wait for their answers. Default: 16,384.
    pub pending_calls: u32,
    /// How many events of one plugin wait for a desktop that wants them. Default: 10,000.
    pub buffered_events: u32,
    /// How many plugins there may be. Default: 1,024.
    pub plugins: u32,
    /// A `flipper_overflow`. Default: the oldest event goes.
    pub overflow: u32,
    /// A `flipper_medium`. Default: FS_ACCESS, or WWW where there is a pairing, without which there is no WWW.
    pub medium: u32,
    /// How many threads make callbacks, up to 1,024. Default: 1, and then everything comes one after the other. With more,
    /// calls come side by side, also those of one plugin.
    pub handlers: u32,
    /// The desktop's port for certificate exchanges. Both ports are given, or none; then they are what the variables
    /// FLIPPER_ALT_PORTS or FLIPPER_PORTS say, else 9089 and 9088.
    pub insecure_port: u16,
    /// The desktop's port for sessions.
    pub secure_port: u16,
    /// Is told, one after the other, of every state, step, failure and misbehaviour: `flipper_event_kind`s 1 to 4. The event
    /// is good until the callback returns, and is not to be freed.
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
        if this.medium != FlipperMedium::Automatic as u32 {
            builder = builder.medium(client::medium(this.medium)?);
        }
        builder = builder.overflow(client::overflow(this.overflow)?);
        if let Some(on_event) = this.on_event {
            let user = Arc::clone(&observer);
            builder = builder.observer(move |notice| {
                if let Some(event) = event(notice) {
                    // SAFETY: whoever gave the callback promised that it may be called like this, from any thread.
                    unsafe { on_event(user.pointer(), &raw const event) };
                }
            });
        }
        let mut setup = builder.into_setup()?;
        this.tune(&mut setup.config)?;
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

    fn tune(&self, config: &mut Config) -> Result<(), FlipperResult> {
        set_span(&mut config.backoff.first, self.backoff_first_ms);
        set_span(&mut config.backoff.ceiling, self.backoff_ceiling_ms);
        set_span(&mut config.timing.grant, self.grant_ms);
        set_span(&mut config.event_pause, self.event_pause_ms);
        let limits = &mut config.limits;
        set_limit(&mut limits.message_bytes, self.message_bytes)?;
        set_limit(&mut limits.pending_call_bytes, self.pending_call_bytes)?;
        set_limit(&mut limits.buffered_event_bytes, self.buffered_event_bytes)?;
        set_limit(&mut limits.pending_calls, self.pending_calls.into())?;
        set_limit(&mut limits.buffered_events, self.buffered_events.into())?;
        set_limit(&mut limits.plugins, self.plugins.into())
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
