//! What peers do wrong, what callers do wrong, and the error objects of the wire.

use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::MessageId;

/// A bounded piece of somebody else's text, safe to show in one line.
///
/// At most [`Excerpt::MAX`] bytes are kept, and control characters are replaced, so that an error can neither hold a
/// message of megabytes nor play tricks on a terminal.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Excerpt(String);

impl Excerpt {
    /// The most bytes that an excerpt has, but for the `…` in the place of what was left out.
    pub const MAX: usize = 256;

    /// Takes the beginning of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut kept = String::with_capacity(text.len().min(Self::MAX));
        for c in text.chars() {
            // What a character is replaced with can be longer than it was.
            let shown = if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
            if kept.len() + shown.len_utf8() > Self::MAX {
                kept.push('…');
                break;
            }
            kept.push(shown);
        }
        Self(kept)
    }

    /// The text that was kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Excerpt {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message of the peer that breaks the protocol. It never ends a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The message is no JSON, or a field with a meaning holds what no program can represent, such as `1e400` or half a
    /// surrogate pair; `at` is the byte at which that shows.
    Json {
        /// Offset in bytes from the start of the message.
        at: usize,
    },
    /// The message is larger than the limit.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A binary message is not even UTF-8.
    NotText {
        /// Offset of the first byte that is none.
        at: usize,
    },
    /// The message lacks this field.
    Missing(&'static str),
    /// This field has the wrong JSON type.
    WrongType(&'static str),
    /// This field appears more than once, so that its meaning depends on who reads it.
    Duplicate(&'static str),
    /// The `id` is no integer from 0 to 2^53 - 1; the text is what came instead.
    BadId(Excerpt),
    /// Nobody knows this method.
    UnknownMethod(Excerpt),
    /// An answer to a request that was never sent, or was answered before.
    UnexpectedReply(MessageId),
    /// This message makes no sense at this point of the conversation.
    NotInState(&'static str),
    /// More calls are waiting for their answers than the limit allows.
    TooManyCalls {
        /// The limit.
        max: usize,
    },
    /// The calls that wait for their answers would have more bytes than the limit allows.
    CallsTooLarge {
        /// The limit.
        max: usize,
    },
    /// The peer names more plugins than the limit allows; the others are ignored.
    TooManyPlugins {
        /// The limit.
        max: usize,
    },
    /// The peer never answered this method, which it must.
    Unanswered(&'static str),
    /// The message is of another app than those before it; a connection serves one.
    OtherApp(Excerpt),
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { at } => write!(f, "the message is no valid JSON at byte {at}"),
            Self::TooLarge { size, max } => write!(f, "the message has {size} bytes, {max} are allowed"),
            Self::NotText { at } => write!(f, "the binary message is no UTF-8 text at byte {at}"),
            Self::Missing(field) => write!(f, "the message lacks `{field}`"),
            Self::WrongType(field) => write!(f, "`{field}` has the wrong JSON type"),
            Self::Duplicate(field) => write!(f, "`{field}` appears more than once"),
            Self::BadId(id) => write!(f, "`id` must be an integer from 0 to 2^53 - 1, not {id}"),
            Self::UnknownMethod(method) => write!(f, "Received unknown method: {method}"),
            Self::UnexpectedReply(id) => write!(f, "an answer arrived to request {id}, which is not waiting for one"),
            Self::NotInState(what) => write!(f, "{what}"),
            Self::TooManyCalls { max } => write!(f, "more than {max} calls wait for their answers"),
            Self::CallsTooLarge { max } => write!(f, "more than {max} bytes of calls wait for their answers"),
            Self::TooManyPlugins { max } => write!(f, "more than {max} plugins are named"),
            Self::Unanswered(method) => write!(f, "`{method}` was never answered"),
            Self::OtherApp(app) => write!(f, "the message is of app {app}; another app needs a connection of its own"),
        }
    }
}

impl core::error::Error for ProtocolError {}

/// A call of the program that drives a state machine that cannot be carried out.
///
/// Untrusted input never causes one; reading the code that made the call is enough to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// No such client is connected.
    NotConnected,
    /// No plugin of this id was added.
    UnknownPlugin,
    /// A plugin of this id was added before.
    DuplicatePlugin,
    /// The call is unknown: it was answered before, or its connection has ended.
    UnknownCall,
    /// The exchange is unknown: it was finished before, or its connection has ended.
    UnknownExchange,
    /// This many requests wait for their answers already.
    TooManyPending {
        /// The limit.
        max: usize,
    },
    /// The peer does not read, and no more bytes than this may wait for it.
    QueueFull {
        /// The limit.
        max: usize,
    },
    /// This many plugins were added already.
    TooManyPlugins {
        /// The limit.
        max: usize,
    },
    /// The message would be larger than the limit.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
}

impl fmt::Display for ApiMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("no such client is connected"),
            Self::UnknownPlugin => f.write_str("no plugin of this id was added"),
            Self::DuplicatePlugin => f.write_str("a plugin of this id was added before"),
            Self::UnknownCall => f.write_str("the call was answered before, or its connection has ended"),
            Self::UnknownExchange => f.write_str("the exchange was finished before, or its connection has ended"),
            Self::TooManyPending { max } => write!(f, "{max} requests wait for their answers already"),
            Self::QueueFull { max } => write!(f, "the peer does not read, and only {max} bytes may wait for it"),
            Self::TooManyPlugins { max } => write!(f, "{max} plugins were added already"),
            Self::TooLarge { size, max } => write!(f, "the message has {size} bytes, {max} are allowed"),
        }
    }
}

impl core::error::Error for ApiMisuse {}

/// The error object of the wire: `{"message":…,"name":…,"stacktrace":…}`.
///
/// Only `message` is always there. `hint` is this project's addition, which others ignore: what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorReport {
    /// What went wrong.
    #[serde(default)]
    pub message: String,
    /// The kind of error, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it went wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ErrorReport {
    /// An error that has only a message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// The same error with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same error with a stack trace.
    #[must_use]
    pub fn with_stacktrace(mut self, stacktrace: impl Into<String>) -> Self {
        self.stacktrace = Some(stacktrace.into());
        self
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with every text cut to an [`Excerpt`], fit to be kept.
    #[must_use]
    pub(crate) fn bounded(&self) -> Self {
        let cut = |text: &String| Excerpt::new(text).to_string();
        Self {
            message: cut(&self.message),
            name: self.name.as_ref().map(cut),
            stacktrace: self.stacktrace.as_ref().map(cut),
            hint: self.hint.as_ref().map(cut),
        }
    }
}

impl From<String> for ErrorReport {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for ErrorReport {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}
