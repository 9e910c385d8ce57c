//! Which desktops the client trusts.

use std::sync::Arc;

use rustls::ServerConfig;

use crate::check::client::Entry;
use crate::check::client::session::Session;
use crate::check::client::under_test::ClientUnderTest;
use crate::check::issuer::Issuer;
use crate::check::outcome::{Stop, Verdict};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::life(
        "trust/official-certificates",
        "the official desktop's certificates are accepted: X.509 version 1, CN=localhost, no other names",
        "desktop, certificate-utils",
        |cx| with_official_certificates(cx)?.goes_on(),
    )
    .secure(),
    Entry::life(
        "trust/expired-desktop",
        "a desktop whose certificate has expired is refused, although the CA is the right one",
        "secure docs; desktop, certificate-utils",
        |cx| {
            let session = with_official_certificates(cx)?;
            let expired = cx.issuer().expired().and_then(|issuer| issuer.server_config());
            refuses(cx, session, expired, "an expired certificate")
        },
    )
    .secure(),
    Entry::life(
        "trust/app-as-desktop",
        "an app of the same CA cannot pose as the desktop: its certificate is not for localhost",
        "this project; the official CA signs version 1 for both roles",
        |cx| {
            let session = with_official_certificates(cx)?;
            let app = cx.issuer().posing_app();
            refuses(cx, session, app, "the certificate of another app")
        },
    )
    .secure(),
];

/// A session with a desktop such as the official one, after an exchange with it.
fn with_official_certificates(cx: &mut ClientUnderTest) -> Verdict<Session> {
    cx.change_issuer(Issuer::official())?;
    cx.end_kept();
    cx.next_session()
}

fn refuses(
    cx: &mut ClientUnderTest,
    session: Session,
    impostor: Result<Arc<ServerConfig>, String>,
    whose: &str,
) -> Verdict {
    cx.impostor = Some(impostor.map_err(|what| Stop::broken("a TLS configuration", what))?);
    session.talk.drop_connection();
    cx.handshake_is_refused(whose)?;
    cx.impostor = None;
    let mut session = cx.next_session()?;
    session.goes_on()?;
    cx.keep(session);
    Ok(())
}
