//! The desktop's own page, in one browser, against a real desktop: the shop is looked into with every view, and hostile
//! apps do their worst.
//!
//! Each part has the shop do something, and reads back what the page shows; or does something in the page, and looks what
//! came of it. With `FLIPPER_SCREENSHOTS` the parts also take the pictures in `docs/images`.

#![cfg(unix)]

mod desk;
mod frame;
mod generic;
mod hostile;
mod network;
#[allow(dead_code, reason = "the benchmark uses more of it")]
mod raw_app;
mod recordings;
mod scene;
#[allow(dead_code, reason = "the tests of the official page use other parts of it")]
#[path = "../shop/mod.rs"]
mod shop;
mod views;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use flipper_conformance::Result;
use flipper_conformance::official::skips_this_test;

use self::scene::Scene;

/// The files of lit-html that the page uses, and its licence.
const LIT_HTML: [&str; 6] =
    ["LICENSE", "lit-html.js", "directive.js", "directive-helpers.js", "directives/live.js", "directives/repeat.js"];

type Part = fn(&mut Scene) -> Result;

/// The last ones stop the desktop.
const PARTS: [(&str, Part); 12] = [
    ("apps", frame::apps),
    ("generic", generic::part),
    ("recordings", recordings::part),
    ("network", network::part),
    ("logs", views::logs),
    ("databases", views::databases),
    ("preferences", views::preferences),
    ("navigation", views::navigation),
    ("sandbox", views::sandbox),
    ("hostile", hostile::part),
    ("failures", frame::failures),
    ("restart", frame::restart),
];

/// What the page has from elsewhere is what its makers published.
#[test]
fn lit_html_is_the_npm_package() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let copy = crates.join("flipper-desktop/page/lib/lit-html");
    let package = crates.join("flipper-conformance/node_modules/lit-html");
    for name in LIT_HTML {
        assert!(fs::read(copy.join(name))? == fs::read(package.join(name))?, "{name} is another one");
    }
    Ok(())
}

#[test]
fn the_page_shows_everything_of_an_app() -> Result {
    let Some(mut scene) = Scene::set_unless_skipped()? else { return Ok(()) };
    let mut failed = Vec::new();
    for (name, part) in PARTS {
        let began = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| part(&mut scene)));
        println!("{name}: {:.1} s", began.elapsed().as_secs_f32());
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failed.push(format!("{name}: {error}")),
            // The message has been printed already.
            Err(_) => failed.push(format!("{name}: see the assertion above")),
        }
        let said = scene.page.complaints()?;
        if !said.is_empty() {
            failed.push(format!("{name}: the page says {said:?}"));
        }
    }
    assert_eq!(failed, Vec::<String>::new());
    Ok(())
}
