//! `flipper desktop`: the desktop itself.

mod options;
mod report;
mod story;

use std::process::ExitCode;

use flipper_desktop::api::Api;
use flipper_desktop::{Desktop, Events, InitPolicy};
use tokio::sync::oneshot;

pub(crate) use self::options::Options;
use self::report::Report;
use crate::failure::Failure;

/// Runs a desktop until it is interrupted.
pub(crate) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let directory = options.place.directory()?;
    let mut builder = Desktop::builder()
        .state_directory(&directory)
        .browser_port(if options.no_browser { None } else { Some(options.browser_port) })
        .require_proof(!options.no_proof)
        .init_policy(InitPolicy::from(options.init));
    if let Some((insecure, secure)) = options.ports {
        builder = builder.ports(insecure, secure);
    }
    builder = options.bind.iter().fold(builder, |builder, address| builder.bind(*address));
    builder = options.known_host.iter().cloned().fold(builder, flipper_desktop::Builder::known_host);
    builder = options.allow_origin.iter().cloned().fold(builder, flipper_desktop::Builder::allowed_origin);
    let events = builder.events();
    let mut interrupted = Interrupts::listen()?;
    let desktop = builder.start().await.map_err(Failure::new)?;
    let api = Api::builder(&desktop).port(options.ui_port).state_directory(&directory).start().await;
    let api = match api {
        Ok(api) => api,
        Err(error) => {
            desktop.stop().await;
            return Err(Failure::new(error));
        }
    };
    warn(&desktop, &options);
    let recording = match options.recording(&directory) {
        Some(path) => match desktop.start_recording(path, options.record_options()).await {
            Ok(status) => Some(status.path),
            Err(error) => {
                api.stop().await;
                desktop.stop().await;
                return Err(Failure::new(error));
            }
        },
        None => None,
    };

    let report = Report::new(options.json, &desktop, &api, &directory, recording.as_deref());
    let (until_the_end, told) = oneshot::channel();
    tell(report, desktop.clone(), events, until_the_end)?;
    let mut told = told;
    tokio::select! {
        () = interrupted.next() => {}
        // Nobody reads on: there is nobody to run for.
        _ = &mut told => {}
    }
    let stopping = async {
        api.stop().await;
        desktop.stop().await;
        // The rest is told once everything has ended; a reader that does not read is not waited for.
        let _told = tokio::time::timeout(LAST_WORDS, told).await;
    };
    tokio::select! {
        () = stopping => Ok(ExitCode::SUCCESS),
        () = interrupted.next() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

/// How long the last lines may take.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(2);

/// As shells count a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// Says what is less safe than it could be.
fn warn(desktop: &Desktop, options: &Options) {
    if let Some(exposure) = desktop.exposure() {
        eprintln!("flipper: {exposure}");
    }
    if options.no_proof {
        eprintln!(
            "flipper: --no-proof: whoever reaches the exchange port can have certificates written into any directory that \
             this user can write to; use it only for apps that cannot write app.csr"
        );
    }
}

/// Tells what happens on a thread of its own: a reader that is slow, or stops reading, holds up nothing else.
fn tell(
    mut report: Report,
    desktop: Desktop,
    mut events: Events,
    until_the_end: oneshot::Sender<()>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Handle::current();
    let work = move || {
        let _reader_left = report.begin().and_then(|()| {
            while let Some(batch) = runtime.block_on(events.next_batch(256)) {
                report.tell(&batch)?;
            }
            report.end(desktop.recording().as_ref())
        });
        drop(until_the_end);
    };
    std::thread::Builder::new().name("flipper-output".to_owned()).spawn(work)?;
    Ok(())
}

/// Ctrl-C, and what init systems send.
struct Interrupts {
    #[cfg(unix)]
    terminated: tokio::signal::unix::Signal,
}

impl Interrupts {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {
            #[cfg(unix)]
            terminated: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            // Where it cannot be listened to, only the other signal ends this.
            Ok(()) = tokio::signal::ctrl_c() => {}
            Some(()) = self.terminated.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
