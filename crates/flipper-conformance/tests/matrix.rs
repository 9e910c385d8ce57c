//! Real apps and real desktops: every adapter with our desktop on every runtime, and with the official one.

use std::path::PathBuf;

use flipper_conformance::Result;
use flipper_conformance::adapters::{BlockingAdapter, SmolAdapter, TokioAdapter};
use flipper_conformance::apps::{Binding, ProgramApp};
use flipper_conformance::desktops::{OnSmol, OnTokio, Ours};
use flipper_conformance::matrix_suite;
use flipper_conformance::suite;

/// The suite of one adapter with every desktop.
macro_rules! with_every_desktop {
    ($name:ident: $adapter:ty) => {
        mod $name {
            use super::*;

            matrix_suite! { on_tokio: suite::App<$adapter>, Ours<OnTokio> }
            matrix_suite! { on_smol: suite::App<$adapter>, Ours<OnSmol> }
            #[cfg(unix)]
            matrix_suite! {
                with_official: suite::App<$adapter>, flipper_conformance::desktops::Official,
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

/// The client on threads once more, as programs in other languages are told what to do: that costs no verdict.
enum Reference {}

impl Binding for Reference {
    const NAME: &'static str = "program_rust";

    fn program() -> Result<PathBuf> {
        Ok(env!("CARGO_BIN_EXE_program_rust").into())
    }
}

mod program {
    use super::*;

    matrix_suite! {
        on_tokio: ProgramApp<Reference>, Ours<OnTokio>,
        skip: {
            a_plugin_that_panics_or_is_given_other_params_is_answered_for =>
                "the plugins of programs are played by the suite",
        }
    }
}
