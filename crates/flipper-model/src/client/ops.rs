//! What can happen to a client, in any order.

use std::time::Duration;

use flipper_proto::client::{Config, MediumChoice, Os, PluginMode};
use flipper_proto::{CloseCause, Excerpt, Medium, Overflow, TlsFailure};

use crate::{Reader, Writer};

/// The plugins that operations are about.
pub const PLUGINS: [&str; 4] = ["A", "B", "C", "D"];

/// How the client is set up: small, so that its limits are met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the jitter comes from. Whether it is even decides whether there are stored credentials, and the next bit
    /// whether events go in bursts.
    pub seed: u64,
    /// Whether the newest event goes when a buffer is full.
    pub drop_newest: bool,
    /// How many events of a plugin wait.
    pub buffered_events: u8,
    /// How many bytes they may have together.
    pub buffered_bytes: u16,
    /// The medium, where it is not chosen by the client.
    pub medium: Option<Medium>,
    /// Whether the client presents its real operating system whatever the desktop says.
    pub fixed_os: bool,
    /// Whether it waits for nothing at all.
    pub hasty: bool,
}

impl Settings {
    /// The settings as a client takes them.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = Config::new("Sample", "com.example.sample");
        let os = String::from("Linux");
        config.os = if self.fixed_os { Os::Fixed(os) } else { Os::Automatic(os) };
        config.medium = self.medium.map_or(MediumChoice::Automatic, MediumChoice::Fixed);
        config.device = String::from("box");
        config.device_id = String::from("own-id");
        config.seed = self.seed;
        config.event_pause = Duration::from_millis(if self.seed & 2 == 0 { 0 } else { 250 });
        config.overflow = if self.drop_newest { Overflow::DropNewest } else { Overflow::DropOldest };
        if self.hasty {
            let (timing, backoff) = (&mut config.timing, &mut config.backoff);
            for span in [&mut timing.connect, &mut timing.grant, &mut timing.close, &mut timing.ping] {
                *span = Duration::ZERO;
            }
            (backoff.first, backoff.ceiling, backoff.stable) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        }
        config.limits.plugins = 3;
        config.limits.pending_calls = 4;
        config.limits.buffered_events = usize::from(self.buffered_events);
        config.limits.buffered_event_bytes = usize::from(self.buffered_bytes);
        config.limits.queued_answer_bytes = 400;
        config.limits.message_bytes = 300;
        config
    }
}

/// One fact or wish. Attempts, jobs and calls are chosen among those that were, or invented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// What a good driver and a good desktop do next. The plugin is initialised, or called if it is.
    Go(&'static str),
    /// The app starts the client.
    Start,
    /// The app stops it.
    Stop,
    /// The app adds a plugin.
    AddPlugin(&'static str, PluginMode),
    /// The app removes a plugin.
    RemovePlugin(&'static str),
    /// A plugin sends an event.
    Send(&'static str),
    /// A plugin answers a call, well or not.
    Respond(Pick, bool),
    /// A plugin says whether it has a method.
    Supported(Pick, bool),
    /// The app reports an error.
    Report,
    /// A socket is open.
    Opened(Pick),
    /// A text message arrives.
    Message(Pick, String),
    /// A binary message arrives.
    Binary(Pick, Vec<u8>),
    /// A sign of life arrives.
    Alive(Pick),
    /// A socket takes so many bytes.
    Writable(Pick, usize),
    /// A socket ends.
    Closed(Pick, CloseCause),
    /// A job ends.
    JobDone(Pick, Outcome),
    /// Time passes, and nobody looks at the timers.
    Wait(Duration),
    /// Time passes, and then the driver looks at the timers.
    Timeout(Duration),
    /// The driver looks at the timers exactly when it should.
    Due,
}

/// One of the attempts, jobs or calls that there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The latest.
    Latest,
    /// The one at this place, counted round and round.
    Any(u16),
    /// The one at this place, or none.
    Exactly(u16),
    /// One that never was.
    Invented,
}

impl Pick {
    /// Picks.
    pub fn of<T: Copy>(self, from: &[T]) -> Option<T> {
        match self {
            Self::Latest => from.last().copied(),
            Self::Any(at) if !from.is_empty() => Some(from[usize::from(at) % from.len()]),
            Self::Exactly(at) => from.get(usize::from(at)).copied(),
            Self::Any(_) | Self::Invented => None,
        }
    }
}

/// How a job ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should; credentials came by this medium, and are valid for so many days.
    Fitting {
        /// The medium.
        medium: Medium,
        /// The days.
        valid_days: u16,
    },
    /// With the outcome of another job; which one is counted round and round.
    Unfit(u8),
    /// Not at all.
    Failed,
}

/// How many unfit outcomes there are.
pub const UNFIT: u8 = 4;

/// Reads settings and operations from bytes, whatever they are.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<(Settings, Vec<Op>)> {
    let mut from = Reader::new(bytes);
    let settings = read_settings(&mut from)?;
    Some((settings, std::iter::from_fn(|| read_op(&mut from)).collect()))
}

/// Writes bytes that are read as these operations, as far as their messages are not longer than 65,535 bytes.
#[must_use]
pub fn write(settings: &Settings, ops: &[Op]) -> Vec<u8> {
    let mut to = Writer::default();
    write_settings(&mut to, settings);
    ops.iter().for_each(|op| write_op(&mut to, op));
    to.into_bytes()
}

fn read_settings(from: &mut Reader<'_>) -> Option<Settings> {
    let flags = from.byte()?;
    let medium = Medium::from_number(u64::from(flags >> 2 & 3));
    Some(Settings {
        seed: from.long()?,
        drop_newest: flags & 1 == 1,
        buffered_events: from.byte()?,
        buffered_bytes: from.short()?,
        medium,
        fixed_os: flags & 2 == 2,
        hasty: flags & 0x30 == 0x30,
    })
}

fn write_settings(to: &mut Writer, settings: &Settings) {
    let medium = settings.medium.map_or(0, Medium::number);
    let hasty = if settings.hasty { 0x30 } else { 0 };
    to.byte(u8::from(settings.drop_newest) | u8::from(settings.fixed_os) << 1 | medium << 2 | hasty);
    to.long(settings.seed);
    to.byte(settings.buffered_events);
    to.short(settings.buffered_bytes);
}

fn read_op(from: &mut Reader<'_>) -> Option<Op> {
    Some(match from.byte()? % 20 {
        0 | 19 => Op::Go(read_plugin(from)?),
        1 => Op::Start,
        2 => Op::Stop,
        3 => Op::AddPlugin(
            read_plugin(from)?,
            if read_flag(from)? { PluginMode::Background } else { PluginMode::Foreground },
        ),
        4 => Op::RemovePlugin(read_plugin(from)?),
        5 => Op::Send(read_plugin(from)?),
        6 => Op::Respond(read_pick(from)?, read_flag(from)?),
        7 => Op::Supported(read_pick(from)?, read_flag(from)?),
        8 => Op::Report,
        9 => Op::Opened(read_pick(from)?),
        10 => Op::Message(read_pick(from)?, from.text()?),
        11 => Op::Binary(read_pick(from)?, from.bytes()?.to_vec()),
        12 => Op::Alive(read_pick(from)?),
        13 => Op::Writable(read_pick(from)?, read_room(from)?),
        14 => Op::Closed(read_pick(from)?, read_cause(from)?),
        15 => Op::JobDone(read_pick(from)?, read_outcome(from)?),
        16 => Op::Wait(from.span()?),
        17 => Op::Timeout(from.span()?),
        _ => Op::Due,
    })
}

fn write_op(to: &mut Writer, op: &Op) {
    let number = match op {
        Op::Go(_) => 0,
        Op::Start => 1,
        Op::Stop => 2,
        Op::AddPlugin(..) => 3,
        Op::RemovePlugin(_) => 4,
        Op::Send(_) => 5,
        Op::Respond(..) => 6,
        Op::Supported(..) => 7,
        Op::Report => 8,
        Op::Opened(_) => 9,
        Op::Message(..) => 10,
        Op::Binary(..) => 11,
        Op::Alive(_) => 12,
        Op::Writable(..) => 13,
        Op::Closed(..) => 14,
        Op::JobDone(..) => 15,
        Op::Wait(_) => 16,
        Op::Timeout(_) => 17,
        Op::Due => 18,
    };
    to.byte(number);
    match op {
        Op::Start | Op::Stop | Op::Report | Op::Due => {}
        Op::Go(plugin) | Op::RemovePlugin(plugin) | Op::Send(plugin) => write_plugin(to, plugin),
        Op::AddPlugin(plugin, mode) => {
            write_plugin(to, plugin);
            to.byte(u8::from(*mode == PluginMode::Background));
        }
        Op::Respond(call, flag) | Op::Supported(call, flag) => {
            write_pick(to, *call);
            to.byte(u8::from(*flag));
        }
        Op::Opened(attempt) | Op::Alive(attempt) => write_pick(to, *attempt),
        Op::Message(attempt, text) => {
            write_pick(to, *attempt);
            to.bytes(text.as_bytes());
        }
        Op::Binary(attempt, bytes) => {
            write_pick(to, *attempt);
            to.bytes(bytes);
        }
        Op::Writable(attempt, room) => {
            write_pick(to, *attempt);
            to.short(u16::try_from(*room).unwrap_or(u16::MAX));
        }
        Op::Closed(attempt, cause) => {
            write_pick(to, *attempt);
            write_cause(to, cause);
        }
        Op::JobDone(job, outcome) => {
            write_pick(to, *job);
            write_outcome(to, outcome);
        }
        Op::Wait(span) | Op::Timeout(span) => to.span(*span),
    }
}

fn read_flag(from: &mut Reader<'_>) -> Option<bool> {
    from.byte().map(|byte| byte % 2 == 1)
}

fn read_plugin(from: &mut Reader<'_>) -> Option<&'static str> {
    from.byte().map(|byte| PLUGINS[usize::from(byte) % PLUGINS.len()])
}

fn write_plugin(to: &mut Writer, plugin: &str) {
    let at = PLUGINS.iter().position(|known| *known == plugin).and_then(|at| u8::try_from(at).ok());
    to.byte(at.unwrap_or(0));
}

fn read_pick(from: &mut Reader<'_>) -> Option<Pick> {
    Some(match from.byte()? {
        0..=199 => Pick::Latest,
        200..=219 => Pick::Any(from.short()?),
        220..=247 => Pick::Exactly(from.short()?),
        248.. => Pick::Invented,
    })
}

fn write_pick(to: &mut Writer, pick: Pick) {
    match pick {
        Pick::Latest => to.byte(0),
        Pick::Any(at) => {
            to.byte(200);
            to.short(at);
        }
        Pick::Exactly(at) => {
            to.byte(220);
            to.short(at);
        }
        Pick::Invented => to.byte(248),
    }
}

/// The largest number stands for no bound at all.
fn read_room(from: &mut Reader<'_>) -> Option<usize> {
    from.short().map(|room| if room == u16::MAX { usize::MAX } else { usize::from(room) })
}

/// Every cause but a close code, which follows them.
fn causes() -> [CloseCause; 17] {
    let why = || Excerpt::new("why");
    [
        CloseCause::Refused,
        CloseCause::Unreachable(why()),
        CloseCause::Timeout,
        CloseCause::Tls(TlsFailure::UnknownCa),
        CloseCause::Tls(TlsFailure::Expired),
        CloseCause::Tls(TlsFailure::NotYetValid),
        CloseCause::Tls(TlsFailure::BadCertificate(why())),
        CloseCause::Tls(TlsFailure::PeerRefused(why())),
        CloseCause::Tls(TlsFailure::Handshake(why())),
        CloseCause::DroppedBeforeUpgrade,
        CloseCause::Http(401),
        CloseCause::BadUpgrade(why()),
        CloseCause::TooLarge { size: 2, max: 1 },
        CloseCause::WebSocket(why()),
        CloseCause::Eof,
        CloseCause::Reset,
        CloseCause::Local,
    ]
}

fn read_cause(from: &mut Reader<'_>) -> Option<CloseCause> {
    let causes = causes();
    match causes.get(usize::from(from.byte()?) % (causes.len() + 1)) {
        Some(cause) => Some(cause.clone()),
        None => Some(CloseCause::Code { code: from.short()?, reason: Excerpt::new("why") }),
    }
}

fn write_cause(to: &mut Writer, cause: &CloseCause) {
    let causes = causes();
    let at = causes.iter().position(|known| known == cause).unwrap_or(causes.len());
    to.byte(u8::try_from(at).unwrap_or(0));
    if at == causes.len() {
        to.short(if let CloseCause::Code { code, .. } = cause { *code } else { 1000 });
    }
}

fn read_outcome(from: &mut Reader<'_>) -> Option<Outcome> {
    Some(match from.byte()? {
        kind @ 0..=199 => {
            let medium = [Medium::FsAccess, Medium::FsAccess, Medium::Www, Medium::None][usize::from(kind % 4)];
            Outcome::Fitting { medium, valid_days: from.short()? }
        }
        200..=219 => Outcome::Unfit(from.byte()? % UNFIT),
        220.. => Outcome::Failed,
    })
}

fn write_outcome(to: &mut Writer, outcome: &Outcome) {
    match outcome {
        Outcome::Fitting { medium, valid_days } => {
            to.byte(match medium {
                Medium::FsAccess => 0,
                Medium::Www => 2,
                Medium::None => 3,
            });
            to.short(*valid_days);
        }
        Outcome::Unfit(which) => {
            to.byte(200);
            to.byte(*which);
        }
        Outcome::Failed => to.byte(220),
    }
}
