//! Our client, as the process that is measured.

use std::future::pending;
use std::path::Path;

use flipper_sample::example;
use flipper_tokio::Flipper;

use crate::Result;

/// Has this program be the app: followed by its directory and the desktop's port.
pub(crate) const FLAG: &str = "--as-app";

pub(crate) fn run(directory: &Path, port: u16) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let flipper = Flipper::builder("Bench", "com.example.bench")
            .ports(1, port)
            .directory(directory)
            .plugin(example())
            .start()?;
        pending::<()>().await;
        flipper.stop().await;
        Ok(())
    })
}
