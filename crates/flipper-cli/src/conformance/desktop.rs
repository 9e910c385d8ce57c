//! `flipper conformance desktop`.

use clap::Args;
use flipper_conformance::check::RunError;
use flipper_conformance::check::desktop::{Check, UiDriver};

use super::Common;
use super::output::Output;
use crate::values::two_ports;

/// Which desktop is checked.
#[derive(Args)]
pub(super) struct Options {
    /// The desktop's host name or address.
    #[arg(long, value_name = "HOST")]
    connect: String,
    /// The desktop's ports.
    #[arg(long, value_name = "INSECURE,SECURE", value_parser = two_ports, default_value = "9089,9088")]
    ports: (u16, u16),
    /// The desktop's port for browsers, if that is to be checked, too.
    #[arg(long, value_name = "PORT")]
    browser_port: Option<u16>,
    /// The port of a UI socket such as the official desktop has (52342): through it, the desktop is told to call the
    /// apps that are played.
    #[arg(long, value_name = "PORT")]
    ui_port: Option<u16>,
    /// Also run what is known to end some desktops.
    #[arg(long)]
    dangerous: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(options: Options) -> Result<bool, RunError> {
    let mut check = Check::of(options.connect);
    (check.insecure, check.secure) = options.ports;
    check.browser = options.browser_port;
    check.dangerous = options.dangerous;
    check.patience = options.common.patience(check.patience);
    check.selection = options.common.selection();
    check.expectations = options.common.expectations()?;
    let output = Output::open(&options.common)?;
    if let Some(port) = options.ui_port {
        let driver = UiDriver::connect(&check.host, port, check.patience);
        check.driver = Some(Box::new(driver.map_err(|what| RunError::Unable { what })?));
    }
    let report = check.run(&mut |line| output.line(line))?;
    output.finish(&report)
}
