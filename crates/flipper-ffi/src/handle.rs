//! A client, and how one gets to it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use flipper_proto::client::Client;

use crate::code::Code;
use crate::pointer;
use crate::record::FlipperConfig;

/// A client; opaque to C.
#[derive(Debug)]
pub struct FlipperClient {
    client: Client,
    /// A panic left it in a state that nobody knows.
    poisoned: bool,
}

/// Makes a client that is stopped and has no plugins.
///
/// # Safety
/// `config` is NULL or points to a record of the size that it says, with good texts in it; `out` is NULL or points to a
/// pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_new(config: *const FlipperConfig, out: *mut *mut FlipperClient) -> Code {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let client = Client::new(FlipperConfig::read(config)?);
        pointer::give(out, FlipperClient { client, poisoned: false })
    })
}

/// Frees a client.
///
/// # Safety
/// `client` is NULL, or came from [`flipper_client_new`] and is never used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_free(client: *mut FlipperClient) {
    // A panic while a client is dropped has nobody to tell it.
    // SAFETY: the caller's promise.
    let _panic = guard(|| {
        unsafe { pointer::free(client) };
        Ok(())
    });
}

/// Does something with a client. After a panic, nobody does anything with it any more.
///
/// # Safety
/// `client` is NULL, or came from [`flipper_client_new`], was not freed, and nobody else uses it now.
pub(crate) unsafe fn with(client: *mut FlipperClient, work: impl FnOnce(&mut Client) -> Result<(), Code>) -> Code {
    // SAFETY: the caller's promise.
    match unsafe { pointer::exclusive(client) } {
        Ok(handle) => handle.enter(work),
        Err(code) => code,
    }
}

impl FlipperClient {
    fn enter(&mut self, work: impl FnOnce(&mut Client) -> Result<(), Code>) -> Code {
        if self.poisoned {
            return Code::Panic;
        }
        let code = guard(|| work(&mut self.client));
        self.poisoned = code == Code::Panic;
        code
    }
}

/// Keeps a panic from reaching C.
pub(crate) fn guard(work: impl FnOnce() -> Result<(), Code>) -> Code {
    // Whatever a panic leaves half done is either poisoned or was never handed out.
    catch_unwind(AssertUnwindSafe(work)).map_or(Code::Panic, Code::from)
}

#[cfg(test)]
mod tests {
    use super::{Client, Code, FlipperClient};
    use flipper_proto::client::Config;

    #[test]
    fn after_a_panic_a_handle_is_of_no_use() {
        let mut handle = FlipperClient { client: Client::new(Config::new("a", "b")), poisoned: false };
        assert_eq!(handle.enter(|_| Ok(())), Code::Ok);
        assert_eq!(handle.enter(|_| Err(Code::Done)), Code::Done);
        assert_eq!(handle.enter(|_| panic!("a fault of this library")), Code::Panic);
        assert_eq!(handle.enter(|_| unreachable!("it is poisoned")), Code::Panic);
    }
}
