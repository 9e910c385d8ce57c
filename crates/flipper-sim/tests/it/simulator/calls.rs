//! Calls that take long, are many, or are large.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flipper_async::AsyncMethods as _;
use flipper_client::{Call as AppCall, plugin};
use flipper_desktop::Event;
use flipper_proto::client::State;
use flipper_proto::desktop::Call;
use futures_util::future::{join, join_all};

use crate::rig::{Rig, client, json, message, secs};

#[test]
fn a_handler_that_takes_a_minute_holds_up_nobody() {
    let rig = Rig::new();
    let runtime = rig.app.clone();
    let plugin = plugin("P")
        .background()
        .async_method("slow", move |(): ()| {
            let runtime = runtime.clone();
            async move {
                runtime.sleep(secs(60)).await;
                Ok::<_, String>(("done",))
            }
        })
        .method("quick", |(): ()| Ok::<_, String>(("at once",)));
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let app = rig.launch(rig.builder().plugin(plugin.build()));
        let id = client(&desktop, &mut events).await;
        let begin = rig.sim.now();
        let slow = Call::new("P", "slow").within(secs(120));
        let slow = async {
            assert_eq!(desktop.call_with(&id, &slow).await.unwrap().as_json(), r#"["done"]"#);
            rig.sim.now() - begin
        };
        let quick = async {
            for _ in 0..59 {
                let asked = rig.sim.now();
                assert_eq!(desktop.call(&id, "P", "quick", None).await.unwrap().as_json(), r#"["at once"]"#);
                assert!(rig.sim.now() - asked < Duration::from_millis(10));
                // Silence in between is filled with pings, which are answered, too.
                assert!(!desktop.client(&id).unwrap().unresponsive);
                assert_eq!(app.status().state, State::Connected { unresponsive: false });
                rig.pass(secs(1)).await;
            }
        };
        let (took, ()) = join(slow, quick).await;
        assert!((secs(60)..secs(61)).contains(&took), "{took:?}");
    });
}

#[test]
fn a_minute_of_silence_is_filled_with_pings_alone() {
    let rig = Rig::new();
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let app = rig.launch(rig.builder().plugin(plugin("P").build()));
        let id = client(&desktop, &mut events).await;
        rig.pass(secs(1)).await;
        let (steps, dialled) = (rig.sim.steps(), rig.sim.injected().dialled);
        rig.pass(secs(60)).await;
        // Two ends, six pings and pongs of each.
        assert!(rig.sim.steps() - steps < 100, "{}", rig.sim.steps() - steps);
        assert_eq!(rig.sim.injected().dialled, dialled);
        assert!(!desktop.client(&id).unwrap().unresponsive);
        assert!(app.status().is_connected());
    });
}

const MANY: usize = 10_000;

#[test]
fn ten_thousand_calls_in_flight_are_answered_in_the_opposite_order() {
    let rig = Rig::new();
    let waiting: Arc<Mutex<Vec<AppCall>>> = Arc::default();
    let held = Arc::clone(&waiting);
    let plugin = plugin("P").background().call("hold", move |call| held.lock().unwrap().push(call));
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let _app = rig.launch(rig.builder().plugin(plugin.build()));
        let id = client(&desktop, &mut events).await;
        let calls = join_all((0..MANY).map(|number| {
            let (desktop, id) = (&desktop, &id);
            async move {
                let answer = desktop.call(id, "P", "hold", json(&[number])).await.unwrap();
                assert_eq!(answer.parse::<(usize,)>().unwrap(), (number,));
            }
        }));
        let answers = async {
            while waiting.lock().unwrap().len() < MANY {
                rig.pass(Duration::from_millis(1)).await;
            }
            let calls = std::mem::take(&mut *waiting.lock().unwrap());
            for call in calls.into_iter().rev() {
                let params = call.params.unwrap();
                call.responder.success_json(params).unwrap();
            }
        };
        join(calls, answers).await;
        assert_eq!(desktop.counters().protocol.late_replies, 0);
    });
}

#[test]
fn eight_mebibytes_go_both_ways_at_once_and_nobody_reads_first() {
    const SIZE: usize = 8 << 20;
    let rig = Rig::new();
    // Neither end's socket holds a hundredth of it.
    let plugin = plugin("P").background().call("echo", |call| {
        let params = call.params.unwrap();
        call.responder.success_json(params).unwrap();
    });
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let app = rig.launch(rig.builder().plugin(plugin.build()));
        let id = client(&desktop, &mut events).await;
        let text = "e".repeat(SIZE);
        app.connection("P").send("large", &[&text]).unwrap();
        let call = desktop.call(&id, "P", "echo", json(&[&text]));
        let (answer, (method, params)) = join(call, message(&mut events)).await;
        assert_eq!((answer.unwrap().as_json().len(), params.as_json().len()), (SIZE + 4, SIZE + 4));
        assert_eq!(method, "large");
        assert!(rig.sim.injected().bytes > 3 * SIZE as u64);
    });
}

#[test]
fn events_keep_their_order_whatever_else_is_said() {
    let rig = Rig::new();
    let plugin = plugin("P").background().method("quick", |(): ()| Ok::<_, String>(("at once",)));
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let app = rig.launch(rig.builder().plugin(plugin.build()));
        let connection = app.connection("P");
        (0..100).for_each(|number| connection.send("event", &[number]).unwrap());
        let id = client(&desktop, &mut events).await;
        let mut numbers = Vec::new();
        for number in 100..1_000 {
            connection.send("event", &[number]).unwrap();
            if number % 7 == 0 {
                desktop.call(&id, "P", "quick", None).await.unwrap();
            }
        }
        rig.pass(secs(1)).await;
        app.stop().await;
        desktop.stop().await;
        let mut kinds = BTreeSet::new();
        while let Some(event) = events.next().await {
            if let Event::Message { method, params, .. } = event {
                kinds.insert(method.to_string());
                numbers.push(params.unwrap().parse::<(u32,)>().unwrap().0);
            }
        }
        // Those that came before the client had told its plugins were taken by `client`.
        let first = numbers[0];
        assert_eq!(numbers, (first..1_000).collect::<Vec<_>>());
        assert_eq!(kinds, BTreeSet::from(["event".to_owned()]));
    });
}
