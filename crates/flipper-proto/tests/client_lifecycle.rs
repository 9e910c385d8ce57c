//! Starting, stopping and giving up, in every state; and facts about what is over.

mod rig;

use std::time::Duration;

use flipper_proto::client::{Action, Event, Failure, Job, JobOutcome, Purpose, State, Timer, Trust};
use flipper_proto::{ApiMisuse, AttemptId, CloseCause, CloseCode, ErrorReport, Instant, JobId};

use self::rig::{Rig, code, config, credentials, millis, secs};

fn opening() -> (Rig, AttemptId) {
    let mut rig = Rig::with_plugins(config(), &["A"]);
    let attempt = rig.start_with(Some(credentials(7)));
    rig.events();
    (rig, attempt)
}

fn asking() -> (Rig, AttemptId) {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let (attempt, _) = rig.ask();
    rig.events();
    (rig, attempt)
}

/// A client in every state that can be stopped at once, with the state it is in and what stopping it takes.
fn stoppable() -> Vec<(Rig, State, Vec<Action>)> {
    let loading = {
        let mut rig = Rig::new(config());
        rig.start();
        (rig, State::Preparing, vec![])
    };
    let exchange_opening = {
        let mut rig = Rig::new(config());
        rig.start_with(None);
        let attempt = rig.dial();
        (rig, State::Exchanging, vec![Action::Abort { attempt }])
    };
    let exchange_preparing = {
        let mut rig = Rig::new(config());
        rig.start_with(None);
        let attempt = rig.dial();
        rig.opened(attempt);
        rig.take_job();
        (rig, State::Exchanging, vec![Action::Abort { attempt }])
    };
    let exchange_asking = {
        let mut rig = Rig::new(config());
        rig.start_with(None);
        let (attempt, generation) = rig.ask();
        let job = JobId::from_u64(2);
        (
            rig,
            State::Exchanging,
            vec![Action::Abort { attempt }, Action::Job { job, kind: Job::Discard { generation } }],
        )
    };
    let exchange_storing = {
        let (mut rig, attempt) = asking();
        rig.grant(attempt, "");
        rig.take_job();
        (rig, State::Exchanging, vec![Action::Abort { attempt }])
    };
    let opening = {
        let (rig, attempt) = opening();
        (rig, State::Connecting, vec![Action::Abort { attempt }])
    };
    let waiting = {
        let (mut rig, attempt) = opening_failed();
        rig.message(attempt, "late");
        let state = rig.client.state();
        (rig, state, vec![])
    };
    [loading, exchange_opening, exchange_preparing, exchange_asking, exchange_storing, opening, waiting]
        .into_iter()
        .map(|(mut rig, state, actions)| {
            rig.actions();
            rig.events();
            (rig, state, actions)
        })
        .collect()
}

fn opening_failed() -> (Rig, AttemptId) {
    let (mut rig, attempt) = opening();
    rig.closed(attempt, CloseCause::Refused);
    assert!(matches!(rig.client.state(), State::Waiting { .. }));
    (rig, attempt)
}

#[test]
fn whatever_is_going_on_can_be_stopped() {
    for (mut rig, state, actions) in stoppable() {
        assert_eq!(rig.client.state(), state);
        rig.stop();
        assert_eq!(rig.client.state(), State::Stopped);
        assert_eq!(rig.actions(), actions, "{state:?}");
        assert_eq!(rig.events(), [Event::StateChanged(State::Stopped)], "{state:?}");
        assert_eq!(rig.client.poll_timeout(), None);

        rig.stop();
        rig.timeout();
        rig.assert_quiet();
    }
}

#[test]
fn whatever_was_stopped_can_be_started_again() {
    for (mut rig, state, _) in stoppable() {
        rig.stop();
        rig.actions();
        rig.start();
        assert_ne!(rig.client.state(), State::Stopped, "{state:?}");
        assert_eq!(rig.actions().len(), 1, "{state:?}");
    }
}

#[test]
fn starting_what_has_begun_changes_nothing() {
    for (mut rig, state, _) in stoppable() {
        let timeout = rig.client.poll_timeout();
        rig.start();
        assert_eq!((rig.client.state(), rig.client.poll_timeout()), (state, timeout));
        rig.assert_no_actions();
        assert_eq!(rig.events(), []);
    }
    let (mut rig, _) = Rig::in_use(config(), &["A"]);
    rig.start();
    rig.assert_quiet();
}

#[test]
fn a_session_says_everything_before_it_stops() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A", "B", "C"]);
    rig.message(attempt, r#"{"method":"deinit","params":{"plugin":"C"}}"#);
    for id in [1, 2] {
        rig.message(attempt, &format!(r#"{{"id":{id},"method":"execute","params":{{"api":"A","method":"m"}}}}"#));
    }
    let events = rig.events();
    let calls: Vec<_> =
        events.iter().filter_map(|e| if let Event::Call { call, .. } = e { Some(*call) } else { None }).collect();
    rig.writable(attempt, 0);
    for (plugin, params) in [("A", "1"), ("A", "2"), ("B", "3"), ("C", "4")] {
        rig.send(plugin, "e", params);
    }
    rig.respond(calls[0], "{}");

    rig.stop();

    assert_eq!(rig.client.state(), State::Closing);
    let disconnected = |plugin: &str| Event::PluginDisconnected(plugin.into());
    assert_eq!(rig.events(), [disconnected("A"), disconnected("B"), Event::StateChanged(State::Closing)]);
    let late = rig.client.respond_error(calls[1], &ErrorReport::new("late"));
    assert_eq!(late, Err(ApiMisuse::UnknownCall));
    assert_eq!(rig.client.report_error(&ErrorReport::new("late")), Err(ApiMisuse::NotConnected));
    rig.assert_no_actions();

    rig.writable(attempt, 1);
    assert_eq!(rig.sent(), [r#"{"id":1,"success":{}}"#]);
    rig.writable(attempt, 1 << 20);
    let event = |plugin: &str, params: &str| {
        format!(r#"{{"method":"execute","params":{{"api":"{plugin}","method":"e","params":{params}}}}}"#)
    };
    let sent: Vec<_> = (0..3).map(|_| rig.take_sent()).collect();
    assert_eq!(sent, [event("A", "1"), event("B", "3"), event("A", "2")]);
    assert_eq!(rig.take_close(), (attempt, CloseCode::NORMAL));
    rig.message(attempt, r#"{"id":9,"method":"getPlugins"}"#);
    rig.binary(attempt, br#"{"id":9,"method":"getPlugins"}"#);
    rig.closed(attempt, code(1000));
    assert_eq!(rig.events(), [Event::StateChanged(State::Stopped)]);
    assert_eq!(rig.client.waiting_events("C"), Ok(1));
    rig.assert_quiet();
}

#[test]
fn a_desktop_that_does_not_read_does_not_hold_up_the_stop() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.writable(attempt, 0);
    rig.send("A", "e", "1");
    rig.stop();
    rig.events();
    assert_eq!(rig.pass_to(Timer::Close), secs(2));
    assert_eq!(rig.actions(), [Action::Abort { attempt }]);
    assert_eq!(rig.events(), [Event::StateChanged(State::Stopped)]);
    // What could not be said waits for the next session.
    assert_eq!(rig.client.waiting_events("A"), Ok(1));
    rig.assert_quiet();

    rig.start();
    let (attempt, ..) = rig.take_connect();
    rig.open_session(attempt);
    rig.assert_no_actions();
    rig.init(attempt, "A");
    assert_eq!(rig.sent().len(), 1);
}

#[test]
fn a_start_while_closing_waits_for_the_end_of_the_old_socket() {
    for ends in [true, false] {
        let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
        rig.stop();
        rig.take_close();
        rig.start();
        rig.start();
        assert_eq!(rig.client.state(), State::Closing);
        rig.assert_no_actions();

        if ends {
            rig.closed(attempt, code(1000));
        } else {
            rig.pass_to(Timer::Close);
            assert_eq!(rig.take_action(), Action::Abort { attempt });
        }
        let (next, ..) = rig.take_connect();
        assert_ne!(next, attempt);
        assert_eq!(rig.client.state(), State::Connecting);
    }
}

#[test]
fn the_last_wish_while_closing_counts() {
    let (mut rig, attempt) = Rig::in_use(config(), &[]);
    rig.stop();
    rig.start();
    rig.stop();
    rig.actions();
    rig.closed(attempt, code(1000));
    assert_eq!(rig.client.state(), State::Stopped);
    rig.assert_no_actions();
}

#[test]
fn a_start_does_not_shorten_the_wait_after_a_failed_exchange() {
    let (mut rig, attempt) = asking();
    rig.message(attempt, "{}");
    rig.actions();
    assert_eq!(rig.client.state(), State::Closing);

    rig.start();
    rig.closed(attempt, code(1000));

    assert!(matches!(rig.client.state(), State::Waiting { .. }));
    rig.assert_no_actions();
}

#[test]
fn new_credentials_survive_a_stop_between_exchange_and_session() {
    let (mut rig, attempt) = asking();
    rig.grant(attempt, "");
    let (store, kind) = rig.take_job();
    let Job::StoreGrant { generation, .. } = kind else { panic!("{kind:?}") };
    rig.job_done(store, JobOutcome::Stored(credentials(generation.as_u64())));
    rig.take_sent();
    rig.take_close();

    rig.stop();
    rig.closed(attempt, code(1000));
    assert_eq!(rig.client.state(), State::Stopped);
    rig.assert_no_actions();

    rig.start();
    let (load, _) = rig.take_job();
    rig.job_done(load, JobOutcome::Loaded { credentials: None, problem: None });
    assert_eq!(rig.take_connect().2, Trust::Mutual(generation));
}

#[test]
fn an_attempt_that_takes_too_long_is_aborted() {
    let (mut rig, attempt) = opening();
    assert_eq!(rig.pass_to(Timer::Connect), secs(10));
    assert_eq!(rig.actions(), [Action::Abort { attempt }]);
    let (purpose, to) = (Purpose::Session, String::from("localhost:9088"));
    assert_eq!(rig.failures(), [Failure::Connection { purpose, to, cause: CloseCause::Timeout }]);
    rig.opened(attempt);
    rig.closed(attempt, CloseCause::Eof);
    assert_eq!(rig.client.counters().stale_facts, 2);
    rig.assert_quiet();
}

#[test]
fn a_timeout_that_is_not_due_does_nothing() {
    for (mut rig, state, _) in stoppable() {
        let timeout = rig.client.poll_timeout();
        for now in [Instant::ZERO, rig.now] {
            rig.client.handle_timeout(now);
            rig.drain();
            assert_eq!((rig.client.state(), rig.client.poll_timeout()), (state.clone(), timeout));
            rig.assert_no_actions();
        }
    }
}

/// Facts about these ids, in every form.
fn tell_everything(rig: &mut Rig, attempt: AttemptId, job: JobId) {
    rig.opened(attempt);
    rig.message(attempt, r#"{"id":1,"method":"getPlugins"}"#);
    rig.message(attempt, r#"{"deviceId":"x"}"#);
    rig.message(attempt, "garbage");
    rig.binary(attempt, b"\xff");
    rig.alive(attempt);
    rig.writable(attempt, usize::MAX);
    for cause in [CloseCause::Refused, code(1011), code(4401), CloseCause::DroppedBeforeUpgrade, CloseCause::Http(401)]
    {
        rig.closed(attempt, cause);
    }
    let prepared = rig.new_generation();
    let failure = flipper_proto::client::CredentialFailure {
        kind: flipper_proto::client::CredentialProblem::Io,
        text: String::from("old"),
    };
    for outcome in [
        JobOutcome::Loaded { credentials: Some(credentials(99)), problem: Some(failure.clone()) },
        JobOutcome::Prepared(prepared),
        JobOutcome::Stored(credentials(99)),
        JobOutcome::Done,
        JobOutcome::Failed(failure),
    ] {
        rig.job_done(job, outcome);
    }
}

#[test]
fn facts_about_what_is_over_or_never_was_change_nothing() {
    let never = (AttemptId::from_u64(1_000), JobId::from_u64(1_000));
    let in_session = Rig::in_use(config(), &["A"]).0;
    let closing = {
        let (mut rig, _) = Rig::in_use(config(), &["A"]);
        rig.stop();
        rig
    };
    let mut rigs: Vec<Rig> = stoppable().into_iter().map(|(rig, ..)| rig).collect();
    rigs.extend([in_session, closing]);
    for mut rig in rigs {
        rig.actions();
        rig.events();
        let before = (rig.client.state(), rig.client.poll_timeout(), rig.client.last_failure().cloned());
        let stale = rig.client.counters().stale_facts;

        tell_everything(&mut rig, never.0, never.1);

        let after = (rig.client.state(), rig.client.poll_timeout(), rig.client.last_failure().cloned());
        assert_eq!(after, before);
        assert!(rig.client.counters().stale_facts >= stale + 10);
        rig.assert_quiet();
    }
}

#[test]
fn facts_about_the_last_attempt_change_nothing() {
    let (mut rig, old) = Rig::in_use(config(), &["A"]);
    rig.closed(old, CloseCause::Eof);
    rig.pass_to(Timer::Retry);
    let (new, ..) = rig.take_connect();
    rig.events();
    let before = (rig.client.state(), rig.client.poll_timeout());
    tell_everything(&mut rig, old, JobId::from_u64(0));
    assert_eq!((rig.client.state(), rig.client.poll_timeout()), before);
    rig.assert_no_actions();

    rig.open_session(new);
    rig.init(new, "A");
    rig.events();
    tell_everything(&mut rig, old, JobId::from_u64(0));
    assert_eq!(rig.client.state(), State::Connected { unresponsive: false });
    assert!(rig.client.is_plugin_connected("A"));
    rig.assert_quiet();
}

#[test]
fn a_socket_that_opens_twice_is_opened_once() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.opened(attempt);
    assert!(rig.client.is_plugin_connected("A"));
    assert_eq!(rig.client.counters().stale_facts, 1);

    let (mut rig, attempt) = asking();
    rig.opened(attempt);
    rig.assert_quiet();
}

#[test]
fn messages_before_the_socket_is_open_are_not_read() {
    let (mut rig, attempt) = opening();
    rig.message(attempt, r#"{"id":1,"method":"getPlugins"}"#);
    rig.assert_no_actions();

    let mut rig = Rig::new(config());
    rig.start_with(None);
    let attempt = rig.dial();
    rig.events();
    rig.message(attempt, r#"{"deviceId":""}"#);
    assert_eq!(rig.client.state(), State::Exchanging);
    rig.assert_quiet();
}

/// Whatever is set to nothing still takes its moment: a loop that waits for timers never spins.
#[test]
fn no_timer_is_due_at_once() {
    let mut config = config();
    let (timing, backoff) = (&mut config.timing, &mut config.backoff);
    for span in [&mut timing.connect, &mut timing.grant, &mut timing.close, &mut timing.ping, &mut backoff.first] {
        *span = Duration::ZERO;
    }
    backoff.ceiling = Duration::ZERO;
    let mut rig = Rig::new(config);
    rig.start_with(None);
    for _ in 0..10 {
        // `timeout`, which this calls, looks at the timer after the one that it has handled.
        assert_eq!(rig.pass_to(Timer::Connect), millis(1));
        assert_eq!(rig.pass_to(Timer::Retry), millis(1));
    }
}

#[test]
fn a_deadline_at_the_end_of_time_is_none() {
    let mut config = config();
    config.timing.connect = Duration::MAX;
    let mut rig = Rig::new(config);
    rig.start_with(None);
    let attempt = rig.dial();
    rig.events();
    assert_eq!(rig.client.poll_timeout(), None);
    rig.now = Instant::from_millis(u64::MAX);
    rig.timeout();
    rig.opened(attempt);
    assert_eq!(rig.take_job().1, Job::NewGeneration);
    rig.assert_quiet();
}
