//! Preferences, asked and changed as the desktop does.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flipper_conformance::scripted::Session;
use flipper_conformance::{PATIENCE, Result};
use flipper_plugins::preferences::{
    Changes, Map, Preferences, Settings, SettingsError, Store, StoreError, StoreErrorKind, Value,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use crate::rig::{Rig, call};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Options {
    theme: String,
    retries: u32,
    beta: bool,
    large: u64,
    limits: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        let limits = BTreeMap::from([("cpu".to_owned(), 0.5)]);
        Self { theme: "light".to_owned(), retries: 3, beta: false, large: u64::MAX, limits, proxy: None }
    }
}

fn settings(dir: &TempDir) -> Result<Settings<Options>> {
    Ok(Settings::open(dir.path().join("settings.json"))?)
}

fn ask(session: &mut Session, method: &str, params: &Value) -> Result<Value> {
    call(session, "Preferences", method, &params.to_string())
}

fn set(session: &mut Session, key: &str, value: Value) -> Result<()> {
    let params = json!({"sharedPreferencesName": "settings", "preferenceName": key, "preferenceValue": value});
    session.call(7, "Preferences", "setSharedPreference", &params.to_string())
}

/// The answer to a call, and the event that came with it, in whatever order.
fn answer_and_event(session: &mut Session) -> Result<(Value, Value)> {
    let (first, second) = (session.receive()?, session.receive()?);
    let (mut answer, mut event) = if first["id"] == 7 { (first, second) } else { (second, first) };
    assert_eq!((&answer["id"], &event["params"]["method"]), (&json!(7), &json!("sharedPreferencesChange")));
    let mut change = event["params"]["params"].take();
    assert!(change["time"].take().as_u64().is_some_and(|time| time > 1_600_000_000_000), "{change}");
    Ok((answer["success"].take(), change))
}

#[test]
fn the_desktop_sees_all_stores_and_changes_them() -> Result {
    let dir = TempDir::new()?;
    let settings = settings(&dir)?;
    let preferences = Preferences::new();
    let rig = Rig::new(preferences.clone())?;
    let mut session = rig.session("Preferences")?;
    let all = ask(&mut session, "getAllSharedPreferences", &json!({}))?;
    assert_eq!(all["success"], json!({"(no preferences)": {}}));

    preferences.add("settings", settings.clone());
    preferences.add("another", Memory::default());
    session.call(7, "Preferences", "getAllSharedPreferences", "null")?;
    let text = session.receive_text()?;
    let all: Value = serde_json::from_str(&text)?;
    let shown =
        json!({"theme": "light", "retries": 3, "beta": false, "large": u64::MAX.to_string(), "limits": {"cpu": 0.5}});
    assert_eq!(all["success"], json!({"settings": shown, "another": {}}));
    assert!(text.find("\"settings\"") < text.find("\"another\""), "the first one is selected: {text}");

    set(&mut session, "retries", json!(5))?;
    let (answer, change) = answer_and_event(&mut session)?;
    let mut expected = shown;
    expected["retries"] = json!(5);
    assert_eq!(answer, expected);
    assert_eq!(
        change,
        json!({"preferences": "settings", "name": "retries", "deleted": false, "time": null, "value": 5})
    );
    assert_eq!(settings.get().retries, 5);

    // A nested edit brings the whole value; a text that is meant to be a number is one.
    set(&mut session, "limits", json!({"cpu": 0.75, "memory": 1}))?;
    assert_eq!(answer_and_event(&mut session)?.1["value"], json!({"cpu": 0.75, "memory": 1.0}));
    set(&mut session, "large", json!("18446744073709551614"))?;
    assert_eq!(answer_and_event(&mut session)?.1["value"], "18446744073709551614");
    assert_eq!(settings.get().large, u64::MAX - 1);
    set(&mut session, "proxy", json!("localhost"))?;
    assert_eq!(answer_and_event(&mut session)?.0["proxy"], "localhost");

    // What is deleted is what it was in the beginning.
    let delete = |key: &str| json!({"sharedPreferencesName": "settings", "preferenceName": key}).to_string();
    session.call(7, "Preferences", "deleteSharedPreference", &delete("theme"))?;
    assert_eq!(session.receive()?["success"]["theme"], "light", "it was that already");
    session.call(7, "Preferences", "deleteSharedPreference", &delete("proxy"))?;
    let (answer, change) = answer_and_event(&mut session)?;
    assert!(answer.get("proxy").is_none());
    assert_eq!(change, json!({"preferences": "settings", "name": "proxy", "deleted": true, "time": null}));

    // And the app's own changes are seen.
    settings.update(|options| options.beta = true)?;
    let event = session.receive()?;
    assert_eq!(
        (&event["params"]["params"]["name"], &event["params"]["params"]["value"]),
        (&json!("beta"), &json!(true))
    );
    let in_file: Value = serde_json::from_slice(&fs::read(settings.path())?)?;
    assert_eq!(in_file["beta"], true);
    assert_eq!(in_file["limits"]["memory"], 1.0);
    Ok(())
}

#[test]
fn what_is_wrong_is_said() -> Result {
    let dir = TempDir::new()?;
    let settings = settings(&dir)?;
    let preferences = Preferences::new();
    preferences.add("settings", settings.clone());
    let rig = Rig::new(preferences)?;
    let mut session = rig.session("Preferences")?;
    let set = |store: Value, key: Value, value: Value| json!({"sharedPreferencesName": store, "preferenceName": key, "preferenceValue": value});
    let cases = [
        (set(json!("settings"), json!("retries"), json!("many")), "InvalidValue", "retries cannot be \"many\""),
        (set(json!("settings"), json!("retries"), json!(-1)), "InvalidValue", "retries cannot be -1"),
        (set(json!("settings"), json!("retries"), json!(null)), "InvalidValue", "retries cannot be null"),
        (set(json!("settings"), json!("limits"), json!({"cpu": "x"})), "InvalidValue", "limits cannot be"),
        (set(json!("settings"), json!("colour"), json!(1)), "UnknownKey", "theme"),
        (set(json!("other"), json!("retries"), json!(1)), "UnknownStore", "settings"),
        (set(json!(7), json!("retries"), json!(1)), "InvalidParams", "string"),
        (json!({"sharedPreferencesName": "settings", "preferenceName": "retries"}), "InvalidParams", "preferenceValue"),
        (json!({"sharedPreferencesName": "settings", "preferenceValue": 1}), "InvalidParams", "preferenceName"),
        (json!({}), "InvalidParams", "sharedPreferencesName"),
        (json!(null), "InvalidParams", "sharedPreferencesName"),
        (json!([]), "InvalidParams", ""),
    ];
    for (params, name, told) in cases {
        let answer = ask(&mut session, "setSharedPreference", &params)?;
        assert_eq!(answer["error"]["name"], name, "{params}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|message| message.contains(told)), "{answer}");
    }
    for (key, name) in [("colour", "UnknownKey"), ("", "UnknownKey")] {
        let params = json!({"sharedPreferencesName": "settings", "preferenceName": key});
        assert_eq!(ask(&mut session, "deleteSharedPreference", &params)?["error"]["name"], name);
    }
    assert_eq!(*settings.get(), Options::default());
    assert!(!settings.path().exists(), "nothing was written");

    // A file that cannot be written leaves everything as it was.
    fs::create_dir(settings.path())?;
    let answer = ask(&mut session, "setSharedPreference", &set(json!("settings"), json!("retries"), json!(9)))?;
    assert_eq!(answer["error"]["name"], "StoreFailed", "{answer}");
    assert_eq!(settings.get().retries, 3);
    assert!(matches!(settings.update(|options| options.retries = 9), Err(SettingsError::Write { .. })));
    assert_eq!(fs::read_dir(dir.path())?.count(), 1, "and nothing lies about");
    Ok(())
}

/// A store that keeps what it is given.
#[derive(Clone, Default)]
struct Memory {
    shared: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    fields: Map<String, Value>,
    watchers: Vec<Changes>,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: &str, value: Option<Value>) {
        let mut shared = self.kept();
        match &value {
            Some(value) => shared.fields.insert(key.to_owned(), value.clone()),
            None => shared.fields.remove(key),
        };
        let changes = shared.watchers.clone();
        drop(shared);
        changes.iter().for_each(|changes| changes.changed(key, value.as_ref()));
    }
}

impl Store for Memory {
    fn all(&self) -> Result<Map<String, Value>, StoreError> {
        let shared = self.kept();
        if shared.fields.contains_key("broken") {
            return Err(StoreError::new(StoreErrorKind::Failed, "it is broken"));
        }
        Ok(shared.fields.clone())
    }

    fn set(&self, key: &str, value: Value) -> Result<(), StoreError> {
        assert_ne!(key, "panic", "as it was told");
        self.put(key, Some(value));
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.put(key, None);
        Ok(())
    }

    fn watch(&self, changes: Changes) {
        self.kept().watchers.push(changes);
    }
}

#[test]
fn what_changes_all_the_time_is_told_now_and_then_and_at_last_as_it_is() -> Result {
    let store = Memory::default();
    let preferences = Preferences::new();
    preferences.add("hot", store.clone());
    store.put("before", Some(json!(1)));
    let rig = Rig::new(preferences)?;
    let mut session = rig.session("Preferences")?;
    assert_eq!(ask(&mut session, "getAllSharedPreferences", &json!({}))?["success"], json!({"hot": {"before": 1}}));
    for value in 0..=1000 {
        store.put("hot", Some(json!(value)));
    }
    store.put("other", Some(json!("x")));
    let mut told = Vec::new();
    let mut others = 0;
    while told.last() != Some(&json!(1000)) {
        let event = session.receive()?;
        let change = &event["params"]["params"];
        match change["name"].as_str() {
            Some("hot") => told.push(change["value"].clone()),
            _ => others += 1,
        }
    }
    assert_eq!((told.first(), others), (Some(&json!(0)), 1));
    assert!(told.len() < 100, "{} times", told.len());
    Ok(())
}

#[test]
fn a_store_that_fails_or_panics_harms_nobody_else() -> Result {
    let store = Memory::default();
    let preferences = Preferences::new();
    preferences.add("memory", store.clone());
    let rig = Rig::new(preferences.clone())?;
    let mut session = rig.session("Preferences")?;
    let set = |key: &str| json!({"sharedPreferencesName": "memory", "preferenceName": key, "preferenceValue": 1});
    let answer = ask(&mut session, "setSharedPreference", &set("panic"))?;
    assert!(answer["error"].is_object(), "{answer}");
    store.put("broken", Some(json!(true)));
    session.receive()?;
    let all = ask(&mut session, "getAllSharedPreferences", &json!({}))?;
    assert_eq!(all["success"], json!({"memory": {"(error)": "it is broken"}}));

    // Another one takes its place, and nobody hears of the old one any more.
    preferences.add("memory", Memory::default());
    store.put("x", Some(json!(1)));
    let all = ask(&mut session, "getAllSharedPreferences", &json!({}))?;
    assert_eq!(all["success"], json!({"memory": {}}));
    assert!(preferences.remove("memory") && !preferences.remove("memory"));
    Ok(())
}

/// A store that is looked at for as long as the test likes.
struct Slow {
    memory: Memory,
    looked_at: Sender<()>,
    goes_on: Mutex<Receiver<()>>,
}

impl Store for Slow {
    fn all(&self) -> Result<Map<String, Value>, StoreError> {
        let goes_on = self.goes_on.lock().unwrap_or_else(PoisonError::into_inner);
        if self.looked_at.send(()).is_ok() {
            // The end of the channel is an answer as well.
            let _told = goes_on.recv_timeout(PATIENCE);
        }
        self.memory.all()
    }

    fn set(&self, key: &str, value: Value) -> Result<(), StoreError> {
        self.memory.set(key, value)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.memory.delete(key)
    }

    fn watch(&self, changes: Changes) {
        self.memory.watch(changes);
    }
}

#[test]
fn a_store_that_is_replaced_while_it_is_looked_at_is_not_heard_any_more() -> Result {
    let (looked_at, looks) = channel();
    let (go_on, goes_on) = channel();
    let memory = Memory::default();
    let preferences = Preferences::new();
    preferences.add("memory", Slow { memory: memory.clone(), looked_at, goes_on: Mutex::new(goes_on) });
    let rig = Rig::new(preferences.clone())?;
    let mut session = rig.session("Preferences")?;
    session.call(7, "Preferences", "getAllSharedPreferences", "null")?;
    looks.recv_timeout(PATIENCE)?;
    preferences.add("memory", Memory::default());
    memory.put("x", Some(json!(1)));
    go_on.send(())?;
    let answer = session.receive()?;
    assert_eq!(answer["success"], json!({"memory": {"x": 1}}), "{answer}");
    Ok(())
}

#[test]
fn a_file_keeps_what_a_newer_version_wrote_and_lacks_what_it_will() -> Result {
    let dir = TempDir::new()?;
    let path = dir.path().join("settings.json");
    fs::write(&path, r#"{"retries": 8, "future": {"a": 1}}"#)?;
    let settings = settings(&dir)?;
    assert_eq!(*settings.get(), Options { retries: 8, ..Options::default() });
    settings.update(|options| options.beta = true)?;
    let in_file: Value = serde_json::from_slice(&fs::read(&path)?)?;
    assert_eq!(
        (&in_file["future"], &in_file["retries"], &in_file["beta"]),
        (&json!({"a": 1}), &json!(8), &json!(true))
    );
    assert!(settings.all()?.get("future").is_none());

    for corrupt in ["", "{", "[]", "7", r#"{"retries": "x"}"#, "\u{feff}{}", "\0"] {
        fs::write(&path, corrupt)?;
        let error = Settings::<Options>::open(&path).err().ok_or("it is understood")?;
        assert!(matches!(error, SettingsError::Corrupt { .. }), "{corrupt:?}: {error}");
        assert!(error.to_string().contains("move it away"), "{error}");
        assert!(settings.reload().is_err());
        assert_eq!(fs::read_to_string(&path)?, corrupt, "it is left as it is");
    }
    assert!(settings.get().beta, "nothing has changed");
    assert!(matches!(Settings::<Options>::open(dir.path()), Err(SettingsError::Read { .. })));
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_permissions_and_a_link_stays_one() -> Result {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let dir = TempDir::new()?;
    let settings = settings(&dir)?;
    settings.update(|options| options.retries = 1)?;
    let mode = |path: &std::path::Path| Ok::<_, std::io::Error>(fs::metadata(path)?.permissions().mode() & 0o777);
    assert_eq!(mode(settings.path())?, 0o600);
    fs::set_permissions(settings.path(), fs::Permissions::from_mode(0o640))?;
    let link = dir.path().join("link.json");
    symlink(settings.path(), &link)?;
    let linked = Settings::<Options>::open(&link)?;
    linked.update(|options| options.retries = 2)?;
    assert!(fs::symlink_metadata(&link)?.is_symlink());
    assert_eq!(mode(settings.path())?, 0o640);
    settings.reload()?;
    assert_eq!(settings.get().retries, 2);
    Ok(())
}

#[test]
fn whoever_watches_may_change_the_settings_too() -> Result {
    let dir = TempDir::new()?;
    let settings = settings(&dir)?;
    let (tell, told) = channel();
    let again = settings.clone();
    settings.on_change(move |options| {
        if options.retries < 10 {
            let _written = again.update(|options| options.retries += 1);
        }
        let _test_is_over = tell.send(options.retries);
    });
    settings.update(|options| options.retries = 8)?;
    let seen: Vec<_> = (0..3).map(|_| told.recv_timeout(PATIENCE)).collect::<Result<_, _>>()?;
    assert_eq!(seen, [10, 9, 8], "the innermost is told first");
    assert_eq!(settings.get().retries, 10);
    settings.update(|_| {})?;
    assert!(told.try_recv().is_err(), "nothing has changed");
    Ok(())
}
