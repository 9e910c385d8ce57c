//! When credentials are used, doubted, renewed, proven and deleted.

mod rig;

use flipper_proto::client::{
    CredentialFailure, CredentialProblem, Credentials, Event, ExchangeReason, Failure, Job, JobOutcome, MediumChoice,
    State, Step, Timer, Trust,
};
use flipper_proto::{AttemptId, CloseCause, CloseCode, Excerpt, Generation, Instant, JobId, Medium, TlsFailure};

use self::rig::{DAY, Rig, code, config, credentials, secs};

/// A client on its way to a session, under credentials that a desktop has accepted before.
fn opening() -> (Rig, AttemptId) {
    opening_with(credentials(7))
}

fn opening_with(stored: Credentials) -> (Rig, AttemptId) {
    let mut rig = Rig::new(config());
    let attempt = rig.start_with(Some(stored));
    rig.events();
    (rig, attempt)
}

/// Waits for the next attempt, which must be one to open a session with these credentials.
fn retried(rig: &mut Rig, generation: u64) -> AttemptId {
    rig.pass_to(Timer::Retry);
    let (attempt, _, trust) = rig.take_connect();
    assert_eq!(trust, Trust::Mutual(Generation::from_u64(generation)));
    rig.assert_no_actions();
    attempt
}

/// Waits for the next attempt, which must be an exchange for this reason.
#[track_caller]
fn asked(rig: &mut Rig, reason: ExchangeReason) {
    rig.events();
    rig.pass_to(Timer::Retry);
    assert_eq!(rig.steps(), [Step::ExchangeNeeded(reason)]);
}

fn dropped() -> CloseCause {
    CloseCause::DroppedBeforeUpgrade
}

fn handshake() -> CloseCause {
    CloseCause::Tls(TlsFailure::Handshake(Excerpt::default()))
}

fn unfit() -> [CloseCause; 5] {
    [
        TlsFailure::UnknownCa,
        TlsFailure::Expired,
        TlsFailure::NotYetValid,
        TlsFailure::BadCertificate(Excerpt::default()),
        TlsFailure::PeerRefused(Excerpt::default()),
    ]
    .map(CloseCause::Tls)
}

#[test]
fn stored_credentials_need_no_exchange() {
    let mut rig = Rig::new(config());
    let attempt = rig.start_with(Some(credentials(7)));
    assert_eq!(
        rig.events(),
        [
            Event::StateChanged(State::Preparing),
            Event::Step(Step::CredentialsFound(Generation::from_u64(7))),
            Event::Step(Step::SessionAttempted(Generation::from_u64(7))),
            Event::StateChanged(State::Connecting),
        ]
    );
    rig.open_session(attempt);
    assert_eq!(rig.events(), [Event::StateChanged(State::Connected { unresponsive: false })]);
    rig.assert_quiet();
}

#[test]
fn damaged_credentials_are_told_and_replaced() {
    let trouble = CredentialFailure { kind: CredentialProblem::Invalid, text: String::from("no key") };
    for outcome in
        [JobOutcome::Loaded { credentials: None, problem: Some(trouble.clone()) }, JobOutcome::Failed(trouble.clone())]
    {
        let mut rig = Rig::new(config());
        rig.start();
        let (job, _) = rig.take_job();
        rig.job_done(job, outcome);
        assert_eq!(
            rig.events()[1..],
            [
                Event::Failed(Failure::Credentials(trouble.clone())),
                Event::Step(Step::ExchangeNeeded(ExchangeReason::NoCredentials)),
                Event::StateChanged(State::Exchanging),
            ]
        );
        rig.dial();
    }

    // A problem beside good ones is told, and they are used.
    let mut rig = Rig::new(config());
    rig.start();
    let (job, _) = rig.take_job();
    rig.job_done(job, JobOutcome::Loaded { credentials: Some(credentials(3)), problem: Some(trouble) });
    assert_eq!(rig.failures().len(), 1);
    assert_eq!(rig.take_connect().2, Trust::Mutual(Generation::from_u64(3)));
}

#[test]
fn another_medium_needs_other_credentials() {
    for (medium, stored, exchanges) in [
        (MediumChoice::Automatic, Medium::FsAccess, false),
        (MediumChoice::Automatic, Medium::Www, true),
        (MediumChoice::Fixed(Medium::FsAccess), Medium::Www, true),
        (MediumChoice::Fixed(Medium::Www), Medium::FsAccess, true),
        (MediumChoice::Fixed(Medium::Www), Medium::Www, false),
    ] {
        let mut config = config();
        config.medium = medium;
        let mut rig = Rig::new(config);
        let mut found = credentials(1);
        found.medium = stored;
        rig.start_with(Some(found));
        let reasons = rig.steps().contains(&Step::ExchangeNeeded(ExchangeReason::MediumChanged));
        assert_eq!(reasons, exchanges, "{medium:?} and {stored:?}");
    }
}

#[test]
fn two_drops_before_the_upgrade_lead_to_an_exchange() {
    for causes in [[dropped(), dropped()], [handshake(), dropped()], [handshake(), handshake()]] {
        let (mut rig, attempt) = opening();
        let [first, second] = causes;
        rig.closed(attempt, first);
        let attempt = retried(&mut rig, 7);
        rig.closed(attempt, second);
        asked(&mut rig, ExchangeReason::Rejected);
    }
}

#[test]
fn an_answer_between_two_drops_clears_the_first() {
    let (mut rig, mut attempt) = opening();
    for _ in 0..3 {
        rig.closed(attempt, dropped());
        attempt = retried(&mut rig, 7);
        rig.open_session(attempt);
        rig.closed(attempt, CloseCause::Eof);
        attempt = retried(&mut rig, 7);
        rig.closed(attempt, dropped());
        attempt = retried(&mut rig, 7);
        rig.closed(attempt, CloseCause::Http(401));
        attempt = retried(&mut rig, 7);
    }
}

#[test]
fn failures_between_two_drops_do_not_clear_the_first() {
    let (mut rig, attempt) = opening();
    rig.closed(attempt, dropped());
    let attempt = retried(&mut rig, 7);
    rig.closed(attempt, CloseCause::Refused);
    let attempt = retried(&mut rig, 7);
    rig.closed(attempt, dropped());
    asked(&mut rig, ExchangeReason::Rejected);
}

#[test]
fn a_new_start_forgets_the_failures_before_it() {
    let (mut rig, attempt) = opening();
    rig.closed(attempt, dropped());
    rig.stop();
    rig.start();
    let (attempt, ..) = rig.take_connect();
    rig.closed(attempt, dropped());
    retried(&mut rig, 7);

    // Also those that had led to an exchange.
    let (mut rig, attempt) = opening();
    rig.closed(attempt, CloseCause::Tls(TlsFailure::UnknownCa));
    asked(&mut rig, ExchangeReason::Rejected);
    let exchange = rig.dial();
    rig.closed(exchange, CloseCause::Refused);
    let attempt = retried(&mut rig, 7);
    rig.stop();
    rig.take_action();
    rig.start();
    let (again, _, trust) = rig.take_connect();
    assert_eq!(trust, Trust::Mutual(Generation::from_u64(7)));
    assert_ne!(again, attempt);
}

#[test]
fn one_drop_is_enough_once_a_certificate_has_expired() {
    for cause in [dropped(), handshake()] {
        let mut stored = credentials(7);
        stored.valid_until = Instant::from_millis(1_000) + DAY + secs(1);
        let (mut rig, attempt) = opening_with(stored);
        rig.now = rig.now + DAY + secs(1);
        rig.closed(attempt, cause);
        asked(&mut rig, ExchangeReason::Rejected);
    }
}

#[test]
fn certificates_that_do_not_fit_lead_to_an_exchange_at_once() {
    for cause in unfit() {
        let (mut rig, attempt) = opening();
        rig.closed(attempt, cause);
        asked(&mut rig, ExchangeReason::Rejected);
    }
}

#[test]
fn what_says_nothing_about_certificates_never_leads_to_an_exchange() {
    for cause in [
        CloseCause::Refused,
        CloseCause::Unreachable(Excerpt::default()),
        CloseCause::Timeout,
        CloseCause::Http(401),
        CloseCause::Http(503),
        CloseCause::BadUpgrade(Excerpt::default()),
        CloseCause::Eof,
        CloseCause::Reset,
        CloseCause::WebSocket(Excerpt::default()),
        CloseCause::TooLarge { size: 2, max: 1 },
        CloseCause::Local,
        code(1001),
    ] {
        let (mut rig, mut attempt) = opening();
        for _ in 0..10 {
            rig.closed(attempt, cause.clone());
            attempt = retried(&mut rig, 7);
        }
    }
    let (mut rig, _) = opening();
    for _ in 0..10 {
        rig.pass_to(Timer::Connect);
        rig.take_action();
        retried(&mut rig, 7);
    }
}

#[test]
fn a_failed_exchange_keeps_the_old_credentials_and_takes_turns_with_them() {
    let (mut rig, attempt) = opening();
    rig.closed(attempt, CloseCause::Tls(TlsFailure::UnknownCa));
    for generation in 8..12 {
        asked(&mut rig, ExchangeReason::Rejected);
        let (exchange, made) = rig.ask();
        assert_eq!(made.as_u64(), generation);
        rig.closed(exchange, CloseCause::Eof);
        assert_eq!(rig.jobs(), [Job::Discard { generation: made }]);

        // As long as nothing speaks against them, the old ones stay in use.
        let attempt = retried(&mut rig, 7);
        rig.closed(attempt, CloseCause::Refused);
        let attempt = retried(&mut rig, 7);
        rig.closed(attempt, dropped());
    }
    asked(&mut rig, ExchangeReason::Rejected);
    let exchange = rig.dial();
    rig.closed(exchange, CloseCause::Refused);
    rig.assert_no_actions();
    let attempt = retried(&mut rig, 7);
    rig.open_session(attempt);
    rig.closed(attempt, CloseCause::Eof);
    retried(&mut rig, 7);
}

#[test]
fn new_credentials_are_promoted_once_a_desktop_has_answered() {
    for http in [false, true] {
        let mut rig = Rig::new(config());
        rig.start_with(None);
        let (attempt, generation) = rig.exchange();
        rig.assert_no_actions();
        rig.events();

        if http {
            rig.closed(attempt, CloseCause::Http(401));
        } else {
            rig.open_session(attempt);
        }

        assert_eq!(rig.jobs(), [Job::Promote { generation }]);
        assert_eq!(rig.steps(), [Step::CredentialsProven(generation)]);
        if !http {
            rig.closed(attempt, CloseCause::Eof);
        }
        let attempt = retried(&mut rig, generation.as_u64());
        rig.open_session(attempt);
        rig.assert_no_actions();
    }
}

#[test]
fn new_credentials_that_were_not_tried_yet_stay() {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let (mut attempt, generation) = rig.exchange();
    for cause in [CloseCause::Refused, CloseCause::Timeout, dropped(), CloseCause::Refused] {
        rig.closed(attempt, cause);
        attempt = retried(&mut rig, generation.as_u64());
    }
    // Not even a stop forgets them.
    rig.stop();
    rig.actions();
    rig.start();
    let (load, kind) = rig.take_job();
    assert_eq!(kind, Job::Load);
    rig.job_done(load, JobOutcome::Loaded { credentials: None, problem: None });
    let (attempt, _, trust) = rig.take_connect();
    assert_eq!(trust, Trust::Mutual(generation));
    rig.open_session(attempt);
    assert_eq!(rig.jobs(), [Job::Promote { generation }]);
}

#[test]
fn new_credentials_that_do_not_fit_are_discarded_and_the_old_ones_tried() {
    for twice in [false, true] {
        let (mut rig, attempt) = opening();
        rig.closed(attempt, CloseCause::Tls(TlsFailure::UnknownCa));
        asked(&mut rig, ExchangeReason::Rejected);
        let (mut attempt, generation) = rig.exchange();
        if twice {
            rig.closed(attempt, dropped());
            attempt = retried(&mut rig, generation.as_u64());
            rig.closed(attempt, dropped());
        } else {
            rig.closed(attempt, CloseCause::Tls(TlsFailure::NotYetValid));
        }
        assert_eq!(rig.jobs(), [Job::Discard { generation }]);
        let attempt = retried(&mut rig, 7);
        rig.closed(attempt, dropped());
        asked(&mut rig, ExchangeReason::Rejected);
    }
}

#[test]
fn old_credentials_that_fit_again_end_the_search() {
    let (mut rig, attempt) = opening();
    rig.closed(attempt, CloseCause::Tls(TlsFailure::UnknownCa));
    asked(&mut rig, ExchangeReason::Rejected);
    let (attempt, _) = rig.exchange();
    rig.closed(attempt, CloseCause::Tls(TlsFailure::UnknownCa));
    rig.actions();

    let attempt = retried(&mut rig, 7);
    rig.open_session(attempt);
    rig.closed(attempt, dropped());
    retried(&mut rig, 7);
}

#[test]
fn older_credentials_go_after_a_stable_session() {
    let (mut rig, attempt) = opening();
    rig.open_session(attempt);
    assert_eq!(rig.pass_to(Timer::Stable), secs(10));
    assert_eq!(rig.take_job().1, Job::Prune);
    rig.take_action(); // the first ping, due at the same moment
    rig.assert_no_actions();

    // Once is enough, until there are new ones.
    rig.closed(attempt, CloseCause::Eof);
    let attempt = retried(&mut rig, 7);
    rig.open_session(attempt);
    rig.pass(secs(9));
    rig.alive(attempt);
    rig.pass(secs(2));
    rig.assert_no_actions();

    rig.closed(attempt, CloseCause::Eof);
    let attempt = retried(&mut rig, 7);
    rig.closed(attempt, CloseCause::Tls(TlsFailure::UnknownCa));
    asked(&mut rig, ExchangeReason::Rejected);
    let (attempt, generation) = rig.exchange();
    rig.open_session(attempt);
    let (job, kind) = rig.take_job();
    assert_eq!(kind, Job::Promote { generation });
    rig.job_done(job, JobOutcome::Done);
    rig.pass(secs(9));
    rig.alive(attempt);
    rig.assert_no_actions();
    rig.pass(secs(1));
    assert_eq!(rig.jobs(), [Job::Prune]);
}

#[test]
fn a_short_session_prunes_nothing() {
    let (mut rig, attempt) = opening();
    rig.open_session(attempt);
    rig.pass(secs(9));
    rig.closed(attempt, CloseCause::Eof);
    rig.assert_no_actions();
}

#[test]
fn credentials_are_renewed_before_they_expire_at_the_next_connection() {
    let mut stored = credentials(7);
    stored.valid_until = Instant::from_millis(1_000) + 2 * DAY;
    let (mut rig, attempt) = opening_with(stored);
    rig.open_session(attempt);
    for _ in 0..30 * 60 {
        rig.pass(secs(60));
        rig.alive(attempt);
    }
    rig.actions();
    assert_eq!(rig.client.state(), State::Connected { unresponsive: false });

    rig.closed(attempt, CloseCause::Eof);
    asked(&mut rig, ExchangeReason::Expiring);
    let (attempt, generation) = rig.exchange();
    rig.open_session(attempt);
    assert_eq!(rig.jobs(), [Job::Promote { generation }]);
}

#[test]
fn renewal_does_not_go_in_circles() {
    // A desktop whose own certificate expires in an hour gives none that last longer.
    let soon = |rig: &Rig| rig.now + secs(3_600);
    let mut rig = Rig::new(config());
    let mut stored = credentials(7);
    stored.valid_until = soon(&rig);
    rig.start_with(Some(stored));
    assert!(rig.steps().contains(&Step::ExchangeNeeded(ExchangeReason::Expiring)));
    let (attempt, generation) = rig.ask();
    rig.grant(attempt, "");
    let (store, _) = rig.take_job();
    let mut short = credentials(generation.as_u64());
    short.valid_until = soon(&rig);
    rig.job_done(store, JobOutcome::Stored(short));
    rig.actions();
    rig.closed(attempt, code(1000));
    let (mut attempt, ..) = rig.take_connect();
    for _ in 0..10 {
        rig.open_session(attempt);
        rig.actions();
        rig.closed(attempt, CloseCause::Eof);
        attempt = retried(&mut rig, generation.as_u64());
    }
    rig.now = rig.now + 3 * secs(3_600);
    rig.closed(attempt, CloseCause::Eof);
    asked(&mut rig, ExchangeReason::Expiring);
}

#[test]
fn a_renewal_that_is_refused_is_not_asked_for_at_every_connection() {
    let mut stored = credentials(7);
    stored.valid_until = Instant::from_millis(1_000) + secs(6 * 3_600);
    let mut rig = Rig::new(config());
    rig.start_with(Some(stored));
    let (exchange, _) = rig.ask();
    rig.message(exchange, "{}");
    rig.actions();
    rig.closed(exchange, code(1000));
    for _ in 0..5 {
        let attempt = retried(&mut rig, 7);
        rig.open_session(attempt);
        rig.closed(attempt, CloseCause::Eof);
    }
    rig.events();
    rig.now = rig.now + secs(3 * 3_600);
    rig.timeout();
    assert_eq!(rig.steps(), [Step::ExchangeNeeded(ExchangeReason::Expiring)]);
}

#[test]
fn a_desktop_that_refuses_the_certificate_in_words_is_asked_for_another_once() {
    for refusal in [CloseCode::CERTIFICATE, CloseCode::IDENTITY] {
        let (mut rig, attempt) = opening();
        rig.open_session(attempt);
        rig.closed(attempt, code(refusal.as_u16()));
        asked(&mut rig, ExchangeReason::Rejected);

        let (attempt, generation) = rig.exchange();
        rig.open_session(attempt);
        assert_eq!(rig.jobs(), [Job::Promote { generation }]);
        // New ones are no better: it is not the certificates, and asking again does not help.
        rig.closed(attempt, code(refusal.as_u16()));
        let attempt = retried(&mut rig, generation.as_u64());
        rig.open_session(attempt);
        rig.closed(attempt, code(refusal.as_u16()));
        retried(&mut rig, generation.as_u64());
    }
}

// --- Keys that nobody needs ---

#[test]
fn a_key_that_is_made_after_the_stop_is_discarded() {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let attempt = rig.dial();
    rig.opened(attempt);
    let (job, _) = rig.take_job();
    rig.stop();
    assert_eq!(rig.actions(), [flipper_proto::client::Action::Abort { attempt }]);
    assert_eq!(rig.client.state(), State::Stopped);
    rig.start();
    assert_eq!(rig.jobs(), [Job::Load]);

    let prepared = rig.new_generation();
    let generation = prepared.generation;
    rig.job_done(job, JobOutcome::Prepared(prepared.clone()));
    assert_eq!(rig.jobs(), [Job::Discard { generation }]);
    rig.job_done(job, JobOutcome::Prepared(prepared));
    assert_eq!(rig.client.counters().stale_facts, 1);
    rig.assert_no_actions();
}

#[test]
fn certificates_that_are_stored_after_the_stop_are_discarded() {
    let trouble = CredentialFailure { kind: CredentialProblem::NotDelivered, text: String::new() };
    for outcome in [JobOutcome::Stored(credentials(1)), JobOutcome::Failed(trouble), JobOutcome::Done] {
        for medium in [Medium::FsAccess, Medium::Www] {
            let mut config = config();
            config.medium = MediumChoice::Fixed(medium);
            let mut rig = Rig::new(config);
            rig.start_with(None);
            let (attempt, generation) = rig.ask();
            rig.grant(attempt, "");
            let (job, _) = rig.take_job();

            rig.stop();
            // While the job works on it, nothing else may.
            assert_eq!(rig.actions(), [flipper_proto::client::Action::Abort { attempt }]);
            rig.job_done(job, outcome.clone());
            assert_eq!(rig.jobs(), [Job::Discard { generation }]);
            rig.job_done(job, outcome.clone());
            rig.assert_no_actions();
        }
    }
}

#[test]
fn outcomes_of_jobs_that_are_over_never_discard_what_is_in_use() {
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let attempt = rig.dial();
    rig.opened(attempt);
    let (make, _) = rig.take_job();
    let prepared = rig.new_generation();
    let generation = prepared.generation;
    rig.job_done(make, JobOutcome::Prepared(prepared.clone()));
    rig.job_done(make, JobOutcome::Prepared(prepared.clone()));
    rig.writable(attempt, 1 << 20);
    rig.sent();
    rig.grant(attempt, "");
    let (store, _) = rig.take_job();
    let stored = JobOutcome::Stored(credentials(generation.as_u64()));
    rig.job_done(store, stored.clone());
    rig.actions();
    rig.closed(attempt, code(1000));
    let (attempt, ..) = rig.take_connect();
    rig.open_session(attempt);
    assert_eq!(rig.jobs(), [Job::Promote { generation }]);

    rig.job_done(make, JobOutcome::Prepared(prepared.clone()));
    rig.job_done(store, stored.clone());
    rig.job_done(JobId::from_u64(1_000), stored);
    rig.job_done(JobId::from_u64(1_000), JobOutcome::Prepared(prepared));

    rig.assert_no_actions();
    assert_eq!(rig.client.counters().stale_facts, 5);
}

#[test]
fn chores_that_fail_are_told() {
    let trouble = CredentialFailure { kind: CredentialProblem::Io, text: String::from("read-only disk") };
    let mut rig = Rig::new(config());
    rig.start_with(None);
    let (attempt, _) = rig.exchange();
    rig.open_session(attempt);
    rig.events();
    let (promote, _) = rig.take_job();

    rig.job_done(promote, JobOutcome::Failed(trouble.clone()));

    assert_eq!(rig.events(), [Event::Failed(Failure::Credentials(trouble))]);
    assert_eq!(rig.client.state(), State::Connected { unresponsive: false });
    rig.assert_quiet();
}

// --- Medium NONE ---

fn without_medium() -> flipper_proto::client::Config {
    let mut config = config();
    config.medium = MediumChoice::Fixed(Medium::None);
    config
}

#[test]
fn without_a_medium_an_app_waits_for_credentials_that_somebody_else_brings() {
    let mut rig = Rig::new(without_medium());
    rig.start_with(None);

    assert!(matches!(
        rig.failures().as_slice(),
        [Failure::Credentials(CredentialFailure { kind: CredentialProblem::Missing, text })] if text.contains("medium NONE")
    ));
    rig.assert_no_actions();
    rig.pass_to(Timer::Retry);
    let (load, kind) = rig.take_job();
    assert_eq!(kind, Job::Load);
    rig.job_done(load, JobOutcome::Loaded { credentials: Some(credentials(5)), problem: None });
    assert_eq!(rig.take_connect().2, Trust::Mutual(Generation::from_u64(5)));
}

#[test]
fn without_a_medium_an_app_keeps_the_credentials_that_it_has() {
    let mut rig = Rig::new(without_medium());
    let mut attempt = rig.start_with(Some(credentials(7)));
    for _ in 0..5 {
        rig.closed(attempt, CloseCause::Tls(TlsFailure::UnknownCa));
        attempt = retried(&mut rig, 7);
    }
    rig.assert_no_actions();
}
