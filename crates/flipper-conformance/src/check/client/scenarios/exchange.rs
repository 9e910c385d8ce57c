//! The certificate exchange.

use std::path::Path;
use std::time::{Duration, SystemTime};

use flipper_pki::{CertificateRequest, common_name};
use serde_json::{Value, json};

use crate::check::client::Entry;
use crate::check::client::under_test::{APP_ID, ClientUnderTest, ExchangeAttempt};
use crate::check::outcome::{Stop, Verdict, excerpt, expect};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::life(
        "exchange/request",
        "the first message is signCertificate, without an id, with csr, destination, and medium 1 or none",
        "secure docs; desktop, ServerWebSocketBase",
        request,
    )
    .secure(),
    Entry::life(
        "exchange/csr",
        "csr is a PKCS#10 request in PEM, signed by its own key, whose CN is the app's id as far as that can be one",
        "secure docs; desktop, CertificateUtils",
        csr,
    )
    .secure(),
    Entry::life(
        "exchange/destination",
        "destination is an absolute directory that exists, and ends with a separator: file names are appended to it",
        "desktop, DesktopCertificateProvider",
        destination,
    )
    .secure(),
    Entry::life(
        "exchange/app-csr",
        "the directory holds the request as app.csr: desktops compare it with the one that was sent",
        "desktop, AndroidCertificateProvider; this project's desktop",
        app_csr,
    )
    .secure(),
    Entry::life(
        "exchange/timestamp",
        "timestamp, if there is one, is the present in Unix milliseconds: desktops refuse another day's",
        "desktop 0.273, ServerWebSocketBase",
        timestamp,
    )
    .secure(),
    Entry::life("exchange/logs", "logs, if there are any, are a list of texts", "C++ client", logs).secure(),
    Entry::life(
        "exchange/acknowledgement",
        "signCertificateAck, if it is sent, has no id and tells what was answered",
        "C++ client",
        acknowledgement,
    )
    .secure(),
    Entry::life(
        "exchange/unknown-fields",
        "fields of the answer that mean nothing are ignored",
        "desktop 0.273 sends more than deviceId",
        unknown_fields,
    )
    .secure(),
    Entry::life(
        "exchange/refused",
        "an answer without deviceId is a refusal: the client asks again",
        "desktop 0.273, ServerWebSocketBase",
        |cx| fails_once(cx, |attempt| attempt.talk.send("{}").map_err(|end| end.to_string())),
    )
    .secure(),
    Entry::life(
        "exchange/refused-with-error",
        "an answer with an error is a refusal as well",
        "this project's desktop",
        |cx| {
            let error =
                json!({"error": {"name": "Refused", "message": "not today", "hint": "try tomorrow"}}).to_string();
            fails_once(cx, move |attempt| attempt.talk.send(&error).map_err(|end| end.to_string()))
        },
    )
    .secure(),
    Entry::life(
        "exchange/garbage-answer",
        "an answer that is no JSON does not end the client: it asks again",
        "flipper#3118",
        |cx| fails_once(cx, |attempt| attempt.talk.send("no JSON").map_err(|end| end.to_string())),
    )
    .secure(),
    Entry::life(
        "exchange/closed",
        "a connection that is closed with code 1011 instead of an answer: the client asks again",
        "desktop, ServerWebSocket",
        |cx| fails_once(cx, |attempt| attempt.talk.close(1011, "").map_err(|end| end.to_string())),
    )
    .secure(),
    Entry::life(
        "exchange/lost",
        "a connection that is lost before the answer: the client asks again",
        "C++ client",
        |cx| {
            let attempt = cx.fresh_exchange()?;
            attempt.talk.drop_connection();
            asks_again(cx)
        },
    )
    .secure(),
    Entry::life(
        "exchange/unanswered",
        "a request that is never answered: the client gives up by itself, and asks again",
        "desktop 0.162 answers no request that it refuses",
        |cx| fails_once(cx, |_| Ok(())),
    )
    .secure(),
];

fn request(cx: &mut ClientUnderTest) -> Verdict {
    let message = cx.some_exchange()?.asked.message;
    let came = || shown(&message);
    expect(message["id"].is_null(), "no id", came())?;
    expect(message["csr"].is_string() && message["destination"].is_string(), "texts as csr and destination", came())?;
    // Desktop 0.162 takes the medium from here, 0.273 from the query.
    expect(message.get("medium").is_none_or(|medium| medium == 1), "medium 1, or none", came())
}

fn csr(cx: &mut ClientUnderTest) -> Verdict {
    let granted = cx.some_exchange()?;
    let request = CertificateRequest::from_pem(&granted.csr)
        .map_err(|error| Stop::failed("a request that can be signed", error.to_string()))?;
    let app_id = if cx.is_by_hand() { granted.asked.query.app_id.as_deref() } else { Some(APP_ID) };
    let Some(app_id) = app_id else { return Ok(()) };
    expect(
        request.common_name() == common_name(app_id),
        format!("CN={}", common_name(app_id)),
        format!("CN={}", request.common_name()),
    )
}

fn destination(cx: &mut ClientUnderTest) -> Verdict {
    let destination = cx.some_exchange()?.destination;
    expect(destination.ends_with(['/', '\\']), "a separator at the end", &destination)?;
    let path = Path::new(&destination);
    expect(path.is_absolute() && path.is_dir(), "an absolute directory that exists", &destination)
}

fn app_csr(cx: &mut ClientUnderTest) -> Verdict {
    let granted = cx.some_exchange()?;
    let file = format!("{}app.csr", granted.destination);
    let kept = std::fs::read_to_string(&file).map_err(|error| Stop::failed(&file, error.to_string()))?;
    // Compared as requests: line ends get lost on the way.
    let same = CertificateRequest::from_pem(&kept).ok() == CertificateRequest::from_pem(&granted.csr).ok();
    expect(same, format!("the request in {file}"), "another one")
}

fn timestamp(cx: &mut ClientUnderTest) -> Verdict {
    let message = cx.some_exchange()?.asked.message;
    let Some(timestamp) = message.get("timestamp") else {
        return Err(Stop::skipped("the client sends no timestamp, which is allowed"));
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let sent = Duration::from_millis(timestamp.as_u64().unwrap_or_default());
    let day = Duration::from_secs(24 * 60 * 60);
    expect(now.abs_diff(sent) < day, format!("about {}", now.as_millis()), timestamp.to_string())
}

fn logs(cx: &mut ClientUnderTest) -> Verdict {
    let message = cx.some_exchange()?.asked.message;
    match message.get("logs") {
        None => Err(Stop::skipped("the client sends no logs, which is allowed")),
        Some(Value::Array(lines)) if lines.iter().all(Value::is_string) => Ok(()),
        Some(logs) => Err(Stop::failed("a list of texts", excerpt(&logs.to_string()))),
    }
}

fn acknowledgement(cx: &mut ClientUnderTest) -> Verdict {
    let attempt = cx.fresh_exchange()?;
    cx.grant(attempt)?;
    let session = cx.next_session()?;
    cx.keep(session);
    let Some(text) = cx.acknowledgement() else {
        return Err(Stop::skipped("the client sent none, or too late, which is allowed"));
    };
    let message: Value = serde_json::from_str(&text).map_err(|_| Stop::failed("JSON", excerpt(&text)))?;
    let expected = json!({
        "method": "signCertificateAck", "isError": false, "hasRequiredFiles": true,
        "config": {"deviceId": cx.device_id, "medium": 1},
    });
    let has = |of: &Value, field: &str| of[field] == expected[field];
    let told = ["method", "isError", "hasRequiredFiles", "config"].iter().all(|field| has(&message, field));
    expect(told && message["id"].is_null(), expected.to_string(), excerpt(&text))
}

fn unknown_fields(cx: &mut ClientUnderTest) -> Verdict {
    let attempt = cx.fresh_exchange()?;
    let answer = json!({"certificates": "AAAA", "deviceId": cx.device_id, "more": {"deviceId": 5}});
    cx.grant_with(attempt, &answer)?;
    let mut session = cx.next_session()?;
    session.goes_on()?;
    cx.keep(session);
    Ok(())
}

fn fails_once(cx: &mut ClientUnderTest, fail: impl FnOnce(&mut ExchangeAttempt) -> Result<(), String>) -> Verdict {
    let mut attempt = cx.fresh_exchange()?;
    fail(&mut attempt).map_err(|how| Stop::failed("the client waits for the answer", how))?;
    cx.linger(attempt);
    asks_again(cx)
}

/// Another request, which is granted, and then a session.
fn asks_again(cx: &mut ClientUnderTest) -> Verdict {
    let again = cx.next_exchange()?;
    cx.grant(again)?;
    let mut session = cx.next_session()?;
    session.goes_on()?;
    cx.keep(session);
    Ok(())
}

/// A request without its long parts.
fn shown(message: &Value) -> String {
    let mut message = message.clone();
    for field in ["csr", "logs"] {
        if let Some(long) = message.get_mut(field) {
            *long = json!("…");
        }
    }
    excerpt(&message.to_string())
}
