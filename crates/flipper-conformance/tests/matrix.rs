//! Real apps and real desktops: every adapter with our desktop on every runtime, and with the official one.

use flipper_conformance::adapters::{BlockingAdapter, SmolAdapter, TokioAdapter};
use flipper_conformance::desktops::{OnSmol, OnTokio, Ours};
use flipper_conformance::matrix_suite;

/// The suite of one adapter with every desktop.
macro_rules! with_every_desktop {
    ($name:ident: $adapter:ty) => {
        mod $name {
            use super::*;

            matrix_suite! { on_tokio: $adapter, Ours<OnTokio> }
            matrix_suite! { on_smol: $adapter, Ours<OnSmol> }
            #[cfg(unix)]
            matrix_suite! {
                with_official: $adapter, flipper_conformance::desktops::Official,
                skip: {
                    two_processes_of_one_app_both_stay =>
                        "the official desktop tells two processes of one app apart by their device ids only",
                }
            }
        }
    };
}

with_every_desktop! { tokio: TokioAdapter }
with_every_desktop! { smol: SmolAdapter }
with_every_desktop! { blocking: BlockingAdapter }
