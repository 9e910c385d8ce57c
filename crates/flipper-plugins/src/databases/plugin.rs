//! The plugin, and what the app does with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use flipper_client::{Call, Plugin};

use super::desk::{Desk, Reply, Task};
use super::driver::Driver;
use super::error::{Error, ErrorKind};
use super::limits::Limits;
use super::listing::{Listed, Listing};
use super::wire::{self, Method, Request};

/// The plugin `Databases`. Clones are the same plugin: the app keeps one, and gives one to its Flipper.
#[derive(Clone, Debug)]
pub struct Databases {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    /// The database with id n is the one at n - 1, for good: the official UI looks it up like that.
    slots: Mutex<Vec<Slot>>,
}

#[derive(Debug)]
struct Slot {
    /// The name that the app gave it.
    given: String,
    /// The name that it is listed under, which no other has.
    listed: String,
    /// Nothing when it is closed.
    desk: Option<Arc<Desk>>,
}

impl Databases {
    /// The plugin's name on the wire.
    pub const ID: &str = "Databases";

    /// Without any database yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// The same, with other limits.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { shared: Arc::new(Shared { limits, slots: Mutex::default() }) }
    }

    /// Adds a database. The desktop sees it when the plugin is opened or refreshed.
    ///
    /// A second one of the same name is listed as `name (2)`. The one that a name belonged to before it was closed is
    /// replaced.
    pub fn add(&self, name: impl Into<String>, driver: impl Driver) -> Database {
        let given = name.into();
        let desk = Desk::new(self.shared.limits, Box::new(driver));
        let mut slots = self.shared.slots();
        let closed = slots.iter().position(|slot| slot.given == given && slot.desk.is_none());
        let listed =
            unique(&given, slots.iter().enumerate().filter(|(at, _)| Some(*at) != closed).map(|(_, slot)| slot));
        let database = Database { plugin: Arc::downgrade(&self.shared), desk: Arc::clone(&desk), name: listed.clone() };
        let slot = Slot { given, listed, desk: Some(desk) };
        match closed {
            Some(at) => slots[at] = slot,
            None => slots.push(slot),
        }
        database
    }
}

impl Default for Databases {
    fn default() -> Self {
        Self::new()
    }
}

/// A database that was added. Whether it is dropped makes no difference; [`close`](Self::close) takes the database out.
#[derive(Clone, Debug)]
pub struct Database {
    plugin: Weak<Shared>,
    desk: Arc<Desk>,
    name: String,
}

impl Database {
    /// The name that it is listed under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes the database out. It stays in the list as `name (closed)`, because the official UI relies on what it has seen
    /// there. The driver is dropped once the statement that it is at has ended.
    pub fn close(&self) {
        if let Some(plugin) = self.plugin.upgrade() {
            plugin.close(&self.desk);
        }
        self.desk.close();
    }
}

impl Shared {
    fn close(&self, desk: &Arc<Desk>) {
        let mut slots = self.slots();
        let Some(at) = slots.iter().position(|slot| slot.desk.as_ref().is_some_and(|open| Arc::ptr_eq(open, desk)))
        else {
            return;
        };
        let others = slots.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, slot)| slot);
        let listed = unique(&format!("{} (closed)", slots[at].given), others);
        slots[at].listed = listed;
        slots[at].desk = None;
    }

    fn desk(&self, id: u64) -> Result<Arc<Desk>, Error> {
        let slots = self.slots();
        let slot = id.checked_sub(1).and_then(|at| slots.get(usize::try_from(at).ok()?));
        let unknown = |message: String| Error::new(ErrorKind::UnknownDatabase, message);
        let slot = slot.ok_or_else(|| unknown(format!("there is no database with id {id}")))?;
        slot.desk.clone().ok_or_else(|| unknown(format!("the app has closed the database {}", slot.given)))
    }

    fn list(&self, call: Call) {
        let slots = self.slots();
        let listed: Vec<_> = slots.iter().map(|slot| Listed::new(&slot.listed)).collect();
        let desks: Vec<_> = slots.iter().map(|slot| slot.desk.clone()).collect();
        drop(slots);
        // It answers when the last desk lets go of it.
        let listing = Arc::new(Listing::new(listed, call.responder));
        for (at, desk) in desks.into_iter().enumerate() {
            if let Some(desk) = desk {
                desk.list(Reply::Listing(Arc::clone(&listing), at));
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for slot in self.slots().drain(..) {
            if let Some(desk) = slot.desk {
                desk.close();
            }
        }
    }
}

/// The name, with a number if another has it already.
fn unique<'a>(name: &str, others: impl Iterator<Item = &'a Slot>) -> String {
    let taken: Vec<_> = others.map(|slot| slot.listed.as_str()).collect();
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    // There are always more candidates than names.
    candidates.find(|candidate| !taken.contains(&candidate.as_str())).unwrap_or_else(|| name.to_owned())
}

impl Plugin for Databases {
    fn id(&self) -> &'static str {
        Self::ID
    }

    fn has_method(&self, method: &str) -> bool {
        Method::named(method).is_some()
    }

    fn on_call(&self, call: Call) {
        let Some(method) = Method::named(&call.method) else { return };
        if method == Method::List {
            self.shared.list(call);
            return;
        }
        let task =
            Request::read(method, &call).and_then(|request| Ok((self.shared.desk(request.database)?, request.task)));
        match task {
            Ok((desk, task)) => desk.ask(task, Reply::Call(call.responder)),
            Err(error) => wire::refuse(method, error, call.responder),
        }
    }
}

impl Task {
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Tables => Method::List,
            Self::Data(_) => Method::Data,
            Self::Structure(_) => Method::Structure,
            Self::Info(_) => Method::Info,
            Self::Execute(_) => Method::Execute,
        }
    }
}
