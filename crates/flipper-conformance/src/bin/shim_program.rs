//! A shim for `flipper conformance client --shim` around any program of the contract in `docs/conformance.md`: its first
//! argument is the program, whose plugin `test` it plays.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::exit;
use std::time::Duration;

use flipper_conformance::Result;
use flipper_conformance::check::shim::{Flags, NOT_IMPLEMENTED, Ports};
use flipper_conformance::programs::{Program, Settings};
use flipper_conformance::roles::Sample;

fn main() -> Result {
    let mut arguments = env::args().skip(1);
    let program = arguments.next().ok_or("a program was expected")?;
    let flags = Flags::parse(arguments).map_err(|error| error.to_string())?;
    let Ports::Secure { insecure, secure } = flags.ports else { exit(NOT_IMPLEMENTED.into()) };
    let program = Program::spawn(
        Path::new(&program),
        &Settings {
            host: flags.host,
            ports: (insecure, secure),
            directory: flags.directory,
            app: flags.app,
            app_id: flags.app_id,
            scenario: flags.scenario,
            // What takes seconds in an app need not take them here.
            backoff: (Duration::from_millis(20), Duration::from_millis(200)),
            grant: Some(Duration::from_secs(1)),
            shows_output: true,
        },
    )?;
    program.add(Box::new(Sample::test()))?;
    program.command(&["start"])?;
    // Until whoever runs the scenarios is gone.
    io::stdin().read_to_end(&mut Vec::new())?;
    program.hang_up()
}
