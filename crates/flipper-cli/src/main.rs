//! The `flipper` command.
#![forbid(unsafe_code)]

mod app;
mod conformance;
mod demo;
mod pair;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Look inside running apps, and try it without any.
#[derive(Parser)]
#[command(name = "flipper", version, about, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show everything once: a desktop, an app, and all they say to each other. Needs nothing installed.
    Demo,
    /// Run the sample app against a desktop that already runs.
    App(app::Options),
    /// Pair an app on another machine with the desktop of this one: print a link that lets it in.
    Pair(pair::Options),
    /// Check whether a client or a desktop, in any language, speaks the protocol.
    Conformance(conformance::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("FLIPPER_LOG").unwrap_or_else(|_| EnvFilter::new("off")))
        .with_writer(std::io::stderr)
        .init();
    let done = match arguments.command {
        Command::Demo => demo::run().await,
        Command::App(options) => app::run(options).await,
        Command::Pair(options) => pair::run(options),
        Command::Conformance(options) => return conformance::run(options).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flipper: {error}");
            ExitCode::FAILURE
        }
    }
}
