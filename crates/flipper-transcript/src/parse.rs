//! Reads transcripts.

use std::time::Duration;

use crate::Transcript;
use crate::error::{ParseError, Problem};
use crate::line::{
    AppNews, AppWish, Credentials, DeskNews, DeskWish, Entry, Frame, JobKind, JobOutcome, Key, Line, Loss, LossWord,
    Plugin, Port, Reply, Setup, Side, Tests, Timer, UNITS,
};

pub(crate) fn transcript(name: &str, text: &str) -> Result<Transcript, ParseError> {
    let mut entries = Vec::new();
    let mut seen: Vec<&'static str> = Vec::new();
    let mut begun = false;
    for (number, text) in (1..).zip(text.lines()) {
        let read = line(text).and_then(|line| {
            match &line {
                Line::Blank | Line::Comment(_) => {}
                Line::Setup(_) if begun => return Err(Problem::LateSetup),
                Line::Setup(setup) => {
                    let what = what_is_set(setup);
                    if seen.contains(&what) {
                        return Err(Problem::SetTwice(what));
                    }
                    seen.push(what);
                }
                _ => begun = true,
            }
            Ok(line)
        });
        let line = read.map_err(|problem| ParseError { name: name.to_owned(), line: number, problem })?;
        entries.push(Entry { number, line });
    }
    Ok(Transcript { name: name.to_owned(), entries })
}

fn what_is_set(setup: &Setup) -> &'static str {
    match setup {
        Setup::Tests(_) => "`@tests`",
        Setup::Plugins(_) => "`@plugins`",
        Setup::Credentials(_) => "`@credentials`",
        Setup::Set(key, _) => key.word(),
    }
}

fn line(text: &str) -> Result<Line, Problem> {
    let text = text.trim();
    let rest_of = |start: &str| text.strip_prefix(start).map(str::trim_start);
    if text.is_empty() {
        Ok(Line::Blank)
    } else if let Some(comment) = rest_of("#") {
        Ok(Line::Comment(comment.to_owned()))
    } else if let Some(rest) = text.strip_prefix("app>") {
        Ok(Line::Message { from: Side::App, frame: frame(rest)? })
    } else if let Some(rest) = text.strip_prefix("desk>") {
        Ok(Line::Message { from: Side::Desktop, frame: frame(rest)? })
    } else if let Some(rest) = rest_of("app<!") {
        Ok(Line::AppWish { wish: app_wish(rest)?, refused: true })
    } else if let Some(rest) = rest_of("app<") {
        Ok(Line::AppWish { wish: app_wish(rest)?, refused: false })
    } else if let Some(rest) = rest_of("desk<!") {
        Ok(Line::DeskWish { wish: desk_wish(rest)?, refused: true })
    } else if let Some(rest) = rest_of("desk<") {
        Ok(Line::DeskWish { wish: desk_wish(rest)?, refused: false })
    } else if let Some(rest) = rest_of("app!") {
        app_news(rest).map(Line::AppNews)
    } else if let Some(rest) = rest_of("desk!") {
        desk_news(rest).map(Line::DeskNews)
    } else if let Some(rest) = text.strip_prefix('@') {
        directive(rest)
    } else {
        Err(Problem::UnknownLine(text.to_owned()))
    }
}

/// A message, from what follows the arrow. One blank belongs to the arrow, the others to the text.
fn frame(rest: &str) -> Result<Frame, Problem> {
    let text = |rest: &str| rest.strip_prefix(' ').unwrap_or(rest).to_owned();
    if let Some(hex) = rest.strip_prefix("bytes ") {
        return hex.split_whitespace().map(byte).collect::<Result<_, _>>().map(Frame::Bytes);
    }
    Ok(match rest.strip_prefix("binary ") {
        Some(binary) => Frame::Binary(binary.to_owned()),
        None => Frame::Text(text(rest)),
    })
}

fn byte(hex: &str) -> Result<u8, Problem> {
    u8::from_str_radix(hex, 16).map_err(|_| Problem::BadNumber { what: "byte in hexadecimal", word: hex.to_owned() })
}

/// The words of a line, from the left.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let (word, rest) = self.0.split_once(char::is_whitespace).unwrap_or((self.0, ""));
        self.0 = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    fn word(&mut self, what: &'static str) -> Result<&'a str, Problem> {
        self.take().ok_or(Problem::Missing(what))
    }

    fn name(&mut self, what: &'static str) -> Result<String, Problem> {
        self.word(what).map(str::to_owned)
    }

    fn number<N: std::str::FromStr>(&mut self, what: &'static str) -> Result<N, Problem> {
        let word = self.word(what)?;
        word.parse().map_err(|_| Problem::BadNumber { what, word: word.to_owned() })
    }

    /// What is left; it may be nothing.
    fn rest(&mut self) -> String {
        std::mem::take(&mut self.0).to_owned()
    }

    fn some_rest(&mut self, what: &'static str) -> Result<String, Problem> {
        self.json().ok_or(Problem::Missing(what))
    }

    /// The JSON at the end, if there is any.
    fn json(&mut self) -> Option<String> {
        Some(self.rest()).filter(|rest| !rest.is_empty())
    }

    fn one_of<T>(
        &mut self,
        what: &'static str,
        known: &'static [&'static str],
        from: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Problem> {
        let word = self.word(what)?;
        from(word).ok_or_else(|| Problem::UnknownWord { what, word: word.to_owned(), known })
    }

    fn end<T>(self, value: T) -> Result<T, Problem> {
        if self.0.is_empty() { Ok(value) } else { Err(Problem::TooMuch(self.0.to_owned())) }
    }
}

macro_rules! one_of {
    ($words:expr, $type:ident) => {
        $words.one_of($type::WHAT, $type::WORDS, $type::from_word)
    };
}

/// Every directive, for those who mistype one.
const DIRECTIVES: &[&str] = &[
    "tests",
    "plugins",
    "credentials",
    "set",
    "connect",
    "opened",
    "close",
    "leave",
    "ended",
    "abort",
    "lost",
    "ping",
    "pong",
    "room",
    "socket",
    "advance",
    "job",
];

fn directive(text: &str) -> Result<Line, Problem> {
    let mut words = Words(text);
    let line = match words.word("a directive")? {
        "tests" => Line::Setup(Setup::Tests(words.one_of("side", &["app", "desktop", "both"], |word| match word {
            "app" => Some(Tests::App),
            "desktop" => Some(Tests::Desktop),
            "both" => Some(Tests::Both),
            _ => None,
        })?)),
        "plugins" => Line::Setup(Setup::Plugins(plugins(&mut words)?)),
        "credentials" => Line::Setup(Setup::Credentials(credentials(&mut words)?)),
        "set" => Line::Setup(Setup::Set(one_of!(words, Key)?, words.name("a value")?)),
        "connect" => {
            let port = one_of!(words, Port)?;
            let mut query = Vec::new();
            while let Some(word) = words.take() {
                let (key, value) = word.split_once('=').ok_or(Problem::Missing("`=` and a value"))?;
                query.push((key.to_owned(), value.to_owned()));
            }
            Line::Connect { port, query }
        }
        "opened" => Line::Opened,
        "close" => Line::Close { code: words.number("close code")?, reason: words.rest() },
        "leave" => Line::Leave { code: words.number("close code")? },
        "ended" => Line::Ended,
        "abort" => Line::Abort,
        "lost" => Line::Lost(loss(&mut words)?),
        "ping" => Line::Ping,
        "pong" => Line::Pong,
        "room" => Line::Room(words.number("number of bytes")?),
        "socket" => Line::Socket(words.number("number of a socket")?),
        "advance" => match words.word("a span of time")? {
            "to" => Line::AdvanceTo(one_of!(words, Timer)?),
            word => Line::Advance(span(word)?),
        },
        "job" => {
            let kind = one_of!(words, JobKind)?;
            let outcome = match words.take() {
                None | Some("done") => JobOutcome::Done,
                Some("failed") => JobOutcome::Failed(words.rest()),
                Some(word) => {
                    let (what, word) = ("outcome of a job", word.to_owned());
                    return Err(Problem::UnknownWord { what, word, known: &["done", "failed"] });
                }
            };
            Line::Job { kind, outcome }
        }
        word => {
            let word = word.to_owned();
            return Err(Problem::UnknownWord { what: "directive", word, known: DIRECTIVES });
        }
    };
    words.end(line)
}

fn plugins(words: &mut Words<'_>) -> Result<Vec<Plugin>, Problem> {
    std::iter::from_fn(|| words.take()).map(plugin).collect()
}

fn plugin(word: &str) -> Result<Plugin, Problem> {
    match word.split_once('/') {
        None => Ok(Plugin { id: word.to_owned(), background: true }),
        Some((id, "foreground")) => Ok(Plugin { id: id.to_owned(), background: false }),
        Some((_, mode)) => {
            Err(Problem::UnknownWord { what: "mode of a plugin", word: mode.to_owned(), known: &["foreground"] })
        }
    }
}

fn credentials(words: &mut Words<'_>) -> Result<Option<Credentials>, Problem> {
    const KNOWN: &[&str] = &["device_id=", "medium=", "os=", "days="];
    let stored = words.one_of("kind of credentials", &["none", "stored"], |word| match word {
        "none" => Some(false),
        "stored" => Some(true),
        _ => None,
    })?;
    if !stored {
        return Ok(None);
    }
    let mut found = Credentials::default();
    while let Some(word) = words.take() {
        let bad = |what| Problem::BadNumber { what, word: word.to_owned() };
        match word.split_once('=') {
            Some(("device_id", id)) => found.device_id = Some(id.to_owned()),
            Some(("medium", medium)) => found.medium = Some(medium.parse().map_err(|_| bad("medium"))?),
            Some(("os", os)) => found.os = Some(os.to_owned()),
            Some(("days", days)) => found.days = Some(days.parse().map_err(|_| bad("number of days"))?),
            _ => {
                let (what, word) = ("property of credentials", word.to_owned());
                return Err(Problem::UnknownWord { what, word, known: KNOWN });
            }
        }
    }
    Ok(Some(found))
}

fn loss(words: &mut Words<'_>) -> Result<Loss, Problem> {
    if let Some(status) = words.0.strip_prefix("http ") {
        words.0 = status;
        return words.number("HTTP status").map(Loss::Http);
    }
    one_of!(words, LossWord).map(Loss::Word)
}

fn span(word: &str) -> Result<Duration, Problem> {
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = word.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit);
    let millis = number.parse::<u64>().ok().zip(unit).and_then(|(number, (_, unit))| number.checked_mul(*unit));
    let millis =
        millis.ok_or(Problem::BadNumber { what: "span of time such as 3s or 250ms", word: word.to_owned() })?;
    Ok(Duration::from_millis(millis))
}

/// A plugin, a method, and what JSON follows.
fn of_plugin(words: &mut Words<'_>) -> Result<(String, String, Option<String>), Problem> {
    Ok((words.name("a plugin")?, words.name("a method")?, words.json()))
}

fn app_wish(text: &str) -> Result<AppWish, Problem> {
    const KNOWN: &[&str] =
        &["start", "stop", "add", "remove", "send", "respond", "error", "fail", "supported", "report"];
    let mut words = Words(text);
    let wish = match words.word("a wish")? {
        "start" => AppWish::Start,
        "stop" => AppWish::Stop,
        "add" => AppWish::Add(plugin(words.word("a plugin")?)?),
        "remove" => AppWish::Remove(words.name("a plugin")?),
        "send" => {
            let (plugin, method, params) = of_plugin(&mut words)?;
            AppWish::Send(plugin, method, params)
        }
        "respond" => AppWish::Respond(words.number("number of a call")?, words.some_rest("JSON")?),
        "error" => AppWish::Error(words.number("number of a call")?, words.some_rest("JSON")?),
        "fail" => AppWish::Fail(words.number("number of a call")?, words.rest()),
        "supported" => AppWish::Supported(words.number("number of a call")?, words.number("`true` or `false`")?),
        "report" => AppWish::Report(words.rest()),
        word => return Err(Problem::UnknownWord { what: "wish of an app", word: word.to_owned(), known: KNOWN }),
    };
    words.end(wish)
}

fn app_news(text: &str) -> Result<AppNews, Problem> {
    const KNOWN: &[&str] =
        &["connected", "disconnected", "call", "tell", "supports", "state", "step", "failed", "misbehaved"];
    let mut words = Words(text);
    let news = match words.word("what the app is told")? {
        "connected" => AppNews::Connected(words.name("a plugin")?),
        "disconnected" => AppNews::Disconnected(words.name("a plugin")?),
        "call" => {
            let (plugin, method, params) = of_plugin(&mut words)?;
            AppNews::Call(plugin, method, params)
        }
        "tell" => {
            let (plugin, method, params) = of_plugin(&mut words)?;
            AppNews::Tell(plugin, method, params)
        }
        "supports" => AppNews::Supports(words.name("a plugin")?, words.name("a method")?),
        "state" => AppNews::State(words.some_rest("a state")?),
        "step" => AppNews::Step(words.some_rest("a text")?),
        "failed" => AppNews::Failed(words.some_rest("a text")?),
        "misbehaved" => AppNews::Misbehaved(words.some_rest("a text")?),
        word => return Err(Problem::UnknownWord { what: "news of an app", word: word.to_owned(), known: KNOWN }),
    };
    words.end(news)
}

fn desk_wish(text: &str) -> Result<DeskWish, Problem> {
    const KNOWN: &[&str] = &["init", "deinit", "call", "supports", "notify", "disconnect", "grant", "refuse", "stop"];
    let mut words = Words(text);
    let wish = match words.word("a wish")? {
        "init" => DeskWish::Init(words.name("a plugin")?),
        "deinit" => DeskWish::Deinit(words.name("a plugin")?),
        "call" => {
            let (plugin, method, params) = of_plugin(&mut words)?;
            DeskWish::Call(plugin, method, params)
        }
        "supports" => DeskWish::Supports(words.name("a plugin")?, words.name("a method")?),
        "notify" => {
            let (plugin, method, params) = of_plugin(&mut words)?;
            DeskWish::Notify(plugin, method, params)
        }
        "disconnect" => DeskWish::Disconnect(words.number("close code")?),
        "grant" => DeskWish::Grant(words.rest()),
        "refuse" => DeskWish::Refuse(words.rest()),
        "stop" => DeskWish::Stop,
        word => return Err(Problem::UnknownWord { what: "wish of a desktop", word: word.to_owned(), known: KNOWN }),
    };
    words.end(wish)
}

fn desk_news(text: &str) -> Result<DeskNews, Problem> {
    const KNOWN: &[&str] = &[
        "connected",
        "gone",
        "unresponsive",
        "responsive",
        "plugins",
        "event",
        "reply",
        "error",
        "misbehaved",
        "refused",
        "asked",
        "acknowledged",
    ];
    let mut words = Words(text);
    let news = match words.word("what the desktop tells")? {
        "connected" => DeskNews::Connected(words.some_rest("the id of a client")?),
        "gone" => DeskNews::Gone(words.some_rest("a text")?),
        "unresponsive" => DeskNews::Unresponsive,
        "responsive" => DeskNews::Responsive,
        "plugins" => DeskNews::Plugins(plugins(&mut words)?),
        "event" => {
            let (plugin, method, params) = of_plugin(&mut words)?;
            DeskNews::Event(plugin, method, params)
        }
        "reply" => DeskNews::Reply(words.number("number of a request")?, reply(&mut words)?),
        "error" => DeskNews::Error(words.some_rest("JSON")?),
        "misbehaved" => DeskNews::Misbehaved(words.some_rest("a text")?),
        "refused" => DeskNews::Refused(words.some_rest("a text")?),
        "asked" => DeskNews::Asked(words.some_rest("a directory")?),
        "acknowledged" => {
            DeskNews::Acknowledged(words.one_of("end of an exchange", &["ok", "failed"], |word| match word {
                "ok" => Some(true),
                "failed" => Some(false),
                _ => None,
            })?)
        }
        word => return Err(Problem::UnknownWord { what: "news of a desktop", word: word.to_owned(), known: KNOWN }),
    };
    words.end(news)
}

fn reply(words: &mut Words<'_>) -> Result<Reply, Problem> {
    const KNOWN: &[&str] = &["success", "error", "neither", "invalid", "timeout", "disconnected"];
    match words.word("how the request ended")? {
        "success" => words.some_rest("JSON").map(Reply::Success),
        "error" => words.some_rest("JSON").map(Reply::Error),
        "neither" => Ok(Reply::Neither),
        "invalid" => Ok(Reply::Invalid),
        "timeout" => Ok(Reply::Timeout),
        "disconnected" => Ok(Reply::Disconnected),
        word => Err(Problem::UnknownWord { what: "end of a request", word: word.to_owned(), known: KNOWN }),
    }
}
