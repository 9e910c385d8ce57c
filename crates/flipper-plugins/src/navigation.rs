//! Plugin `Navigation`: the official desktop's list of the places an app has shown, with deep links.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use flipper_client::proto::ErrorReport;
use flipper_client::{Call, Connection, Plugin};
use serde::{Deserialize, Serialize};

use crate::outlet::{Outlet, Waiting};

/// Tells the desktop where the app's user has gone. Clones tell for the same plugin.
///
/// The official desktop shows `Navigation` of every app, with no click: it is the one plugin that it enables by itself.
///
/// ```
/// use flipper_plugins::navigation::Navigation;
///
/// let navigation = Navigation::builder()
///     .on_navigate(|url| if url.starts_with("shop://") { Ok(()) } else { Err(format!("{url} is not of this app")) })
///     .build();
/// // `navigation.clone()` goes to the app's builder; the app keeps `navigation`.
/// navigation.visit_screen("shop://orders/42?tab=items", "orders::Detail");
/// ```
#[derive(Clone, Debug)]
pub struct Navigation {
    shared: Arc<Shared>,
}

impl Navigation {
    /// The id that both ends know it by.
    pub const ID: &str = "Navigation";

    /// With everything as it is by default.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins with the defaults.
    pub fn builder() -> NavigationBuilder {
        NavigationBuilder { waiting: Waiting::default(), sends_uris: false, on_navigate: None }
    }

    /// The user has come to `uri`, now. Any text will do.
    pub fn visit(&self, uri: impl AsRef<str>) {
        self.tell(Some(uri.as_ref()), None);
    }

    /// The user has come to `uri`, which `screen` shows: a type, a view, a route. The desktop calls it the class.
    pub fn visit_screen(&self, uri: impl AsRef<str>, screen: impl AsRef<str>) {
        self.tell(Some(uri.as_ref()), Some(screen.as_ref()));
    }

    /// The user has come to a screen that has no URI.
    pub fn show_screen(&self, screen: impl AsRef<str>) {
        self.tell(None, Some(screen.as_ref()));
    }

    fn tell(&self, uri: Option<&str>, class: Option<&str>) {
        let outlet = &self.shared.outlet;
        if !outlet.is_open() {
            return outlet.skip();
        }
        let date = unix_millis();
        if self.shared.sends_uris {
            let uri = uri.map(decodable);
            outlet.send("nav_event", &NavEvent { uri: uri.as_deref(), url: None, class, date });
        } else {
            let both = uri.zip(class).map(|(uri, class)| format!("{uri} ({class})"));
            outlet.send("nav_event", &NavEvent { uri: None, url: uri, class: both.as_deref().or(uri).or(class), date });
        }
    }
}

impl Default for Navigation {
    fn default() -> Self {
        Self::new()
    }
}

impl Plugin for Navigation {
    fn id(&self) -> &str {
        Self::ID
    }

    /// The desktop initialises it at once only as a background plugin.
    fn run_in_background(&self) -> bool {
        true
    }

    fn on_added(&self, connection: Connection) {
        self.shared.outlet.added(connection);
    }

    fn on_connect(&self, connection: Connection) {
        self.shared.outlet.connected(connection);
    }

    fn on_disconnect(&self) {
        self.shared.outlet.disconnected();
    }

    fn has_method(&self, method: &str) -> bool {
        method == "navigate_to"
    }

    fn on_call(&self, call: Call) {
        let result = call.parse().and_then(|NavigateTo { url }| match &self.shared.on_navigate {
            Some(navigate) => navigate(&url),
            None => Ok(()),
        });
        // A session that ended meanwhile wants no answer.
        let _ended = call.responder.finish(result);
    }
}

/// A [`Navigation`] in the making.
#[must_use]
pub struct NavigationBuilder {
    waiting: Waiting,
    sends_uris: bool,
    on_navigate: Option<OnNavigate>,
}

impl NavigationBuilder {
    /// How many events wait until a desktop comes.
    pub fn waiting(mut self, waiting: Waiting) -> Self {
        self.waiting = waiting;
        self
    }

    /// Sends the URI as field `uri`, as official clients do, for a desktop that is a program of its own (Electron): it can
    /// bookmark it, and shows its parameters. Default: no, because the official web page (0.162) shows nothing but an
    /// error in the plugin's place once an event has one; the URI is a part of the class then.
    ///
    /// The desktop decodes percent-escapes, and loses an event in which one is broken. A `%` that begins no escape is
    /// therefore sent as `%25`.
    pub fn send_uris(mut self) -> Self {
        self.sends_uris = true;
        self
    }

    /// Called with the URL when the desktop asks the app to go there. An error is the desktop's answer.
    ///
    /// The official desktop asks nobody but an iOS app named `Facebook`; elsewhere it opens deep links through the
    /// device. `flipper call APP Navigation navigate_to '{"url":"…"}'` asks any app.
    pub fn on_navigate<E: Into<ErrorReport>>(
        mut self,
        callback: impl Fn(&str) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.on_navigate = Some(Box::new(move |url| callback(url).map_err(Into::into)));
        self
    }

    /// The plugin.
    #[must_use]
    pub fn build(self) -> Navigation {
        let Self { waiting, sends_uris, on_navigate } = self;
        let shared = Shared { outlet: Outlet::new(waiting), sends_uris, on_navigate };
        Navigation { shared: Arc::new(shared) }
    }
}

impl fmt::Debug for NavigationBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NavigationBuilder").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

type OnNavigate = Box<dyn Fn(&str) -> Result<(), ErrorReport> + Send + Sync>;

struct Shared {
    outlet: Outlet,
    sends_uris: bool,
    on_navigate: Option<OnNavigate>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("outlet", &self.outlet).finish_non_exhaustive()
    }
}

/// What is not there is left out: the desktop would show a `null` as the text `null`.
#[derive(Serialize)]
struct NavEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    /// The URI for programs other than the official desktop, which does not look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    /// Unix milliseconds. An event that waited is not shown as of when it arrived.
    date: u64,
}

#[derive(Deserialize)]
struct NavigateTo {
    url: String,
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A URI that JavaScript's `decodeURIComponent` takes, twice: the desktop decodes the whole of it when it arrives, and
/// the query once more when it is shown. Either throws where an escape is broken or does not hold UTF-8.
fn decodable(uri: &str) -> String {
    let sound = escape_stray(uri);
    let shown = decode(&sound);
    let query = shown.split_once('?').map_or("", |(_, query)| query);
    if is_sound(query) { sound } else { sound.replace('%', "%25") }
}

/// Escapes every `%` that begins no sound escape.
fn escape_stray(uri: &str) -> String {
    let mut escaped = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        escaped.push_str(before);
        match character(from) {
            Some((_, length)) => {
                escaped.push_str(&from[..length]);
                rest = &from[length..];
            }
            None => {
                escaped.push_str("%25");
                rest = &from[1..];
            }
        }
    }
    escaped.push_str(rest);
    escaped
}

fn is_sound(uri: &str) -> bool {
    escape_stray(uri) == uri
}

/// Decodes what is [sound](is_sound).
fn decode(uri: &str) -> String {
    let mut decoded = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        let Some((character, length)) = character(&rest[at..]) else { break };
        decoded.push(character);
        rest = &rest[at + length..];
    }
    decoded.push_str(rest);
    decoded
}

/// The character that the escapes at the start of `text` stand for, and their length.
fn character(text: &str) -> Option<(char, usize)> {
    let escape = |nth: usize| {
        let escape = text.get(3 * nth..3 * nth + 3)?;
        let digits = escape.strip_prefix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    };
    let length = match escape(0)? {
        0x00..0x80 => 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    };
    let bytes: Vec<u8> = (0..length).map_while(escape).collect();
    let character = str::from_utf8(&bytes).ok()?.chars().next()?;
    Some((character, 3 * bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sound_stays_as_it_is() {
        for uri in ["", "shop://orders/42?tab=items#top", "a?q=%C3%A9+%2F%20%F0%9F%A6%80", "ünï/çødé"] {
            assert_eq!(decodable(uri), uri);
        }
    }

    #[test]
    fn broken_escapes_are_escaped() {
        for (uri, sent) in [
            ("100%", "100%25"),
            ("%", "%25"),
            ("%4", "%254"),
            ("%+1", "%25+1"),
            ("%zz%41", "%25zz%41"),
            ("%é", "%25é"),
            // No UTF-8: a lone byte, one that is cut off, a surrogate, an overlong form.
            ("%FF", "%25FF"),
            ("%C3", "%25C3"),
            ("%C3x%A9", "%25C3x%25A9"),
            ("%ED%A0%80", "%25ED%25A0%2580"),
            ("%C0%80", "%25C0%2580"),
        ] {
            assert_eq!(escape_stray(uri), sent, "{uri}");
        }
    }

    #[test]
    fn it_can_be_decoded_twice() {
        // Decoded once it would be `?q=100%`, which the sidebar of the official desktop cannot read.
        for uri in ["a?q=100%25", "a?100%", "?%", "a%3Fb=%25", "a?q=%2541%25"] {
            let sent = decodable(uri);
            assert!(is_sound(&sent), "{sent}");
            assert!(is_sound(&decode(&sent)), "{sent}");
        }
        assert_eq!(decodable("a?q=100%25"), "a?q=100%2525");
        assert_eq!(decodable("sale/100%?q=1"), "sale/100%25?q=1", "no query, no need");
    }
}
