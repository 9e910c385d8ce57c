//! Who is let in.

use std::net::SocketAddr;

use flipper_proto::desktop::{Admission, Channel, PeerIdentity, Refusal, Upgrade};
use flipper_proto::{Excerpt, Instant};

use super::handle::{FlipperDesktop, with};
use crate::exclusive::guard;
use crate::pointer::{self, FlipperStr};
use crate::record::{self, Record};
use crate::result::FlipperResult;

/// The port that a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperChannel {
    /// The plain port of the certificate exchange.
    Insecure = 1,
    /// The port with mutual TLS: the handshake is done, and the client's certificate was issued by this desktop's CA.
    Secure = 2,
    /// The plain port for browsers and Node.
    Browser = 3,
}

/// What a client's certificate says of whom it was issued to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperCertificate {
    /// The app and the device: `common_name` and `device_id`. The query must name the same.
    Bound = 1,
    /// Nothing that is proven; `common_name` may be NULL.
    Unbound = 2,
    /// Something that cannot be understood, which must not pass for nothing; `problem` says what.
    Unusable = 3,
}

/// The HTTP request that opens a WebSocket, and what TLS told before.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperUpgrade {
    /// `sizeof(flipper_upgrade)`.
    pub size: usize,
    /// The port: a `flipper_channel`.
    pub channel: u32,
    /// On the port with TLS: a `flipper_certificate`. It has no default: who forgets it lets nobody in. Elsewhere unused.
    pub certificate: u32,
    /// The request target: any path, and the query in which the client says who it is.
    pub target: FlipperStr,
    /// The `Host` header; NULL if there is none. A driver refuses a request with two of them by itself.
    pub host: FlipperStr,
    /// The `Origin` header; NULL if there is none. With two of them, both, joined by a comma, which no rule lets pass.
    pub origin: FlipperStr,
    /// The peer's address and port: `127.0.0.1:50000`, `[::1]:50000`.
    pub peer: FlipperStr,
    /// The certificate's CN.
    pub common_name: FlipperStr,
    /// The device id that the certificate carries. May be empty.
    pub device_id: FlipperStr,
    /// What is wrong with the certificate, for people.
    pub problem: FlipperStr,
}

// SAFETY: its size comes first; the rest is texts and numbers.
unsafe impl Record for FlipperUpgrade {}

impl FlipperUpgrade {
    /// # Safety
    /// The texts are good.
    unsafe fn channel(&self) -> Result<Channel, FlipperResult> {
        const INSECURE: u32 = FlipperChannel::Insecure as u32;
        const SECURE: u32 = FlipperChannel::Secure as u32;
        const BROWSER: u32 = FlipperChannel::Browser as u32;
        match self.channel {
            INSECURE => Ok(Channel::Insecure),
            // SAFETY: the caller's promise.
            SECURE => Ok(Channel::Secure(unsafe { self.identity() }?)),
            BROWSER => Ok(Channel::Browser),
            _ => Err(FlipperResult::BadValue),
        }
    }

    /// # Safety
    /// The texts are good.
    unsafe fn identity(&self) -> Result<PeerIdentity, FlipperResult> {
        const BOUND: u32 = FlipperCertificate::Bound as u32;
        const UNBOUND: u32 = FlipperCertificate::Unbound as u32;
        const UNUSABLE: u32 = FlipperCertificate::Unusable as u32;
        // SAFETY: the caller's promise.
        unsafe {
            match self.certificate {
                BOUND => Ok(PeerIdentity::Bound {
                    app: self.common_name.read()?.to_owned(),
                    device_id: self.device_id.read()?.to_owned(),
                }),
                UNBOUND => {
                    Ok(PeerIdentity::Unbound { common_name: self.common_name.read_optional()?.map(str::to_owned) })
                }
                UNUSABLE => Ok(PeerIdentity::Unusable(Excerpt::new(self.problem.read()?))),
                _ => Err(FlipperResult::BadValue),
            }
        }
    }
}

/// The answer to an upgrade.
#[derive(Debug)]
pub struct FlipperAdmission {
    admission: Admission,
    /// The reason of a refusal.
    reason: String,
}

impl FlipperAdmission {
    fn new(admission: Admission) -> Self {
        let reason = match &admission {
            Admission::Accept(_) => String::new(),
            Admission::Reject { reason, .. } | Admission::AcceptThenClose { reason, .. } => Refusal::to_string(reason),
        };
        Self { admission, reason }
    }
}

/// What an admission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperAdmissionKind {
    /// Answer 101: connection.
    Accept = 1,
    /// Answer with an HTTP status, and the reason as the body: status, reason. There is no connection.
    Reject = 2,
    /// Answer 101 and treat the connection as any other, an action that closes it waits already: connection, code, reason.
    AcceptThenClose = 3,
}

/// A field of an admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperAdmissionField {
    /// Number: the id that the connection has from now on.
    Conn = 1,
    /// Number: the HTTP status.
    Status = 2,
    /// Number: the code of the close frame.
    Code = 3,
    /// Text: why the connection is refused, for people.
    Reason = 20,
}

/// Somebody wants to open a WebSocket; on the port with TLS, after the handshake. The answer says whether they may, and
/// is to be freed with `flipper_admission_free`.
///
/// Results: FLIPPER_RESULT_BAD_VALUE for a channel, a certificate or a peer's address that is none.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_upgrade(
    desktop: *mut FlipperDesktop,
    upgrade: *const FlipperUpgrade,
    now_ms: u64,
    out: *mut *mut FlipperAdmission,
) -> FlipperResult {
    // SAFETY: the caller's promise; the place is looked at first, so that no connection is lost.
    unsafe {
        with(desktop, |desktop| {
            pointer::give_next(out, || {
                let record = record::read(upgrade)?;
                let peer: SocketAddr = record.peer.read_required()?.parse().map_err(|_| FlipperResult::BadValue)?;
                let upgrade = Upgrade {
                    target: record.target.read_required()?,
                    host: record.host.read_optional()?,
                    origin: record.origin.read_optional()?,
                    peer,
                };
                let admission = desktop.handle_upgrade(record.channel()?, upgrade, Instant::from_millis(now_ms));
                Ok(FlipperAdmission::new(admission))
            })
        })
    }
}

/// Frees an admission, with all texts that were taken from it. The connection goes on.
///
/// Threads: any, and no other call with it goes on or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_admission_free(admission: *mut FlipperAdmission) {
    // SAFETY: the caller's promise.
    unsafe { pointer::free(admission) };
}

/// What an admission is: a `flipper_admission_kind`, or 0 for NULL.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_admission_kind_of(admission: *const FlipperAdmission) -> u32 {
    // SAFETY: the caller's promise.
    let kind = unsafe { pointer::shared(admission) }.map(|admission| match admission.admission {
        Admission::Accept(_) => FlipperAdmissionKind::Accept,
        Admission::Reject { .. } => FlipperAdmissionKind::Reject,
        Admission::AcceptThenClose { .. } => FlipperAdmissionKind::AcceptThenClose,
    });
    kind.map_or(0, |kind| kind as u32)
}

/// A field that is a number: a `flipper_admission_field`. FLIPPER_RESULT_NOT_FOUND if this kind has it not.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_admission_number(
    admission: *const FlipperAdmission,
    field: u32,
    out: *mut u64,
) -> FlipperResult {
    const CONN: u32 = FlipperAdmissionField::Conn as u32;
    const STATUS: u32 = FlipperAdmissionField::Status as u32;
    const CODE: u32 = FlipperAdmissionField::Code as u32;
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let value = match (&pointer::shared(admission)?.admission, field) {
            (Admission::Accept(conn) | Admission::AcceptThenClose { conn, .. }, CONN) => conn.as_u64(),
            (Admission::Reject { status, .. }, STATUS) => u64::from(*status),
            (Admission::AcceptThenClose { code, .. }, CODE) => u64::from(code.as_u16()),
            _ => return Err(FlipperResult::NotFound),
        };
        pointer::write(out, value)
    })
}

/// A field that is a text: a `flipper_admission_field`. FLIPPER_RESULT_NOT_FOUND if this kind has it not.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_admission_text(
    admission: *const FlipperAdmission,
    field: u32,
    out: *mut FlipperStr,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let admission = pointer::shared(admission)?;
        let refused = !matches!(admission.admission, Admission::Accept(_));
        if !refused || field != FlipperAdmissionField::Reason as u32 {
            return Err(FlipperResult::NotFound);
        }
        pointer::write(out, FlipperStr::of(&admission.reason))
    })
}
