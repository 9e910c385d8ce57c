//! Navigation: the pages of the shop that somebody visits.

use flipper_conformance::Result;

use crate::scene::Scene;

/// Where the page shows at which address the app is.
const ADDRESS: &str = ".ant-select-auto-complete input, input[placeholder='Navigate To...']";

pub(crate) fn part(Scene { page, shop, .. }: &Scene) -> Result {
    page.enable("Navigation")?;
    shop.get("products/4")?;
    page.see("input[value='shop://products/4']")?;
    assert_eq!(page.value(ADDRESS)?, "shop://products/4");
    Ok(())
}
