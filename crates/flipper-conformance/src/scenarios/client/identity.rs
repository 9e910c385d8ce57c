//! Who an app says it is, and what happens when two say the same.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flipper_client::proto::client::{Failure, Purpose};
use flipper_client::proto::{CloseCause, Medium};
use flipper_demo::example;
use flipper_pki::CertificateRequest;
use serde_json::json;
use tempfile::TempDir;

use crate::scripted::{APP_ID, DEVICE_ID, Desktop, Reply};
use crate::suite::{App, Connected};
use crate::{Adapter, Handle as _, Result};

/// Covers: I4, I7, §2 os, §2 device, §2 device_id, §2 app, §2 app_id.
/// Covers: §2 sdk_version, §2 medium, §2 instance_id, §2 csr, §2 csr_path.
pub fn the_query_has_every_key_once_and_nothing_else<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let app = App::<A>::start_with(&desktop, dir.path(), |builder| builder.os("MacOS").device("my device"))?;
    let asked = desktop.asked()?;
    let session = desktop.session()?;

    let mut names = vec!["os", "device", "device_id", "app", "app_id", "sdk_version", "medium", "instance_id"];
    assert_eq!(asked.keys.names(), names);
    names.extend(["csr", "csr_path"]);
    assert_eq!(session.keys.names(), names);
    for (keys, device_id) in [(&asked.keys, "unknown"), (&session.keys, DEVICE_ID)] {
        for (key, value) in [
            ("os", "MacOS"),
            ("device", "my device"),
            ("device_id", device_id),
            ("app", "Rust App"),
            ("app_id", APP_ID),
            ("sdk_version", "4"),
            ("medium", "1"),
        ] {
            assert_eq!(keys.get(key)?, Some(value), "{key}");
        }
    }
    assert!(session.target.starts_with("/?"), "{}", session.target);
    // One process: one instance.
    assert_eq!(asked.keys.get("instance_id")?, session.keys.get("instance_id")?);
    app.stop(session)
}

/// Covers: §2 foreground.
pub fn an_app_may_ask_to_be_shown<A: Adapter>() -> Result {
    for foreground in [true, false] {
        let Connected { session, app, .. } =
            Connected::<A>::with(|builder| builder.configure(|config| config.foreground = Some(foreground)))?;
        assert_eq!(session.keys.get("foreground")?, Some(if foreground { "true" } else { "false" }));
        app.stop(session)?;
    }
    Ok(())
}

/// Desktops refuse connections that look like a browser's.
///
/// Covers: I8.
pub fn no_connection_looks_like_a_browser<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let app = App::<A>::start(&desktop, dir.path())?;
    let asked = desktop.asked()?;
    let session = desktop.session()?;
    for headers in [&asked.headers, &session.headers] {
        for unwanted in ["origin", "cookie", "sec-websocket-protocol", "sec-websocket-extensions"] {
            assert!(!headers.iter().any(|header| header == unwanted), "{headers:?}");
        }
    }
    app.stop(session)
}

/// Covers: P28, §2 encoding.
pub fn names_arrive_whatever_they_hold<A: Adapter>() -> Result {
    for name in ["A&B #1?", "100 % + 1=2", "größer/日本語 🎉", "a;b,c:d\"e'f<g>"] {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        let app = App::<A>::start_with(&desktop, dir.path(), |builder| {
            builder.device(name).configure(|config| config.app = name.to_owned())
        })?;
        let asked = desktop.asked()?;
        let session = desktop.session()?;
        for keys in [&asked.keys, &session.keys] {
            assert_eq!((keys.get("app")?, keys.get("device")?), (Some(name), Some(name)));
        }
        assert!(session.target.is_ascii(), "{}", session.target);
        app.stop(session)?;
    }
    Ok(())
}

/// The last character of the base64 included, which official clients cut off.
///
/// Covers: I3, §2 csr, §2 csr_path.
pub fn the_csr_of_the_query_is_the_one_on_the_disk<A: Adapter>() -> Result {
    let Connected { session, app, dir: _dir, .. } = Connected::<A>::new()?;

    let csr = session.keys.get("csr")?.ok_or("there is no csr")?;
    let path = session.keys.get("csr_path")?.ok_or("there is no csr_path")?;

    assert_eq!(BASE64.decode(csr)?, fs::read(format!("{path}app.csr"))?);
    app.stop(session)
}

/// Covers: P8, §2 app_id, §4 request.
pub fn every_app_id_is_issued_a_certificate<A: Adapter>() -> Result {
    let long = "com.example.".to_owned() + &"x".repeat(200);
    let longest = "x".repeat(63);
    for (app_id, common_name) in [
        ("com.example.app_alpha-1", "com.example.app_alpha-1"),
        (&longest, &longest),
        // No common name can hold these, or no official desktop signs them.
        ("com.example.a+b", "com.flipper"),
        ("com.example.größe", "com.flipper"),
        ("my app", "com.flipper"),
        ("localhost", "com.flipper"),
        (&long, "com.flipper"),
    ] {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| {
            builder.configure(|config| config.app_id = app_id.to_owned())
        })?;
        let asked = desktop.asked()?;
        assert_eq!(CertificateRequest::from_pem(asked.text("csr")?)?.common_name(), common_name);
        assert_eq!(asked.keys.get("app_id")?, Some(app_id));
        let session = desktop.session()?;
        assert_eq!(session.keys.get("app_id")?, Some(app_id));
        app.wait_connected()?;
        app.stop(session)?;
    }
    Ok(())
}

/// An empty id means the desktop's own machine, where official desktops show no such app.
///
/// Covers: §2 device_id, §2 medium, §4 grant.
pub fn an_app_without_a_device_brings_an_id_of_its_own<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply([Reply::GrantWith(json!({"deviceId": ""}).to_string())]);
    let start = || App::<A>::start_with(&desktop, dir.path(), |builder| builder.device_id("my-machine"));
    // Stored as it was answered, so that the next start does the same.
    for _ in 0..2 {
        let app = start()?;
        let session = desktop.session()?;
        assert_eq!((session.keys.get("device_id")?, session.keys.get("medium")?), (Some("my-machine"), Some("3")));
        assert_eq!(session.query.medium, Some(Medium::None));
        app.stop(session)?;
    }
    Ok(())
}

/// As the official desktop treats them: the newer replaces the older, which is closed, and comes back.
///
/// Covers: P20, M6, §2 instance_id, §5 close codes.
pub fn two_apps_of_one_identity_do_not_chase_each_other_for_ever<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let start = |dir: &TempDir| -> Result<_> {
        desktop.provision(dir.path())?;
        let app = App::<A>::start_with(&desktop, dir.path(), |builder| {
            builder.plugin(example()).configure(|config| config.backoff.loop_sessions = 3)
        })?;
        Ok((app, desktop.session()?))
    };
    let (first_dir, second_dir) = (TempDir::new()?, TempDir::new()?);
    let (mut first, mut older) = start(&first_dir)?;
    first.wait_connected()?;
    let (mut second, mut newer) = start(&second_dir)?;
    second.wait_connected()?;
    for key in ["app", "os", "device", "device_id"] {
        assert_eq!(older.keys.get(key)?, newer.keys.get(key)?, "{key}");
    }
    // By this a desktop can tell that they are two, and keep both.
    assert_ne!(older.keys.get("instance_id")?, newer.keys.get("instance_id")?);

    for _ in 0..2 {
        older.close(1000, "")?;
        assert!(matches!(first.wait_cause(Purpose::Session)?, CloseCause::Code { code: 1000, .. }));
        older = newer;
        newer = desktop.session()?;
        first.wait_connected()?;
        older.close(1000, "")?;
        assert!(matches!(second.wait_cause(Purpose::Session)?, CloseCause::Code { code: 1000, .. }));
        older = newer;
        newer = desktop.session()?;
        second.wait_connected()?;
    }
    older.close(1000, "")?;

    // It says what goes on, and waits for as long as it ever waits.
    let failure = first.wait_failure()?;
    assert!(matches!(failure, Failure::ReconnectLoop { sessions: 3, .. }), "{failure:?}");
    assert!(failure.to_string().contains("two processes"), "{failure}");
    newer.init("Example")?;
    newer.assert_echoes()?;
    second.stop(newer)?;
    first.stop(desktop.session()?)
}

/// The official desktop takes a connection that ends late for the end of the one that came after it.
///
/// Covers: M6, §2 one at a time.
pub fn an_app_lets_go_of_its_old_connection_before_it_opens_another<A: Adapter>() -> Result {
    let Connected { session: mut old, mut app, desktop, .. } = Connected::<A>::new()?;
    app.wait_connected()?;

    // The desktop does not end it.
    old.begin_close(1000)?;

    let new = desktop.session()?;
    assert!(old.is_gone()?, "there are two connections");
    assert!(app.handle.wait_connected());
    app.stop(new)
}
