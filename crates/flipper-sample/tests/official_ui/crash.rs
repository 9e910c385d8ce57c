//! Crash reports. The official desktop shows those of phones only: of others its console tells, and a table of ours.

use flipper_conformance::Result;
use serde_json::json;

use crate::scene::{ROW, Scene};

pub(crate) fn part(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.show("rust-crashes")?;
    assert!(shop.post("broken", &json!(null)).is_err(), "the page panics, and nothing is answered");
    let row = format!("{ROW}:has-text('the cash desk is on fire')");
    page.see(&row)?;
    scene.note("crash", ROW)?;
    scene.picture("crash")?;
    page.click(&row)?;
    page.see("text=shop::broken")?;
    page.hear("the cash desk is on fire")?;
    assert_eq!(shop.get("environment")?.0, 200, "the shop stays open");
    Ok(())
}
