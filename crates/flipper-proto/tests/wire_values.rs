//! The values that messages are made of.

use std::time::Duration;

use flipper_proto::client::Failure;
use flipper_proto::{CloseCause, ErrorReport, Excerpt, Instant, MessageId, Payload, ProtocolError, Text};

#[test]
fn payloads_are_one_json_value_each() {
    for good in ["{}", "[1, 2]", "\"x\"", "1.10", "-0", "1e400", "null", "\"\\ud800\"", "{\"a\":1,\"a\":2}"] {
        assert_eq!(Payload::from_json(good).unwrap().as_json(), good);
        assert_eq!(Payload::from_json(format!(" \n{good}\t\r ")).unwrap().as_json(), good);
    }
    for bad in ["", " ", "{", "1 2", "{} x", "nul", "01", "'x'", "\u{feff}1", "[1,]", "\"\u{1}\""] {
        assert!(Payload::from_json(bad).is_err(), "{bad:?}");
    }
    assert_eq!(Payload::empty_object().as_json(), "{}");
    assert_eq!(Payload::serialize(&(1, "é\"")).unwrap().to_string(), r#"[1,"é\""]"#);
    assert!(Payload::serialize(&std::collections::BTreeMap::from([((1, 2), 3)])).is_err());
    assert_eq!(Payload::from_json("[1,2]").unwrap().parse::<Vec<u8>>().unwrap(), [1, 2]);
    assert!(Payload::from_json("[1.0]").unwrap().parse::<Vec<u8>>().is_err());
}

#[test]
fn truth_is_that_of_javascript() {
    for falsy in ["null", "false", "0", "-0", "0.0", "0e5", "-0.0E-3", "1e-400", "\"\""] {
        assert!(!Payload::from_json(falsy).unwrap().is_truthy(), "{falsy}");
    }
    for truthy in ["true", "{}", "[]", "1", "-1", "0.1", "1e400", "-1e400", "5e-324", "\"0\"", "\" \"", "\"\\u0000\""] {
        assert!(Payload::from_json(truthy).unwrap().is_truthy(), "{truthy}");
    }
}

#[test]
fn excerpts_are_short_and_harmless() {
    assert_eq!(Excerpt::new("plain é").as_str(), "plain é");
    assert_eq!(Excerpt::new("a\r\n\u{1b}[2J\u{7f}\u{85}").as_str(), "a���[2J��");
    let exact = "x".repeat(Excerpt::MAX);
    assert_eq!(Excerpt::new(&exact).as_str(), exact);
    assert_eq!(Excerpt::new(&format!("{exact}y")).as_str(), format!("{exact}…"));
    // A character that does not fit as a whole is left out.
    let (before, after) = ("x".repeat(Excerpt::MAX - 1), "€€");
    assert_eq!(Excerpt::new(&format!("{before}{after}")).as_str(), format!("{before}…"));
    assert_eq!(Excerpt::from("x"), Excerpt::new("x"));
}

#[test]
fn ids_are_what_javascript_can_hold() {
    assert_eq!(MessageId::new(0).map(MessageId::as_u64), Some(0));
    assert_eq!(MessageId::new((1 << 53) - 1), Some(MessageId::MAX));
    assert_eq!(MessageId::new(1 << 53), None);
    assert_eq!(MessageId::new(u64::MAX), None);
}

#[test]
fn moments_stay_within_time() {
    let (start, end) = (Instant::ZERO, Instant::from_millis(u64::MAX));
    assert_eq!(start + Duration::from_millis(5), Instant::from_millis(5));
    assert_eq!(start + Duration::from_micros(999), start);
    assert_eq!(end + Duration::from_secs(1), end);
    assert_eq!(start + Duration::MAX, end);
    assert_eq!(start.saturating_duration_since(end), Duration::ZERO);
    assert_eq!(end.saturating_duration_since(start), Duration::from_millis(u64::MAX));
}

#[test]
fn texts_compare_and_show_as_what_they_hold() {
    let text = Text::from("a\"é");
    assert_eq!(text, Text::from(String::from("a\"é")));
    assert_eq!((text.to_string().as_str(), &*text, text.as_str()), ("a\"é", "a\"é", "a\"é"));
    assert_eq!(format!("{text:?}"), r#""a\"é""#);
    assert!(Text::default().is_empty() && Text::from("a") < Text::from("b"));
}

#[test]
fn errors_say_what_happened_and_what_to_do() {
    for (error, text) in [
        (ProtocolError::Json { at: 5 }.to_string(), "the message is no valid JSON at byte 5"),
        (ProtocolError::Missing("api").to_string(), "the message lacks `api`"),
        (ProtocolError::UnknownMethod("m".into()).to_string(), "Received unknown method: m"),
        (CloseCause::Http(401).to_string(), "the upgrade was answered with HTTP status 401"),
        (CloseCause::Code { code: 4409, reason: "replaced".into() }.to_string(), "closed with code 4409: replaced"),
        (CloseCause::Code { code: 1005, reason: "".into() }.to_string(), "closed with code 1005"),
        (ErrorReport::new("m").named("N").with_hint("h").to_string(), "N: m (h)"),
        (
            Failure::OsRefused { os: String::from("Linux") }.to_string(),
            "the desktop does not serve Linux apps; leave the os unset, or set one of Android, iOS, MacOS, Metro, Windows",
        ),
        (
            Failure::ExchangeTimeout { after: Duration::from_secs(20) }.to_string(),
            "the desktop did not answer the certificate request within 20 s; older desktops answer nothing when they \
             refuse: look at the desktop's own log or notifications",
        ),
        (
            Failure::QueryRefused { reason: "medium".into() }.to_string(),
            "the desktop does not understand or serve this client (close code 1011: medium); check os, medium and that \
             the desktop serves this kind of device",
        ),
    ] {
        assert_eq!(error, text);
    }
}
