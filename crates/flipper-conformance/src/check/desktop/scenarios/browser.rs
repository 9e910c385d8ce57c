//! The port for browsers and Node.

use crate::check::desktop::Entry;
use crate::check::desktop::app::App;
use crate::check::desktop::under_test::{DesktopUnderTest, Dial, Port};
use crate::check::outcome::Verdict;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        "browser/page-of-localhost",
        "a page of http://localhost may connect, and is served",
        "desktop, BrowserServerWebSocket",
        |cx| {
            let mut app = open(cx, "http://localhost:3000")?;
            cx.is_served(&mut app)
        },
    ),
    Entry::new(
        "browser/node",
        "js-flipper on Node may connect, with the Origin localhost: that it has to make up",
        "js-flipper; desktop, BrowserServerWebSocket",
        |cx| open(cx, "localhost:")?.goes_on(),
    ),
    Entry::new(
        "browser/page-of-127.0.0.1",
        "a page of http://127.0.0.1 may connect: it is the same machine",
        "flipper#5317",
        |cx| open(cx, "http://127.0.0.1:3000")?.goes_on(),
    ),
    Entry::new(
        "browser/lookalike-page",
        "a page of http://localhost.evil.example is kept out, and so is an Origin that only begins like a good one",
        "this project",
        |cx| {
            refused(cx, "http://localhost.evil.example")?;
            refused(cx, "http://localhost:evil.example")
        },
    ),
    Entry::new(
        "browser/foreign-page",
        "a page of another host is kept out, and so is one without an origin of its own",
        "desktop, BrowserServerWebSocket",
        |cx| {
            refused(cx, "http://evil.example")?;
            refused(cx, "null")
        },
    ),
    Entry::new(
        "browser/no-origin",
        "a program that sends no Origin ends no desktop",
        "desktop 0.162 dies of it; this project",
        |cx| {
            let target = target(&cx.new_name());
            let _either = cx.dial(Port::Browser, &target, Dial::default())?;
            open(cx, "http://localhost:3000")?.goes_on()
        },
    )
    .dangerous(),
    Entry::new(
        "browser/defaults",
        "a query with nothing but device, device_id and app is understood",
        "desktop, BrowserServerWebSocket; js-flipper",
        |cx| {
            let name = cx.new_name();
            let target = format!("/?device=conformance&device_id=conformance&app={}", name.replace(' ', "%20"));
            let mut app = App::new(cx.open(Port::Browser, &target, from_localhost())?, name, cx.patience());
            cx.is_served(&mut app)
        },
    ),
    Entry::new(
        "browser/no-device",
        "a query without a device is accepted and closed with code 1011",
        "desktop, BrowserServerWebSocket",
        |cx| cx.closes_with_1011(Port::Browser, "/?app=Conformance", from_localhost()),
    ),
];

fn from_localhost() -> Dial {
    Dial { origin: Some("http://localhost:3000".to_owned()), ..Dial::default() }
}

fn target(name: &str) -> String {
    let name = name.replace(' ', "%20");
    format!("/?os=Linux&device=conformance&device_id=conformance&app={name}&sdk_version=4")
}

fn open(cx: &mut DesktopUnderTest, origin: &str) -> Verdict<App> {
    let name = cx.new_name();
    let dial = Dial { origin: Some(origin.to_owned()), ..Dial::default() };
    let talk = cx.open(Port::Browser, &target(&name), dial)?;
    Ok(App::new(talk, name, cx.patience()))
}

fn refused(cx: &mut DesktopUnderTest, origin: &str) -> Verdict {
    let target = target(&cx.new_name());
    cx.refuses(Port::Browser, &target, Dial { origin: Some(origin.to_owned()), ..Dial::default() })
}
