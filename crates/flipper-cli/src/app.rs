//! `flipper app`: the sample app against a desktop that already runs.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use flipper_demo::{Ticker, example};
use flipper_tokio::proto::Medium;
use flipper_tokio::{Flipper, Notice};

use crate::store::Store;
use crate::terminal::plain;
use crate::values::two_ports;

/// What the sample app presents. On Linux none of it is needed.
#[derive(Args)]
pub(crate) struct Options {
    /// The app's name, as the desktop shows it.
    #[arg(long, default_value = "Rust Sample")]
    name: String,
    /// The app's bundle id; the certificate is issued to it.
    #[arg(long, default_value = "com.example.rust-sample")]
    app_id: String,
    /// The operating system to present [default: the real one, or MacOS to a desktop that refuses that].
    #[arg(long)]
    os: Option<String>,
    /// The device's name [default: the host name].
    #[arg(long)]
    device: Option<String>,
    /// The device's id, presented where the desktop has none for it [default: the host name].
    #[arg(long)]
    device_id: Option<String>,
    /// The link that `flipper pair` printed on the desktop's machine [default: FLIPPER_PAIRING, if that is set].
    #[arg(long, value_name = "LINK")]
    pairing: Option<String>,
    /// Where the desktop uploads certificates to, if it does not put them into its answer: a directory, or a URL to get
    /// them from, in which `{name}` stands for the file's name.
    #[arg(long, value_name = "PLACE")]
    certificates_from: Option<Store>,
    /// The desktop's host name or address [default: that of the pairing, else localhost].
    #[arg(long)]
    host: Option<String>,
    /// The desktop's ports [default: those of the pairing, else FLIPPER_ALT_PORTS, else FLIPPER_PORTS, else 9089,9088].
    #[arg(long, value_name = "INSECURE,SECURE", value_parser = two_ports)]
    ports: Option<(u16, u16)>,
    /// The app's private directory for keys and certificates [default: apps/APP_ID in FLIPPER_STATE_DIR, else in
    /// ~/.flipper].
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How certificates reach the app [default: as files, and the session says whatever has the official UI show the
    /// app].
    #[arg(long, value_enum)]
    medium: Option<MediumOption>,
}

#[derive(Clone, Copy, ValueEnum)]
enum MediumOption {
    /// The desktop writes them into the app's directory.
    FsAccess,
    /// Not at all; for an app that has its certificates already.
    None,
}

impl From<MediumOption> for Medium {
    fn from(option: MediumOption) -> Self {
        match option {
            MediumOption::FsAccess => Self::FsAccess,
            MediumOption::None => Self::None,
        }
    }
}

/// Runs the sample app until it is interrupted.
pub(crate) async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let say = move |line: &str| println!("{:>8.3} s  {}", begin.elapsed().as_secs_f64(), plain(line));
    say(&format!(
        "sample app {:?} ({}), plugins Example and Ticker; stop it with Ctrl-C",
        options.name, options.app_id
    ));
    let mut builder = Flipper::builder(options.name, options.app_id)
        .plugin(example())
        .plugin(Ticker::default())
        .observer(move |notice| {
            if let Some(line) = describe(notice) {
                say(&line);
            }
        });
    if let Some(link) = options.pairing {
        builder = builder.pairing(link);
    }
    if let Some(store) = options.certificates_from {
        builder = store.provide(builder);
    }
    if let Some(host) = options.host {
        builder = builder.host(host);
    }
    if let Some(os) = options.os {
        builder = builder.os(os);
    }
    if let Some(device) = options.device {
        builder = builder.device(device);
    }
    if let Some(device_id) = options.device_id {
        builder = builder.device_id(device_id);
    }
    if let Some((insecure, secure)) = options.ports {
        builder = builder.ports(insecure, secure);
    }
    if let Some(directory) = options.dir {
        builder = builder.directory(directory);
    }
    if let Some(medium) = options.medium {
        builder = builder.medium(medium.into());
    }
    let flipper = builder.start()?;
    tokio::signal::ctrl_c().await?;
    flipper.stop().await;
    Ok(())
}

/// A line for people, where a notice is worth one.
fn describe(notice: &Notice) -> Option<String> {
    match notice {
        Notice::State(state) => match state {
            flipper_tokio::proto::client::State::Connected { .. } | flipper_tokio::proto::client::State::Stopped => {
                Some(state.to_string())
            }
            _ => None,
        },
        Notice::Step(step) => Some(step.to_string()),
        Notice::Failed(failure) => Some(format!("! {failure}")),
        Notice::PeerMisbehaved(error) => Some(format!("! the desktop sent something that is not understood: {error}")),
        _ => None,
    }
}
