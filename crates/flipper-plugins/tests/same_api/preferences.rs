//! Plugin `Preferences`, and settings, which are the app's own and work in both modes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use flipper_plugins::preferences::{
    Changes, Map, Preferences, Settings, SettingsError, Store, StoreError, StoreErrorKind, Value,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Options {
    retries: u32,
}

struct Nothing;

impl Store for Nothing {
    fn all(&self) -> Result<Map<String, Value>, StoreError> {
        Ok(Map::new())
    }

    fn set(&self, key: &str, _: Value) -> Result<(), StoreError> {
        Err(StoreError::new(StoreErrorKind::UnknownKey, key))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.set(key, Value::Null)
    }

    fn watch(&self, changes: Changes) {
        changes.changed("key", Some(&Value::Null));
        assert_eq!(changes.clone().is_wanted(), crate::ENABLED);
    }
}

#[test]
fn preferences() {
    let preferences = Preferences::new();
    preferences.add("nothing", Nothing);
    assert_eq!(preferences.remove("nothing"), crate::ENABLED);
    assert!(!preferences.remove("nothing"));
    let error = Nothing.delete("key").expect_err("it is unknown");
    assert_eq!((error.kind(), error.message(), error.to_string().as_str()), (StoreErrorKind::UnknownKey, "key", "key"));
    crate::is_a_plugin(preferences, Preferences::ID);
    crate::is_a_plugin(Preferences::default(), "Preferences");
}

#[test]
fn settings_are_kept_in_both_modes() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("settings.json");
    let settings = Settings::<Options>::open(&path)?;
    Preferences::new().add("settings", settings.clone());
    assert_eq!(settings.path(), path);
    let seen = Arc::new(AtomicU32::new(0));
    let sees = Arc::clone(&seen);
    settings.on_change(move |options| sees.store(options.retries, Ordering::Relaxed));
    settings.update(|options| options.retries = 3)?;
    assert_eq!((settings.get().retries, seen.load(Ordering::Relaxed)), (3, 3));
    assert_eq!(*Settings::<Options>::open(&path)?.get(), Options { retries: 3 });
    std::fs::write(&path, r#"{"retries":4}"#)?;
    settings.reload()?;
    assert_eq!(seen.load(Ordering::Relaxed), 4);
    std::fs::write(&path, "{")?;
    let error: SettingsError = Settings::<Options>::open(&path).expect_err("it is corrupt");
    assert!(matches!(error, SettingsError::Corrupt { .. }));
    Ok(())
}
