//! The official desktop's own page shows everything of the shop: on the official desktop, and on ours, where it is the same
//! page. One script is played on all, at once.
//!
//! Each part enables a plugin as a person does, has the shop do something, and reads back what the page shows; or does
//! something in the page, and looks what came of it in the shop. What the tables show is the same everywhere, cell by cell.
//! With `FLIPPER_SCREENSHOTS` the parts also take the pictures in `docs/images`.

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
use std::thread;
use std::time::Instant;

use flipper_conformance::Result;

use self::scene::{Noted, Scene};

/// Sets a scene, unless that is to be skipped.
type Set = fn() -> Result<Option<Scene>>;

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
    let scenes: [(&str, Set); 3] = [
        ("official", Scene::official),
        ("ours-pristine", || Scene::ours(true)),
        ("ours-prepared", || Scene::ours(false)),
    ];
    let played = thread::scope(|scope| {
        let threads = scenes.map(|(name, scene)| {
            let play = move || scene()?.map(|scene| play(name, scene)).transpose();
            thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, play)
        });
        threads.map(|thread| thread?.join().unwrap_or_else(|_| Err("see the assertion above".into())))
    });
    let [official, pristine, prepared] = played;
    let official = official?;
    assert_eq!(pristine?, official);
    assert_eq!(prepared?, official);
    Ok(())
}

/// Goes through all parts, and gives what the tables showed.
fn play(on: &str, scene: Scene) -> Result<Vec<Noted>> {
    let mut failed = Vec::new();
    for (name, part) in PARTS {
        let began = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| part(&scene)));
        println!("{name} on {on}: {:.1} s", began.elapsed().as_secs_f32());
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
