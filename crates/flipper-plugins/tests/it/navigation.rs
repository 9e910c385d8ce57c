use std::sync::mpsc::channel;
use std::time::{SystemTime, UNIX_EPOCH};

use flipper_conformance::Result;
use flipper_plugins::Waiting;
use flipper_plugins::navigation::Navigation;
use serde_json::json;

use crate::rig::{Rig, call, event};

#[test]
fn what_happened_before_a_desktop_came_has_its_own_time() -> Result {
    let navigation = Navigation::new();
    let rig = Rig::new(navigation.clone())?;
    let before = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    navigation.visit("shop://start");
    let after = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let mut session = rig.session("Navigation")?;
    let event = event(&mut session, "nav_event")?;
    let date = event["date"].as_u64().ok_or("no date")?;
    assert!((before..=after).contains(&date));
    let expected = json!({"class": "shop://start", "url": "shop://start", "date": date});
    assert_eq!(event, expected, "the official web page fails at an event with `uri`");
    Ok(())
}

#[test]
fn a_screen_comes_with_its_uri_or_without() -> Result {
    for (navigation, sale) in [
        (Navigation::new(), json!({"url": "shop://sale/100%", "class": "shop://sale/100% (sale::Page)", "date": null})),
        (
            Navigation::builder().send_uris().build(),
            json!({"uri": "shop://sale/100%25", "class": "sale::Page", "date": null}),
        ),
    ] {
        let rig = Rig::new(navigation.clone())?;
        let mut session = rig.session("Navigation")?;
        session.assert_answers()?;
        navigation.visit_screen("shop://sale/100%", "sale::Page");
        navigation.show_screen("start::Splash");
        let mut event_of_sale = event(&mut session, "nav_event")?;
        event_of_sale["date"].take();
        assert_eq!(event_of_sale, sale);
        let mut splash = event(&mut session, "nav_event")?;
        splash["date"].take();
        assert_eq!(splash, json!({"class": "start::Splash", "date": null}));
    }
    Ok(())
}

#[test]
fn it_runs_in_the_background() -> Result {
    let rig = Rig::new(Navigation::new())?;
    let mut session = rig.desktop.session()?;
    session.send(&json!({"id": 1, "method": "getBackgroundPlugins"}))?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"plugins": ["Navigation"]}}));
    Ok(())
}

#[test]
fn the_desktop_can_ask_the_app_to_go_somewhere() -> Result {
    let (asked, heard) = channel();
    let navigation = Navigation::builder().on_navigate(move |url| {
        asked.send(url.to_owned()).map_err(|_| "nobody listens")?;
        if url.starts_with("shop://") { Ok(()) } else { Err("it is not of this app") }
    });
    let rig = Rig::new(navigation.build())?;
    let mut session = rig.session("Navigation")?;
    let answer = call(&mut session, "Navigation", "navigate_to", r#"{"url":"shop://home"}"#)?;
    assert_eq!(answer, json!({"id": 7, "success": {}}));
    assert_eq!(heard.recv()?, "shop://home");
    let answer = call(&mut session, "Navigation", "navigate_to", r#"{"url":"mailto:ann"}"#)?;
    assert_eq!(answer, json!({"id": 7, "error": {"message": "it is not of this app"}}));
    for bad in ["{}", "null", "5", r#"{"url":null}"#, r#"{"url":["a"]}"#] {
        let answer = call(&mut session, "Navigation", "navigate_to", bad)?;
        assert_eq!(answer["error"]["name"], "InvalidParams", "{bad}: {answer}");
    }
    Ok(())
}

#[test]
fn an_app_that_goes_nowhere_answers_all_the_same() -> Result {
    let rig = Rig::new(Navigation::new())?;
    let mut session = rig.session("Navigation")?;
    let answer = call(&mut session, "Navigation", "navigate_to", r#"{"url":"shop://home"}"#)?;
    assert_eq!(answer, json!({"id": 7, "success": {}}));
    Ok(())
}

#[test]
fn nothing_waits_where_nothing_should() -> Result {
    let navigation = Navigation::builder().waiting(Waiting::NOTHING).build();
    let rig = Rig::new(navigation.clone())?;
    navigation.visit("shop://unseen");
    let mut session = rig.session("Navigation")?;
    let report = session.receive()?;
    assert_eq!(report["error"]["name"], "EventsDropped", "{report}");
    navigation.visit("shop://seen");
    assert_eq!(event(&mut session, "nav_event")?["url"], "shop://seen");
    Ok(())
}
