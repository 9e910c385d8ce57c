//! A table of the shop's own, which the official page shows without knowing it.

use flipper_conformance::Result;
use serde_json::json;

use crate::scene::{ROW, Scene};

pub(crate) fn part(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.show("shop-sales")?;
    for (product, quantity) in [(31, 4), (64, 1), (18, 2)] {
        assert_eq!(shop.post("orders", &json!({"product": product, "quantity": quantity}))?.0, 201);
    }
    page.click(&format!("{ROW}:has-text('Cork lamp')"))?;
    // It was sold before anybody looked at the table.
    page.see(&format!("{ROW}:has-text('Cork table')"))?;
    scene.note("table", ROW)?;
    scene.picture("table")
}
