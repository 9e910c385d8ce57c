//! Who the client says it is.

use flipper_proto::{Medium, Query, SDK_VERSION};

use crate::check::client::Entry;
use crate::check::client::under_test::{APP_ID, ClientUnderTest};
use crate::check::outcome::{Stop, Verdict, excerpt, expect, expect_eq};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::life(
        "query/exchange",
        "the query on the exchange port has os, device, app, device_id=unknown, and sdk_version 4 or more",
        "client docs; desktop, ServerWebSocket",
        exchange,
    )
    .secure(),
    Entry::life(
        "query/session",
        "the query of a session names the same app, the device id that was answered, the request and its directory",
        "client docs; desktop, SecureServerWebSocket",
        session,
    )
    .secure(),
    Entry::life(
        "query/device-id-escaped",
        "a device id that must be escaped in a URL comes back as it was answered",
        "secure docs; desktop, ServerWebSocket",
        device_id_escaped,
    )
    .secure(),
    Entry::life(
        "query/browser",
        "the query on the browser port has a device, its id, an app, and an os",
        "js-flipper; desktop, BrowserServerWebSocket",
        browser,
    )
    .browser(),
    Entry::life(
        "query/app-name-escaped",
        "an app name that must be escaped in a URL arrives as it is",
        "js-flipper, client.ts; this project",
        app_name_escaped,
    ),
];

fn exchange(cx: &mut ClientUnderTest) -> Verdict {
    let asked = cx.some_exchange()?.asked;
    let Query { app, os, device, device_id, sdk_version, medium, app_id, .. } = &asked.query;
    let came = || excerpt(&asked.head.target);
    expect(device_id == "unknown", "device_id=unknown", came())?;
    expect(![app, os, device].iter().any(|text| text.is_empty()), "an app, an os and a device", came())?;
    // A background plugin of an older client is never started.
    expect(sdk_version.is_some_and(|version| version >= SDK_VERSION), "sdk_version=4 or more", came())?;
    expect(matches!(medium, None | Some(Medium::FsAccess)), "medium=1, or none", came())?;
    if !cx.is_by_hand() {
        expect_eq("app", app, &cx.app)?;
        expect(app_id.as_deref().is_none_or(|id| id == APP_ID), format!("app_id={APP_ID}, or none"), came())?;
    }
    Ok(())
}

fn session(cx: &mut ClientUnderTest) -> Verdict {
    let granted = cx.some_exchange()?;
    let session = cx.session()?;
    let (asked, query) = (&granted.asked.query, &session.query);
    let came = || excerpt(&session.head.target);
    expect(
        (&query.app, &query.os, &query.device) == (&asked.app, &asked.os, &asked.device),
        format!("app, os and device as in the exchange: {:?}, {:?}, {:?}", asked.app, asked.os, asked.device),
        came(),
    )?;
    expect(query.device_id == cx.device_id, format!("device_id={}", cx.device_id), came())?;
    expect(query.sdk_version.is_some_and(|version| version >= SDK_VERSION), "sdk_version=4 or more", came())?;
    // The official C++ client cuts off the end of its base64.
    let has_csr =
        query.csr.as_ref().is_some_and(|csr| granted.csr.starts_with(csr) && csr.len() + 4 > granted.csr.len());
    expect(has_csr, "csr: the request of the exchange in base64", came())?;
    expect(
        query.csr_path.as_ref() == Some(&granted.destination),
        format!("csr_path: the destination of the exchange, {}", granted.destination),
        came(),
    )?;
    cx.keep(session);
    Ok(())
}

fn device_id_escaped(cx: &mut ClientUnderTest) -> Verdict {
    "emulator 5554/ü&#+=%".clone_into(&mut cx.device_id);
    let attempt = cx.fresh_exchange()?;
    cx.grant(attempt)?;
    let session = cx.next_session()?;
    expect_eq("device_id", &session.query.device_id, &cx.device_id)
}

fn browser(cx: &mut ClientUnderTest) -> Verdict {
    let session = cx.session()?;
    let target = &session.head.target;
    for key in ["device", "device_id", "app", "os"] {
        let has = target
            .split(['?', '&'])
            .any(|pair| pair.strip_prefix(key).is_some_and(|rest| rest.len() > 1 && rest.starts_with('=')));
        expect(has, format!("{key}=…"), excerpt(target))?;
    }
    let origin = session.head.origin.as_deref();
    expect(origin.is_some(), "an Origin header, without which the official desktop lets nobody in", "none")?;
    cx.keep(session);
    Ok(())
}

fn app_name_escaped(cx: &mut ClientUnderTest) -> Verdict {
    if cx.is_by_hand() {
        return Err(Stop::skipped("only a shim can be told a name"));
    }
    "A&B #1? 100%+ü=".clone_into(&mut cx.app);
    let session = cx.next_session()?;
    expect_eq("app", &session.query.app, &cx.app)
}
