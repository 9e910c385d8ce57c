//! What a state machine decides.

use flipper_proto::client::{Action, Job, Trust};
use flipper_proto::desktop;

use crate::desktop::action as of_desktop;
use crate::exclusive::guard;
use crate::pointer::{self, FlipperStr};
use crate::result::FlipperResult;

/// A decision, to be carried out.
#[derive(Debug)]
pub struct FlipperAction {
    decided: Decided,
}

#[derive(Debug)]
enum Decided {
    Client(Action),
    Desktop(desktop::Action),
}

impl FlipperAction {
    pub(crate) fn of_client(action: Action) -> Self {
        Self { decided: Decided::Client(action) }
    }

    pub(crate) fn of_desktop(action: desktop::Action) -> Self {
        Self { decided: Decided::Desktop(action) }
    }

    fn kind(&self) -> Option<FlipperActionKind> {
        match &self.decided {
            Decided::Client(action) => kind(action),
            Decided::Desktop(action) => of_desktop::kind(action),
        }
    }

    fn number(&self, field: u32) -> Option<u64> {
        match &self.decided {
            Decided::Client(action) => number(action, field),
            Decided::Desktop(action) => of_desktop::number(action, field),
        }
    }

    fn text(&self, field: u32) -> Option<&str> {
        match &self.decided {
            Decided::Client(action) => text(action, field),
            Decided::Desktop(action) => of_desktop::text(action, field),
        }
    }
}

/// What an action is. Each has the fields that are named there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperActionKind {
    /// Open a WebSocket: attempt, host, port, target; and generation, if it is to be mutual TLS with these credentials, trusting
    /// their CA alone. Without a generation it is plain. Answer with `flipper_client_opened` or `flipper_client_closed`.
    Connect = 1,
    /// Send a text message: attempt (a client) or connection (a desktop), and text.
    Send = 2,
    /// Send a ping: attempt or connection.
    Ping = 3,
    /// Send what was given before, then a close frame, and wait for the peer's: attempt or connection, code; and reason, where
    /// it is a connection. Answer with `flipper_client_closed` or `flipper_desktop_closed`.
    Close = 4,
    /// Drop the socket, in whatever state it is: attempt or connection. No fact about it is wanted any more.
    Abort = 5,
    /// Do a piece of work: job, job kind, and what the kind needs. Answer, now or later, with the function of the kind or with
    /// `flipper_client_job_failed`.
    Job = 6,
}

/// What a piece of work is, as the field "job kind" says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperJobKind {
    /// Read the stored credentials. Answer with `flipper_client_job_loaded`.
    Load = 1,
    /// Make a key and a certificate request in a new directory. Answer with `flipper_client_job_prepared`.
    Prepare = 2,
    /// Medium WWW: bring the certificates into the directory of this generation, wherever they are, once it is certain that they
    /// come from the right desktop: generation, device id; and where the desktop's answer brought them along, of which nothing
    /// was checked, CA, certificate, and proof if there is one. Answer with `flipper_client_job_done`.
    Fetch = 3,
    /// Check that the certificates are there and fit, and store what was granted: generation, device id, medium; and os, where it
    /// is not the real one. Answer with `flipper_client_job_stored`.
    Store = 4,
    /// Make these the credentials in use, as they are proven: generation. Answer with `flipper_client_job_done`.
    Promote = 5,
    /// Delete these credentials, which will never be used: generation. Answer with `flipper_client_job_done`.
    Discard = 6,
    /// Delete all credentials older than those in use. Answer with `flipper_client_job_done`.
    Prune = 7,
}

/// A field of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperActionField {
    /// Number: which socket.
    Attempt = 1,
    /// Number: the TCP port.
    Port = 2,
    /// Number: which credentials.
    Generation = 3,
    /// Number: the close code.
    Code = 4,
    /// Number: which job.
    Job = 5,
    /// Number: a `flipper_job_kind`.
    JobKind = 6,
    /// Number: a `flipper_medium`.
    Medium = 7,
    /// Text: the host's name or address.
    Host = 20,
    /// Text: the request target.
    Target = 21,
    /// Text: the message.
    Text = 22,
    /// Text: the device id.
    DeviceId = 23,
    /// Text: the operating system.
    Os = 24,
    /// Text: the desktop's CA, PEM.
    Ca = 25,
    /// Text: the app's certificate, PEM.
    Certificate = 26,
    /// Text: what proves that both come from a desktop that knows the pairing.
    Proof = 27,
    /// Number: which connection of a desktop.
    Conn = 51,
    /// Text: why a connection is closed, 123 bytes at most, as a close frame has room for.
    Reason = 71,
}

/// Frees an action, with all texts that were taken from it.
///
/// Threads: any, and no other call with it goes on or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_action_free(action: *mut FlipperAction) {
    // SAFETY: the caller's promise.
    unsafe { pointer::free(action) };
}

/// What an action is: a `flipper_action_kind`, or 0 for NULL.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_action_kind_of(action: *const FlipperAction) -> u32 {
    // SAFETY: the caller's promise.
    let kind = unsafe { pointer::shared(action) }.ok().and_then(FlipperAction::kind);
    kind.map_or(0, |kind| kind as u32)
}

/// A field that is a number. `field` is a `flipper_action_field`.
///
/// FLIPPER_RESULT_NOT_FOUND: the action has no such field, or has it not this time.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_action_number(
    action: *const FlipperAction,
    field: u32,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe { pointer::write(out, pointer::shared(action)?.number(field).ok_or(FlipperResult::NotFound)?) })
}

/// A field that is a text, valid until the action is freed. `field` is a `flipper_action_field`.
///
/// FLIPPER_RESULT_NOT_FOUND: the action has no such field, or has it not this time.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_action_text(
    action: *const FlipperAction,
    field: u32,
    out: *mut FlipperStr,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let text = pointer::shared(action)?.text(field).ok_or(FlipperResult::NotFound)?;
        pointer::write(out, FlipperStr::of(text))
    })
}

fn kind(action: &Action) -> Option<FlipperActionKind> {
    Some(match action {
        Action::Connect { .. } => FlipperActionKind::Connect,
        Action::Send { .. } => FlipperActionKind::Send,
        Action::Ping { .. } => FlipperActionKind::Ping,
        Action::Close { .. } => FlipperActionKind::Close,
        Action::Abort { .. } => FlipperActionKind::Abort,
        Action::Job { .. } => FlipperActionKind::Job,
        _ => return None,
    })
}

fn number(action: &Action, field: u32) -> Option<u64> {
    const ATTEMPT: u32 = FlipperActionField::Attempt as u32;
    match (action, field) {
        (
            Action::Connect { attempt, .. }
            | Action::Send { attempt, .. }
            | Action::Ping { attempt }
            | Action::Close { attempt, .. }
            | Action::Abort { attempt },
            ATTEMPT,
        ) => Some(attempt.as_u64()),
        (Action::Connect { endpoint, .. }, field) if field == FlipperActionField::Port as u32 => {
            Some(endpoint.port.into())
        }
        (Action::Connect { trust: Trust::Mutual(generation), .. }, field)
            if field == FlipperActionField::Generation as u32 =>
        {
            Some(generation.as_u64())
        }
        (Action::Close { code, .. }, field) if field == FlipperActionField::Code as u32 => Some(code.as_u16().into()),
        (Action::Job { job, .. }, field) if field == FlipperActionField::Job as u32 => Some(job.as_u64()),
        (Action::Job { kind, .. }, field) => number_of_job(kind, field),
        _ => None,
    }
}

fn number_of_job(job: &Job, field: u32) -> Option<u64> {
    let (kind, generation) = match job {
        Job::Load => (FlipperJobKind::Load, None),
        Job::NewGeneration => (FlipperJobKind::Prepare, None),
        Job::Fetch { generation, .. } => (FlipperJobKind::Fetch, Some(generation)),
        Job::StoreGrant { generation, .. } => (FlipperJobKind::Store, Some(generation)),
        Job::Promote { generation } => (FlipperJobKind::Promote, Some(generation)),
        Job::Discard { generation } => (FlipperJobKind::Discard, Some(generation)),
        Job::Prune => (FlipperJobKind::Prune, None),
        _ => return None,
    };
    match job {
        Job::StoreGrant { grant, .. } if field == FlipperActionField::Medium as u32 => {
            Some(grant.medium.number().into())
        }
        _ if field == FlipperActionField::JobKind as u32 => Some(kind as u64),
        _ if field == FlipperActionField::Generation as u32 => generation.map(|generation| generation.as_u64()),
        _ => None,
    }
}

fn text(action: &Action, field: u32) -> Option<&str> {
    let is = |wanted: FlipperActionField| field == wanted as u32;
    match action {
        Action::Connect { endpoint, .. } if is(FlipperActionField::Host) => Some(&endpoint.host),
        Action::Connect { endpoint, .. } if is(FlipperActionField::Target) => Some(&endpoint.target),
        Action::Send { text, .. } if is(FlipperActionField::Text) => Some(text),
        Action::Job { kind: Job::Fetch { device_id, .. }, .. } if is(FlipperActionField::DeviceId) => Some(device_id),
        Action::Job { kind: Job::Fetch { bundle: Some(bundle), .. }, .. } if is(FlipperActionField::Ca) => {
            Some(&bundle.ca)
        }
        Action::Job { kind: Job::Fetch { bundle: Some(bundle), .. }, .. } if is(FlipperActionField::Certificate) => {
            Some(&bundle.certificate)
        }
        Action::Job { kind: Job::Fetch { bundle: Some(bundle), .. }, .. } if is(FlipperActionField::Proof) => {
            bundle.proof.as_deref()
        }
        Action::Job { kind: Job::StoreGrant { grant, .. }, .. } if is(FlipperActionField::DeviceId) => {
            Some(&grant.device_id)
        }
        Action::Job { kind: Job::StoreGrant { grant, .. }, .. } if is(FlipperActionField::Os) => grant.os.as_deref(),
        _ => None,
    }
}
