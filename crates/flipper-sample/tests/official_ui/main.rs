//! The official desktop's own page shows everything of the shop, in one browser: on the official desktop, and on ours.
//!
//! Each part enables a plugin as a person does, has the shop do something, and reads back what the page shows; or does
//! something in the page, and looks what came of it in the shop. What the tables show is the same on both desktops. With `FLIPPER_SCREENSHOTS` the parts also take the pictures
//! in `docs/images`.

#![cfg(unix)]

mod crash;
mod databases;
mod logs;
mod navigation;
mod network;
mod preferences;
mod sandbox;
mod scene;
#[path = "../shop/mod.rs"]
mod shop;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use flipper_conformance::Result;

use self::scene::Scene;

type Part = fn(&Scene) -> Result;

/// In the order in which a person would try them.
const PARTS: [(&str, Part); 8] = [
    ("network", network::part),
    ("databases", databases::part),
    ("preferences", preferences::part),
    ("logs", logs::part),
    ("navigation", navigation::part),
    ("sandbox", sandbox::part),
    ("table", table::part),
    ("crash", crash::part),
];

#[test]
fn every_plugin_is_shown_by_the_official_ui_on_its_own_desktop_and_on_ours_alike() -> Result {
    let Some(official) = Scene::official()? else { return Ok(()) };
    let official = play(official)?;
    let Some(ours) = Scene::ours(true)? else { return Ok(()) };
    assert_eq!(play(ours)?, official);
    Ok(())
}

#[test]
fn every_plugin_is_shown_by_the_official_ui_that_our_desktop_has_prepared() -> Result {
    let Some(ours) = Scene::ours(false)? else { return Ok(()) };
    play(ours).map(drop)
}

/// Goes through all parts, and gives what the tables showed.
fn play(scene: Scene) -> Result<Vec<(&'static str, Vec<Vec<String>>)>> {
    let mut failed = Vec::new();
    for (name, part) in PARTS {
        let began = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| part(&scene)));
        println!("{name}: {:.1} s", began.elapsed().as_secs_f32());
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failed.push(format!("{name}: {error}")),
            // The message has been printed already.
            Err(_) => failed.push(format!("{name}: see the assertion above")),
        }
    }
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(scene.page.complaints()?, Vec::<String>::new());
    Ok(scene.tables())
}
