use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use flipper_conformance::Result;
use flipper_conformance::scripted::Session;
use flipper_plugins::Waiting;
use flipper_plugins::logs::Logs;
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Subscriber, debug, error, info, info_span, trace, warn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::rig::{Rig, call, event, settle};

/// Records with `logs` on this thread, until the guard is dropped.
fn record(logs: &Logs) -> DefaultGuard {
    // While there is one subscriber alone, `tracing` takes the word of a thread that has none for everybody's, and never asks
    // about a callsite again. Apps have theirs on all threads.
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));
    LazyLock::force(&ANOTHER);
    tracing_subscriber::registry().with(logs.layer()).set_default()
}

fn row(session: &mut Session) -> Result<Value> {
    event(session, "log")
}

fn messages(session: &mut Session, count: usize) -> Result<Vec<String>> {
    (0..count).map(|_| Ok(row(session)?["message"].as_str().ok_or("no message")?.to_owned())).collect()
}

#[test]
fn what_was_logged_before_a_desktop_came_is_shown() -> Result {
    let logs = Logs::new();
    let rig = Rig::new(logs.clone())?;
    let _recording = record(&logs);
    info!("first");
    debug!("not by default");
    warn!("second");
    let mut session = rig.session("rust-logs")?;
    assert_eq!(messages(&mut session, 2)?, ["first", "second"]);
    error!("third");
    let third = row(&mut session)?;
    assert_eq!((&third["id"], &third["message"], &third["level"]), (&json!(3), &json!("third"), &json!("ERROR")));
    Ok(())
}

#[test]
fn a_row_has_everything() -> Result {
    let logs = Logs::builder().filter("trace")?.build();
    let rig = Rig::new(logs.clone())?;
    let _recording = record(&logs);
    let mut session = rig.session("rust-logs")?;
    settle(&mut session)?;

    let outer = info_span!("request", method = "GET", status = tracing::field::Empty).entered();
    let inner = info_span!("query", rows = 3);
    outer.record("status", 200);
    let line = line!() + 1;
    inner.in_scope(|| trace!(r#type = "a", "hello {}", "world"));
    outer.record("status", 404);
    info!("again");

    let first = row(&mut session)?;
    assert_eq!(first["message"], "hello world");
    assert_eq!(first["level"], "TRACE");
    assert_eq!(first["target"], "it::logs");
    assert_eq!(first["module"], "it::logs");
    assert_eq!(first["fields"], json!({"type": "a"}));
    assert_eq!(first["line"], line);
    assert!(first["file"].as_str().is_some_and(|file| file.ends_with("tests/it/logs.rs")), "{first}");
    assert_eq!(first["thread"], std::thread::current().name().unwrap_or_default());
    assert!(first["time"].as_u64().is_some_and(|time| time > 1_700_000_000_000));
    let spans = json!([
        {"name": "request", "target": "it::logs", "fields": {"method": "GET", "status": 200}},
        {"name": "query", "target": "it::logs", "fields": {"rows": 3}},
    ]);
    assert_eq!(first["spans"], spans);
    assert_eq!(row(&mut session)?["spans"][0]["fields"]["status"], 404, "what is recorded later counts");
    Ok(())
}

#[derive(Debug)]
struct Failure(Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "outer" } else { "inner" })
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_deref().map(|source| source as _)
    }
}

#[test]
fn fields_keep_their_types() -> Result {
    let logs = Logs::new();
    let rig = Rig::new(logs.clone())?;
    let _recording = record(&logs);
    let mut session = rig.session("rust-logs")?;
    settle(&mut session)?;
    let failure = Failure(Some(Box::new(Failure(None))));
    info!(
        int = -5,
        safe = 9_007_199_254_740_991_u64,
        large = 9_007_199_254_740_993_u64,
        small = i64::MIN,
        huge = u128::MAX,
        wide = 5_i128,
        yes = true,
        float = 1.5,
        nan = f64::NAN,
        text = "a\"b\n\u{1}",
        debug = ?Some(1),
        display = %"shown",
        failure = &failure as &(dyn std::error::Error + 'static),
        plain = &Failure(None) as &(dyn std::error::Error + 'static),
        none = Option::<u32>::None,
    );
    let fields = json!({
        "int": -5,
        "safe": 9_007_199_254_740_991_u64,
        "large": "9007199254740993",
        "small": "-9223372036854775808",
        "huge": "340282366920938463463374607431768211455",
        "wide": 5,
        "yes": true,
        "float": 1.5,
        "nan": "NaN",
        "text": "a\"b\n\u{1}",
        "debug": "Some(1)",
        "display": "shown",
        "failure": {"message": "outer", "sources": ["inner"]},
        "plain": "inner",
    });
    let row = row(&mut session)?;
    assert_eq!(row["fields"], fields);
    assert_eq!(row["message"], "");
    Ok(())
}

#[test]
fn what_comes_through_crate_log_has_its_own_target() -> Result {
    let logs = Logs::new();
    let rig = Rig::new(logs.clone())?;
    let _recording = record(&logs);
    let mut session = rig.session("rust-logs")?;
    settle(&mut session)?;
    info!(
        target: "log",
        { log.target = "old::crate", log.module_path = "old", log.file = "old.rs", log.line = 7_u32 },
        "hi"
    );
    let row = row(&mut session)?;
    assert_eq!((&row["target"], &row["file"], &row["line"]), (&json!("old::crate"), &json!("old.rs"), &json!(7)));
    assert_eq!((&row["message"], &row["fields"]), (&json!("hi"), &json!({})));
    Ok(())
}

/// Counts what it gets.
struct Other(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Other {
    fn on_event(&self, _event: &tracing::Event<'_>, _context: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_desktop_sets_the_filter_and_no_other_layer_notices() -> Result {
    let logs = Logs::builder().filter("warn")?.build();
    let rig = Rig::new(logs.clone())?;
    let seen = Arc::new(AtomicUsize::new(0));
    let other = Other(Arc::clone(&seen)).with_filter(LevelFilter::INFO);
    let _recording = tracing_subscriber::registry().with(other).with(logs.layer()).set_default();
    let mut session = rig.session("rust-logs")?;
    let log_all = || {
        debug!("d");
        info!("i");
        warn!("w");
    };
    let answer = call(&mut session, "rust-logs", "getFilter", "null")?;
    assert_eq!(answer["success"], json!({"filter": "warn", "default": "warn"}));
    log_all();
    assert_eq!(messages(&mut session, 1)?, ["w"]);

    let answer = call(&mut session, "rust-logs", "setFilter", r#"{"filter":"off,it::logs=debug"}"#)?;
    assert_eq!(answer["success"], json!({"filter": "it::logs=debug,off", "default": "warn"}));
    log_all();
    assert_eq!(messages(&mut session, 3)?, ["d", "i", "w"]);

    let answer = call(&mut session, "rust-logs", "setFilter", r#"{"filter":"info,it=loud"}"#)?;
    assert_eq!(answer["error"]["name"], "InvalidFilter");
    let message = answer["error"]["message"].as_str().ok_or("no message")?;
    assert!(message.starts_with("the directive `it=loud` is not understood: "), "{message}");
    for bad in ["{}", "null", r#"{"filter":5}"#, r#"{"filter":null}"#] {
        let answer = call(&mut session, "rust-logs", "setFilter", bad)?;
        assert_eq!(answer["error"]["name"], "InvalidParams", "{bad}");
    }
    assert_eq!(logs.filter(), "it::logs=debug,off", "what is wrong changes nothing");

    let answer = call(&mut session, "rust-logs", "setFilter", r#"{"filter":""}"#)?;
    assert_eq!(answer["success"]["filter"], "warn");
    log_all();
    assert_eq!(messages(&mut session, 1)?, ["w"]);
    assert_eq!(seen.load(Ordering::Relaxed), 6);
    Ok(())
}

/// Logs when it is formatted.
struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("from within");
        f.write_str("Chatty")
    }
}

#[test]
fn sending_an_event_makes_no_events() -> Result {
    let logs = Logs::builder().filter("trace")?.build();
    let rig = Rig::new(logs.clone())?;
    let _recording = record(&logs);
    let mut session = rig.session("rust-logs")?;
    settle(&mut session)?;
    error!(target: "flipper_client::app", "ours");
    trace!(target: "flipper_blocking", "ours");
    debug!(target: "tungstenite::protocol", "beneath");
    trace!(target: "rustls::client", "beneath");
    let _within_a_span = info_span!("span", chatty = ?Chatty).entered();
    info!(chatty = ?Chatty, "outer");
    warn!(target: "rustls::client", "a warning");
    info!(target: "flipper_sample", "an app's name may begin so");
    assert_eq!(messages(&mut session, 3)?, ["outer", "a warning", "an app's name may begin so"]);
    settle(&mut session)
}

#[test]
fn spans_are_followed_while_nobody_listens() -> Result {
    let logs = Logs::builder().waiting(Waiting::NOTHING).build();
    let _recording = record(&logs);
    let rig = Rig::new(logs.clone())?;
    let before = info_span!("before", all = "along");
    info!("unseen");
    let mut session = rig.session("rust-logs")?;
    settle(&mut session)?;
    session.send(&json!({"method": "deinit", "params": {"plugin": "rust-logs"}}))?;
    settle(&mut session)?;
    info!("unseen");
    let between = info_span!(parent: &before, "between", kept = true);
    session.init("rust-logs")?;
    settle(&mut session)?;
    between.in_scope(|| info!("with its spans"));
    let row = row(&mut session)?;
    assert_eq!(row["message"], "with its spans");
    assert_eq!(row["spans"][0]["fields"], json!({"all": "along"}));
    assert_eq!(row["spans"][1]["fields"], json!({"kept": true}));
    Ok(())
}

#[test]
fn spans_need_not_be_followed() -> Result {
    let logs = Logs::builder().waiting(Waiting::NOTHING).spans_while_closed(false).build();
    let _recording = record(&logs);
    let span = info_span!("unseen", a = 1);
    let rig = Rig::new(logs.clone())?;
    let mut session = rig.session("rust-logs")?;
    settle(&mut session)?;
    let seen = info_span!(parent: &span, "seen", b = 2);
    seen.in_scope(|| info!("hi"));
    let row = row(&mut session)?;
    assert_eq!(row["spans"], json!([{"name": "seen", "target": "it::logs", "fields": {"b": 2}}]));
    Ok(())
}

#[test]
fn a_gap_is_a_row() -> Result {
    let logs = Logs::builder().waiting(Waiting::new(2, 10_000)).build();
    let rig = Rig::new(logs.clone())?;
    let _recording = record(&logs);
    for number in 1..=5 {
        info!("{number}");
    }
    let mut session = rig.session("rust-logs")?;
    assert_eq!(messages(&mut session, 2)?, ["1", "2"]);
    let gap = row(&mut session)?;
    assert_eq!((&gap["level"], &gap["target"]), (&json!("WARN"), &json!("rust-logs")));
    assert!(gap["message"].as_str().is_some_and(|text| text.contains("are missing here")), "{gap}");
    assert!(gap["fields"]["from"].as_u64() <= gap["fields"]["until"].as_u64());
    info!("6");
    assert_eq!(messages(&mut session, 1)?, ["6"]);
    settle(&mut session)?;
    // There is room again, and no gap.
    session.close(1000, "")?;
    let mut session = rig.session("rust-logs")?;
    info!("7");
    assert_eq!(messages(&mut session, 1)?, ["7"]);
    Ok(())
}

#[test]
fn long_texts_are_cut() -> Result {
    let logs = Logs::builder().text_limit(10).build();
    let rig = Rig::new(logs.clone())?;
    let _recording = record(&logs);
    let mut session = rig.session("rust-logs")?;
    settle(&mut session)?;
    info!(field = "x".repeat(1_000_000), "{}", "y".repeat(15));
    let row = row(&mut session)?;
    assert_eq!(row["message"], "yyyyyyyyyy… (5 more bytes)");
    assert_eq!(row["fields"]["field"], "xxxxxxxxxx… (999990 more bytes)");
    Ok(())
}

#[test]
fn threads_that_log_and_a_filter_that_changes_do_not_wait_for_each_other() -> Result {
    let logs = Logs::new();
    let rig = Rig::new(logs.clone())?;
    let subscriber = tracing::Dispatch::new(tracing_subscriber::registry().with(logs.layer()));
    let mut session = rig.session("rust-logs")?;
    settle(&mut session)?;
    std::thread::scope(|scope| -> Result {
        for _ in 0..4 {
            scope.spawn(|| {
                let _recording = tracing::dispatcher::set_default(&subscriber);
                for number in 0..200 {
                    let _span = info_span!("span", number, chatty = ?Chatty).entered();
                    warn!(number, "always");
                }
            });
        }
        for round in 0..50 {
            logs.set_filter(if round % 2 == 0 { "[span{number=7}]=debug,warn" } else { "trace" })?;
        }
        Ok(())
    })?;
    let mut last: Vec<Value> = Vec::new();
    for _ in 0..800 {
        last.push(row(&mut session)?["id"].take());
    }
    last.sort_by_key(Value::as_u64);
    last.dedup();
    assert_eq!(last.len(), 800, "ids are unique");
    settle(&mut session)
}
