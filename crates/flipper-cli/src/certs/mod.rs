//! `flipper certs`: the desktop's certificate authority.

mod date;
mod show;

use std::path::Path;

use clap::{Args, Subcommand};
use flipper_desktop::find_instance_holder;
use flipper_desktop::pki::{Authority, CertificateFacts, RevocationTarget};

pub(crate) use self::date::Date;
use crate::failure::Failure;
use crate::place::Place;

/// What is to be done with the authority.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Show its certificates, those before them that are still accepted, and those that are revoked.
    Show {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a new authority: every app has to exchange certificates again. What was issued so far is accepted until it
    /// expires.
    Rotate,
    /// Refuse certificates before they expire. An app that is connected stays so.
    Revoke {
        /// An app's id (all that it was given so far), a serial number, or a SHA-256 fingerprint.
        #[arg(value_name = "APP|SERIAL|FINGERPRINT")]
        target: RevocationTarget,
    },
}

pub(crate) fn run(options: Options) -> Result<(), Failure> {
    let directory = options.place.directory()?;
    match options.command.unwrap_or(Command::Show { json: false }) {
        Command::Show { json } => show::run(&directory, json),
        Command::Rotate => {
            let authority = open(&directory)?;
            authority.rotate()?;
            let ca = authority.chain().pop().and_then(|ca| CertificateFacts::of(&ca));
            println!("the certificate authority is a new one, {}", ca.map_or_else(String::new, |ca| ca.fingerprint));
            println!("apps exchange certificates with it when they connect the next time");
            tell_when(&directory);
            Ok(())
        }
        Command::Revoke { target } => {
            let revocation = open(&directory)?.revoke(target)?;
            println!("revoked: {}", revocation.target);
            if let RevocationTarget::App(_) = revocation.target {
                println!("the app may exchange certificates again, as any app may");
            }
            tell_when(&directory);
            Ok(())
        }
    }
}

/// The authority, if there is one: it is the desktop that makes it.
fn open(directory: &Path) -> Result<Authority, Failure> {
    if !directory.join("ca.key").exists() && !directory.join("ca.crt").exists() {
        return Err(Failure::new(format_args!(
            "there is no certificate authority in {}; `flipper desktop` makes one",
            directory.display()
        )));
    }
    Ok(Authority::open(directory)?)
}

/// Says when a desktop that runs goes by it. Not being able to look is no failure of what was done.
fn tell_when(directory: &Path) {
    if let Ok(Some(holder)) = find_instance_holder(directory) {
        let process = holder.pid.map_or_else(String::new, |pid| format!(", process {pid},"));
        println!("the desktop that runs{process} goes by that from the next connection on");
    }
}
