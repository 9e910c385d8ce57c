//! The certificate exchange, from a new key to certificates on the disk.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::close::{CloseCause, CloseCode};
use crate::error::{ErrorReport, Excerpt, ProtocolError};
use crate::ids::{AttemptId, Generation, JobId};
use crate::query::Medium;
use crate::text::Text;
use crate::time::{Instant, WallTime};
use crate::wire::exchange::{AcknowledgedConfig, Acknowledgement, Answer, SignCertificate, decode_answer};

use super::action::{Action, Job, JobOutcome, Prepared, Timer, Trust};
use super::state::{CredentialFailure, CredentialProblem, Failure, Grant, Purpose, Step};
use super::{AfterClose, Client, Errand, Os, Phase};

/// An exchange that is under way.
#[derive(Debug)]
pub(super) struct Exchange {
    /// `None` once the socket has ended, which after the grant does no harm.
    socket: Option<AttemptId>,
    stage: Stage,
}

/// No key is made before the desktop is there: a desktop that is absent for days must not wear the disk.
#[derive(Debug)]
enum Stage {
    Opening { deadline: Instant },
    Preparing { job: JobId },
    Asking { generation: Generation, deadline: Instant },
    Fetching { generation: Generation, job: JobId, grant: Grant },
    Storing { generation: Generation, job: JobId },
}

impl Exchange {
    pub(super) fn is_opening(&self, attempt: AttemptId) -> bool {
        self.has_socket(attempt) && matches!(self.stage, Stage::Opening { .. })
    }

    pub(super) fn awaits_answer(&self, attempt: AttemptId) -> bool {
        self.has_socket(attempt) && matches!(self.stage, Stage::Asking { .. })
    }

    pub(super) fn has_socket(&self, attempt: AttemptId) -> bool {
        self.socket == Some(attempt)
    }

    pub(super) fn socket(&self) -> Option<AttemptId> {
        self.socket
    }

    pub(super) fn works_on(&self, job: JobId) -> bool {
        match &self.stage {
            Stage::Preparing { job: current }
            | Stage::Fetching { job: current, .. }
            | Stage::Storing { job: current, .. } => *current == job,
            Stage::Opening { .. } | Stage::Asking { .. } => false,
        }
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        match &self.stage {
            Stage::Opening { deadline } => Some((*deadline, Timer::Connect)),
            Stage::Asking { deadline, .. } => Some((*deadline, Timer::Grant)),
            Stage::Preparing { .. } | Stage::Fetching { .. } | Stage::Storing { .. } => None,
        }
    }
}

impl Client {
    pub(super) fn begin_exchange(&mut self, now: Instant) {
        let mut query = self.query("unknown");
        query.medium = Some(self.config.exchange_medium());
        let attempt = self.connect(self.config.ports.insecure, query.to_target(), Trust::Exchange);
        let stage = Stage::Opening { deadline: now.later(self.config.timing.connect) };
        self.phase = Phase::Exchange(Exchange { socket: Some(attempt), stage });
    }

    pub(super) fn exchange_opened(&mut self) {
        self.outbox.open();
        let job = self.start_job(Job::NewGeneration);
        self.set_stage(Stage::Preparing { job });
    }

    /// There are a key and a certificate request: asks for the certificate.
    fn ask(&mut self, prepared: &Prepared, now: Instant) {
        let generation = prepared.generation;
        self.step(Step::RequestMade(generation), now);
        let logs = self.history.lines(now, prepared.wall);
        let request = SignCertificate {
            csr: &prepared.csr,
            destination: &prepared.destination,
            medium: self.config.exchange_medium().number(),
            timestamp: prepared.wall.as_unix_millis(),
            pairing: prepared.pairing.as_ref(),
            logs: &logs,
        };
        let text = request.encode();
        self.outbox.push(text);
        self.vault.asked_at = Some(now);
        self.set_stage(Stage::Asking { generation, deadline: now.later(self.config.timing.grant) });
        self.step(Step::CertificateAsked { os: self.os().to_string() }, now);
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Phase::Exchange(exchange) = &mut self.phase {
            exchange.stage = stage;
        }
    }

    pub(super) fn exchange_answered(&mut self, text: &Text, now: Instant) {
        let max = self.config.limits.exchange_message_bytes;
        let medium = self.config.exchange_medium();
        let answer = match text.len() {
            size if size > max => Err(ProtocolError::TooLarge { size, max }),
            _ => decode_answer(text, medium),
        };
        let Answer { device_id, bundle } = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let error = error.as_ref().map(ErrorReport::bounded);
                return self.exchange_failed(Failure::ExchangeRefused(error), now);
            }
            Err(error) => {
                self.counters.bad_messages += 1;
                return self.exchange_failed(Failure::Protocol(error), now);
            }
        };
        self.step(Step::Granted { device_id: device_id.clone() }, now);
        let os = match &self.config.os {
            Os::Automatic(_) => self.presented_os.clone(),
            Os::Fixed(_) => None,
        };
        let grant = Grant { device_id, medium, os };
        let Phase::Exchange(Exchange { stage: Stage::Asking { generation, .. }, .. }) = self.phase else { return };
        let stage = if medium == Medium::Www {
            let job = self.start_job(Job::Fetch { generation, device_id: grant.device_id.clone(), bundle });
            Stage::Fetching { generation, job, grant }
        } else {
            Stage::Storing { generation, job: self.start_job(Job::StoreGrant { generation, grant }) }
        };
        self.set_stage(stage);
    }

    /// A job of the exchange is done.
    pub(super) fn exchange_worked(&mut self, outcome: JobOutcome, now: Instant) {
        let Phase::Exchange(exchange) = &self.phase else { return };
        let socket = exchange.socket;
        match (&exchange.stage, outcome) {
            (Stage::Preparing { .. }, JobOutcome::Prepared(prepared)) => self.ask(&prepared, now),
            (Stage::Fetching { generation, grant, .. }, JobOutcome::Done) => {
                let (generation, grant) = (*generation, grant.clone());
                let job = self.start_job(Job::StoreGrant { generation, grant });
                self.set_stage(Stage::Storing { generation, job });
            }
            (Stage::Storing { generation, .. }, JobOutcome::Stored(credentials))
                if credentials.generation == *generation =>
            {
                self.acknowledge(false, &credentials.device_id);
                self.step(Step::CertificatesStored(credentials.generation), now);
                self.vault.fresh = Some(credentials);
                self.vault.strikes = 0;
                self.vault.exchange_failed = false;
                match socket {
                    Some(attempt) => {
                        let deadline = now.later(self.config.timing.close);
                        self.begin_close(attempt, CloseCode::NORMAL, deadline, AfterClose::Advance);
                        self.tell_state();
                    }
                    None => self.advance(now),
                }
            }
            (stage, JobOutcome::Failed(failure)) => {
                if !matches!(stage, Stage::Preparing { .. }) {
                    self.acknowledge(true, "");
                }
                self.exchange_failed(Failure::Credentials(failure), now);
            }
            (_, JobOutcome::Loaded { .. } | JobOutcome::Prepared(_) | JobOutcome::Stored(_) | JobOutcome::Done) => {
                self.exchange_failed(unfit_outcome(), now)
            }
        }
    }

    /// Tells the desktop how it went, if it is still there. There is no answer to it, and desktops before 2023 ignore it.
    fn acknowledge(&mut self, is_error: bool, device_id: &str) {
        if !matches!(&self.phase, Phase::Exchange(exchange) if exchange.socket.is_some()) {
            return;
        }
        let medium = self.config.exchange_medium().number();
        let config = AcknowledgedConfig { device_id, medium };
        let text = Acknowledgement { is_error, config, has_required_files: !is_error }.encode();
        self.outbox.push(text);
    }

    pub(super) fn exchange_timed_out(&mut self, now: Instant) {
        let Phase::Exchange(exchange) = &self.phase else { return };
        let failure = match exchange.stage {
            Stage::Opening { .. } => self.connection_failure(Purpose::Exchange, CloseCause::Timeout),
            Stage::Preparing { .. } | Stage::Asking { .. } | Stage::Fetching { .. } | Stage::Storing { .. } => {
                Failure::ExchangeTimeout { after: self.config.timing.grant }
            }
        };
        self.exchange_failed(failure, now);
    }

    pub(super) fn exchange_closed(&mut self, mut exchange: Exchange, cause: CloseCause, now: Instant) {
        exchange.socket = None;
        if matches!(exchange.stage, Stage::Fetching { .. } | Stage::Storing { .. }) {
            self.drop_queue();
            self.phase = Phase::Exchange(exchange);
            return;
        }
        let failure = if let CloseCause::Code { code: 1011, reason } = &cause {
            if self.replace_os(now) {
                // As the other one it has not been asked yet.
                self.vault.asked_at = None;
                self.drop_exchange(&exchange);
                return self.advance(now);
            }
            self.not_understood(reason.clone())
        } else {
            self.connection_failure(Purpose::Exchange, cause)
        };
        self.phase = Phase::Exchange(exchange);
        self.exchange_failed(failure, now);
    }

    /// Gives the exchange up, with the key that was made for it. The credentials in use stay.
    fn exchange_failed(&mut self, failure: Failure, now: Instant) {
        if let Phase::Exchange(exchange) = core::mem::replace(&mut self.phase, Phase::Stopped) {
            self.vault.exchange_failed = true;
            // Where a job was at work, its end is what led here.
            if let Stage::Asking { generation, .. }
            | Stage::Fetching { generation, .. }
            | Stage::Storing { generation, .. } = exchange.stage
            {
                self.chore(Job::Discard { generation });
            } else if let (Stage::Preparing { job }, None) = (&exchange.stage, exchange.socket) {
                self.errands.insert(*job, Errand::Abandoned(None));
            }
            self.failed(failure, now);
            match exchange.socket {
                // A socket that never opened has nothing to say goodbye to.
                Some(attempt) if matches!(exchange.stage, Stage::Opening { .. }) => {
                    self.actions.push_back(Action::Abort { attempt });
                    self.closed(AfterClose::Retry, now);
                }
                Some(attempt) => {
                    let deadline = now.later(self.config.timing.close);
                    self.begin_close(attempt, CloseCode::NORMAL, deadline, AfterClose::Retry);
                    self.tell_state();
                }
                None => self.closed(AfterClose::Retry, now),
            }
        }
    }

    /// Ends the exchange without a word.
    pub(super) fn drop_exchange(&mut self, exchange: &Exchange) {
        self.drop_queue();
        if let Some(attempt) = exchange.socket {
            self.actions.push_back(Action::Abort { attempt });
        }
        match exchange.stage {
            Stage::Opening { .. } => {}
            Stage::Asking { generation, .. } => self.chore(Job::Discard { generation }),
            // While a job works on the generation, nothing else may.
            Stage::Preparing { job } => {
                self.errands.insert(job, Errand::Abandoned(None));
            }
            Stage::Fetching { generation, job, .. } | Stage::Storing { generation, job } => {
                self.errands.insert(job, Errand::Abandoned(Some(generation)));
            }
        }
    }
}

pub(super) fn unfit_outcome() -> Failure {
    let text = String::from("the driver answered a job with the outcome of another");
    Failure::Credentials(CredentialFailure { kind: CredentialProblem::Invalid, text })
}

/// The latest steps and failures, which a certificate request carries to the desktop for its troubleshooting.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<(Instant, Excerpt, bool)>);

impl History {
    /// As many lines as help; an endless series of failures must not fill the memory.
    const MAX: usize = 64;

    /// Lines are cut, so that a request with all of them stays below what a desktop reads.
    pub(super) fn push(&mut self, now: Instant, line: &str, good: bool) {
        if self.0.len() == Self::MAX {
            self.0.pop_front();
        }
        self.0.push_back((now, Excerpt::new(line), good));
    }

    /// `<unix ms>:info:…` and `<unix ms>:error:…`, as the official clients write them.
    fn lines(&self, now: Instant, wall: WallTime) -> Vec<String> {
        self.0
            .iter()
            .map(|(at, line, good)| {
                let wall = wall.saturating_sub(now.saturating_duration_since(*at));
                format!("{}:{}:{line}", wall.as_unix_millis(), if *good { "info" } else { "error" })
            })
            .collect()
    }
}
