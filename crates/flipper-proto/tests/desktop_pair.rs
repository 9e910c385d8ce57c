//! An app and a desktop of this project, joined in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod pair;

use flipper_proto::client::{self, Failure, PluginMode, Reply, State};
use flipper_proto::desktop::{Call, Config, DisconnectCause, Event, Outcome, PeerIdentity};
use flipper_proto::{
    CallId, ClientId, CloseCause, CloseCode, ErrorReport, Excerpt, Medium, Payload, PluginId, RequestId,
};

use self::pair::Pair;

fn payload(json: &str) -> Payload {
    Payload::from_json(json).unwrap()
}

fn plugin(name: &str) -> PluginId {
    PluginId::new(name)
}

fn init(pair: &mut Pair, client: &ClientId, name: &str) {
    pair.desktop.init_plugin(client, &plugin(name)).unwrap();
    pair.drive();
}

fn call(pair: &mut Pair, client: &ClientId, method: &str, params: &str) -> RequestId {
    let call = Call::new("P", method).with_params(payload(params));
    let request = pair.desktop.call(client, &call, pair.now).unwrap();
    pair.drive();
    request
}

/// The one call that the first app was told of.
fn app_call(pair: &mut Pair) -> (CallId, String, String) {
    match pair.app_events(0).as_slice() {
        [client::Event::Call { call, method, params: Some(params), .. }] => {
            (*call, method.to_string(), params.to_string())
        }
        events => panic!("{events:?}"),
    }
}

/// The one answer that the desktop was told of.
fn reply(pair: &mut Pair) -> (RequestId, Outcome) {
    match pair.desktop_event() {
        Event::Reply { request, outcome, .. } => (request, outcome),
        event => panic!("{event:?}"),
    }
}

/// The events of plugins that the desktop was told of, as `plugin.method params`.
fn messages(pair: &mut Pair) -> Vec<String> {
    let message = |event| match event {
        Event::Message { plugin, method, params, .. } => {
            format!("{plugin}.{method} {}", params.map(|params| params.to_string()).unwrap_or_default())
        }
        event => panic!("{event:?}"),
    };
    pair.desktop_events().into_iter().map(message).collect()
}

fn send(pair: &mut Pair, app: usize, name: &str, method: &str, params: &str) {
    pair.apps[app].client.send(&plugin(name), method, Some(&payload(params))).unwrap();
    pair.drive();
}

#[test]
fn from_nothing_to_a_session() {
    let mut pair = Pair::new(Config::new());
    let app = pair.add_app("My App", None, &["Network", "Databases"]);
    pair.start(app);

    // No time has passed: exchange, and session.
    assert_eq!(pair.apps[app].client.state(), State::Connected { unresponsive: false });
    let request = &pair.exchanges[0];
    assert_eq!((request.csr.as_str(), request.destination.as_str()), ("CSR 1", "/app/1/"));
    assert_eq!((request.medium, request.query.device_id.as_str()), (Medium::FsAccess, "unknown"));
    assert_eq!(request.clock_skew_millis(flipper_proto::WallTime::from_unix_millis(1_700_000_001_000)), Some(0));
    assert!(!request.logs.is_empty());

    let mut events = pair.desktop_events().into_iter();
    let Some(Event::ExchangeAcknowledged { is_error: false, has_required_files: Some(true), .. }) = events.next()
    else {
        panic!()
    };
    let Some(Event::ClientConnected { client, info }) = events.next() else { panic!() };
    assert_eq!(client.as_str(), "My%20App#Linux#box#device-1");
    assert_eq!((info.query.csr.as_deref(), info.query.csr_path.as_deref()), (Some("CSR 1"), Some("/app/1/")));
    let Some(Event::PluginsChanged { plugins, background, .. }) = events.next() else { panic!() };
    assert_eq!((plugins.len(), background.len(), events.next()), (2, 2, None));
    assert_eq!(pair.app_events(app), []);
    assert_eq!((pair.desktop.connections(), pair.exchanges.len()), (1, 1), "the socket of the exchange is closed");
}

#[test]
fn calls_and_their_answers() {
    let (mut pair, client) = Pair::connected(&["P"]);
    // Nobody has initialised the plugin yet.
    let request = call(&mut pair, &client, "reverse", "{}");
    let (answered, Outcome::Error { report, .. }) = reply(&mut pair) else { panic!() };
    assert_eq!((answered, report.name.as_deref()), (request, Some("ConnectionNotFound")));

    init(&mut pair, &client, "P");
    assert_eq!(pair.app_events(0), [client::Event::PluginConnected(plugin("P"))]);

    let first = call(&mut pair, &client, "reverse", r#"{"word":"hello","n":1.10}"#);
    let (first_call, method, params) = app_call(&mut pair);
    assert_eq!((method.as_str(), params.as_str()), ("reverse", r#"{"word":"hello","n":1.10}"#));
    let second = call(&mut pair, &client, "fail", "[]");
    let (second_call, ..) = app_call(&mut pair);
    let app = &mut pair.apps[0].client;
    app.respond_error(second_call, &ErrorReport::new("no").named("N").with_stacktrace("at x")).unwrap();
    app.respond(first_call, &Reply::Success(payload(r#"{"word":"olleh","n":1.10}"#))).unwrap();
    pair.drive();
    let events = pair.desktop_events();
    let [
        Event::Reply { request: a, outcome: Outcome::Error { report, .. }, .. },
        Event::Reply { request: b, outcome, .. },
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((*a, report), (second, &ErrorReport::new("no").named("N").with_stacktrace("at x")));
    assert_eq!((*b, outcome), (first, &Outcome::Success(payload(r#"{"word":"olleh","n":1.10}"#))));

    let asked = pair.desktop.is_method_supported(&client, &plugin("P"), "m", pair.now).unwrap();
    pair.drive();
    let [client::Event::MethodQuery { call, .. }] = pair.app_events(0)[..] else { panic!() };
    pair.apps[0].client.respond_supported(call, true).unwrap();
    pair.drive();
    assert_eq!(reply(&mut pair), (asked, Outcome::Success(payload(r#"{"isSupported":true}"#))));

    let unknown = pair.desktop.request(&client, "explode", None, None, pair.now).unwrap();
    pair.drive();
    let (answered, Outcome::Error { report, .. }) = reply(&mut pair) else { panic!() };
    assert_eq!((answered, report), (unknown, ErrorReport::new("Received unknown method: explode")));
    assert_eq!(pair.app_events(0).len(), 1, "the app is told too");
}

#[test]
fn a_call_that_nobody_answers() {
    let (mut pair, client) = Pair::connected(&["P"]);
    init(&mut pair, &client, "P");
    let request = call(&mut pair, &client, "m", "0");
    pair.advance(45_000);
    assert!(matches!(reply(&mut pair), (timed_out, Outcome::TimedOut { .. }) if timed_out == request));
    let events = pair.app_events(0);
    let [_, client::Event::Call { call, .. }] = events.as_slice() else { panic!("{events:?}") };
    pair.apps[0].client.respond(*call, &Reply::Success(payload("1"))).unwrap();
    pair.drive();
    assert_eq!(pair.desktop.counters().late_replies, 1);
}

#[test]
fn events_wait_until_they_are_wanted() {
    let mut pair = Pair::new(Config::new());
    let app = pair.add_app("A", None, &["P"]);
    for number in 0..500 {
        send(&mut pair, app, "P", "row", &number.to_string());
    }
    pair.start(app);
    assert_eq!(pair.desktop_events().len(), 3);
    let client = pair.desktop.clients().next().unwrap().client.clone();
    init(&mut pair, &client, "P");
    send(&mut pair, app, "P", "row", "500");
    let expected: Vec<String> = (0..=500).map(|number| format!("P.row {number}")).collect();
    assert_eq!(messages(&mut pair), expected);

    pair.desktop.deinit_plugin(&client, &plugin("P")).unwrap();
    pair.drive();
    send(&mut pair, app, "P", "row", "501");
    let (connected, left) =
        (client::Event::PluginConnected(plugin("P")), client::Event::PluginDisconnected(plugin("P")));
    assert_eq!(pair.app_events(app), [connected, left]);
    pair.assert_quiet();
    init(&mut pair, &client, "P");
    assert_eq!(messages(&mut pair), ["P.row 501"]);
    pair.app_events(app);
}

#[test]
fn plugins_that_come_and_go() {
    let (mut pair, client) = Pair::connected(&["P"]);
    init(&mut pair, &client, "P");
    pair.app_events(0);
    pair.apps[0].client.add_plugin("Q", PluginMode::Foreground).unwrap();
    pair.drive();
    let Event::PluginsChanged { plugins, background, .. } = pair.desktop_event() else { panic!() };
    assert_eq!((plugins, background), (vec![plugin("P"), plugin("Q")], vec![plugin("P")]));

    pair.apps[0].client.remove_plugin("P").unwrap();
    pair.drive();
    let Event::PluginsChanged { plugins, background, .. } = pair.desktop_event() else { panic!() };
    assert_eq!((plugins, background), (vec![plugin("Q")], vec![]));
    assert!(pair.desktop.client(&client).unwrap().initialised.is_empty());
    assert_eq!(pair.app_events(0), [client::Event::PluginDisconnected(plugin("P"))]);

    // A plugin that the app does not have.
    init(&mut pair, &client, "P");
    let Event::ClientError { report, .. } = pair.desktop_event() else { panic!() };
    assert_eq!(report, ErrorReport::new("Plugin P not found for method init").named("PluginNotFound"));
}

#[test]
fn a_plugin_that_goes_and_comes_at_once() {
    let (mut pair, client) = Pair::connected(&["P", "Q"]);
    init(&mut pair, &client, "P");
    pair.app_events(0);
    let app = &mut pair.apps[0].client;
    app.remove_plugin("P").unwrap();
    app.add_plugin("P", PluginMode::Background).unwrap();
    pair.drive();
    assert_eq!(pair.app_events(0), [client::Event::PluginDisconnected(plugin("P"))]);

    // The desktop would otherwise go on believing that it has initialised the plugin.
    let told = pair.desktop_events().into_iter().map(|event| match event {
        Event::PluginsChanged { plugins, background, .. } => (plugins, background),
        event => panic!("{event:?}"),
    });
    let (one, both) = (vec![plugin("Q")], vec![plugin("P"), plugin("Q")]);
    assert_eq!(told.collect::<Vec<_>>(), [(one.clone(), one), (both.clone(), both)]);
    assert!(pair.desktop.client(&client).unwrap().initialised.is_empty());
    init(&mut pair, &client, "P");
    send(&mut pair, 0, "P", "row", "1");
    assert_eq!(messages(&mut pair), ["P.row 1"]);
    pair.app_events(0);
}

#[test]
fn a_plugin_that_is_initialised_before_the_app_has_it() {
    let (mut pair, client) = Pair::connected(&["Q"]);
    init(&mut pair, &client, "P");
    let Event::ClientError { .. } = pair.desktop_event() else { panic!() };
    pair.apps[0].client.add_plugin("P", PluginMode::Foreground).unwrap();
    pair.drive();

    // Whoever wants the plugin has it now, and both ends know.
    assert_eq!(pair.app_events(0), [client::Event::PluginConnected(plugin("P"))]);
    assert!(pair.desktop.client(&client).unwrap().initialised.contains("P"));
    let Event::PluginsChanged { .. } = pair.desktop_event() else { panic!() };
    send(&mut pair, 0, "P", "row", "1");
    assert_eq!(messages(&mut pair), ["P.row 1"]);

    // One that the app already had stays as it is when others come.
    pair.apps[0].client.add_plugin("R", PluginMode::Foreground).unwrap();
    pair.drive();
    let Event::PluginsChanged { .. } = pair.desktop_event() else { panic!() };
    assert_eq!(pair.app_events(0), []);
}

#[test]
fn errors_that_an_app_reports() {
    let (mut pair, client) = Pair::connected(&["P"]);
    let report = ErrorReport::new("crash").named("Panic").with_stacktrace("main.rs:1");
    pair.apps[0].client.report_error(&report).unwrap();
    pair.drive();
    let Event::ClientError { client: from, report: told, .. } = pair.desktop_event() else { panic!() };
    assert_eq!((from, told), (client, report));
}

#[test]
fn an_app_that_stops() {
    let (mut pair, client) = Pair::connected(&["P"]);
    init(&mut pair, &client, "P");
    let request = call(&mut pair, &client, "m", "0");
    pair.stop(0);
    let cause = CloseCause::Code { code: 1000, reason: Excerpt::default() };
    let events = pair.desktop_events();
    let failed = Event::Reply { request, client: client.clone(), outcome: Outcome::Disconnected };
    assert_eq!(events, [failed, Event::ClientDisconnected { client, cause: DisconnectCause::Closed(cause) }]);
    assert_eq!(pair.app_events(0).len(), 3);
    assert_eq!((pair.apps[0].client.state(), pair.desktop.connections()), (State::Stopped, 0));
    assert_eq!((pair.apps[0].client.poll_timeout(), pair.desktop.poll_timeout()), (None, None));
}

#[test]
fn a_desktop_that_stops() {
    let (mut pair, client) = Pair::connected(&["P"]);
    pair.desktop.stop(pair.now);
    pair.drive();
    let cause = DisconnectCause::Disconnected(CloseCode::GOING_AWAY);
    assert_eq!(pair.desktop_event(), Event::ClientDisconnected { client, cause });
    let [client::Event::Failed(Failure::Connection { cause: CloseCause::Code { code: 1001, reason }, .. })] =
        &pair.app_events(0)[..]
    else {
        panic!()
    };
    assert_eq!(reason.as_str(), "the desktop is going away");

    // As long as it has not ended it refuses; the app tries again and keeps its certificates.
    pair.advance(1_000);
    assert!(pair.desktop_events().iter().all(|event| matches!(event, Event::ConnectionRefused { .. })));
    let refused = |event: &client::Event| {
        matches!(event, client::Event::Failed(Failure::Connection { cause: CloseCause::Http(401), .. }))
    };
    assert!(pair.app_events(0).iter().all(refused));
    assert_eq!(pair.exchanges.len(), 1);
}

#[test]
fn a_desktop_that_comes_back() {
    let (mut pair, client) = Pair::connected(&["P"]);
    init(&mut pair, &client, "P");
    pair.kill_desktop();
    send(&mut pair, 0, "P", "row", "1");
    pair.advance(60_000);
    send(&mut pair, 0, "P", "row", "2");
    let events = pair.app_events(0);
    assert_eq!(
        events[..2],
        [client::Event::PluginConnected(plugin("P")), client::Event::PluginDisconnected(plugin("P"))]
    );
    let failed = |event: &client::Event| matches!(event, client::Event::Failed(Failure::Connection { .. }));
    assert!(events[2..].iter().all(failed) && events.len() > 5, "{events:?}");

    pair.start_desktop();
    pair.advance(10_000);
    assert!(matches!(pair.desktop_events().as_slice(), [Event::ClientConnected { .. }, Event::PluginsChanged { .. }]));
    assert_eq!(pair.exchanges.len(), 1, "the certificates were good all the time");
    init(&mut pair, &client, "P");
    assert_eq!(messages(&mut pair), ["P.row 1", "P.row 2"]);
    assert_eq!(pair.app_events(0).len(), 1);
}

#[test]
fn a_refused_exchange_tells_why() {
    let mut pair = Pair::new(Config::new());
    let app = pair.add_app("A", None, &[]);
    let refusal = ErrorReport::new("/app/1/app.csr is not there").named("NoProof").with_hint("allow it with --relaxed");
    pair.answer = Err(refusal.clone());
    pair.start(app);
    assert_eq!(pair.app_events(app), [client::Event::Failed(Failure::ExchangeRefused(Some(refusal)))]);

    pair.answer = Ok(flipper_proto::desktop::Grant::new("device-1"));
    pair.advance(250);
    assert_eq!(pair.apps[app].client.state(), State::Connected { unresponsive: false });
    assert_eq!(pair.exchanges.len(), 2);
    assert_eq!(pair.desktop_events().len(), 3);
}

#[test]
fn an_app_that_asks_too_often_gets_in_later() {
    let mut config = Config::new();
    config.exchange_rate.per_second = 1;
    config.exchange_rate.burst = 1;
    let mut pair = Pair::new(config);
    let (a, b) = (pair.add_app("A", None, &[]), pair.add_app("B", None, &[]));
    pair.start(a);
    pair.start(b);
    let [client::Event::Failed(Failure::ExchangeRefused(Some(report)))] = &pair.app_events(b)[..] else { panic!() };
    assert_eq!(report.name.as_deref(), Some("RateLimited"));
    pair.advance(5_000);
    assert_eq!(pair.desktop.clients().count(), 2);
    pair.app_events(b);
    pair.desktop_events();
}

#[test]
fn an_empty_device_id_leaves_the_choice_to_the_app() {
    let mut pair = Pair::new(Config::new());
    pair.answer = Ok(flipper_proto::desktop::Grant::new(""));
    let app = pair.add_app("A", None, &[]);
    pair.start(app);
    let events = pair.desktop_events();
    let Event::ClientConnected { info, .. } = &events[1] else { panic!("{events:?}") };
    assert_eq!((info.query.device_id.as_str(), info.query.medium), ("localhost", Some(Medium::None)));
    assert_eq!(pair.app_events(app), []);
}

#[test]
fn certificates_of_another_app_are_replaced() {
    let (mut pair, client) = Pair::connected(&[]);
    pair.stop(0);
    pair.desktop_events();
    // Somebody copied the directory of another app.
    for stored in pair.apps[0].disk.values_mut() {
        stored.identity = PeerIdentity::Bound { app: "com.example.b".into(), device_id: "device-1".into() };
    }
    // An app that has asked lately would not ask again so soon.
    pair.advance(4 * 3_600_000);
    pair.start(0);
    let events = pair.desktop_events();
    let [Event::ConnectionRefused { reason, .. }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(reason.to_string(), "the certificate was issued to app com.example.b, not to com.example.a");
    let events = pair.app_events(0);
    let [client::Event::Failed(Failure::Connection { cause: CloseCause::Code { code: 4403, reason: told }, .. })] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(told.as_str(), reason.to_string());

    pair.advance(10_000);
    assert_eq!(pair.exchanges.len(), 2);
    assert!(pair.desktop.client(&client).is_some());
    pair.desktop_events();
    pair.app_events(0);
}

#[test]
fn an_app_that_starts_again_replaces_its_half_open_self() {
    let (mut pair, client) = Pair::connected(&["P"]);
    init(&mut pair, &client, "P");
    pair.app_events(0);
    // Its process is gone, and nobody told the desktop: the new process has the same disk.
    pair.freeze(0, true);
    let again = pair.add_app("A", None, &["P"]);
    pair.apps[again].disk = pair.apps[0].disk.clone();
    pair.start(again);

    let events = pair.desktop_events();
    let gone = Event::ClientDisconnected { client: client.clone(), cause: DisconnectCause::Replaced };
    assert!(matches!(&events[1..], [Event::ClientConnected { .. }, Event::PluginsChanged { .. }]), "{events:?}");
    assert_eq!(events[0], gone);
    // The end of the old connection takes nothing from the new one.
    pair.advance(10_000);
    assert_eq!(pair.desktop.connections(), 1);
    init(&mut pair, &client, "P");
    send(&mut pair, again, "P", "row", "1");
    assert_eq!(messages(&mut pair), ["P.row 1"]);
    assert_eq!(pair.app_events(again).len(), 1);
}

#[test]
fn two_processes_of_one_app_live_side_by_side() {
    let mut pair = Pair::new(Config::new());
    let (a, b) = (pair.add_app("A", Some("i1"), &["P"]), pair.add_app("A", Some("i2"), &["P"]));
    pair.start(a);
    pair.start(b);
    pair.advance(60_000);
    let ids: Vec<ClientId> = pair.desktop.clients().map(|status| status.client.clone()).collect();
    assert_eq!(
        ids.iter().map(ClientId::as_str).collect::<Vec<_>>(),
        ["A#Linux#box#device-1", "A#Linux#box#device-1#i2"]
    );
    assert_eq!(pair.desktop_events().len(), 6, "nobody was ever replaced");

    init(&mut pair, &ids[1], "P");
    send(&mut pair, b, "P", "row", "1");
    assert_eq!(messages(&mut pair), ["P.row 1"]);
    assert_eq!((pair.app_events(a).len(), pair.app_events(b).len()), (0, 1));
}

#[test]
fn two_processes_that_do_not_tell_which_they_are_take_turns_ever_more_slowly() {
    let mut pair = Pair::new(Config::new());
    let (a, b) = (pair.add_app("A", None, &[]), pair.add_app("A", None, &[]));
    pair.start(a);
    pair.start(b);
    pair.advance(60_000);
    assert_eq!(pair.desktop.clients().count(), 1);
    let replaced = |event: &Event| matches!(event, Event::ClientDisconnected { cause: DisconnectCause::Replaced, .. });
    let replacements = pair.desktop_events().iter().filter(|event| replaced(event)).count();
    assert!((2..30).contains(&replacements), "{replacements}");
    let told = |event: &client::Event| match event {
        client::Event::Failed(Failure::Connection { cause: CloseCause::Code { code, .. }, .. }) => *code == 4409,
        client::Event::Failed(Failure::ReconnectLoop { .. }) => true,
        event => panic!("{event:?}"),
    };
    assert!(pair.app_events(a).iter().all(told) && pair.app_events(b).iter().all(told));
}

#[test]
fn an_app_at_a_breakpoint() {
    let (mut pair, client) = Pair::connected(&["P"]);
    init(&mut pair, &client, "P");
    pair.app_events(0);
    pair.freeze(0, true);
    pair.advance(30_000);
    assert_eq!(pair.desktop_event(), Event::ClientUnresponsive { client: client.clone() });
    let request = call(&mut pair, &client, "m", "0");
    pair.advance(45_000);
    assert!(matches!(reply(&mut pair), (timed_out, Outcome::TimedOut { .. }) if timed_out == request));

    // It goes on after a while, in the same session.
    pair.advance(400_000);
    pair.freeze(0, false);
    assert_eq!(pair.desktop_event(), Event::ClientResponsive { client: client.clone() });
    app_call(&mut pair);
    send(&mut pair, 0, "P", "row", "1");
    assert_eq!(messages(&mut pair), ["P.row 1"]);
    assert_eq!(pair.exchanges.len(), 1);
}

#[test]
fn eight_mebibytes_both_ways_through_a_small_socket() {
    let mut pair = Pair::new(Config::new());
    pair.room = 1;
    let app = pair.add_app("A", None, &["P"]);
    pair.start(app);
    pair.desktop_events();
    let client = pair.desktop.clients().next().unwrap().client.clone();
    init(&mut pair, &client, "P");
    pair.app_events(app);

    let large = format!("\"{}\"", "x".repeat(8 << 20));
    let request = pair.desktop.call(&client, &Call::new("P", "m").with_params(payload(&large)), pair.now).unwrap();
    pair.apps[app].client.send(&plugin("P"), "row", Some(&payload(&large))).unwrap();
    pair.drive();
    let (call, _, params) = app_call(&mut pair);
    assert!(params == large);
    let Event::Message { params: Some(params), .. } = pair.desktop_event() else { panic!() };
    assert!(params.as_json() == large);
    pair.apps[app].client.respond(call, &Reply::Success(params)).unwrap();
    pair.drive();
    let (answered, Outcome::Success(value)) = reply(&mut pair) else { panic!() };
    assert!(answered == request && value.as_json() == large);
    pair.transcript.clear();
}

#[test]
fn the_same_story_twice() {
    let story = || {
        let (mut pair, client) = Pair::connected(&["P", "Q"]);
        init(&mut pair, &client, "P");
        call(&mut pair, &client, "m", "1.10");
        pair.advance(33_333);
        pair.kill_desktop();
        send(&mut pair, 0, "Q", "row", "{}");
        pair.advance(100_000);
        pair.start_desktop();
        pair.advance(100_000);
        init(&mut pair, &client, "Q");
        pair.stop(0);
        let told = format!("{:?} {:?} {:?}", pair.app_events(0), pair.desktop_events(), pair.apps[0].journey);
        (std::mem::take(&mut pair.transcript), told)
    };
    let (first, second) = (story(), story());
    assert!(first.0.len() > 30, "{:#?}", first.0);
    assert_eq!(first, second);
}
