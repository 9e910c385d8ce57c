//! The Flipper protocol as pure state machines.
//!
//! Flipper lets a desktop look into a running app. [`client::Client`] is the app's side and [`desktop::Desktop`] the
//! desktop's. Both are plain structs without IO: they open no socket, read no clock, start no thread, draw no random
//! number, and call nobody back. The crate needs `alloc` and no `std`. Whatever drives a machine, be it an async runtime,
//! a thread or a C program, tells it facts and carries out its decisions; the same facts lead to the same decisions.
//!
//! This page is the contract between [`client::Client`] and its driver. The desktop's side works the same way.
//!
//! # Facts, wishes, decisions
//!
//! - **Facts** are the driver's: the `handle_…` methods. They never fail. A peer that misbehaves becomes an event.
//! - **Wishes** are the app's: `start`, `stop`, `add_plugin`, `send`, `respond` and so on. Where a wish can be a mistake
//!   of the program, it returns [`ApiMisuse`], and nothing else.
//! - **Decisions** are the machine's, and wait until they are polled:
//!
//! | ask | until | after |
//! | --- | --- | --- |
//! | [`poll_action`](client::Client::poll_action) | it says `None` | every fact and every wish |
//! | [`poll_event`](client::Client::poll_event) | it says `None` | `poll_action`, and again after the same calls |
//! | [`poll_timeout`](client::Client::poll_timeout) | once; it changes nothing | both, before waiting |
//!
//! > Several facts and wishes may come before the next poll: decisions queue up and lose nothing. What must not happen is
//! > to wait without having polled.
//!
//! # The states of a client
//!
//! ```text
//! Stopped ─start─▶ Preparing ───── credentials ────▶ Connecting ─opened─▶ Connected
//!                     │                               ▲  ▲  │               │
//!                    none                             │  │ failed         ended
//!                     ▼                               │  │  ▼               │
//!                 Exchanging ─certificate─▶ Closing ──┘  └─ Waiting ◀───────┘
//!                  ▲      │                                  ▲   │
//!                  │      └───────── no certificate ─────────┘   │
//!                  └──────────── an exchange is needed ──────────┘
//! ```
//!
//! [`client::State`] tells where a client is, and [`client::Event::StateChanged`] when that changes. Not in the picture:
//!
//! - `stop` leads to `Stopped` from everywhere; from `Connected` by way of `Closing`, so that what is queued is sent.
//!   After that, `start` goes straight on with the credentials that are known.
//! - `Exchanging` is all of an exchange: the plain socket; the key, which is made once somebody is there to be asked; the
//!   request, the grant, and the files.
//! - A client that closes a socket stays in `Closing` until that has ended, for [`client::Timing::close`] at most, and
//!   opens no new one before. What never opened, and an exchange that is stopped, is dropped at once (`Abort`).
//! - A desktop that refuses the app's operating system with close code 1011 is asked again at once, as another one, if
//!   the app left that open ([`client::Os::Automatic`]).
//! - `Connected` has a shade: a desktop that leaves pings unanswered is `unresponsive`, and the session goes on. People
//!   stop programs at breakpoints; only after [`client::Timing::unresponsive`] is the session given up.
//!
//! # Time
//!
//! [`Instant`] counts milliseconds since an origin that the driver chooses. Every method that can depend on time takes
//! `now`, last. After `handle_timeout(now)`, the next timer lies after `now`, so that a loop that waits for it never
//! spins. Calling `handle_timeout` too early does nothing; too late, no harm. Calendar time exists only where the wire
//! carries it: [`WallTime`], in [`client::Prepared`].
//!
//! # Ids, and facts about what is over
//!
//! Every attempt to connect, every job and every call has an id of a type of its own, never used twice by one machine. A
//! fact carries the id of what it is about. If that is over, the fact is ignored: a driver need not take back what is
//! already on its way. [`client::Counters::stale_facts`] counts what was ignored, as far as it would have changed
//! anything. An answer to a call whose session has ended is [`ApiMisuse::UnknownCall`], and as harmless.
//!
//! # Jobs
//!
//! Work that is neither bytes nor time is a [`client::Job`]: to load credentials, make a key, store certificates, delete
//! what nobody needs. Every job is answered with `handle_job_done` exactly once, at any time, also after `stop`. Jobs may
//! be carried out side by side: the client gives none that touches what another one still works on. Secrets never pass
//! through the machine; it knows credentials by their [`Generation`].
//!
//! # Backpressure
//!
//! `handle_writable` tells how many bytes the socket takes now; `Send` is given as long as that is not used up, and the
//! last one may go beyond it. A socket that has just opened takes one message before it has told its room. Answers go
//! before events, and the plugins' events take turns.
//!
//! Events wait in a buffer of their plugin, before the desktop has initialised it and while the desktop does not read.
//! The buffer is bounded in number and bytes; which event goes is [`Overflow`], and how many went is told to the desktop
//! when it reads again. Whatever a peer or an app can make grow has a bound in [`Limits`].
//!
//! Where [`client::Config::event_pause`] is set, events go in bursts with pauses between them, for a user interface that
//! shows nothing before there is one. `handle_writable` should come in every turn then, since it also tells the time.
//!
//! # Errors
//!
//! - [`ProtocolError`]: what the peer sent wrong. An event and a counter; it never ends a session.
//! - [`CloseCause`]: why a socket ended, as the driver found it. It decides what comes next: whether credentials are
//!   doubted, for example.
//! - [`client::Failure`]: why the client is not connected, in words that say what to do. The client goes on by itself.
//! - [`ApiMisuse`]: what the caller did wrong. Reading the code is enough to fix it; no peer can cause it.
//!
//! None of them holds more of a peer's text than [`Excerpt`]s.
//!
//! # The run loop
//!
//! 1. If a timer is due, call `handle_timeout`.
//! 2. Tell which jobs are done: `handle_job_done`.
//! 3. Tell what the socket brought: `handle_opened`, `handle_message`, `handle_binary`, `handle_alive`, `handle_closed`.
//! 4. Tell how much the socket takes: `handle_writable`.
//! 5. Carry out every action.
//! 6. Deliver every event. If the app wished for something in return, go back to 5.
//! 7. Wait for the socket, a job, a wish of the app, or the next timer.
//!
//! The loop for a client with one plugin, which echoes what it gets. The socket and the desktop at its other end are a
//! script; a driver has TCP, TLS and WebSocket there.
//!
//! ```
//! use std::collections::VecDeque;
//!
//! use flipper_proto::client::{
//!     Action, Client, Config, Credentials, Event, Job, JobOutcome, PluginMode, Reply, State, Trust,
//! };
//! use flipper_proto::{ApiMisuse, AttemptId, CloseCause, Excerpt, Generation, Instant, JobId, Medium, Payload};
//!
//! struct Socket {
//!     attempt: AttemptId,
//!     is_new: bool,
//!     incoming: VecDeque<&'static str>,
//!     /// The code that it was closed with.
//!     closed: Option<u16>,
//! }
//!
//! /// What a driver does for a job, on a thread that may block.
//! fn work(kind: Job) -> JobOutcome {
//!     match kind {
//!         Job::Load => {
//!             let credentials = Credentials {
//!                 generation: Generation::from_u64(1),
//!                 device_id: String::new(),
//!                 medium: Medium::FsAccess,
//!                 os: None,
//!                 csr: String::from("-----BEGIN CERTIFICATE REQUEST-----"),
//!                 csr_path: String::from("/home/me/.flipper/apps/sample/1/"),
//!                 valid_until: Instant::from_millis(u64::MAX),
//!             };
//!             JobOutcome::Loaded { credentials: Some(credentials), problem: None }
//!         }
//!         other => unimplemented!("this example has credentials already: {other:?}"),
//!     }
//! }
//!
//! let mut client = Client::new(Config::new("Sample", "com.example.sample"));
//! client.add_plugin("Echo", PluginMode::Background)?;
//! let mut now = Instant::ZERO;
//! client.start(now);
//!
//! let mut socket: Option<Socket> = None;
//! let mut done: Vec<(JobId, JobOutcome)> = Vec::new();
//! let mut sent: Vec<String> = Vec::new();
//! loop {
//!     // 1. A timer is due.
//!     if client.poll_timeout().is_some_and(|(at, _)| at <= now) {
//!         client.handle_timeout(now);
//!     }
//!     // 2. Jobs are done.
//!     for (job, outcome) in done.drain(..) {
//!         client.handle_job_done(job, outcome, now);
//!     }
//!     // 3. The socket brought something.
//!     if let Some(open) = &mut socket {
//!         if std::mem::take(&mut open.is_new) {
//!             client.handle_opened(open.attempt, now);
//!         }
//!         for text in open.incoming.drain(..) {
//!             client.handle_message(open.attempt, text, now);
//!         }
//!         if let Some(code) = open.closed {
//!             client.handle_closed(open.attempt, CloseCause::Code { code, reason: Excerpt::default() }, now);
//!             socket = None;
//!         }
//!     }
//!     // 4. The socket takes this much.
//!     if let Some(open) = &socket {
//!         client.handle_writable(open.attempt, 64 * 1024, now);
//!     }
//!     loop {
//!         // 5. What the client decided.
//!         while let Some(action) = client.poll_action() {
//!             match action {
//!                 Action::Connect { attempt, endpoint, trust } => {
//!                     assert_eq!((endpoint.port, trust), (9088, Trust::Mutual(Generation::from_u64(1))));
//!                     let incoming = VecDeque::from([
//!                         r#"{"method":"init","params":{"plugin":"Echo"}}"#,
//!                         r#"{"id":1,"method":"execute","params":{"api":"Echo","method":"echo","params":[1.10]}}"#,
//!                     ]);
//!                     socket = Some(Socket { attempt, is_new: true, incoming, closed: None });
//!                 }
//!                 Action::Send { text, .. } => sent.push(text),
//!                 Action::Ping { .. } => {}
//!                 Action::Close { code, .. } => {
//!                     if let Some(open) = &mut socket {
//!                         open.closed = Some(code.as_u16());
//!                     }
//!                 }
//!                 Action::Abort { .. } => socket = None,
//!                 Action::Job { job, kind } => done.push((job, work(kind))),
//!                 other => unimplemented!("{other:?}"),
//!             }
//!         }
//!         // 6. What the client tells.
//!         let Some(event) = client.poll_event() else { break };
//!         match event {
//!             Event::Call { call, params, .. } => {
//!                 let echo = params.unwrap_or_else(Payload::empty_object);
//!                 client.respond(call, &Reply::Success(echo))?;
//!             }
//!             Event::MethodQuery { call, method, .. } => client.respond_supported(call, &*method == "echo")?,
//!             Event::Failed(failure) => eprintln!("{failure}"),
//!             _ => {}
//!         }
//!     }
//!     // 7. Wait. Nothing is read from the script before the next round, and its time passes as it likes.
//!     if client.state() == State::Stopped {
//!         break;
//!     }
//!     if !sent.is_empty() {
//!         client.stop(now);
//!     }
//!     now = now + std::time::Duration::from_millis(1);
//! }
//! assert_eq!(sent, [r#"{"id":1,"success":[1.10]}"#]);
//! # Ok::<(), ApiMisuse>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

pub mod client;
pub mod desktop;

mod close;
mod error;
mod identity;
mod ids;
mod limits;
mod pairing;
mod query;
mod text;
mod time;
mod wire;

pub use self::close::{CloseCause, CloseCode, TlsFailure};
pub use self::error::{ApiMisuse, ErrorReport, Excerpt, ProtocolError};
pub use self::identity::{ClientId, PluginId};
pub use self::ids::{AttemptId, CallId, ConnId, ExchangeId, Generation, JobId, MessageId, RequestId};
pub use self::limits::{Limits, Overflow};
pub use self::pairing::{Bundle, PairingProof};
pub use self::query::{Medium, Query, QueryError, SDK_VERSION};
pub use self::text::{Payload, Text};
pub use self::time::{Instant, WallTime};
