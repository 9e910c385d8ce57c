//! What a client's events tell, in numbers.

use flipper_proto::client::{Event, ExchangeReason, Failure, Purpose, State, Step};

use super::credentials::FlipperCredentialProblem;
use crate::close::FlipperCloseKind;
use crate::event::FlipperEventField as Field;
use crate::state::FlipperStateKind;

/// A step on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperClientStep {
    /// Stored credentials were found: generation.
    CredentialsFound = 1,
    /// Certificates have to be exchanged: exchange reason.
    ExchangeNeeded = 2,
    /// There is a new key, and a certificate request: generation.
    RequestMade = 3,
    /// The desktop was asked to issue a certificate.
    CertificateAsked = 4,
    /// The desktop refuses the operating system, and the client presents another.
    OsReplaced = 5,
    /// The desktop issued the certificate.
    Granted = 6,
    /// The certificates are there and fit: generation.
    CertificatesStored = 7,
    /// A session is opened: generation.
    SessionAttempted = 8,
    /// The desktop accepted new credentials: generation.
    CredentialsProven = 9,
}

/// Why certificates have to be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperExchangeReason {
    /// There are no usable credentials.
    NoCredentials = 1,
    /// The stored ones came by another medium.
    MediumChanged = 2,
    /// The desktop and the stored ones do not fit each other.
    Rejected = 3,
    /// The stored ones expire soon.
    Expiring = 4,
}

/// Why a client is not where it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperClientFailure {
    /// The connection for an exchange failed or ended: close kind, and code where the kind has one.
    ExchangeConnection = 1,
    /// The connection for a session failed or ended: close kind, and code where the kind has one.
    SessionConnection = 2,
    /// The desktop refused to issue a certificate.
    ExchangeRefused = 3,
    /// The desktop did not answer the certificate request.
    ExchangeTimeout = 4,
    /// The desktop serves no apps of this operating system.
    OsRefused = 5,
    /// The desktop does not understand the client's query, or does not serve it.
    QueryRefused = 6,
    /// Credentials could not be read, made or stored: credential problem.
    Credentials = 7,
    /// The desktop did not respond for so long that the session was given up.
    Unresponsive = 8,
    /// Session after session ended as soon as it began.
    ReconnectLoop = 9,
    /// The desktop sent something that is not understood.
    Protocol = 10,
}

/// The number that an event has in a field.
pub(crate) fn number(event: &Event, field: Field) -> Option<u64> {
    match (event, field) {
        (Event::Call { call, .. } | Event::MethodQuery { call, .. }, Field::Call) => Some(call.as_u64()),
        (Event::StateChanged(state), Field::State) => FlipperStateKind::of(state).map(|state| state as u64),
        (Event::StateChanged(State::Waiting { until }), Field::Until) => Some(until.as_millis()),
        (Event::Step(step), Field::Step) => number_of_step(step).map(|step| step as u64),
        (Event::Step(step), Field::Generation) => generation(step),
        (Event::Step(Step::ExchangeNeeded(reason)), Field::ExchangeReason) => {
            number_of_reason(*reason).map(|reason| reason as u64)
        }
        (Event::Failed(failure), Field::Failure) => number_of_failure(failure).map(|failure| failure as u64),
        (Event::Failed(Failure::Connection { cause, .. }), Field::CloseKind) => {
            FlipperCloseKind::of(cause).map(|kind| kind as u64)
        }
        (Event::Failed(Failure::Connection { cause, .. }), Field::Code) => FlipperCloseKind::code(cause).map(u64::from),
        (Event::Failed(Failure::Credentials(failure)), Field::CredentialProblem) => {
            FlipperCredentialProblem::of(failure.kind).map(|problem| problem as u64)
        }
        _ => None,
    }
}

fn number_of_step(step: &Step) -> Option<FlipperClientStep> {
    Some(match step {
        Step::CredentialsFound(_) => FlipperClientStep::CredentialsFound,
        Step::ExchangeNeeded(_) => FlipperClientStep::ExchangeNeeded,
        Step::RequestMade(_) => FlipperClientStep::RequestMade,
        Step::CertificateAsked { .. } => FlipperClientStep::CertificateAsked,
        Step::OsReplaced { .. } => FlipperClientStep::OsReplaced,
        Step::Granted { .. } => FlipperClientStep::Granted,
        Step::CertificatesStored(_) => FlipperClientStep::CertificatesStored,
        Step::SessionAttempted(_) => FlipperClientStep::SessionAttempted,
        Step::CredentialsProven(_) => FlipperClientStep::CredentialsProven,
        _ => return None,
    })
}

fn generation(step: &Step) -> Option<u64> {
    match step {
        Step::CredentialsFound(generation)
        | Step::RequestMade(generation)
        | Step::CertificatesStored(generation)
        | Step::SessionAttempted(generation)
        | Step::CredentialsProven(generation) => Some(generation.as_u64()),
        _ => None,
    }
}

fn number_of_reason(reason: ExchangeReason) -> Option<FlipperExchangeReason> {
    Some(match reason {
        ExchangeReason::NoCredentials => FlipperExchangeReason::NoCredentials,
        ExchangeReason::MediumChanged => FlipperExchangeReason::MediumChanged,
        ExchangeReason::Rejected => FlipperExchangeReason::Rejected,
        ExchangeReason::Expiring => FlipperExchangeReason::Expiring,
        _ => return None,
    })
}

fn number_of_failure(failure: &Failure) -> Option<FlipperClientFailure> {
    Some(match failure {
        Failure::Connection { purpose: Purpose::Exchange, .. } => FlipperClientFailure::ExchangeConnection,
        Failure::Connection { purpose: Purpose::Session, .. } => FlipperClientFailure::SessionConnection,
        Failure::ExchangeRefused(_) => FlipperClientFailure::ExchangeRefused,
        Failure::ExchangeTimeout { .. } => FlipperClientFailure::ExchangeTimeout,
        Failure::OsRefused { .. } => FlipperClientFailure::OsRefused,
        Failure::QueryRefused { .. } => FlipperClientFailure::QueryRefused,
        Failure::Credentials(_) => FlipperClientFailure::Credentials,
        Failure::Unresponsive { .. } => FlipperClientFailure::Unresponsive,
        Failure::ReconnectLoop { .. } => FlipperClientFailure::ReconnectLoop,
        Failure::Protocol(_) => FlipperClientFailure::Protocol,
        _ => return None,
    })
}
