//! Sandbox: which price service the shop asks.

use flipper_conformance::Result;

use crate::scene::Scene;

pub(crate) fn part(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.show("Sandbox")?;
    page.see("button:has-text('Production')")?;

    page.click("button:has-text('Staging')")?;
    let staging = format!("{}staging/", shop.url());
    page.see(&format!("text=Update to {staging} successful"))?;
    scene.picture("sandbox")?;
    assert_eq!(shop.get("environment")?, (200, staging.clone()));

    page.fill("input[placeholder*='sb.facebook.com']", "nonsense")?;
    page.click("button:has-text('Submit')")?;
    page.see("text=a price service is at")?;
    assert_eq!(shop.get("environment")?, (200, staging));
    // The page says on its console what it shows anyway.
    let complaints = page.complaints()?;
    assert!(complaints.iter().all(|said| said.starts_with("[sandbox] setSandbox call failed")), "{complaints:?}");

    page.click("button:has-text('Production')")?;
    page.see(&format!("text=Update to {} successful", shop.url()))?;
    Ok(())
}
