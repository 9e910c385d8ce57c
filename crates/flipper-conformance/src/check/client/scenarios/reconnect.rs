//! Coming back, whatever ended the session.

use std::time::{Duration, Instant};

use crate::check::client::Entry;
use crate::check::client::under_test::ClientUnderTest;
use crate::check::outcome::{Stop, Verdict, expect};
use crate::check::talk::Welcome;

/// As long as two things are looked at in turn.
const GLANCE: Duration = Duration::from_millis(2);

pub(super) const ENTRIES: &[Entry] = &[
    Entry::life(
        "reconnect/after-lost-connection",
        "a session that was lost without a close frame is followed by another",
        "C++ client; js-flipper",
        |cx| {
            cx.session()?.talk.drop_connection();
            comes_back(cx)
        },
    ),
    Entry::life(
        "reconnect/after-close-1000",
        "a session that was closed with code 1000 is followed by another",
        "C++ client; flipper#3646",
        |cx| after_close(cx, 1000, ""),
    ),
    Entry::life(
        "reconnect/after-close-1001",
        "a session that was closed with code 1001, as by a desktop that stops, is followed by another",
        "C++ client; flipper#3646",
        |cx| after_close(cx, 1001, "the desktop is going away"),
    ),
    Entry::life(
        "reconnect/after-close-1011",
        "a session that was closed with code 1011, as by a desktop that could not register it, is followed by another",
        "C++ client; desktop, ServerWebSocket",
        |cx| after_close(cx, 1011, ""),
    ),
    Entry::life(
        "reconnect/after-http-401",
        "an upgrade that is refused with HTTP 401 is tried again",
        "Android SDK, FlipperSocketImpl.java; desktop",
        |cx| after_http(cx, 401),
    ),
    Entry::life(
        "reconnect/after-http-503",
        "an upgrade that is refused with another HTTP status is tried again",
        "Android SDK, FlipperSocketImpl.java; this project",
        |cx| after_http(cx, 503),
    ),
    Entry::life(
        "reconnect/after-refused-connections",
        "a desktop that was away for two seconds is found again, and the certificates are kept",
        "C++ client; flipper#3118",
        |cx| {
            let session = cx.session()?;
            cx.desk.stop_listening();
            session.talk.drop_connection();
            cx.be_away(Duration::from_secs(2))?;
            comes_back(cx)
        },
    ),
    Entry::life(
        "reconnect/closes-before-it-connects",
        "the old connection is closed before a new one is opened: the official desktop forgets the new one otherwise",
        "desktop, ServerController; flipper#2901",
        closes_first,
    ),
    Entry::life(
        "reconnect/handshake-byte-by-byte",
        "a desktop whose handshake arrives byte by byte is no attacker",
        "TCP; this project",
        |cx| {
            cx.session()?.talk.drop_connection();
            cx.welcomes.push(Welcome::AcceptByteByByte);
            comes_back(cx)
        },
    ),
];

/// Another session, which works, with the certificates that the client has.
fn comes_back(cx: &mut ClientUnderTest) -> Verdict {
    let mut session = cx.next_session_without_exchange()?;
    session.goes_on()?;
    cx.keep(session);
    Ok(())
}

fn after_close(cx: &mut ClientUnderTest, code: u16, reason: &'static str) -> Verdict {
    cx.session()?.close(code, reason)?;
    comes_back(cx)
}

fn after_http(cx: &mut ClientUnderTest, status: u16) -> Verdict {
    cx.session()?.talk.drop_connection();
    cx.welcomes.push(Welcome::Refuse(status));
    comes_back(cx)?;
    expect(cx.welcomes.is_empty(), "an upgrade that can be refused", "none")
}

fn closes_first(cx: &mut ClientUnderTest) -> Verdict {
    let mut session = cx.session()?;
    session.begin_close(1001, "")?;
    let deadline = Instant::now() + cx.patience;
    while Instant::now() < deadline {
        // If somebody has come by now whose answer to the close frame went before, that is there to be read.
        let somebody_came = cx.somebody_waits();
        if session.is_closed_within(GLANCE) {
            return Ok(());
        }
        if somebody_came {
            return Err(Stop::failed("the old connection is closed first", "a new connection came before that"));
        }
    }
    Err(session.stays_open())
}
