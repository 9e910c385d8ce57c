//! The work of an app that is not bytes: keys, certificates and the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flipper_pki::{ConnectionConfig, CredentialStore, StoreError, StoreErrorKind, WallClock, client_config_at};
use flipper_proto::client::{CredentialFailure, CredentialProblem, Credentials, Job, JobOutcome, Prepared};
use flipper_proto::{CloseCause, Excerpt, Generation, Instant, TlsFailure};
use rustls::ClientConfig;

use crate::settings::Setup;

/// Fetches the certificates of medium WWW, which a desktop has left somewhere for the app to get.
pub trait CertificateProvider: Send + Sync + 'static {
    /// Fetches the certificates for this device id. It may block.
    ///
    /// # Errors
    /// What went wrong, for people; it must hold no secret.
    fn fetch(&self, device_id: &str) -> Result<Certificates, String>;
}

/// What a desktop made for an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// The desktop's CA, in PEM: the content of `sonarCA.crt`.
    pub ca: String,
    /// The app's certificate, in PEM: the content of `device.crt`.
    pub certificate: String,
}

/// Carries out the [`Job`]s of a state machine. Every call may block on the disk.
pub struct Jobs {
    app_id: String,
    store: CredentialStore,
    wall_clock: WallClock,
    provider: Option<Arc<dyn CertificateProvider>>,
    tls: Mutex<BTreeMap<Generation, Arc<ClientConfig>>>,
}

impl Jobs {
    /// The work of one app.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self {
            app_id: setup.config.app_id.clone(),
            store: setup.store.clone(),
            wall_clock: setup.wall_clock.clone(),
            provider: setup.provider.clone(),
            tls: Mutex::default(),
        }
    }

    /// Does one job. `now` is the moment, on the clock of the state machine.
    #[must_use]
    pub fn run(&self, job: Job, now: Instant) -> JobOutcome {
        match job {
            Job::Load => self.load(now),
            Job::NewGeneration => match self.store.begin(&self.app_id) {
                Err(error) => JobOutcome::Failed(failure(&error)),
                Ok(prepared) => JobOutcome::Prepared(Prepared {
                    generation: prepared.generation,
                    csr: prepared.csr_pem,
                    destination: prepared.destination,
                    wall: self.wall_clock.now(),
                }),
            },
            Job::Fetch { generation, device_id } => self.fetch(generation, &device_id),
            Job::StoreGrant { generation, grant } => {
                let config = ConnectionConfig { device_id: grant.device_id, medium: grant.medium, os: grant.os };
                match self.store.complete(generation, &config) {
                    Ok(credentials) => JobOutcome::Stored(self.keep(&credentials, now)),
                    Err(error) => JobOutcome::Failed(failure(&error)),
                }
            }
            Job::Promote { generation } => done(self.store.promote(generation)),
            Job::Discard { generation } => {
                self.tls().remove(&generation);
                done(self.store.discard(generation))
            }
            Job::Prune => done(self.store.prune().map(drop)),
            other => JobOutcome::Failed(CredentialFailure {
                kind: CredentialProblem::Invalid,
                text: format!("this adapter does not know how to {other:?}"),
            }),
        }
    }

    /// What a TLS connection with these credentials needs.
    ///
    /// # Errors
    /// When they were never loaded, which no state machine asks for.
    pub fn tls_config(&self, generation: Generation) -> Result<Arc<ClientConfig>, CloseCause> {
        let config = self.tls().get(&generation).cloned();
        config.ok_or_else(|| CloseCause::Tls(TlsFailure::Handshake(Excerpt::new("the credentials were not loaded"))))
    }

    fn load(&self, now: Instant) -> JobOutcome {
        let loaded = self.store.load();
        JobOutcome::Loaded {
            credentials: loaded.credentials.map(|credentials| self.keep(&credentials, now)),
            problem: loaded.problem.as_ref().map(failure),
        }
    }

    fn fetch(&self, generation: Generation, device_id: &str) -> JobOutcome {
        let fetched = match &self.provider {
            // It is the app's own code: its panic ends neither the driver nor the attempts.
            Some(provider) => catch_unwind(AssertUnwindSafe(|| provider.fetch(device_id)))
                .unwrap_or_else(|_| Err("the certificate provider panicked".to_owned())),
            None => Err("no certificate provider was given".to_owned()),
        };
        match fetched {
            Ok(certificates) => done(self.store.deliver(generation, &certificates.ca, &certificates.certificate)),
            Err(why) => JobOutcome::Failed(CredentialFailure {
                kind: CredentialProblem::Fetch,
                text: format!("the certificates of device {device_id} could not be fetched: {why}"),
            }),
        }
    }

    /// Keeps what connecting needs, and tells the state machine the rest.
    fn keep(&self, credentials: &flipper_pki::Credentials, now: Instant) -> Credentials {
        let tls = client_config_at(credentials, Arc::new(self.wall_clock.clone()));
        self.tls().insert(credentials.generation, tls);
        let left = credentials.not_after.as_unix_millis().saturating_sub(self.wall_clock.now().as_unix_millis());
        Credentials {
            generation: credentials.generation,
            device_id: credentials.device_id.clone(),
            medium: credentials.medium,
            os: credentials.os.clone(),
            csr: credentials.csr_pem.clone(),
            csr_path: credentials.csr_path.clone(),
            valid_until: now + Duration::from_millis(left),
        }
    }

    fn tls(&self) -> std::sync::MutexGuard<'_, BTreeMap<Generation, Arc<ClientConfig>>> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("app_id", &self.app_id).field("store", &self.store).finish_non_exhaustive()
    }
}

fn done(result: Result<(), StoreError>) -> JobOutcome {
    match result {
        Ok(()) => JobOutcome::Done,
        Err(error) => JobOutcome::Failed(failure(&error)),
    }
}

fn failure(error: &StoreError) -> CredentialFailure {
    let kind = match error.kind() {
        StoreErrorKind::Disk { .. } | StoreErrorKind::NotADirectory | StoreErrorKind::NotUnicode => {
            CredentialProblem::Io
        }
        StoreErrorKind::NotDelivered => CredentialProblem::NotDelivered,
        _ => CredentialProblem::Invalid,
    };
    CredentialFailure { kind, text: error.to_string() }
}
