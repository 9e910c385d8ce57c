//! Settings in a JSON file, as a struct of the app.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Changes;
use super::file;
use super::store::{Map, Store, StoreError, StoreErrorKind, Value};

/// An app's settings: a struct of its own, kept in a JSON file. Clones are the same settings.
///
/// It is the app's, and does without Flipper; [added to](super::Preferences::add) the plugin, it is shown to the desktop,
/// which may change it as far as the struct allows.
///
/// - The file is read once, by [`open`](Self::open). What others write to it meanwhile is seen by [`reload`](Self::reload), and
///   overwritten by the next change.
/// - Fields that the file does not have are those of `T::default()`. Fields that the struct does not have, of a newer
///   version perhaps, stay in the file.
/// - The file is replaced as a whole: after a crash it holds the old settings or the new ones.
pub struct Settings<T> {
    shared: Arc<Shared<T>>,
}

type Watcher<T> = Arc<dyn Fn(&T) + Send + Sync>;

struct Shared<T> {
    path: PathBuf,
    /// Held by whoever changes them, from reading to writing.
    changing: Mutex<()>,
    current: RwLock<Arc<State<T>>>,
    watchers: Mutex<Vec<Watcher<T>>>,
    changes: Mutex<Vec<Changes>>,
}

struct State<T> {
    value: Arc<T>,
    /// The same as JSON.
    fields: Map<String, Value>,
    /// What the file has beside that.
    unknown: Map<String, Value>,
}

impl<T> Settings<T>
where
    T: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Reads the settings in a file. Where there is none they are `T::default()`, and the file is made when they change.
    ///
    /// # Errors
    /// [`SettingsError`]. A file that cannot be understood is left as it is.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SettingsError> {
        let path = path.into();
        let state = State::read(&path)?;
        let shared = Shared {
            path,
            changing: Mutex::default(),
            current: RwLock::new(Arc::new(state)),
            watchers: Mutex::default(),
            changes: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The settings as they are now. What is held of them does not change any more.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.shared.current().value)
    }

    /// Changes them, in memory and in the file. The watchers have been called when it returns.
    ///
    /// # Errors
    /// [`SettingsError`]; nothing is changed then.
    pub fn update(&self, change: impl FnOnce(&mut T)) -> Result<(), SettingsError> {
        let changing = self.shared.changing();
        let before = self.shared.current();
        let mut value = T::clone(&before.value);
        change(&mut value);
        let changed = self.shared.replace(&before, State::new(value, before.unknown.clone())?)?;
        drop(changing);
        self.shared.tell(&changed);
        Ok(())
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// As [`open`](Self::open); nothing is changed then.
    pub fn reload(&self) -> Result<(), SettingsError> {
        let changing = self.shared.changing();
        let before = self.shared.current();
        let state = State::read(&self.shared.path)?;
        let changed = state.differences(&before);
        *self.shared.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        drop(changing);
        self.shared.tell(&changed);
        Ok(())
    }

    /// Calls `watcher` after every change, with the settings as they are then. It may be called by any thread that changes
    /// them, among them the plugin's.
    pub fn on_change(&self, watcher: impl Fn(&T) + Send + Sync + 'static) {
        self.shared.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(watcher));
    }

    /// Where they are kept.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }
}

impl<T> Shared<T>
where
    T: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn current(&self) -> Arc<State<T>> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts other settings in the place of these, and says which fields are not the same.
    fn replace(&self, before: &State<T>, after: State<T>) -> Result<Vec<String>, SettingsError> {
        let changed = after.differences(before);
        if !changed.is_empty() {
            after.write(&self.path)?;
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        Ok(changed)
    }

    /// Tells those who watch, under no lock: they may change something themselves. Whoever is told last is told the latest.
    fn tell(&self, changed: &[String]) {
        if changed.is_empty() {
            return;
        }
        let now = self.current();
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for watcher in watchers {
            watcher(&now.value);
        }
        let changes = {
            let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
            changes.retain(Changes::is_wanted);
            changes.clone()
        };
        for key in changed {
            let now = self.current();
            for changes in &changes {
                changes.changed(key, now.fields.get(key));
            }
        }
    }
}

impl<T> State<T>
where
    T: Default + Serialize + DeserializeOwned,
{
    fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::new(T::default(), Map::new()),
            Err(error) => return Err(SettingsError::Read { path: path.to_owned(), error }),
        };
        let corrupt =
            |error: serde_json::Error| SettingsError::Corrupt { path: path.to_owned(), why: error.to_string() };
        let in_file: Map<String, Value> = serde_json::from_slice(&text).map_err(corrupt)?;
        // As the file has it, or else with what it lacks: a struct may have fields that are new.
        let value = match T::deserialize(&Value::Object(in_file.clone())) {
            Ok(value) => value,
            Err(error) => {
                let mut fields = fields(&T::default())?;
                fields.extend(in_file.clone());
                serde_json::from_value(Value::Object(fields)).map_err(|_| corrupt(error))?
            }
        };
        let known = fields(&value)?;
        let unknown = in_file.into_iter().filter(|(name, _)| !known.contains_key(name)).collect();
        Self::new(value, unknown)
    }

    fn new(value: T, unknown: Map<String, Value>) -> Result<Self, SettingsError> {
        Ok(Self { fields: fields(&value)?, value: Arc::new(value), unknown })
    }

    fn write(&self, path: &Path) -> Result<(), SettingsError> {
        let mut all = self.unknown.clone();
        all.extend(self.fields.clone());
        // A field may go by another name in the file than the struct gives it now; both together are not understood.
        if serde_json::from_value::<T>(Value::Object(all.clone())).is_err() {
            all.clone_from(&self.fields);
        }
        let mut text = serde_json::to_vec_pretty(&all).map_err(|error| SettingsError::NotJson(error.to_string()))?;
        text.push(b'\n');
        file::replace(path, &text).map_err(|error| SettingsError::Write { path: path.to_owned(), error })
    }

    fn differences(&self, before: &Self) -> Vec<String> {
        let gone = before.fields.keys().filter(|name| !self.fields.contains_key(*name));
        let other = self.fields.iter().filter(|(name, value)| before.fields.get(*name) != Some(value));
        other.map(|(name, _)| name).chain(gone).cloned().collect()
    }
}

fn fields<T: Serialize>(value: &T) -> Result<Map<String, Value>, SettingsError> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(SettingsError::NotJson("they are no struct with named fields".to_owned())),
        Err(error) => Err(SettingsError::NotJson(error.to_string())),
    }
}

impl<T> Store for Settings<T>
where
    T: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn all(&self) -> Result<Map<String, Value>, StoreError> {
        Ok(self.shared.current().fields.clone())
    }

    fn set(&self, key: &str, value: Value) -> Result<(), StoreError> {
        let changing = self.shared.changing();
        let before = self.shared.current();
        let after = before.with(key, value)?;
        let changed = self.shared.replace(&before, after)?;
        drop(changing);
        self.shared.tell(&changed);
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        let default = fields(&T::default())?.remove(key);
        let changing = self.shared.changing();
        let before = self.shared.current();
        let after = match default {
            Some(default) => before.with(key, default)?,
            None => before.without(key)?,
        };
        let changed = self.shared.replace(&before, after)?;
        drop(changing);
        self.shared.tell(&changed);
        Ok(())
    }

    fn watch(&self, changes: Changes) {
        self.shared.changes.lock().unwrap_or_else(PoisonError::into_inner).push(changes);
    }
}

impl<T> State<T>
where
    T: Default + Serialize + DeserializeOwned,
{
    /// The same with another value for one field.
    fn with(&self, key: &str, value: Value) -> Result<Self, StoreError> {
        let attempt = |value: Value| {
            let mut fields = self.fields.clone();
            fields.insert(key.to_owned(), value);
            serde_json::from_value::<T>(Value::Object(fields))
        };
        let shown = excerpt(&value);
        let result = attempt(value.clone()).or_else(|error| {
            // A desktop that has only texts means what stands in them.
            let meant = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
            meant.and_then(|meant| attempt(meant).ok()).ok_or(error)
        });
        let value = result.map_err(|error| {
            StoreError::new(StoreErrorKind::InvalidValue, format!("{key} cannot be {shown}: {error}"))
        })?;
        let state = Self::new(value, self.unknown.clone())?;
        // A field that the struct does not have is left out of it without a word. One that is left out when it is empty is
        // known by its absence only.
        if !state.fields.contains_key(key) && !self.fields.contains_key(key) {
            return Err(self.unknown_key(key));
        }
        Ok(state)
    }

    /// The same without a field that need not be there.
    fn without(&self, key: &str) -> Result<Self, StoreError> {
        let mut fields = self.fields.clone();
        if fields.remove(key).is_none() {
            return Err(self.unknown_key(key));
        }
        let value = serde_json::from_value(Value::Object(fields)).map_err(|error| {
            StoreError::new(StoreErrorKind::InvalidValue, format!("{key} cannot be left out: {error}"))
        })?;
        Ok(Self::new(value, self.unknown.clone())?)
    }

    fn unknown_key(&self, key: &str) -> StoreError {
        let known: Vec<_> = self.fields.keys().map(String::as_str).collect();
        let message = format!("there is no setting {key}. There are: {}", known.join(", "));
        StoreError::new(StoreErrorKind::UnknownKey, message)
    }
}

fn excerpt(value: &Value) -> String {
    const SHOWN: usize = 100;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl<T> Clone for Settings<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Their values may be secret.
impl<T> fmt::Debug for Settings<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

/// What goes wrong with a file of settings.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file holds something else. It is left as it is.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was expected, and where.
        why: String,
    },
    /// The file cannot be written. The settings are what they were before.
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The settings cannot be written as a JSON object.
    NotJson(String),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, error } => write!(f, "the settings in {} cannot be read: {error}", path.display()),
            Self::Corrupt { path, why } => write!(
                f,
                "the settings in {} are not understood: {why}. Put the file right, or move it away to begin anew",
                path.display()
            ),
            Self::Write { path, error } => write!(f, "the settings cannot be written to {}: {error}", path.display()),
            Self::NotJson(why) => write!(f, "the settings are no JSON object: {why}"),
        }
    }
}

impl std::error::Error for SettingsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } | Self::Write { error, .. } => Some(error),
            Self::Corrupt { .. } | Self::NotJson(_) => None,
        }
    }
}

impl From<SettingsError> for StoreError {
    fn from(error: SettingsError) -> Self {
        Self::new(StoreErrorKind::Failed, error.to_string())
    }
}
