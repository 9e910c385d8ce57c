//! Any facts and wishes in any order: nothing panics, no timer lies in the past, every promise is kept, and the same
//! inputs give the same outputs.

use std::time::Duration;

use flipper_model::desktop::{self, Run, Step};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_steps_in_any_order(steps in steps()) {
        let outputs = Run::of(&steps);
        prop_assert_eq!(outputs, Run::of(&steps), "the same inputs give the same outputs");
    }

    #[test]
    fn operations_come_back_from_their_bytes(steps in steps()) {
        prop_assert_eq!(desktop::read(&desktop::write(&steps)), steps);
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let conn = 0..12u64;
    let client = (0..3u8, 0..3u8);
    let step = prop_oneof![
        6 => (0..4u8, 0..3u8, 0..3u8, 0..9u8)
            .prop_map(|(channel, app, instance, fault)| Step::Upgrade { channel, app, instance, fault }),
        20 => (conn.clone(), message()).prop_map(|(conn, text)| Step::Message { conn, text }),
        1 => (conn.clone(), vec(any::<u8>(), 0..8)).prop_map(|(conn, bytes)| Step::Binary { conn, bytes }),
        2 => conn.clone().prop_map(|conn| Step::Alive { conn }),
        8 => (conn.clone(), prop_oneof![Just(0usize), Just(1), 0..400usize, Just(usize::MAX)])
            .prop_map(|(conn, room)| Step::Writable { conn, room }),
        2 => conn.prop_map(|conn| Step::Closed { conn }),
        4 => prop_oneof![0..50u64, 0..20_000u64].prop_map(|millis| Step::Wait { span: Duration::from_millis(millis) }),
        6 => Just(Step::Timer),
        3 => (0..6u64, any::<bool>()).prop_map(|(exchange, granted)| Step::Finish { exchange, granted }),
        2 => client.clone().prop_map(|(app, instance)| Step::Init { app, instance }),
        1 => client.clone().prop_map(|(app, instance)| Step::Deinit { app, instance }),
        8 => (client.clone(), any::<Option<u16>>())
            .prop_map(|((app, instance), deadline)| Step::Call { app, instance, deadline }),
        2 => client.clone().prop_map(|(app, instance)| Step::Supported { app, instance }),
        1 => client.clone().prop_map(|(app, instance)| Step::Request { app, instance }),
        1 => client.clone().prop_map(|(app, instance)| Step::Notify { app, instance }),
        1 => client.prop_map(|(app, instance)| Step::Disconnect { app, instance }),
    ];
    (vec(step, 0..120), 0..10u8).prop_map(|(mut steps, stop)| {
        if stop == 0 {
            let middle = steps.len() / 2;
            steps.insert(middle, Step::Stop);
        }
        steps
    })
}

fn message() -> impl Strategy<Value = String> {
    let answer = prop_oneof![
        Just(r#""success":{"plugins":["P","Q"]}"#),
        Just(r#""success":{"plugins":[]}"#),
        Just(r#""success":null"#),
        Just(r#""error":{"message":"m"}"#),
        Just(r#""success":1,"success":1"#),
        Just(r#""x":0"#),
    ];
    prop_oneof![
        8 => (0..8u64, answer).prop_map(|(id, answer)| format!(r#"{{"id":{id},{answer}}}"#)),
        2 => Just(r#"{"method":"refreshPlugins"}"#.into()),
        3 => Just(r#"{"method":"execute","params":{"api":"P","method":"m","params":[1.10]}}"#.into()),
        1 => Just(r#"{"error":{"message":"m"}}"#.into()),
        3 => Just(r#"{"method":"signCertificate","csr":"PEM","destination":"/d/"}"#.into()),
        1 => Just(r#"{"method":"signCertificateAck"}"#.into()),
        1 => Just(r#"{"id":"x"}"#.into()),
        1 => Just(format!(r#"{{"method":"{}"}}"#, "m".repeat(400))),
        2 => "\\PC{0,20}",
        1 => r#"[{}\[\]":,0-9a-z]{0,30}"#,
    ]
}
