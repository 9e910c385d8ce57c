//! The views of the other plugins that the page knows.

use flipper_conformance::Result;
use serde_json::{Value, json};

use crate::raw_app::{RawApp, event};
use crate::scene::Scene;

pub(crate) fn logs(scene: &mut Scene) -> Result {
    scene.show("Rust Shop", "Logs")?;
    let Scene { page, shop, .. } = &*scene;
    for product in [7, 8, 4711] {
        shop.get(&format!("products/{product}"))?;
    }
    let warning = "data-table .row:has-text('WARN'):has-text('there is no such product')";
    page.see(warning)?;
    page.click("data-table .row:has-text('INFO'):has-text('Birch table')")?;
    page.see(".detail json-tree:has-text('cents: ')")?;
    page.see(".detail h3:has-text('Span 1: one_product')")?;
    scene.picture("logs")?;
    let Scene { page, shop, .. } = &*scene;

    page.click("button:text-is('INFO')")?;
    page.see("text=/^1 of \\d+ entries$/")?;
    page.click("button:text-is('INFO')")?;
    page.fill("input[aria-label=Target]", "nothing::of::that")?;
    page.see("text=/^0 of \\d+ entries$/")?;
    page.fill("input[aria-label=Target]", "flipper_sample::")?;
    page.fill("input[type=search]", "no such product")?;
    page.see("text=/^1 of \\d+ entries$/")?;
    page.fill("input[type=search]", "")?;

    page.fill("#recorded", "flipper_sample=warn")?;
    page.press("#recorded", "Enter")?;
    shop.get_until("recorded", "flipper_sample=warn")?;
    page.fill("#recorded", "flipper_sample=[[")?;
    page.press("#recorded", "Enter")?;
    page.see("main [role=alert]:has-text('AppError')")?;
    page.fill("#recorded", "info")?;
    page.press("#recorded", "Enter")?;
    page.miss("main [role=alert]")?;
    Ok(())
}

pub(crate) fn databases(scene: &mut Scene) -> Result {
    scene.show("Rust Shop", "Databases")?;
    let Scene { page, shop, .. } = &*scene;
    page.choose("label:has-text('Table') select", "products")?;
    page.see("text=1–50 of 120 rows")?;
    page.click("button[aria-label='Next page']")?;
    page.see("text=51–100 of 120 rows")?;
    page.see("data-table .row:has-text('Steel tray')")?;
    page.click("[role=columnheader] button:text-is('name')")?;
    page.see("data-table .drawn .row:first-child:has-text('Birch basket')")?;
    page.click("[role=columnheader] button:text-is('name')")?;
    page.see("data-table .drawn .row:first-child:has-text('Steel vase')")?;
    page.click("data-table .drawn .row:first-child")?;
    page.see(".detail .fields:has-text('Steel vase')")?;
    scene.picture("databases")?;
    let Scene { page, .. } = &*scene;

    page.click("button:text-is('Structure')")?;
    page.see("data-table .row:has-text('INTEGER')")?;
    page.see("data-table .row:has-text('products_name')")?;
    page.see(".long:has-text('CREATE TABLE products')")?;
    assert_eq!(page.barriers()?, Vec::<String>::new());
    // A link leads there.
    page.reload()?;
    page.see(".long:has-text('CREATE TABLE products')")?;

    page.click("button:text-is('SQL')")?;
    page.fill("textarea[aria-label=SQL]", "UPDATE products SET stock = 4711 WHERE id <= 3")?;
    page.press("textarea[aria-label=SQL]", "Control+Enter")?;
    page.see("text=3 rows changed")?;
    shop.get_until("products?page=0", "4711")?;
    page.fill("textarea[aria-label=SQL]", "SELECT * FROM nowhere")?;
    page.click("button:text-is('Run')")?;
    page.see("main [role=alert]:has-text('no such table: nowhere')")?;
    page.fill("textarea[aria-label=SQL]", "SELECT name, stock FROM products WHERE stock > 4000")?;
    page.click("button:text-is('Run')")?;
    page.see("data-table .row:has-text('Steel chair')")?;
    page.see("text=/^3 rows, in/")?;
    scene.picture("databases-sql")?;
    let Scene { page, .. } = &*scene;
    page.choose("select[aria-label='Statements that were run']", "2")?;
    page.click("button:text-is('Run')")?;
    page.see("text=/^3 rows changed/")?;
    Ok(())
}

pub(crate) fn preferences(scene: &mut Scene) -> Result {
    scene.show("Rust Shop", "Preferences")?;
    let Scene { page, shop, .. } = &*scene;
    let field = |name: &str| format!(".setting label:has-text('{name}') input");
    page.fill(&field("greeting"), "Hello from the page")?;
    page.press(&field("greeting"), "Enter")?;
    page.see(".changes li:has-text('greeting'):has-text('Hello from the page')")?;
    shop.get_until("", "<h1>Hello from the page</h1>")?;

    page.fill(&field("page_size"), "many")?;
    page.press(&field("page_size"), "Enter")?;
    page.see("main [role=alert]:has-text('page_size')")?;
    page.see(".setting")?;
    assert_eq!(page.value(&field("page_size"))?, "20", "what the app did not take is not shown");

    // What the app changes itself is seen.
    assert_eq!(shop.patch("settings", &json!({"discount_percent": 15}))?.0, 200);
    page.see(".changes li:has-text('discount_percent'):has-text('15')")?;
    assert_eq!(page.value(&field("discount_percent"))?, "15");
    page.click(&field("open"))?;
    page.see(".changes li:has-text('open'):has-text('false')")?;
    page.click(".setting:has-text('open') button")?;
    page.see(".changes li:has-text('open'):has-text('deleted'), .changes li:has-text('open'):has-text('true')")?;
    scene.picture("preferences")?;
    scene.shop.patch("settings", &json!({"open": true}))?;
    Ok(())
}

pub(crate) fn navigation(scene: &mut Scene) -> Result {
    scene.show("Rust Shop", "Navigation")?;
    let Scene { page, shop, .. } = &*scene;
    for path in ["", "products?page=2", "products/4"] {
        shop.get(path)?;
    }
    page.see(".timeline li:has-text('shop://products/4'):has-text('Product')")?;
    page.see(".timeline li:has-text('shop://products?page=2')")?;
    scene.picture("navigation")
}

pub(crate) fn sandbox(scene: &mut Scene) -> Result {
    scene.show("Rust Shop", "Sandbox")?;
    let Scene { page, shop, .. } = &*scene;
    page.click("button:has-text('Staging')")?;
    page.see("[role=status]:has-text('staging/ now')")?;
    assert!(shop.get("environment")?.1.ends_with("/staging/"));
    scene.picture("sandbox")?;
    let Scene { page, shop, .. } = &*scene;
    page.fill("input[name=value]", "nonsense")?;
    page.click("button:text-is('Use it')")?;
    page.see("main [role=alert]:has-text('a price service is at')")?;
    page.click("button:has-text('Production')")?;
    page.see("[role=status]:has-text('The app uses')")?;
    assert!(!shop.get("environment")?.1.contains("staging"));
    odd_answers(scene)
}

/// An app whose plugins answer with what they were asked, and tell nonsense.
fn odd_answers(scene: &Scene) -> Result {
    let plugins = ["Databases", "Preferences", "Sandbox", "Navigation", "rust-logs"];
    let nonsense = [
        json!(null),
        json!(7),
        json!("text"),
        json!([1, {"a": null}]),
        json!({"preferences": "__proto__", "name": "polluted", "value": true, "level": "constructor"}),
        json!({"level": {"a": 1}, "spans": [null, 3], "fields": "none", "name": 1}),
    ];
    let messages = |plugin: &&str| nonsense.clone().map(|params: Value| event(plugin, "log", &params));
    let messages = plugins.iter().flat_map(messages).collect();
    let _app = RawApp::connect(scene.desk.browser(), "Nonsense", &plugins, messages)?;
    let Scene { page, .. } = scene;
    for (plugin, seen) in [
        ("Databases", "main :text('The app lists no databases')"),
        ("Preferences", ".changes li"),
        ("Sandbox", "main :text('The app offers no values')"),
        ("Navigation", ".timeline li >> nth=5"),
        ("Logs", "data-table .row >> nth=6"),
    ] {
        scene.show("Nonsense", plugin)?;
        page.see(seen)?;
    }
    for row in 0..6 {
        page.click(&format!("data-table .drawn .row >> nth={row}"))?;
        page.see(".detail")?;
    }
    page.press("data-table [role=grid]", "Escape")?;
    page.miss(".detail")?;
    assert_eq!(page.run("({}).polluted === undefined")?, true);
    Ok(())
}
