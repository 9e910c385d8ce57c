//! What must be true once the faults have ceased.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use flipper_desktop::Client;
use flipper_proto::PluginId;
use flipper_proto::client::State;

use super::app::{App, Running};
use super::desk::{CALL_PATIENCE, Desk, Wish};
use super::world::{World, only};

/// The longest wait between two attempts, and a little for the handshake on a slow line.
const WAIT: Duration = Duration::from_millis(11_500);

/// How long an app may be without a session once everything is well: whatever it was about has to come to its end, and
/// then it waits for no longer than its backoff says. Credentials that have become useless take two more attempts.
fn patience(state: &State, shaken: bool) -> Duration {
    let under_way = match state {
        State::Connected { .. } | State::Stopped | State::Preparing | State::Waiting { .. } => Duration::ZERO,
        State::Connecting => Duration::from_secs(10),
        State::Exchanging => Duration::from_secs(20),
        _ => Duration::from_secs(2),
    };
    under_way + WAIT.saturating_mul(if shaken { 3 } else { 1 })
}

impl World<'_> {
    /// Waits until every app has a session, as soon as it must have one. Returns how long the last one took.
    pub(super) async fn expect_sessions(&self) -> Result<Duration, String> {
        let begin = self.sim.now();
        let shaken = self.credentials_shaken.get();
        let waits: Vec<_> = self
            .apps
            .iter()
            .map(|app| {
                let state = app.borrow().running.as_ref().map(|running| running.flipper.status().state);
                state.map_or(Duration::ZERO, |state| patience(&state, shaken))
            })
            .collect();
        for (app, wait) in self.apps.iter().zip(waits) {
            let deadline = begin + wait;
            while let Err(why) = self.agrees(app) {
                if self.sim.now() > deadline {
                    let status = app.borrow().running.as_ref().map(|running| running.flipper.status());
                    return Err(format!(
                        "no session {:?} after the faults ceased: {why}; {status:?}",
                        self.sim.now() - begin
                    ));
                }
                self.script.sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(self.sim.now() - begin)
    }

    /// Whether both ends see the same.
    fn agrees(&self, app: &RefCell<App>) -> Result<(), String> {
        let app = app.borrow();
        let running = app.running.as_ref().ok_or("it does not run")?;
        let state = running.flipper.status().state;
        if state != (State::Connected { unresponsive: false }) {
            return Err(format!("the app is {state}"));
        }
        let desk = self.desk.borrow();
        let desk = desk.as_ref().ok_or("there is no desktop")?;
        let clients = desk.clients_of(&app.name);
        only(&clients, &app.name)?;
        agree_on_plugins(running, &clients[0])?;
        match running.background.iter().find(|id| !clients[0].initialised.contains(id.as_str())) {
            Some(id) => Err(format!("{id} is a background plugin, and nobody has initialised it")),
            None => Ok(()),
        }
    }

    /// Everything works: plugins, events and calls.
    pub(super) async fn expect_service(&self) -> Result<(), String> {
        let desk = self.desk.borrow().clone().ok_or("there is no desktop")?;
        for app in &self.apps {
            let (client, plugins) = self.init_all(&desk, &app.borrow())?;
            self.settle(app).await?;
            for id in &plugins {
                app.borrow().send(id, 3, 20, &self.ledger);
                for wish in [
                    Wish::Echo { bytes: 30 },
                    Wish::Fill { bytes: 2_000 },
                    Wish::Later { millis: 5 },
                    Wish::Chatty { events: 2 },
                ] {
                    desk.call(&self.script, self.next_call(), client.clone(), id, wish, true);
                }
            }
        }
        for _ in 0..100 {
            if self.ledger.open_calls() == 0 {
                break;
            }
            self.script.sleep(CALL_PATIENCE / 100).await;
        }
        if self.ledger.open_calls() > 0 {
            return Err(format!("{} calls never ended", self.ledger.open_calls()));
        }
        for app in &self.apps {
            self.settle(app).await?;
            self.expect_events(app).await?;
        }
        Ok(())
    }

    /// Waits for every event that was sent, on a line that may be slow.
    async fn expect_events(&self, app: &RefCell<App>) -> Result<(), String> {
        for _ in 0..600 {
            if self.missing_events(&app.borrow()).is_none() {
                return Ok(());
            }
            self.script.sleep(Duration::from_secs(1)).await;
        }
        self.missing_events(&app.borrow()).map_or(Ok(()), Err)
    }

    fn missing_events(&self, app: &App) -> Option<String> {
        let running = app.running.as_ref()?;
        let missing = running.plugins.iter().find(|(id, stream)| {
            let connection = running.flipper.connection(id);
            connection.waiting() > 0 || !self.ledger.is_complete(**stream, connection.dropped())
        });
        missing.map(|(id, _)| format!("the last events of {} {id} did not arrive", app.name))
    }

    fn init_all(&self, desk: &Desk, app: &App) -> Result<(flipper_proto::ClientId, Vec<String>), String> {
        let clients = desk.clients_of(&app.name);
        let client = only(&clients, &app.name)?.clone();
        let running = app.running.as_ref().ok_or("it does not run")?;
        let plugins: Vec<String> = running.plugins.keys().cloned().collect();
        for id in &plugins {
            desk.desktop.init_plugin(&client, id).map_err(|error| format!("{id} is not initialised: {error}"))?;
        }
        Ok((client, plugins))
    }

    /// Waits for a few round trips, after which both ends must agree.
    async fn settle(&self, app: &RefCell<App>) -> Result<(), String> {
        let mut last = Ok(());
        for _ in 0..50 {
            self.script.sleep(Duration::from_millis(100)).await;
            last = self.agrees(app);
            if last.is_ok() {
                return Ok(());
            }
        }
        last
    }

    /// Nothing happens for a minute but pings.
    pub(super) async fn expect_rest(&self) -> Result<u64, String> {
        let begin = self.sim.steps();
        self.script.sleep(Duration::from_secs(60)).await;
        let steps = self.sim.steps() - begin;
        let most = IDLE_STEPS * self.apps.len() as u64;
        if steps > most {
            Err(format!("{steps} steps in a minute without work, {most} are allowed"))
        } else {
            Ok(steps)
        }
    }

    /// Ends everything, and sees that it has ended.
    pub(super) async fn expect_end(&self) -> Result<(), String> {
        for app in &self.apps {
            let running = app.borrow_mut().running.take().ok_or("an app does not run")?;
            let mut last = Vec::new();
            for (id, stream) in &running.plugins {
                running.send(id, 5, 100, &self.ledger);
                last.push((*stream, running.flipper.connection(id).dropped()));
            }
            if self.script.within(Duration::from_secs(3), running.flipper.stop()).await.is_none() {
                return Err(format!("the app does not stop: {:?}", running.flipper.status()));
            }
            self.script.sleep(Duration::from_secs(1)).await;
            // Whoever stops sends first what was to be sent, and the desktop reads it.
            if last.iter().any(|(stream, dropped)| !self.ledger.is_complete(*stream, *dropped)) {
                return Err(format!("the last events of {} did not arrive before it stopped", app.borrow().name));
            }
            running.close_all(&self.ledger);
            let counters = running.flipper.counters();
            if counters.bad_messages + counters.answers_replaced + counters.answers_dropped > 0 {
                return Err(format!("the app counted what must not happen: {counters:?}"));
            }
            self.expect_no_tasks(&running.runtime).await;
            let app = app.borrow();
            keys_are_in_place(app.home.path(), app.cut_short + app.damages, app.disk.failed() + 2 * app.damages)?;
        }
        self.stop_desktop(false).await;
        self.script.sleep(Duration::from_secs(1)).await;
        match self.sim.connections() {
            0 => Ok(()),
            left => Err(format!("{left} connections are left")),
        }
    }
}

/// How many polls of tasks a minute without work may take for each app: two ends ping each other every ten seconds.
const IDLE_STEPS: u64 = 120;

fn agree_on_plugins(running: &Running, client: &Client) -> Result<(), String> {
    let ours: Vec<&str> = running.plugins.keys().map(String::as_str).collect();
    let mut theirs: Vec<&str> = client.plugins.iter().flatten().map(PluginId::as_str).collect();
    theirs.sort_unstable();
    if ours != theirs {
        return Err(format!("the app has plugins {ours:?}, and the desktop believes {theirs:?}"));
    }
    for id in ours {
        let here = running.flipper.connection(id).is_connected();
        let there = client.initialised.contains(id);
        if here != there {
            return Err(format!("{id} is connected in the app: {here}, in the desktop: {there}"));
        }
    }
    Ok(())
}

/// Private keys lie in the directories of generations, for their owner only: in the one in use, and in those that a start
/// which was cut short, or a bad disk, has left behind.
fn keys_are_in_place(home: &Path, cut_short: u64, disk_errors: u64) -> Result<(), String> {
    // Where the disk did not take that, twice at least, the next start asks for new certificates.
    let current = match fs::read_to_string(home.join("current")) {
        Ok(current) => current,
        Err(_) if disk_errors >= 2 => String::new(),
        Err(error) => return Err(format!("no generation is in use: {error}")),
    };
    let mut others = 0;
    for entry in fs::read_dir(home).map_err(|error| error.to_string())?.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if !path.is_dir() {
            if holds_key(&path) {
                return Err(format!("there is a private key in {name}"));
            }
            continue;
        }
        expect_mode(&path, 0o700)?;
        for file in fs::read_dir(&path).map_err(|error| error.to_string())?.flatten() {
            expect_mode(&file.path(), 0o600)?;
            let is_key = holds_key(&file.path());
            others += u64::from(is_key && name != current.trim());
        }
    }
    let left_behind = cut_short + disk_errors;
    if others > left_behind {
        return Err(format!("{others} private keys were left behind, {left_behind} at most had reason to be"));
    }
    Ok(())
}

fn holds_key(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.contains("PRIVATE KEY"))
}

#[cfg(unix)]
fn expect_mode(path: &Path, mode: u32) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let found = fs::metadata(path).map_err(|error| error.to_string())?.permissions().mode() & 0o777;
    if found == mode { Ok(()) } else { Err(format!("{} has mode {found:o}", path.display())) }
}

#[cfg(not(unix))]
fn expect_mode(_path: &Path, _mode: u32) -> Result<(), String> {
    Ok(())
}
