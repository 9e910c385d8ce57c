//! What a desktop is told before it starts.

use std::str::FromStr;

use flipper_proto::desktop::Config;

use crate::pointer::{self, FlipperStr};
use crate::record::{self, Record, set, set_limit, set_span};
use crate::result::FlipperResult;

/// What a desktop is told before it starts. In every number 0 stands for the default.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperDesktopConfig {
    /// `sizeof(flipper_desktop_config)`.
    pub size: usize,
    /// The hosts that clients may name in their requests, besides those that everybody has: `localhost`, 127.0.0.0/8,
    /// `[::1]` and 10.0.2.2. A desktop that listens to the network must be told its own names and addresses.
    pub known_hosts: *const FlipperStr,
    /// How many they are.
    pub known_host_count: usize,
    /// The origins of web pages that may use the browser port, besides those of this machine, as `scheme://host:port`.
    pub allowed_origins: *const FlipperStr,
    /// How many they are.
    pub allowed_origin_count: usize,
    /// How many certificate requests are taken up a second, all together. Default: 5.
    pub exchanges_per_second: u32,
    /// How many of them at once, after a pause. Default: 20.
    pub exchange_burst: u32,
    /// How many certificate requests of one connection are taken up a second. Default: 1.
    pub connection_exchanges_per_second: u32,
    /// How many of them at once, after a pause. Default: 5.
    pub connection_exchange_burst: u32,
    /// How long the answer to a call is waited for that names no deadline. Default: 45,000.
    pub call_ms: u64,
    /// How long a client may take to tell its plugins before it is asked again. Default: 5,000.
    pub registration_ms: u64,
    /// How long a client may be silent before it is pinged, and how long it has to answer. Default: 10,000.
    pub ping_ms: u64,
    /// How long an unresponsive client is kept. Default: 600,000.
    pub unresponsive_ms: u64,
    /// How long a connection on the exchange port may ask for nothing. Default: 60,000.
    pub exchange_idle_ms: u64,
    /// How long the end of a connection may take that this side closes. Default: 2,000.
    pub close_ms: u64,
    /// The largest message, in and out. Default: 64 MiB.
    pub message_bytes: u64,
    /// The largest message on the exchange port. Default: 64 KiB.
    pub exchange_message_bytes: u64,
    /// How many calls of one client may wait for their answers. Default: 16,384.
    pub pending_calls: u64,
    /// How many bytes may wait for a client that does not read. Default: 128 MiB.
    pub queued_bytes: u64,
    /// How many plugins a client may have. Default: 1,024.
    pub plugins: u64,
    /// How many clients are served at once, and how many connections on the exchange port. Default: 1,024.
    pub clients: u64,
}

// SAFETY: its size comes first; the rest is texts, numbers, and pointers that may be NULL.
unsafe impl Record for FlipperDesktopConfig {}

impl FlipperDesktopConfig {
    /// # Safety
    /// `record` is NULL or points to a record of the size that it says, with good texts in it.
    pub(super) unsafe fn read(record: *const Self) -> Result<Config, FlipperResult> {
        let mut config = Config::new();
        if record.is_null() {
            return Ok(config);
        }
        // SAFETY: the caller's promise.
        let record = unsafe { record::read(record) }?;
        // SAFETY: the caller's promise.
        unsafe {
            config.known_hosts = list(record.known_hosts, record.known_host_count)?;
            config.allowed_origins = list(record.allowed_origins, record.allowed_origin_count)?;
        }
        set(&mut config.exchange_rate.per_second, record.exchanges_per_second);
        set(&mut config.exchange_rate.burst, record.exchange_burst);
        set(&mut config.connection_exchange_rate.per_second, record.connection_exchanges_per_second);
        set(&mut config.connection_exchange_rate.burst, record.connection_exchange_burst);
        let timing = &mut config.timing;
        set_span(&mut timing.call, record.call_ms);
        set_span(&mut timing.registration, record.registration_ms);
        set_span(&mut timing.ping, record.ping_ms);
        set_span(&mut timing.unresponsive, record.unresponsive_ms);
        set_span(&mut timing.exchange_idle, record.exchange_idle_ms);
        set_span(&mut timing.close, record.close_ms);
        let limits = &mut config.limits;
        set_limit(&mut limits.message_bytes, record.message_bytes)?;
        set_limit(&mut limits.exchange_message_bytes, record.exchange_message_bytes)?;
        set_limit(&mut limits.pending_calls, record.pending_calls)?;
        set_limit(&mut limits.queued_answer_bytes, record.queued_bytes)?;
        set_limit(&mut limits.plugins, record.plugins)?;
        set_limit(&mut limits.clients, record.clients)?;
        Ok(config)
    }
}

/// # Safety
/// `texts` points to `count` good texts; it may be NULL if there are none.
unsafe fn list<T: FromStr>(texts: *const FlipperStr, count: usize) -> Result<Vec<T>, FlipperResult> {
    // SAFETY: the caller's promise.
    let texts = unsafe { pointer::slice(texts, count) }?;
    // SAFETY: the caller's promise.
    texts.iter().map(|text| unsafe { text.read() }?.parse().map_err(|_| FlipperResult::BadValue)).collect()
}
