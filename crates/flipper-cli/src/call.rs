//! `flipper call`: one call of a method.

use std::io::{Read as _, Write as _, stdin, stdout};
use std::time::Duration;

use clap::Args;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::list::check_plugin;
use crate::place::Place;
use crate::remote::Remote;
use crate::terminal;
use crate::values::seconds;

/// What is called.
#[derive(Args)]
pub(crate) struct Options {
    /// The app: its id, or its name if no other app has it.
    app: String,
    /// The plugin.
    plugin: String,
    /// The method.
    method: String,
    /// The params, any JSON; `-` reads them from standard input [default: none].
    #[arg(value_name = "JSON")]
    params: Option<String>,
    /// How many seconds the app has for its answer [default: 45].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Do not initialise the plugin if nobody has; the app then refuses the call.
    #[arg(long)]
    no_init: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let params = match options.params.as_deref() {
        Some("-") => {
            let mut params = String::new();
            stdin().read_to_string(&mut params)?;
            params
        }
        Some(params) => params.to_owned(),
        None => String::new(),
    };
    if !params.trim().is_empty()
        && let Err(error) = serde_json::from_str::<&RawValue>(&params)
    {
        return Err(Failure::new(format!("the params are no JSON: {error}; quote them for the shell: '{{\"a\":1}}'")));
    }
    let remote = Remote::find(&options.place)?;
    let app = remote.app(&options.app)?;
    check_plugin(&app, &options.plugin)?;
    if !options.no_init && !app.initialised.contains(&options.plugin) {
        remote.init(&app.id, &options.plugin)?;
    }
    let answer = remote.call(&app.id, &options.plugin, &options.method, &params, options.timeout)?;
    writeln!(stdout(), "{}", terminal::json(answer.get()))
        .or_else(|error| if crate::failure::is_over(&error) { Ok(()) } else { Err(error) })?;
    Ok(())
}
