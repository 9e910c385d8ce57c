//! The suite for clients, with every adapter.

use flipper_conformance::adapters::{SmolAdapter, TokioAdapter};
use flipper_conformance::client_suite;

client_suite! { tokio: TokioAdapter }
client_suite! { smol: SmolAdapter }
