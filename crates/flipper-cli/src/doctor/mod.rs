//! `flipper doctor`: why an app does not get through, and what to do about it.

mod adb;
mod api;
mod bundle;
mod handshake;
mod ports;
mod report;
mod state;

use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};

use clap::Args;

use self::ports::DesktopPorts;
use self::report::Report;
use crate::failure::Failure;
use crate::place::Place;
use crate::progress::Waiting;
use crate::remote::Remote;
use crate::terminal;
use crate::values::two_ports;

/// What is to be looked at.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The desktop's host name or address.
    #[arg(long, default_value = "localhost")]
    host: String,
    /// The desktop's ports [default: those of the desktop that runs, else FLIPPER_ALT_PORTS, else FLIPPER_PORTS, else
    /// 9089,9088].
    #[arg(long, value_name = "INSECURE,SECURE", value_parser = two_ports)]
    ports: Option<(u16, u16)>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Also write what was found into this file, to be attached to a report. There are no keys, certificate requests,
    /// tokens or pairing secrets in it.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

/// Whether everything is well. That it is not is no error of the command.
pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let directory = options.place.directory()?;
    let report = examine(options, &directory)?;
    if options.json {
        println!("{}", terminal::json(&serde_json::to_string_pretty(&report)?));
    } else {
        report.print();
    }
    if let Some(file) = &options.bundle {
        bundle::write(file, &report, &directory)?;
        eprintln!("written to {}; there are no keys and no secrets in it", file.display());
    }
    Ok(report.is_well())
}

fn examine(options: &Options, directory: &Path) -> Result<Report, Failure> {
    let mut report = Report::new();
    let holder = state::check(&mut report, directory);
    let remote = match Remote::find(&options.place) {
        Ok(remote) => Some(remote),
        Err(failure) => {
            // That none runs shows in other ways.
            if !failure.is_no_desktop() {
                report.warn("API", failure.text(), "run this as the desktop's user, or start the desktop anew");
            }
            None
        }
    };
    let ports = match (options.ports, &remote) {
        (Some((insecure, secure)), _) => DesktopPorts::pair(insecure, secure),
        (None, Some(remote)) => DesktopPorts::of_running(remote.running()),
        (None, None) => DesktopPorts::of_environment()?,
    };
    // The processes of another machine cannot be seen from here.
    let is_here = (options.host.as_str(), ports.insecure)
        .to_socket_addrs()
        .is_ok_and(|mut addresses| addresses.all(|address| address.ip().is_loopback()));
    if is_here {
        ports::check(&mut report, &ports, holder);
        if let Some(remote) = &remote {
            api::check(&mut report, remote);
        }
    }
    {
        let _waiting = Waiting::new("asking adb's server");
        adb::check(&mut report, &ports);
    }
    let _waiting = Waiting::new(format!("doing what an app does, with {}", options.host));
    handshake::replay(&mut report, &options.host, &ports);
    Ok(report)
}
