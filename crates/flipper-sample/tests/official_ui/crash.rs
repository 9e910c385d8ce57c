//! Error reports. The official desktop shows those of phones only; of others, its console tells.

use flipper_conformance::Result;
use serde_json::json;

use crate::scene::Scene;

pub(crate) fn part(Scene { page, shop, .. }: &Scene) -> Result {
    assert!(shop.post("broken", &json!(null)).is_err(), "the page panics, and nothing is answered");
    page.hear("the cash desk is on fire")?;
    assert_eq!(shop.get("environment")?.0, 200, "the shop stays open");
    Ok(())
}
