//! A directory of credentials whose files hold anything: it is read without harm, nothing in it is lost by reading, and
//! no credentials are handed out that do not fit.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use flipper_fuzz::disk::{self, Layout, Number};
use flipper_pki::{ConnectionConfig, CredentialStore};
use flipper_proto::{Generation, Medium};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

#[derive(Arbitrary, Debug)]
struct Input {
    layout: Layout,
    complete: Number,
    promote: Number,
    device_id: String,
}

fuzz_target!(|input: Input| {
    let root = root();
    let dir = root.path().join("sonar");
    std::fs::create_dir(&dir).expect("a folder in a temporary directory");
    input.layout.write(&dir);
    let before = disk::snapshot(&dir);
    let store = CredentialStore::new(&dir);

    load(&store, &dir);
    assert_eq!(disk::snapshot(&dir), before, "reading changes nothing");

    let config = ConnectionConfig { device_id: input.device_id, medium: Medium::Www, os: None };
    let generation = Generation::from_u64(input.complete.get());
    let completed = store.complete(generation, &config);
    if let Ok(credentials) = &completed {
        assert_eq!((credentials.generation, &credentials.device_id), (generation, &config.device_id));
        disk::assert_fit(credentials, &dir);
    }
    let mut after = disk::snapshot(&dir);
    if completed.is_ok() {
        // The one file that completes it.
        assert!(after.remove(&dir.join(generation.as_u64().to_string()).join(disk::NAMES[4])).is_some());
    }
    assert_eq!(after, before, "completing loses nothing and changes nothing else");

    let generation = Generation::from_u64(input.promote.get());
    if store.promote(generation).is_ok() {
        let loaded = store.load();
        assert_eq!(loaded.problem, None);
        assert_eq!(loaded.credentials.map(|credentials| credentials.generation), Some(generation));
    }
    load(&store, &dir);
});

fn load(store: &CredentialStore, dir: &Path) {
    let loaded = store.load();
    if let Some(credentials) = &loaded.credentials {
        disk::assert_fit(credentials, dir);
    }
    if let Some(problem) = &loaded.problem {
        let text = problem.to_string();
        assert!(!text.contains("PRIVATE KEY") && text.len() < 2_000, "{text}");
        let used = loaded.credentials.map(|credentials| credentials.generation);
        assert_eq!(problem.fallback(), used, "the credentials in place of damaged ones are named");
    }
}

/// In memory where there is such a place: thousands of directories a second are no work for a disk.
fn root() -> TempDir {
    static PARENT: LazyLock<&Path> = LazyLock::new(|| {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { memory } else { Box::leak(std::env::temp_dir().into_boxed_path()) }
    });
    TempDir::new_in(*PARENT).expect("a temporary directory")
}
