//! The clients of a desktop, as they are at one moment.

use flipper_proto::desktop::{ClientInfo, ClientStatus};
use flipper_proto::{ClientId, PluginId};

use super::event::{number_of_channel, number_of_query, text_of_query};
use super::handle::{FlipperDesktop, with};
use crate::event::FlipperEventField as Field;
use crate::exclusive::guard;
use crate::pointer::{self, FlipperStr};
use crate::result::FlipperResult;

/// The clients of a desktop at the moment when it was asked, in the order of their ids.
#[derive(Debug)]
pub struct FlipperClients {
    clients: Vec<Client>,
}

#[derive(Debug)]
struct Client {
    client: ClientId,
    info: ClientInfo,
    plugins: Vec<PluginId>,
    background: Vec<PluginId>,
    initialised: Vec<PluginId>,
    registered: bool,
    unresponsive: bool,
    pending_requests: usize,
    queued_bytes: usize,
}

impl Client {
    fn of(status: ClientStatus<'_>) -> Self {
        Self {
            client: status.client.clone(),
            info: status.info.clone(),
            plugins: status.plugins.unwrap_or_default().to_vec(),
            background: status.background.to_vec(),
            initialised: status.initialised.iter().cloned().collect(),
            registered: status.plugins.is_some(),
            unresponsive: status.unresponsive,
            pending_requests: status.pending_requests,
            queued_bytes: status.queued_bytes,
        }
    }

    fn number(&self, field: u32) -> Option<u64> {
        let is = |wanted: Field| field == wanted as u32;
        match self.info {
            _ if is(Field::Registered) => Some(u64::from(self.registered)),
            _ if is(Field::Unresponsive) => Some(u64::from(self.unresponsive)),
            _ if is(Field::PendingRequests) => Some(self.pending_requests as u64),
            _ if is(Field::QueuedBytes) => Some(self.queued_bytes as u64),
            ClientInfo { conn, .. } if is(Field::Conn) => Some(conn.as_u64()),
            ClientInfo { ref channel, .. } if is(Field::Channel) => Some(number_of_channel(channel)),
            ClientInfo { connected_at, .. } if is(Field::ConnectedAtMs) => Some(connected_at.as_millis()),
            ClientInfo { ref query, .. } => number_of_query(query, field),
        }
    }

    fn text(&self, field: u32) -> Option<&str> {
        match field {
            field if field == Field::Client as u32 => Some(self.client.as_str()),
            field if field == Field::Peer as u32 => Some(self.info.peer.as_str()),
            field => text_of_query(&self.info.query, field),
        }
    }

    fn item(&self, field: u32, index: usize) -> Option<&str> {
        let list = match field {
            field if field == Field::Plugins as u32 => &self.plugins,
            field if field == Field::Background as u32 => &self.background,
            field if field == Field::Initialised as u32 => &self.initialised,
            _ => return None,
        };
        list.get(index).map(PluginId::as_str)
    }
}

/// Lists the clients that are connected. The list is a copy of its own, to be freed with `flipper_clients_free`; it does not
/// change any more.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_clients(
    desktop: *mut FlipperDesktop,
    out: *mut *mut FlipperClients,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            pointer::give_next(out, || Ok(FlipperClients { clients: desktop.clients().map(Client::of).collect() }))
        })
    }
}

/// Frees a list, with all texts that were taken from it. NULL is nothing to free.
///
/// Threads: any, and no other call with it goes on or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_clients_free(clients: *mut FlipperClients) {
    // SAFETY: the caller's promise.
    unsafe { pointer::free(clients) };
}

/// How many clients a list has; 0 for NULL.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_clients_count(clients: *const FlipperClients) -> usize {
    // SAFETY: the caller's promise.
    unsafe { pointer::shared(clients) }.map_or(0, |clients| clients.clients.len())
}

/// A number of the client at a place of the list, which begins with 0: conn, channel, connected at, registered,
/// unresponsive, pending requests, queued bytes; and sdk version, medium and foreground, if it tells.
///
/// Results: FLIPPER_RESULT_NOT_FOUND if there is no such place, or nothing of that field in it.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_clients_number(
    clients: *const FlipperClients,
    at: usize,
    field: u32,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let client = pointer::shared(clients)?.clients.get(at).ok_or(FlipperResult::NotFound)?;
        pointer::write(out, client.number(field).ok_or(FlipperResult::NotFound)?)
    })
}

/// A text of the client at a place of the list: client, peer, app, os, device, device id; and app id, instance id and csr
/// path, if it tells.
///
/// Results: as `flipper_clients_number`.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_clients_text(
    clients: *const FlipperClients,
    at: usize,
    field: u32,
    out: *mut FlipperStr,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let client = pointer::shared(clients)?.clients.get(at).ok_or(FlipperResult::NotFound)?;
        pointer::write(out, FlipperStr::of(client.text(field).ok_or(FlipperResult::NotFound)?))
    })
}

/// One of the plugins of the client at a place of the list: plugins, background, initialised. `index` begins with 0.
///
/// Results: FLIPPER_RESULT_NOT_FOUND after the last one, and as `flipper_clients_number`.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_clients_item(
    clients: *const FlipperClients,
    at: usize,
    field: u32,
    index: usize,
    out: *mut FlipperStr,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let client = pointer::shared(clients)?.clients.get(at).ok_or(FlipperResult::NotFound)?;
        pointer::write(out, FlipperStr::of(client.item(field, index).ok_or(FlipperResult::NotFound)?))
    })
}
