//! `flipper record`: recordings of the desktop that runs.

use std::io::{Write as _, stdout};

use clap::{Args, Subcommand};
use flipper_desktop::json::Recording;

use crate::failure::Failure;
use crate::place::Place;
use crate::remote::Remote;
use crate::terminal::{bytes, count, plain};

/// What is to be done.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: Place,
}

#[derive(Subcommand)]
enum What {
    /// Begin to record everything that passes.
    Start {
        /// What the recording is called; one that is there goes on [default: the time].
        name: Option<String>,
        /// Print the recording as JSON.
        #[arg(long)]
        json: bool,
    },
    /// End the recording.
    Stop {
        /// Print the recording as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the recordings.
    List {
        /// Print them as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let remote = Remote::find(&options.place)?;
    let mut out = stdout().lock();
    match &options.what {
        What::Start { name, json } => {
            let recording = remote.start_recording(name.as_deref())?;
            if *json {
                writeln!(out, "{}", serde_json::to_string(&recording)?)?;
            } else {
                writeln!(out, "recording into {}", plain(&recording.path))?;
            }
        }
        What::Stop { json } => {
            let recording = remote.stop_recording()?;
            if *json {
                writeln!(out, "{}", serde_json::to_string(&recording)?)?;
            } else {
                writeln!(out, "{}", plain(&describe(&recording)))?;
            }
        }
        What::List { json } => {
            let recordings = remote.recordings()?;
            if *json {
                writeln!(out, "{}", serde_json::to_string(&recordings)?)?;
            } else if recordings.is_empty() {
                eprintln!("nothing was recorded yet");
            } else {
                for recording in &recordings {
                    writeln!(out, "{}", plain(&describe(recording)))?;
                }
            }
        }
    }
    Ok(())
}

fn describe(recording: &Recording) -> String {
    let Some(active) = &recording.active else {
        return format!("{}  {}  {}", recording.name, bytes(recording.size), recording.path);
    };
    let mut text = format!("{}  {}  {}", recording.name, count(active.messages, "message"), recording.path);
    if active.dropped > 0 {
        text.push_str(&format!("; {} could not be recorded", count(active.dropped, "message")));
    }
    if let Some(error) = &active.error {
        text.push_str(&format!("; {error}"));
    }
    text
}
