//! A plugin that the page has no view of its own for: the shop's table of sales.

use flipper_conformance::Result;
use flipper_conformance::page::Page;
use serde_json::json;

use crate::scene::Scene;

pub(crate) fn part(scene: &mut Scene) -> Result {
    scene.show("Rust Shop", "shop-sales")?;
    for product in [3, 14, 15] {
        assert_eq!(scene.shop.post("orders", &json!({"product": product, "quantity": 1}))?.0, 201);
    }
    let Scene { page, .. } = scene;
    page.click("data-table .row:has-text('newRow') >> nth=2")?;
    page.see(".detail json-tree:has-text('quantity: 1')")?;
    let address = page.run("location.hash")?.to_string();
    assert!(address.contains("/shop-sales/"), "{address}");

    page.press("data-table [role=grid]", "Home")?;
    page.see("data-table [aria-selected=true]:has-text('reset')")?;
    page.press("data-table [role=grid]", "ArrowDown")?;
    page.see("data-table [aria-selected=true]:has-text('newRow')")?;
    page.fill("input[type=search]", "RESET")?;
    page.see("text=1 of 4 events")?;
    page.fill("input[type=search]", "")?;

    page.click("summary:has-text('Call a method')")?;
    page.find("datalist option[value=metadata]")?;
    page.fill("input[name=method]", "nothing")?;
    page.see("text=the plugin has no such method")?;
    page.fill("input[name=method]", "metadata")?;
    page.see("text=the plugin has it")?;
    page.fill("textarea[name=params]", "{\"a\": ")?;
    page.see("[role=alert]:has-text('This is no JSON')")?;
    page.fill("textarea[name=params]", "{}")?;
    page.click("button:text-is('Call')")?;
    page.see(".answers li:has-text('metadata') json-tree:has-text('rowMethod: \"newRow\"')")?;
    page.fill("input[name=method]", "nothing")?;
    page.click("button:text-is('Call')")?;
    page.see(".answers > li:has-text('AppError')")?;
    scene.picture("generic")?;

    scene.page.click("summary:has-text('Call a method')")?;
    scene.page.click("main button:has-text('Leave')")?;
    scene.page.see("text=The plugin is not initialised")?;
    scene.page.click("main button:has-text('Initialise')")?;
    scene.page.see("main button:has-text('Leave')")?;
    two_pages(scene)
}

/// Pages of one desktop see the same, and get the answers to their own calls.
fn two_pages(scene: &Scene) -> Result {
    let other = Page::open(&scene.desk.link())?;
    other.click("nav li.app li a:has-text('shop-sales')")?;
    other.see("main button:has-text('Leave')")?;
    assert_eq!(scene.shop.post("orders", &json!({"product": 16, "quantity": 1}))?.0, 201);
    scene.page.click("summary:has-text('Call a method')")?;
    other.click("summary:has-text('Call a method')")?;
    for (page, method) in [(&scene.page, "metadata"), (&other, "nothing")] {
        page.see("data-table .row:has-text('Linen lamp')")?;
        page.fill("input[name=method]", method)?;
        page.click("button:text-is('Call')")?;
    }
    scene.page.see(".answers > li:first-child json-tree:has-text('rowMethod')")?;
    other.see(".answers > li:first-child:has-text('AppError')")?;
    scene.page.click("summary:has-text('Call a method')")?;
    assert_eq!(other.complaints()?, Vec::<String>::new());
    Ok(())
}
