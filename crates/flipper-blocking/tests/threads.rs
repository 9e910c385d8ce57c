//! Which threads there are. One test, because it counts those of the whole process.
#![cfg(target_os = "linux")]

mod rig;

use std::fs;

use flipper_conformance::Result;

use self::rig::Rig;

#[test]
fn there_are_no_more_threads_than_needed_and_none_after_the_end() -> Result {
    let mut rig = Rig::new(3, |builder| builder)?;
    rig.session.assert_echoes()?;

    let mut threads = own_threads()?;
    // What is over may still be ending.
    threads.retain(|name| name != "flipper-work" && name != "flipper-connect");
    assert_eq!(threads, ["flipper-handler", "flipper-handler", "flipper-handler", "flipper-io"]);

    rig.stop()?;
    assert_eq!(own_threads()?, [""; 0]);
    Ok(())
}

/// The names of the adapter's threads.
fn own_threads() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        // One that has just ended has no name.
        let name = fs::read_to_string(task?.path().join("comm")).unwrap_or_default().trim().to_owned();
        if name.starts_with("flipper-") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
