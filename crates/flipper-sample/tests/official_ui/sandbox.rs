//! Sandbox: which price service the shop asks.

use flipper_conformance::Result;

use crate::scene::Scene;

pub(crate) fn part(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.enable("Sandbox")?;
    page.show("Sandbox")?;
    page.see("button:has-text('Production')")?;
    page.click("button:has-text('Staging')")?;
    page.see("text=Update to Sandbox was successful")?;
    scene.picture("sandbox")?;
    let (_, base) = shop.get("environment")?;
    assert_eq!(base, format!("{}staging/", shop.url()));

    page.fill("input[placeholder*='sb.facebook.com']", "nonsense")?;
    page.click("button:has-text('Submit')")?;
    page.see("text=a price service is at")?;
    assert_eq!(shop.get("environment")?.1, base);

    page.click("button:has-text('Production')")?;
    Ok(())
}
