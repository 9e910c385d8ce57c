//! `flipper apps` and `flipper plugins`: who is there, and with what.

use std::io::{Write as _, stdout};
use std::time::Duration;

use clap::Args;
use flipper_desktop::json;

use crate::failure::{Failure, is_over};
use crate::live;
use crate::place::Place;
use crate::remote::Remote;
use crate::terminal::{self, BOLD, Paint, fit, span, width};

/// How apps are listed.
#[derive(Args)]
pub(crate) struct AppsOptions {
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
    /// Go on showing who comes and who goes, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    place: Place,
}

/// Whose plugins are listed.
#[derive(Args)]
pub(crate) struct PluginsOptions {
    /// The app: its id, or its name if no other app has it.
    app: String,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn apps(options: &AppsOptions) -> Result<(), Failure> {
    let remote = Remote::find(&options.place)?;
    if options.watch {
        return live::run(&remote, options.json);
    }
    let apps = remote.apps()?;
    if options.json {
        return print_json(&serde_json::to_string(&apps)?);
    }
    if apps.is_empty() {
        eprintln!("no app is connected");
        return Ok(());
    }
    print(&app_lines(&apps))
}

/// A table of apps.
pub(crate) fn app_lines(apps: &[json::App]) -> Vec<String> {
    let rows = apps.iter().map(|app| {
        let since = span(Duration::from_millis(app.connected_for_ms));
        let state = if app.unresponsive { "does not answer".to_owned() } else { since };
        let plugins = app.plugins.as_ref().map_or_else(|| "?".to_owned(), |plugins| plugins.join(" "));
        [app.name.clone(), app.os.clone(), app.device.clone(), state, app.id.clone(), plugins]
    });
    table(["APP", "OS", "DEVICE", "CONNECTED", "ID", "PLUGINS"], rows)
}

pub(crate) fn plugins(options: &PluginsOptions) -> Result<(), Failure> {
    let app = Remote::find(&options.place)?.app(&options.app)?;
    let Some(plugins) = &app.plugins else {
        return Err(Failure::new(format!("{} has not told its plugins yet; try again", app.name)));
    };
    if options.json {
        let plugins: Vec<_> = plugins
            .iter()
            .map(|plugin| {
                serde_json::json!({
                    "plugin": plugin,
                    "background": app.background.contains(plugin),
                    "initialised": app.initialised.contains(plugin),
                })
            })
            .collect();
        return print_json(&serde_json::to_string(&plugins)?);
    }
    if plugins.is_empty() {
        eprintln!("{} has no plugins", app.name);
        return Ok(());
    }
    let rows = plugins.iter().map(|plugin| {
        let yes = |list: &[String]| if list.contains(plugin) { "yes" } else { "no" }.to_owned();
        [plugin.clone(), yes(&app.background), yes(&app.initialised)]
    });
    print(&table(["PLUGIN", "BACKGROUND", "INITIALISED"], rows))
}

/// Whether an app has a plugin, as far as it has told.
pub(crate) fn check_plugin(app: &json::App, plugin: &str) -> Result<(), Failure> {
    match &app.plugins {
        Some(plugins) if !plugins.iter().any(|known| known == plugin) => {
            let has = if plugins.is_empty() { "none".to_owned() } else { plugins.join(", ") };
            Err(Failure::not_found(format!("{} has no plugin {plugin}; it has {has}", app.name)))
        }
        _ => Ok(()),
    }
}

/// Columns as wide as they need to be; the last ones are cut where the terminal ends.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Vec<String> {
    let mut lines = vec![heads.map(str::to_owned)];
    lines.extend(rows.map(|row| row.map(|cell| fit(&cell, None))));
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let columns = width();
    lines
        .iter()
        .map(|line| {
            let cells: Vec<_> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            fit(cells.join("  ").trim_end(), columns)
        })
        .collect()
}

fn print_json(json: &str) -> Result<(), Failure> {
    match writeln!(stdout(), "{}", terminal::json(json)) {
        Err(error) if is_over(&error) => Ok(()),
        written => Ok(written?),
    }
}

/// The first line is the head of a table.
fn print(lines: &[String]) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let paint = Paint::on(&out);
    for (at, line) in lines.iter().enumerate() {
        let line = if at == 0 { paint.with(BOLD, line) } else { line.clone() };
        match writeln!(out, "{line}") {
            Err(error) if is_over(&error) => return Ok(()),
            written => written?,
        }
    }
    Ok(())
}
