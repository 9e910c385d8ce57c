//! Writes transcripts, so that reading what was written gives the same.

use std::fmt;
use std::time::Duration;

use crate::Transcript;
use crate::line::{
    AppNews, AppWish, Credentials, DeskNews, DeskWish, Frame, JobOutcome, Line, Loss, Plugin, Reply, Setup, Side,
    Tests, UNITS,
};

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{}", entry.line))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => Ok(()),
            Self::Comment(text) if text.is_empty() => f.write_str("#"),
            Self::Comment(text) => write!(f, "# {text}"),
            Self::Setup(setup) => write!(f, "@{setup}"),
            Self::Message { from, frame } => write!(f, "{from}>{frame}"),
            Self::Connect { port, query } => {
                write!(f, "@connect {}", port.word())?;
                query.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
            }
            Self::Opened => f.write_str("@opened"),
            Self::Close { code, reason } => write!(f, "@close {code}{}", after_blank(reason)),
            Self::Leave { code } => write!(f, "@leave {code}"),
            Self::Ended => f.write_str("@ended"),
            Self::Abort => f.write_str("@abort"),
            Self::Lost(Loss::Word(word)) => write!(f, "@lost {}", word.word()),
            Self::Lost(Loss::Http(status)) => write!(f, "@lost http {status}"),
            Self::Ping => f.write_str("@ping"),
            Self::Pong => f.write_str("@pong"),
            Self::Room(bytes) => write!(f, "@room {bytes}"),
            Self::Socket(number) => write!(f, "@socket {number}"),
            Self::Advance(span) => write!(f, "@advance {}", Span(*span)),
            Self::AdvanceTo(timer) => write!(f, "@advance to {}", timer.word()),
            Self::Job { kind, outcome } => match outcome {
                JobOutcome::Done => write!(f, "@job {} done", kind.word()),
                JobOutcome::Failed(text) => write!(f, "@job {} failed{}", kind.word(), after_blank(text)),
            },
            Self::AppWish { wish, refused } => write!(f, "app<{} {wish}", if *refused { "!" } else { "" }),
            Self::AppNews(news) => write!(f, "app! {news}"),
            Self::DeskWish { wish, refused } => write!(f, "desk<{} {wish}", if *refused { "!" } else { "" }),
            Self::DeskNews(news) => write!(f, "desk! {news}"),
        }
    }
}

fn after_blank(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {text}") }
}

/// A span in the largest unit that it is a multiple of.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let (unit, size) =
            UNITS.iter().find(|(_, size)| millis.is_multiple_of(*size) && millis > 0).unwrap_or(&UNITS[4]);
        write!(f, "{}{unit}", millis / size)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::App => "app",
            Self::Desktop => "desk",
        })
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if text.is_empty() => Ok(()),
            Self::Text(text) => write!(f, " {text}"),
            Self::Binary(text) => write!(f, "binary {text}"),
            Self::Bytes(bytes) => {
                f.write_str("bytes")?;
                bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tests(Tests::App) => f.write_str("tests app"),
            Self::Tests(Tests::Desktop) => f.write_str("tests desktop"),
            Self::Tests(Tests::Both) => f.write_str("tests both"),
            Self::Plugins(plugins) => write!(f, "plugins{}", List(plugins)),
            Self::Credentials(None) => f.write_str("credentials none"),
            Self::Credentials(Some(credentials)) => write!(f, "credentials stored{credentials}"),
            Self::Set(key, value) => write!(f, "set {} {value}", key.word()),
        }
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device_id, medium, os, days } = self;
        if let Some(id) = device_id {
            write!(f, " device_id={id}")?;
        }
        if let Some(medium) = medium {
            write!(f, " medium={medium}")?;
        }
        if let Some(os) = os {
            write!(f, " os={os}")?;
        }
        days.map_or(Ok(()), |days| write!(f, " days={days}"))
    }
}

struct List<'a>(&'a [Plugin]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|plugin| write!(f, " {plugin}"))
    }
}

impl fmt::Display for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.id, if self.background { "" } else { "/foreground" })
    }
}

/// Words, one after the other, and perhaps JSON.
fn words(f: &mut fmt::Formatter<'_>, words: &[&str], json: Option<&String>) -> fmt::Result {
    f.write_str(&words.join(" "))?;
    json.map_or(Ok(()), |json| write!(f, " {json}"))
}

impl fmt::Display for AppWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Stop => f.write_str("stop"),
            Self::Add(plugin) => write!(f, "add {plugin}"),
            Self::Remove(plugin) => write!(f, "remove {plugin}"),
            Self::Send(plugin, method, params) => words(f, &["send", plugin, method], params.as_ref()),
            Self::Respond(call, json) => write!(f, "respond {call} {json}"),
            Self::Error(call, json) => write!(f, "error {call} {json}"),
            Self::Fail(call, text) => write!(f, "fail {call}{}", after_blank(text)),
            Self::Supported(call, supported) => write!(f, "supported {call} {supported}"),
            Self::Report(text) => write!(f, "report{}", after_blank(text)),
        }
    }
}

impl fmt::Display for AppNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(plugin) => write!(f, "connected {plugin}"),
            Self::Disconnected(plugin) => write!(f, "disconnected {plugin}"),
            Self::Call(plugin, method, params) => words(f, &["call", plugin, method], params.as_ref()),
            Self::Tell(plugin, method, params) => words(f, &["tell", plugin, method], params.as_ref()),
            Self::Supports(plugin, method) => write!(f, "supports {plugin} {method}"),
            Self::State(text) => write!(f, "state {text}"),
            Self::Step(text) => write!(f, "step {text}"),
            Self::Failed(text) => write!(f, "failed {text}"),
            Self::Misbehaved(text) => write!(f, "misbehaved {text}"),
        }
    }
}

impl fmt::Display for DeskWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init(plugin) => write!(f, "init {plugin}"),
            Self::Deinit(plugin) => write!(f, "deinit {plugin}"),
            Self::Call(plugin, method, params) => words(f, &["call", plugin, method], params.as_ref()),
            Self::Supports(plugin, method) => write!(f, "supports {plugin} {method}"),
            Self::Notify(plugin, method, params) => words(f, &["notify", plugin, method], params.as_ref()),
            Self::Disconnect(code) => write!(f, "disconnect {code}"),
            Self::Grant(device_id) => write!(f, "grant{}", after_blank(device_id)),
            Self::Refuse(text) => write!(f, "refuse{}", after_blank(text)),
            Self::Stop => f.write_str("stop"),
        }
    }
}

impl fmt::Display for DeskNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(client) => write!(f, "connected {client}"),
            Self::Gone(text) => write!(f, "gone {text}"),
            Self::Unresponsive => f.write_str("unresponsive"),
            Self::Responsive => f.write_str("responsive"),
            Self::Plugins(plugins) => write!(f, "plugins{}", List(plugins)),
            Self::Event(plugin, method, params) => words(f, &["event", plugin, method], params.as_ref()),
            Self::Reply(request, reply) => write!(f, "reply {request} {reply}"),
            Self::Error(json) => write!(f, "error {json}"),
            Self::Misbehaved(text) => write!(f, "misbehaved {text}"),
            Self::Refused(text) => write!(f, "refused {text}"),
            Self::Asked(directory) => write!(f, "asked {directory}"),
            Self::Acknowledged(true) => f.write_str("acknowledged ok"),
            Self::Acknowledged(false) => f.write_str("acknowledged failed"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success(json) => write!(f, "success {json}"),
            Self::Error(json) => write!(f, "error {json}"),
            Self::Neither => f.write_str("neither"),
            Self::Invalid => f.write_str("invalid"),
            Self::Timeout => f.write_str("timeout"),
            Self::Disconnected => f.write_str("disconnected"),
        }
    }
}
