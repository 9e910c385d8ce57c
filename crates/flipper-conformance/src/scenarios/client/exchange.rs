//! How an app gets its certificates, and what it says when it does not.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use flipper_client::proto::client::{CredentialProblem, ExchangeReason, Failure, Os, Purpose, State, Step};
use flipper_client::proto::{CloseCause, ErrorReport, Generation, Medium, ProtocolError, TlsFailure};
use flipper_client::{CertificateProvider, Certificates, FetchError, StartError};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scripted::{APP_ID, Desktop, Issuer, Kept, Port, Reply, frames, lock};
use crate::suite::{App, builder};
use crate::{Adapter, Handle as _, Result};

/// Covers: §1 ports, §2 device_id, §2 medium, §2 csr, §2 csr_path, §4 request, §4 grant, §4 acknowledgement.
pub fn an_app_asks_for_certificates_and_connects_with_them<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;

    let mut app = App::<A>::start(&desktop, &dir.path().join("not/there/yet"))?;

    let asked = desktop.asked()?;
    assert_eq!((asked.query.app.as_str(), asked.query.device_id.as_str()), ("Rust App", "unknown"));
    assert_eq!((asked.query.app_id.as_deref(), asked.query.medium), (Some(APP_ID), Some(Medium::FsAccess)));
    assert_eq!((&asked.message["method"], &asked.message["medium"]), (&json!("signCertificate"), &json!(1)));
    let csr = asked.text("csr")?;
    let destination = asked.text("destination")?;
    assert_eq!(fs::read_to_string(format!("{destination}app.csr"))?, csr);
    assert_eq!(
        desktop.acknowledged()?,
        json!({
            "method": "signCertificateAck", "isError": false, "hasRequiredFiles": true,
            "config": {"deviceId": "device-1", "medium": 1},
        })
    );

    let mut session = desktop.session()?;
    assert_eq!((session.query.device_id.as_str(), session.query.medium), ("device-1", Some(Medium::FsAccess)));
    assert_eq!((session.query.csr.as_deref(), session.query.csr_path.as_deref()), (Some(csr), Some(destination)));
    session.init("Example")?;
    session.assert_echoes()?;
    app.wait_connected()?;
    let first = Generation::from_u64(1);
    let steps = [
        Step::ExchangeNeeded(ExchangeReason::NoCredentials),
        Step::RequestMade(first),
        Step::CertificateAsked { os: session.query.os.clone() },
        Step::Granted { device_id: "device-1".to_owned() },
        Step::CertificatesStored(first),
        Step::SessionAttempted(first),
        Step::CredentialsProven(first),
    ];
    assert_eq!(app.steps(), steps);
    assert_eq!(app.handle.status().state, State::Connected { unresponsive: false });
    assert_eq!((desktop.seen(Port::Insecure), desktop.seen(Port::Secure)), (1, 1));
    app.stop(session)
}

/// Covers: §3 decision.
pub fn the_second_start_needs_no_exchange<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let first = App::<A>::start(&desktop, dir.path())?;
    let session = desktop.session()?;
    first.stop(session)?;

    let second = App::<A>::start(&desktop, dir.path())?;
    let mut session = desktop.session()?;

    session.init("Example")?;
    session.assert_echoes()?;
    assert_eq!((second.exchanges(), desktop.seen(Port::Insecure)), (0, 1));
    second.stop(session)
}

/// Covers: P6, I8, §4 refusal.
pub fn every_refusal_is_told_for_what_it_is_and_the_app_goes_on_trying<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let text = |text: &str| Reply::Text(text.to_owned());
    let report = ErrorReport::new("No").named("Refused").with_hint("Ask again");
    let large = format!(r#"{{"deviceId":"{}"}}"#, "x".repeat(64 * 1024));
    let too_large = ProtocolError::TooLarge { size: large.len(), max: 64 * 1024 };
    let cases = [
        (text("{}"), Failure::ExchangeRefused(None)),
        (text(r#"{"deviceId":null}"#), Failure::ExchangeRefused(None)),
        (
            text(r#"{"error":{"name":"Refused","message":"No","hint":"Ask again"}}"#),
            Failure::ExchangeRefused(Some(report)),
        ),
        (text(r#"{"error":"No"}"#), Failure::ExchangeRefused(Some(ErrorReport::new("No")))),
        (text("hello"), Failure::Protocol(ProtocolError::Json { at: 0 })),
        (text(""), Failure::Protocol(ProtocolError::Json { at: 0 })),
        (text("[]"), Failure::Protocol(ProtocolError::WrongType("message"))),
        (text(r#"{"deviceId":5}"#), Failure::Protocol(ProtocolError::WrongType("deviceId"))),
        (Reply::Text(large), Failure::Protocol(too_large)),
        (Reply::Bytes(frames::frame(0x82, b"{}")), Failure::ExchangeRefused(None)),
        (Reply::HangUp, connection(&desktop, CloseCause::Eof)),
        (Reply::Close(4999, "no"), connection(&desktop, CloseCause::Code { code: 4999, reason: "no".into() })),
    ];
    let (replies, failures): (Vec<Reply>, Vec<Failure>) = cases.into_iter().unzip();
    desktop.reply(replies);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    for failure in failures {
        assert_eq!(app.wait_failure()?, failure);
    }
    let session = desktop.session()?;
    app.stop(session)?;
    // Of everything that came to nothing, nothing is left.
    let keys = keys(dir.path())?;
    assert_eq!(keys.len(), 1, "{keys:?}");
    Ok(())
}

/// Covers: §4 refusal.
pub fn text_that_is_no_utf8_is_a_broken_connection<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply([Reply::Bytes(frames::frame(0x81, b"\xff\xfe"))]);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    let cause = app.wait_cause(Purpose::Exchange)?;
    assert!(matches!(cause, CloseCause::WebSocket(_)), "{cause:?}");
    let session = desktop.session()?;
    app.stop(session)
}

/// Covers: P6, §4 deadline.
pub fn a_desktop_that_does_not_answer_is_not_waited_for_for_ever<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply((0..1000).map(|_| Reply::Silence));
    let short = Duration::from_millis(30);

    let mut app =
        App::<A>::start_with(&desktop, dir.path(), |builder| builder.configure(|config| config.timing.grant = short))?;

    for _ in 0..2 {
        assert_eq!(app.wait_failure()?, Failure::ExchangeTimeout { after: short });
    }
    app.stop_alone();
    assert_eq!(keys(dir.path())?, [""; 0]);
    Ok(())
}

/// Covers: §2 os.
pub fn an_os_that_is_refused_is_replaced_and_that_is_remembered<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply([Reply::Close(1011, "")]);
    let start = || {
        App::<A>::start_with(&desktop, dir.path(), |builder| {
            builder.configure(|config| config.os = Os::Automatic("BeOS".to_owned()))
        })
    };

    let mut first = start()?;
    let replaced = Step::OsReplaced { refused: "BeOS".to_owned(), presented: "MacOS".to_owned() };
    first.wait_step("another os", |step| *step == replaced)?;
    assert_eq!(desktop.asked()?.query.os, "MacOS");
    let session = desktop.session()?;
    assert_eq!(session.query.os, "MacOS");
    first.stop(session)?;

    let second = start()?;
    let session = desktop.session()?;
    assert_eq!(session.query.os, "MacOS");
    assert!(!second.steps().contains(&replaced));
    second.stop(session)
}

/// Covers: §2 os.
pub fn an_os_that_was_chosen_by_hand_stays<A: Adapter>() -> Result {
    for (os, failure) in [
        ("BeOS", Failure::OsRefused { os: "BeOS".to_owned() }),
        ("MacOS", Failure::QueryRefused { reason: "no such device".into() }),
    ] {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        let refusal = || Reply::Close(1011, "no such device");
        desktop.reply([refusal(), refusal()]);

        let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| builder.os(os))?;

        for _ in 0..2 {
            assert_eq!(app.wait_failure()?, failure);
        }
        assert_eq!(desktop.asked()?.query.os, os);
        let session = desktop.session()?;
        app.stop(session)?;
    }
    Ok(())
}

/// Covers: P6, §3 files, §4 acknowledgement.
pub fn certificates_that_are_missing_are_told_to_both_sides<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply([Reply::GrantNothing]);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    let Failure::Credentials(failure) = app.wait_failure()? else { return Err("another failure".into()) };
    assert_eq!(failure.kind, CredentialProblem::NotDelivered);
    assert_eq!(desktop.acknowledged()?["isError"], true);
    let session = desktop.session()?;
    app.stop(session)
}

/// Covers: I5, I6, P4, §4 request.
pub fn the_request_has_every_field_that_desktops_read<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let app = App::<A>::start(&desktop, dir.path())?;
    let asked = desktop.asked()?;
    let session = desktop.session()?;

    let fields = asked.message.as_object().ok_or("the request is no object")?;
    // Above all no id: official desktops take what has one for an answer.
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["csr", "destination", "logs", "medium", "method", "timestamp"]);
    let destination = asked.text("destination")?;
    assert!(destination.ends_with(std::path::MAIN_SEPARATOR), "{destination}");
    assert!(Path::new(destination).is_absolute() && Path::new(destination).is_dir(), "{destination}");
    assert!(asked.text("csr")?.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
    // Desktops compare the day.
    let timestamp = asked.message["timestamp"].as_u64().ok_or("the timestamp is no number")?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    assert!(now.abs_diff(Duration::from_millis(timestamp)) < Duration::from_secs(60 * 60), "{timestamp}");
    assert!(asked.message["logs"].as_array().is_some_and(|logs| logs.iter().all(Value::is_string)));
    app.stop(session)
}

/// Covers: I8, §4 grant, §4 certificates field, §5 unknown fields.
pub fn a_grant_may_hold_more_than_a_device_id<A: Adapter>() -> Result {
    for (grant, device_id) in [
        (r#"{"deviceId":"emulator-5554","certificates":"AAAA","more":{"deviceId":1}}"#, "emulator-5554"),
        (r#"{"certificates":null,"deviceId":"größer & #1+2"}"#, "größer & #1+2"),
        (" {\n\"deviceId\" : \"a\\u0062\"}\n", "ab"),
    ] {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.reply([Reply::GrantWith(grant.to_owned())]);

        let app = App::<A>::start(&desktop, dir.path())?;

        let session = desktop.session()?;
        assert_eq!(session.keys.get("device_id")?, Some(device_id));
        assert_eq!(desktop.acknowledged()?["config"]["deviceId"], device_id);
        app.stop(session)?;
    }
    Ok(())
}

/// Desktops of old ignore it, and end the connection as soon as they have answered.
///
/// Covers: §4 acknowledgement.
pub fn nobody_has_to_wait_for_the_acknowledgement<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply([Reply::GrantAndHangUp]);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    let session = desktop.session()?;
    app.wait_step("proof", |step| matches!(step, Step::CredentialsProven(_)))?;
    assert_eq!((app.exchanges(), desktop.seen(Port::Insecure)), (1, 1));
    app.stop(session)
}

/// Covers: P7, M3, §4 refusal.
pub fn a_failed_exchange_leaves_what_there_was<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    let before = fs::read(dir.path().join("1/privateKey.pem"))?;
    let first = desktop.replace_issuer(Issuer::new()?);
    // Another desktop has taken its place, and dies when it is asked.
    desktop.reply((0..10_000).map(|_| Reply::HangUp));
    let mut app = App::<A>::start(&desktop, dir.path())?;
    assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Tls(TlsFailure::UnknownCa));
    assert_eq!(app.wait_cause(Purpose::Exchange)?, CloseCause::Eof);
    assert_eq!(fs::read_to_string(dir.path().join("current"))?.trim(), "1");

    desktop.replace_issuer(first);

    let session = desktop.session()?;
    assert_eq!(session.query.csr_path, dir.path().join("1/").to_str().map(str::to_owned));
    app.stop(session)?;
    assert_eq!(fs::read(dir.path().join("1/privateKey.pem"))?, before);
    assert_eq!(keys(dir.path())?.len(), 1);
    Ok(())
}

/// Covers: §4 medium WWW.
pub fn certificates_may_be_fetched_from_elsewhere<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let kept = Kept::default();
    desktop.reply([0; 3].map(|_| Reply::Keep(Arc::clone(&kept))));
    let tries = AtomicUsize::new(0);
    let provider = move |device_id: &str| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Err("the store is down".into()),
        1 => panic!("the provider breaks"),
        _ => lock(&kept).get(device_id).cloned().ok_or_else(|| "no such device".into()),
    };

    let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| {
        builder.plugin(flipper_demo::example()).medium(Medium::Www).certificate_provider(Provider(provider))
    })?;

    for part in ["device-1 could not be fetched: the store is down", "the certificate provider panicked"] {
        let Failure::Credentials(failure) = app.wait_failure()? else { return Err("another failure".into()) };
        assert_eq!(failure.kind, CredentialProblem::Fetch);
        assert!(failure.text.contains(part), "{failure}");
        assert_eq!(desktop.acknowledged()?["isError"], true);
    }
    let mut session = desktop.session()?;
    assert_eq!(desktop.acknowledged()?["config"], json!({"deviceId": "device-1", "medium": 2}));
    let asked = desktop.asked()?;
    assert_eq!((asked.query.medium, &asked.message["medium"]), (Some(Medium::Www), &json!(2)));
    assert_eq!(session.query.medium, Some(Medium::Www));
    session.init("Example")?;
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P24, M7, §4 medium WWW.
pub fn a_certificate_provider_may_stop_the_app<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply([Reply::GrantNothing]);
    let own = Arc::new(OnceLock::<A::Handle>::new());
    let stopping = Arc::clone(&own);
    let provider = move |_: &str| {
        stopping.wait().begin_stop();
        Err("there is no need any more".into())
    };
    let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| {
        builder.medium(Medium::Www).certificate_provider(Provider(provider))
    })?;
    assert!(own.set(app.handle.clone()).is_ok());

    app.wait_state(&State::Stopped)?;
    app.handle.stop();
    assert_eq!(app.handle.status().state, State::Stopped);
    assert_eq!(keys(dir.path())?, [""; 0]);
    Ok(())
}

/// Covers: §4 medium WWW.
pub fn fetching_certificates_needs_a_provider<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;

    let refused = A::start(builder::<A>(&desktop, dir.path()).medium(Medium::Www)).err().ok_or("it started")?;

    assert_eq!(refused.downcast_ref(), Some(&StartError::NoCertificateProvider));
    Ok(())
}

/// Covers: §3 decision.
pub fn another_medium_leads_to_another_exchange<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    let kept = Kept::default();
    desktop.reply([Reply::Keep(Arc::clone(&kept))]);
    let provider = move |id: &str| lock(&kept).get(id).cloned().ok_or_else(|| "no such device".into());

    let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| {
        builder.medium(Medium::Www).certificate_provider(Provider(provider))
    })?;

    app.wait_step("the reason", |step| *step == Step::ExchangeNeeded(ExchangeReason::MediumChanged))?;
    let session = desktop.session()?;
    app.stop(session)
}

/// A provider made of a closure.
struct Provider<F>(F);

impl<F> CertificateProvider for Provider<F>
where
    F: Fn(&str) -> Result<Certificates, FetchError> + Send + Sync + 'static,
{
    fn fetch(&self, device_id: &str) -> Result<Certificates, FetchError> {
        (self.0)(device_id)
    }
}

fn connection(desktop: &Desktop, cause: CloseCause) -> Failure {
    Failure::Connection { purpose: Purpose::Exchange, to: desktop.address(Port::Insecure).to_string(), cause }
}

/// The private keys below a directory.
fn keys(directory: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let key = entry?.path().join("privateKey.pem");
        if key.exists() {
            found.push(key.display().to_string());
        }
    }
    Ok(found)
}
