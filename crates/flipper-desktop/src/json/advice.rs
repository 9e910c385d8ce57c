//! What to do about a connection that came to nothing.

use flipper_proto::desktop::Refusal;
use flipper_proto::{CloseCause, TlsFailure};

/// The kind of a failure, for programs, and what to do about it where its text does not say that already.
pub(super) type Advice = (&'static str, Option<&'static str>);

/// The ports have their names, because their numbers may be others.
const PORTS: &str = "see that the app has the right ports: it asks for its certificate on the insecure one (9089), and \
                     connects with TLS on the secure one (9088)";

const NEW_CERTIFICATE: &str =
    "the app asks for another certificate by itself; if it does not, delete those that it has";

pub(super) fn of_refusal(refusal: &Refusal) -> Advice {
    match refusal {
        Refusal::Host(_) => ("ForeignHost", None),
        Refusal::Origin(_) => ("ForeignOrigin", None),
        Refusal::NoOrigin => ("NoOrigin", None),
        Refusal::Stopped => ("Stopped", None),
        Refusal::Query(_) => (
            "InvalidQuery",
            Some("the app does not say who it is as the protocol has it; `flipper conformance` tells more"),
        ),
        Refusal::Certificate(_) => ("InvalidCertificate", Some(NEW_CERTIFICATE)),
        Refusal::App { .. } => ("OtherApp", Some(NEW_CERTIFICATE)),
        Refusal::Device { .. } => ("OtherDevice", Some(NEW_CERTIFICATE)),
        Refusal::IdentityInUse => {
            ("IdentityInUse", Some("give the app another name, or stop the one that is connected with a certificate"))
        }
        Refusal::TooMany { .. } => {
            ("TooMany", Some("stop apps that are not needed, or start the desktop with a higher limit"))
        }
        _ => ("Refused", None),
    }
}

pub(super) fn of_close(cause: &CloseCause) -> Advice {
    match cause {
        CloseCause::Tls(failure) => of_tls(failure),
        CloseCause::Timeout => ("Timeout", Some(PORTS)),
        CloseCause::Http(_) => ("NoWebSocket", Some(PORTS)),
        CloseCause::Eof | CloseCause::Reset | CloseCause::DroppedBeforeUpgrade => {
            ("HungUp", Some("if the app is connected by now, nothing is wrong; else its own log says why it hung up"))
        }
        _ => ("HandshakeFailed", Some("`flipper conformance` tells whether the app follows the protocol")),
    }
}

fn of_tls(failure: &TlsFailure) -> Advice {
    match failure {
        TlsFailure::UnknownCa => ("UnknownCa", Some(NEW_CERTIFICATE)),
        TlsFailure::Expired => ("Expired", Some("set the date and time of both machines")),
        TlsFailure::NotYetValid => ("NotYetValid", Some("set the date and time of both machines")),
        TlsFailure::BadCertificate(_) => ("BadCertificate", Some(NEW_CERTIFICATE)),
        TlsFailure::PeerRefused(_) => (
            "DesktopRefused",
            Some(
                "the app knows another desktop; it asks this one for a certificate by itself, or delete those that it has",
            ),
        ),
        _ => ("TlsFailed", Some(PORTS)),
    }
}
