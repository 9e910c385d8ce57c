//! `flipper official-plugins`: what the official desktop shows of plugins that it does not bring along.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use flipper_desktop::{OfficialPlugin, installed_official_plugins};

use crate::failure::Failure;

/// What is to be done with them.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put the plugins of this project where the official desktop finds them.
    Install {
        /// Also one for a table of your own: its plugin id, and what it is called.
        #[arg(long = "table", value_name = "ID=TITLE", value_parser = table)]
        tables: Vec<OfficialPlugin>,
        #[command(flatten)]
        home: Home,
    },
    /// List the plugins that are installed there.
    List {
        #[command(flatten)]
        home: Home,
    },
}

#[derive(Args)]
struct Home {
    /// The home directory of whoever runs the official desktop. Default: yours.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

impl Home {
    fn directory(&self) -> Result<PathBuf, Failure> {
        let home = self.home.clone().or_else(std::env::home_dir);
        home.ok_or_else(|| Failure::new("there is no home directory; name one with --home"))
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    match &options.command {
        Command::Install { tables, home } => {
            let home = home.directory()?;
            let crashes = table("rust-crashes=Rust Crashes").map_err(Failure::new)?;
            for plugin in [&OfficialPlugin::logs(), &crashes].into_iter().chain(tables) {
                let folder = plugin.install(&home).map_err(|error| {
                    Failure::new(format_args!("{} is not installed in {}: {error}", plugin.id(), home.display()))
                })?;
                tell(plugin.id(), plugin.title(), &folder);
            }
            println!("Reload the page of the official desktop, and enable them there once for each app.");
        }
        Command::List { home } => {
            for plugin in installed_official_plugins(&home.directory()?)? {
                tell(&plugin.id, &plugin.title, &plugin.folder);
            }
        }
    }
    Ok(())
}

fn tell(id: &str, title: &str, folder: &Path) {
    println!("{id:12} {title:12} {}", folder.display());
}

fn table(text: &str) -> Result<OfficialPlugin, String> {
    let (id, title) = text.split_once('=').unwrap_or((text, ""));
    OfficialPlugin::table(id, title).map_err(|error| error.to_string())
}
