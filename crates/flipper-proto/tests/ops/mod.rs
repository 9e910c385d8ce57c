//! Strategies for what can happen to a client, in any order.

use std::time::Duration;

use flipper_model::client::{Op, Outcome, PLUGINS, Pick, Settings, UNFIT};
use flipper_proto::client::PluginMode;
use flipper_proto::{CloseCause, Excerpt, Medium, TlsFailure};
use proptest::prelude::*;
use proptest::sample::select;

const ROUNDS: usize = 100;

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec(op(), 1..ROUNDS)
}

fn op() -> impl Strategy<Value = Op> {
    let plugin = || select(&PLUGINS[..]);
    prop_oneof![
        40 => plugin().prop_map(Op::Go),
        3 => Just(Op::Start),
        1 => Just(Op::Stop),
        3 => (plugin(), prop_oneof![Just(PluginMode::Foreground), Just(PluginMode::Background)])
            .prop_map(|(id, mode)| Op::AddPlugin(id, mode)),
        1 => plugin().prop_map(Op::RemovePlugin),
        6 => plugin().prop_map(Op::Send),
        3 => (pick(), any::<bool>()).prop_map(|(call, good)| Op::Respond(call, good)),
        1 => (pick(), any::<bool>()).prop_map(|(call, supported)| Op::Supported(call, supported)),
        1 => Just(Op::Report),
        3 => pick().prop_map(Op::Opened),
        6 => (pick(), message()).prop_map(|(attempt, text)| Op::Message(attempt, text)),
        1 => (pick(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(attempt, bytes)| Op::Binary(attempt, bytes)),
        1 => pick().prop_map(Op::Alive),
        6 => (pick(), prop_oneof![Just(0), 1..300_usize, Just(usize::MAX)]).prop_map(|(attempt, room)| Op::Writable(attempt, room)),
        3 => (pick(), cause()).prop_map(|(attempt, cause)| Op::Closed(attempt, cause)),
        4 => (pick(), outcome()).prop_map(|(job, outcome)| Op::JobDone(job, outcome)),
        1 => span().prop_map(Op::Wait),
        1 => span().prop_map(Op::Timeout),
        4 => Just(Op::Due),
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        12 => Just(Pick::Latest),
        2 => any::<u16>().prop_map(Pick::Any),
        1 => Just(Pick::Invented),
    ]
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 1..2_000_u64, Just(10_000), 0..1_000_000_u64, Just(30 * 24 * 3_600_000)]
        .prop_map(Duration::from_millis)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let medium = prop_oneof![9 => Just(Medium::FsAccess), 1 => Just(Medium::Www)];
    prop_oneof![
        12 => (medium, prop_oneof![Just(0_u16), Just(30)])
            .prop_map(|(medium, valid_days)| Outcome::Fitting { medium, valid_days }),
        1 => (0..UNFIT).prop_map(Outcome::Unfit),
        2 => Just(Outcome::Failed),
    ]
}

fn cause() -> impl Strategy<Value = CloseCause> {
    prop_oneof![
        Just(CloseCause::Refused),
        Just(CloseCause::Timeout),
        Just(CloseCause::Tls(TlsFailure::UnknownCa)),
        Just(CloseCause::Tls(TlsFailure::Handshake(Excerpt::new("why")))),
        Just(CloseCause::DroppedBeforeUpgrade),
        Just(CloseCause::Http(401)),
        Just(CloseCause::TooLarge { size: 2, max: 1 }),
        Just(CloseCause::Eof),
        select(vec![1000_u16, 1001, 1011, 4401, 4403, 4409])
            .prop_map(|code| CloseCause::Code { code, reason: Excerpt::new("why") }),
    ]
}

fn message() -> impl Strategy<Value = String> {
    let id = || select(vec!["", r#""id":0,"#, r#""id":1,"#, r#""id":"x","#, r#""id":1.0,"#]);
    let plugin = || select(&PLUGINS[..]);
    prop_oneof![
        6 => (id(), select(vec!["init", "init", "deinit"]), plugin())
            .prop_map(|(id, method, plugin)| format!(r#"{{{id}"method":"{method}","params":{{"plugin":"{plugin}"}}}}"#)),
        6 => (id(), select(vec!["execute", "isMethodSupported"]), plugin())
            .prop_map(|(id, method, api)| format!(r#"{{{id}"method":"{method}","params":{{"api":"{api}","method":"m","params":[1.10]}}}}"#)),
        3 => (id(), select(vec!["getPlugins", "getBackgroundPlugins", "nonsense"]))
            .prop_map(|(id, method)| format!(r#"{{{id}"method":"{method}"}}"#)),
        4 => select(vec![r#"{"deviceId":""}"#, r#"{"deviceId":"d"}"#, "{}", r#"{"error":{"message":"no"}}"#]).prop_map(String::from),
        2 => jsonish(),
        1 => ".{0,40}",
    ]
}

/// Pieces of JSON in any order.
fn jsonish() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        " ",
        "\"id\"",
        "\"method\"",
        "\"params\"",
        "\"plugin\"",
        "\"api\"",
        "\"init\"",
        "\"execute\"",
        "\"success\"",
        "\"error\"",
        "\"deviceId\"",
        "\"A\"",
        "\"\"",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "0",
        "-1",
        "1.10",
        "1e400",
        "9007199254740993",
        "null",
        "true",
        "\"",
        "\\",
        "é",
        "\n",
    ];
    proptest::collection::vec(select(pieces.to_vec()), 0..25).prop_map(|pieces| pieces.concat())
}

pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let buffers = (any::<bool>(), 0..6_u8, 0..400_u16);
    let medium = select(vec![None, None, None, None, Some(Medium::FsAccess), Some(Medium::Www), Some(Medium::None)]);
    let hasty = select(vec![false, false, false, true]);
    (any::<u64>(), buffers, medium, any::<bool>(), hasty).prop_map(|(seed, buffers, medium, fixed_os, hasty)| {
        let (drop_newest, buffered_events, buffered_bytes) = buffers;
        Settings { seed, drop_newest, buffered_events, buffered_bytes, medium, fixed_os, hasty }
    })
}
