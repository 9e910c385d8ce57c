//! Mutual TLS on the port of the sessions.

use flipper_pki::{Authority, AuthorityConfig};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::check::desktop::Entry;
use crate::check::desktop::identity::{Identity, anonymous_tls};
use crate::check::desktop::under_test::{DesktopUnderTest, Dial, Port};
use crate::check::outcome::{Stop, Verdict, expect};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new("tls/1.2", "TLS 1.2 is spoken: old Android and iOS apps have no other", "desktop", |cx| {
        version(cx, &TLS12)
    }),
    Entry::new("tls/1.3", "TLS 1.3 is spoken", "desktop", |cx| version(cx, &TLS13)),
    Entry::new("tls/no-certificate", "an app without a certificate is refused", "secure docs", |cx| {
        let member = cx.member()?;
        let tls = anonymous_tls(&member.certificates.ca_pem)?;
        refused(cx, Some(tls))
    }),
    Entry::new(
        "tls/certificate-of-another-desktop",
        "an app with a certificate of another desktop is refused, although its CA has the same name",
        "secure docs",
        |cx| {
            let member = cx.member()?;
            let other = Authority::in_memory(AuthorityConfig::default());
            let other = other.map_err(|error| Stop::broken("another CA", error))?;
            let identity = Identity::new()?;
            let certificates = identity.certified_by(&other, &member.certificates.ca_pem)?;
            refused(cx, Some(identity.tls(&certificates)?))
        },
    ),
    Entry::new(
        "tls/self-signed-certificate",
        "an app with a certificate of its own making is refused",
        "secure docs",
        |cx| {
            let member = cx.member()?;
            let identity = Identity::new()?;
            let certificates = identity.self_certified(&member.certificates.ca_pem)?;
            refused(cx, Some(identity.tls(&certificates)?))
        },
    ),
    Entry::new(
        "tls/plain-websocket",
        "a WebSocket without TLS is refused on the port of the sessions",
        "secure docs",
        |cx| refused(cx, None),
    ),
    Entry::new(
        "tls/two-certificates",
        "the desktop shows its own certificate and the CA's, and nothing else: the Android SDK counts them",
        "Android SDK, FlipperSocketImpl.java",
        two_certificates,
    ),
];

fn version(cx: &mut DesktopUnderTest, version: &'static SupportedProtocolVersion) -> Verdict {
    let member = cx.member()?;
    let tls = member.identity.tls_of(&member.certificates, &[version])?;
    let name = cx.new_name();
    let target = DesktopUnderTest::session_query(&member, &name).to_target();
    cx.open(Port::Secure, &target, Dial { tls: Some(tls), ..Dial::default() }).map(drop)
}

fn refused(cx: &mut DesktopUnderTest, tls: Option<std::sync::Arc<rustls::ClientConfig>>) -> Verdict {
    let member = cx.member()?;
    let name = cx.new_name();
    let target = DesktopUnderTest::session_query(&member, &name).to_target();
    cx.refuses(Port::Secure, &target, Dial { tls, ..Dial::default() })
}

fn two_certificates(cx: &mut DesktopUnderTest) -> Verdict {
    let app = cx.new_session()?;
    let shown = app.talk.peer_certificates();
    expect(shown == 2, "two certificates", format!("{shown}"))
}
