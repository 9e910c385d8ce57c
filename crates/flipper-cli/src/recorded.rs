//! `flipper replay` and `flipper export`: what can be done with a recording.

use std::fs;
use std::io::{self, BufWriter, Write as _, stdout};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use clap::{Args, ValueEnum};
use flipper_desktop::api::RunningDesktop;
use flipper_desktop::records::{
    ExportError, ExportSummary, Filter, Kind, Recording, Replay, ReplayNote, Speed, export_har, export_ndjson,
};

use crate::failure::Failure;
use crate::place::Place;
use crate::progress::Progress;
use crate::terminal::{count, plain, span};
use crate::values::two_ports;

/// What is replayed, and how.
#[derive(Args)]
pub(crate) struct ReplayOptions {
    /// The recording: a file, or the name of one of the desktop's own.
    recording: PathBuf,
    /// Only this app: its name, or its id in the recording [default: all].
    #[arg(long)]
    app: Option<String>,
    /// How fast: 1 is as it was, 10 ten times as fast, `max` without pauses.
    #[arg(long, default_value = "1", value_parser = speed)]
    speed: Speed,
    /// The desktop's ports [default: those of the desktop that runs, else FLIPPER_ALT_PORTS, FLIPPER_PORTS, 9089,9088].
    #[arg(long, value_name = "INSECURE,SECURE", value_parser = two_ports)]
    ports: Option<(u16, u16)>,
    /// The desktop's host name or address.
    #[arg(long, default_value = "localhost")]
    host: String,
    /// Keep the apps connected once they have said everything, and answer calls, until Ctrl-C.
    #[arg(long)]
    stay: bool,
    #[command(flatten)]
    place: Place,
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let times = text.parse::<f64>().ok().filter(|times| times.is_finite() && *times > 0.0);
    times.map(Speed::Times).ok_or_else(|| "give a number such as 1, 0.5 or 10, or `max`".to_owned())
}

/// Replays until everything was said again, or until it is interrupted.
pub(crate) async fn replay(options: ReplayOptions) -> Result<(), Failure> {
    let path = find(&options.recording, &options.place)?;
    let begin = Instant::now();
    let progress = Arc::new(Mutex::new(Progress::new("event", total(&path, options.app.as_ref()))));
    let bar = Arc::clone(&progress);
    let say = move |text: &str| {
        lock(&bar).clear();
        println!("{:>10}  {}", span(begin.elapsed()), plain(text));
    };
    let tell = say.clone();
    let stay = options.stay;
    // The same failure comes again with every attempt.
    let failed = Mutex::new(String::new());
    let mut replay = Replay::new(path).speed(options.speed).host(options.host).stay(stay).observer(move |note| match note {
        ReplayNote::Connected { client } => say(&format!("✓ {client} is connected")),
        ReplayNote::Failed { client, failure } => {
            let mut last = lock(&failed);
            if *last != *failure {
                say(&format!("✗ {client}: {failure}"));
                last.clone_from(failure);
            }
        }
        ReplayNote::Disconnected { client } => say(&format!("  {client} is gone")),
        ReplayNote::Progress { events } => {
            let mut bar = lock(&progress);
            bar.at(*events);
            let shows = bar.shows();
            drop(bar);
            if !shows && events.is_multiple_of(LINE) {
                say(&format!("  {} sent", count(*events, "event")));
            }
        }
        ReplayNote::NotInitialised { client, plugin } => say(&format!(
            "✗ the desktop does not initialise {plugin} of {client}: its events are left out (flipper desktop --init all)"
        )),
        ReplayNote::Sent if stay => say("  everything was sent; calls are answered until Ctrl-C"),
        _ => {}
    });
    if let Some(app) = options.app {
        replay = replay.app(app);
    }
    let running = || RunningDesktop::read(&options.place.directory().ok()?).ok();
    let ports = options.ports.or_else(|| running().map(|running| (running.ports.insecure, running.ports.secure)));
    if let Some((insecure, secure)) = ports {
        replay = replay.ports(insecure, secure);
    }
    let summary = tokio::select! {
        summary = replay.run() => summary?,
        interrupted = tokio::signal::ctrl_c() => return Ok(interrupted?),
    };
    let (apps, events) = (count(summary.apps, "connection"), count(summary.events, "event"));
    tell(&format!("  replayed {apps}, {events}"));
    if summary.skipped > 0 {
        tell(&format!("✗ {} left out: no desktop wanted them", count(summary.skipped, "event")));
    }
    Ok(())
}

/// After how many events a line tells so, where there is no bar.
const LINE: u64 = 1_000;

/// How many events there are to replay, if that can be told.
fn total(recording: &Path, app: Option<&String>) -> Option<u64> {
    let mut filter = app.map_or_else(Filter::default, Filter::of_app);
    filter.kind = Some(Kind::Event);
    Recording::open(recording).and_then(|recording| recording.count(&filter)).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is exported, and how.
#[derive(Args)]
pub(crate) struct ExportOptions {
    /// The recording: a file, or the name of one of the desktop's own.
    recording: PathBuf,
    /// The form.
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    /// The file to write; it appears once it is whole [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only this app: its name, or its id.
    #[arg(long)]
    app: Option<String>,
    /// Only this plugin.
    #[arg(long)]
    plugin: Option<String>,
    /// Only this session of the recording, by its number.
    #[arg(long)]
    session: Option<i64>,
    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line of JSON for each session, each app and each message.
    Ndjson,
    /// The HTTP traffic that the plugin Network told of, as browsers and proxies read it.
    Har,
}

/// Exports a recording.
pub(crate) fn export(options: &ExportOptions) -> Result<(), Failure> {
    let recording = Recording::open(find(&options.recording, &options.place)?)?;
    let mut filter = Filter::default();
    filter.app.clone_from(&options.app);
    filter.plugin.clone_from(&options.plugin);
    filter.session = options.session;
    if filter.app.is_some() && recording.apps(&filter)?.is_empty() {
        let mut names: Vec<_> = recording.apps(&Filter::default())?.into_iter().map(|app| app.app).collect();
        names.sort();
        names.dedup();
        return Err(Failure::not_found(format!("the recording has no such app; it has {}", names.join(", "))));
    }
    let what = if options.format == Format::Har { "request" } else { "message" };
    // How many requests there are among the messages, nobody knows before.
    let total = if options.format == Format::Har { None } else { Some(recording.count(&filter)?) };
    let mut bar = Progress::new(what, total).unless_printing(options.output.is_none());
    let mut progress = |written: u64| bar.at(written);
    let summary = match &options.output {
        None => write(&recording, &filter, options.format, &mut BufWriter::new(stdout().lock()), &mut progress),
        Some(path) => write_file(&recording, &filter, options.format, path, &mut progress),
    };
    drop(bar);
    let summary = match summary {
        Err(ExportError::Write { kind: io::ErrorKind::BrokenPipe, .. }) => return Ok(()),
        summary => summary?,
    };
    if let Some(path) = &options.output {
        eprintln!("{} in {}", count(summary.written, what), path.display());
    }
    if summary.skipped > 0 {
        eprintln!("{} left out: a response without its request, or no HTTP at all", count(summary.skipped, "event"));
    }
    if options.format == Format::Har && summary.written == 0 {
        eprintln!("no event of the plugin Network was recorded");
    }
    Ok(())
}

fn write(
    recording: &Recording,
    filter: &Filter,
    format: Format,
    out: &mut dyn io::Write,
    progress: &mut dyn FnMut(u64),
) -> Result<ExportSummary, ExportError> {
    match format {
        Format::Ndjson => export_ndjson(recording, filter, out, progress),
        Format::Har => export_har(recording, filter, out, progress),
    }
}

/// A file that is half written is never seen.
fn write_file(
    recording: &Recording,
    filter: &Filter,
    format: Format,
    path: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<ExportSummary, ExportError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut out = BufWriter::new(file.as_file_mut());
    let summary = write(recording, filter, format, &mut out, progress)?;
    out.flush()?;
    drop(out);
    file.persist(path).map_err(|error| error.error)?;
    Ok(summary)
}

/// The file that is meant.
fn find(recording: &Path, place: &Place) -> Result<PathBuf, Failure> {
    if recording.exists() {
        return Ok(recording.to_owned());
    }
    let folder = place.recordings()?;
    let named = folder.join(format!("{}.sqlite", recording.display()));
    if fs::metadata(&named).is_ok() {
        return Ok(named);
    }
    Err(Failure::not_found(format!(
        "there is no recording {}, neither as a file nor in {}; `flipper record list` names them",
        recording.display(),
        folder.display()
    )))
}
