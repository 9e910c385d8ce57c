//! Network: what the shop asks the price service.

use flipper_conformance::Result;
use serde_json::{Value, json};

use crate::raw_app::{RawApp, event};
use crate::scene::Scene;

pub(crate) fn part(scene: &mut Scene) -> Result {
    scene.show("Rust Shop", "Network")?;
    rows_and_details(scene)?;
    searches_and_orders(scene)?;
    goes_elsewhere(scene)?;
    a_mock_answers_instead(scene)?;
    odd_messages(scene)
}

fn rows_and_details(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    for product in [1, 2, 3, 5, 8, 13, 21, 34, 105] {
        assert_eq!(shop.get(&format!("products/{product}"))?.0, 200);
    }
    assert_eq!(shop.get_bytes("catalogue")?[..2], [0x1f, 0x8b], "it comes compressed");
    let history = shop.get("history")?.1.len();
    page.click("data-table .row:has-text('/prices/105'):has-text('404')")?;
    page.see(".detail message-body:has-text('no price for product 105')")?;

    // Compressed on its way, and shown as what it says.
    page.click("data-table .row:has(bdi:text-is('/prices'))")?;
    page.see(".detail .headers:has-text('gzip')")?;
    page.see(".detail message-body json-tree:has-text('products: 100')")?;
    page.click(".detail message-body button:text-is('Text')")?;
    page.see(".detail message-body .long:has-text('\"currency\"')")?;
    page.click(".detail message-body button:text-is('Bytes')")?;
    page.see(".detail message-body .long:has-text('000000  7b 22')")?;

    page.click("data-table .row:has-text('/prices/history')")?;
    page.see(&format!(".detail .headers:has-text('of {history} bytes')"))?;

    page.click("data-table .row:has(bdi:text-is('/prices/5'))")?;
    page.see(".detail json-tree:has-text('cents: 4650')")?;
    page.see(".detail .headers:has-text('REDACTED')")?;
    assert!(!page.text("main")?.contains("very-secret"), "what the app hides is hidden");
    // There is room for all columns beside the details.
    page.window(1540, 820)?;
    page.see("data-table [role=columnheader]:has-text('Waterfall')")?;
    scene.picture("network")?;
    page.colours("dark")?;
    scene.picture("network-dark")?;
    page.colours("light")?;
    page.window(390, 780)?;
    page.miss("data-table [role=columnheader]:has-text('Waterfall')")?;
    scene.picture("network-phone")?;
    page.window(1280, 800)?;
    Ok(())
}

fn searches_and_orders(Scene { page, .. }: &Scene) -> Result {
    page.fill("input[type=search]", "GET /prices/105")?;
    page.see("text=/^1 of \\d+ requests$/")?;
    page.fill("input[type=search]", "")?;
    page.choose("select[aria-label=Status]", "4")?;
    page.see("text=/^1 of \\d+ requests$/")?;
    page.choose("select[aria-label=Status]", "")?;
    page.click("[role=columnheader]:has-text('Status') button")?;
    page.click("[role=columnheader]:has-text('Status') button")?;
    page.see("[aria-sort=descending]:has-text('Status')")?;
    page.see("data-table .drawn .row:first-child:has-text('404')")?;
    page.click("[role=columnheader]:has-text('Status') button")?;
    page.see("[role=columnheader][aria-sort=none]:has-text('Status')")?;
    Ok(())
}

fn goes_elsewhere(Scene { page, .. }: &Scene) -> Result {
    page.click("button:text-is('Copy as curl')")?;
    page.see("button:text-is('Copied')")?;
    let command = page.copied()?;
    assert!(command.starts_with("curl --url 'http://127.0.0.1:") && command.contains("/prices/5'"), "{command}");
    assert!(command.contains("--header 'authorization: REDACTED'"), "{command}");

    let har: Value = serde_json::from_str(&page.download("button:text-is('Export HAR')")?)?;
    let entries = har["log"]["entries"].as_array().ok_or("no entries")?;
    let of = |path: &str| {
        entries.iter().find(|entry| entry["request"]["url"].as_str().is_some_and(|url| url.ends_with(path)))
    };
    let list = of("/prices").ok_or("no such entry")?;
    assert_eq!(list["response"]["status"], 200);
    let text = list["response"]["content"]["text"].as_str().ok_or("no text")?;
    assert_eq!(serde_json::from_str::<Value>(text)?["products"], 100, "it was decompressed");
    assert_eq!(of("/prices/105").ok_or("no such entry")?["response"]["status"], 404);
    Ok(())
}

fn a_mock_answers_instead(Scene { page, shop, .. }: &Scene) -> Result {
    page.click(".detail button:text-is('Mock')")?;
    page.see(".mocks li")?;
    page.fill(".mocks textarea >> nth=1", r#"{"product": 5, "cents": 1, "currency": "EUR"}"#)?;
    page.see("button:has-text('Mocks (1)')")?;
    // The app is told after a short pause.
    shop.get_until("products/5", r#""cents":1,"#)?;
    page.see("data-table .row:has-text('200 mock')")?;
    page.click(".mocks button[aria-label=Remove]")?;
    shop.get_until("products/5", r#""cents":4650"#)?;
    page.click("button:text-is('Mocks')")?;
    Ok(())
}

/// Whatever an app calls a request.
fn odd_messages(scene: &Scene) -> Result {
    let headers = |kind: &str| json!([{"key": "content-type", "value": kind}]);
    let told = [
        ("newRequest", json!({"id": 1, "timestamp": 1, "method": "GET", "url": "relative", "headers": null})),
        ("newResponse", json!({"id": 1, "timestamp": 9, "status": "teapot", "headers": {"a": 1}, "data": "%%%"})),
        ("newResponse", json!({"id": "late", "timestamp": 9, "status": -1, "reason": "connection refused"})),
        ("newRequest", json!({"id": {"no": "id"}})),
        ("newRequest", json!("nothing at all")),
        (
            "newRequest",
            json!({"id": "curl", "timestamp": 2, "method": "PO'ST", "url": "http://x/'$(id)\u{1b}[31m", "headers": [1, null, {"key": 5}], "data": "aGVsbG8="}),
        ),
        ("partialResponse", json!({"id": "curl", "index": 1, "data": "Y2Q=", "totalChunks": 2})),
        (
            "partialResponse",
            json!({"id": "curl", "index": 0, "data": "YWI=", "totalChunks": 2, "status": 200, "headers": headers("text/plain")}),
        ),
        ("newRequest", json!({"id": "image", "timestamp": 3, "method": "GET", "url": "http://x/image", "headers": []})),
        (
            "newResponse",
            json!({"id": "image", "timestamp": 4, "status": 200, "headers": headers("image/png"), "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}),
        ),
        ("newRequest", json!({"id": "svg", "timestamp": 5, "method": "GET", "url": "http://x/svg", "headers": []})),
        (
            "newResponse",
            json!({"id": "svg", "timestamp": 6, "status": 200, "headers": headers("image/svg+xml"), "data": "PHN2ZyBvbmxvYWQ9IndpbmRvdy5oaXQ9MSI+PC9zdmc+"}),
        ),
        ("addProtobufDefinitions", json!({})),
    ];
    let messages = told.iter().map(|(method, params)| event("Network", method, params)).collect();
    let _app = RawApp::connect(scene.desk.browser(), "Odd", &["Network"], messages)?;
    scene.show("Odd", "Network")?;
    let Scene { page, .. } = scene;
    page.see("text=8 requests")?;
    let open = |what: &str| page.click(&format!("data-table .row:has-text('{what}')"));
    open("relative")?;
    page.see(".detail:has-text('It is no valid base64')")?;
    page.see(".detail dd:has-text('teapot')")?;
    open("failed")?;
    page.see(".detail:has-text('connection refused')")?;
    page.see(".detail:has-text('was sent before this page looked')")?;
    open("nothing at all")?;
    page.see(".detail:has-text('No desktop knows such an event')")?;
    open("image")?;
    page.see(".detail img[alt='The image in the body']")?;
    open("svg")?;
    page.see(".detail .long:has-text('<svg onload=')")?;
    open("$(id)")?;
    page.see(".detail .long:has-text('abcd')")?;
    page.click("button:text-is('Copy as curl')")?;
    page.see("button:text-is('Copied')")?;
    let command = page.copied()?;
    let wanted = r"curl --request 'PO'\''ST' --url $'http://x/\'$(id)\x1b[31m' --header '5;' --data-raw 'hello'";
    assert_eq!(command, wanted);
    assert_eq!(page.run("window.hit === undefined")?, true);
    Ok(())
}
