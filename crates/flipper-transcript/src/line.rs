//! What lines say.

use std::time::Duration;

/// A line with its number, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the line.
    pub number: usize,
    /// What it says.
    pub line: Line,
}

/// A line. The crate's documentation shows how each is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A blank line.
    Blank,
    /// `# …`
    Comment(String),
    /// A line that sets something up.
    Setup(Setup),
    /// `app> …`, `desk> …`
    Message {
        /// Who sends.
        from: Side,
        /// What.
        frame: Frame,
    },
    /// `@connect …`
    Connect {
        /// To which port.
        port: Port,
        /// Parts of the query: expected of an app, presented to a desktop.
        query: Vec<(String, String)>,
    },
    /// `@opened`
    Opened,
    /// `@close …`
    Close {
        /// The close code.
        code: u16,
        /// The reason; may be empty.
        reason: String,
    },
    /// `@leave …`
    Leave {
        /// The close code.
        code: u16,
    },
    /// `@ended`
    Ended,
    /// `@abort`
    Abort,
    /// `@lost …`
    Lost(Loss),
    /// `@ping`
    Ping,
    /// `@pong`
    Pong,
    /// `@room …`
    Room(usize),
    /// `@socket …`
    Socket(usize),
    /// `@advance …`
    Advance(Duration),
    /// `@advance to …`
    AdvanceTo(Timer),
    /// `@job …`
    Job {
        /// Which work.
        kind: JobKind,
        /// How it ends.
        outcome: JobOutcome,
    },
    /// `app< …`
    AppWish {
        /// What the app wishes for.
        wish: AppWish,
        /// Whether that must be refused.
        refused: bool,
    },
    /// `app! …`
    AppNews(AppNews),
    /// `desk< …`
    DeskWish {
        /// What the program around the desktop wishes for.
        wish: DeskWish,
        /// Whether that must be refused.
        refused: bool,
    },
    /// `desk! …`
    DeskNews(DeskNews),
}

/// One end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The app.
    App,
    /// The desktop.
    Desktop,
}

/// What a file is a test of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// Of the app.
    App,
    /// Of the desktop.
    Desktop,
    /// Of each of them, one at a time.
    Both,
}

impl Tests {
    /// Whether it is a test of this side.
    #[must_use]
    pub fn includes(self, side: Side) -> bool {
        match self {
            Self::App => side == Side::App,
            Self::Desktop => side == Side::Desktop,
            Self::Both => true,
        }
    }
}

/// A line that sets something up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setup {
    /// `@tests …`
    Tests(Tests),
    /// `@plugins …`
    Plugins(Vec<Plugin>),
    /// `@credentials …`
    Credentials(Option<Credentials>),
    /// `@set …`
    Set(Key, String),
}

/// A plugin of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// Its id.
    pub id: String,
    /// Whether it is to be initialised as soon as the app connects.
    pub background: bool,
}

/// Credentials that lie in the app's directory, of generation 7. What is not given is as the official desktop has it on
/// the app's own machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The device id that the desktop answered.
    pub device_id: Option<String>,
    /// The medium that they came by.
    pub medium: Option<u8>,
    /// The operating system that was presented, where it was not the real one.
    pub os: Option<String>,
    /// In how many days they expire.
    pub days: Option<u32>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A binary message that holds text.
    Binary(String),
    /// A binary message that holds these bytes.
    Bytes(Vec<u8>),
}

/// How a plugin ended a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `success JSON`
    Success(String),
    /// `error JSON`
    Error(String),
    /// `neither`: the answer holds neither a result nor an error.
    Neither,
    /// `invalid`: the answer cannot be understood.
    Invalid,
    /// `timeout`
    Timeout,
    /// `disconnected`
    Disconnected,
}

/// What an app wishes for. Calls are counted from 1, in the order in which the app was told of them; questions whether a
/// method is supported count as calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppWish {
    /// `start`
    Start,
    /// `stop`
    Stop,
    /// `add A`, `add A/foreground`
    Add(Plugin),
    /// `remove A`
    Remove(String),
    /// `send A method JSON`: an event; without JSON, one without params.
    Send(String, String, Option<String>),
    /// `respond N JSON`: the result of a call.
    Respond(usize, String),
    /// `error N JSON`: the error of a call.
    Error(usize, String),
    /// `fail N TEXT`: the error of a call that has only a message.
    Fail(usize, String),
    /// `supported N true`
    Supported(usize, bool),
    /// `report TEXT`: an error outside any call.
    Report(String),
}

/// What an app is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppNews {
    /// `connected A`
    Connected(String),
    /// `disconnected A`
    Disconnected(String),
    /// `call A method JSON`
    Call(String, String, Option<String>),
    /// `tell A method JSON`: a call whose answer nobody waits for.
    Tell(String, String, Option<String>),
    /// `supports A method`: whether the plugin has the method.
    Supports(String, String),
    /// `state TEXT`: the state, as it is shown to people.
    State(String),
    /// `step TEXT`: what is shown to people holds this.
    Step(String),
    /// `failed TEXT`: what is shown to people holds this.
    Failed(String),
    /// `misbehaved TEXT`: what is shown to people holds this.
    Misbehaved(String),
}

/// What the program around a desktop wishes for. Wishes about a client are about the one of the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskWish {
    /// `init A`
    Init(String),
    /// `deinit A`
    Deinit(String),
    /// `call A method JSON`
    Call(String, String, Option<String>),
    /// `supports A method`
    Supports(String, String),
    /// `notify A method JSON`: a call whose answer nobody waits for.
    Notify(String, String, Option<String>),
    /// `disconnect CODE`
    Disconnect(u16),
    /// `grant D`: issues the certificate that was asked for last, for this device id; without one, for the own machine.
    Grant(String),
    /// `refuse TEXT`: refuses the certificate that was asked for last.
    Refuse(String),
    /// `stop`
    Stop,
}

/// What the program around a desktop is told. Requests are counted from 1, in the order in which they were wished for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskNews {
    /// `connected ID`
    Connected(String),
    /// `gone TEXT`: a client is gone; what is shown to people holds this.
    Gone(String),
    /// `unresponsive`
    Unresponsive,
    /// `responsive`
    Responsive,
    /// `plugins A B/foreground`
    Plugins(Vec<Plugin>),
    /// `event A method JSON`
    Event(String, String, Option<String>),
    /// `reply N …`
    Reply(usize, Reply),
    /// `error JSON`: a client reports an error outside any call.
    Error(String),
    /// `misbehaved TEXT`: what is shown to people holds this.
    Misbehaved(String),
    /// `refused TEXT`: a connection was; what is shown to people holds this.
    Refused(String),
    /// `asked DIRECTORY`: a client asks for a certificate, to be delivered there.
    Asked(String),
    /// `acknowledged ok`, `acknowledged failed`
    Acknowledged(bool),
}

/// Spans of time are written with one unit.
pub(crate) const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A set of words that each stand for one thing.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] $(#[$variant_doc])* $variant,)*
        }

        impl $name {
            pub(crate) const WHAT: &'static str = $what;
            pub(crate) const WORDS: &'static [&'static str] = &[$($word),*];

            pub(crate) fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The word in a transcript.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// A port of the desktop.
    Port, "port",
    Exchange = "exchange",
    Session = "session",
    Browser = "browser",
}

words! {
    /// A setting of `@set`.
    Key, "setting",
    /// The app's operating system.
    Os = "os",
    /// The operating system that the app presents whatever the desktop says.
    FixedOs = "fixed-os",
    /// The app's medium: `1`, `2` or `3`.
    Medium = "medium",
    /// The largest message of a session, in bytes.
    MessageBytes = "message-bytes",
    /// How many calls may wait for their answers.
    PendingCalls = "pending-calls",
    /// How many plugins there may be.
    Plugins = "plugins",
    /// How many events of a plugin wait.
    BufferedEvents = "buffered-events",
    /// How many bytes of answers wait.
    QueuedBytes = "queued-bytes",
    /// Which event goes when the buffer is full: `oldest` or `newest`.
    Drop = "drop",
}

words! {
    /// A timer.
    Timer, "timer",
    Retry = "retry",
    Connect = "connect",
    Grant = "grant",
    Close = "close",
    Ping = "ping",
    Stable = "stable",
    Events = "events",
    ExchangeIdle = "exchange-idle",
    Registration = "registration",
    Request = "request",
}

words! {
    /// Work of the app's driver.
    JobKind, "job",
    /// To read the stored credentials.
    Load = "load",
    /// To make a key and a certificate request.
    Prepare = "prepare",
    /// To fetch certificates that came another way.
    Fetch = "fetch",
    /// To check and store what the desktop granted.
    Store = "store",
    /// To put credentials in use.
    Promote = "promote",
    /// To delete credentials that are of no use.
    Discard = "discard",
    /// To delete older credentials.
    Prune = "prune",
}

/// How a job ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// `done`
    Done,
    /// `failed TEXT`
    Failed(String),
}

/// Why a socket ended, or never opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// One that has a word of its own.
    Word(LossWord),
    /// `http STATUS`: the upgrade was answered with this status.
    Http(u16),
}

words! {
    /// Why a socket ended, or never opened.
    LossWord, "cause",
    Refused = "refused",
    Unreachable = "unreachable",
    Timeout = "timeout",
    TlsUnknownCa = "tls-unknown-ca",
    TlsExpired = "tls-expired",
    TlsNotYetValid = "tls-not-yet-valid",
    TlsPeerRefused = "tls-peer-refused",
    TlsHandshake = "tls-handshake",
    /// The connection ended after TLS and before the upgrade was answered.
    Dropped = "dropped",
    /// The upgrade was answered with no WebSocket handshake.
    NotWebSocket = "not-websocket",
    Eof = "eof",
    Reset = "reset",
}
