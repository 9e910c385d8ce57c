//! How the desktop's page bears 5,000 events a second: the longest task of its main thread, frames a second, memory.
//!
//! `cargo bench -p flipper-sample --bench page [-- SECONDS]`, by default 60 for each of two plugins. It prints figures and asserts
//! nothing.

#![cfg(unix)]

#[allow(dead_code, reason = "the tests of the page use other parts of it")]
#[path = "../tests/page/desk.rs"]
mod desk;
#[allow(dead_code, reason = "the tests of the page use other parts of it")]
#[path = "../tests/page/raw_app.rs"]
mod raw_app;

use std::env;
use std::time::Duration;

use flipper_conformance::Result;
use flipper_conformance::official::skips_this_test;
use flipper_conformance::page::Page;
use serde_json::json;
use tempfile::TempDir;

use self::desk::Desk;
use self::raw_app::{Pace, RawApp, event};

const A_SECOND: usize = 5_000;

/// Counts frames and long tasks from now on. A task is long from 50 ms.
const WATCH: &str = "(() => {
    window.seen = {frames: 0, since: performance.now(), long: [], slowest: 0};
    let last = performance.now();
    const frame = (now) => {
        seen.frames += 1;
        seen.slowest = Math.max(seen.slowest, now - last);
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((task) => task.duration))).observe({type: 'longtask'});
})()";

const REPORT: &str = "({
    seconds: (performance.now() - seen.since) / 1000,
    frames_a_second: seen.frames / ((performance.now() - seen.since) / 1000),
    slowest_frame_ms: seen.slowest,
    long_tasks: seen.long.length,
    longest_task_ms: Math.max(0, ...seen.long),
    heap_mib: performance.memory.usedJSHeapSize / 2 ** 20,
    shown: document.querySelector('.tools [role=status]').textContent,
    left_out: document.querySelector('.plugin > .note')?.textContent ?? 'nothing left out',
    missed: document.querySelector('.banner')?.textContent.trim() ?? 'nothing missed',
})";

fn main() -> Result {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let asked = arguments.len();
    arguments.retain(|argument| argument != "--bench");
    // `cargo test` runs this as well: whether it works at all, and nothing about speed.
    let usual = if arguments.len() == asked { 1 } else { 60 };
    let seconds: usize = arguments.first().map_or(Ok(usual), |text| text.parse())?;
    if skips_this_test()? {
        return Ok(());
    }
    let files = TempDir::new()?;
    let desk = Desk::start(&files.path().join("desktop"))?;
    let page = Page::open(&desk.link())?;
    page.see("text=Waiting for an app")?;
    println!("first paint: {} ms", page.run("performance.getEntriesByName('first-contentful-paint')[0].startTime")?);
    for plugin in ["Ticker", "Network"] {
        let messages = (0..seconds * A_SECOND).map(|index| message(plugin, index));
        let pace = Pace { burst: A_SECOND / 50, pause: Duration::from_millis(20) };
        let app = RawApp::connect_at(desk.browser(), plugin, &[plugin], messages.collect(), pace)?;
        page.click(&format!("nav li.app:has-text('{plugin}') li a"))?;
        page.see("data-table .row >> nth=5")?;
        page.run(WATCH)?;
        app.wait_until_sent();
        println!("{plugin}: {:#}", page.run(REPORT)?);
        drop(app);
        page.reload()?;
    }
    Ok(())
}

fn message(plugin: &str, index: usize) -> String {
    if plugin != "Network" {
        return event(plugin, "tick", &json!({"index": index, "text": "some two hundred bytes of text ".repeat(6)}));
    }
    let id = format!("request-{}", index / 2);
    let headers = json!([{"key": "content-type", "value": "application/json"}]);
    if index.is_multiple_of(2) {
        let url = format!("http://shop.example/orders/{}", index / 2);
        event(
            plugin,
            "newRequest",
            &json!({"id": id, "timestamp": index, "method": "GET", "url": url, "headers": headers}),
        )
    } else {
        event(
            plugin,
            "newResponse",
            &json!({"id": id, "timestamp": index + 3, "status": 200, "reason": "OK", "headers": headers, "data": "eyJvayI6dHJ1ZX0="}),
        )
    }
}
