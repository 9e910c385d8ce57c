//! Logs: a table of our own in the official page, with the filter of the app.

use flipper_conformance::Result;

use crate::scene::{ROW, Scene};

const FILTER: &str = "[data-testid=rust-logs-filter]";

pub(crate) fn part(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.show("rust-logs")?;
    for product in [7, 8, 4711] {
        shop.get(&format!("products/{product}"))?;
    }
    page.see(&format!("{ROW}:has-text('WARN'):has-text('there is no such product')"))?;
    let shown = format!("{ROW}:has-text('INFO'):has-text('a product is shown')");
    page.click(&shown)?;
    // The event's fields, and those of the span that it happened in.
    page.see("text=Span 1: one_product")?;
    page.see("text=cents")?;
    scene.picture("logs")?;
    scene.note("logs", ROW)?;
    let before = page.texts(&shown)?.len();

    page.fill(FILTER, "flipper_sample=warn")?;
    page.press(FILTER, "Enter")?;
    shop.get_until("recorded", "flipper_sample=warn")?;
    shop.get("products/9")?;
    shop.get("products/4712")?;
    page.see(&format!("{ROW}:has-text('WARN') >> nth=1"))?;
    assert_eq!(page.texts(&shown)?.len(), before, "what the filter leaves out is not even sent");

    page.fill(FILTER, "flipper_sample=[[")?;
    page.press(FILTER, "Enter")?;
    page.see("[data-testid=rust-logs-failure]")?;
    page.fill(FILTER, "info")?;
    page.press(FILTER, "Enter")?;
    page.miss("[data-testid=rust-logs-failure]")?;
    Ok(())
}
