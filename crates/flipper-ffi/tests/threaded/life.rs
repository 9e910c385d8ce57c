//! From the start to the end.

use std::sync::mpsc::channel;
use std::thread;

use flipper_conformance::{PATIENCE, Result};
use flipper_ffi::*;
use serde_json::json;

use crate::rig::{App, LONG, Place, Plugin, end, text};

#[test]
fn events_that_are_sent_before_the_start_arrive() -> Result {
    let place = Place::new()?;
    let app = App::new(&place.config());
    assert_eq!(app.send("Mine", "early", "[]"), FlipperResult::UnknownPlugin);
    assert_eq!(app.add("Mine", Plugin::default()), FlipperResult::Ok);
    assert_eq!(app.send("Mine", "early", r#"{"n":1.50}"#), FlipperResult::Ok);
    assert_eq!(app.events("Mine"), (1, 0));
    assert_eq!(app.state(), FlipperStateKind::Stopped as u32);
    assert_eq!(app.wait_connected(FLIPPER_NEVER), FlipperResult::Stopped);
    assert_eq!(app.report("nobody is there"), FlipperResult::NotConnected);

    assert_eq!(app.start(), FlipperResult::Ok);

    let mut session = place.desktop.session()?;
    assert_eq!(app.wait_connected(LONG), FlipperResult::Ok);
    assert_eq!(app.state(), FlipperStateKind::Connected as u32);
    session.init("Mine")?;
    assert!(session.receive_text()?.contains(r#""method":"early","params":{"n":1.50}"#));
    assert_eq!(app.report("here"), FlipperResult::Ok);
    assert_eq!(session.receive()?["error"]["message"], "here");
    end(app, session)
}

#[test]
fn two_threads_send_at_once_and_nothing_is_lost_or_mixed_up() -> Result {
    const EACH: usize = 2_000;
    let place = Place::new()?;
    let (app, mut session) = place.connect("Mine", Plugin::default())?;

    let senders = ["left", "right"].map(|side| {
        thread::spawn(move || {
            for number in 0..EACH {
                assert_eq!(app.send("Mine", side, &number.to_string()), FlipperResult::Ok);
            }
        })
    });
    let (mut left, mut right) = (0, 0);
    while left + right < 2 * EACH {
        let event = session.receive()?;
        let next = if event["params"]["method"] == "left" { &mut left } else { &mut right };
        assert_eq!(event["params"]["params"], json!(*next));
        *next += 1;
    }

    for sender in senders {
        sender.join().unwrap();
    }
    end(app, session)
}

#[test]
fn after_a_stop_everything_says_so() -> Result {
    let place = Place::new()?;
    let (app, session) = place.connect("Mine", Plugin::default())?;
    assert_eq!(app.start(), FlipperResult::AlreadyStarted);
    assert_eq!(app.wait_stopped(0), FlipperResult::TimedOut);
    assert_eq!(app.stop(), FlipperResult::Ok);
    assert_eq!(session.wait_closed()?, 1000);
    assert_eq!(app.wait_stopped(LONG), FlipperResult::Ok);

    assert_eq!((app.stop(), app.start()), (FlipperResult::Ok, FlipperResult::AlreadyStarted));
    assert_eq!(app.send("Mine", "late", "1"), FlipperResult::Stopped);
    assert_eq!(app.report("late"), FlipperResult::Stopped);
    assert_eq!(app.wait_connected(FLIPPER_NEVER), FlipperResult::Stopped);
    assert_eq!(app.state(), FlipperStateKind::Stopped as u32);
    assert_eq!((app.remove("Mine"), app.remove("Mine")), (FlipperResult::Ok, FlipperResult::UnknownPlugin));
    app.free();

    let never = App::new(&place.config());
    assert_eq!((never.stop(), never.wait_stopped(FLIPPER_NEVER)), (FlipperResult::Ok, FlipperResult::Ok));
    assert_eq!(never.start(), FlipperResult::AlreadyStarted);
    assert_eq!(never.send("Mine", "late", "1"), FlipperResult::Stopped);
    never.free();
    Ok(())
}

#[test]
fn who_waits_while_the_app_is_stopped_is_told_so() -> Result {
    let place = Place::new()?;
    let nobody = FlipperAppConfig { insecure_port: 1, secure_port: 1, ..place.config() };
    let (tells, told) = channel();
    let app = App::new(&nobody);
    assert_eq!(app.start(), FlipperResult::Ok);
    assert_eq!(app.wait_connected(1), FlipperResult::TimedOut);
    let waiter = thread::spawn(move || {
        tells.send(()).unwrap();
        (app.wait_connected(1), app.wait_connected(LONG))
    });
    told.recv_timeout(PATIENCE)?;
    assert_eq!(app.stop(), FlipperResult::Ok);
    let (first, second) = waiter.join().unwrap();
    assert!([FlipperResult::TimedOut, FlipperResult::Stopped].contains(&first), "{first:?}");
    assert_eq!(second, FlipperResult::Stopped);
    app.free();
    Ok(())
}

#[test]
fn failures_are_told_in_words_that_fit_the_buffer() -> Result {
    let place = Place::new()?;
    let app = App::new(&FlipperAppConfig { insecure_port: 1, secure_port: 1, ..place.config() });
    assert_eq!(app.failure(100).0, FlipperResult::NotFound);
    assert_eq!(app.start(), FlipperResult::Ok);
    while app.failure(0).0 == FlipperResult::NotFound {
        thread::yield_now();
    }

    let (result, whole, length) = app.failure(1000);
    assert_eq!((result, whole.len()), (FlipperResult::Ok, length));
    assert!(whole.contains("127.0.0.1:1") && whole.contains("start the desktop"), "{whole}");
    assert_eq!(app.failure(0), (FlipperResult::Ok, String::new(), length));
    assert_eq!(app.failure(5), (FlipperResult::Ok, whole[..4].to_owned(), length));
    assert_eq!(app.failure(length + 1).1, whole);
    assert_eq!(app.failure(length).1, whole[..length - 1]);
    app.free();
    Ok(())
}

#[test]
fn what_is_lost_is_counted() -> Result {
    let place = Place::new()?;
    let app = App::new(&FlipperAppConfig { buffered_events: 2, overflow: 1, ..place.config() });
    assert_eq!(app.add("Mine", Plugin::default()), FlipperResult::Ok);
    for number in 0..5 {
        assert_eq!(app.send("Mine", "n", &number.to_string()), FlipperResult::Ok);
    }
    assert_eq!(app.events("Mine"), (2, 3));
    assert_eq!(app.events("Another"), (0, 0));
    assert_eq!(app.counter(FlipperCounter::EventsDropped), 3);

    assert_eq!(app.start(), FlipperResult::Ok);
    let mut session = place.desktop.session()?;
    session.init("Mine")?;
    assert_eq!(session.receive()?["error"]["name"], "EventsDropped");
    let numbers = [session.receive()?, session.receive()?].map(|event| event["params"]["params"].clone());
    assert_eq!(numbers, [json!(0), json!(1)], "the newest went");
    session.send_text("no JSON")?;
    session.assert_answers()?;
    assert_eq!(app.counter(FlipperCounter::BadMessages), 1);
    assert_eq!(app.counter(FlipperCounter::MissedNotices), 0);
    end(app, session)
}

#[test]
fn settings_reach_the_desktop() -> Result {
    let place = Place::new()?;
    let app = App::new(&FlipperAppConfig {
        os: text("Windows"),
        device: text("A device"),
        device_id: text("an id"),
        message_bytes: 10_000,
        plugins: 1,
        handlers: 4,
        ..place.config()
    });
    assert_eq!(app.add("Mine", Plugin::default()), FlipperResult::Ok);
    assert_eq!(app.add("More", Plugin::default()), FlipperResult::TooManyPlugins);
    let session = place.start(app, "Mine")?;
    assert_eq!((session.query.app.as_str(), session.query.os.as_str()), ("C App", "Windows"));
    assert_eq!(session.query.device, "A device");
    assert_eq!(app.send("Mine", "large", &format!("\"{}\"", "x".repeat(10_000))), FlipperResult::TooLarge);
    end(app, session)
}
