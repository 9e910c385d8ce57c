//! What a driver tells of its jobs.

use std::ffi::c_char;

use flipper_proto::JobId;
use flipper_proto::client::{Client, JobOutcome};

use super::credentials::{FlipperCredentialProblem, FlipperCredentials, FlipperPrepared};
use super::handle::{FlipperClient, at, with};
use crate::pointer;
use crate::result::FlipperResult;

/// A job of kind FLIPPER_JOB_KIND_LOAD is done. `credentials` are those in use, NULL if there are none. `problem` is a
/// `flipper_credential_problem` and `text` the words for it, where some could not be read; 0 where all is well.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_loaded(
    client: *mut FlipperClient,
    job: u64,
    credentials: *const FlipperCredentials,
    problem: u32,
    text: *const c_char,
    text_len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let found = !credentials.is_null();
            let credentials = found.then(|| FlipperCredentials::read(credentials)).transpose()?;
            let text = pointer::text(text, text_len)?;
            let problem = if problem == 0 { None } else { Some(FlipperCredentialProblem::failure(problem, text)?) };
            done(client, job, JobOutcome::Loaded { credentials, problem }, now_ms)
        })
    }
}

/// A job of kind FLIPPER_JOB_KIND_PREPARE is done.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_prepared(
    client: *mut FlipperClient,
    job: u64,
    prepared: *const FlipperPrepared,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let prepared = FlipperPrepared::read(prepared)?;
            done(client, job, JobOutcome::Prepared(prepared), now_ms)
        })
    }
}

/// A job of kind FLIPPER_JOB_KIND_STORE is done: the certificates are there and fit.
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

/// A job of another kind is done.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_done(client: *mut FlipperClient, job: u64, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe { with(client, |client| done(client, job, JobOutcome::Done, now_ms)) }
}

/// A job failed, whatever its kind. `problem` is a `flipper_credential_problem`, and `text` says what, where and what to do
/// about it, for people. The client tries again by itself.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_job_failed(
    client: *mut FlipperClient,
    job: u64,
    problem: u32,
    text: *const c_char,
    text_len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let failure = FlipperCredentialProblem::failure(problem, pointer::text(text, text_len)?)?;
            done(client, job, JobOutcome::Failed(failure), now_ms)
        })
    }
}

fn done(client: &mut Client, job: u64, outcome: JobOutcome, now_ms: u64) -> Result<(), FlipperResult> {
    client.handle_job_done(JobId::from_u64(job), outcome, at(now_ms));
    Ok(())
}
