//! What a message costs in memory: nothing of it is copied on its way to a plugin.
//!
//! `cargo test --test client_allocations -- --nocapture` prints the figures.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod rig;

use allocation_counter::{AllocationInfo, measure};
use flipper_proto::client::{Action, Event, Reply};
use flipper_proto::{AttemptId, Payload, PluginId, Text};

use self::rig::{Rig, config};

const SIZES: [usize; 3] = [100, 10_000, 1_000_000];

fn rig() -> (Rig, AttemptId) {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    // Queues that have been in use once keep their memory.
    call(&mut rig, attempt, 10);
    (rig, attempt)
}

fn execute(size: usize) -> Text {
    let params = format!("[{}1]", "1,".repeat(size / 2));
    let mut text = format!(r#"{{"id":1,"method":"execute","params":{{"api":"A","method":"m","params":{params}}}}}"#);
    // The worst case: a buffer without spare room is shared only once somebody takes a part of it, at an allocation.
    text.shrink_to_fit();
    Text::from(text)
}

/// A call from its message to its answer; the allocations of each.
fn call(rig: &mut Rig, attempt: AttemptId, size: usize) -> [AllocationInfo; 2] {
    let message = execute(size);
    let mut event = None;
    let dispatched = measure(|| {
        rig.client.handle_message(attempt, message, rig.now);
        event = rig.client.poll_event();
    });
    let Some(Event::Call { call, params: Some(params), .. }) = event else { panic!("a call") };
    assert!(params.as_json().len() >= size);
    let answer = Reply::Success(params);
    let answered = measure(|| {
        rig.client.respond(call, &answer).unwrap();
        let sent = rig.client.poll_action();
        assert!(matches!(sent, Some(Action::Send { .. })));
    });
    rig.writable(attempt, usize::MAX);
    [dispatched, answered]
}

#[test]
fn a_call_takes_two_allocations_and_no_copy() {
    let (mut rig, attempt) = rig();
    for size in SIZES {
        let [dispatched, answered] = call(&mut rig, attempt, size);
        println!("call of {size} bytes: {} allocations, {} bytes", dispatched.count_total, dispatched.bytes_total);
        println!("  its answer: {} allocations, {} bytes", answered.count_total, answered.bytes_total);
        assert!(dispatched.count_total <= 2, "{dispatched:?}");
        assert!(dispatched.bytes_total < 2_000, "{dispatched:?}");
        // The one string that is handed to the driver.
        assert_eq!(answered.count_total, 1, "{answered:?}");
        assert!(answered.bytes_total < size as u64 + 100, "{answered:?}");
    }
}

#[test]
fn an_event_takes_one_allocation() {
    let (mut rig, attempt) = rig();
    let plugin = PluginId::new("A");
    rig.send("A", "m", "1");
    for size in SIZES {
        let params = Payload::from_json(format!("[{}1]", "1,".repeat(size / 2))).unwrap();
        rig.writable(attempt, usize::MAX);
        let sent = measure(|| {
            rig.client.send(&plugin, "m", Some(&params)).unwrap();
            assert!(matches!(rig.client.poll_action(), Some(Action::Send { .. })));
        });
        println!("event of {size} bytes: {} allocations, {} bytes", sent.count_total, sent.bytes_total);
        assert_eq!(sent.count_total, 1, "{sent:?}");
        assert!(sent.bytes_total < size as u64 + 100, "{sent:?}");
    }
}

#[test]
fn a_message_that_is_not_understood_does_not_grow_the_memory() {
    let (mut rig, attempt) = rig();
    let garbage = Text::from(format!("{{\"x\":\"{}\"", "x".repeat(1_000_000)));
    let used = measure(|| {
        for _ in 0..100 {
            rig.client.handle_message(attempt, garbage.clone(), rig.now);
            while rig.client.poll_event().is_some() {}
        }
    });
    println!("garbage of {} bytes: {} bytes at most", garbage.len(), used.bytes_max);
    assert!(used.bytes_max < 10_000, "{used:?}");
}
