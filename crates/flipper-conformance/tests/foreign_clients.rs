//! Clients in other languages, with nothing of ours in them, against our desktop.

#![cfg(unix)]

mod foreign;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use flipper_conformance::official::skips_this_test;
use flipper_desktop::pki::{Authority, AuthorityConfig, WallClock};
use flipper_desktop::proto::ClientId;
use flipper_desktop::proto::desktop::{Channel, PeerIdentity};
use flipper_desktop::{Desktop, Event};
use serde_json::{Value, json};
use tempfile::TempDir;

use foreign::{Program, Result, Rig, peer};

/// Node's client, with these flags beside the usual ones.
fn by_hand(rig: &Rig, flags: &[&str]) -> Result<Program> {
    let mut command = Command::new("node");
    command.arg(peer("by_hand_client.cjs")).args(flags);
    rig.spawn(&mut command, "By Hand", "com.example.by-hand")
}

/// Java's client.
fn android(rig: &Rig) -> Result<Program> {
    rig.spawn(Command::new("java").arg(peer("AndroidClient.java")), "Android", "com.example.android")
}

/// From a connection to an answered call.
async fn answers(rig: &mut Rig, app: &mut Program, plugin: &str) -> Result<ClientId> {
    app.ask("connect")?;
    app.wait("connected")?;
    let client = rig.client().await?;
    let answer = rig.call(&client, plugin, "reverse", json!({"word": "hello"})).await?;
    assert_eq!(answer, json!({"word": "olleh"}));
    Ok(client)
}

fn hang_up(app: &mut Program) -> Result {
    app.ask("close")?;
    assert_eq!(app.wait("closed")?["code"], 1000);
    Ok(())
}

/// From nothing to an answered call, an event, and a second connection.
async fn goes_the_whole_way(flags: &[&str]) -> Result<Rig> {
    let mut rig = Rig::start(Desktop::builder().in_memory_authority()).await?;
    let mut app = by_hand(&rig, flags)?;
    app.ask("request")?;
    app.wait("requested")?;
    app.ask("exchange")?;
    assert_eq!(app.wait("exchanged")?["answer"], json!({"deviceId": ""}));
    for _connection in 0..2 {
        let client = answers(&mut rig, &mut app, "ByHand").await?;
        app.ask("emit")?;
        let row = rig.event("the row", |event| match event {
            Event::Message { method, params, .. } if &**method == "row" => params.clone(),
            _ => None,
        });
        assert_eq!(row.await?.as_json(), r#"{"index":1}"#);
        let Channel::Secure(identity) = rig.desktop.client(&client).ok_or("it is there")?.info.channel else {
            return Err("not on the secure port".into());
        };
        let bound = PeerIdentity::Bound { app: "com.example.by-hand".to_owned(), device_id: String::new() };
        assert_eq!(identity, bound);
        hang_up(&mut app)?;
    }
    Ok(rig)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_with_openssl_and_rsa() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    goes_the_whole_way(&[]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_as_the_official_sdks_do_it() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    // The version of the request is 1; what the query says of it is unescaped, and its last character is missing.
    goes_the_whole_way(&["--csr-version", "1", "--query-csr", "cut"]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_with_the_origin_of_ios() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    goes_the_whole_way(&["--origin", "yes", "--query-csr", "raw"]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_over_tls_1_2_and_with_an_acknowledgement() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let mut rig = Rig::start(Desktop::builder().in_memory_authority()).await?;
    let mut app = by_hand(&rig, &["--tls", "1.2", "--ack", "yes"])?;
    app.ask("request")?;
    app.wait("requested")?;
    app.ask("exchange")?;
    app.wait("exchanged")?;
    let acknowledged = rig.event("the acknowledgement", |event| match event {
        Event::ExchangeAcknowledged { is_error, has_required_files, .. } => Some((*is_error, *has_required_files)),
        _ => None,
    });
    assert_eq!(acknowledged.await?, (false, Some(true)));
    app.ask("connect")?;
    assert_eq!(app.wait("connected")?["tls"], "TLSv1.2");
    rig.client().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_documentation_shows_needs_a_proof_or_a_flag() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    // It does not know that the request is to be kept where the certificates go.
    let private = TempDir::new()?;
    let exchange = |rig: &Rig| -> Result<Value> {
        let mut app = by_hand(rig, &["--bare", "yes", "--private", &private.path().display().to_string()])?;
        app.ask("request")?;
        app.wait("requested")?;
        app.ask("exchange")?;
        Ok(app.wait("exchanged")?["answer"].take())
    };
    let refusing = Rig::start(Desktop::builder().in_memory_authority()).await?;
    let refused = exchange(&refusing)?;
    assert_eq!(refused["error"]["name"], "ProofMissing", "{refused}");
    assert!(!refusing.app.path().join("device.crt").exists());

    let trusting = Rig::start(Desktop::builder().in_memory_authority().require_proof(false)).await?;
    assert_eq!(exchange(&trusting)?, json!({"deviceId": ""}));
    assert!(trusting.app.path().join("device.crt").exists());
    Ok(())
}

/// A desktop whose calendar can be turned, with an authority whose certificates for apps are valid for an hour.
struct Calendar {
    hours: Arc<AtomicI64>,
    authority: Authority,
}

impl Calendar {
    fn new() -> Result<Self> {
        let hours = Arc::new(AtomicI64::new(0));
        let ahead = Arc::clone(&hours);
        let mut config = AuthorityConfig::default();
        config.clock = Arc::new(WallClock::new(move || {
            let hours = ahead.load(Ordering::SeqCst);
            let span = Duration::from_secs(hours.unsigned_abs() * 3600);
            if hours < 0 { SystemTime::now() - span } else { SystemTime::now() + span }
        }));
        config.client_validity = Duration::from_secs(3600);
        Ok(Self { authority: Authority::in_memory(config)?, hours })
    }

    /// Moves the desktop away from everybody else's time, and has it renew what is due then.
    fn turn(&self, hours: i64) -> Result {
        self.hours.store(hours, Ordering::SeqCst);
        Ok(self.authority.renew_if_due().map(drop)?)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn java_by_the_rules_of_android() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let calendar = Calendar::new()?;
    let mut rig = Rig::start(Desktop::builder().authority(calendar.authority.clone())).await?;
    let mut app = android(&rig)?;
    app.ask("exchange")?;
    assert_eq!(app.wait("exchanged")?["answer"], json!({"deviceId": ""}));
    for _connection in 0..2 {
        answers(&mut rig, &mut app, "Java").await?;
        hang_up(&mut app)?;
    }

    app.ask("connect-from https://elsewhere.example")?;
    assert_eq!(app.wait("refused")?["status"], 401, "the one status that the official SDK tries again after");
    answers(&mut rig, &mut app, "Java").await?;
    hang_up(&mut app)?;

    // The app's certificate has expired, and nothing else has.
    calendar.turn(2)?;
    app.ask("connect")?;
    let refused = app.wait("failed")?;
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("certificate_expired")), "{refused}");
    app.ask("exchange")?;
    app.wait("exchanged")?;
    app.ask("connect")?;
    app.wait("connected")?;
    rig.client().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn java_refuses_what_is_too_old_or_not_begun() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let calendar = Calendar::new()?;
    let rig = Rig::start(Desktop::builder().authority(calendar.authority.clone())).await?;
    let mut app = android(&rig)?;
    app.ask("exchange")?;
    app.wait("exchanged")?;
    for (days, why) in [(-40, "days old"), (40, "NotBefore")] {
        calendar.turn(days * 24)?;
        app.ask("connect")?;
        let failed = app.wait("failed")?;
        assert!(failed["error"].as_str().is_some_and(|error| error.contains(why)), "{failed}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn java_connects_to_a_restarted_desktop_without_an_exchange() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let state = TempDir::new()?;
    let mut rig = Rig::start(Desktop::builder().state_directory(state.path())).await?;
    let mut app = android(&rig)?;
    app.ask("exchange")?;
    app.wait("exchanged")?;
    app.ask("connect")?;
    app.wait("connected")?;
    rig.client().await?;

    let ports = rig.desktop.ports();
    rig.desktop.stop().await;
    assert_eq!(app.wait("closed")?["code"], 1001);
    rig.restart(Desktop::builder().state_directory(state.path()).ports(ports.insecure, ports.secure)).await?;
    app.ask("connect")?;
    app.wait("connected")?;
    rig.client().await.map(drop)
}
