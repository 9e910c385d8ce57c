//! The apps, all in one process that is not the desktop's.

use std::env;
use std::future::pending;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use flipper_demo::example;

use crate::Result;

/// Has this program be the apps: followed by how many there are, their directory, and the desktop's port.
pub(crate) const FLAG: &str = "--as-apps";

/// All apps share it, and with it their credentials. They differ by their names.
pub(crate) const APP_ID: &str = "com.example.crowd";

/// Is the apps, for ever.
pub(crate) fn run(count: usize, directory: &Path, port: u16) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let start = |index| {
            flipper_tokio::Flipper::builder(format!("App {index}"), APP_ID)
                .ports(1, port)
                .directory(directory)
                .plugin(example())
                .start()
        };
        let _running = (0..count).map(start).collect::<std::result::Result<Vec<_>, _>>()?;
        pending().await
    })
}

pub(crate) struct Apps(Child);

impl Apps {
    pub(crate) fn spawn(count: usize, directory: &Path, port: u16) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args([FLAG, &count.to_string()]).arg(directory).arg(port.to_string());
        Ok(Self(command.stdin(Stdio::null()).spawn()?))
    }
}

impl Drop for Apps {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
