use flipper_conformance::Result;
use flipper_plugins::sandbox::Sandbox;
use serde_json::json;

use crate::rig::{Rig, call};

#[test]
fn the_desktop_sees_the_choices_and_chooses() -> Result {
    let sandbox = Sandbox::builder().offer("Production", "https://a").offer("Staging", "https://b").build();
    let rig = Rig::new(sandbox.clone())?;
    let mut session = rig.session("Sandbox")?;
    // The official desktop sends no params at all.
    session.send(&json!({"id": 1, "method": "execute", "params": {"api": "Sandbox", "method": "getSandbox"}}))?;
    let choices = json!([{"name": "Production", "value": "https://a"}, {"name": "Staging", "value": "https://b"}]);
    assert_eq!(session.receive()?, json!({"id": 1, "success": choices}));

    let answer = call(&mut session, "Sandbox", "setSandbox", r#"{"sandbox":"https://b"}"#)?;
    assert_eq!(answer, json!({"id": 7, "success": {"result": true}}));
    assert_eq!(sandbox.chosen().as_deref(), Some("https://b"));
    let answer = call(&mut session, "Sandbox", "setSandbox", r#"{"sandbox":"anything"}"#)?;
    assert_eq!(answer["success"]["result"], true);

    sandbox.set_choices([("Local", "http://localhost")]);
    let answer = call(&mut session, "Sandbox", "getSandbox", "{}")?;
    assert_eq!(answer["success"], json!([{"name": "Local", "value": "http://localhost"}]));
    Ok(())
}

#[test]
fn nothing_to_choose_from_is_an_empty_list() -> Result {
    let rig = Rig::new(Sandbox::builder().build())?;
    let mut session = rig.session("Sandbox")?;
    assert_eq!(call(&mut session, "Sandbox", "getSandbox", "null")?, json!({"id": 7, "success": []}));
    Ok(())
}

#[test]
fn every_refusal_has_a_text_that_a_toast_can_show() -> Result {
    let sandbox = Sandbox::builder().offer("A", "a").offer("B", "b").only_offered().on_change(|value| match value {
        "a" => Err("the app is busy"),
        _ => Ok(()),
    });
    let sandbox = sandbox.build();
    let rig = Rig::new(sandbox.clone())?;
    let mut session = rig.session("Sandbox")?;
    let answer = call(&mut session, "Sandbox", "setSandbox", r#"{"sandbox":"b"}"#)?;
    assert_eq!(answer["success"]["result"], true);
    for (params, content) in [
        (r#"{"sandbox":"a"}"#, "the app is busy"),
        (r#"{"sandbox":"c"}"#, "the app takes none but the values that it offers"),
        (r#"{"sandbox":5}"#, "the params of setSandbox are not understood"),
        ("{}", "the params of setSandbox are not understood"),
        ("[]", "the params of setSandbox are not understood"),
    ] {
        let answer = call(&mut session, "Sandbox", "setSandbox", params)?;
        let shown = answer["error"]["content"].as_str().ok_or("no text")?;
        assert!(shown.starts_with(content), "{params}: {answer}");
        assert_eq!(answer["error"]["content"], answer["error"]["message"]);
    }
    assert_eq!(sandbox.chosen().as_deref(), Some("b"), "what was refused does not count");
    Ok(())
}

#[test]
fn a_panic_of_the_app_is_a_refusal() -> Result {
    let sandbox = Sandbox::builder().on_change(|value| match value {
        "bad" => panic!("on purpose"),
        _ => Ok::<(), String>(()),
    });
    let rig = Rig::new(sandbox.build())?;
    let mut session = rig.session("Sandbox")?;
    let answer = call(&mut session, "Sandbox", "setSandbox", r#"{"sandbox":"bad"}"#)?;
    assert_eq!(answer["error"]["name"], "PluginPanicked");
    assert_eq!(answer["error"]["content"], "the app panicked while it changed");
    let answer = call(&mut session, "Sandbox", "setSandbox", r#"{"sandbox":"good"}"#)?;
    assert_eq!(answer["success"]["result"], true);
    Ok(())
}
