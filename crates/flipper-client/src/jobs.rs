//! The work of an app that is not bytes: keys, certificates and the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use flipper_pki::{
    ConnectionConfig, CredentialStore, PairedRequest, PairingSecret, StoreError, StoreErrorKind, WallClock,
    client_config_at,
};
use flipper_proto::client::{CredentialFailure, CredentialProblem, Credentials, Job, JobOutcome, Prepared};
use flipper_proto::{Bundle, CloseCause, Excerpt, Generation, Instant, Medium, PairingProof, TlsFailure};
use rustls::ClientConfig;

use crate::settings::Setup;
use crate::www::{CertificateProvider, FetchError};

/// How often certificates are fetched until they are there, and how long it rests before each further time: a store may
/// take a moment to show what was just written.
const FETCHES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(2)];

/// Carries out the [`Job`]s of a state machine. Every call may block on the disk.
pub struct Jobs {
    app_id: String,
    store: CredentialStore,
    wall_clock: WallClock,
    device: String,
    provider: Option<Arc<dyn CertificateProvider>>,
    pairing: Option<PairingSecret>,
    /// What was asked for with the secret of the pairing, until it came or was given up.
    asked: Mutex<BTreeMap<Generation, Asked>>,
    tls: Mutex<BTreeMap<Generation, Arc<ClientConfig>>>,
}

/// A certificate request of an app that is paired.
#[derive(Clone)]
struct Asked {
    proof: PairingProof,
    csr: String,
}

impl Jobs {
    /// The work of one app.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self {
            app_id: setup.config.app_id.clone(),
            store: setup.store.clone(),
            wall_clock: setup.wall_clock.clone(),
            device: setup.config.device.clone(),
            provider: setup.provider.clone(),
            pairing: setup.pairing.as_ref().map(|link| link.secret.clone()),
            asked: Mutex::default(),
            tls: Mutex::default(),
        }
    }

    /// Does one job. `now` is the moment, on the clock of the state machine.
    #[must_use]
    pub fn run(&self, job: Job, now: Instant) -> JobOutcome {
        match job {
            Job::Load => self.load(now),
            Job::NewGeneration => self.prepare(),
            Job::Fetch { generation, device_id, bundle } => match self.fetch(generation, &device_id, bundle) {
                Ok(Bundle { ca, certificate, .. }) => done(self.store.deliver(generation, &ca, &certificate)),
                Err(failure) => JobOutcome::Failed(failure),
            },
            Job::StoreGrant { generation, grant } => {
                self.asked().remove(&generation);
                let config = ConnectionConfig { device_id: grant.device_id, medium: grant.medium, os: grant.os };
                match self.store.complete(generation, &config) {
                    Ok(credentials) => JobOutcome::Stored(self.keep(&credentials, now)),
                    Err(error) => JobOutcome::Failed(failure(&error)),
                }
            }
            Job::Promote { generation } => done(self.store.promote(generation)),
            Job::Discard { generation } => {
                self.tls().remove(&generation);
                self.asked().remove(&generation);
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

    fn prepare(&self) -> JobOutcome {
        let prepared = match self.store.begin(&self.app_id) {
            Ok(prepared) => prepared,
            Err(error) => return JobOutcome::Failed(failure(&error)),
        };
        let (generation, csr, wall) = (prepared.generation, prepared.csr_pem, self.wall_clock.now());
        let mut pairing = None;
        if let Some(secret) = &self.pairing {
            let request = PairedRequest { csr: &csr, device: &self.device, medium: Medium::Www, timestamp: wall };
            let Some(proof) = secret.prove(&request) else {
                // What it was made for is lost; the next clean-up gets what stays.
                let _ = self.store.discard(generation);
                let text = "the system has no random numbers, so that nothing can be proven".to_owned();
                return JobOutcome::Failed(CredentialFailure { kind: CredentialProblem::Invalid, text });
            };
            pairing = Some(proof.clone());
            self.asked().insert(generation, Asked { proof, csr: csr.clone() });
        }
        JobOutcome::Prepared(Prepared { generation, csr, destination: prepared.destination, wall, pairing })
    }

    /// The certificates, once it is certain that they come from the right desktop.
    fn fetch(
        &self,
        generation: Generation,
        device_id: &str,
        bundle: Option<Bundle>,
    ) -> Result<Bundle, CredentialFailure> {
        let Some(secret) = &self.pairing else {
            // Nobody vouches for what came along with the answer, but the provider does for what it fetches.
            return self.fetch_until(device_id, |_| true).map_err(|why| not_fetched(device_id, &why));
        };
        let asked = self.asked().get(&generation).cloned();
        let is_authentic = |bundle: &Bundle| {
            asked.as_ref().is_some_and(|Asked { proof, csr }| secret.accepts_bundle(proof, csr, device_id, bundle))
        };
        let bundle = match bundle {
            Some(bundle) => bundle,
            None => self.fetch_until(device_id, is_authentic).map_err(|why| not_fetched(device_id, &why))?,
        };
        if is_authentic(&bundle) { Ok(bundle) } else { Err(not_authentic(&secret.id())) }
    }

    /// Fetches until certificates are there that will do. Those that will not are returned in the end.
    fn fetch_until(&self, device_id: &str, will_do: impl Fn(&Bundle) -> bool) -> Result<Bundle, FetchError> {
        let Some(provider) = &self.provider else {
            return Err("the desktop's answer did not bring them, and no certificate provider was given".into());
        };
        let mut fetched = Err(FetchError::Other(String::new()));
        for pause in FETCHES {
            thread::sleep(pause);
            // It may be the app's own code: its panic ends neither the driver nor the attempts.
            fetched = catch_unwind(AssertUnwindSafe(|| provider.fetch(device_id)))
                .unwrap_or_else(|_| Err("the certificate provider panicked".into()))
                .map(Bundle::from);
            match &fetched {
                // An older bundle may still be shown in the place of the new one.
                Ok(bundle) if !will_do(bundle) => {}
                Err(error) if error.is_transient() => {}
                _ => break,
            }
        }
        fetched
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

    fn asked(&self) -> MutexGuard<'_, BTreeMap<Generation, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tls(&self) -> MutexGuard<'_, BTreeMap<Generation, Arc<ClientConfig>>> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("app_id", &self.app_id).field("store", &self.store).finish_non_exhaustive()
    }
}

fn not_fetched(device_id: &str, why: &FetchError) -> CredentialFailure {
    let text = format!("the certificates of device {} could not be fetched: {why}", Excerpt::new(device_id));
    CredentialFailure { kind: CredentialProblem::Fetch, text }
}

fn not_authentic(pairing: &str) -> CredentialFailure {
    let text = format!(
        "the certificates do not come from the desktop that this app is paired with (pairing {pairing}); somebody may be \
         in between, or an old bundle lies in the store"
    );
    CredentialFailure { kind: CredentialProblem::NotAuthentic, text }
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
