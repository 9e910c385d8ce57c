//! What the client does with the certificates that it has.

use serde_json::json;

use crate::check::client::Entry;
use crate::check::client::under_test::ClientUnderTest;
use crate::check::issuer::Issuer;
use crate::check::outcome::{Stop, Verdict, expect};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::life(
        "credentials/used-again",
        "a client that comes back uses the certificates that it has, three times in a row",
        "secure docs; C++ client",
        used_again,
    )
    .secure(),
    Entry::life(
        "credentials/kept-over-restart",
        "a client that was restarted uses the certificates that it has",
        "secure docs; C++ client",
        kept_over_restart,
    )
    .secure(),
    Entry::life(
        "credentials/other-desktop",
        "a desktop with another CA is refused, and asked for certificates after two failures at the latest",
        "secure docs; C++ client, isCertificateExchangeNeeded",
        other_desktop,
    )
    .secure(),
    Entry::life(
        "credentials/survive-a-failed-exchange",
        "an exchange that fails destroys nothing: the desktop of before is connected to again without another exchange",
        "this project",
        survive_a_failed_exchange,
    )
    .secure(),
];

fn used_again(cx: &mut ClientUnderTest) -> Verdict {
    let mut session = cx.session()?;
    for _ in 0..3 {
        session.talk.drop_connection();
        session = cx.next_session_without_exchange()?;
        session.goes_on()?;
    }
    cx.keep(session);
    Ok(())
}

fn kept_over_restart(cx: &mut ClientUnderTest) -> Verdict {
    if cx.is_by_hand() {
        return Err(Stop::skipped("only a shim can be restarted"));
    }
    cx.session()?.goes_on()?;
    cx.stop();
    cx.desk.forget_arrivals();
    cx.next_session_without_exchange()?.goes_on()
}

fn other_desktop(cx: &mut ClientUnderTest) -> Verdict {
    let session = cx.session()?;
    cx.change_issuer(Issuer::ours())?;
    let before = cx.counts;
    session.talk.drop_connection();
    let mut session = match cx.next_session() {
        // Whatever came of it.
        _ if cx.counts.gullible_handshakes > before.gullible_handshakes => {
            return Err(Stop::failed(
                "the client refuses a desktop with another CA",
                "it presented its own certificate",
            ));
        }
        session => session?,
    };
    expect(cx.counts.exchanges > before.exchanges, "an exchange with the other desktop", "a session without one")?;
    let refused = cx.counts.refused_handshakes - before.refused_handshakes;
    expect((1..=2).contains(&refused), "one or two handshakes that fail before that", format!("{refused}"))?;
    session.goes_on()?;
    cx.keep(session);
    Ok(())
}

fn survive_a_failed_exchange(cx: &mut ClientUnderTest) -> Verdict {
    let session = cx.session()?;
    let known = cx.change_issuer(Issuer::ours())?;
    session.talk.drop_connection();
    let mut attempt = cx.next_exchange()?;
    cx.change_issuer(Ok(known))?;
    let refused = attempt.talk.send(&json!({}).to_string());
    refused.map_err(|end| Stop::failed("the client waits for the answer", end.to_string()))?;
    cx.linger(attempt);
    let mut session = cx.next_session_without_exchange()?;
    session.goes_on()?;
    cx.keep(session);
    Ok(())
}
