//! The shim of the client over tokio: `flipper conformance client --shim` runs it.
#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::io::{self, Read as _};
use std::time::Duration;

use flipper_conformance::check::shim::{Flags, Ports, contract};
use flipper_tokio::Flipper;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse(env::args().skip(1))?;
    let Ports::Secure { insecure, secure } = flags.ports else {
        std::process::exit(flipper_conformance::check::shim::NOT_IMPLEMENTED.into());
    };
    let flipper = Flipper::builder(flags.app, flags.app_id)
        .host(flags.host)
        .ports(insecure, secure)
        .directory(flags.directory)
        .plugin(contract())
        // What takes seconds in an app need not take them here.
        .configure(|config| {
            config.backoff.first = Duration::from_millis(20);
            config.backoff.ceiling = Duration::from_millis(200);
            config.timing.grant = Duration::from_secs(1);
        })
        .start()?;
    // Until whoever runs the scenarios is gone.
    tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    flipper.stop().await;
    Ok(())
}
