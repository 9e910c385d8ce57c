//! Real apps and real desktops: every adapter with our desktop on every runtime, and with the official one.

use flipper_conformance::adapters::{BlockingAdapter, SmolAdapter, TokioAdapter};
use flipper_conformance::apps::{CSansIo, CThreaded, ProgramApp, Python};
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

/// The suite of one program with our desktop and with the official one.
macro_rules! program_with_desktops {
    ($name:ident: $binding:ty) => {
        mod $name {
            use super::*;

            matrix_suite! {
                on_tokio: ProgramApp<$binding>, Ours<OnTokio>,
                skip: {
                    a_plugin_that_panics_or_is_given_other_params_is_answered_for =>
                        "the plugins of programs are played by the suite",
                }
            }
            #[cfg(unix)]
            matrix_suite! {
                with_official: ProgramApp<$binding>, flipper_conformance::desktops::Official,
                skip: {
                    a_plugin_that_panics_or_is_given_other_params_is_answered_for =>
                        "the plugins of programs are played by the suite",
                    two_processes_of_one_app_both_stay =>
                        "the official desktop tells two processes of one app apart by their device ids only",
                }
            }
        }
    };
}

program_with_desktops! { c_threaded: CThreaded }
program_with_desktops! { c_sans_io: CSansIo }
program_with_desktops! { python: Python }
