//! Observers and subscribers.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flipper_async::Runtime;
use flipper_desktop::pki::{Authority, AuthorityConfig};
use flipper_desktop::proto::Payload;
use flipper_desktop::{Event, pki};
use rustls::pki_types::UnixTime;
use tempfile::tempdir;

use crate::support::{Rig, app, desktop, poll_once, within};

async fn observers_are_told_everything_and_may_panic<R: Runtime>() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let builder = desktop()
        .observer(|event| assert!(!matches!(event, Event::ClientConnected { .. }), "as the test wants it"))
        .observer(move |event| kept.lock().unwrap().push(event.clone()));
    let mut rig = Rig::<R>::start(builder).await;
    let dir = tempdir().unwrap();
    let app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    let client = rig.client().await;
    assert!(rig.desktop.call(&client, "Example", "echo", None).await.is_ok());
    within("the end", app.stop()).await;
    within("the end", rig.desktop.stop()).await;
    let told = told.lock().unwrap();
    for (at, what) in [
        ("issued", told.iter().position(|event| matches!(event, Event::CertificateIssued { .. }))),
        ("connected", told.iter().position(|event| matches!(event, Event::ClientConnected { .. }))),
        ("disconnected", told.iter().position(|event| matches!(event, Event::ClientDisconnected { .. }))),
    ] {
        assert!(what.is_some(), "{at}: {told:?}");
    }
    assert_eq!(rig.desktop.counters().observer_panics, 1);
}

async fn a_subscriber_that_lags_misses_the_oldest_and_is_told_how_many<R: Runtime>() {
    let mut builder = desktop();
    // It subscribes first, and so has whatever the test has seen.
    let mut lagging = builder.events();
    let mut rig = Rig::<R>::start(builder).await;
    let dir = tempdir().unwrap();
    let _app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    let client = rig.client().await;
    while poll_once(pin!(lagging.next())).await.is_ready() {}
    // 10,500 are more than wait in an app either: they are sent in parts.
    for _ in 0..3 {
        let part = Payload::from_json(r#"{"count":3500,"size":10}"#).unwrap();
        rig.desktop.call(&client, "Example", "emit", Some(part)).await.unwrap();
        for _ in 0..3500 {
            rig.event("a row", |event| matches!(event, Event::Message { .. }).then_some(())).await;
        }
    }
    assert_eq!(lagging.missed(), 500);
    assert_eq!(rig.desktop.counters().missed_events, 500);
    let Some(Event::Message { params: Some(params), .. }) = lagging.next().await else { panic!("no message") };
    assert_eq!(params.parse::<serde_json::Value>().unwrap()["index"], 500);
    assert_eq!(rig.events.missed(), 0);
}

async fn a_desktop_that_never_starts_tells_nothing<R: Runtime>() {
    let mut builder = desktop().ports(1, 1);
    let mut events = builder.events();
    assert!(builder.start_on(R::current().unwrap()).await.is_err());
    assert_eq!(within("the end", events.next()).await, None);
}

/// A clock that can be set.
#[derive(Debug)]
struct Clock(Mutex<UnixTime>);

impl rustls::time_provider::TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(*self.0.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_desktop_that_runs_for_weeks_renews_its_certificates() {
    let clock = Arc::new(Clock(Mutex::new(UnixTime::now())));
    let mut config = AuthorityConfig::default();
    config.clock = clock.clone();
    let authority: Authority = pki::Authority::in_memory(config).unwrap();
    let first = authority.chain();
    let mut rig = Rig::<flipper_tokio::Tokio>::start(desktop().authority(authority.clone())).await;
    let later = clock.0.lock().unwrap().as_secs() + 21 * 24 * 60 * 60;
    *clock.0.lock().unwrap() = UnixTime::since_unix_epoch(Duration::from_secs(later));
    // With the clock of tokio paused, waiting lets the hours pass; the limit of other tests would be over first.
    let event = rig.events.next().await;
    assert_eq!(event, Some(Event::CertificatesRenewed));
    assert_ne!(authority.chain(), first);
}

on_every_runtime! {
    observers_are_told_everything_and_may_panic,
    a_subscriber_that_lags_misses_the_oldest_and_is_told_how_many,
    a_desktop_that_never_starts_tells_nothing,
}
