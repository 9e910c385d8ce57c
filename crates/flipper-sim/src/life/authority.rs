//! Where desktops have their certificate authority from.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use flipper_pki::{Authority, AuthorityError};
use tempfile::TempDir;

use super::disk::Disk;
use crate::rng::Rng;
use crate::{Calendar, peers};

/// An authority that outlives the desktops that use it: in memory, or in a directory that each of them opens anew.
pub(super) struct Source {
    calendar: Calendar,
    pub(super) disk: Disk,
    memory: RefCell<Authority>,
    directory: Option<TempDir>,
}

impl Source {
    pub(super) fn new(calendar: &Calendar, rng: &mut Rng) -> Result<Self, String> {
        let memory = peers::authority(calendar).map_err(|error| error.to_string())?;
        let directory = rng.percent(30).then(peers::directory).transpose().map_err(|error| error.to_string())?;
        Ok(Self { calendar: calendar.clone(), disk: Disk::default(), memory: RefCell::new(memory), directory })
    }

    pub(super) fn open(&self) -> Result<Authority, AuthorityError> {
        match &self.directory {
            None => Ok(self.memory.borrow().clone()),
            Some(directory) => {
                let mut config = peers::authority_config(&self.calendar);
                config.disk_faults = Some(self.disk.faults());
                Authority::open_with(directory.path(), config)
            }
        }
    }

    /// Has the next desktop be another one, as far as apps can tell.
    pub(super) fn replace(&self) -> Result<(), String> {
        match &self.directory {
            None => *self.memory.borrow_mut() = peers::authority(&self.calendar).map_err(|error| error.to_string())?,
            Some(directory) => {
                for file in fs::read_dir(directory).map_err(|error| error.to_string())?.flatten() {
                    fs::remove_file(file.path()).map_err(|error| error.to_string())?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn directory(&self) -> Option<&Path> {
        self.directory.as_ref().map(TempDir::path)
    }
}
