//! Navigation: the pages of the shop that somebody visits.

use flipper_conformance::Result;

use crate::scene::Scene;

pub(crate) fn part(Scene { page, shop, .. }: &Scene) -> Result {
    page.enable("Navigation")?;
    page.show("Navigation")?;
    shop.get("products/4")?;
    page.see("text=shop://products/4")?;
    Ok(())
}
