//! The trait that every plugin implements.

use std::sync::Arc;

use crate::{Call, Connection};

/// One side of a plugin: the part in the app. A desktop shows the other side under the same id.
///
/// All methods are called one after the other, from one task or thread, and never under a lock; only an adapter that
/// was given several threads for that makes calls side by side. They should return soon: to answer later or from
/// elsewhere, move the [`Call`]'s responder there.
///
/// [`plugin`](crate::plugin) builds one from closures.
pub trait Plugin: Send + Sync + 'static {
    /// The name that both ends know the plugin by, such as `Network`. It never changes.
    fn id(&self) -> &str;

    /// Whether the desktop should initialise the plugin as soon as the app connects, and not only while somebody looks
    /// at it.
    fn run_in_background(&self) -> bool {
        false
    }

    /// The plugin was added to an app, before it starts or while it runs. Events that are sent with `connection` wait, in
    /// a bounded buffer, until a desktop initialises the plugin.
    fn on_added(&self, connection: Connection) {
        drop(connection);
    }

    /// The desktop initialised the plugin. Where a user interface is reloaded this comes again, after
    /// [`on_disconnect`](Self::on_disconnect): send then whatever it needs to begin with.
    fn on_connect(&self, connection: Connection) {
        drop(connection);
    }

    /// The desktop has left the plugin, or is gone. Events that are sent from now on wait in a buffer.
    fn on_disconnect(&self) {}

    /// Whether the plugin has this method. Calls of others are answered with `Receiver … not found.`.
    fn has_method(&self, method: &str) -> bool;

    /// The desktop calls a method. A call whose responder is dropped without an answer is answered with an error.
    fn on_call(&self, call: Call);
}

impl<P: Plugin + ?Sized> Plugin for Arc<P> {
    fn id(&self) -> &str {
        (**self).id()
    }

    fn run_in_background(&self) -> bool {
        (**self).run_in_background()
    }

    fn on_added(&self, connection: Connection) {
        (**self).on_added(connection);
    }

    fn on_connect(&self, connection: Connection) {
        (**self).on_connect(connection);
    }

    fn on_disconnect(&self) {
        (**self).on_disconnect();
    }

    fn has_method(&self, method: &str) -> bool {
        (**self).has_method(method)
    }

    fn on_call(&self, call: Call) {
        (**self).on_call(call);
    }
}
