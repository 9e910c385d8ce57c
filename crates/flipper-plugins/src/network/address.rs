//! URLs that the desktop can read. It calls `new URL(url)` and shows nothing of a request for which that fails.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// The URL, or one that holds its whole text: `http://invalid/orders` for `/orders`, and `http://invalid/?url=…` for what
/// is no path either.
///
/// It is strict where browsers are lenient: what they would repair is still there to be read, in the longer form.
pub(super) fn absolute(url: &str) -> Cow<'_, str> {
    if is_absolute(url) {
        return Cow::Borrowed(url);
    }
    if url.starts_with('/')
        && !url.starts_with("//")
        && url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    {
        return Cow::Owned(format!("http://invalid{url}"));
    }
    let mut shown = String::from("http://invalid/?url=");
    for byte in url.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?@=&;,*()!$".contains(&byte) {
            shown.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _done = write!(shown, "%{byte:02X}");
        }
    }
    Cow::Owned(shown)
}

fn is_absolute(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (host, port) = match place.rfind(':') {
        Some(colon) if !place.ends_with(']') => (&place[..colon], &place[colon + 1..]),
        _ => (place, ""),
    };
    // A file has no host.
    let is_place = (is_host(host) && (port.is_empty() || is_port(port))) || (scheme == "file" && place.is_empty());
    // Browsers take control characters and line ends out of a URL wherever they stand, and so change what is read here.
    is_scheme && is_place && !url.bytes().any(|byte| byte.is_ascii_control() || byte == b' ')
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

fn is_host(host: &str) -> bool {
    if let Some(v6) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return v6.parse::<Ipv6Addr>().is_ok();
    }
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let is_name = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        // What looks like Punycode may be none.
        && !host.split('.').any(|label| label.len() >= 4 && label.as_bytes()[..4].eq_ignore_ascii_case(b"xn--"));
    // What ends in a number has to be an IPv4 address.
    let is_numeric = last.is_empty() || last.starts_with(|c: char| c.is_ascii_digit());
    is_name && (!is_numeric || host.parse::<Ipv4Addr>().is_ok())
}

/// Where a URL, or what should be one, has a user and a password.
pub(super) fn userinfo(url: &str) -> Option<Range<usize>> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let head = &url[..end];
    let start = match head.find(':') {
        // Browsers take any number of slashes after the scheme, and none as well.
        Some(colon) if head[..colon].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) => {
            let after = &head[colon + 1..];
            let slashes = after.len() - after.trim_start_matches(['/', '\\']).len();
            // `user:password@host`, without a scheme, hides its user, too.
            if slashes == 0 { 0 } else { colon + 1 + slashes }
        }
        _ => head.len() - head.trim_start_matches(['/', '\\']).len(),
    };
    // A single slash begins a path, and paths may hold an `@`.
    if start == 1 {
        return None;
    }
    let slash = head[start..].find(['/', '\\']).map_or(end, |length| start + length);
    match head[start..slash].rfind('@') {
        Some(at) => Some(start..start + at),
        // A password with a slash in it makes no URL that browsers read, but it is a password.
        None if !is_absolute(url) => head[start..].rfind('@').map(|at| start..start + at),
        None => None,
    }
}

/// The host and path of an absolute URL: what the desktop shows as domain.
pub(super) fn host_and_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let authority = rest.find('/').unwrap_or(rest.len());
    rest[..authority].rfind('@').map_or(rest, |at| &rest[at + 1..])
}

/// A byte as two hexadecimal digits say it.
pub(super) fn from_hex(digits: &[u8]) -> Option<u8> {
    let digits = str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}
