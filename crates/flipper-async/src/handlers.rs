//! Plugin methods that are async functions.

use std::future::Future;
use std::sync::Arc;

use flipper_client::PluginBuilder;
use flipper_proto::ErrorReport;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Adds async methods to a plugin that is being built.
pub trait AsyncMethods {
    /// Adds a method that takes params of type `P` and answers when its future is ready. The future runs as a task of
    /// its own on the app's runtime, so that it delays nobody.
    ///
    /// Params and results are treated as by [`PluginBuilder::method`].
    fn async_method<P, T, E, F>(
        self,
        name: impl Into<String>,
        handler: impl Fn(P) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + Send,
        T: Serialize,
        E: Into<ErrorReport>,
        F: Future<Output = Result<T, E>> + Send + 'static;
}

impl AsyncMethods for PluginBuilder {
    fn async_method<P, T, E, F>(self, name: impl Into<String>, handler: impl Fn(P) -> F + Send + Sync + 'static) -> Self
    where
        P: DeserializeOwned + Send,
        T: Serialize,
        E: Into<ErrorReport>,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        self.call(name, move |call| match call.parse() {
            Err(report) => {
                // A session that ended meanwhile wants no answer.
                let _ended = call.responder.error(&report);
            }
            Ok(params) => {
                let result = handler(params);
                let spawned = call.spawn(|call| {
                    Box::pin(async move {
                        let result = result.await;
                        let _ended = call.responder.finish(result);
                    })
                });
                if let Err(call) = spawned {
                    let report = ErrorReport::new("the app runs on no async runtime").named("NoRuntime");
                    let _ended = call.responder.error(&report);
                }
            }
        })
    }
}
