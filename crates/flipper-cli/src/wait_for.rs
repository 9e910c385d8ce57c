//! `flipper wait-for`: holds a script up until something is there, though not for ever.

mod condition;

use std::io::{Write as _, stdout};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use flipper_desktop::json::{self, EventApp, Kind};

use self::condition::Condition;
use crate::failure::{Failure, is_over};
use crate::place::Place;
use crate::progress::Waiting;
use crate::remote::{Next, Remote};
use crate::terminal;
use crate::values::seconds;
use crate::watch::Watch;

/// What is waited for, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
    /// How many seconds to wait at most.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds, global = true)]
    timeout: Duration,
    #[command(flatten)]
    place: Place,
}

#[derive(Subcommand)]
enum What {
    /// A desktop runs. Prints its ports as JSON.
    Desktop,
    /// An app is connected. Prints what there is to know of it as JSON.
    App {
        /// Its id or its name.
        app: String,
    },
    /// An app has a plugin. Prints what there is to know of the app as JSON.
    Plugin {
        /// The app's id or its name.
        app: String,
        /// The plugin.
        plugin: String,
    },
    /// A plugin tells something from now on. Prints the event as JSON.
    Event {
        /// The app's id or its name.
        app: String,
        /// The plugin; it is initialised if nobody has done that.
        plugin: String,
        /// The name of the event [default: any].
        method: Option<String>,
        /// Only an event whose params have this value there, such as `status=200`, `user.name=Ann` or `items[0].id=7`;
        /// may be given several times.
        #[arg(long = "where", value_name = "PATH=VALUE")]
        conditions: Vec<Condition>,
    },
}

/// How often it is looked for a desktop, which has no way to say that it is there.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let deadline = Instant::now().checked_add(options.timeout);
    let waiting = Waiting::new(options.what.name());
    loop {
        let remote = find(options, deadline)?;
        let found = match &options.what {
            What::Desktop => {
                let running = remote.running();
                Some(serde_json::json!({ "pid": running.pid, "ports": running.ports }).to_string())
            }
            what => wait(what, &remote, deadline)?,
        };
        match found {
            Some(line) => {
                drop(waiting);
                return match writeln!(stdout(), "{}", terminal::json(&line)) {
                    Err(error) if is_over(&error) => Ok(()),
                    written => Ok(written?),
                };
            }
            // The desktop has stopped. Perhaps it is being started again.
            None if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Err(options.late(true)),
            None => thread::sleep(LOOK),
        }
    }
}

/// Waits for a desktop.
fn find(options: &Options, deadline: Option<Instant>) -> Result<Remote, Failure> {
    loop {
        // It is there once it answers.
        let found = Remote::find(&options.place).and_then(|remote| remote.apps().map(|_| remote));
        match found {
            Ok(remote) => return Ok(remote),
            Err(error) if !error.is_no_desktop() => return Err(error),
            Err(_) if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Err(options.late(false)),
            Err(_) => thread::sleep(LOOK),
        }
    }
}

/// Waits for what an app does. `None` if the desktop has stopped meanwhile.
fn wait(what: &What, remote: &Remote, deadline: Option<Instant>) -> Result<Option<String>, Failure> {
    let (app, plugin) = match what {
        What::Desktop => return Ok(None),
        What::App { app } | What::Plugin { app, .. } => (app, None),
        What::Event { app, plugin, .. } => (app, Some(plugin.as_str())),
    };
    let mut watch = match Watch::new(remote, Some(app), plugin) {
        Err(error) if error.is_no_desktop() => return Ok(None),
        watch => watch?,
    };
    loop {
        match watch.next(deadline)? {
            Next::Event(line, event) => match what {
                What::Desktop => return Ok(None),
                What::App { .. } => {
                    if let Some(EventApp::App(app)) = &event.app {
                        return Ok(Some(serde_json::to_string(app)?));
                    }
                }
                What::Plugin { plugin, .. } => {
                    if let Some(app) = with_plugin(&event, plugin, remote)? {
                        return Ok(Some(serde_json::to_string(&app)?));
                    }
                }
                What::Event { plugin, method, conditions, .. } => {
                    let is_it = event.kind == Kind::Message
                        && event.plugin.as_ref() == Some(plugin)
                        && (method.is_none() || event.method == *method)
                        && (conditions.is_empty() || condition::all(conditions, event.params.as_deref()));
                    if is_it {
                        return Ok(Some(line));
                    }
                }
            },
            Next::Late => return Err(what.late()),
            Next::Over => return Ok(None),
        }
    }
}

/// The app that an event is about, if it has the plugin now.
fn with_plugin(event: &json::Event, plugin: &str, remote: &Remote) -> Result<Option<json::App>, Failure> {
    let has = |plugins: &Option<Vec<String>>| plugins.iter().flatten().any(|known| known == plugin);
    match &event.app {
        Some(EventApp::App(app)) if has(&app.plugins) => Ok(Some((**app).clone())),
        Some(EventApp::Id(id)) if event.kind == Kind::PluginsChanged && has(&event.plugins) => {
            // One that has left meanwhile is waited for again.
            Ok(remote.apps()?.into_iter().find(|app| app.id == *id))
        }
        _ => Ok(None),
    }
}

impl Options {
    /// `there` is whether a desktop was.
    fn late(&self, there: bool) -> Failure {
        if there {
            return self.what.late();
        }
        match self.place.directory() {
            Ok(directory) => Failure::timeout(format!(
                "no desktop was there in time, in {}; start one with `flipper desktop`, or name its --state-dir",
                directory.display()
            )),
            Err(error) => error.into(),
        }
    }
}

impl What {
    /// What is waited for.
    fn name(&self) -> String {
        match self {
            Self::Desktop => "waiting for a desktop".to_owned(),
            Self::App { app } => format!("waiting for {app}"),
            Self::Plugin { app, plugin } => format!("waiting for {plugin} of {app}"),
            Self::Event { app, plugin, .. } => format!("waiting for an event of {plugin} of {app}"),
        }
    }

    fn late(&self) -> Failure {
        Failure::timeout(match self {
            Self::Desktop => "no desktop was there in time".to_owned(),
            Self::App { app } => format!("{app} did not connect in time; `flipper apps` lists those that have"),
            Self::Plugin { app, plugin } => format!("{app} did not have the plugin {plugin} in time"),
            Self::Event { app, plugin, method, conditions, .. } => {
                let method = method.as_deref().map_or_else(|| "anything".to_owned(), |method| format!("`{method}`"));
                let such = if conditions.is_empty() { "" } else { " with these values" };
                format!("{plugin} of {app} did not tell {method}{such} in time; `flipper tail` shows what it tells")
            }
        })
    }
}
