//! Preferences: the shop's settings.

use flipper_conformance::Result;
use serde_json::{Value, json};

use crate::scene::Scene;

pub(crate) fn part(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.show("Preferences")?;
    page.click("[class*=StringValue]:has-text('Welcome')")?;
    page.fill("input:focus", "Hello from the desktop")?;
    page.press("input:focus", "Enter")?;
    // It is shown when the app has said that it took it.
    page.see("[class*=StringValue]:has-text('Hello from the desktop')")?;
    let settings: Value = serde_json::from_str(&shop.get("settings")?.1)?;
    assert_eq!(settings["greeting"], "Hello from the desktop");
    assert!(shop.get("")?.1.contains("<h1>Hello from the desktop</h1>"));

    assert_eq!(shop.patch("settings", &json!({"discount_percent": 15}))?.0, 200);
    assert_eq!(shop.patch("settings", &json!({"open": false}))?.0, 200);
    assert_eq!(shop.patch("settings", &json!({"open": true}))?.0, 200);
    page.see("[class*=NumberValue]:has-text('15')")?;
    scene.note_texts("preferences", "[class*=StringValue], [class*=NumberValue], [class*=BooleanValue]")?;
    scene.picture("preferences")?;
    assert_eq!(page.complaints()?, Vec::<String>::new());
    Ok(())
}
