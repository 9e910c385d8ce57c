//! Who is let in, by the query and the certificate.

use std::time::Instant;

use crate::check::desktop::Entry;
use crate::check::desktop::under_test::{DesktopUnderTest, Dial, Port};
use crate::check::outcome::{Stop, Verdict};
use crate::check::talk::Came;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        "admission/incomplete-exchange-query",
        "on the exchange port, a query without os, device, device_id or app is accepted and closed with code 1011",
        "desktop, ServerWebSocket; C++ client",
        |cx| {
            let target = cx.exchange_query().to_target();
            incomplete(cx, Port::Insecure, &target, &Dial::default())
        },
    ),
    Entry::new(
        "admission/incomplete-session-query",
        "on the session port, a query without os, device, device_id or app is accepted and closed with code 1011",
        "desktop, SecureServerWebSocket; C++ client",
        |cx| {
            let (target, dial) = session(cx)?;
            incomplete(cx, Port::Secure, &target, &dial)
        },
    ),
    Entry::new(
        "admission/key-twice",
        "a query that says app twice is accepted and closed with code 1011",
        "desktop, ServerWebSocket",
        |cx| {
            let (target, dial) = session(cx)?;
            cx.closes_with_1011(Port::Secure, &format!("{target}&app=Other"), dial)
        },
    ),
    Entry::new(
        "admission/unknown-medium",
        "a query with a medium that does not exist is accepted and closed with code 1011",
        "desktop, SecureServerWebSocket",
        |cx| {
            let (target, dial) = session(cx)?;
            cx.closes_with_1011(Port::Secure, &target.replace("medium=1", "medium=9"), dial)
        },
    ),
    Entry::new(
        "admission/optional-keys",
        "app_id, sdk_version and medium may be missing, and keys that mean nothing are ignored",
        "desktop, SecureServerWebSocket",
        optional_keys,
    ),
    Entry::new(
        "admission/raw-base64",
        "csr may hold + and / and = as they are, and lack its last character: the C++ client sends it so",
        "C++ client, FlipperBase64.cpp",
        raw_base64,
    ),
    Entry::new(
        "admission/certificate-of-another-app",
        "a certificate that was issued to one app does not let in another",
        "this project",
        certificate_of_another_app,
    ),
];

/// The target of a session that nothing is wrong with, and how to connect.
fn session(cx: &mut DesktopUnderTest) -> Verdict<(String, Dial)> {
    let member = cx.member()?;
    let tls = member.identity.tls(&member.certificates)?;
    let name = cx.new_name();
    let target = DesktopUnderTest::session_query(&member, &name).to_target();
    Ok((target, Dial { tls: Some(tls), ..Dial::default() }))
}

fn incomplete(cx: &mut DesktopUnderTest, port: Port, target: &str, dial: &Dial) -> Verdict {
    for key in ["os", "device", "device_id", "app"] {
        cx.closes_with_1011(port, &less(target, key), dial.clone())?;
    }
    cx.closes_with_1011(port, "/", dial.clone())
}

/// The target without a key.
fn less(target: &str, key: &str) -> String {
    let pairs = target.trim_start_matches("/?").split('&');
    let others: Vec<_> = pairs.filter(|pair| pair.split('=').next() != Some(key)).collect();
    format!("/?{}", others.join("&"))
}

fn optional_keys(cx: &mut DesktopUnderTest) -> Verdict {
    let (target, dial) = session(cx)?;
    let target = ["app_id", "sdk_version", "medium"].iter().fold(target, |target, key| less(&target, key));
    stays_open(cx, &format!("{target}&unknown=1&unknown=2&"), dial)
}

fn raw_base64(cx: &mut DesktopUnderTest) -> Verdict {
    let (target, dial) = session(cx)?;
    stays_open(cx, &format!("{target}&csr=aaaa++//bbbb+/=&csr_path=%2Ftmp%2Fx%2F"), dial.clone())?;
    stays_open(cx, &format!("{}&csr=YWJ", target.replace("Conformance", "Cut")), dial)
}

fn stays_open(cx: &mut DesktopUnderTest, target: &str, dial: Dial) -> Verdict {
    let mut talk = cx.open(Port::Secure, target, dial)?;
    let payload = b"still there?";
    talk.ping(payload).map_err(|end| Stop::failed("the session goes on", end.to_string()))?;
    let deadline = Instant::now() + cx.patience();
    loop {
        match talk.receive(deadline) {
            Came::Pong(_) => return Ok(()),
            Came::Text(_) | Came::Binary(_) => {}
            Came::Ended(end) => return Err(Stop::failed(format!("a session for {target}"), end.to_string())),
            Came::Nothing => return Err(Stop::failed("a pong", "nothing")),
        }
    }
}

fn certificate_of_another_app(cx: &mut DesktopUnderTest) -> Verdict {
    let member = cx.member()?;
    let name = cx.new_name();
    let mut query = DesktopUnderTest::session_query(&member, &name);
    query.app_id = Some("com.example.another".to_owned());
    let tls = member.identity.tls(&member.certificates)?;
    cx.refuses(Port::Secure, &query.to_target(), Dial { tls: Some(tls), ..Dial::default() })
}
