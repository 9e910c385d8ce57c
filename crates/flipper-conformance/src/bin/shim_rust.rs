//! The shim of the clients of this project: `flipper conformance client --shim` runs it, with the adapter's name as its
//! first argument.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read as _};
use std::process::exit;
use std::time::Duration;

use flipper_client::Builder;
use flipper_conformance::adapters::{BlockingAdapter, SmolAdapter, TokioAdapter};
use flipper_conformance::check::shim::{Flags, NOT_IMPLEMENTED, Ports, contract};
use flipper_conformance::{Adapter, Handle as _, Result};

fn main() -> Result {
    let mut arguments = env::args().skip(1);
    match arguments.next().as_deref() {
        Some(TokioAdapter::NAME) => run::<TokioAdapter>(arguments),
        Some(SmolAdapter::NAME) => run::<SmolAdapter>(arguments),
        Some(BlockingAdapter::NAME) => run::<BlockingAdapter>(arguments),
        other => Err(format!("an adapter was expected (tokio, smol, blocking), not {other:?}").into()),
    }
}

fn run<A: Adapter>(arguments: impl Iterator<Item = String>) -> Result {
    let flags = Flags::parse(arguments).map_err(|error| error.to_string())?;
    let Ports::Secure { insecure, secure } = flags.ports else { exit(NOT_IMPLEMENTED.into()) };
    let builder = Builder::<A::Launch>::new(flags.app, flags.app_id)
        .host(flags.host)
        .ports(insecure, secure)
        .directory(flags.directory)
        .plugin(contract())
        // What takes seconds in an app need not take them here.
        .configure(|config| {
            config.backoff.first = Duration::from_millis(20);
            config.backoff.ceiling = Duration::from_millis(200);
            config.timing.grant = Duration::from_secs(1);
        });
    let (handle, _runtime) = A::start(builder)?;
    // Until whoever runs the scenarios is gone.
    io::stdin().read_to_end(&mut Vec::new())?;
    handle.stop();
    Ok(())
}
