//! The plugin, and the words of the official one.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Instant, SystemTime};

use flipper_client::proto::ErrorReport;
use flipper_client::{Call, Connection, Plugin};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::store::{Map, Store, StoreError, StoreErrorKind, Value};
use super::throttle::{News, Throttle};
use super::worker::{Next, Work, Worker};
use crate::number::keep_every_digit;
use crate::outlet::Outlet;
use crate::waiting::Waiting;

/// The plugin `Preferences`, which the official UI calls Shared Preferences Viewer. Clones are the same plugin: the app
/// keeps one, and gives one to its Flipper.
#[derive(Clone, Debug)]
pub struct Preferences {
    shared: Arc<Shared>,
}

struct Shared {
    outlet: Outlet,
    /// In the order in which they are shown.
    stores: Mutex<Vec<(String, Arc<dyn Store>)>>,
    throttle: Mutex<Throttle>,
    worker: Worker<Task>,
}

/// What the thread is asked for.
enum Task {
    Answer(Call),
    /// To look when there is something to be told.
    Look,
}

impl Preferences {
    /// The plugin's name on the wire.
    pub const ID: &str = "Preferences";

    /// Without any store yet.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            // Whoever opens the plugin is told everything anyway.
            outlet: Outlet::new(Waiting::NOTHING),
            stores: Mutex::default(),
            throttle: Mutex::default(),
            worker: Worker::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds a store, in the place of one that has the same name. A desktop sees a store of a new name when the plugin is opened
    /// the next time.
    pub fn add(&self, name: impl Into<String>, store: impl Store) {
        let name = name.into();
        let store: Arc<dyn Store> = Arc::new(store);
        let mut stores = self.shared.stores();
        let before = match stores.iter_mut().find(|(taken, _)| *taken == name) {
            Some((_, place)) => Some(std::mem::replace(place, Arc::clone(&store))),
            None => {
                stores.push((name.clone(), Arc::clone(&store)));
                None
            }
        };
        drop(stores);
        // What a store does when it is dropped or watched is its own business.
        drop(before);
        store.watch(Changes { plugin: Arc::downgrade(&self.shared), store: Arc::downgrade(&store), name: name.into() });
    }

    /// Takes a store out, and says whether there was one. A desktop sees that when the plugin is opened the next time.
    pub fn remove(&self, name: &str) -> bool {
        let mut stores = self.shared.stores();
        let removed = stores.iter().position(|(taken, _)| taken == name).map(|at| stores.remove(at));
        drop(stores);
        removed.is_some()
    }
}

impl Default for Preferences {
    fn default() -> Self {
        Self::new()
    }
}

/// Whom a [`Store`] tells of its changes.
#[derive(Clone)]
pub struct Changes {
    plugin: Weak<Shared>,
    store: Weak<dyn Store>,
    name: Arc<str>,
}

impl Changes {
    /// A name has another value now, or is gone. Without a desktop this costs next to nothing. Of what changes often, the
    /// desktop is told twice a second.
    pub fn changed(&self, key: &str, value: Option<&Value>) {
        if let Some(plugin) = self.plugin.upgrade() {
            plugin.changed(self, key, value);
        }
    }

    /// Whether anybody wants to be told any more: the plugin is there, and has the store.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.plugin.upgrade().is_some_and(|plugin| plugin.has(&self.store))
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("store", &self.name).finish_non_exhaustive()
    }
}

impl Shared {
    fn changed(self: &Arc<Self>, changes: &Changes, key: &str, value: Option<&Value>) {
        if !self.outlet.is_connected() || !changes.is_wanted() {
            return;
        }
        let mut throttle = self.throttle();
        let news = throttle.admit(&changes.name, key, value.cloned(), Instant::now());
        drop(throttle);
        match news {
            Some(news) => self.tell(&changes.name, key, news),
            // The thread looks when it has to tell it. Where too many calls wait for it, it will look anyway.
            None => drop(self.worker.give(Task::Look, || self.work())),
        }
    }

    fn tell(&self, store: &str, key: &str, news: News) {
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let deleted = news.is_none();
        let value = news.map(shown);
        self.outlet.send("sharedPreferencesChange", &Change { preferences: store, name: key, deleted, time, value });
    }

    /// Answers calls, and tells what has waited.
    fn work(self: &Arc<Self>) -> Work<Task> {
        let shared = Arc::downgrade(self);
        Box::new(move |task| {
            let Some(shared) = shared.upgrade() else { return Next::End };
            if let Some(Task::Answer(call)) = task {
                // Where a store panics, the call is answered when it is dropped.
                let _answered = catch_unwind(AssertUnwindSafe(|| shared.answer(call)));
            }
            let due = shared.throttle().due(Instant::now());
            for (store, key, news) in due {
                shared.tell(&store, &key, news);
            }
            let next = shared.throttle().next();
            next.map_or(Next::Whenever, Next::At)
        })
    }

    /// Whether this very store is still here. A call that is being answered may hold one that was taken out.
    fn has(&self, store: &Weak<dyn Store>) -> bool {
        self.stores().iter().any(|(_, here)| ptr::addr_eq(Arc::as_ptr(here), store.as_ptr()))
    }

    fn store(&self, name: &str) -> Result<Arc<dyn Store>, ErrorReport> {
        let stores = self.stores();
        let found = stores.iter().find(|(taken, _)| taken == name).map(|(_, store)| Arc::clone(store));
        found.ok_or_else(|| {
            let names: Vec<_> = stores.iter().map(|(name, _)| name.as_str()).collect();
            ErrorReport::new(format!("there is no store {name}. There are: {}", names.join(", "))).named("UnknownStore")
        })
    }

    fn answer(&self, call: Call) {
        // Nobody waits when the session has ended.
        let _ended = match call.method.as_str() {
            "getAllSharedPreferences" => {
                let stores = self.stores().clone();
                call.responder
                    .success(&All(stores.iter().map(|(name, store)| (name.as_str(), content(&**store))).collect()))
            }
            "setSharedPreference" => {
                let result = call.parse::<Set>().and_then(Set::name_and_value).and_then(|(store, key, value)| {
                    let store = self.store(&store)?;
                    store.set(&key, value).and_then(|()| store.all()).map_err(|error| report(&error))
                });
                call.responder.finish(result.map(shown_fields))
            }
            _ => {
                let result = call.parse::<Set>().and_then(Set::names).and_then(|(store, key)| {
                    let store = self.store(&store)?;
                    store.delete(&key).and_then(|()| store.all()).map_err(|error| report(&error))
                });
                call.responder.finish(result.map(shown_fields))
            }
        };
    }

    fn stores(&self) -> MutexGuard<'_, Vec<(String, Arc<dyn Store>)>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plugin for Preferences {
    fn id(&self) -> &'static str {
        Self::ID
    }

    fn on_added(&self, connection: Connection) {
        self.shared.outlet.added(connection);
    }

    fn on_connect(&self, connection: Connection) {
        self.shared.outlet.connected(connection);
    }

    fn on_disconnect(&self) {
        self.shared.outlet.disconnected();
        self.shared.throttle().clear();
    }

    fn has_method(&self, method: &str) -> bool {
        matches!(method, "getAllSharedPreferences" | "setSharedPreference" | "deleteSharedPreference")
    }

    fn on_call(&self, call: Call) {
        if let Err(Task::Answer(call)) = self.shared.worker.give(Task::Answer(call), || self.shared.work()) {
            let busy = ErrorReport::new("too many calls wait for the app's stores").named("Busy");
            // Nobody waits when the session has ended.
            let _ended = call.responder.error(&busy);
        }
    }
}

/// The params of a change.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    shared_preferences_name: Option<String>,
    preference_name: Option<String>,
    #[serde(default, deserialize_with = "even_null")]
    preference_value: Option<Value>,
}

impl Set {
    fn names(self) -> Result<(String, String), ErrorReport> {
        let missing = |name: &str| ErrorReport::new(format!("no {name} is given")).named("InvalidParams");
        let store = self.shared_preferences_name.ok_or_else(|| missing("sharedPreferencesName"))?;
        Ok((store, self.preference_name.ok_or_else(|| missing("preferenceName"))?))
    }

    fn name_and_value(mut self) -> Result<(String, String, Value), ErrorReport> {
        let value = self.preference_value.take();
        let (store, key) = self.names()?;
        let missing = || ErrorReport::new("no preferenceValue is given").named("InvalidParams");
        Ok((store, key, value.ok_or_else(missing)?))
    }
}

/// `null` is a value, other than none at all.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn report(error: &StoreError) -> ErrorReport {
    ErrorReport::new(error.message()).named(match error.kind() {
        StoreErrorKind::UnknownKey => "UnknownKey",
        StoreErrorKind::InvalidValue => "InvalidValue",
        StoreErrorKind::Failed => "StoreFailed",
    })
}

/// What is shown of a store.
fn content(store: &dyn Store) -> Map<String, Value> {
    match store.all() {
        Ok(fields) => shown_fields(fields),
        Err(error) => Map::from_iter([("(error)".to_owned(), Value::from(error.message()))]),
    }
}

fn shown_fields(fields: Map<String, Value>) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name, shown(value))).collect()
}

fn shown(mut value: Value) -> Value {
    keep_every_digit(&mut value);
    value
}

/// All stores, in their order: the official UI selects the first one.
struct All<'a>(Vec<(&'a str, Map<String, Value>)>);

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            // The official UI shows a blank page without any.
            return serializer.collect_map([("(no preferences)", Map::new())]);
        }
        serializer.collect_map(self.0.iter().map(|(name, fields)| (name, fields)))
    }
}

#[derive(Serialize)]
struct Change<'a> {
    preferences: &'a str,
    name: &'a str,
    deleted: bool,
    time: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("outlet", &self.outlet).finish_non_exhaustive()
    }
}
