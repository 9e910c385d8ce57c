//! The official desktop's own page as tests use it, with a plugin made by hand.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::time::Duration;

use flipper_blocking::{Flipper, plugin};
use flipper_client::proto::ErrorReport;
use flipper_conformance::Result;
use flipper_conformance::official::{ErrorKind, OfficialDesktop, OfficialPage};
use serde_json::{Value, json};

#[test]
fn a_plugin_is_enabled_and_shown_as_a_person_does_it() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = tempfile::TempDir::new()?;
    let (set, was_set) = channel();
    let preferences = plugin("Preferences")
        .method("getAllSharedPreferences", |_: Value| -> Result<_, ErrorReport> {
            Ok(json!({"settings": {"theme": "dark"}}))
        })
        .method("setSharedPreference", move |params: BTreeMap<String, Value>| -> Result<_, ErrorReport> {
            let _nobody_asks_any_more = set.send(params);
            Ok(json!({"theme": "light"}))
        });
    let ports = desktop.ports();
    let app = Flipper::builder("By Hand", "com.example.by-hand")
        .ports(ports.insecure, ports.secure)
        .directory(dir.path())
        .plugin(preferences.build())
        .start()?;

    let page = OfficialPage::open(&desktop)?;
    page.enable("Preferences")?;
    page.show("Preferences")?;
    page.click("[class*=StringValue]:has-text('dark')")?;
    page.fill("input:focus", "light")?;
    page.press("input:focus", "Enter")?;

    page.see("[class*=StringValue]:has-text('light')")?;
    let set = was_set.recv_timeout(flipper_conformance::PATIENCE)?;
    assert_eq!(
        json!(set),
        json!({"sharedPreferencesName": "settings", "preferenceName": "theme", "preferenceValue": "light"})
    );
    assert_eq!(page.complaints()?, Vec::<String>::new());

    let impatient = page.with_patience(Duration::from_millis(10));
    let error = impatient.click("text=Nowhere").unwrap_err();
    match error.kind() {
        ErrorKind::Page { page, picture, .. } => {
            assert!(page.contains("By Hand") && page.contains("theme"), "{page}");
            assert!(picture.is_file(), "{}", picture.display());
        }
        other => panic!("{other:?}"),
    }
    app.stop().wait()?;
    Ok(())
}
