//! Plugin `rust-crashes`.

use std::error::Error;
use std::io;

use flipper_plugins::crash::{Crash, CrashBuilder};

#[test]
fn crash() {
    let directory = std::env::temp_dir().join(format!("flipper-same-api-{}", std::process::id()));
    let builder: CrashBuilder = Crash::builder().directory(&directory).keep(3);
    assert!(!format!("{builder:?}").is_empty());
    let crash = builder.build();
    let error = io::Error::other("none");
    crash.report(&error);
    let any: &dyn Error = &error;
    crash.report(any);
    assert_eq!(crash.pending() > 0, crate::ENABLED);
    assert_eq!(crash.lost(), 0);
    // The hook of this program is everybody's: that of one that reports nowhere stays.
    Crash::new().install_panic_hook();
    crate::is_a_plugin(crash, Crash::ID);
    crate::is_a_plugin(Crash::new(), "rust-crashes");
    crate::is_a_plugin(Crash::default(), "rust-crashes");
    while crate::ENABLED && std::fs::read_dir(&directory).map_or(0, Iterator::count) < 2 {
        std::thread::yield_now();
    }
    let _gone = std::fs::remove_dir_all(directory);
}
