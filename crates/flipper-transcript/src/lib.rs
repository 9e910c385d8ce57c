//! Conversations of Flipper apps and desktops, as readable text files.
//!
//! One file serves the tests of the state machines, tests over real sockets, a C program and the fuzzers' seeds. Each
//! shows one thing, and is named after it:
//!
//! ```text
//! # A call is answered with its id.
//! @tests app
//! @plugins Echo
//! @credentials stored
//!
//! app< start
//! @connect session
//! @opened
//! desk> {"method":"init","params":{"plugin":"Echo"}}
//! app! connected Echo
//! desk> {"id":1,"method":"execute","params":{"api":"Echo","method":"echo","params":[1.10]}}
//! app! call Echo echo [1.10]
//! app< respond 1 [1.10]
//! app> {"id":1,"success":[1.10]}
//! ```
//!
//! # Lines
//!
//! A line is blank, a comment (`#`), or one of these. Names of plugins and methods have no spaces; JSON is the rest of the
//! line. In what is expected, the JSON string `"…"` stands for any value.
//!
//! Set-up, before anything else:
//!
//! | line | meaning |
//! | --- | --- |
//! | `@tests app`, `desktop`, `both` | which side the file is a test of; the other one is played by whoever reads the file |
//! | `@plugins A B/foreground` | the app's plugins; background plugins unless they say otherwise |
//! | `@credentials none`, `stored` | what lies in the app's directory; `stored device_id=D medium=2 os=MacOS days=30`, all optional |
//! | `@set KEY VALUE` | another setting; [`Key`] lists them |
//!
//! What goes over the wire. Where two are connected at once, these lines are about the latest, or about the one that
//! `@socket N` names, counted from 1:
//!
//! | line | meaning |
//! | --- | --- |
//! | `app> JSON`, `desk> JSON` | the app, or the desktop, sends this text message, which need not be JSON |
//! | `app>binary JSON`, `desk>binary JSON` | the same as a binary message |
//! | `app>bytes HEX`, `desk>bytes HEX` | a binary message that is no text |
//! | `@connect exchange`, `session`, `browser` | the app opens a socket to that port; `key=value` pairs of its query may follow, expected of an app and presented to a desktop. For a desktop alone there are `host=…` and `origin=…`, the headers; `cert=APP:DEVICE`, what the certificate is bound to; and `without=KEY`, which leaves a key out |
//! | `@opened` | the desktop accepts it |
//! | `@close CODE REASON` | the desktop closes |
//! | `@leave CODE` | the app closes |
//! | `@ended` | the socket that was closed has ended |
//! | `@abort` | the side under test drops the socket |
//! | `@lost CAUSE` | it ends otherwise, or never opens; [`Loss`] lists the causes |
//! | `@ping`, `@pong` | the side under test pings; the other one gives a sign of life |
//! | `@room BYTES` | the socket takes so much more; without a line it takes everything |
//!
//! Time and disk:
//!
//! | line | meaning |
//! | --- | --- |
//! | `@advance 3s`, `250ms`, `2m`, `5h`, `30d` | time passes |
//! | `@advance to TIMER` | time passes until this timer is due: `retry`, `connect`, `grant`, `close`, `ping`, `stable`, `events` of an app; `close`, `exchange-idle`, `registration`, `ping`, `request` of a desktop |
//! | `@job KIND OUTCOME` | the app's driver is given this work, and it ends so: `done`, or `failed TEXT`. Without a line before the next `@connect` it is done at once, with one it waits for that. [`JobKind`] lists the kinds |
//!
//! What the programs at both ends wish for (`<`) and are told (`!`) is listed by [`AppWish`], [`AppNews`], [`DeskWish`]
//! and [`DeskNews`]. A wish that must be refused is written `app<!`, `desk<!`.
//!
//! # What must be listed
//!
//! Whatever the side under test sends, and every [`AppNews`] and [`DeskNews`], must stand in the file, in order. Only
//! `app! state`, `app! step`, `app! failed`, `@ping` and `@job` may be left out, each for itself; where they stand, they
//! must happen.
#![forbid(unsafe_code)]

mod error;
mod folder;
mod line;
mod parse;
mod print;
mod script;

pub use self::error::{ParseError, Problem};
pub use self::folder::{FolderError, read_folder};
pub use self::line::{
    AppNews, AppWish, Credentials, DeskNews, DeskWish, Entry, Frame, JobKind, JobOutcome, Key, Line, Loss, LossWord,
    Plugin, Port, Reply, Setup, Side, Tests, Timer,
};
pub use self::script::{Script, Step};

/// A file of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// What it shows: the name of its file, without the ending.
    pub name: String,
    /// Its lines, comments and blank ones included.
    pub entries: Vec<Entry>,
}

impl Transcript {
    /// Reads a transcript from text.
    ///
    /// # Errors
    /// [`ParseError`]: what is wrong, in which line, and what could stand there.
    pub fn parse(name: &str, text: &str) -> Result<Self, ParseError> {
        parse::transcript(name, text)
    }

    /// Which side the file is a test of.
    #[must_use]
    pub fn tests(&self) -> Tests {
        let tests = self.setup().find_map(|setup| if let Setup::Tests(tests) = setup { Some(*tests) } else { None });
        tests.unwrap_or(Tests::App)
    }

    /// The lines that set up what is played.
    pub fn setup(&self) -> impl Iterator<Item = &Setup> {
        self.entries.iter().filter_map(|entry| if let Line::Setup(setup) = &entry.line { Some(setup) } else { None })
    }

    /// What is to be done to, and expected of, the side under test.
    #[must_use]
    pub fn script(&self, under_test: Side) -> Script<'_> {
        Script::new(self, under_test)
    }
}
