//! What a driver tells a client.

use std::ffi::c_char;

use flipper_proto::client::{Client, CredentialFailure, CredentialProblem, JobOutcome, Prepared};
use flipper_proto::{AttemptId, CloseCause, Excerpt, Generation, Instant, JobId, TlsFailure, WallTime};

use super::handle::{FlipperClient, with};
use super::record::FlipperCredentials;
use crate::pointer;
use crate::result::FlipperResult;

/// Why a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperCloseKind {
    /// The TCP connection was refused.
    Refused = 1,
    /// The host cannot be reached; the reason says how.
    Unreachable = 2,
    /// There was no answer in time.
    Timeout = 3,
    /// The desktop's certificate was not issued by the pinned CA.
    TlsUnknownCa = 4,
    /// The desktop's certificate has expired.
    TlsExpired = 5,
    /// The desktop's certificate is not valid yet.
    TlsNotYetValid = 6,
    /// The desktop refused our certificate; the reason says how.
    TlsPeerRefused = 7,
    /// The handshake failed in another way; the reason says how.
    TlsHandshake = 8,
    /// It ended after the TLS handshake and before the upgrade was answered.
    Dropped = 9,
    /// The upgrade was answered with an HTTP status: the code.
    Http = 10,
    /// The upgrade was answered with no WebSocket handshake; the reason says how.
    BadUpgrade = 11,
    /// The desktop closed with a code and a reason.
    Code = 12,
    /// The TCP connection ended without a close frame.
    Eof = 13,
    /// The TCP connection was reset.
    Reset = 14,
    /// The peer broke the WebSocket protocol, or sent a message over the limit; the reason says how.
    WebSocket = 15,
}

impl FlipperCloseKind {
    pub(crate) fn cause(number: u32, code: u16, reason: &str) -> Option<CloseCause> {
        let why = || Excerpt::new(reason);
        let known = [
            (Self::Refused, CloseCause::Refused),
            (Self::Unreachable, CloseCause::Unreachable(why())),
            (Self::Timeout, CloseCause::Timeout),
            (Self::TlsUnknownCa, CloseCause::Tls(TlsFailure::UnknownCa)),
            (Self::TlsExpired, CloseCause::Tls(TlsFailure::Expired)),
            (Self::TlsNotYetValid, CloseCause::Tls(TlsFailure::NotYetValid)),
            (Self::TlsPeerRefused, CloseCause::Tls(TlsFailure::PeerRefused(why()))),
            (Self::TlsHandshake, CloseCause::Tls(TlsFailure::Handshake(why()))),
            (Self::Dropped, CloseCause::DroppedBeforeUpgrade),
            (Self::Http, CloseCause::Http(code)),
            (Self::BadUpgrade, CloseCause::BadUpgrade(why())),
            (Self::Code, CloseCause::Code { code, reason: why() }),
            (Self::Eof, CloseCause::Eof),
            (Self::Reset, CloseCause::Reset),
            (Self::WebSocket, CloseCause::WebSocket(why())),
        ];
        known.into_iter().find(|(kind, _)| *kind as u32 == number).map(|(_, cause)| cause)
    }
}

/// The socket is open.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_opened(client: *mut FlipperClient, attempt: u64, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_opened(AttemptId::from_u64(attempt), at(now_ms));
            Ok(())
        })
    }
}

/// A text message arrived.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_message(
    client: *mut FlipperClient,
    attempt: u64,
    text: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let text = pointer::text(text, len)?;
            client.handle_message(AttemptId::from_u64(attempt), text, at(now_ms));
            Ok(())
        })
    }
}

/// A binary message arrived.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_binary(
    client: *mut FlipperClient,
    attempt: u64,
    bytes: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let bytes = pointer::bytes(bytes, len)?;
            client.handle_binary(AttemptId::from_u64(attempt), bytes, at(now_ms));
            Ok(())
        })
    }
}

/// The desktop gave a sign of life that is no message.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_alive(client: *mut FlipperClient, attempt: u64, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_alive(AttemptId::from_u64(attempt), at(now_ms));
            Ok(())
        })
    }
}

/// The socket takes `room` more bytes.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_writable(
    client: *mut FlipperClient,
    attempt: u64,
    room: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_writable(AttemptId::from_u64(attempt), room, at(now_ms));
            Ok(())
        })
    }
}

/// The socket has ended, for a reason of `flipper_close_kind`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_closed(
    client: *mut FlipperClient,
    attempt: u64,
    kind: u32,
    code: u16,
    reason: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let reason = pointer::text(reason, len)?;
            let cause = FlipperCloseKind::cause(kind, code, reason).ok_or(FlipperResult::BadValue)?;
            client.handle_closed(AttemptId::from_u64(attempt), cause, at(now_ms));
            Ok(())
        })
    }
}

/// The stored credentials were read; NULL if there are none.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_loaded(
    client: *mut FlipperClient,
    job: u64,
    credentials: *const FlipperCredentials,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let found = !credentials.is_null();
            let credentials = found.then(|| FlipperCredentials::read(credentials)).transpose()?;
            done(client, job, JobOutcome::Loaded { credentials, problem: None }, now_ms)
        })
    }
}

/// A key and a certificate request were made. `wall_ms` is the calendar time, in Unix milliseconds.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_prepared(
    client: *mut FlipperClient,
    job: u64,
    generation: u64,
    csr: *const c_char,
    csr_len: usize,
    destination: *const c_char,
    destination_len: usize,
    wall_ms: u64,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let prepared = Prepared {
                generation: Generation::from_u64(generation),
                csr: pointer::text(csr, csr_len)?.to_owned(),
                destination: pointer::text(destination, destination_len)?.to_owned(),
                wall: WallTime::from_unix_millis(wall_ms),
                pairing: None,
            };
            done(client, job, JobOutcome::Prepared(prepared), now_ms)
        })
    }
}

/// The certificates are there and fit.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_stored(
    client: *mut FlipperClient,
    job: u64,
    credentials: *const FlipperCredentials,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let credentials = FlipperCredentials::read(credentials)?;
            done(client, job, JobOutcome::Stored(credentials), now_ms)
        })
    }
}

/// A job that brings nothing is done.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_done(client: *mut FlipperClient, job: u64, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe { with(client, |client| done(client, job, JobOutcome::Done, now_ms)) }
}

/// A job failed; the text says how.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_failed(
    client: *mut FlipperClient,
    job: u64,
    text: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let text = pointer::text(text, len)?.to_owned();
            let failure = CredentialFailure { kind: CredentialProblem::Io, text };
            done(client, job, JobOutcome::Failed(failure), now_ms)
        })
    }
}

/// Time has passed.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_timeout(client: *mut FlipperClient, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_timeout(at(now_ms));
            Ok(())
        })
    }
}

fn done(client: &mut Client, job: u64, outcome: JobOutcome, now_ms: u64) -> Result<(), FlipperResult> {
    client.handle_job_done(JobId::from_u64(job), outcome, at(now_ms));
    Ok(())
}

pub(crate) fn at(now_ms: u64) -> Instant {
    Instant::from_millis(now_ms)
}
