//! What is said to people: each text names what happened, and each kind of trouble has a text of its own.

#![allow(clippy::panic, reason = "a test that fails panics")]

use std::collections::BTreeSet;

use flipper_proto::desktop::DisconnectCause;
use flipper_proto::{
    ApiMisuse, CloseCause, CloseCode, ErrorReport, Excerpt, Medium, MessageId, ProtocolError, TlsFailure, WallTime,
};

fn assert_texts(texts: &[(String, &str)]) {
    for (text, part) in texts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
        assert!(!text.ends_with('.') && !text.contains('\n'), "{text:?} is to be a part of a line");
    }
    let different: BTreeSet<_> = texts.iter().map(|(text, _)| text).collect();
    assert_eq!(different.len(), texts.len(), "two say the same");
}

#[test]
fn every_misuse_says_what_is_wrong() {
    assert_texts(&[
        (ApiMisuse::NotConnected.to_string(), "no such client is connected"),
        (ApiMisuse::UnknownPlugin.to_string(), "no plugin of this id was added"),
        (ApiMisuse::DuplicatePlugin.to_string(), "was added before"),
        (ApiMisuse::UnknownCall.to_string(), "the call was answered before"),
        (ApiMisuse::UnknownExchange.to_string(), "the exchange was finished before"),
        (ApiMisuse::TooManyPending { max: 3 }.to_string(), "3 requests wait"),
        (ApiMisuse::QueueFull { max: 4 }.to_string(), "only 4 bytes may wait"),
        (ApiMisuse::TooManyPlugins { max: 5 }.to_string(), "5 plugins were added already"),
        (ApiMisuse::TooLarge { size: 7, max: 6 }.to_string(), "has 7 bytes, 6 are allowed"),
    ]);
}

#[test]
fn every_fault_of_a_peer_says_what_is_wrong() {
    let id = MessageId::MAX;
    assert_texts(&[
        (ProtocolError::Json { at: 3 }.to_string(), "no valid JSON at byte 3"),
        (ProtocolError::TooLarge { size: 2, max: 1 }.to_string(), "has 2 bytes, 1 are allowed"),
        (ProtocolError::NotText { at: 4 }.to_string(), "no UTF-8 text at byte 4"),
        (ProtocolError::Missing("params").to_string(), "lacks `params`"),
        (ProtocolError::WrongType("params").to_string(), "`params` has the wrong JSON type"),
        (ProtocolError::Duplicate("params").to_string(), "`params` appears more than once"),
        (ProtocolError::BadId(Excerpt::new("1.0")).to_string(), "not 1.0"),
        (ProtocolError::UnknownMethod(Excerpt::new("m")).to_string(), "unknown method: m"),
        (ProtocolError::UnexpectedReply(id).to_string(), "request 9007199254740991"),
        (ProtocolError::NotInState("too early").to_string(), "too early"),
        (ProtocolError::TooManyCalls { max: 5 }.to_string(), "more than 5 calls"),
        (ProtocolError::TooManyPlugins { max: 6 }.to_string(), "more than 6 plugins"),
        (ProtocolError::Unanswered("getPlugins").to_string(), "`getPlugins` was never answered"),
    ]);
}

#[test]
fn every_end_of_a_connection_says_how_it_came() {
    let why = || Excerpt::new("why");
    let code = |code, reason| CloseCause::Code { code, reason: Excerpt::new(reason) };
    assert_texts(&[
        (CloseCause::Refused.to_string(), "nobody listens there"),
        (CloseCause::Unreachable(why()).to_string(), "cannot be reached: why"),
        (CloseCause::Timeout.to_string(), "no answer in time"),
        (CloseCause::Tls(TlsFailure::UnknownCa).to_string(), "not issued by the CA of the last exchange"),
        (CloseCause::Tls(TlsFailure::Expired).to_string(), "has expired"),
        (CloseCause::Tls(TlsFailure::NotYetValid).to_string(), "check both clocks"),
        (CloseCause::Tls(TlsFailure::BadCertificate(why())).to_string(), "is refused: why"),
        (CloseCause::Tls(TlsFailure::PeerRefused(why())).to_string(), "refused our certificate: why"),
        (CloseCause::Tls(TlsFailure::Handshake(why())).to_string(), "the handshake failed: why"),
        (CloseCause::DroppedBeforeUpgrade.to_string(), "before the upgrade was answered"),
        (CloseCause::Http(401).to_string(), "HTTP status 401"),
        (CloseCause::BadUpgrade(why()).to_string(), "no WebSocket handshake: why"),
        (code(1011, "").to_string(), "closed with code 1011"),
        (code(1011, "why").to_string(), "closed with code 1011: why"),
        (CloseCause::TooLarge { size: 2, max: 1 }.to_string(), "2 bytes arrived, 1 bytes are allowed"),
        (CloseCause::WebSocket(why()).to_string(), "broke the WebSocket protocol: why"),
        (CloseCause::Eof.to_string(), "without a close frame"),
        (CloseCause::Reset.to_string(), "was reset"),
        (CloseCause::Local.to_string(), "closed by this side"),
        (DisconnectCause::Disconnected(CloseCode::NORMAL).to_string(), "closed by this desktop with code 1000"),
    ]);
}

#[test]
fn what_is_shown_of_a_peers_text_is_bounded_and_harmless() {
    for long in [format!("\u{1b}[2J{}", "é".repeat(500)), "\0".repeat(256), "\u{7f}".repeat(90), "x".repeat(257)] {
        let excerpt = Excerpt::new(&long);
        let shown = excerpt.as_str().strip_suffix('…').unwrap_or_else(|| panic!("{excerpt} leaves nothing out"));
        assert!((Excerpt::MAX - 3..=Excerpt::MAX).contains(&shown.len()), "{} bytes", shown.len());
        assert!(!shown.contains(char::is_control));
        // Who passes it on does not make it shorter still.
        assert_eq!(Excerpt::new(excerpt.as_str()), excerpt);
    }
    assert_eq!(Excerpt::new(&"x".repeat(256)).as_str(), "x".repeat(256));
    assert_eq!(format!("{:?}", Excerpt::new("a\"b")), r#""a\"b""#);
    assert_eq!(Excerpt::from("short").to_string(), "short");
}

#[test]
fn a_report_shows_its_name_and_what_to_do() {
    let report = ErrorReport::from("no room").named("DiskFull").with_hint("delete something").with_stacktrace("at 1");
    assert_eq!(report.to_string(), "DiskFull: no room (delete something)");
    assert_eq!(ErrorReport::from(String::from("no room")).to_string(), "no room");
}

#[test]
fn media_and_times_have_names() {
    let media = [Medium::FsAccess, Medium::Www, Medium::None].map(|medium| medium.to_string());
    assert_eq!(media, ["FS_ACCESS", "WWW", "NONE"]);
    assert_eq!(WallTime::from_unix_millis(5).to_string(), "5 ms");
}
