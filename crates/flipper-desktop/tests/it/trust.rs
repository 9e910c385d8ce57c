//! Certificates that are revoked, and a CA that is replaced, while the desktop runs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use flipper_async::Runtime;
use flipper_desktop::pki::{Authority, AuthorityConfig, RevocationTarget, WallClock};
use flipper_desktop::proto::{ClientId, CloseCause, TlsFailure};
use flipper_desktop::{Event, Port, StartError};
use flipper_tokio::Flipper;
use tempfile::{TempDir, tempdir};

use crate::support::{Rig, app, desktop};

/// A desktop with an app connected to it, and a clock that both the desktop and `flipper certs` go by.
struct Connected<R: Runtime> {
    rig: Rig<R>,
    client: ClientId,
    _app: Flipper,
    clock: Clock,
    state: TempDir,
    _apps: TempDir,
}

/// Stands still unless it is advanced.
#[derive(Clone)]
struct Clock {
    start: SystemTime,
    seconds: Arc<AtomicU64>,
}

impl Clock {
    fn now() -> Self {
        Self { start: SystemTime::now(), seconds: Arc::default() }
    }

    fn advance(&self) {
        self.seconds.fetch_add(1, Ordering::Relaxed);
    }

    fn wall(&self) -> WallClock {
        let Self { start, seconds } = self.clone();
        WallClock::new(move || start + Duration::from_secs(seconds.load(Ordering::Relaxed)))
    }
}

async fn connected<R: Runtime>() -> Connected<R> {
    let (state, apps, clock) = (tempdir().unwrap(), tempdir().unwrap(), Clock::now());
    let builder = desktop().state_directory(state.path()).wall_clock(clock.wall());
    let mut rig = Rig::<R>::start(builder).await;
    let app = app(rig.desktop.ports(), apps.path()).start().unwrap();
    let client = rig.client().await;
    Connected { rig, client, _app: app, clock, state, _apps: apps }
}

impl<R: Runtime> Connected<R> {
    /// The authority, as another process opens it.
    fn other_process(&self) -> Authority {
        let mut config = AuthorityConfig::default();
        config.clock = Arc::new(self.clock.wall());
        Authority::open_with(self.state.path(), config).unwrap()
    }

    /// Ends the session, and waits until the app is back with new certificates. Returns why it was not let in before.
    async fn comes_back(&mut self) -> Option<CloseCause> {
        self.rig.desktop.disconnect(&self.client).unwrap();
        let mut failure = None;
        self.rig
            .event("new certificates", |event| match event {
                Event::HandshakeFailed { port, cause, .. } => {
                    assert_eq!(port, Port::Secure);
                    failure = Some(cause);
                    None
                }
                Event::CertificateIssued { .. } => Some(()),
                _ => None,
            })
            .await;
        assert_eq!(self.rig.client().await, self.client);
        failure
    }
}

async fn a_revoked_certificate_is_refused_with_the_reason_and_the_app_gets_another<R: Runtime>() {
    let mut it = connected::<R>().await;
    it.clock.advance();
    it.other_process().revoke(RevocationTarget::App("com.example.test".to_owned())).unwrap();
    it.clock.advance();
    // Who is connected stays so.
    assert!(it.rig.desktop.call(&it.client, "Example", "echo", None).await.is_ok());
    let cause = it.comes_back().await;
    let expected = TlsFailure::BadCertificate("it was revoked".into());
    assert_eq!(cause, Some(CloseCause::Tls(expected)));
    assert!(it.rig.desktop.counters().revoked_certificates > 0);
}

async fn an_app_follows_its_desktop_to_another_ca<R: Runtime>() {
    let mut it = connected::<R>().await;
    let before = it.rig.desktop.authority().ca_pem();
    it.other_process().rotate().unwrap();
    assert!(it.rig.desktop.call(&it.client, "Example", "echo", None).await.is_ok());
    it.comes_back().await;
    assert_ne!(it.rig.desktop.authority().ca_pem(), before);
    assert_eq!(it.rig.desktop.counters().revoked_certificates, 0);
}

async fn what_cannot_be_adopted_keeps_a_desktop_from_starting<R: Runtime>() {
    let dir = tempdir().unwrap();
    let builder = desktop().state_directory(dir.path().join("desktop")).adopt_official(dir.path());
    let error = builder.start_on(R::current().unwrap()).await.unwrap_err();
    assert!(matches!(error, StartError::Authority(_)), "{error:?}");
    let key = dir.path().join("ca.key");
    assert!(error.to_string().contains(key.to_str().unwrap()), "{error}");
    assert!(!Path::new(&key).exists());
}

on_every_runtime! {
    a_revoked_certificate_is_refused_with_the_reason_and_the_app_gets_another,
    an_app_follows_its_desktop_to_another_ca,
    what_cannot_be_adopted_keeps_a_desktop_from_starting,
}
