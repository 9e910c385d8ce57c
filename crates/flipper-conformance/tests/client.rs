//! The suite for clients, with every adapter.

use flipper_conformance::adapters::{BlockingAdapter, SmolAdapter, TokioAdapter};
use flipper_conformance::client_suite;

client_suite! {
    tokio: TokioAdapter,
    skip: {
        a_handler_that_blocks_delays_no_pong => "callbacks run on the task that drives the connection",
    }
}
client_suite! {
    smol: SmolAdapter,
    skip: {
        a_handler_that_blocks_delays_no_pong => "callbacks run on the task that drives the connection",
    }
}
client_suite! {
    blocking: BlockingAdapter,
    skip: {
        async_methods_delay_nobody => "there is no async runtime; the call says so",
        a_panic_in_an_async_method_harms_nobody => "there is no async runtime; the call says so",
        a_plugin_may_stop_the_app_in_an_async_method => "there is no async runtime; the call says so",
    }
}
