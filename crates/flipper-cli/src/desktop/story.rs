//! What happens, for people.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Stdout, Write as _, stdout};
use std::time::Instant;

use flipper_desktop::proto::ClientId;
use flipper_desktop::proto::desktop::ClientInfo;
use flipper_desktop::records::RecordStatus;
use flipper_desktop::{Batch, Device, DeviceKind, Event};

use super::report::Setting;
use crate::terminal::{BOLD, DIM, GREEN, Paint, RED, bytes, count, fit, span, width};

/// Prints a line whenever something happens that a person cares about: how long the desktop has run, and what it was.
pub(super) struct Story {
    out: Stdout,
    begin: Instant,
    paint: Paint,
    setting: Setting,
    apps: BTreeMap<ClientId, App>,
}

/// An app that is connected.
struct App {
    name: String,
    since: Instant,
    plugins: Option<String>,
    events: u64,
}

/// How a line looks.
#[derive(Clone, Copy)]
enum Mark {
    Good,
    Bad,
    Plain,
}

impl Story {
    pub(super) fn new(setting: Setting) -> Self {
        let out = stdout();
        let paint = Paint::on(&out);
        Self { out, begin: Instant::now(), paint, setting, apps: BTreeMap::new() }
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        let Setting { addresses, ports, official_ui, directory, recording, page } = &self.setting;
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let mut rows = vec![
            (ports.insecure.to_string(), "apps that have no certificate yet".to_owned()),
            (ports.secure.to_string(), "apps that have one".to_owned()),
        ];
        rows.extend(ports.browser.map(|port| (port.to_string(), "apps in browsers and in Node".to_owned())));
        rows.push((ports.ui.to_string(), "flipper apps, flipper call, flipper tail, scripts".to_owned()));
        // What is no terminal may be a log, which is no place for the token.
        let shown = |link: &str| {
            let public = link.split(['?', '#']).next().unwrap_or_default();
            if self.out.is_terminal() { link.to_owned() } else { public.to_owned() }
        };
        rows.push(("page".to_owned(), shown(page)));
        if let (Some(port), Some(link)) = (ports.official_ui, official_ui) {
            rows.push((port.to_string(), format!("the official UI: {}", shown(link))));
        }
        rows.push(("state".to_owned(), directory.display().to_string()));
        rows.extend(recording.as_ref().map(|path| ("record".to_owned(), path.display().to_string())));
        let title = format!("A Flipper desktop listens on {}. Ctrl-C stops it.", addresses.join(" and "));
        writeln!(self.out, "{title}\n")?;
        for (what, about) in rows {
            let what = self.paint.with(BOLD, &format!("{what:>8}"));
            writeln!(self.out, "  {what}  {about}")?;
        }
        writeln!(self.out)?;
        self.out.flush()
    }

    pub(super) fn tell(&mut self, batch: &Batch) -> io::Result<()> {
        if batch.missed > 0 {
            let missed = count(batch.missed, "event");
            self.line(Mark::Bad, &format!("{missed} came faster than this terminal takes them, and are not shown"))?;
        }
        for occurrence in &batch.occurrences {
            self.event(&occurrence.event)?;
        }
        self.out.flush()
    }

    pub(super) fn end(&mut self, recording: Option<&RecordStatus>) -> io::Result<()> {
        if self.paint.is_wanted() {
            // The terminal shows `^C` where the next line is to begin.
            write!(self.out, "\r")?;
        }
        if let Some(status) = recording {
            let messages = count(status.messages, "message");
            let path = status.path.display();
            self.line(Mark::Plain, &format!("recorded {messages} ({}) into {path}", bytes(status.bytes)))?;
            if status.dropped > 0 {
                self.line(Mark::Bad, &format!("{} could not be recorded", count(status.dropped, "message")))?;
            }
            if let Some(error) = &status.error {
                self.line(Mark::Bad, &error.to_string())?;
            }
        }
        self.line(Mark::Plain, "stopped")?;
        self.out.flush()
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::ClientConnected { client, info } => self.connected(client, info),
            Event::ClientDisconnected { client, cause } => {
                let Some(app) = self.apps.remove(client) else { return Ok(()) };
                let (name, stayed) = (app.name, span(app.since.elapsed()));
                let sent = if app.events > 0 { format!(", {}", count(app.events, "event")) } else { String::new() };
                self.line(Mark::Plain, &format!("{name} is gone: {cause} (after {stayed}{sent})"))
            }
            Event::ClientUnresponsive { client } => {
                let name = self.name(client);
                self.line(Mark::Bad, &format!("{name} does not answer, perhaps it is stopped at a breakpoint"))
            }
            Event::ClientResponsive { client } => {
                let name = self.name(client);
                self.line(Mark::Good, &format!("{name} answers again"))
            }
            Event::PluginsChanged { client, plugins, .. } => {
                let plugins: Vec<_> = plugins.iter().map(ToString::to_string).collect();
                let plugins = if plugins.is_empty() { "no plugins".to_owned() } else { plugins.join(", ") };
                let name = self.name(client);
                let Some(app) = self.apps.get_mut(client) else { return Ok(()) };
                if app.plugins.as_ref() == Some(&plugins) {
                    return Ok(());
                }
                app.plugins = Some(plugins.clone());
                self.line(Mark::Plain, &format!("{name} has {plugins}"))
            }
            // `flipper tail` shows them.
            Event::Message { client, .. } => {
                if let Some(app) = self.apps.get_mut(client) {
                    app.events += 1;
                }
                Ok(())
            }
            Event::ClientError { client, report, .. } => {
                let name = self.name(client);
                self.line(Mark::Bad, &format!("{name} reports an error: {report}"))
            }
            Event::CertificateIssued { common_name, request, clock_skew_millis, .. } => {
                let skew = clock_skew_millis.filter(|skew| skew.abs() >= SKEW).map_or_else(String::new, |skew| {
                    let way = if skew < 0 { "behind" } else { "ahead" };
                    format!("; its clock is {} s {way}", skew.abs() / 1_000)
                });
                let (app, device) = (&request.query.app, &request.query.device);
                self.line(Mark::Good, &format!("a certificate for {common_name}, {app} on {device}{skew}"))
            }
            Event::CertificateRefused { request, error, .. } => {
                let (app, device) = (&request.query.app, &request.query.device);
                self.line(Mark::Bad, &format!("no certificate for {app} on {device}: {error}"))?;
                error.hint().map_or(Ok(()), |hint| self.more(hint))
            }
            Event::PairingLocked { peer, id, wait } => self.line(
                Mark::Bad,
                &format!(
                    "too many wrong proofs of pairing {id} from {peer}: no more are taken for {} s",
                    wait.as_secs()
                ),
            ),
            Event::ExchangeAcknowledged { query, is_error: true, .. } => {
                self.line(Mark::Bad, &format!("{} could not use its certificate", query.app))
            }
            Event::ConnectionRefused { peer, reason, .. } => {
                self.line(Mark::Bad, &format!("{peer} is refused: {reason}"))
            }
            Event::HandshakeFailed { port, peer, cause } => {
                self.line(Mark::Bad, &format!("{peer} came to nothing on the {port} port: {cause}"))
            }
            Event::PeerMisbehaved { client, error, .. } => {
                let who = client.as_ref().map_or_else(|| "somebody".to_owned(), |client| self.name(client));
                self.line(Mark::Bad, &format!("{who} sent what is not understood: {error}"))
            }
            Event::AcceptFailed { port, error } => {
                self.line(Mark::Bad, &format!("the {port} port takes no connections for now: {error}"))
            }
            Event::CertificatesRenewed => self.line(Mark::Plain, "the desktop's own certificates are new again"),
            Event::RenewalFailed(error) => {
                self.line(Mark::Bad, &format!("the desktop's own certificates cannot be renewed: {error}"))
            }
            Event::DeviceConnected { device } | Event::DeviceChanged { device } if is_attached(device) => {
                self.device(device)
            }
            Event::DeviceDisconnected { device } if is_attached(device) => {
                self.line(Mark::Plain, &format!("{} is gone", named(device)))
            }
            Event::RecordingIncomplete { error: Some(error), .. } => self.line(Mark::Bad, &error.to_string()),
            Event::RecordingIncomplete { error: None, lost } => {
                let lost = count(*lost, "message");
                self.line(Mark::Bad, &format!("{lost} came faster than the disk takes them, and are not recorded"))
            }
            _ => Ok(()),
        }
    }

    fn connected(&mut self, client: &ClientId, info: &ClientInfo) -> io::Result<()> {
        let query = &info.query;
        let name = format!("{} on {}", query.app, query.device);
        let twice = self.apps.values().any(|app| app.name == name);
        // Two that look alike are told apart by their ids.
        let name = if twice { client.to_string() } else { name };
        self.line(Mark::Good, &format!("{name} is connected ({}, {})", query.os, info.peer))?;
        let app = App { name, since: Instant::now(), plugins: None, events: 0 };
        self.apps.insert(client.clone(), app);
        Ok(())
    }

    /// What keeps a device's apps from getting through, if anything does.
    fn device(&mut self, device: &Device) -> io::Result<()> {
        if let Some(reason) = &device.not_ready {
            return self.line(Mark::Bad, &format!("{} cannot be used: adb says {reason}", named(device)));
        }
        for failed in device.forwards.iter().filter_map(|forward| forward.result.as_ref().err()) {
            self.line(Mark::Bad, &failed.to_string())?;
        }
        let leads: Vec<_> = device.forwards.iter().filter(|forward| forward.result.is_ok()).collect();
        if leads.is_empty() || leads.len() < device.forwards.len() {
            return Ok(());
        }
        self.line(Mark::Good, &format!("{} is there, and its apps reach this desktop", named(device)))
    }

    fn name(&self, client: &ClientId) -> String {
        self.apps.get(client).map_or_else(|| client.to_string(), |app| app.name.clone())
    }

    fn line(&mut self, mark: Mark, text: &str) -> io::Result<()> {
        let time = self.paint.with(DIM, &format!("{:>10}", span(self.begin.elapsed())));
        let mark = match mark {
            Mark::Good => self.paint.with(GREEN, "✓"),
            Mark::Bad => self.paint.with(RED, "✗"),
            Mark::Plain => " ".to_owned(),
        };
        for (at, text) in wrap(&fit(text, None), width().map(|width| width.saturating_sub(COLUMN))).iter().enumerate() {
            if at == 0 {
                writeln!(self.out, "{time}  {mark} {text}")?;
            } else {
                writeln!(self.out, "{:>COLUMN$}{text}", "")?;
            }
        }
        Ok(())
    }

    /// The line goes on.
    fn more(&mut self, text: &str) -> io::Result<()> {
        for text in wrap(&fit(text, None), width().map(|width| width.saturating_sub(COLUMN))) {
            writeln!(self.out, "{:>COLUMN$}{}", "", self.paint.with(DIM, &text))?;
        }
        Ok(())
    }
}

/// Where the words begin, after the time and the mark.
const COLUMN: usize = 14;

/// From how many milliseconds on it is worth telling that a clock is wrong.
const SKEW: i64 = 60_000;

/// Whether adb knows the device. Of others there is nothing to tell that their apps do not tell.
fn is_attached(device: &Device) -> bool {
    matches!(device.kind, DeviceKind::Emulator | DeviceKind::Physical)
}

fn named(device: &Device) -> String {
    format!("the {} device {}", device.os, device.title)
}

/// Lines of at most so many columns, broken between words.
fn wrap(text: &str, columns: Option<usize>) -> Vec<String> {
    let Some(columns) = columns.filter(|columns| *columns >= 20) else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > columns {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap("one two three four five six", Some(20)), ["one two three four", "five six"]);
        assert_eq!(wrap("one two three", None), ["one two three"]);
        assert_eq!(wrap(&"x".repeat(30), Some(20)), ["x".repeat(30)]);
    }
}
