//! The certificate exchange: what is asked, what is answered, and what becomes of it.

mod rig;

use flipper_proto::client::{
    CredentialFailure, CredentialProblem, Event, ExchangeReason, Failure, Grant, Job, JobOutcome, MediumChoice,
    Purpose, State, Step, Timer, Trust,
};
use flipper_proto::{
    AttemptId, Bundle, CloseCause, CloseCode, ErrorReport, Excerpt, Generation, Instant, Medium, PairingProof,
    ProtocolError, Query, TlsFailure,
};

use self::rig::{Rig, WALL, code, config, credentials, secs};

fn trouble(kind: CredentialProblem) -> CredentialFailure {
    CredentialFailure { kind, text: String::from("it does not work") }
}

/// A client without credentials that has sent its certificate request.
fn asking() -> (Rig, AttemptId, Generation) {
    asking_by(MediumChoice::Automatic)
}

fn asking_by(medium: MediumChoice) -> (Rig, AttemptId, Generation) {
    let mut config = config();
    config.medium = medium;
    let mut rig = Rig::new(config);
    rig.start_with(None);
    let (attempt, generation) = rig.ask();
    rig.events();
    (rig, attempt, generation)
}

/// Keeps a session until it is stable.
fn stabilise(rig: &mut Rig, session: AttemptId) {
    rig.pass(secs(5));
    rig.alive(session);
    rig.pass_to(Timer::Stable);
}

#[test]
fn credentials_that_could_not_be_put_in_use_are_put_in_use_later() {
    let failed = || JobOutcome::Failed(trouble(CredentialProblem::Io));
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let (session, generation) = rig.exchange();
    rig.opened(session);
    let (job, kind) = rig.take_job();
    assert_eq!(kind, Job::Promote { generation });
    rig.events();
    rig.job_done(job, failed());
    assert_eq!(rig.failures(), [Failure::Credentials(trouble(CredentialProblem::Io))]);
    rig.assert_no_actions();

    // Once the session is stable, the disk may be, too. The older credentials are those that the disk knows.
    stabilise(&mut rig, session);
    let (job, kind) = rig.take_job();
    assert_eq!(kind, Job::Promote { generation });
    rig.assert_no_actions();
    rig.job_done(job, failed());
    rig.assert_no_actions();

    // At the next session, and not again once it is done. The older ones go when that is stable.
    rig.closed(session, CloseCause::Eof);
    rig.pass_to(Timer::Retry);
    let (session, _, _) = rig.take_connect();
    rig.opened(session);
    let (job, kind) = rig.take_job();
    assert_eq!(kind, Job::Promote { generation });
    rig.job_done(job, JobOutcome::Done);
    rig.assert_no_actions();
    stabilise(&mut rig, session);
    assert_eq!(rig.jobs(), [Job::Prune]);
}

#[test]
fn nothing_is_deleted_before_the_disk_knows_what_is_in_use() {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let (session, generation) = rig.exchange();
    rig.opened(session);
    let (job, kind) = rig.take_job();
    assert_eq!(kind, Job::Promote { generation });
    // A disk that is as slow as that.
    stabilise(&mut rig, session);
    rig.assert_no_actions();
    rig.job_done(job, JobOutcome::Done);
    assert_eq!(rig.jobs(), [Job::Prune]);
}

#[test]
fn credentials_that_were_replaced_meanwhile_are_not_put_in_use_again() {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let (session, generation) = rig.exchange();
    rig.opened(session);
    let (first, kind) = rig.take_job();
    assert_eq!(kind, Job::Promote { generation });
    rig.fail(session, CloseCause::Eof);
    let (session, _, _) = rig.take_connect();
    rig.fail(session, CloseCause::Tls(TlsFailure::UnknownCa));
    let (session, newer) = rig.exchange();
    rig.opened(session);
    assert_eq!(rig.jobs(), [Job::Promote { generation: newer }]);
    rig.job_done(first, JobOutcome::Failed(trouble(CredentialProblem::Io)));
    stabilise(&mut rig, session);
    rig.assert_no_actions();
}

/// The exchange has failed: the key goes, the socket is closed, and the client waits.
fn assert_given_up(rig: &mut Rig, attempt: AttemptId, generation: Generation) {
    let (_, kind) = rig.take_job();
    assert_eq!(kind, Job::Discard { generation });
    assert_eq!(rig.take_close(), (attempt, CloseCode::NORMAL));
    assert_eq!(rig.client.state(), State::Closing);
    rig.closed(attempt, code(1000));
    assert!(matches!(rig.client.state(), State::Waiting { .. }));
    rig.events();
    rig.assert_quiet();
}

#[test]
fn from_nothing_to_a_session() {
    let mut rig = Rig::new(config());
    rig.start();
    assert_eq!(rig.client.state(), State::Preparing);
    let (load, kind) = rig.take_job();
    assert_eq!(kind, Job::Load);
    rig.job_done(load, JobOutcome::Loaded { credentials: None, problem: None });

    let (exchange, endpoint, trust) = rig.take_connect();
    assert_eq!((endpoint.host.as_str(), endpoint.port, trust), ("localhost", 9089, Trust::Exchange));
    assert_eq!(
        endpoint.target,
        "/?os=Linux&device=box&device_id=unknown&app=Sample&app_id=com.example.sample&sdk_version=4&medium=1"
    );
    assert_eq!(rig.client.state(), State::Exchanging);
    rig.opened(exchange);
    rig.writable(exchange, usize::MAX);

    // The key is made only now that somebody is there to ask.
    assert_eq!(rig.client.poll_timeout(), None);
    rig.pass(secs(3));
    rig.make_key();
    let timestamp = WALL + 4_000;
    assert_eq!(
        rig.sent(),
        [format!(
            concat!(
                r#"{{"method":"signCertificate","csr":"CSR 1","destination":"/app/1/","medium":1,"timestamp":{at},"logs":["#,
                r#""{early}:info:certificate exchange needed: there are no stored credentials","#,
                r#""{at}:info:made a key and a certificate request (generation-1)"]}}"#
            ),
            at = timestamp,
            early = timestamp - 3_000,
        )]
    );
    rig.writable(exchange, 1 << 20);

    rig.grant(exchange, "");
    let (store, kind) = rig.take_job();
    let grant = Grant { device_id: String::new(), medium: Medium::FsAccess, os: None };
    let generation = Generation::from_u64(1);
    assert_eq!(kind, Job::StoreGrant { generation, grant });
    rig.job_done(store, JobOutcome::Stored(credentials(1)));
    assert_eq!(
        rig.take_sent(),
        r#"{"method":"signCertificateAck","isError":false,"config":{"deviceId":"","medium":1},"hasRequiredFiles":true}"#
    );
    assert_eq!(rig.take_close(), (exchange, CloseCode::NORMAL));
    assert_eq!(rig.client.state(), State::Closing);
    rig.assert_no_actions();

    rig.closed(exchange, code(1000));
    let (session, endpoint, trust) = rig.take_connect();
    assert_eq!((endpoint.port, trust), (9088, Trust::Mutual(generation)));
    rig.opened(session);
    assert_eq!(rig.jobs(), [Job::Promote { generation }]);
    assert_eq!(
        rig.events(),
        [
            Event::StateChanged(State::Preparing),
            Event::Step(Step::ExchangeNeeded(ExchangeReason::NoCredentials)),
            Event::StateChanged(State::Exchanging),
            Event::Step(Step::RequestMade(generation)),
            Event::Step(Step::CertificateAsked { os: String::from("Linux") }),
            Event::Step(Step::Granted { device_id: String::new() }),
            Event::Step(Step::CertificatesStored(generation)),
            Event::StateChanged(State::Closing),
            Event::Step(Step::SessionAttempted(generation)),
            Event::StateChanged(State::Connecting),
            Event::Step(Step::CredentialsProven(generation)),
            Event::StateChanged(State::Connected { unresponsive: false }),
        ]
    );
    assert_eq!(rig.client.last_failure(), None);
    rig.assert_quiet();
}

#[test]
fn refusals_are_told_and_the_key_goes() {
    let full = ErrorReport::new("no").named("ClockSkew").with_stacktrace("s").with_hint("set the clock");
    for (answer, expected) in [
        ("{}", None),
        (r#"{"deviceId":null}"#, None),
        (r#"{"error":null,"x":[1]}"#, None),
        (r#"{"error":{"message":"no","name":"ClockSkew","stacktrace":"s","hint":"set the clock","x":1}}"#, Some(full)),
        (r#"{"error":{"message":"no"}}"#, Some(ErrorReport::new("no"))),
        (r#"{"error":"just text"}"#, Some(ErrorReport::new("just text"))),
        (r#"{"error":[1, 2]}"#, Some(ErrorReport::new("[1, 2]"))),
        (r#"{"error":["a","b"]}"#, Some(ErrorReport::new(r#"["a","b"]"#))),
        (r#"{"error":{"message":5}}"#, Some(ErrorReport::new(r#"{"message":5}"#))),
    ] {
        let (mut rig, attempt, generation) = asking();
        rig.message(attempt, answer);
        assert_eq!(
            rig.events(),
            [Event::Failed(Failure::ExchangeRefused(expected.clone())), Event::StateChanged(State::Closing)],
            "{answer}"
        );
        assert_eq!(rig.client.last_failure(), Some(&Failure::ExchangeRefused(expected)));
        assert_given_up(&mut rig, attempt, generation);
    }
}

#[test]
fn a_refusal_is_kept_in_part() {
    let (mut rig, attempt, _) = asking();

    rig.message(attempt, &format!(r#"{{"error":{{"message":"{}"}}}}"#, "é\\u0007".repeat(1_000)));

    let Some(Failure::ExchangeRefused(Some(report))) = rig.client.last_failure() else { panic!("no refusal") };
    assert!(report.message.len() < 700 && !report.message.contains('\u{7}'), "{}", report.message.len());
}

#[test]
fn answers_that_are_none_fail_the_exchange() {
    let limit = config().limits.exchange_message_bytes;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (answer, error) in [
        (String::new(), ProtocolError::Json { at: 0 }),
        (String::from("{\"deviceId\":}"), ProtocolError::Json { at: 12 }),
        (String::from("null"), ProtocolError::WrongType("message")),
        (String::from("5"), ProtocolError::WrongType("message")),
        (String::from("\"x\""), ProtocolError::WrongType("message")),
        (String::from("[]"), ProtocolError::WrongType("message")),
        (String::from(" [\"device\"]"), ProtocolError::WrongType("message")),
        (String::from("{\"deviceId\":5}"), ProtocolError::WrongType("deviceId")),
        (String::from("{\"deviceId\":[\"x\"]}"), ProtocolError::WrongType("deviceId")),
        (String::from("{\"deviceId\":\"a\",\"deviceId\":\"b\"}"), ProtocolError::WrongType("message")),
        (
            format!("{{\"deviceId\":\"{}\"}}", "x".repeat(limit)),
            ProtocolError::TooLarge { size: limit + 15, max: limit },
        ),
        (deep.clone(), ProtocolError::TooLarge { size: deep.len(), max: limit }),
        (deep[95_000..105_000].into(), ProtocolError::WrongType("message")),
    ] {
        let (mut rig, attempt, generation) = asking();
        rig.message(attempt, &answer);
        assert_eq!(rig.failures(), [Failure::Protocol(error)], "{}", Excerpt::new(&answer));
        assert_eq!(rig.client.counters().bad_messages, 1);
        assert_given_up(&mut rig, attempt, generation);
    }
}

#[test]
fn binary_answers_count() {
    let (mut rig, attempt, _) = asking();

    rig.binary(attempt, b"\xff");
    assert_eq!(rig.events(), [Event::PeerMisbehaved(ProtocolError::NotText { at: 0 })]);
    assert_eq!(rig.client.state(), State::Exchanging);
    rig.binary(attempt, br#"{"deviceId":"d","certificates":"x"}"#);
    assert_eq!(rig.steps(), [Step::Granted { device_id: String::from("d") }]);
}

#[test]
fn a_desktop_that_does_not_answer_is_given_up() {
    let (mut rig, attempt, generation) = asking();

    assert_eq!(rig.pass_to(Timer::Grant), secs(20));

    assert_eq!(rig.failures(), [Failure::ExchangeTimeout { after: secs(20) }]);
    assert_given_up(&mut rig, attempt, generation);
    rig.pass_to(Timer::Retry);
    rig.dial();
}

#[test]
fn an_exchange_that_does_not_open_is_given_up() {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let attempt = rig.dial();
    rig.events();

    assert_eq!(rig.pass_to(Timer::Connect), secs(10));

    assert_eq!(rig.take_action(), flipper_proto::client::Action::Abort { attempt });
    let failure = Failure::Connection {
        purpose: Purpose::Exchange,
        to: String::from("localhost:9089"),
        cause: CloseCause::Timeout,
    };
    assert_eq!(rig.failures(), [failure]);
    assert!(matches!(rig.client.state(), State::Waiting { .. }));
    rig.assert_quiet();
}

#[test]
fn an_exchange_that_is_closed_is_given_up() {
    for cause in [CloseCause::Refused, CloseCause::Eof, CloseCause::Http(401), code(1000), code(4413)] {
        for opened in [false, true] {
            let mut rig = Rig::new(config());
            rig.start_with(None);
            let (attempt, discarded) = if opened {
                let (attempt, generation) = rig.ask();
                (attempt, vec![Job::Discard { generation }])
            } else {
                (rig.dial(), vec![])
            };
            rig.events();

            rig.closed(attempt, cause.clone());

            assert_eq!(rig.jobs(), discarded);
            let (purpose, to) = (Purpose::Exchange, String::from("localhost:9089"));
            assert_eq!(rig.failures(), [Failure::Connection { purpose, to, cause: cause.clone() }]);
            assert!(matches!(rig.client.state(), State::Waiting { .. }));
            rig.assert_quiet();
        }
    }
}

#[test]
fn medium_www_fetches_before_it_stores() {
    let mut config = config();
    config.medium = MediumChoice::Fixed(Medium::Www);
    let mut rig = Rig::new(config);
    rig.start_with(None);
    let (attempt, endpoint, _) = rig.take_connect();
    assert!(endpoint.target.ends_with("&medium=2"), "{}", endpoint.target);
    rig.opened(attempt);
    let generation = rig.make_key();
    rig.writable(attempt, 1 << 20);
    assert!(rig.take_sent().contains(r#","medium":2,"#));

    rig.grant(attempt, "random");
    let (fetch, kind) = rig.take_job();
    assert_eq!(kind, Job::Fetch { generation, device_id: String::from("random"), bundle: None });
    rig.job_done(fetch, JobOutcome::Done);
    let (store, kind) = rig.take_job();
    let grant = Grant { device_id: String::from("random"), medium: Medium::Www, os: None };
    assert_eq!(kind, Job::StoreGrant { generation, grant });
    let mut stored = credentials(1);
    (stored.medium, stored.device_id) = (Medium::Www, String::from("random"));
    rig.job_done(store, JobOutcome::Stored(stored));
    assert!(rig.take_sent().contains(r#""config":{"deviceId":"random","medium":2}"#));
    rig.take_close();
    rig.closed(attempt, code(1000));
    let query = Query::parse(&rig.take_connect().1.target).unwrap();
    assert_eq!((query.device_id.as_str(), query.medium), ("random", Some(Medium::Www)));
}

#[test]
fn a_paired_app_proves_itself_in_its_request() {
    let mut config = config();
    config.medium = MediumChoice::Fixed(Medium::Www);
    let mut rig = Rig::new(config);
    rig.start_with(None);
    let (attempt, ..) = rig.take_connect();
    rig.opened(attempt);
    let (job, _) = rig.take_job();
    let mut prepared = rig.new_generation();
    let [id, nonce, proof] = ["id", "nonce", "proof"].map(String::from);
    prepared.pairing = Some(PairingProof { id, nonce, proof });
    rig.job_done(job, JobOutcome::Prepared(prepared));
    rig.writable(attempt, 1 << 20);
    let sent = rig.take_sent();
    assert!(sent.contains(r#","pairing":{"id":"id","nonce":"nonce","proof":"proof"}"#), "{sent}");
}

#[test]
fn the_certificates_in_an_answer_are_handed_on_unread() {
    let (mut rig, attempt, generation) = asking_by(MediumChoice::Fixed(Medium::Www));
    rig.message(attempt, r#"{"deviceId":"d","bundle":{"ca":"CA","certificate":"C","proof":"P","more":1}}"#);
    let bundle = Bundle { ca: "CA".into(), certificate: "C".into(), proof: Some("P".into()) };
    let (_, kind) = rig.take_job();
    assert_eq!(kind, Job::Fetch { generation, device_id: "d".into(), bundle: Some(bundle) });
}

#[test]
fn certificates_in_an_answer_mean_something_to_medium_www_alone() {
    for bundle in [r#"{"ca":1}"#, "[]", r#"{"ca":"CA","certificate":"C"}"#] {
        let (mut rig, attempt, generation) = asking_by(MediumChoice::Fixed(Medium::FsAccess));
        rig.message(attempt, &format!(r#"{{"deviceId":"d","bundle":{bundle}}}"#));
        assert!(matches!(rig.take_job().1, Job::StoreGrant { generation: stored, .. } if stored == generation));
    }
    let (mut rig, attempt, generation) = asking_by(MediumChoice::Fixed(Medium::Www));
    rig.message(attempt, r#"{"deviceId":"d","bundle":{"ca":1}}"#);
    assert_eq!(rig.failures(), [Failure::Protocol(ProtocolError::WrongType("bundle"))]);
    assert_eq!(rig.take_job().1, Job::Discard { generation });
}

#[test]
fn certificates_that_did_not_arrive_are_reported_to_the_desktop() {
    for www in [false, true] {
        let mut config = config();
        if www {
            config.medium = MediumChoice::Fixed(Medium::Www);
        }
        let mut rig = Rig::new(config);
        rig.start_with(None);
        let (attempt, generation) = rig.ask();
        rig.grant(attempt, "d");
        let (job, _) = rig.take_job();
        rig.events();
        let failure = trouble(if www { CredentialProblem::Fetch } else { CredentialProblem::NotDelivered });

        rig.job_done(job, JobOutcome::Failed(failure.clone()));

        assert_eq!(rig.failures(), [Failure::Credentials(failure)]);
        assert_eq!(rig.take_job().1, Job::Discard { generation });
        let acknowledgement = rig.take_sent();
        let expected = r#"{"method":"signCertificateAck","isError":true,"config":{"deviceId":"","medium":M},"hasRequiredFiles":false}"#;
        assert_eq!(acknowledgement, expected.replace('M', if www { "2" } else { "1" }));
        assert_eq!(rig.take_close(), (attempt, CloseCode::NORMAL));
    }
}

#[test]
fn a_socket_that_ends_after_the_grant_does_no_harm() {
    let (mut rig, attempt, generation) = asking();
    rig.grant(attempt, "");
    let (store, _) = rig.take_job();
    rig.message(attempt, r#"{"deviceId":"another answer"}"#);
    rig.message(attempt, "garbage");

    rig.closed(attempt, CloseCause::Reset);
    assert_eq!(rig.client.state(), State::Exchanging);
    rig.job_done(store, JobOutcome::Stored(credentials(generation.as_u64())));

    let (session, _, trust) = rig.take_connect();
    assert_eq!(trust, Trust::Mutual(generation));
    rig.open_session(session);
    assert_eq!(rig.jobs(), [Job::Promote { generation }]);
    assert_eq!(rig.failures(), []);
    rig.assert_quiet();
}

#[test]
fn what_was_to_be_said_to_a_socket_that_ended_is_not_said_to_the_next() {
    let trouble = || JobOutcome::Failed(trouble(CredentialProblem::NotDelivered));
    for (reads, stores) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut rig = Rig::new(config());
        rig.start_with(None);
        let attempt = rig.dial();
        rig.opened(attempt);
        rig.writable(attempt, if reads { 1 << 20 } else { 0 });
        let generation = rig.make_key();
        assert_eq!(rig.sent().len(), usize::from(reads));
        rig.grant(attempt, "");
        let (store, _) = rig.take_job();
        rig.closed(attempt, CloseCause::Eof);
        if stores {
            rig.job_done(store, JobOutcome::Stored(credentials(generation.as_u64())));
            let (session, ..) = rig.take_connect();
            rig.closed(session, CloseCause::Tls(TlsFailure::UnknownCa));
        } else {
            rig.job_done(store, trouble());
        }
        assert_eq!(rig.jobs(), [Job::Discard { generation }]);
        rig.pass_to(Timer::Retry);

        let attempt = rig.dial();
        rig.writable(attempt, 1 << 20);
        rig.assert_no_actions();
        rig.opened(attempt);
        rig.make_key();
        assert!(rig.take_sent().starts_with(r#"{"method":"signCertificate","#));
        rig.writable(attempt, 1 << 20);
        rig.assert_no_actions();
    }
}

#[test]
fn a_key_that_cannot_be_made_is_tried_again() {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let attempt = rig.dial();
    rig.opened(attempt);
    let (job, _) = rig.take_job();
    rig.events();

    rig.job_done(job, JobOutcome::Failed(trouble(CredentialProblem::Io)));

    assert_eq!(rig.failures(), [Failure::Credentials(trouble(CredentialProblem::Io))]);
    assert_eq!(rig.take_close(), (attempt, CloseCode::NORMAL));
    rig.closed(attempt, code(1000));
    rig.pass_to(Timer::Retry);
    let attempt = rig.dial();
    rig.opened(attempt);
    assert_eq!(rig.take_job().1, Job::NewGeneration);
}

#[test]
fn a_key_that_is_being_made_when_the_socket_ends_is_discarded() {
    for cause in [CloseCause::Eof, code(1011)] {
        let mut rig = Rig::new(config());
        rig.start_with(None);
        let attempt = rig.dial();
        rig.opened(attempt);
        let (job, _) = rig.take_job();

        rig.closed(attempt, cause);
        rig.actions();
        let prepared = rig.new_generation();
        let generation = prepared.generation;
        rig.job_done(job, JobOutcome::Prepared(prepared));

        assert_eq!(rig.jobs(), [Job::Discard { generation }]);
    }
}

#[test]
fn a_job_that_is_answered_with_the_outcome_of_another_fails() {
    for outcome in
        [JobOutcome::Done, JobOutcome::Stored(credentials(1)), JobOutcome::Loaded { credentials: None, problem: None }]
    {
        let mut rig = Rig::new(config());
        rig.start_with(None);
        let attempt = rig.dial();
        rig.opened(attempt);
        let (job, _) = rig.take_job();
        rig.job_done(job, outcome);
        assert_eq!(rig.failures().len(), 1);
        assert_eq!(rig.take_close(), (attempt, CloseCode::NORMAL));
        rig.closed(attempt, code(1000));
        assert_eq!(rig.pass_to(Timer::Retry).as_secs(), 0);
        rig.dial();
    }
    for outcome in
        [JobOutcome::Done, JobOutcome::Stored(credentials(99)), JobOutcome::Loaded { credentials: None, problem: None }]
    {
        let (mut rig, attempt, generation) = asking();
        rig.grant(attempt, "");
        let (store, _) = rig.take_job();
        rig.job_done(store, outcome);
        assert_eq!(rig.failures().len(), 1);
        assert_given_up(&mut rig, attempt, generation);
    }
}

#[test]
fn the_request_tells_the_history_and_stays_small() {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let long = CredentialFailure { kind: CredentialProblem::Io, text: "\"".repeat(5_000) };
    for _ in 0..100 {
        let attempt = rig.dial();
        rig.opened(attempt);
        let (job, _) = rig.take_job();
        rig.job_done(job, JobOutcome::Failed(long.clone()));
        rig.take_close();
        rig.closed(attempt, code(1000));
        rig.pass_to(Timer::Retry);
        let attempt = rig.dial();
        let reason = "\"".repeat(300);
        rig.fail(attempt, CloseCause::Code { code: 4413, reason: reason.as_str().into() });
    }
    let attempt = rig.dial();
    rig.opened(attempt);
    rig.make_key();

    let request = rig.take_sent();
    let limit = config().limits.exchange_message_bytes;
    assert!(request.len() < limit, "{} bytes", request.len());
    let request: serde_json::Value = serde_json::from_str(&request).unwrap();
    let logs = request["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 64);
    let failed = logs.iter().filter(|line| line.as_str().unwrap().contains(":error:certificate exchange with")).count();
    assert!(failed > 10, "{failed}");
    let at = Instant::ZERO + secs(1);
    assert!(logs[0].as_str().unwrap()[..13].parse::<u64>().unwrap() > WALL + at.as_millis());
}
