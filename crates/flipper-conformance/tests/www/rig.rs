//! A desktop, and an app that is paired with it.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flipper_desktop::pki::{PairingLink, PairingSecret, Pairings};
use flipper_desktop::proto::client::{CredentialFailure, Failure};
use flipper_desktop::proto::{Payload, WallTime};
use flipper_desktop::{Builder, CertificateUploader, Desktop, Event, Events};
use flipper_tokio::{CertificateProvider, Flipper, Notice};
use tempfile::{TempDir, tempdir};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) const APP_ID: &str = "com.example.elsewhere";
pub(crate) const DEVICE: &str = "board";

/// Only a failure takes this long.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), future).await {
        Ok(done) => done,
        Err(_) => panic!("waited too long for {what}"),
    }
}

pub(crate) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    WallTime::from_unix_millis(u64::try_from(since.as_millis()).unwrap())
}

pub(crate) struct Rig {
    pub(crate) desktop: Desktop,
    events: Events,
    secret: PairingSecret,
}

/// An app that runs, and what it is told that went wrong with its credentials.
pub(crate) struct App {
    pub(crate) flipper: Flipper,
    failures: UnboundedReceiver<CredentialFailure>,
    _dir: TempDir,
}

impl Rig {
    /// A desktop whose certificates travel by this uploader alone.
    pub(crate) async fn uploading(uploader: impl CertificateUploader) -> Self {
        let builder = Desktop::builder().any_ports().in_memory_authority();
        Self::start(builder.certificate_uploader(uploader).in_band_certificates(false)).await
    }

    pub(crate) async fn start(builder: Builder) -> Self {
        let pairings = Pairings::in_memory();
        let (_, secret) = pairings.create("board", None, now()).unwrap();
        let mut builder = builder.pairings(pairings);
        let events = builder.events();
        Self { desktop: builder.start().await.unwrap(), events, secret }
    }

    /// An app that tries again at once.
    pub(crate) fn app(&self, provider: impl CertificateProvider) -> App {
        self.app_with(provider, Duration::from_millis(10))
    }

    /// An app that does not try again within the test.
    pub(crate) fn app_once(&self, provider: impl CertificateProvider) -> App {
        self.app_with(provider, Duration::from_secs(3_600))
    }

    fn app_with(&self, provider: impl CertificateProvider, backoff: Duration) -> App {
        let dir = tempdir().unwrap();
        let (tell, failures) = unbounded_channel();
        let observer = move |notice: &Notice| {
            if let Notice::Failed(Failure::Credentials(failure)) = notice {
                let _over = tell.send(failure.clone());
            }
        };
        let flipper =
            self.builder(dir.path(), backoff).certificate_provider(provider).observer(observer).start().unwrap();
        App { flipper, failures, _dir: dir }
    }

    /// What the app is paired by.
    pub(crate) fn link(&self) -> String {
        let (ports, secret) = (self.desktop.ports(), self.secret.clone());
        let host = "127.0.0.1".to_owned();
        PairingLink { host, insecure_port: ports.insecure, secure_port: ports.secure, secret }.to_url()
    }

    fn builder(&self, dir: &Path, backoff: Duration) -> flipper_tokio::Builder {
        Flipper::builder("Elsewhere", APP_ID)
            .pairing(self.link())
            .directory(dir)
            .device(DEVICE)
            .plugin(flipper_demo::example())
            .configure(|config| {
                (config.backoff.first, config.backoff.ceiling) = (backoff, backoff * 5);
            })
    }

    /// The name under which the app's certificates lie.
    pub(crate) fn name(&self) -> String {
        format!("{}.json", self.secret.device_id(APP_ID, DEVICE))
    }

    pub(crate) async fn event<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let picked = async {
            loop {
                let event = self.events.next().await.unwrap_or_else(|| panic!("the desktop ended before {what}"));
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        };
        within(what, picked).await
    }

    /// Waits for the app, and calls it.
    pub(crate) async fn answers(&mut self) {
        let client = self
            .event("a client", |event| match event {
                Event::PluginsChanged { client, .. } => Some(client),
                _ => None,
            })
            .await;
        self.desktop.init_plugin(&client, "Example").unwrap();
        let params = Payload::serialize(&serde_json::json!({"word": "olleh"})).unwrap();
        let answer = self.desktop.call(&client, "Example", "reverse", Some(params));
        assert_eq!(within("an answer", answer).await.unwrap().as_json(), r#"{"word":"hello"}"#);
    }
}

impl App {
    pub(crate) async fn failure(&mut self) -> CredentialFailure {
        within("a failure", self.failures.recv()).await.unwrap()
    }
}
