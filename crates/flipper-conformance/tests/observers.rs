//! `flipper-server-client` as two observers of a desktop at once: of ours, and of the official one, which must look the
//! same to it.

#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use flipper_conformance::official::{OfficialDesktop, skips_this_test};
use flipper_demo::example;
use flipper_desktop::Desktop;
use flipper_desktop::api::Api;
use flipper_tokio::Flipper;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the two observers see, in the script's words.
type Seen = Vec<(String, Value)>;

#[test]
fn two_observers_whose_ids_collide_are_both_served() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let seen = at_ours("collide")?;
    let word = |text: &str| json!({"success": {"word": text}, "length": 30 + text.len(), "has its id": true});
    assert_eq!(of(&seen, "at once"), &json!([word("eno"), word("rehto")]));
    assert_eq!(of(&seen, "supported")["success"], json!({"isSupported": true}));
    assert_eq!(of(&seen, "error")["error"]["message"], "This method always fails");
    let heard = of(&seen, "heard");
    assert_eq!(heard[0].as_array().map(Vec::len), Some(3));
    assert_eq!(heard[0], heard[1]);
    Ok(())
}

#[test]
fn scripts_see_what_they_see_at_the_official_desktop() -> Result {
    let Some(official) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let runtime = runtime()?;
    let directory = TempDir::new()?;
    let ports = official.ports();
    let app = {
        let _entered = runtime.enter();
        app((ports.insecure, ports.secure), directory.path())?
    };
    runtime.block_on(app.connected());
    let theirs = observe(ports.ui, "none", "apart")?;
    runtime.block_on(app.stop());
    let ours = at_ours("apart")?;
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!(theirs, ours);
    }
    assert_eq!(theirs.len(), ours.len());
    Ok(())
}

fn at_ours(ids: &str) -> Result<Seen> {
    let runtime = runtime()?;
    let directory = TempDir::new()?;
    let (desktop, api, app) = runtime.block_on(async {
        let desktop = Desktop::builder().any_ports().in_memory_authority().start().await?;
        let api = Api::builder(&desktop).port(0).start().await?;
        let app = app((desktop.ports().insecure, desktop.ports().secure), directory.path())?;
        Ok::<_, Box<dyn std::error::Error>>((desktop, api, app))
    })?;
    let seen = observe(api.port(), api.token().as_str(), ids)?;
    runtime.block_on(async {
        app.stop().await;
        api.stop().await;
        desktop.stop().await;
    });
    Ok(seen)
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

fn app((insecure, secure): (u16, u16), directory: &Path) -> Result<Flipper> {
    let builder = Flipper::builder("Observed & more", "com.example.observed").ports(insecure, secure);
    Ok(builder.directory(directory).device("box").plugin(example()).start()?)
}

/// Runs the two observers.
fn observe(port: u16, token: &str, ids: &str) -> Result<Seen> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/server_client_observers.cjs");
    let output = Command::new("node").arg(script).args([&port.to_string(), token, ids]).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{}\n{said}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    // Our client tells the official desktop that it runs on MacOS, and what else it takes to be shown there.
    let said = said.replace("#Linux#", "#MacOS#");
    let mut seen: Seen = said.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    for (name, value) in &mut seen {
        if let (true, Value::Object(query)) = (name == "query", value) {
            query.retain(|key, _| !["os", "medium", "app_id"].contains(&key.as_str()));
        }
    }
    Ok(seen)
}

fn of<'a>(seen: &'a Seen, what: &str) -> &'a Value {
    seen.iter().find(|(name, _)| name == what).map_or(&Value::Null, |(_, value)| value)
}
