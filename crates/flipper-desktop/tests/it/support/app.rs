//! This project's own client.

use std::path::Path;
use std::time::Duration;

use flipper_demo::example;
use flipper_desktop::Ports;
use flipper_tokio::{Builder, Flipper};

/// The app of most tests, with the plugin `Example`.
pub(crate) fn app(ports: Ports, dir: &Path) -> Builder {
    app_named("Test App", "com.example.test", ports, dir).plugin(example())
}

/// An app without plugins, which tries again quickly.
pub(crate) fn app_named(name: &str, app_id: &str, ports: Ports, dir: &Path) -> Builder {
    Flipper::builder(name, app_id)
        .host("127.0.0.1")
        .ports(ports.insecure, ports.secure)
        .directory(dir.join(app_id))
        .device("test device")
        .configure(|config| {
            config.backoff.first = Duration::from_millis(10);
            config.backoff.ceiling = Duration::from_millis(50);
        })
}
