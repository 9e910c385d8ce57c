//! The adapters that the suite is run with.

mod blocking;
mod smol;
mod tokio;

pub use self::blocking::{BlockingAdapter, BlockingHandle};
pub use self::smol::{SmolAdapter, SmolHandle, SmolRuntime};
pub use self::tokio::{TokioAdapter, TokioHandle};

/// The part of a [`Handle`](crate::Handle) that is the same for all adapters of this project.
macro_rules! handle_over_flipper {
    () => {
        fn status(&self) -> flipper_client::Status {
            self.flipper.status()
        }

        fn watch(&self) -> flipper_client::Watch {
            self.flipper.watch()
        }

        fn counters(&self) -> flipper_client::proto::client::Counters {
            self.flipper.counters()
        }

        fn connection(&self, plugin: &str) -> flipper_client::Connection {
            self.flipper.connection(plugin)
        }

        fn add_plugin(
            &self,
            plugin: impl flipper_client::Plugin,
        ) -> crate::Result<(), flipper_client::proto::ApiMisuse> {
            self.flipper.add_plugin(plugin)
        }

        fn remove_plugin(&self, id: &str) -> crate::Result<(), flipper_client::proto::ApiMisuse> {
            self.flipper.remove_plugin(id)
        }

        fn begin_stop(&self) {
            // It begins whether it is waited for or not.
            drop(self.flipper.stop());
        }
    };
}
use handle_over_flipper;
