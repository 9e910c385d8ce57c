//! Apps that send what would act upon the page, or upon whoever reads it: all of it is shown as text.

use flipper_conformance::Result;
use serde_json::{Value, json};

use crate::raw_app::{RawApp, event};
use crate::scene::Scene;

const HTML: &str = "<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script>";
const PLUGIN: &str = "<b onclick=\"window.hit=1\">bold</b>";
const LARGE: usize = 10 << 20;

pub(crate) fn part(scene: &mut Scene) -> Result {
    let large = "0123456789abcdef".repeat(LARGE / 16);
    let mut nested = json!("innermost");
    for _ in 0..60 {
        nested = json!([nested]);
    }
    let odd = [
        ("html", json!({"html": HTML, HTML: 1})),
        ("terminal", json!({"text": "\u{1b}[2J\u{1b}]0;title\u{7}done"})),
        ("bidi", json!({"text": "evil\u{202e}txt.exe"})),
        ("large", json!({ "text": large })),
        ("nested", nested),
        ("number", json!(12_345_678_901_234_567_890_u64)),
        ("nothing", Value::Null),
        ("proto", json!({"__proto__": {"polluted": true}, "constructor": 1})),
    ];
    let messages = odd.iter().map(|(method, params)| event(PLUGIN, method, params)).collect();
    let _app = RawApp::connect(scene.desk.browser(), HTML, &[PLUGIN, "constructor", "__proto__"], messages)?;
    let Scene { page, .. } = scene;
    page.click("nav li.app:has-text('onerror') li a:has-text('onclick')")?;
    page.see("text=8 events")?;
    let open = |method: &str| page.click(&format!("data-table .row:has(bdi:text-is('{method}'))"));
    open("html")?;
    page.see(".detail json-tree:has-text('<script>window.hit=1</script>')")?;
    open("terminal")?;
    page.see(".detail json-tree:has-text('␛[2J␛]0;title␇done')")?;
    open("bidi")?;
    page.see(".detail json-tree:has-text('evil⟨U+202E⟩txt.exe')")?;
    open("large")?;
    page.click(".detail button:has-text('Show all (10 MiB)')")?;
    page.see(".detail .note:has-text('of 10 MiB are not shown')")?;
    page.click(".detail .note button")?;
    page.see(".detail .note button:has-text('Show 2.0 MiB'), .detail .note button:has-text('Show 1.9 MiB')")?;
    open("number")?;
    page.see(".detail json-tree:has-text('12345678901234567890')")?;
    for method in ["nested", "nothing", "proto"] {
        open(method)?;
        page.see(&format!(".detail h3:has-text('{method}')"))?;
    }
    // Names that every object of JavaScript has.
    for plugin in ["constructor", "__proto__"] {
        page.click(&format!("nav li.app:has-text('onerror') li a:has-text('{plugin}')"))?;
        page.see(&format!("main h2:has-text('{plugin}')"))?;
        page.see("main summary:has-text('Call a method')")?;
    }
    assert_eq!(page.run("window.hit === undefined && ({}).polluted === undefined")?, true);
    assert_eq!(page.barriers()?, Vec::<String>::new());
    Ok(())
}
