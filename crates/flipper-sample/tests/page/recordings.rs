//! Recordings: made, opened, and looked at as if live.

use std::fs;

use flipper_conformance::Result;

use crate::scene::Scene;

pub(crate) fn part(scene: &mut Scene) -> Result {
    let Scene { page, shop, files, .. } = &*scene;
    page.click("nav a:text-is('Recordings')")?;
    page.fill("input[name=name]", "checkout")?;
    page.click("button:has-text('Record')")?;
    page.see(".recording:has-text('checkout')")?;
    for product in [3, 4, 105] {
        shop.get(&format!("products/{product}"))?;
    }
    // Each product is a request, and a response; logs and places besides.
    page.see(".recording:has-text('9 messages'), .recording:has-text('12 messages')")?;
    page.click("button:text-is('Stop')")?;
    page.see("button:has-text('Record')")?;

    page.click("li:has-text('checkout') button:text-is('Open')")?;
    page.see(".recordings li:has-text('checkout'):not(:has-text('Reading'))")?;
    scene.picture("recordings")?;
    let Scene { page, .. } = &*scene;
    page.click(".recordings .cards a:has-text('Rust Shop')")?;
    page.see("main h2:has-text('Rust Shop')")?;
    page.click("main .cards a:has-text('Network')")?;
    page.see("main .note:has-text('This is a recording')")?;
    page.click("data-table .row:has-text('/prices/105'):has-text('404')")?;
    page.see(".detail message-body:has-text('no price for product 105')")?;

    // A link to a row of a recording works in a page that knows nothing yet.
    page.reload()?;
    page.see(".detail message-body:has-text('no price for product 105')")?;
    assert_eq!(page.barriers()?, Vec::<String>::new());

    let folder = files.path().join("desktop/records");
    let whole = fs::read(folder.join("checkout.sqlite"))?;
    fs::write(folder.join("cut.sqlite"), &whole[..whole.len() / 2])?;
    fs::write(folder.join("other.sqlite"), "something else")?;
    for name in ["cut", "other"] {
        page.go("#/")?;
        page.click("nav a:text-is('Recordings')")?;
        page.click(&format!(".recordings > li:has-text('{name}') button:text-is('Open')"))?;
        page.see(&format!(".recordings > li:has-text('{name}') [role=alert]"))?;
    }
    // The desktop says so by a status that browsers tell on their console.
    let said = page.complaints()?;
    assert!(said.iter().all(|said| said.starts_with("Failed to load resource")), "{said:?}");
    page.click(".recordings > li:has-text('checkout') button:text-is('Close')")?;
    page.miss("nav li.app:has-text('recorded')")?;
    Ok(())
}
