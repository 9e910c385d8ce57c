//! Navigation: the pages of the shop that somebody visits.

use flipper_conformance::Result;

use crate::scene::Scene;

pub(crate) fn part(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.show("Navigation")?;
    for path in ["", "products?page=2", "products/4"] {
        shop.get(path)?;
    }
    page.see("text=shop://products/4")?;
    page.see("text=shop://products?page=2")?;
    scene.picture("navigation")
}
