//! `flipper conformance`: whether a client or a desktop, in any language, speaks the protocol.

mod client;
mod desktop;
mod output;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use flipper_conformance::check::{self, Expectations, Format, RunError, Scenario, Selection};

/// What is to be checked.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    side: Side,
}

#[derive(Subcommand)]
enum Side {
    /// Check a client: play the desktop for it.
    ///
    /// The client must have a plugin `test`, and come back by itself whenever it has lost its connection; or a program
    /// is given that is run for every scenario (--shim). docs/conformance.md says how to write either.
    Client(client::Options),
    /// Check a desktop: play apps that connect to it.
    Desktop(desktop::Options),
    /// Name all scenarios, and what each of them is about.
    List {
        /// Those for this side only.
        #[arg(value_enum)]
        side: Option<SideName>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SideName {
    /// The scenarios for clients.
    Client,
    /// The scenarios for desktops.
    Desktop,
}

/// What both sides have in common.
#[derive(Args)]
struct Common {
    /// Run only scenarios whose name matches; `*` stands for any part of a name but `/`, `**` for all parts. May be
    /// given several times.
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// A JSON file with the known deviations: a list of {"scenario": GLOB, "outcome": "fail" or "skip", "reason": TEXT}.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t = FormatOption::Text)]
    format: FormatOption,
    /// Write the report here, and tell on standard output how it goes.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How many seconds every single wait may take [default: 30 for clients, 10 for desktops].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatOption {
    /// For people, a line as soon as it is known.
    Text,
    /// JSON.
    Json,
    /// JUnit XML.
    Junit,
}

impl Common {
    fn selection(&self) -> Selection {
        Selection::of(&self.only)
    }

    fn expectations(&self) -> Result<Expectations, RunError> {
        Ok(match &self.expect {
            Some(file) => Expectations::read(file)?,
            None => Expectations::none(),
        })
    }

    fn patience(&self, default: Duration) -> Duration {
        self.timeout.map_or(default, Duration::from_secs)
    }
}

impl From<FormatOption> for Format {
    fn from(option: FormatOption) -> Self {
        match option {
            FormatOption::Text => Self::Text,
            FormatOption::Json => Self::Json,
            FormatOption::Junit => Self::Junit,
        }
    }
}

/// Nothing could be checked.
const MISUSE: u8 = 2;

/// Runs the checks. Exits with 0 if everything is as expected, with 1 if not, and with 2 if nothing could be checked.
pub(crate) async fn run(options: Options) -> ExitCode {
    let work = move || match options.side {
        Side::Client(options) => client::run(options),
        Side::Desktop(options) => desktop::run(options),
        Side::List { side } => {
            list(side);
            Ok(true)
        }
    };
    // The checks block.
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(error)) => {
            eprintln!("flipper conformance: {error}");
            MISUSE.into()
        }
        Err(panicked) => {
            eprintln!("flipper conformance: {panicked}");
            MISUSE.into()
        }
    }
}

fn list(side: Option<SideName>) {
    let sides = [
        (SideName::Client, "client", check::client::scenarios()),
        (SideName::Desktop, "desktop", check::desktop::scenarios()),
    ];
    for (name, title, scenarios) in sides {
        if side.is_some_and(|side| side != name) {
            continue;
        }
        println!("Scenarios for a {title}:\n");
        for Scenario { name, about, reference, .. } in scenarios {
            println!("  {name}\n      {about}\n      see: {reference}");
        }
        println!();
    }
}
