//! The conformance program by itself: shims that misbehave, expectations that are out of date, reports.

#![cfg(unix)]

mod check;

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use flipper_conformance::check::client::{self, Check, Subject, Transport};
use flipper_conformance::check::{Expectations, Format, Outcome, Report, RunError, Selection, Verdict, desktop};
use quick_junit::TestCaseStatus;
use serde_json::Value;

use check::Result;

/// A shim that is a shell script.
fn script(text: &str, only: &str) -> Check {
    let arguments = vec!["-c".into(), text.into()];
    let mut check = Check::of(Subject::Shim { program: "sh".into(), arguments });
    check.selection = Selection::of([only]);
    check
}

fn expecting(mut check: Check, expectations: &str) -> Result<Check> {
    check.expectations = Expectations::parse(expectations, Path::new("known.json"))?;
    Ok(check)
}

fn run(check: Check) -> Result<Report> {
    Ok(check.listen()?.run(&mut |_| {})?)
}

/// What came, in a scenario that failed.
fn came(report: &Report) -> Result<&str> {
    match &report.lines[0].outcome {
        Outcome::Failed(finding) => Ok(&finding.came),
        other => Err(format!("it did not fail: {other:?}").into()),
    }
}

#[test]
fn a_shim_that_implements_nothing_is_skipped() -> Result {
    let report = run(script("exit 89", "documentation/*"))?;

    assert_eq!(report.summary().skipped, 4);
    let Outcome::Skipped(reason) = &report.lines[0].outcome else { panic!("{report:?}") };
    assert_eq!(reason, "the shim does not implement it (exit status 89)");
    assert!(report.is_good());
    Ok(())
}

#[test]
fn a_shim_that_ends_is_told_with_its_last_words() -> Result {
    let report = run(script("echo no such plugin >&2; exit 3", "documentation/Execute"))?;

    let came = came(&report)?;
    assert!(came.contains("it ended by itself: exit status: 3"), "{came}");
    assert!(came.contains("no such plugin"), "{came}");
    assert!(!report.is_good());
    Ok(())
}

#[test]
fn a_shim_is_given_what_it_needs() -> Result {
    let report = run(script("echo \"$0 $@\"; exit 3", "documentation/Execute"))?;

    let came = came(&report)?;
    for flag in [
        "--host localhost",
        "--ports ",
        "--directory /",
        "--scenario documentation/Execute",
        "--app Conformance",
        "--app-id com.example.conformance",
    ] {
        assert!(came.contains(flag), "{flag}: {came}");
    }
    Ok(())
}

#[test]
fn a_shim_that_cannot_be_started_fails_the_scenario() -> Result {
    let mut check = script("", "documentation/Execute");
    check.subject = Subject::Shim { program: "/nowhere/shim".into(), arguments: Vec::new() };

    let report = run(check)?;

    assert!(came(&report)?.contains("No such file"), "{report:?}");
    Ok(())
}

#[test]
fn a_client_that_never_comes_is_told() -> Result {
    let mut check = script("cat", "documentation/Execute");
    check.patience = Duration::from_millis(300);

    let report = run(check)?;

    let Outcome::Failed(finding) = &report.lines[0].outcome else { panic!("{report:?}") };
    assert_eq!(finding.expected, "a session within 0.3 s");
    assert_eq!(finding.came, "nobody connected");
    Ok(())
}

#[test]
fn expectations_turn_every_change_into_a_failure() -> Result {
    let known = r#"[
        {"scenario": "documentation/GetPlugins", "outcome": "fail", "reason": "no client is there"},
        {"scenario": "documentation/Disconnect", "outcome": "skip", "reason": "no client is there"}
    ]"#;
    let verdicts = |report: &Report| report.lines.iter().map(|line| line.verdict()).collect::<Vec<_>>();

    let fails = run(expecting(script("exit 3", "documentation/*"), known)?)?;
    use Verdict::{ExpectedFailure, Failed, Skipped, UnexpectedSkip};
    assert_eq!(verdicts(&fails), [ExpectedFailure, Failed, Failed, Skipped]);

    let skips = run(expecting(script("exit 89", "documentation/*"), known)?)?;
    assert_eq!(verdicts(&skips), [UnexpectedSkip, Skipped, Skipped, Skipped]);
    assert!(!skips.is_good());
    Ok(())
}

#[test]
fn a_failure_that_does_not_come_is_unexpected() -> Result {
    let known = r#"[{"scenario": "documentation/*", "outcome": "fail", "reason": "it used to"}]"#;
    let mut check = expecting(script("", "documentation/GetPlugins"), known)?;
    let program = env!("CARGO_BIN_EXE_shim_rust").into();
    check.subject = Subject::Shim { program, arguments: vec!["tokio".into()] };

    let report = run(check)?;

    assert_eq!(report.lines[0].verdict(), Verdict::UnexpectedPass);
    assert!(!report.is_good());
    let text = report.write(Format::Text);
    assert!(text.contains("it passes now; remove it from the expectations"), "{text}");
    Ok(())
}

#[test]
fn expectations_that_make_no_sense_are_refused() -> Result {
    let refused = |known: &str| match expecting(script("exit 3", "**"), known).and_then(run) {
        Err(error) => Ok(error.to_string()),
        Ok(report) => Err(format!("{known} was taken: {report:?}")),
    };
    for (known, why) in [
        ("[{]", "key must be a string"),
        (r#"[{"scenario": "ids/*", "outcome": "perhaps", "reason": "x"}]"#, "unknown variant"),
        (r#"[{"scenario": "ids/*", "outcome": "fail"}]"#, "\"ids/*\" has no reason"),
        (r#"[{"scenario": "ids/*", "outcome": "fail", "reason": " "}]"#, "\"ids/*\" has no reason"),
        (r#"[{"scenario": "idz/*", "outcome": "fail", "reason": "x"}]"#, "\"idz/*\" matches no scenario"),
        (
            r#"[{"scenario": "ids/*", "outcome": "fail", "reason": "x"},
                {"scenario": "ids/used-again", "outcome": "skip", "reason": "y"}]"#,
            "ids/used-again is matched by \"ids/*\" and by \"ids/used-again\"",
        ),
    ] {
        let told = refused(known)?;
        assert!(told.contains(why) && told.contains("known.json"), "{known}: {told}");
    }
    Ok(())
}

#[test]
fn scenarios_that_nobody_selects_are_not_run() -> Result {
    let mut check = script("exit 3", "ids/*");
    assert_eq!(run(check.clone())?.lines.len(), 4);
    check.selection = Selection::of(["nothing/*"]);

    let error = check.listen()?.run(&mut |_| {}).err().ok_or("nothing was selected")?;

    assert!(matches!(error, RunError::NothingSelected { .. }), "{error}");
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_named() -> Result {
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port();
    let mut check = Check::of(Subject::ByHand);
    check.transport = Transport::Secure { insecure: 0, secure: port };

    let error = check.listen().err().ok_or("it listens")?;

    assert!(matches!(error, RunError::PortInUse { address } if address.port() == port), "{error}");
    Ok(())
}

#[test]
fn a_client_by_hand_that_never_comes_ends_the_run() -> Result {
    let mut check = Check::of(Subject::ByHand);
    check.transport = Transport::SECURE.on_any_ports();
    check.first_patience = Duration::from_millis(200);

    let error = check.listen()?.run(&mut |_| {}).err().ok_or("somebody came")?;

    assert!(error.to_string().contains("no client connected within 0.2 s"), "{error}");
    Ok(())
}

#[test]
fn a_desktop_that_is_not_there_ends_the_run() -> Result {
    let free = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut check = desktop::Check::of("127.0.0.1");
    check.insecure = free;

    let error = check.run(&mut |_| {}).err().ok_or("something was checked")?;

    assert!(error.to_string().contains(&format!("127.0.0.1:{free}; does the desktop run")), "{error}");
    Ok(())
}

#[test]
fn reports_say_the_same_in_every_format() -> Result {
    let known = r#"[{"scenario": "ids/used-again", "outcome": "fail", "reason": "known <for> years"},
                    {"scenario": "ids/many-in-flight", "outcome": "skip", "reason": "too many"}]"#;
    let report = run(expecting(script("echo '<&>'; exit 3", "ids/*"), known)?)?;

    let json: Value = serde_json::from_str(&report.write(Format::Json))?;
    assert_eq!((&json["format"], &json["side"], &json["ok"]), (&1.into(), &"client".into(), &false.into()));
    let summary = &json["summary"];
    assert_eq!(
        (&summary["failed"], &summary["expected_failures"], &summary["skipped"]),
        (&2.into(), &1.into(), &1.into())
    );
    let verdicts: Vec<_> = json["scenarios"].as_array().into_iter().flatten().map(|entry| &entry["verdict"]).collect();
    assert_eq!(verdicts, ["failed", "expected-failure", "skipped", "failed"]);
    assert_eq!(json["scenarios"][1]["expected_to_fail_because"], "known <for> years");
    assert_eq!(json["scenarios"][2]["skipped_because"], "too many");
    assert!(json["scenarios"][0]["came"].as_str().is_some_and(|came| came.contains("<&>")), "{json}");

    let junit = quick_junit::Report::deserialize_from_str(&report.write(Format::Junit))?;
    let suite = &junit.test_suites[0];
    assert_eq!((suite.name.as_str(), suite.tests, suite.failures, suite.skipped), ("ids", 4, 2, 2));
    assert!(matches!(suite.test_cases[0].status, TestCaseStatus::NonSuccess { .. }));
    assert!(matches!(suite.test_cases[1].status, TestCaseStatus::Skipped { .. }));

    let text = report.write(Format::Text);
    for part in ["FAIL ids/zero-and-large", "known ids/used-again", "known <for> years", "skip ids/many-in-flight"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("not as expected: 2 failed, 1 failed as expected, 1 skipped"), "{text}");
    Ok(())
}

#[test]
fn every_scenario_has_a_name_of_its_own_and_says_what_it_is_about() {
    for scenarios in [client::scenarios(), desktop::scenarios()] {
        let mut names: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
        assert!(names.iter().all(|name| name.split('/').count() == 2), "{names:?}");
        assert!(scenarios.iter().all(|scenario| !scenario.about.is_empty() && !scenario.reference.is_empty()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
