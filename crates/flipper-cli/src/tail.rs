//! `flipper tail`: what apps tell, as it comes.

use std::collections::BTreeMap;
use std::io::{self, Stdout, Write as _, stdout};
use std::time::Instant;

use anstyle::Style;
use clap::Args;
use flipper_desktop::json::{Event, EventApp, Kind};

use crate::failure::{Failure, is_over};
use crate::list::check_plugin;
use crate::place::Place;
use crate::remote::{Next, Remote};
use crate::terminal::{self, CYAN, DIM, GREEN, Paint, RED, count, fit, span, width};
use crate::watch::Watch;

/// What is shown.
#[derive(Args)]
pub(crate) struct Options {
    /// Only this app, whether it is connected yet or not: its id or its name [default: all].
    app: Option<String>,
    /// Only the events of this plugin; it is initialised if nobody has done that.
    plugin: Option<String>,
    /// Print JSON, one object a line.
    #[arg(long)]
    json: bool,
    /// End after so many events of plugins.
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let remote = Remote::find(&options.place)?;
    if let (Some(app), Some(plugin)) = (&options.app, &options.plugin)
        && let Some(app) = remote.apps()?.iter().find(|known| known.id == *app || known.name == *app)
    {
        check_plugin(app, plugin)?;
    }
    let mut watch = Watch::new(&remote, options.app.as_deref(), options.plugin.as_deref())?;
    let mut output = Output::new();
    let mut left = options.count;
    loop {
        match watch.next(None)? {
            Next::Event(line, event) => {
                output.learn(&event);
                if !wanted(&event, options.plugin.as_deref()) {
                    continue;
                }
                let written = if options.json { output.line(&line) } else { output.event(&event) };
                match written {
                    Err(error) if is_over(&error) => return Ok(()),
                    written => written?,
                }
                if event.kind == Kind::Message
                    && let Some(left) = &mut left
                {
                    *left -= 1;
                    if *left == 0 {
                        return Ok(());
                    }
                }
            }
            Next::Late => {}
            Next::Over => return Err(Failure::no_desktop("the desktop has stopped")),
        }
    }
}

fn wanted(event: &Event, plugin: Option<&str>) -> bool {
    let Some(plugin) = plugin else { return true };
    match event.kind {
        Kind::Message => event.plugin.as_deref() == Some(plugin),
        Kind::Missed => true,
        _ => false,
    }
}

/// Prints a line for each event: when it came, whose it is, and what it says as far as there is room.
struct Output {
    out: Stdout,
    begin: Instant,
    paint: Paint,
    /// How wide the columns for apps, plugins and methods have become: on a terminal they only grow.
    widths: [usize; 3],
    /// The names of apps, by their ids.
    names: BTreeMap<String, String>,
}

impl Output {
    fn new() -> Self {
        let out = stdout();
        let paint = Paint::on(&out);
        Self { out, begin: Instant::now(), paint, widths: [0; 3], names: BTreeMap::new() }
    }

    fn learn(&mut self, event: &Event) {
        if let Some(EventApp::App(app)) = &event.app {
            self.names.insert(app.id.clone(), app.name.clone());
        }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", terminal::json(line))?;
        self.out.flush()
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        let id = event.app.as_ref().map_or("", EventApp::id);
        let app = self.names.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let cause = event.cause.as_deref().unwrap_or_default();
        let error = event.error.as_ref().map_or_else(String::new, |error| plain(error.get()));
        let (style, text) = match event.kind {
            Kind::Message => {
                let (plugin, method) = (event.plugin.as_deref(), event.method.as_deref());
                let params = event.params.as_ref().map_or("", |params| params.get());
                return self.message(&app, plugin.unwrap_or_default(), method.unwrap_or_default(), params);
            }
            Kind::AppConnected => (GREEN, format!("{app}  connected")),
            Kind::AppDisconnected => (DIM, format!("{app}  gone: {cause}")),
            Kind::AppUnresponsive => (RED, format!("{app}  does not answer")),
            Kind::AppResponsive => (GREEN, format!("{app}  answers again")),
            Kind::PluginsChanged => {
                let plugins = event.plugins.as_deref().unwrap_or_default().join(", ");
                (DIM, format!("{app}  plugins: {plugins}"))
            }
            Kind::AppError => (RED, format!("{app}  error: {error}")),
            Kind::Missed => {
                let missed = count(event.count.unwrap_or(0), "event");
                (RED, format!("{missed} came faster than they were taken, and are not shown"))
            }
            _ => return Ok(()),
        };
        let text = fit(&text, width().map(|width| width.saturating_sub(COLUMN)));
        let (time, text) = (self.time(), self.paint.with(style, &text));
        writeln!(self.out, "{time}  {text}")?;
        self.out.flush()
    }

    fn message(&mut self, app: &str, plugin: &str, method: &str, params: &str) -> io::Result<()> {
        let time = self.time();
        let Some(columns) = width().map(|width| width.saturating_sub(COLUMN)) else {
            writeln!(self.out, "{time}  {}", fit(&format!("{app}  {plugin} {method} {params}"), None))?;
            return self.out.flush();
        };
        let cells = [app, plugin, method];
        // Whoever has a long name does not take the room of everything else.
        let most = [columns / 4, columns / 5, columns / 5];
        let mut head = String::new();
        let mut used = 0;
        for (at, style) in [Style::new(), CYAN, Style::new()].into_iter().enumerate() {
            let cell = fit(cells[at], Some(most[at].max(1)));
            let width = &mut self.widths[at];
            *width = cell.chars().count().max(*width).min(most[at].max(1));
            let space = " ".repeat(width.saturating_sub(cell.chars().count()) + 2);
            used += *width + 2;
            head.push_str(&self.paint.with(style, &cell));
            head.push_str(&space);
        }
        let left = columns.saturating_sub(used);
        let params = if left < 2 { String::new() } else { fit(params, Some(left)) };
        let params = self.paint.with(DIM, &params);
        writeln!(self.out, "{time}  {head}{params}")?;
        self.out.flush()
    }

    fn time(&self) -> String {
        self.paint.with(DIM, &format!("{:>10}", span(self.begin.elapsed())))
    }
}

/// Where the words begin, after the time.
const COLUMN: usize = 12;

/// A JSON text as text, anything else as JSON.
fn plain(json: &str) -> String {
    serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned())
}
