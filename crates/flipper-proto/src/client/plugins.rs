//! The plugins of a client, and the events that wait in them.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;

use crate::error::{ApiMisuse, ErrorReport};
use crate::identity::PluginId;
use crate::limits::{Limits, Overflow};
use crate::wire::encode;

/// When a desktop initialises a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginMode {
    /// While somebody looks at it.
    Foreground,
    /// As soon as the app connects.
    Background,
}

/// All plugins that an app added.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    slots: BTreeMap<PluginId, Slot>,
    /// Connected plugins that have events to send, each once, in the order of their turns.
    turns: VecDeque<PluginId>,
    /// The buffer of one of these has got half full.
    pressed: bool,
    /// Plugins that were removed while they were connected, until an answer of ours leaves them out. Before that the
    /// desktop would take one that was added anew for the one that it has initialised.
    ghosts: BTreeSet<PluginId>,
    dropped: u64,
}

#[derive(Debug)]
struct Slot {
    mode: PluginMode,
    connected: bool,
    events: VecDeque<String>,
    bytes: usize,
    dropped: u64,
    reported: u64,
}

impl Plugins {
    pub(super) fn add(&mut self, id: PluginId, mode: PluginMode, limits: &Limits) -> Result<(), ApiMisuse> {
        if self.slots.contains_key(&id) {
            return Err(ApiMisuse::DuplicatePlugin);
        }
        if self.slots.len() >= limits.plugins {
            return Err(ApiMisuse::TooManyPlugins { max: limits.plugins });
        }
        let slot = Slot { mode, connected: false, events: VecDeque::new(), bytes: 0, dropped: 0, reported: 0 };
        self.slots.insert(id, slot);
        Ok(())
    }

    /// Whether the plugin was connected; an error if there is none.
    pub(super) fn remove(&mut self, id: &str) -> Result<bool, ApiMisuse> {
        let (id, slot) = self.slots.remove_entry(id).ok_or(ApiMisuse::UnknownPlugin)?;
        self.turns.retain(|turn| *turn != id);
        if slot.connected {
            self.ghosts.insert(id);
        }
        Ok(slot.connected)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.slots.keys().filter(|id| !self.ghosts.contains(*id)).map(PluginId::as_str)
    }

    pub(super) fn background_ids(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().filter(|(_, slot)| slot.mode == PluginMode::Background).map(|(id, _)| id.as_str())
    }

    /// The desktop was told [which plugins there are](Self::ids). Returns whether it must ask again, because one was
    /// left out.
    pub(super) fn lay_ghosts(&mut self) -> bool {
        core::mem::take(&mut self.ghosts).iter().any(|id| self.slots.contains_key(id))
    }

    /// The plugin of this id, if the desktop has initialised it.
    pub(super) fn connected(&self, id: &str) -> Option<PluginId> {
        self.slots.get_key_value(id).filter(|(_, slot)| slot.connected).map(|(id, _)| id.clone())
    }

    pub(super) fn known(&self, id: &str) -> Option<PluginId> {
        self.slots.get_key_value(id).map(|(id, _)| id.clone())
    }

    /// Lets the events of a plugin go, and tells of those that were lost before.
    pub(super) fn connect(&mut self, id: &PluginId) -> Option<String> {
        let slot = self.slots.get_mut(id)?;
        self.ghosts.remove(id);
        slot.connected = true;
        if !slot.events.is_empty() && !self.turns.contains(id) {
            self.turns.push_back(id.clone());
        }
        slot.report(id)
    }

    pub(super) fn disconnect(&mut self, id: &PluginId) {
        if let Some(slot) = self.slots.get_mut(id) {
            slot.connected = false;
        }
        self.turns.retain(|turn| turn != id);
    }

    /// Disconnects every connected plugin, and names them. Those that have events keep their turns.
    pub(super) fn disconnect_all(&mut self) -> impl Iterator<Item = PluginId> {
        self.ghosts.clear();
        self.slots.iter_mut().filter_map(|(id, slot)| core::mem::take(&mut slot.connected).then(|| id.clone()))
    }

    /// Queues an event, at the cost of an older one if need be.
    pub(super) fn push(
        &mut self,
        id: &PluginId,
        event: String,
        limits: &Limits,
        overflow: Overflow,
    ) -> Result<(), ApiMisuse> {
        let slot = self.slots.get_mut(id).ok_or(ApiMisuse::UnknownPlugin)?;
        let fits = |slot: &Slot| {
            slot.events.len() < limits.buffered_events
                && slot.bytes.saturating_add(event.len()) <= limits.buffered_event_bytes
        };
        let was_empty = slot.events.is_empty();
        // An event that is larger than the whole buffer still goes when it is alone.
        while !fits(slot) && (!slot.events.is_empty() || limits.buffered_events == 0) {
            slot.dropped += 1;
            self.dropped += 1;
            match overflow {
                Overflow::DropNewest => return Ok(()),
                Overflow::DropOldest => match slot.events.pop_front() {
                    Some(oldest) => slot.bytes -= oldest.len(),
                    None => return Ok(()),
                },
            }
        }
        slot.bytes += event.len();
        slot.events.push_back(event);
        if slot.connected {
            self.pressed |= slot.events.len() >= limits.buffered_events.div_ceil(2)
                || slot.bytes >= limits.buffered_event_bytes.div_ceil(2);
            if was_empty {
                self.turns.push_back(id.clone());
            }
        }
        Ok(())
    }

    /// The next event to send, and what is to be said once its plugin has no more.
    pub(super) fn next_event(&mut self) -> Option<(String, Option<String>)> {
        let id = self.turns.pop_front()?;
        let slot = self.slots.get_mut(&id)?;
        let event = slot.events.pop_front()?;
        slot.bytes -= event.len();
        if slot.events.is_empty() {
            self.pressed &= !self.turns.is_empty();
            return Some((event, slot.report(&id)));
        }
        self.turns.push_back(id);
        Some((event, None))
    }

    /// Keeps what is left of the events until their plugins are connected again.
    pub(super) fn end_turns(&mut self) {
        self.turns.clear();
        self.pressed = false;
    }

    /// Whether a plugin that has the turn to send an event should not wait with it.
    pub(super) fn is_pressed(&self) -> bool {
        self.pressed
    }

    /// Whether some plugin has the turn to send an event.
    pub(super) fn has_events(&self) -> bool {
        !self.turns.is_empty()
    }

    /// How many events of this plugin wait.
    pub(super) fn waiting(&self, id: &str) -> Result<usize, ApiMisuse> {
        self.slots.get(id).map(|slot| slot.events.len()).ok_or(ApiMisuse::UnknownPlugin)
    }

    /// How many events of this plugin were dropped.
    pub(super) fn dropped(&self, id: &str) -> Result<u64, ApiMisuse> {
        self.slots.get(id).map(|slot| slot.dropped).ok_or(ApiMisuse::UnknownPlugin)
    }

    pub(super) fn all_dropped(&self) -> u64 {
        self.dropped
    }
}

impl Slot {
    /// Says how many events were dropped, if the desktop does not know yet.
    fn report(&mut self, id: &PluginId) -> Option<String> {
        let unreported = self.dropped - self.reported;
        if unreported == 0 {
            return None;
        }
        self.reported = self.dropped;
        let message = format!("{unreported} events of plugin {id} were dropped, because its buffer was full");
        let report = ErrorReport::new(message).named("EventsDropped");
        Some(encode::error(None, &encode::report(&report)))
    }
}
