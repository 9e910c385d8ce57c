//! Where to go next, as whom, and what a failure says about the credentials.

use alloc::format;
use alloc::string::{String, ToString};

use crate::close::{CloseCause, CloseCode, TlsFailure};
use crate::error::Excerpt;
use crate::ids::{AttemptId, Generation};
use crate::query::{Medium, Query};
use crate::time::Instant;

use super::action::{Action, Endpoint, Job, JobOutcome, Trust};
use super::config::{MediumChoice, Os};
use super::exchange::unfit_outcome;
use super::state::{CredentialFailure, CredentialProblem, Credentials, ExchangeReason, Failure, Purpose, Step};
use super::{Client, Errand, Phase};

/// Which credentials there are, and how far they are trusted.
#[derive(Debug, Default)]
pub(super) struct Vault {
    /// Those in use: a desktop has accepted them once.
    pub(super) proven: Option<Credentials>,
    /// Those of the last exchange, until a desktop accepts them.
    pub(super) fresh: Option<Credentials>,
    /// Failures in a row that speak against the credentials that were used.
    pub(super) strikes: u32,
    /// The last exchange failed; the proven credentials get another chance before the next one.
    pub(super) exchange_failed: bool,
    /// When a desktop was last asked for certificates.
    pub(super) asked_at: Option<Instant>,
    /// Whether older generations may still lie on the disk.
    pub(super) prunable: bool,
    /// Proven credentials that the disk does not know as those in use: writing that down failed.
    pub(super) unpromoted: Option<Generation>,
}

/// So many failures speak for an exchange.
const STRIKES: u32 = 2;

impl Client {
    pub(super) fn loaded(&mut self, outcome: JobOutcome, now: Instant) {
        match outcome {
            JobOutcome::Loaded { credentials, problem } => {
                if let Some(problem) = problem {
                    self.failed(Failure::Credentials(problem), now);
                }
                if let Some(credentials) = credentials {
                    self.presented_os.clone_from(&credentials.os);
                    self.step(Step::CredentialsFound(credentials.generation), now);
                    self.vault.prunable = true;
                    self.vault.proven = Some(credentials);
                }
            }
            JobOutcome::Failed(failure) => self.failed(Failure::Credentials(failure), now),
            JobOutcome::Prepared(_) | JobOutcome::Stored(_) | JobOutcome::Done => self.failed(unfit_outcome(), now),
        }
        self.advance(now);
    }

    /// Goes wherever the credentials allow: to a session, or to an exchange first.
    pub(super) fn advance(&mut self, now: Instant) {
        if let Some(reason) = self.exchange_reason(now) {
            self.step(Step::ExchangeNeeded(reason), now);
            self.begin_exchange(now);
        } else if let Some(credentials) = self.vault.fresh.as_ref().or(self.vault.proven.as_ref()) {
            let generation = credentials.generation;
            let target = self.session_query(credentials).to_target();
            let attempt = self.connect(self.config.ports.secure, target, Trust::Mutual(generation));
            self.phase = Phase::Opening { attempt, generation, deadline: now.later(self.config.timing.connect) };
            self.step(Step::SessionAttempted(generation), now);
        } else {
            let text = String::from(
                "there are no credentials in the app's directory, and medium NONE brings none; put some there, or choose \
                 another medium",
            );
            let failure = CredentialFailure { kind: CredentialProblem::Missing, text };
            return self.retry_after(Failure::Credentials(failure), now);
        }
        self.tell_state();
    }

    /// Goes on after a wait. Credentials that only somebody else can bring may have come meanwhile.
    pub(super) fn resume(&mut self, now: Instant) {
        if self.config.exchanges() || self.vault.proven.is_some() {
            self.advance(now);
        } else {
            self.load();
        }
    }

    pub(super) fn load(&mut self) {
        let job = self.start_job(Job::Load);
        self.phase = Phase::Loading { job };
        self.tell_state();
    }

    fn exchange_reason(&self, now: Instant) -> Option<ExchangeReason> {
        if self.vault.fresh.is_some() || !self.config.exchanges() {
            return None;
        }
        let Some(credentials) = &self.vault.proven else { return Some(ExchangeReason::NoCredentials) };
        if credentials.medium != self.config.exchange_medium() {
            return Some(ExchangeReason::MediumChanged);
        }
        if self.vault.exchange_failed {
            return None;
        }
        if self.vault.strikes >= STRIKES {
            return Some(ExchangeReason::Rejected);
        }
        let renewable = credentials.valid_until <= now + self.config.timing.renew_before && !self.asked_lately(now);
        renewable.then_some(ExchangeReason::Expiring)
    }

    /// Whether a desktop was asked for certificates so lately that asking again brings nothing: one whose own
    /// certificates expire soon cannot give better ones, and one that refused will refuse again.
    fn asked_lately(&self, now: Instant) -> bool {
        self.vault.asked_at.is_some_and(|at| now < at + self.config.timing.renew_before / 8)
    }

    fn session_query(&self, credentials: &Credentials) -> Query {
        let medium = match self.config.medium {
            MediumChoice::Automatic if credentials.device_id.is_empty() => Medium::None,
            MediumChoice::Automatic => credentials.medium,
            MediumChoice::Fixed(medium) => medium,
        };
        // An app without a medium is not of the desktop's own machine, which is what an empty id means.
        let device_id = match medium {
            Medium::None if credentials.device_id.is_empty() => &self.config.device_id,
            Medium::None | Medium::FsAccess | Medium::Www => &credentials.device_id,
        };
        let mut query = self.query(device_id);
        query.medium = Some(medium);
        query.csr = Some(credentials.csr.clone());
        query.csr_path = Some(credentials.csr_path.clone());
        query
    }

    pub(super) fn query(&self, device_id: &str) -> Query {
        let mut query = Query::new(&self.config.app, self.os(), &self.config.device, device_id);
        query.app_id = Some(self.config.app_id.clone());
        query.foreground = self.config.foreground;
        query.instance_id.clone_from(&self.config.instance_id);
        query
    }

    /// The operating system to present.
    pub(super) fn os(&self) -> &str {
        match (&self.config.os, &self.presented_os) {
            (Os::Automatic(_), Some(presented)) => presented,
            (Os::Automatic(os) | Os::Fixed(os), _) => os,
        }
    }

    /// Presents another operating system from now on, if the desktop may take that one.
    pub(super) fn replace_os(&mut self, now: Instant) -> bool {
        match &self.config.os {
            Os::Automatic(real) if self.presented_os.is_none() && !Os::OFFICIAL.contains(&real.as_str()) => {
                let refused = real.clone();
                self.presented_os = Some(Os::FALLBACK.to_string());
                self.step(Step::OsReplaced { refused, presented: Os::FALLBACK.to_string() }, now);
                true
            }
            Os::Automatic(_) | Os::Fixed(_) => false,
        }
    }

    /// What close code 1011 means to a client that presents this operating system.
    pub(super) fn not_understood(&self, reason: Excerpt) -> Failure {
        if Os::OFFICIAL.contains(&self.os()) {
            Failure::QueryRefused { reason }
        } else {
            Failure::OsRefused { os: self.os().to_string() }
        }
    }

    pub(super) fn connect(&mut self, port: u16, target: String, trust: Trust) -> AttemptId {
        let attempt = AttemptId::from_u64(self.attempts.next());
        let endpoint = Endpoint { host: self.config.host.clone(), port, target };
        self.actions.push_back(Action::Connect { attempt, endpoint, trust });
        attempt
    }

    /// The desktop has answered under these credentials: they are good.
    pub(super) fn prove(&mut self, generation: Generation, now: Instant) {
        self.vault.strikes = 0;
        self.vault.exchange_failed = false;
        if let Some(fresh) = self.vault.fresh.take_if(|fresh| fresh.generation == generation) {
            self.vault.proven = Some(fresh);
            self.vault.prunable = true;
            self.vault.unpromoted = Some(generation);
            self.step(Step::CredentialsProven(generation), now);
        }
        self.promote();
    }

    /// Puts proven credentials in use on the disk, where they are not.
    pub(super) fn promote(&mut self) {
        if let Some(generation) = self.vault.unpromoted.take() {
            let job = self.start_job(Job::Promote { generation });
            self.errands.insert(job, Errand::Promotion(generation));
        }
    }

    pub(super) fn opening_failed(&mut self, generation: Generation, cause: CloseCause, now: Instant) {
        self.phase = Phase::Stopped;
        if let CloseCause::Http(_) = &cause {
            self.prove(generation, now);
        } else {
            self.count_strikes(generation, &cause, now);
        }
        let failure = self.connection_failure(Purpose::Session, cause);
        self.retry_after(failure, now);
    }

    /// Weighs how far a failure to open a session speaks against the credentials.
    fn count_strikes(&mut self, generation: Generation, cause: &CloseCause, now: Instant) {
        let expired = [&self.vault.fresh, &self.vault.proven]
            .into_iter()
            .flatten()
            .any(|credentials| credentials.generation == generation && credentials.valid_until <= now);
        let strikes = match cause {
            CloseCause::Tls(TlsFailure::Handshake(_)) | CloseCause::DroppedBeforeUpgrade if !expired => 1,
            CloseCause::Tls(_) | CloseCause::DroppedBeforeUpgrade => STRIKES,
            CloseCause::Refused
            | CloseCause::Unreachable(_)
            | CloseCause::Timeout
            | CloseCause::Http(_)
            | CloseCause::BadUpgrade(_)
            | CloseCause::Code { .. }
            | CloseCause::TooLarge { .. }
            | CloseCause::WebSocket(_)
            | CloseCause::Eof
            | CloseCause::Reset
            | CloseCause::Local => return,
        };
        self.vault.exchange_failed = false;
        self.vault.strikes = self.vault.strikes.saturating_add(strikes);
        if self.vault.strikes >= STRIKES
            && let Some(fresh) = self.vault.fresh.take_if(|fresh| fresh.generation == generation)
        {
            // What an exchange brought is of no use: the older ones get another chance first.
            self.vault.exchange_failed = true;
            self.chore(Job::Discard { generation: fresh.generation });
        }
    }

    /// Weighs the close code of a session against its credentials: a desktop of this project names them as the reason.
    pub(super) fn session_refused(&mut self, code: u16, now: Instant) {
        let of_credentials = code == CloseCode::CERTIFICATE.as_u16() || code == CloseCode::IDENTITY.as_u16();
        if of_credentials && !self.asked_lately(now) {
            self.vault.strikes = STRIKES;
        }
    }

    pub(super) fn connection_failure(&self, purpose: Purpose, cause: CloseCause) -> Failure {
        let port = match purpose {
            Purpose::Exchange => self.config.ports.insecure,
            Purpose::Session => self.config.ports.secure,
        };
        let host = &self.config.host;
        let to = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Failure::Connection { purpose, to, cause }
    }

    /// Tells the app, and waits before the next attempt.
    pub(super) fn retry_after(&mut self, failure: Failure, now: Instant) {
        self.failed(failure, now);
        self.phase = Phase::Waiting { until: now.later(self.retries.next_wait()) };
        self.tell_state();
    }
}
