//! Desktops that apps are tried with, as whoever uses a desktop sees it: in plain synchronous calls.

mod host;
#[cfg(unix)]
mod hosted;
mod inbox;
#[cfg(unix)]
mod official;
mod ours;

pub use self::host::{Host, OnSmol, OnTokio};
#[cfg(unix)]
pub use self::hosted::Hosted;
#[cfg(unix)]
pub use self::official::Official;
pub use self::ours::Ours;

use serde_json::Value;

use crate::Result;

/// What an app answered: its `success`, or its `error`.
pub type Answer = Result<Value, Value>;

/// Waits for an answer.
pub type PendingAnswer<'a> = Box<dyn FnOnce() -> Result<Answer> + 'a>;

/// A desktop with its state and ports, which stay the same when it is restarted.
///
/// Clients are known by their ids, in the desktop's own words. Whatever waits gives up after
/// [`PATIENCE`](crate::PATIENCE) with an error that says what did not come.
pub trait Desktop: Sized {
    /// Starts one on free ports that nobody has ever connected to; `None` if this test is to be skipped, for a reason
    /// that was printed.
    ///
    /// # Errors
    /// When it does not come up.
    fn start() -> Result<Option<Self>>;

    /// Its ports for exchanges and for sessions.
    fn ports(&self) -> (u16, u16);

    /// Stops it as its user would.
    ///
    /// # Errors
    /// When it does not end.
    fn stop(&mut self) -> Result;

    /// Starts it after a stop.
    ///
    /// # Errors
    /// When it does not come up.
    fn start_again(&mut self) -> Result;

    /// Starts it after a stop with another CA of the same name: no certificate from before is good any more.
    ///
    /// # Errors
    /// When it does not come up.
    fn start_with_another_ca(&mut self) -> Result;

    /// Waits until an app of this name is connected, and gives its id.
    ///
    /// # Errors
    /// When it does not come.
    fn wait_for_client(&self, app: &str) -> Result<String>;

    /// Waits until no such client is connected.
    ///
    /// # Errors
    /// When it does not go.
    fn wait_for_client_gone(&self, client: &str) -> Result;

    /// How many clients of this app's name are connected.
    ///
    /// # Errors
    /// When the desktop does not say.
    fn count_clients(&self, app: &str) -> Result<usize>;

    /// The plugins of a client: all, and those in the background.
    ///
    /// # Errors
    /// When the client has not told.
    fn plugins(&self, client: &str) -> Result<(Vec<String>, Vec<String>)>;

    /// Waits until a client tells that its plugins have changed.
    ///
    /// # Errors
    /// When it does not tell.
    fn wait_for_refresh(&self, client: &str) -> Result;

    /// Initialises a plugin.
    ///
    /// # Errors
    /// When the desktop refuses.
    fn init(&self, client: &str, plugin: &str) -> Result;

    /// Leaves a plugin.
    ///
    /// # Errors
    /// When the desktop refuses.
    fn deinit(&self, client: &str, plugin: &str) -> Result;

    /// Whether a plugin has a method, as its client says.
    ///
    /// # Errors
    /// When no answer comes.
    fn is_method_supported(&self, client: &str, plugin: &str, method: &str) -> Result<bool>;

    /// Calls a method, and gives what waits for the answer. Calls go out in the order of these.
    ///
    /// # Errors
    /// When the desktop refuses.
    fn start_call(&self, client: &str, plugin: &str, method: &str, params: &Value) -> Result<PendingAnswer<'_>>;

    /// Waits for the next event of this name, and gives its params.
    ///
    /// # Errors
    /// When it does not come.
    fn wait_for_event(&self, client: &str, plugin: &str, method: &str) -> Result<Value>;

    /// Waits for an error that a client reports outside any call.
    ///
    /// # Errors
    /// When it does not come.
    fn wait_for_error(&self, client: &str) -> Result<Value>;

    /// Calls a method and waits for the answer.
    ///
    /// # Errors
    /// When none comes.
    fn call(&self, client: &str, plugin: &str, method: &str, params: &Value) -> Result<Answer> {
        self.start_call(client, plugin, method, params)?()
    }
}
