//! The desktop over real sockets and real TLS, against this project's own client and against scripted peers.
//!
//! Nothing here waits for time to pass: tests wait for events, answers and the ends of connections, and all of that has
//! a limit that only a failure reaches.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail at any line")]

/// Makes tests of async functions that are generic over the runtime of the desktop: one for each runtime there is. The
/// peers run on tokio, whatever the desktop runs on.
macro_rules! on_every_runtime {
    ($(($($flavor:tt)*))? $($(#[$meta:meta])* $name:ident,)*) => {
        on_every_runtime! { @ on_tokio, flipper_tokio::Tokio, [$($($flavor)*)?], $($(#[$meta])* $name,)* }
        on_every_runtime! { @ on_smol, flipper_smol::Smol, [$($($flavor)*)?], $($(#[$meta])* $name,)* }
    };
    (@ $module:ident, $runtime:ty, $flavor:tt, $($(#[$meta:meta])* $name:ident,)*) => {
        mod $module {
            $(on_every_runtime! { @@ $runtime, $flavor, $(#[$meta])* $name })*
        }
    };
    (@@ $runtime:ty, [$($flavor:tt)*], $(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[tokio::test($($flavor)*)]
        async fn $name() {
            super::$name::<$runtime>().await;
        }
    };
}

mod accept;
#[cfg(target_os = "linux")]
mod adb;
mod admission;
#[cfg(feature = "api")]
mod api;
mod browser;
mod calls;
mod environment;
mod exchange;
mod http;
mod instance;
#[cfg(unix)]
mod ios;
mod lifecycle;
mod limits;
mod load;
mod paired_app;
mod pairing;
#[cfg(feature = "records")]
mod records;
mod start;
mod support;
mod telling;
mod trust;
