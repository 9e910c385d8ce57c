//! `flipper desktop`: the desktop itself.

mod options;
mod report;
mod story;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use flipper_desktop::api::Api;
use flipper_desktop::records::RecordStatus;
use flipper_desktop::{Desktop, Events, InitPolicy};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

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
        .init_policy(InitPolicy::from(options.init))
        .configure(|config| options.limits.apply(config));
    if let Some(official) = options.official()? {
        builder = builder.adopt_official(official);
    }
    if let Some(android) = options.android()? {
        builder = builder.android(android);
    }
    if let Some(idb) = options.ios() {
        builder = builder.idb(idb);
    }
    if let Some((insecure, secure)) = options.ports {
        builder = builder.ports(insecure, secure);
    }
    builder = options.bind.iter().fold(builder, |builder, address| builder.bind(*address));
    builder = options.known_host.iter().cloned().fold(builder, flipper_desktop::Builder::known_host);
    builder = options.allow_origin.iter().cloned().fold(builder, flipper_desktop::Builder::allowed_origin);
    builder = options.upload_to.iter().cloned().fold(builder, |builder, store| store.upload(builder));
    builder = builder.in_band_certificates(!options.upload_only);
    let page = options.official_page()?;
    let events = builder.events();
    let mut interrupted = Interrupts::listen()?;
    let desktop = builder.start().await.map_err(Failure::new)?;
    let api = Api::builder(&desktop).port(options.ui_port).state_directory(&directory);
    let api = page.into_iter().fold(api, flipper_desktop::api::Builder::official_ui).start().await;
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
    let (stopped, until_stopped) = oneshot::channel();
    let mut told = tell(report, events, until_stopped)?;
    tokio::select! {
        () = interrupted.next() => {}
        // Nobody reads on: there is nobody to run for.
        _ = told.changed() => {}
    }
    let stopping = async {
        api.stop().await;
        desktop.stop().await;
        let _reader_left = stopped.send(desktop.recording());
        // A reader that does not read is not waited for.
        let _told = timeout(LAST_WORDS, told.changed()).await;
    };
    tokio::select! {
        () = stopping => Ok(ExitCode::SUCCESS),
        () = interrupted.next() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

/// How long the last lines may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How many events are told in one go.
const BATCH: usize = 256;

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

/// Tells what happens on a thread of its own: a reader that is slow, or stops reading, holds up nothing else. What this
/// returns is closed when everything was told, or nobody reads any more.
fn tell(
    mut report: Report,
    mut events: Events,
    until_stopped: oneshot::Receiver<Option<RecordStatus>>,
) -> Result<watch::Receiver<()>, Failure> {
    let runtime = Handle::current();
    let (until_the_end, told) = watch::channel(());
    let work = move || {
        let _reader_left = report.begin().and_then(|()| {
            while let Some(batch) = runtime.block_on(events.next_batch(BATCH)) {
                report.tell(&batch)?;
            }
            // What became of the recording is known a moment later.
            report.end(until_stopped.blocking_recv().ok().flatten().as_ref())
        });
        drop(until_the_end);
    };
    thread::Builder::new().name("flipper-output".to_owned()).spawn(work)?;
    Ok(told)
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
