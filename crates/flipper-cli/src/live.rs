//! `flipper apps --watch`: who comes and who goes.

use std::collections::BTreeMap;
use std::io::{self, Stdout, Write as _, stdout};
use std::time::{Duration, Instant};

use flipper_desktop::json::{App, Event, EventApp, Kind};

use crate::failure::{Failure, is_over};
use crate::list::app_lines;
use crate::remote::{Next, Remote};
use crate::terminal::{self, BOLD, Paint, RED, can_move, fit, plain, size, span};

/// How often the time for which apps are connected goes on.
const SECOND: Duration = Duration::from_secs(1);

/// How often the table is drawn at most.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) fn run(remote: &Remote, json: bool) -> Result<(), Failure> {
    let mut told = remote.events(None)?;
    let mut apps = Apps::default();
    let mut output = Output::new(json);
    let mut due = Instant::now();
    loop {
        let written = match told.next(output.draws().then_some(due))? {
            Next::Event(_, event) if apps.learn(&event) => {
                due = due.min(Instant::now() + PAUSE);
                output.tell(&event, &apps)
            }
            Next::Event(..) => Ok(()),
            Next::Late => {
                due = Instant::now() + SECOND;
                output.draw(&apps)
            }
            Next::Over => return Err(Failure::no_desktop("the desktop has stopped")),
        };
        match written {
            Err(error) if is_over(&error) => return Ok(()),
            written => written?,
        }
    }
}

/// The apps that are connected, in the order of their ids, and since when.
#[derive(Default)]
struct Apps(BTreeMap<String, (App, Instant)>);

impl Apps {
    /// Returns whether there is anything new to show.
    fn learn(&mut self, event: &Event) -> bool {
        let Some(app) = &event.app else { return false };
        let known = self.0.get_mut(app.id()).map(|(app, _)| app);
        match (event.kind, app, known) {
            (Kind::AppConnected, EventApp::App(app), _) => {
                let now = Instant::now();
                let since = now.checked_sub(Duration::from_millis(app.connected_for_ms)).unwrap_or(now);
                self.0.insert(app.id.clone(), ((**app).clone(), since));
            }
            (Kind::PluginsChanged, _, Some(known)) => known.plugins.clone_from(&event.plugins),
            (Kind::AppUnresponsive, _, Some(known)) => known.unresponsive = true,
            (Kind::AppResponsive, _, Some(known)) => known.unresponsive = false,
            (Kind::AppDisconnected, app, _) => return self.0.remove(app.id()).is_some(),
            _ => return false,
        }
        true
    }

    /// As they are now.
    fn list(&self) -> Vec<App> {
        let now = |(app, since): &(App, Instant)| {
            let mut app = app.clone();
            app.connected_for_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            app
        };
        self.0.values().map(now).collect()
    }
}

enum Output {
    /// A table on a terminal, drawn over the one before it.
    Table { out: Stdout, paint: Paint, drawn: usize },
    /// A line for each change.
    Lines { out: Stdout, begin: Instant },
    /// The whole list after each change.
    Json { out: Stdout },
}

impl Output {
    fn new(json: bool) -> Self {
        let out = stdout();
        if json {
            return Self::Json { out };
        }
        if can_move(&out) && size().is_some() {
            let paint = Paint::on(&out);
            return Self::Table { out, paint, drawn: 0 };
        }
        Self::Lines { out, begin: Instant::now() }
    }

    fn draws(&self) -> bool {
        matches!(self, Self::Table { .. })
    }

    /// Tells of a change, unless that is drawn a moment later.
    fn tell(&mut self, event: &Event, apps: &Apps) -> io::Result<()> {
        match self {
            Self::Table { .. } => Ok(()),
            Self::Lines { out, begin } => {
                let id = event.app.as_ref().map_or("", EventApp::id);
                let what = match event.kind {
                    Kind::AppConnected => "connected",
                    Kind::PluginsChanged => "has",
                    Kind::AppUnresponsive => "does not answer",
                    Kind::AppResponsive => "answers again",
                    _ => "gone",
                };
                let time = span(begin.elapsed());
                let about = apps.0.get(id).map_or_else(
                    || event.cause.clone().unwrap_or_default(),
                    |(app, _)| match event.kind {
                        Kind::PluginsChanged => app.plugins.iter().flatten().cloned().collect::<Vec<_>>().join(" "),
                        _ => format!("{} on {} ({})", app.name, app.device, app.os),
                    },
                );
                writeln!(out, "{time:>10}  {}", plain(format!("{id}  {what}  {about}").trim_end()))?;
                out.flush()
            }
            Self::Json { out } => {
                writeln!(out, "{}", terminal::json(&serde_json::to_string(&apps.list())?))?;
                out.flush()
            }
        }
    }

    fn draw(&mut self, apps: &Apps) -> io::Result<()> {
        let Self::Table { out, paint, drawn } = self else { return Ok(()) };
        let (columns, rows) = size().unwrap_or((80, 24));
        let list = apps.list();
        let mut lines = app_lines(&list);
        let room = rows.saturating_sub(2).max(2);
        let hidden = lines.len().saturating_sub(room);
        lines.truncate(room);
        let mut text = String::new();
        if *drawn > 0 {
            text.push_str(&format!("\x1b[{drawn}A"));
        }
        // From here to the end of the screen.
        text.push_str("\r\x1b[J");
        for (at, line) in lines.iter().enumerate() {
            let is_silent = at.checked_sub(1).and_then(|at| list.get(at)).is_some_and(|app| app.unresponsive);
            let painted = match at {
                0 => paint.with(BOLD, line),
                _ if is_silent => paint.with(RED, line),
                _ => line.clone(),
            };
            text.push_str(&painted);
            text.push('\n');
        }
        let more = match (list.len(), hidden) {
            (0, _) => Some("no app is connected; Ctrl-C ends this".to_owned()),
            (_, 0) => None,
            (_, hidden) => Some(format!("… and {hidden} more")),
        };
        if let Some(more) = &more {
            text.push_str(&fit(more, Some(columns)));
            text.push('\n');
        }
        *drawn = lines.len() + usize::from(more.is_some());
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}
