//! What a message costs, beside the least that it can cost.
//!
//! Whoever looks into a message must read past all of it once: the floor of reading is serde_json skipping over the same
//! bytes (`&RawValue`), the floor of writing is a copy of the params.

#![allow(missing_docs, reason = "criterion_group makes a public function")]
#![allow(clippy::expect_used, clippy::panic, reason = "a benchmark that fails panics")]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant as Clock};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flipper_proto::client::{Action, Client, Config, Credentials, Event, JobOutcome, PluginMode, Reply};
use flipper_proto::{Generation, Instant, Medium, Payload, PluginId, Query, Text};
use serde_json::value::RawValue;

const NOW: Instant = Instant::ZERO;

/// A client in a session, with one plugin initialised and room for everything.
fn client() -> Client {
    let mut config = Config::new("Bench", "com.example.bench");
    config.limits.pending_calls = usize::MAX;
    let mut client = Client::new(config);
    client.add_plugin("Network", PluginMode::Background).expect("a first plugin");
    client.start(NOW);
    let Some(Action::Job { job, .. }) = client.poll_action() else { panic!("a job to load credentials") };
    let credentials = Credentials {
        generation: Generation::from_u64(1),
        device_id: String::new(),
        medium: Medium::FsAccess,
        os: None,
        csr: String::new(),
        csr_path: String::new(),
        valid_until: Instant::from_millis(u64::MAX),
    };
    client.handle_job_done(job, JobOutcome::Loaded { credentials: Some(credentials), problem: None }, NOW);
    let Some(Action::Connect { attempt, .. }) = client.poll_action() else { panic!("an attempt") };
    client.handle_opened(attempt, NOW);
    client.handle_writable(attempt, usize::MAX, NOW);
    client.handle_message(attempt, r#"{"method":"init","params":{"plugin":"Network"}}"#, NOW);
    while client.poll_event().is_some() {}
    client
}

/// Params of about this size, as plugins have them.
fn params() -> Vec<(&'static str, usize, String)> {
    let objects = |size: usize| {
        let mut json = String::from("{\"rows\":[");
        let mut at = 0;
        while json.len() < size {
            if at > 0 {
                json.push(',');
            }
            json += &format!(r#"{{"id":{at},"url":"https://example.com/{at}","ms":{at}.5,"ok":true,"tag":null}}"#);
            at += 1;
        }
        json + "]}"
    };
    let string = |size: usize| format!("{{\"data\":\"{}\"}}", "x".repeat(size - 11));
    [100, 10_000, 1_000_000]
        .into_iter()
        .flat_map(|size| [("objects", size, objects(size)), ("string", size, string(size))])
        .collect()
}

fn execute(params: &str) -> String {
    format!(r#"{{"id":1,"method":"execute","params":{{"api":"Network","method":"newRequest","params":{params}}}}}"#)
}

/// Measures `read` over fresh messages, as a socket brings them: not in the cache for having been read before. They are
/// made, and what was read is handed to `done`, outside the measured time.
fn measure<T>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    message: &str,
    mut read: impl FnMut(Text) -> T,
    mut done: impl FnMut(T),
) {
    let batch = (1_usize << 20).div_ceil(message.len()).clamp(4, 1_000);
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|iterations| {
            let mut left = usize::try_from(iterations).expect("a number of rounds");
            let mut spent = Duration::ZERO;
            while left > 0 {
                let round = left.min(batch);
                let mut messages: Vec<_> = (0..round).map(|_| Text::from(String::from(message))).collect();
                let mut results = Vec::with_capacity(round);
                let begun = Clock::now();
                results.extend(messages.drain(..).map(&mut read));
                spent += begun.elapsed();
                results.into_iter().for_each(&mut done);
                left -= round;
            }
            spent
        });
    });
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("execute");
    for (shape, size, params) in params() {
        let message = execute(&params);
        let name = format!("{shape}/{size}");
        group.throughput(Throughput::Bytes(message.len() as u64));
        let skip = |message: Text| {
            let length = serde_json::from_str::<&RawValue>(black_box(&message)).map(|raw| raw.get().len());
            (length.expect("JSON"), message)
        };
        measure(&mut group, BenchmarkId::new("floor", &name), &message, skip, drop);

        let attempt = flipper_proto::AttemptId::from_u64(0);
        let client = RefCell::new(client());
        let dispatch = |message| {
            let mut client = client.borrow_mut();
            client.handle_message(attempt, message, NOW);
            client.poll_event()
        };
        let answer = |event| {
            let mut client = client.borrow_mut();
            let Some(Event::Call { call, .. }) = event else { panic!("a call") };
            client.respond(call, &Reply::Success(Payload::empty_object())).expect("a call that waits");
            assert!(matches!(client.poll_action(), Some(Action::Send { .. })));
            client.handle_writable(attempt, usize::MAX, NOW);
        };
        measure(&mut group, BenchmarkId::new("dispatch", &name), &message, dispatch, answer);
    }
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event");
    for (shape, size, params) in params().into_iter().filter(|(shape, ..)| *shape == "objects") {
        group.throughput(Throughput::Bytes(params.len() as u64));
        let name = format!("{shape}/{size}");
        group.bench_function(BenchmarkId::new("floor", &name), |bencher| {
            bencher.iter(|| String::from(black_box(&*params)));
        });
        let plugin = PluginId::new("Network");
        let payload = Payload::from_json(params).expect("JSON");
        let attempt = flipper_proto::AttemptId::from_u64(0);
        let mut client = client();
        group.bench_function(BenchmarkId::new("send", &name), |bencher| {
            bencher.iter(|| {
                client.send(&plugin, "newRequest", Some(black_box(&payload))).expect("a known plugin");
                client.handle_writable(attempt, usize::MAX, NOW);
                client.poll_action()
            });
        });
    }
    group.finish();
}

fn query(criterion: &mut Criterion) {
    let mut query = Query::new("Sample App", "Android", "Pixel 8 Pro", "emulator-5554");
    query.app_id = Some(String::from("com.example.sample"));
    query.medium = Some(Medium::FsAccess);
    query.csr = Some("-----BEGIN CERTIFICATE REQUEST-----\n".repeat(28));
    query.csr_path = Some(String::from("/data/user/0/com.example.sample/files/sonar/"));
    let target = query.to_target();
    let mut group = criterion.benchmark_group("query");
    group.throughput(Throughput::Bytes(target.len() as u64));
    group.bench_function("parse", |bencher| bencher.iter(|| Query::parse(black_box(&target))));
    group.bench_function("to_target", |bencher| bencher.iter(|| black_box(&query).to_target()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = reading, writing, query
}
criterion_main!(benches);
