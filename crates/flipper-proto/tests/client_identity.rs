//! Who the client says it is: what is in its queries, and what it does about a desktop that does not serve such a one.

mod rig;

use flipper_proto::client::{ExchangeReason, Failure, Job, JobOutcome, MediumChoice, Os, State, Step, Trust};
use flipper_proto::{AttemptId, CloseCause, Excerpt, Generation, Medium, Query};

use self::rig::{Rig, code, config, credentials, secs};

/// A client without credentials that has sent its certificate request.
fn asking() -> (Rig, AttemptId, Generation) {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let (attempt, generation) = rig.ask();
    rig.events();
    (rig, attempt, generation)
}

#[test]
fn everything_that_was_set_is_in_the_query() {
    let mut config = config();
    config.app = String::from("A&B #1?");
    config.host = String::from("desk.example");
    config.ports.insecure = 1;
    config.ports.secure = 2;
    config.instance_id = Some(String::from("i 1"));
    config.foreground = Some(true);
    config.medium = MediumChoice::Fixed(Medium::FsAccess);
    config.os = Os::Fixed(String::from("Windows"));
    let mut rig = Rig::new(config);
    rig.start_with(Some(credentials(3)));
    rig.stop();
    rig.actions();
    rig.start();
    let (_, endpoint, _) = rig.take_connect();
    assert_eq!((endpoint.host.as_str(), endpoint.port), ("desk.example", 2));

    let query = Query::parse(&endpoint.target).unwrap();

    let mut expected = Query::new("A&B #1?", "Windows", "box", "");
    expected.app_id = Some(String::from("com.example.sample"));
    expected.medium = Some(Medium::FsAccess);
    expected.foreground = Some(true);
    expected.instance_id = Some(String::from("i 1"));
    expected.csr = Some(String::from("CSR 3"));
    expected.csr_path = Some(String::from("/app/3/"));
    assert_eq!(query, expected);
}

#[test]
fn without_a_device_of_its_own_the_session_names_our_own() {
    for (device_id, medium, expected_id, expected_medium) in [
        ("", MediumChoice::Automatic, "own-id", Medium::None),
        ("emulator-5554", MediumChoice::Automatic, "emulator-5554", Medium::FsAccess),
        ("", MediumChoice::Fixed(Medium::FsAccess), "", Medium::FsAccess),
        ("x", MediumChoice::Fixed(Medium::FsAccess), "x", Medium::FsAccess),
        ("", MediumChoice::Fixed(Medium::None), "own-id", Medium::None),
        ("x", MediumChoice::Fixed(Medium::None), "x", Medium::None),
    ] {
        let mut config = config();
        config.medium = medium;
        let mut rig = Rig::new(config);
        let mut stored = credentials(3);
        stored.device_id = String::from(device_id);
        rig.start();
        let (job, _) = rig.take_job();
        rig.job_done(job, JobOutcome::Loaded { credentials: Some(stored), problem: None });
        let (attempt, endpoint, _) = rig.take_connect();

        let query = Query::parse(&endpoint.target).unwrap();
        assert_eq!((query.device_id.as_str(), query.medium), (expected_id, Some(expected_medium)));

        // What the session says never leads to an exchange.
        rig.opened(attempt);
        rig.fail(attempt, CloseCause::Eof);
        assert_eq!(rig.take_connect().1, endpoint);
    }
}

#[test]
fn a_desktop_that_refuses_linux_is_asked_as_another_at_once() {
    let (mut rig, attempt, refused) = asking();

    rig.closed(attempt, code(1011));
    assert_eq!(rig.take_job().1, Job::Discard { generation: refused });
    assert_eq!(
        rig.steps(),
        [
            Step::OsReplaced { refused: String::from("Linux"), presented: String::from("MacOS") },
            Step::ExchangeNeeded(ExchangeReason::NoCredentials),
        ]
    );
    let (attempt, endpoint, _) = rig.take_connect();
    assert!(endpoint.target.starts_with("/?os=MacOS&"), "{}", endpoint.target);
    rig.opened(attempt);
    rig.make_key();
    rig.writable(attempt, 1 << 20);
    rig.sent();

    rig.grant(attempt, "");
    let (store, kind) = rig.take_job();
    let Job::StoreGrant { grant, generation } = kind else { panic!("{kind:?}") };
    assert_eq!(grant.os.as_deref(), Some("MacOS"));
    let mut stored = credentials(generation.as_u64());
    stored.os = grant.os;
    rig.job_done(store, JobOutcome::Stored(stored.clone()));
    rig.actions();
    rig.closed(attempt, code(1000));
    assert!(rig.take_connect().1.target.starts_with("/?os=MacOS&"));

    // The next process remembers it.
    let mut rig = Rig::new(config());
    rig.start();
    let (job, _) = rig.take_job();
    rig.job_done(job, JobOutcome::Loaded { credentials: Some(stored), problem: None });
    assert!(rig.take_connect().1.target.starts_with("/?os=MacOS&"));
}

#[test]
fn a_desktop_that_refuses_the_other_system_too_is_not_asked_for_ever() {
    let (mut rig, attempt, _) = asking();
    rig.closed(attempt, code(1011));
    rig.take_job();
    let (attempt, generation) = rig.ask();
    rig.events();

    rig.closed(attempt, CloseCause::Code { code: 1011, reason: "medium".into() });

    assert_eq!(rig.failures(), [Failure::QueryRefused { reason: "medium".into() }]);
    assert_eq!(rig.jobs(), [Job::Discard { generation }]);
    assert!(matches!(rig.client.state(), State::Waiting { .. }));
}

#[test]
fn a_renewal_is_asked_for_as_another_at_once_too() {
    let mut rig = Rig::new(config());
    let mut stored = credentials(7);
    stored.valid_until = rig.now + secs(60);
    rig.start_with(Some(stored));
    let (attempt, _) = rig.ask();

    rig.closed(attempt, code(1011));
    rig.take_job();
    let (_, endpoint, trust) = rig.take_connect();

    assert_eq!(trust, Trust::Exchange);
    assert!(endpoint.target.starts_with("/?os=MacOS&"), "{}", endpoint.target);
}

#[test]
fn a_system_that_was_set_stays() {
    for (os, failure) in [
        (Os::Fixed(String::from("Linux")), Failure::OsRefused { os: String::from("Linux") }),
        (Os::Fixed(String::from("Windows")), Failure::QueryRefused { reason: Excerpt::default() }),
        (Os::Automatic(String::from("Windows")), Failure::QueryRefused { reason: Excerpt::default() }),
    ] {
        let mut config = config();
        config.os = os;
        let mut rig = Rig::new(config);
        rig.start_with(None);
        let (attempt, _) = rig.ask();
        rig.events();
        rig.closed(attempt, code(1011));
        assert_eq!(rig.failures(), [failure]);
        assert!(matches!(rig.client.state(), State::Waiting { .. }));
    }
}

#[test]
fn a_session_that_is_refused_for_its_system_goes_on_as_another() {
    let (mut rig, attempt) = Rig::connected(config(), &[]);

    rig.closed(attempt, code(1011));
    let (attempt, endpoint, _) = rig.take_connect();
    assert!(endpoint.target.starts_with("/?os=MacOS&"), "{}", endpoint.target);
    rig.opened(attempt);
    rig.events();

    rig.closed(attempt, code(1011));
    assert_eq!(rig.failures(), [Failure::QueryRefused { reason: Excerpt::default() }]);
    assert!(matches!(rig.client.state(), State::Waiting { .. }));
}
