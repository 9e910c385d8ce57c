//! `flipper conformance client`.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use flipper_conformance::check::RunError;
use flipper_conformance::check::client::{Check, Subject, Transport};

use super::Common;
use super::output::Output;
use crate::values::two_ports;

/// Which client is checked, and how it connects.
#[derive(Args)]
pub(super) struct Options {
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    listen: IpAddr,
    /// The ports to listen on; 0 is any that is free [default: 9089,9088, and any for a shim].
    #[arg(long, value_name = "INSECURE,SECURE", value_parser = two_ports)]
    ports: Option<(u16, u16)>,
    /// The client is one for browsers, which connects to a plain port and exchanges no certificates.
    #[arg(long, conflicts_with_all = ["ports", "state_dir"])]
    browser: bool,
    /// The port for a client for browsers [default: 8333, and any for a shim].
    #[arg(long, value_name = "PORT", requires = "browser")]
    browser_port: Option<u16>,
    /// Where the desktop that is played keeps its CA, so that certificates of an earlier run are still good [default:
    /// nowhere].
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "shim")]
    state_dir: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// Run this program for every scenario, with flags that say where to connect. All that follows are its own
    /// arguments.
    #[cfg(unix)]
    #[arg(long, value_name = "PROGRAM [ARGUMENT]…", num_args = 1.., allow_hyphen_values = true)]
    shim: Vec<OsString>,
}

impl Options {
    #[cfg(unix)]
    fn subject(&self) -> Subject {
        match self.shim.split_first() {
            Some((program, arguments)) => Subject::Shim { program: program.into(), arguments: arguments.to_vec() },
            None => Subject::ByHand,
        }
    }

    #[cfg(not(unix))]
    fn subject(&self) -> Subject {
        Subject::ByHand
    }
}

pub(super) fn run(options: Options) -> Result<bool, RunError> {
    let mut check = Check::of(options.subject());
    check.listen = options.listen;
    if options.browser {
        check.transport = Transport::BROWSER;
        if check.subject != Subject::ByHand {
            check.transport = check.transport.on_any_ports();
        }
    }
    if let Some(port) = options.browser_port {
        check.transport = Transport::Browser { port };
    }
    if let Some((insecure, secure)) = options.ports {
        check.transport = Transport::Secure { insecure, secure };
    }
    check.state_dir = options.state_dir;
    check.patience = options.common.patience(check.patience);
    check.selection = options.common.selection();
    check.expectations = options.common.expectations()?;

    let output = Output::open(&options.common)?;
    let listen = check.listen;
    let ready = check.listen()?;
    if let Some(transport) = ready.transport() {
        output.note(&instructions(listen, transport));
    }
    let report = ready.run(&mut |line| output.line(line))?;
    output.finish(&report)
}

fn instructions(listen: IpAddr, transport: Transport) -> String {
    let ports = match transport {
        Transport::Secure { insecure, secure } => {
            format!("port {insecure} for the certificate exchange and port {secure} for the session")
        }
        Transport::Browser { port } => format!("ws://localhost:{port}, with an Origin such as http://localhost"),
    };
    format!(
        "A desktop listens on {listen}. Start the client now, and point it at {ports}.\n\
         It needs a plugin `test` with the method `reverse`, and `echo`, `fail`, `emit`, `hold`, `release` for all \
         scenarios;\nif it ever stops coming back, start it again.\n"
    )
}
