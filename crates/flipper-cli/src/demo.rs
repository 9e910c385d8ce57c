//! `flipper demo`: everything once, in one process.

mod stage;
mod story;

use std::panic;
use std::time::Duration;

use flipper_desktop::proto::client::{Failure, State, Step};
use flipper_desktop::proto::desktop::DisconnectCause;
use flipper_desktop::proto::{ErrorReport, Payload};
use flipper_desktop::{CallError, Event};
use flipper_tokio::Notice;

use self::stage::Stage;
use self::story::Story;

/// What keeps the story from going on.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Nothing in the story takes this long; it bounds a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells the story to its end, or says where it stopped.
pub(crate) async fn run() -> Result {
    let mut story = Story::begin();
    let told = tokio::time::timeout(PATIENCE, tell(&mut story)).await;
    match told.unwrap_or_else(|_| Err(format!("nothing more happened within {} s", PATIENCE.as_secs()).into())) {
        Ok(()) => {
            story.end();
            Ok(())
        }
        Err(error) => {
            story.fail();
            Err(format!("the demo stopped here: {error}").into())
        }
    }
}

async fn tell(story: &mut Story) -> Result {
    story.chapter("A desktop and an app meet");
    let mut stage = Stage::build().await?;
    story.step(format!("a desktop listens on port {} for apps that have no certificate yet,", stage.ports().insecure));
    story.more(format!("and on port {} for apps that have one", stage.ports().secure));
    stage.start_app()?;
    story.step("an app starts; it has two plugins and no certificate");

    story.chapter("Certificate exchange");
    stage.app_step(|step| matches!(step, Step::RequestMade(_))).await?;
    story.step("the app made a key of its own, and a request for a certificate");
    let name = stage.told(|event| match event {
        Event::CertificateIssued { common_name, .. } => Some(common_name),
        _ => None,
    });
    story.step(format!("the desktop saw the request in the app's own directory, and issued to {}", name.await?));
    stage.app_step(|step| matches!(step, Step::CertificatesStored(_))).await?;
    story.step("the app stored its certificate beside the key, for its next starts");

    story.chapter("Secure session");
    stage.app_connected().await?;
    let client = stage.connected().await?;
    story.step("the app is connected over mutual TLS: each side knows the other");
    let plugins = stage.plugins().await?;
    story.step(format!("getPlugins, getBackgroundPlugins: the app has {}", plugins.join(" and ")));
    stage.initialised("Ticker").await?;
    story.step("init: the desktop opened both, because they ask to run in the background");
    let tick = stage.message("Ticker", "tick").await?;
    story.step(format!("event: Ticker sends one a second, the first is {tick}"));

    story.chapter("Calls");
    let desktop = stage.desktop();
    let supported = desktop.is_method_supported(&client, "Example", "reverse").await?;
    let missing = desktop.is_method_supported(&client, "Example", "fly").await?;
    expect("isMethodSupported", &(supported, missing), &(true, false))?;
    story.step("isMethodSupported: Example has `reverse`, and has no `fly`");
    for (method, params, answer) in [
        ("reverse", r#"{"word":"hello"}"#, r#"{"word":"olleh"}"#),
        ("displayMessage", r#"{"message":"Hi!"}"#, r#"{"greeting":"Hello from Rust! You said: Hi!"}"#),
        ("echo", r#"{"price":1.10,"big":12345678901234567890}"#, r#"{"price":1.10,"big":12345678901234567890}"#),
    ] {
        let answered = desktop.call(&client, "Example", method, Some(Payload::from_json(params)?)).await?;
        expect(method, &answered.as_json(), &answer)?;
        story.step(format!("execute: {method} {params}"));
        story.more(format!("answers {answer}"));
    }
    let emit = Payload::from_json(r#"{"count":1000,"size":1000}"#)?;
    desktop.call(&client, "Example", "emit", Some(emit)).await?;
    for index in 0..1000 {
        let row = stage.message("Example", "row").await?;
        if !row.as_json().starts_with(&format!("{{\"index\":{index},")) {
            return Err(format!("event {index} came out of order: {:.40}", row.as_json()).into());
        }
    }
    story.step("events: 1,000 rows of 1 KB arrived, in order");

    story.chapter("When something goes wrong");
    let desktop = stage.desktop();
    for (what, method, message) in [
        ("a method that fails", "fail", "This method always fails"),
        ("a method that is not there", "fly", "Receiver fly not found."),
        ("a plugin that panics", "panic", "Plugin Example panicked in method panic"),
    ] {
        let hook = panic::take_hook();
        // The panic is part of the story: it need not be told twice.
        panic::set_hook(Box::new(|_| {}));
        let answered = desktop.call(&client, "Example", method, None).await;
        panic::set_hook(hook);
        expect_error(method, answered, message)?;
        story.step(format!("{what} is answered: {message}"));
    }
    let alive = desktop.call(&client, "Example", "reverse", Some(Payload::from_json(r#"{"word":"still"}"#)?)).await?;
    expect("reverse", &alive.as_json(), &r#"{"word":"llits"}"#)?;
    story.step("and the plugin that panicked still works");
    desktop.deinit_plugin(&client, "Example")?;
    let answered = desktop.call(&client, "Example", "echo", None).await;
    expect_error("echo", answered, "Connection Example not found for method execute")?;
    story.step("deinit: a plugin that the desktop has left answers nothing any more");
    stage.app()?.connection("Example").report_error(&ErrorReport::new("the disk is full"))?;
    let report = stage.told(|event| match event {
        Event::ClientError { report, .. } => Some(report.message),
        _ => None,
    });
    story.step(format!("error: the app reports one by itself: {}", report.await?));

    story.chapter("The desktop restarts");
    stage.stop_desktop().await?;
    let failure = stage.app_notice(|notice| match notice {
        Notice::Failed(Failure::Connection { cause, .. }) => Some(cause.to_string()),
        _ => None,
    });
    story.step(format!("the desktop stops; the app notices: {}", failure.await?));
    stage.app()?.connection("Example").send("row", &["sent while nobody listened"])?;
    story.step("the app goes on; an event that it sends now waits");
    stage.start_desktop().await?;
    story.step("the desktop starts again, on the same ports");
    stage.app_connected().await?;
    stage.connected().await?;
    expect("exchanges", &stage.exchanges(), &1)?;
    story.step("the app is back by itself, with the certificate that it has");
    let late = stage.message("Example", "row").await?;
    expect("the event", &late.as_json(), &r#"["sent while nobody listened"]"#)?;
    story.step("and the event that waited arrives");

    story.chapter("The app restarts");
    stage.stop_app().await?;
    let cause = stage.told(|event| match event {
        Event::ClientDisconnected { cause: DisconnectCause::Closed(cause), .. } => Some(cause.to_string()),
        _ => None,
    });
    story.step(format!("the app stops; the desktop sees it go: {}", cause.await?));
    expect("the app's state", &stage.app()?.status().state, &State::Stopped)?;
    stage.start_app()?;
    stage.app_step(|step| matches!(step, Step::CredentialsFound(_))).await?;
    story.step("the app starts again, and finds its certificate on the disk");
    stage.app_connected().await?;
    expect("the client", &stage.connected().await?, &client)?;
    expect("exchanges", &stage.exchanges(), &1)?;
    story.step("it is connected at once, without another exchange");

    story.chapter("Goodbye");
    stage.stop_app().await?;
    stage.stop_desktop().await?;
    story.step("both stop; every connection is closed, and the ports are free");
    stage.clear()?;
    story.step("and all that they wrote to the disk is removed");
    Ok(())
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, wanted: &T) -> Result {
    if is == wanted { Ok(()) } else { Err(format!("{what}: expected {wanted:?}, and it was {is:?}").into()) }
}

fn expect_error(method: &str, answered: std::result::Result<Payload, CallError>, message: &str) -> Result {
    match answered {
        Err(CallError::Failed { report, .. }) => expect(method, &report.message.as_str(), &message),
        other => Err(format!("{method}: expected the error {message:?}, and it was {other:?}").into()),
    }
}
