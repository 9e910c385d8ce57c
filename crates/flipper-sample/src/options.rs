//! The command line, which nobody needs.

use std::env;
use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
Usage: flipper-sample [--port PORT] [--data DIRECTORY]

  --port PORT       where the shop serves; 0, the default, is any port that is free [env: PORT]
  --data DIRECTORY  where its database and settings are; default: a new directory, which goes with the shop

It finds a Flipper desktop as every app does: FLIPPER_ALT_PORTS, FLIPPER_STATE_DIR.";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) port: u16,
    pub(crate) data: Option<PathBuf>,
}

impl Options {
    pub(crate) fn read() -> Result<Self, String> {
        let mut options = Self::default();
        if let Ok(port) = env::var("PORT") {
            options.port = parse_port(&port)?;
        }
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            let value = args.next().ok_or(USAGE);
            match arg.as_str() {
                "--port" => options.port = parse_port(&value?)?,
                "--data" => options.data = Some(value?.into()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(options)
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("{text:?} is no port\n\n{USAGE}"))
}
