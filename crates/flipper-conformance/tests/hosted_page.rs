//! The page of the official desktop on ours, where that has to be better than its own.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};

use flipper_blocking::{Flipper, plugin};
use flipper_client::proto::ErrorReport;
use flipper_conformance::desktops::Hosted;
use flipper_conformance::official::{OfficialPage, PageHost};
use flipper_conformance::{PATIENCE, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An app with settings, which tells when one is set.
struct App {
    flipper: Flipper,
    was_set: Receiver<Value>,
    /// When its plugin Navigation is.
    was_opened: Receiver<()>,
    _dir: TempDir,
}

impl App {
    fn start(desktop: &Hosted) -> Result<Self> {
        let dir = TempDir::new()?;
        let (set, was_set) = channel();
        let (open, was_opened) = channel();
        let preferences = plugin("Preferences")
            .method("getAllSharedPreferences", |_: Value| -> Result<_, ErrorReport> {
                Ok(json!({"settings": {"theme": "dark"}}))
            })
            .method("setSharedPreference", move |params: BTreeMap<String, Value>| -> Result<_, ErrorReport> {
                let value = &params["preferenceValue"];
                let _nobody_asks_any_more = set.send(value.clone());
                Ok(json!({"theme": value}))
            });
        let (insecure, secure) = desktop.ports();
        let flipper = Flipper::builder("By Hand", "com.example.by-hand")
            .ports(insecure, secure)
            .directory(dir.path())
            // No official desktop on Linux shows an app of an operating system that it has not heard of.
            .os("Haiku")
            .plugin(preferences.build())
            .plugin(
                plugin("Navigation")
                    .on_connect(move |_| {
                        let _gone = open.send(());
                    })
                    .build(),
            )
            .start()?;
        desktop.wait_for_app("By Hand")?;
        Ok(Self { flipper, was_set, was_opened, _dir: dir })
    }

    /// Sets the theme in the page, and waits until the app has it.
    fn set_in(&self, page: &OfficialPage, from: &str, to: &str) -> Result {
        page.click(&format!("[class*=StringValue]:has-text('{from}')"))?;
        page.fill("input:focus", to)?;
        page.press("input:focus", "Enter")?;
        assert_eq!(self.was_set.recv_timeout(PATIENCE)?, json!(to));
        Ok(page.see(&format!("[class*=StringValue]:has-text('{to}')"))?)
    }
}

#[test]
fn two_tabs_show_the_same_app_and_one_keeps_a_plugin_that_the_other_leaves() -> Result {
    let Some(desktop) = Hosted::start_unless_skipped(false)? else { return Ok(()) };
    let app = App::start(&desktop)?;
    let one = OfficialPage::open(&desktop)?;
    one.enable("Preferences")?;
    one.show("Preferences")?;
    one.see("[class*=StringValue]:has-text('dark')")?;
    let two = one.another_tab(&desktop.page_url())?;
    two.show("Preferences")?;
    app.set_in(&two, "dark", "light")?;
    // A page leaves one plugin before it opens another.
    two.show("Navigation")?;
    app.was_opened.recv_timeout(PATIENCE)?;
    app.set_in(&one, "dark", "blue")?;
    for page in [&one, &two] {
        assert_eq!(page.complaints()?, Vec::<String>::new());
    }
    app.flipper.stop().wait()?;
    Ok(())
}

#[test]
fn a_page_that_is_open_goes_on_when_the_desktop_starts_again() -> Result {
    let Some(mut desktop) = Hosted::start_unless_skipped(false)? else { return Ok(()) };
    let app = App::start(&desktop)?;
    let page = OfficialPage::open(&desktop)?;
    page.show("Preferences")?;
    app.set_in(&page, "dark", "light")?;

    let old_link = desktop.page_url();
    desktop.stop();
    page.see("text=Lost connection to flipper-server")?;
    desktop.start()?;
    desktop.wait_for_app("By Hand")?;
    page.miss("text=Lost connection to flipper-server")?;
    // The page has asked the app anew, which has not kept what was set.
    page.see("[class*=StringValue]:has-text('dark')")?;
    app.set_in(&page, "dark", "blue")?;

    assert_ne!(desktop.page_url(), old_link);
    let stranger = OfficialPage::open(&Link(old_link))?;
    let said = stranger.text("body")?;
    assert!(said.contains("open the link that `flipper desktop` printed"), "{said}");
    app.flipper.stop().wait()?;
    Ok(())
}

/// On its own desktop the plugin shows no domain, unless the request has a header for that, and drops the response.
#[test]
fn the_network_plugin_has_what_it_misses_in_a_browser() -> Result {
    let Some(desktop) = Hosted::start_unless_skipped(false)? else { return Ok(()) };
    let dir = TempDir::new()?;
    let network = plugin("Network").on_connect(|connection| {
        let request =
            json!({"id": "1", "timestamp": 1_000, "method": "GET", "url": "https://example.com/things", "headers": []});
        let body = "eyJ0aGluZyI6MX0=";
        let response = json!({
            "id": "1", "timestamp": 1_020, "status": 200, "reason": "OK", "headers": [], "data": body, "isMock": false,
            "insights": null, "totalChunks": 1, "index": 0,
        });
        for (method, params) in [("newRequest", request), ("newResponse", response)] {
            assert!(connection.send(method, &params).is_ok());
        }
    });
    let (insecure, secure) = desktop.ports();
    let app = Flipper::builder("By Hand", "com.example.by-hand")
        .ports(insecure, secure)
        .directory(dir.path())
        .plugin(network.build())
        .start()?;
    desktop.wait_for_app("By Hand")?;
    let page = OfficialPage::open(&desktop)?;
    page.show("Network")?;
    let row = ".ant-dropdown-trigger[class*=TableBodyRowContainer]:has-text('example.com/things')";
    page.see(&format!("{row}:has-text('200'):has-text('11 B')"))?;
    page.click(row)?;
    page.see("text=thing")?;
    assert_eq!(page.complaints()?, Vec::<String>::new());
    app.stop().wait()?;
    Ok(())
}

#[test]
fn a_link_with_a_wrong_token_or_none_says_what_to_open() -> Result {
    let Some(desktop) = Hosted::start_unless_skipped(false)? else { return Ok(()) };
    let stranger = OfficialPage::open(&Link(desktop.bare_page_url()))?;
    assert!(stranger.text("body")?.starts_with("a token is needed; open the link"));
    let wrong = stranger.another_tab(&format!("{}?token=wrong", desktop.bare_page_url()))?;
    assert!(wrong.text("body")?.starts_with("the token is not that of this desktop; open the link"));
    Ok(())
}

/// What somebody opens who is not let in.
struct Link(String);

impl PageHost for Link {
    fn page_url(&self) -> String {
        self.0.clone()
    }

    fn greets_new_users(&self) -> bool {
        false
    }
}
