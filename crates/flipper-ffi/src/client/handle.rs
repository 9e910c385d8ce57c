//! A client, and how one gets to it.

use flipper_proto::Instant;
use flipper_proto::client::Client;

use super::config::FlipperClientConfig;
use crate::exclusive::{Exclusive, guard};
use crate::pointer;
use crate::result::FlipperResult;

/// The app's state machine; opaque to C. One thread at a time may use it.
#[derive(Debug)]
pub struct FlipperClient {
    client: Exclusive<Client>,
}

/// Makes a client that is stopped and has no plugins.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_new(
    config: *const FlipperClientConfig,
    out: *mut *mut FlipperClient,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let client = Client::new(FlipperClientConfig::read(config)?);
        pointer::give(out, FlipperClient { client: Exclusive::new(client) })
    })
}

/// Frees a client. NULL is nothing to free.
///
/// Threads: any, and no other call with it goes on or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_free(client: *mut FlipperClient) {
    // SAFETY: the caller's promise.
    unsafe { pointer::free(client) };
}

/// Does something with a client.
///
/// # Safety
/// `client` is NULL, or came from `flipper_client_new` and was not freed.
pub(super) unsafe fn with(
    client: *mut FlipperClient,
    work: impl FnOnce(&mut Client) -> Result<(), FlipperResult>,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    match unsafe { pointer::shared(client) } {
        Ok(handle) => handle.client.enter(work),
        Err(result) => result,
    }
}

pub(super) fn at(now_ms: u64) -> Instant {
    Instant::from_millis(now_ms)
}
