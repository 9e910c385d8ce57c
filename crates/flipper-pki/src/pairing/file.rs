//! Where the pairings of a desktop are kept.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::pairings::PairingsError;
use super::record::{Content, Unreadable};
use crate::disk::{Disk, LockGuard};

const FILE: &str = "pairings.json";
const SET_ASIDE: &str = "pairings.json.damaged";
/// The lock of the whole directory: whoever holds it sweeps away the temporary files of others.
const LOCK: &str = "lock";

/// More than the most pairings can fill.
const MAX_FILE: u64 = 64 << 20;

/// A directory, or the memory of this process.
pub(super) enum Place {
    Directory { dir: PathBuf, disk: Disk },
    Memory(Mutex<Content>),
}

/// How much a change must survive.
#[derive(Clone, Copy)]
pub(super) enum Safety {
    None,
    LossOfPower,
}

impl Place {
    pub(super) fn directory(dir: PathBuf, disk: Disk) -> Self {
        Self::Directory { dir, disk }
    }

    pub(super) fn memory() -> Self {
        Self::Memory(Mutex::default())
    }

    /// Keeps everybody else from changing the pairings until it is dropped.
    pub(super) fn turn(&self) -> Result<Turn<'_>, PairingsError> {
        match self {
            Self::Memory(content) => Ok(Turn::Memory(content.lock().unwrap_or_else(PoisonError::into_inner))),
            Self::Directory { dir, disk } => {
                disk.create_dir_all(dir)?;
                Ok(Turn::Directory { dir, disk, _guard: disk.lock(&dir.join(LOCK))? })
            }
        }
    }

    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<T, PairingsError>,
    ) -> Result<T, PairingsError> {
        let mut turn = self.turn()?;
        let mut content = turn.read()?;
        let changed = change(&mut content)?;
        turn.write(content, Safety::LossOfPower)?;
        Ok(changed)
    }

    pub(super) fn set_aside(&self) -> Option<PathBuf> {
        let Self::Directory { dir, disk } = self else { return None };
        let path = dir.join(SET_ASIDE);
        disk.kind(&path).ok().flatten().map(|_| path)
    }
}

/// The time in which nobody else changes the pairings.
pub(super) enum Turn<'a> {
    Directory { dir: &'a PathBuf, disk: &'a Disk, _guard: LockGuard },
    Memory(MutexGuard<'a, Content>),
}

impl Turn<'_> {
    pub(super) fn read(&self) -> Result<Content, PairingsError> {
        let (dir, disk) = match self {
            Self::Memory(content) => return Ok((**content).clone()),
            Self::Directory { dir, disk, .. } => (dir, disk),
        };
        let path = dir.join(FILE);
        let json = match disk.read(&path, MAX_FILE) {
            Ok(json) => json,
            Err(error) if error.is_missing() => return Ok(Content::default()),
            Err(error) => return Err(error.into()),
        };
        disk.restrict(&path)?;
        match Content::of_json(&json) {
            Ok(content) => Ok(content),
            Err(Unreadable::Newer) => Err(PairingsError::Newer(path)),
            Err(Unreadable::Damaged) => {
                disk.write(&dir.join(SET_ASIDE), &json)?;
                disk.remove_file(&path)?;
                Ok(Content::default())
            }
        }
    }

    pub(super) fn write(&mut self, changed: Content, safety: Safety) -> Result<(), PairingsError> {
        match self {
            Self::Memory(content) => **content = changed,
            Self::Directory { dir, disk, .. } => {
                let (path, json) = (dir.join(FILE), changed.to_json());
                match safety {
                    Safety::LossOfPower => disk.write(&path, &json)?,
                    Safety::None => disk.write_unsynced(&path, &json)?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { dir, .. } => write!(f, "{}", dir.display()),
            Self::Memory(_) => f.write_str("in memory"),
        }
    }
}
