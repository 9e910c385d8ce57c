//! The official desktop finds what the command installs, and serves it to its page.

use std::fs;

use flipper_conformance::official::OfficialDesktop;
use serde_json::Value;

use super::support::{Done, flipper};

#[test]
fn the_official_desktop_serves_what_was_installed() {
    let Some(desktop) = OfficialDesktop::start_unless_skipped().unwrap() else { return };
    let home = desktop.home();
    let install = ["official-plugins", "install", "--table", "orders=Orders of today", "--home"];
    let output = Done::of(flipper(home).args(install).arg(home).output().unwrap()).ok();
    assert!(output.contains("rust-logs") && output.contains("orders"), "{output}");
    let listed = Done::of(flipper(home).args(["official-plugins", "list", "--home"]).arg(home).output().unwrap()).ok();
    assert_eq!(listed.lines().count(), 3, "{listed}");

    // What its page asks when it is loaded.
    let ui = desktop.ui().unwrap();
    let plugins = ui.exec("plugins-load-dynamic-plugins", &[]).unwrap();
    for (id, title, text) in [
        ("rust-logs", "Rust Logs", "getFilter"),
        ("rust-crashes", "Rust Crashes", "metadata"),
        ("orders", "Orders of today", "metadata"),
    ] {
        let plugin = plugins.as_array().unwrap().iter().find(|plugin| plugin["id"] == id);
        let plugin = plugin.unwrap_or_else(|| panic!("{id} is not among {plugins}"));
        assert_eq!(plugin["title"], title);
        assert_eq!(plugin["version"], env!("CARGO_PKG_VERSION"));
        // Without these the page takes it for a plugin of a kind that is no more.
        assert_eq!((&plugin["specVersion"], &plugin["flipperSDKVersion"]), (&Value::from(2), &Value::from("*")));
        assert_eq!((&plugin["isBundled"], &plugin["isActivatable"]), (&Value::from(false), &Value::from(true)));
        let entry = plugin["entry"].clone();
        let source = ui.exec("plugin-source", std::slice::from_ref(&entry)).unwrap();
        assert_eq!(source.as_str().unwrap(), fs::read_to_string(entry.as_str().unwrap()).unwrap());
        assert!(source.as_str().unwrap().contains(text));
    }
}

#[test]
fn an_id_that_no_plugin_has_is_refused() {
    let home = tempfile::tempdir().unwrap();
    for bad in ["=Title", "a\tb", &"x".repeat(65)] {
        let done =
            Done::of(flipper(home.path()).args(["official-plugins", "install", "--table", bad]).output().unwrap());
        assert_eq!(done.code, 2, "{bad}: {done:?}");
    }
    assert!(!home.path().join(".flipper").exists());
}
