//! The apps, and what is done to them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::chance::Chance;
use crate::tally::Tally;
use crate::{Result, app};

/// How long an app is stopped, as if at a breakpoint: longer than it takes to be called unresponsive.
const BREAKPOINT: Duration = Duration::from_secs(35);

pub(crate) struct Fleet {
    apps: Vec<App>,
    tally: Arc<Tally>,
}

struct App {
    name: String,
    directory: PathBuf,
    ports: (u16, u16),
    child: Option<Child>,
    goes_on_at: Option<Instant>,
}

impl Fleet {
    pub(crate) fn start(count: usize, directory: &Path, ports: (u16, u16), tally: &Arc<Tally>) -> Result<Self> {
        let app = |index| App {
            name: format!("Soak {index}"),
            directory: directory.join(format!("app-{index}")),
            ports,
            child: None,
            goes_on_at: None,
        };
        let mut fleet = Self { apps: (0..count).map(app).collect(), tally: Arc::clone(tally) };
        fleet.restart_all()?;
        Ok(fleet)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.apps.iter().map(|app| app.name.clone()).collect()
    }

    /// Kills an app and starts it again, with its certificates or without, or stops it for a while.
    pub(crate) fn disturb(&mut self, chance: &mut Chance) -> Result {
        let now = Instant::now();
        for app in &mut self.apps {
            if app.goes_on_at.is_some_and(|at| at <= now) {
                app.signal(Signal::CONT);
                app.goes_on_at = None;
            }
        }
        let chosen = chance.below(self.apps.len());
        let app = &mut self.apps[chosen];
        match chance.below(8) {
            0 => {
                app.signal(Signal::STOP);
                app.goes_on_at = Some(now + BREAKPOINT);
                self.tally.count_breakpoint();
            }
            1 => {
                app.kill()?;
                fs::remove_dir_all(&app.directory)?;
                app.start()?;
                self.tally.count_exchange();
            }
            _ => {
                app.kill()?;
                app.start()?;
                self.tally.count_kill();
            }
        }
        Ok(())
    }

    pub(crate) fn stop_all(&mut self) -> Result {
        self.apps.iter_mut().try_for_each(App::kill)
    }

    pub(crate) fn restart_all(&mut self) -> Result {
        self.apps.iter_mut().try_for_each(App::start)
    }
}

impl App {
    fn start(&mut self) -> Result {
        let mut command = Command::new(env::current_exe()?);
        command
            .args([app::FLAG, &self.name])
            .arg(&self.directory)
            .args([self.ports.0.to_string(), self.ports.1.to_string()]);
        self.goes_on_at = None;
        self.child = Some(command.stdin(Stdio::piped()).spawn()?);
        Ok(())
    }

    fn kill(&mut self) -> Result {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            // It may have ended by itself.
            let _ended = kill_process(Pid::from_child(child), signal);
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ended = self.kill();
    }
}
