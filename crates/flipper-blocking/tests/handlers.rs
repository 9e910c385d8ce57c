//! Who is called back when, while callbacks block.

mod rig;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flipper_blocking::proto::ProtocolError;
use flipper_blocking::{Notice, plugin};
use flipper_conformance::Result;
use flipper_conformance::scripted::frames;
use serde_json::json;

use self::rig::{Gate, Rig};

#[test]
fn a_callback_that_blocks_delays_nothing_that_goes_over_the_network() -> Result {
    const PINGS: usize = 100;
    let (gate, passage) = Gate::new();
    let slow = plugin("Slow").call("block", passage.method());
    let Rig { flipper, mut session, .. } = Rig::new(1, |builder| {
        builder.plugin(slow.build()).configure(|config| config.timing.ping = Duration::from_millis(20))
    })?;
    session.init("Slow")?;
    session.call(1, "Slow", "block", "{}")?;
    gate.wait()?;

    // The app pings, answers what it can answer itself, and sends its events …
    session.wait_for_ping()?;
    session.assert_answers()?;
    flipper.connection("Example").send("event", &0)?;
    let event = json!({"method": "execute", "params": {"api": "Example", "method": "event", "params": 0}});
    assert_eq!(session.receive()?, event);
    // … and answers pings. A client's frames have a mask of four bytes.
    let pings = frames::frame(0x89, b"still there?").repeat(PINGS);
    session.flood(&pings, pings.len() + 4 * PINGS, 1)?;
    assert!(flipper.watch().blocking_until(|status| !status.is_connected()).is_some());

    gate.open_for_good();
    flipper.stop().wait()?;
    Ok(())
}

#[test]
fn calls_beyond_the_limit_are_refused_while_a_callback_blocks() -> Result {
    const WAITING: u64 = 4;
    let (gate, passage) = Gate::new();
    let slow = plugin("Slow").call("block", passage.method());
    let mut rig = Rig::new(1, |builder| {
        builder.plugin(slow.build()).configure(|config| config.limits.pending_calls = WAITING as usize)
    })?;
    rig.session.init("Slow")?;

    for id in 0..WAITING + 1 {
        rig.session.call(id, "Slow", "block", "{}")?;
    }

    let refused = ProtocolError::TooManyCalls { max: WAITING as usize };
    let error = json!({"message": refused.to_string(), "name": "InvalidRequest"});
    assert_eq!(rig.session.receive()?, json!({"id": WAITING, "error": error}));
    gate.open_for_good();
    for id in 0..WAITING {
        assert_eq!(rig.session.receive()?, json!({"id": id, "success": {}}));
    }
    rig.session.assert_echoes()?;
    rig.stop()
}

#[test]
fn an_observer_that_blocks_is_told_everything_once_it_goes_on() -> Result {
    // Far more than wait at once.
    const BAD: usize = 20_000;
    let (gate, passage) = Gate::new();
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let mut rig = Rig::new(1, |builder| {
        builder.configure(|config| config.limits.pending_calls = 1).observer(move |notice| {
            if matches!(notice, Notice::PeerMisbehaved(_)) && count.fetch_add(1, Ordering::SeqCst) == 0 {
                passage.pass();
            }
        })
    })?;
    rig.session.send_text("no JSON")?;
    gate.wait()?;

    let sender = std::thread::spawn({
        let bad = frames::text("no JSON").repeat(BAD);
        move || rig.session.send_raw(&bad).map(|()| rig)
    });
    gate.open_for_good();

    let mut rig = sender.join().map_err(|_| "the desktop panicked")??;
    rig.session.assert_echoes()?;
    assert_eq!((told.load(Ordering::SeqCst), rig.flipper.missed_notices()), (BAD + 1, 0));
    rig.stop()
}

#[test]
fn other_handlers_go_on_while_one_blocks() -> Result {
    let (gate, passage) = Gate::new();
    let slow = plugin("Slow").call("block", passage.method()).method("quick", |(): ()| Ok::<_, String>([1]));
    let mut rig = Rig::new(2, |builder| builder.plugin(slow.build()))?;
    rig.session.init("Slow")?;
    rig.session.call(1, "Slow", "block", "{}")?;
    gate.wait()?;

    rig.session.assert_echoes()?;
    // Also those of the same plugin.
    rig.session.call(2, "Slow", "quick", "null")?;
    assert_eq!(rig.session.receive()?, json!({"id": 2, "success": [1]}));

    gate.open()?;
    assert_eq!(rig.session.receive()?, json!({"id": 1, "success": {}}));
    rig.stop()
}

#[test]
fn one_handler_calls_everybody_back_in_order() -> Result {
    const CALLS: u64 = 1000;
    let order = Arc::new(Mutex::new(Vec::new()));
    let named = |id: &'static str| {
        let note = |what: &'static str| {
            let order = Arc::clone(&order);
            move || order.lock().unwrap().push((id, what.to_owned()))
        };
        let (connects, disconnects, order) = (note("on"), note("off"), Arc::clone(&order));
        plugin(id)
            .on_connect(move |_| connects())
            .on_disconnect(disconnects)
            .method("note", move |nth: u64| {
                order.lock().unwrap().push((id, nth.to_string()));
                Ok::<_, String>([nth])
            })
            .build()
    };
    let mut rig = Rig::new(1, |builder| builder.plugin(named("A")).plugin(named("B")))?;
    let mut expected = Vec::new();
    let mut round = |id: &'static str, nth: u64| -> Result {
        rig.session.init(id)?;
        rig.session.call(nth, id, "note", &nth.to_string())?;
        rig.session.send(&json!({"method": "deinit", "params": {"plugin": id}}))?;
        expected.extend([(id, "on".to_owned()), (id, nth.to_string()), (id, "off".to_owned())]);
        Ok(())
    };

    for nth in 0..CALLS {
        round(["A", "B"][nth as usize % 2], nth)?;
    }

    for nth in 0..CALLS {
        assert_eq!(rig.session.receive()?, json!({"id": nth, "success": [nth]}));
    }
    rig.session.assert_echoes()?;
    assert_eq!(*order.lock().unwrap(), expected);
    rig.stop()
}

#[test]
fn many_handlers_connect_a_plugin_before_its_calls_and_disconnect_it_after_them() -> Result {
    #[derive(Default)]
    struct Seen {
        is_connected: bool,
        under_way: usize,
        most: usize,
        faults: Vec<&'static str>,
    }
    const CALLS: u64 = 3;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (connecting, connect) = Gate::new();
    let (calling, call) = Gate::new();
    let (on, off, in_call) = (Arc::clone(&seen), Arc::clone(&seen), Arc::clone(&seen));
    let (disconnects, disconnected) = std::sync::mpsc::channel();
    let ordered = plugin("Ordered")
        .on_connect(move |_| {
            connect.pass();
            on.lock().unwrap().is_connected = true;
        })
        .on_disconnect(move || {
            let mut seen = off.lock().unwrap();
            seen.is_connected = false;
            if seen.under_way > 0 {
                seen.faults.push("disconnected during a call");
            }
            disconnects.send(()).unwrap();
        })
        .call("block", move |received| {
            {
                let mut seen = in_call.lock().unwrap();
                if !seen.is_connected {
                    seen.faults.push("called while it is not connected");
                }
                seen.under_way += 1;
                seen.most = seen.most.max(seen.under_way);
            }
            call.pass();
            in_call.lock().unwrap().under_way -= 1;
            received.responder.success(&()).unwrap();
        });
    // One more than there are calls, so that there is always somebody to do what must not be done.
    let mut rig = Rig::new(CALLS as usize + 1, |builder| builder.plugin(ordered.build()))?;

    rig.session.init("Ordered")?;
    for id in 0..CALLS {
        rig.session.call(id, "Ordered", "block", "{}")?;
    }
    connecting.wait()?;
    rig.session.assert_echoes()?;
    connecting.open()?;
    // They come side by side.
    for _ in 0..CALLS {
        calling.wait()?;
    }
    rig.session.init("Ordered")?;
    rig.session.assert_echoes()?;
    assert_eq!(disconnected.try_recv().ok(), None);
    for _ in 0..CALLS {
        calling.open()?;
    }

    for _ in 0..CALLS {
        assert_eq!(rig.session.receive()?["success"], json!({}));
    }
    connecting.open_for_good();
    disconnected.recv()?;
    {
        let seen = seen.lock().unwrap();
        assert_eq!((seen.faults.as_slice(), seen.most), ([].as_slice(), CALLS as usize));
    }
    rig.stop()
}

#[test]
fn a_plugin_that_takes_the_place_of_another_gets_none_of_its_calls() -> Result {
    let (gate, passage) = Gate::new();
    let slow = plugin("Slow").call("block", passage.method());
    let called = |count: &Arc<AtomicUsize>| {
        let count = Arc::clone(count);
        plugin("Same").method("count", move |(): ()| Ok::<_, String>([count.fetch_add(1, Ordering::SeqCst)]))
    };
    let (old, new) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut rig = Rig::new(1, |builder| builder.plugin(slow.build()).plugin(called(&old).build()))?;
    rig.session.init("Slow")?;
    rig.session.init("Same")?;
    rig.session.call(1, "Slow", "block", "{}")?;
    gate.wait()?;
    rig.session.call(2, "Same", "count", "null")?;
    rig.session.assert_answers()?;

    rig.flipper.remove_plugin("Same")?;
    rig.flipper.add_plugin(called(&new).build())?;
    assert_eq!(rig.session.receive()?["error"]["name"], "PluginRemoved");
    gate.open_for_good();

    let mut id_of_slow = None;
    while id_of_slow.is_none() {
        id_of_slow = rig.session.receive()?["id"].as_u64();
    }
    assert_eq!(id_of_slow, Some(1));
    rig.session.init("Same")?;
    rig.session.call(3, "Same", "count", "null")?;
    assert_eq!(rig.session.receive()?, json!({"id": 3, "success": [0]}));
    assert_eq!((old.load(Ordering::SeqCst), new.load(Ordering::SeqCst)), (0, 1));
    rig.stop()
}
