//! Arbitrary drivers, desktops and apps, in any order: what must hold whatever happens.

mod ops;

use std::collections::BTreeMap;

use flipper_model::client::{self, Model};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use self::ops::{ops, settings};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_client_keeps_its_rules(settings in settings(), ops in ops()) {
        Model::play(&settings, &ops).finish();
    }

    #[test]
    fn the_same_facts_lead_to_the_same_decisions(settings in settings(), ops in ops()) {
        let (once, again) = (Model::play(&settings, &ops), Model::play(&settings, &ops));
        prop_assert_eq!(once.log(), again.log());
    }

    #[test]
    fn operations_come_back_from_their_bytes(settings in settings(), ops in ops()) {
        let bytes = client::write(&settings, &ops);
        prop_assert_eq!(client::read(&bytes), Some((settings, ops)));
    }
}

/// The sequences above are only worth something if they lead everywhere.
#[test]
fn sequences_reach_every_state() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeMap::<String, usize>::new();
    for _ in 0..150 {
        let settings = settings().new_tree(&mut runner).unwrap().current();
        let ops = ops().new_tree(&mut runner).unwrap().current();
        for line in Model::play(&settings, &ops).log() {
            let known = line.split(['{', '(']).take(2).collect::<Vec<_>>().join(" ");
            *reached.entry(known).or_default() += 1;
        }
    }
    for wanted in [
        "StateChanged Exchanging",
        "StateChanged Connecting",
        "StateChanged Connected",
        "StateChanged Waiting",
        "StateChanged Closing",
        "StateChanged Stopped",
        "PluginConnected",
        "PluginDisconnected",
        "Call",
        "MethodQuery",
        "Abort",
        "Close",
        "Ping",
        "Failed ExchangeRefused",
        "Failed Connection",
        "Failed Credentials",
    ] {
        let times = reached.iter().filter(|(line, _)| line.starts_with(wanted)).map(|(_, times)| times).sum::<usize>();
        assert!(times >= 5, "{wanted} happened {times} times only: {reached:#?}");
    }
}
