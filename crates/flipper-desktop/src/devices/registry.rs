//! Which devices there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flipper_proto::desktop::Event as CoreEvent;
use flipper_proto::{ClientId, Excerpt, Query};
use tokio::sync::mpsc;

use super::device::{AdbState, AdbStatus, Device, DeviceKind, PortForward};
use crate::adb::{Address, Attached};
use crate::event::Event;

/// Which devices there are, by what adb tells and by what apps tell.
pub(crate) struct Registry {
    known: Mutex<Known>,
    /// Told while `known` is locked, so that events come in the order of what they tell.
    events: mpsc::UnboundedSender<Event>,
}

#[derive(Default)]
struct Known {
    adb: Option<AdbStatus>,
    attached: BTreeMap<String, Slot>,
    named: BTreeMap<Key, Named>,
    /// The devices that clients say they run on.
    clients: BTreeMap<ClientId, Key>,
    generations: u64,
}

/// A device that adb knows.
struct Slot {
    device: Device,
    transport_id: Option<u64>,
    /// New whenever the device can be used anew.
    generation: u64,
}

/// What apps say of their device.
struct Named {
    title: String,
    clients: usize,
}

/// Operating system and id.
type Key = (String, String);

/// A device that has become usable.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) serial: String,
    pub(super) generation: u64,
}

const ANDROID: &str = "Android";

impl Registry {
    pub(crate) fn new(events: mpsc::UnboundedSender<Event>) -> Self {
        Self { known: Mutex::default(), events }
    }

    /// All devices: the desktop's own machine first.
    pub(crate) fn devices(&self) -> Vec<Device> {
        let known = self.known();
        let attached = known.attached.values().map(|slot| slot.device.clone());
        let named = known.named.keys().filter(|key| !known.is_attached(key)).filter_map(|key| known.device(key));
        std::iter::once(Device::this_machine()).chain(attached).chain(named).collect()
    }

    pub(crate) fn adb(&self) -> Option<AdbStatus> {
        self.known().adb.clone()
    }

    pub(super) fn set_adb(&self, address: &Address, state: AdbState) {
        self.known().adb = Some(AdbStatus { address: address.clone(), state });
    }

    /// Takes note of what adb has now, and returns what can be used since.
    pub(super) fn update(&self, list: Vec<Attached>) -> Vec<Arrival> {
        let mut known = self.known();
        let listed: BTreeSet<&str> = list.iter().map(|attached| &*attached.serial).collect();
        let gone: Vec<String> = known.attached.keys().filter(|serial| !listed.contains(&***serial)).cloned().collect();
        for serial in gone {
            self.change(&mut known, &key_of(&serial), |known| drop(known.attached.remove(&serial)));
        }
        let mut arrivals = Vec::new();
        for attached in list {
            let serial = attached.serial.clone();
            self.change(&mut known, &key_of(&serial), |known| arrivals.extend(known.attach(attached)));
        }
        arrivals
    }

    /// Takes note of how a device leads connections here, unless it is another one by now.
    pub(super) fn set_forwards(&self, arrival: &Arrival, forwards: Vec<PortForward>) {
        self.change(&mut self.known(), &key_of(&arrival.serial), |known| {
            if let Some(slot) = known.attached.get_mut(&arrival.serial)
                && slot.generation == arrival.generation
            {
                slot.device.forwards = forwards;
            }
        });
    }

    /// Follows clients, and returns what is to be told of their devices before and after that: a device is there before
    /// its client is, and goes after it.
    pub(crate) fn follow(&self, event: &CoreEvent) -> (Option<Event>, Option<Event>) {
        match event {
            CoreEvent::ClientConnected { client, info } => (self.client_connected(client, &info.query), None),
            CoreEvent::ClientDisconnected { client, .. } => (None, self.client_disconnected(client)),
            _ => (None, None),
        }
    }

    fn client_connected(&self, client: &ClientId, query: &Query) -> Option<Event> {
        if query.device_id.is_empty() {
            return None;
        }
        let key = (query.os.clone(), query.device_id.clone());
        let mut known = self.known();
        let before = known.device(&key);
        let named = known.named.entry(key.clone()).or_insert_with(|| Named { title: query.device.clone(), clients: 0 });
        named.clients += 1;
        let after = known.device(&key);
        known.clients.insert(client.clone(), key);
        news(before, after)
    }

    fn client_disconnected(&self, client: &ClientId) -> Option<Event> {
        let mut known = self.known();
        let key = known.clients.remove(client)?;
        let before = known.device(&key);
        let named = known.named.get_mut(&key)?;
        named.clients -= 1;
        if named.clients == 0 {
            known.named.remove(&key);
        }
        news(before, known.device(&key))
    }

    /// Changes what is known of one device, and tells.
    fn change(&self, known: &mut Known, key: &Key, change: impl FnOnce(&mut Known)) {
        let before = known.device(key);
        change(known);
        if let Some(event) = news(before, known.device(key)) {
            // A desktop that has ended tells nobody.
            let _ended = self.events.send(event);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The device as the world sees it: what adb says of it counts more than what its apps say.
    fn device(&self, key: &Key) -> Option<Device> {
        if self.is_attached(key) {
            return self.attached.get(&key.1).map(|slot| slot.device.clone());
        }
        let named = self.named.get(key)?;
        let (os, id) = key;
        Some(Device { title: named.title.clone(), ..Device::new(id.clone(), os, DeviceKind::Named) })
    }

    fn is_attached(&self, (os, id): &Key) -> bool {
        os == ANDROID && self.attached.contains_key(id)
    }

    fn attach(&mut self, attached: Attached) -> Option<Arrival> {
        let ready = attached.is_ready();
        let kind = if attached.is_emulator() { DeviceKind::Emulator } else { DeviceKind::Physical };
        let mut device = Device::new(attached.serial, ANDROID, kind);
        if let Some(model) = &attached.model {
            device.title = model.replace('_', " ");
        }
        device.not_ready = (!ready).then(|| Excerpt::new(&attached.state));
        device.model = attached.model;
        device.product = attached.product;
        let serial = device.id.clone();
        let before = self.attached.get(&serial);
        let same = before.filter(|slot| slot.transport_id == attached.transport_id && slot.device.not_ready.is_none());
        let (generation, arrived) = match same {
            Some(slot) if ready => {
                device.forwards.clone_from(&slot.device.forwards);
                (slot.generation, false)
            }
            _ => {
                self.generations += 1;
                (self.generations, ready)
            }
        };
        self.attached.insert(serial.clone(), Slot { device, transport_id: attached.transport_id, generation });
        arrived.then_some(Arrival { serial, generation })
    }
}

fn key_of(serial: &str) -> Key {
    (ANDROID.to_owned(), serial.to_owned())
}

fn news(before: Option<Device>, after: Option<Device>) -> Option<Event> {
    match (before, after) {
        (None, Some(device)) => Some(Event::DeviceConnected { device }),
        (Some(device), None) => Some(Event::DeviceDisconnected { device }),
        (Some(before), Some(device)) if before != device => Some(Event::DeviceChanged { device }),
        _ => None,
    }
}
