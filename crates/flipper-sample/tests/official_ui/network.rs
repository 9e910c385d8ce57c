//! Network: what the shop asks the price service.

use flipper_conformance::Result;
use serde_json::json;

use crate::scene::{ROW, Scene};

pub(crate) fn part(scene: &Scene) -> Result {
    scene.page.show("Network")?;
    rows_and_details(scene)?;
    a_mock_answers_instead(scene)?;
    a_stream_is_shown_while_it_goes_on(scene)
}

fn rows_and_details(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    assert_eq!(shop.get("products/5")?.0, 200);
    assert_eq!(shop.get("products/105")?.0, 200, "a product without a price is shown all the same");
    assert_eq!(shop.get_bytes("catalogue")?[..2], [0x1f, 0x8b], "it comes compressed");
    let history = shop.get("history")?.1.len();
    assert!(history > 64 << 10, "{history}");
    assert_eq!(shop.post("orders", &json!({"product": 12, "quantity": 2}))?.0, 201);
    page.see(&format!("{ROW}:has-text('/prices/12'):has-text('200')"))?;
    scene.note("network", ROW)?;

    page.click(&format!("{ROW}:has-text('/prices/105'):has-text('404')"))?;
    page.see("text=no price for product 105")?;

    // Compressed on its way, and shown as what it says.
    page.click(&format!("{ROW}:has-text('/prices'):not(:has-text('/prices/'))"))?;
    page.see("text=content-encoding")?;
    page.see(r"text=/products:\s*100/")?;

    // Longer than what is kept, and it says so.
    page.click(&format!("{ROW}:has-text('/prices/history')"))?;
    page.see("text=x-flipper-body-cut")?;
    page.see(&format!("text=of {history} bytes"))?;

    page.click(&format!("{ROW}:has-text('/prices/5'):has-text('200')"))?;
    page.see(&format!("text={}prices/5", shop.url()))?;
    page.see("text=authorization")?;
    let shown = page.text("body")?;
    assert!(shown.contains("cents: 4650") && shown.contains("currency: \"EUR\""), "{shown}");
    assert!(!shown.contains("very-secret"), "{shown}");
    scene.picture("network")?;
    scene.picture_of_ours("official-ui")
}

fn a_mock_answers_instead(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.click("button:has-text('Mock')")?;
    page.click("button:has-text('Copy Selected Calls')")?;
    page.click(".ant-modal >> text=/prices\\/5/")?;
    page.fill(".ant-modal textarea", r#"{"product": 5, "cents": 1, "currency": "EUR"}"#)?;
    scene.picture("network-mock")?;
    page.click(".ant-modal-close")?;
    page.miss(".ant-modal-wrap")?;

    // The page tells the app after a pause of its own.
    shop.get_until("products/5", r#""cents":1,"#)?;
    page.click(&format!("{ROW}:has-text('/prices/5'):has-text('45 B')"))?;
    page.see("text=Response Headers (Mocked)")?;
    assert!(shop.get("products/6")?.1.contains("\"cents\":5381"), "others are asked for");

    page.click("button:has-text('Mock')")?;
    page.click(".ant-modal button:has-text('Clear')")?;
    page.click(".ant-modal-close")?;
    page.miss(".ant-modal-wrap")?;
    Ok(())
}

/// The page shows nothing while events come with pauses of less than 200 ms; so an app sends them in bursts.
fn a_stream_is_shown_while_it_goes_on(Scene { page, shop, .. }: &Scene) -> Result {
    shop.post("watch/77", &json!(null))?;
    page.see(&format!("{ROW}:has-text('/prices/77'):has-text('200') >> nth=8"))?;
    shop.delete("watch/77")?;
    Ok(())
}
