//! The `flipper` command.
#![forbid(unsafe_code)]

mod app;
mod call;
mod certs;
mod conformance;
mod demo;
mod desktop;
mod doctor;
mod failure;
mod list;
mod live;
mod official_plugins;
mod pair;
mod place;
mod progress;
mod record;
mod recorded;
mod remote;
mod store;
mod tail;
mod terminal;
mod values;
mod wait_for;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use tracing_subscriber::EnvFilter;

use self::failure::Failure;

/// Look inside running apps, and try it without any.
///
/// Exit codes: 0 done, 1 failed, 2 not understood, 3 no desktop runs, 4 no such app, plugin or recording, 5 the app
/// answered with an error, 6 it took too long, 7 the app has gone.
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
    /// Run a desktop that apps connect to.
    Desktop(Box<desktop::Options>),
    /// List the apps that are connected.
    Apps(list::AppsOptions),
    /// List the plugins of an app.
    Plugins(list::PluginsOptions),
    /// Call a method of a plugin, and print its answer.
    ///
    /// A plugin that nobody has initialised is initialised first, and stays so.
    Call(call::Options),
    /// Show what apps tell, as it comes.
    Tail(tail::Options),
    /// Wait until an app is connected, has a plugin, or tells something.
    ///
    /// Waits for the desktop as well. Exits with 6 if it took too long.
    WaitFor(wait_for::Options),
    /// Record everything that passes, and list what was recorded.
    Record(record::Options),
    /// Connect recorded apps again, to this desktop or the official one.
    Replay(recorded::ReplayOptions),
    /// Write a recording in a form that other programs read.
    Export(recorded::ExportOptions),
    /// Run the sample app against a desktop that already runs.
    App(app::Options),
    /// Show, replace or revoke the certificates that apps trust the desktop by.
    Certs(certs::Options),
    /// Pair an app on another machine with the desktop of this one: print a link that lets it in.
    Pair(pair::Options),
    /// Find out why an app does not get through, and what to do about it.
    Doctor(doctor::Options),
    /// Check whether a client or a desktop, in any language, speaks the protocol.
    Conformance(conformance::Options),
    /// Have the official desktop show plugins of Rust apps that it does not know.
    OfficialPlugins(official_plugins::Options),
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("FLIPPER_LOG").unwrap_or_else(|_| EnvFilter::new("off")))
        .with_writer(std::io::stderr)
        .init();
    match run(arguments.command).await {
        Ok(code) => code,
        Err(failure) => failure.tell(),
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo => demo::run().await.map_err(Failure::new)?,
        Command::Desktop(options) => return desktop::run(*options).await,
        Command::Apps(options) => list::apps(&options)?,
        Command::Plugins(options) => list::plugins(&options)?,
        Command::Call(options) => call::run(&options)?,
        Command::Tail(options) => tail::run(&options)?,
        Command::WaitFor(options) => wait_for::run(&options)?,
        Command::Record(options) => record::run(&options)?,
        Command::Replay(options) => recorded::replay(options).await?,
        Command::Export(options) => recorded::export(&options)?,
        Command::App(options) => app::run(options).await.map_err(Failure::new)?,
        Command::Certs(options) => certs::run(options)?,
        Command::Pair(options) => pair::run(options)?,
        Command::Doctor(options) => {
            let well = doctor::run(&options)?;
            return Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Conformance(options) => return Ok(conformance::run(options).await),
        Command::OfficialPlugins(options) => official_plugins::run(&options)?,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "flipper", &mut std::io::stdout());
        }
    }
    Ok(ExitCode::SUCCESS)
}
