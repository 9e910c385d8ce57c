//! A directory of somebody else, in which nothing is followed and nothing is taken for granted.

use std::io;

#[cfg(unix)]
pub(super) use self::by_handle::Folder;
#[cfg(not(unix))]
pub(super) use self::by_path::Folder;

/// A file that was read.
pub(super) struct Found {
    pub(super) content: Vec<u8>,
    /// Who owns it, if that is not this process's own user.
    pub(super) owner: Option<Owner>,
}

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum ReadError {
    Missing,
    /// A symbolic link, a directory, a device.
    NotAFile,
    TooLarge,
    Io(io::Error),
}

/// Who is to own a file.
#[cfg(unix)]
pub(super) type Owner = (rustix::fs::Uid, rustix::fs::Gid);
/// Who is to own a file, which is not for this process to say.
#[cfg(not(unix))]
pub(super) type Owner = std::convert::Infallible;

/// How often another temporary name is tried, should there be a file of the first.
const TRIES: usize = 8;

/// A name that nobody else chooses.
pub(super) fn temporary_name() -> io::Result<String> {
    let random = getrandom::u64().map_err(io::Error::other)?;
    Ok(format!(".flipper-{random:016x}"))
}

/// Through an open directory: whatever its path leads to later, it stays the same.
#[cfg(unix)]
mod by_handle {
    use std::fs::File;
    use std::io::{self, Read as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::path::PathBuf;

    use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
    use rustix::io::Errno;

    use super::{Found, Owner, ReadError, TRIES, temporary_name};

    pub(in super::super) struct Folder {
        path: PathBuf,
        directory: OwnedFd,
    }

    /// A file that is complete, but not in its place yet. Dropped, it is removed.
    pub(in super::super) struct Staged<'a> {
        folder: &'a Folder,
        name: &'static str,
        temporary: String,
    }

    const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

    impl Folder {
        pub(in super::super) fn open(path: PathBuf) -> io::Result<Self> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let directory = rustix::fs::openat(CWD, &path, flags, Mode::empty())?;
            Ok(Self { path, directory })
        }

        /// The path of a file in the directory, for people.
        pub(in super::super) fn path(&self, name: &str) -> PathBuf {
            self.path.join(name)
        }

        pub(in super::super) fn read(&self, name: &str, max: usize) -> Result<Found, ReadError> {
            // Without NONBLOCK, opening a pipe that nobody writes to would wait for ever.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let file = match rustix::fs::openat(&self.directory, name, flags, Mode::empty()) {
                Ok(file) => file,
                Err(Errno::NOENT) => return Err(ReadError::Missing),
                // A symbolic link, and a socket.
                Err(Errno::LOOP | Errno::MLINK | Errno::NXIO) => return Err(ReadError::NotAFile),
                Err(error) => return Err(ReadError::Io(error.into())),
            };
            let status = rustix::fs::fstat(&file).map_err(|error| ReadError::Io(error.into()))?;
            if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
                return Err(ReadError::NotAFile);
            }
            let mut content = Vec::new();
            let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
            File::from(file).take(limit).read_to_end(&mut content).map_err(ReadError::Io)?;
            if content.len() > max {
                return Err(ReadError::TooLarge);
            }
            let user = rustix::fs::Uid::from_raw(status.st_uid);
            let foreign = user != rustix::process::geteuid();
            Ok(Found { content, owner: foreign.then(|| (user, rustix::fs::Gid::from_raw(status.st_gid))) })
        }

        /// Writes a file under a temporary name, readable by its owner alone whatever the umask.
        pub(in super::super) fn stage(
            &self,
            name: &'static str,
            content: &[u8],
            owner: Option<Owner>,
        ) -> io::Result<Staged<'_>> {
            let (file, temporary) = self.create_temporary()?;
            let staged = Staged { folder: self, name, temporary };
            rustix::fs::fchmod(&file, FILE_MODE)?;
            let mut file = File::from(file);
            file.write_all(content)?;
            if let Some((user, group)) = owner {
                rustix::fs::fchown(&file, Some(user), Some(group))?;
            }
            file.sync_all()?;
            Ok(staged)
        }

        fn create_temporary(&self) -> io::Result<(OwnedFd, String)> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut tries = TRIES;
            loop {
                let name = temporary_name()?;
                match rustix::fs::openat(&self.directory, &name, flags, FILE_MODE) {
                    Ok(file) => return Ok((file, name)),
                    Err(Errno::EXIST) if tries > 0 => tries -= 1,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    impl Staged<'_> {
        /// Gives the file its name, in place of whatever has it.
        pub(in super::super) fn commit(mut self) -> io::Result<()> {
            let directory = &self.folder.directory;
            rustix::fs::renameat(directory, &self.temporary, directory, self.name)?;
            self.temporary.clear();
            rustix::fs::fsync(directory)?;
            Ok(())
        }
    }

    impl Drop for Staged<'_> {
        fn drop(&mut self) {
            if !self.temporary.is_empty() {
                // The error that brought this about is the one that is told.
                let _lost = rustix::fs::unlinkat(&self.folder.directory, &self.temporary, AtFlags::empty());
            }
        }
    }
}

/// By paths, where a directory cannot be held open.
#[cfg(any(not(unix), test))]
mod by_path {
    use std::fs::{self, File, OpenOptions};
    use std::io::{self, Read as _, Write as _};
    use std::path::PathBuf;

    use super::{Found, Owner, ReadError, TRIES, temporary_name};

    pub(in super::super) struct Folder {
        path: PathBuf,
    }

    /// A file that is complete, but not in its place yet. Dropped, it is removed.
    pub(in super::super) struct Staged<'a> {
        folder: &'a Folder,
        name: &'static str,
        temporary: Option<PathBuf>,
    }

    impl Folder {
        pub(in super::super) fn open(path: PathBuf) -> io::Result<Self> {
            if fs::metadata(&path)?.is_dir() { Ok(Self { path }) } else { Err(io::ErrorKind::NotADirectory.into()) }
        }

        /// The path of a file in the directory.
        pub(in super::super) fn path(&self, name: &str) -> PathBuf {
            self.path.join(name)
        }

        pub(in super::super) fn read(&self, name: &str, max: usize) -> Result<Found, ReadError> {
            let path = self.path(name);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_file() => {}
                Ok(_) => return Err(ReadError::NotAFile),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ReadError::Missing),
                Err(error) => return Err(ReadError::Io(error)),
            }
            let mut content = Vec::new();
            let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
            let file = File::open(&path).map_err(ReadError::Io)?;
            file.take(limit).read_to_end(&mut content).map_err(ReadError::Io)?;
            if content.len() > max { Err(ReadError::TooLarge) } else { Ok(Found { content, owner: None }) }
        }

        /// Writes a file under a temporary name.
        pub(in super::super) fn stage(
            &self,
            name: &'static str,
            content: &[u8],
            _owner: Option<Owner>,
        ) -> io::Result<Staged<'_>> {
            let (mut file, temporary) = self.create_temporary()?;
            let staged = Staged { folder: self, name, temporary: Some(temporary) };
            file.write_all(content)?;
            file.sync_all()?;
            Ok(staged)
        }

        fn create_temporary(&self) -> io::Result<(File, PathBuf)> {
            let mut tries = TRIES;
            loop {
                let path = self.path(&temporary_name()?);
                match OpenOptions::new().write(true).create_new(true).open(&path) {
                    Ok(file) => return Ok((file, path)),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries > 0 => tries -= 1,
                    Err(error) => return Err(error),
                }
            }
        }
    }

    impl Staged<'_> {
        /// Gives the file its name, in place of whatever has it.
        pub(in super::super) fn commit(mut self) -> io::Result<()> {
            let Some(temporary) = self.temporary.take() else { return Ok(()) };
            let renamed = fs::rename(&temporary, self.folder.path(self.name));
            if renamed.is_err() {
                self.temporary = Some(temporary);
            }
            renamed
        }
    }

    impl Drop for Staged<'_> {
        fn drop(&mut self) {
            if let Some(temporary) = &self.temporary {
                // The error that brought this about is the one that is told.
                let _lost = fs::remove_file(temporary);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::tempdir;

    use super::*;

    /// Both kinds of folder do the same.
    macro_rules! for_both {
        ($($name:ident($folder:ident) $body:block)*) => {
            $(mod $name {
                use super::*;

                #[cfg(unix)]
                #[test]
                fn by_handle() {
                    use super::by_handle::Folder as $folder;
                    $body
                }

                #[test]
                fn by_path() {
                    use super::by_path::Folder as $folder;
                    $body
                }
            })*
        };
    }

    for_both! {
        a_file_is_read_and_replaced(Folder) {
            let dir = tempdir().unwrap();
            fs::write(dir.path().join("device.crt"), "old").unwrap();
            let folder = Folder::open(dir.path().to_owned()).unwrap();
            assert_eq!(folder.read("device.crt", 3).unwrap().content, b"old");
            assert!(matches!(folder.read("device.crt", 2), Err(ReadError::TooLarge)));
            let staged = folder.stage("device.crt", b"new", None).unwrap();
            assert_eq!(fs::read(dir.path().join("device.crt")).unwrap(), b"old");
            staged.commit().unwrap();
            assert_eq!(fs::read(dir.path().join("device.crt")).unwrap(), b"new");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }

        what_is_not_committed_leaves_nothing(Folder) {
            let dir = tempdir().unwrap();
            let folder = Folder::open(dir.path().to_owned()).unwrap();
            drop(folder.stage("device.crt", b"new", None).unwrap());
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }

        a_directory_in_the_way_leaves_nothing(Folder) {
            let dir = tempdir().unwrap();
            fs::create_dir(dir.path().join("device.crt")).unwrap();
            let folder = Folder::open(dir.path().to_owned()).unwrap();
            assert!(folder.stage("device.crt", b"new", None).unwrap().commit().is_err());
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }

        only_regular_files_are_read(Folder) {
            let dir = tempdir().unwrap();
            let folder = Folder::open(dir.path().to_owned()).unwrap();
            assert!(matches!(folder.read("app.csr", 10), Err(ReadError::Missing)));
            fs::create_dir(dir.path().join("app.csr")).unwrap();
            assert!(matches!(folder.read("app.csr", 10), Err(ReadError::NotAFile)));
        }

        a_file_is_no_folder(Folder) {
            let dir = tempdir().unwrap();
            let path = dir.path().join("file");
            fs::write(&path, "").unwrap();
            assert!(Folder::open(path).is_err());
            assert!(Folder::open(dir.path().join("nothing")).is_err());
        }
    }
}
