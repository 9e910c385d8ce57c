//! The suite for clients, with every adapter.

use flipper_conformance::adapters::{BlockingAdapter, SmolAdapter, TokioAdapter};
use flipper_conformance::client_suite;

client_suite! { tokio: TokioAdapter }
client_suite! { smol: SmolAdapter }
client_suite! {
    blocking: BlockingAdapter,
    skip: {
        async_methods_delay_nobody => "there is no async runtime; the call says so",
        a_panic_in_an_async_method_harms_nobody => "there is no async runtime; the call says so",
        a_plugin_may_stop_the_app_in_an_async_method => "there is no async runtime; the call says so",
    }
}
