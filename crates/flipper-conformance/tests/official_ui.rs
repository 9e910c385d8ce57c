//! The harness for the official desktop, tested by itself: its UI socket, with an app that the test plays.

#![cfg(unix)]

mod support;

use std::thread;
use std::time::Duration;

use flipper_conformance::official::{ErrorKind, OfficialDesktop, Ui};
use serde_json::{Value, json};

use support::{Peer, Result};

const ID: &str = "Bench#MacOS#bench#bench-1";

#[test]
fn an_app_is_listed_while_it_is_connected() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let ui = desktop.ui()?;
    assert_eq!(ui.device_list()?, []);

    let app = Peer::app(&desktop, "Bench")?;

    let client = ui.wait_for_client("Bench")?;
    assert_eq!(client.id, ID);
    assert_eq!(client.query.app, "Bench");
    assert_eq!(client.query.os, "MacOS");
    assert_eq!(client.query.device, "bench");
    assert_eq!(client.query.device_id, "bench-1");
    assert_eq!(client.query.sdk_version, Some(4));
    assert_eq!(client.query.medium.as_deref(), Some("NONE"));
    let devices = ui.device_list()?;
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].serial, "bench-1");
    assert_eq!(devices[0].os, "MacOS");
    // A socket that comes later finds it as well.
    assert_eq!(desktop.ui()?.wait_for_client("Bench")?, client);

    drop(app);

    ui.wait_for_client_gone(ID)?;
    assert_eq!(ui.client_list()?, []);
    Ok(())
}

#[test]
fn the_page_s_requests_reach_the_app_word_for_word() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let socket = desktop.ui()?;
    let mut app = Peer::app(&desktop, "Bench")?;
    let ui = Ui::new(&socket, socket.wait_for_client("Bench")?.id);

    // Each step: what the page asks, what the app then reads, and what it answers.
    let played = thread::spawn(move || {
        let answers = [
            Some(json!({"plugins": ["A", "B"]})),
            Some(json!({"plugins": ["B"]})),
            None,
            Some(json!({"isSupported": true})),
            Some(json!({"word": "olleh"})),
            None,
        ];
        let mut read = Vec::new();
        for answer in answers {
            let message = app.receive().map_err(|error| error.to_string())?;
            if let Some(success) = answer {
                app.send(&json!({"id": message["id"], "success": success})).map_err(|error| error.to_string())?;
            }
            read.push(message);
        }
        Ok::<_, String>((app, read))
    });
    assert_eq!(ui.plugins()?, ["A", "B"]);
    assert_eq!(ui.background_plugins()?, ["B"]);
    ui.init("A")?;
    assert!(ui.is_method_supported("A", "reverse")?);
    let reversed = ui.execute("A", "reverse", json!({"word": "hello"}))?;
    assert_eq!(reversed, Ok(json!({"word": "olleh"})));
    ui.deinit("A")?;

    let (mut app, read) = played.join().map_err(|_| "the app panicked")??;
    assert_eq!(
        read,
        [
            json!({"id": 0, "method": "getPlugins"}),
            json!({"id": 1, "method": "getBackgroundPlugins"}),
            json!({"method": "init", "params": {"plugin": "A"}}),
            json!({"id": 2, "method": "isMethodSupported", "params": {"api": "A", "method": "reverse"}}),
            json!({"id": 3, "method": "execute",
                   "params": {"api": "A", "method": "reverse", "params": {"word": "hello"}}}),
            json!({"method": "deinit", "params": {"plugin": "A"}}),
        ]
    );

    app.send(&json!({"method": "execute",
                     "params": {"api": "A", "method": "tick", "params": {"n": 1}}}))?;
    app.send(&json!({"method": "execute", "params": {"api": "A", "method": "tock"}}))?;
    assert_eq!(ui.wait_for_plugin_event("A", "tock")?, Value::Null);
    assert_eq!(ui.wait_for_plugin_event("A", "tick")?, json!({"n": 1}));
    Ok(())
}

#[test]
fn answers_find_their_askers_in_any_order() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let ui = desktop.ui()?;
    let mut app = Peer::app(&desktop, "Bench")?;
    ui.wait_for_client("Bench")?;
    let ask = |word| ui.start_request(ID, json!({"method": "execute", "params": word}));

    let (first, second) = (ask("first")?, ask("second")?);
    let (to_first, to_second) = (app.receive()?, app.receive()?);
    app.send(&json!({"id": to_second["id"], "error": {"message": "no"}}))?;

    let answer = second.wait()?;
    assert_eq!(answer["error"], json!({"message": "no"}));
    assert!(answer["length"].as_u64() > Some(0), "{answer}");
    assert!(!first.is_answered());
    app.send(&json!({"id": to_first["id"], "success": {"late": true}}))?;
    assert_eq!(first.wait()?["success"], json!({"late": true}));
    Ok(())
}

#[test]
fn several_threads_use_one_socket() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let ui = desktop.ui()?;
    let mut app = Peer::app(&desktop, "Bench")?;
    ui.wait_for_client("Bench")?;
    let (threads, requests) = (4, 25);
    let echo = thread::spawn(move || {
        for _ in 0..threads * requests {
            let message = app.receive().map_err(|error| error.to_string())?;
            let answer = json!({"id": message["id"], "success": message["params"]});
            app.send(&answer).map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(app)
    });

    thread::scope(|scope| {
        for thread in 0..threads {
            let ui = &ui;
            scope.spawn(move || {
                for request in 0..requests {
                    // Larger than one socket buffer, so that frames would mix if nothing kept them apart.
                    let params = json!({"from": [thread, request], "ballast": "x".repeat(100_000)});
                    let message = json!({"method": "execute", "params": params});
                    let answer = ui.request(ID, message).unwrap();
                    assert_eq!(answer["success"], params);
                }
            });
        }
    });

    echo.join().map_err(|_| "the app panicked")??;
    Ok(())
}

#[test]
fn what_cannot_be_done_is_an_error_that_says_so() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let ui = desktop.ui()?;

    let error = ui.exec("make-coffee", &[]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Refused { command, message }
            if command == "make-coffee" && message.contains("Unimplemented server command")),
        "{error}"
    );

    // To the desktop this is an answer, not an error.
    let answer = ui.request("Nobody#MacOS#x#", json!({"method": "getPlugins"}))?;
    assert_eq!(answer["error"]["name"], "CLIENT_DISCONNECTED");
    Ok(())
}

#[test]
fn events_wait_until_they_are_taken() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let ui = desktop.ui()?;
    let mut app = Peer::app(&desktop, "Bench")?;
    for n in 1..=3 {
        app.send(&json!({"n": n}))?;
    }
    let message = |n: u64| ui.wait_for("a message", |event| event.message_of(ID) == Some(json!({"n": n})));

    message(3)?;
    message(1)?;

    // Nothing else is to come, so this wait can only run out.
    let error = ui.wait_for_within(Duration::from_millis(1), "the impossible", |_| false).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TimedOut { .. }));
    let text = error.to_string();
    assert!(text.contains("the impossible"), "{text}");
    assert!(text.contains("1 client-connected"), "{text}");
    let rest = ui.take_events();
    let messages: Vec<_> = rest.iter().filter_map(|event| event.message_of(ID)).collect();
    assert_eq!(messages, [json!({"n": 2})]);
    assert_eq!(ui.take_events(), []);
    Ok(())
}
