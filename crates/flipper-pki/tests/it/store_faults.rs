//! A disk that fails, or a process that dies, at every single access.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use flipper_pki::{Authority, AuthorityConfig, CredentialStore, DiskAccess, DiskFaults, StoreError, StoreErrorKind};
use flipper_proto::Generation;

use crate::support::apps::{APP_ID, App, config, deliver};

/// How the disk behaves once the accesses that it lets through are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// One access fails, the rest succeed: a full disk that somebody makes room on.
    Once,
    /// Nothing succeeds any more: the process is dead.
    Dead,
    /// As dead, but half of what was being written is on the disk, under its temporary name.
    Torn,
}

fn failing(count: usize, mode: Mode) -> (DiskFaults, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let faults = DiskFaults::new(move |access, path| {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        if number < count || mode == Mode::Once && number > count {
            return Ok(());
        }
        if mode == Mode::Torn && number == count && access == DiskAccess::Write {
            fs::write(path, "-----BEGIN").unwrap();
        }
        Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"))
    });
    (faults, seen)
}

/// The desktop on the other side, whose disk is good.
fn desktop() -> &'static Authority {
    static DESKTOP: LazyLock<Authority> = LazyLock::new(|| Authority::in_memory(AuthorityConfig::default()).unwrap());
    &DESKTOP
}

/// An exchange, as far as the disk lets it.
fn try_exchange(store: &CredentialStore) -> Result<Generation, StoreError> {
    let prepared = store.begin(APP_ID)?;
    let signed = desktop().sign(&prepared.csr_pem, "").unwrap();
    deliver(&prepared, &signed.ca_pem, &signed.certificate_pem);
    store.complete(prepared.generation, &config())?;
    store.promote(prepared.generation)?;
    store.prune()?;
    Ok(prepared.generation)
}

fn try_exchange_without_pruning(store: &CredentialStore) -> Generation {
    let prepared = store.begin(APP_ID).unwrap();
    let signed = desktop().sign(&prepared.csr_pem, "").unwrap();
    deliver(&prepared, &signed.ca_pem, &signed.certificate_pem);
    store.complete(prepared.generation, &config()).unwrap();
    store.promote(prepared.generation).unwrap();
    prepared.generation
}

#[track_caller]
fn assert_names_a_place(error: &StoreError, dir: &Path) {
    assert!(matches!(error.kind(), StoreErrorKind::Disk { error: io::ErrorKind::StorageFull, .. }), "{error:?}");
    assert!(error.path().starts_with(dir), "{error:?}");
    assert!(!error.to_string().contains(".tmp-"), "nobody knows the temporary name: {error}");
    let text = error.to_string();
    assert!(text.contains("no space left") && text.contains("make room"), "{text}");
}

#[test]
fn what_cannot_be_removed_keeps_nothing_else_from_being_removed() {
    let app = App::new();
    let generations: Vec<Generation> = (0..4).map(|_| try_exchange_without_pruning(&app.store)).collect();
    for stuck in &generations[..3] {
        let path = app.path().join(stuck.as_u64().to_string());
        let faults = DiskFaults::new(move |access, touched| match access {
            DiskAccess::Remove if touched == path => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Ok(()),
        });
        let error = app.store.clone().with_disk_faults(faults).prune().unwrap_err();
        assert!(error.path().ends_with(stuck.as_u64().to_string()), "{error:?}");
        let left = generations.iter().filter(|left| app.path().join(left.as_u64().to_string()).exists());
        assert_eq!(left.copied().collect::<Vec<_>>(), [*stuck, generations[3]]);
        app.store.prune().unwrap();
        for again in &generations[..3] {
            fs::create_dir_all(app.path().join(again.as_u64().to_string())).unwrap();
            fs::write(app.path().join(again.as_u64().to_string()).join("connection_config.json"), "{}").unwrap();
        }
    }
}

/// Runs `run` against a disk that fails at each of its accesses in turn, and `check` after each.
fn for_every_failure(
    prepare: impl Fn() -> App,
    run: impl Fn(&CredentialStore) -> Result<Generation, StoreError>,
    check: impl Fn(&App, Option<&StoreError>),
) {
    for mode in [Mode::Once, Mode::Dead, Mode::Torn] {
        for count in 0.. {
            let app = prepare();
            let (faults, seen) = failing(count, mode);
            let result = run(&app.store.clone().with_disk_faults(faults));
            if seen.load(Ordering::Relaxed) <= count {
                assert!(count > 5, "the faults were not asked");
                result.unwrap();
                break;
            }
            if let Err(error) = &result {
                assert_names_a_place(error, app.path());
            }
            if mode == Mode::Once {
                let is_temporary = |name: &String| name.starts_with(".tmp-");
                assert!(!names(app.path()).iter().any(is_temporary), "after {count}: a temporary file is left");
            }
            check(&app, result.err().as_ref());
        }
    }
}

#[test]
fn a_first_exchange_that_dies_anywhere_can_be_repeated() {
    for_every_failure(App::new, try_exchange, |app, _| {
        let loaded = app.store.load();
        assert_eq!(loaded.problem, None, "a crash looks like damage");
        app.exchange_with(desktop(), "");
        assert!(app.store.load().credentials.is_some());
    });
}

#[test]
fn an_exchange_that_dies_anywhere_leaves_the_old_credentials_or_the_new_ones() {
    let template = App::new();
    let old = template.exchange_with(desktop(), "").generation;
    let prepare = || {
        let app = App::new();
        copy(template.path(), app.path());
        app
    };
    for_every_failure(prepare, try_exchange, |app, error| {
        let loaded = app.store.load();
        assert_eq!(loaded.problem, None);
        let generation = loaded.credentials.expect("credentials").generation;
        if error.is_none() {
            assert_ne!(generation, old, "it was promoted, and nothing said that it failed");
        }
        // After ten minutes there is nothing left of it but what is in use.
        for name in names(app.path()) {
            let past = std::time::SystemTime::now() - std::time::Duration::from_secs(601);
            fs::File::open(app.path().join(name)).unwrap().set_modified(past).unwrap();
        }
        app.store.prune().unwrap();
        assert_eq!(names(app.path()), [generation.as_u64().to_string(), "current".to_owned()]);
        assert!(app.store.load().problem.is_none());
    });
}

#[test]
fn a_beginning_that_fails_leaves_no_folder() {
    for count in 0.. {
        let app = App::new();
        let (faults, seen) = failing(count, Mode::Once);
        let result = app.store.clone().with_disk_faults(faults).begin(APP_ID);
        if seen.load(Ordering::Relaxed) <= count {
            assert!(count > 10, "the faults were not asked");
            result.unwrap();
            break;
        }
        // Not every failure matters: where the pointer cannot be read, the folders tell enough.
        if let Err(error) = result {
            assert_names_a_place(&error, app.path());
            assert!(names(app.path()).is_empty(), "after {count}: {:?}", names(app.path()));
        }
    }
}

#[test]
fn a_pointer_that_moves_while_it_is_followed_is_followed_once_more() {
    let app = App::new();
    let old = app.exchange_with(desktop(), "old").generation;
    let new = app.exchange_with(desktop(), "new").generation;
    app.store.promote(old).unwrap();
    // Another process promotes the new generation and prunes the old one, between two reads of ours.
    let (other, old_folder) = (app.store.clone(), app.path().join("1"));
    let has_moved = AtomicUsize::new(0);
    let faults = DiskFaults::new(move |_, path| {
        if path.starts_with(&old_folder) && has_moved.fetch_add(1, Ordering::Relaxed) == 0 {
            other.promote(new).unwrap();
            assert_eq!(other.prune().unwrap(), [old]);
        }
        Ok(())
    });
    let loaded = app.store.clone().with_disk_faults(faults).load();
    assert_eq!(loaded.problem, None);
    assert_eq!(loaded.credentials.unwrap().device_id, "new");
}

#[test]
fn loading_from_a_failing_disk_never_loses_what_can_be_read() {
    let template = App::new();
    template.exchange_with(desktop(), "");
    template.exchange_with(desktop(), "");
    for mode in [Mode::Once, Mode::Dead] {
        for count in 0.. {
            let (faults, seen) = failing(count, mode);
            let loaded = template.store.clone().with_disk_faults(faults).load();
            if seen.load(Ordering::Relaxed) <= count {
                assert!(loaded.problem.is_none());
                break;
            }
            if let Some(problem) = &loaded.problem {
                assert!(problem.path().starts_with(template.path()), "{problem:?}");
            }
            // One failure is survived, by the older generation or by the second look.
            assert!(loaded.credentials.is_some() || mode == Mode::Dead, "after {count}: {:?}", loaded.problem);
        }
    }
    assert!(template.store.load().problem.is_none());
}

#[test]
fn faults_are_told_what_happens_where() {
    let app = App::new();
    let log = Arc::new(std::sync::Mutex::new(Vec::<(DiskAccess, PathBuf)>::new()));
    let writer = Arc::clone(&log);
    let faults = DiskFaults::new(move |access, path| {
        writer.lock().unwrap().push((access, path.to_owned()));
        Ok(())
    });
    app.store.clone().with_disk_faults(faults).begin(APP_ID).unwrap();
    let log = log.lock().unwrap();
    let folder = app.path().join("1");
    // The key is on the disk before the request that a desktop will look for.
    let renamed: Vec<_> =
        log.iter().filter(|(access, _)| *access == DiskAccess::Rename).map(|(_, path)| path).collect();
    assert_eq!(renamed, [&folder.join("privateKey.pem"), &folder.join("app.csr")]);
    let steps: Vec<_> =
        log.iter().skip_while(|(access, _)| *access != DiskAccess::Create).map(|(access, _)| *access).collect();
    // Nothing depends on it yet, so nothing waits for the disk.
    let write = [DiskAccess::Create, DiskAccess::Write, DiskAccess::Rename];
    assert_eq!(steps, [write, write].concat());
}

#[test]
fn a_generation_is_on_the_disk_before_it_is_pointed_to() {
    let app = App::new();
    // Promoting once more does all that the first time does.
    let generation = app.exchange_with(&Authority::in_memory(AuthorityConfig::default()).unwrap(), "").generation;
    let log = Arc::new(std::sync::Mutex::new(Vec::<(DiskAccess, PathBuf)>::new()));
    let writer = Arc::clone(&log);
    let faults = DiskFaults::new(move |access, path| {
        writer.lock().unwrap().push((access, path.to_owned()));
        Ok(())
    });

    app.store.clone().with_disk_faults(faults).promote(generation).unwrap();

    let log = log.lock().unwrap();
    let at = |access, path: &Path| log.iter().position(|logged| *logged == (access, path.to_owned()));
    let pointed = at(DiskAccess::Rename, &app.path().join("current")).expect("the pointer is renamed into place");
    let folder = app.path().join(generation.as_u64().to_string());
    for name in ["app.csr", "privateKey.pem", "sonarCA.crt", "device.crt", "connection_config.json"] {
        assert!(at(DiskAccess::Sync, &folder.join(name)).is_some_and(|synced| synced < pointed), "{name}");
    }
    for directory in [folder.as_path(), app.path()] {
        assert!(at(DiskAccess::SyncDir, directory).is_some_and(|synced| synced < pointed), "{}", directory.display());
    }
}

/// The names in a directory, in order; none if it is not there.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Copies a directory with everything in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).map(drop).unwrap()
        }
    }
}
