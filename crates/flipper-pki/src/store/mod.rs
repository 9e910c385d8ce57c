//! The credentials of an app, on disk.

mod credentials;
mod error;
mod generation;

use std::path::{Path, PathBuf};
use std::time::Duration;

use flipper_proto::Generation;

pub use self::credentials::{ConnectionConfig, Credentials};
pub use self::error::{StoreError, StoreErrorKind};
pub(crate) use self::generation::{CA, CERTIFICATE};

use self::generation::Folder;
use crate::disk::{Disk, DiskError, DiskFaults, Kind, TEMPORARY};
use crate::key::{KeyAlgorithm, PrivateKey};

/// The credentials of an app in a private directory, one folder per generation.
///
/// ```text
/// <dir>/current                  the number of the generation in use
/// <dir>/<n>/app.csr              the certificate request
/// <dir>/<n>/privateKey.pem       its key
/// <dir>/<n>/sonarCA.crt          the desktop's CA, delivered by the desktop
/// <dir>/<n>/device.crt           the app's certificate, delivered by the desktop
/// <dir>/<n>/connection_config.json   written last: {"deviceId":…,"medium":…,"os":…}
/// ```
///
/// A new exchange never touches credentials that work. It [begins](Self::begin) a new generation, which
/// the desktop delivers into, [completes](Self::complete) it, and once a desktop has accepted it
/// [promotes](Self::promote) it; until then everything goes on with the old one. A generation never
/// changes once it is complete, because the desktop looks for `app.csr` where it was told, for as long
/// as the certificate lives.
///
/// An official client keeps the same five files in the directory itself. Such a directory is read as
/// generation 0, as long as there is no pointer file, and never written to.
///
/// Several processes of one app may share a directory: they get generations of their own. Every file
/// is replaced as a whole, and readable by its owner only. A crash or a loss of power at any moment
/// leaves the old credentials in use, or the new ones.
#[derive(Clone, Debug)]
pub struct CredentialStore {
    dir: PathBuf,
    disk: Disk,
    key_algorithm: KeyAlgorithm,
}

/// What a [`CredentialStore`] found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// Credentials that can be used, perhaps older ones than wanted, perhaps expired.
    pub credentials: Option<Credentials>,
    /// What is wrong, if anything is. An app that never connected has neither.
    pub problem: Option<StoreError>,
}

/// The beginning of a generation: what an exchange needs to ask for a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// Which generation it is.
    pub generation: Generation,
    /// The certificate request, PEM, for the key `csr` of `signCertificate`.
    pub csr_pem: String,
    /// Where the desktop is to deliver the certificates, for the key `destination`: absolute, with a
    /// trailing separator.
    pub destination: String,
}

impl CredentialStore {
    /// What nobody uses and nobody has touched for this long was left behind by a crash.
    const ABANDONED_AFTER: Duration = Duration::from_secs(10 * 60);

    /// The store in this directory, which need not exist yet. Nothing is read or written.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), disk: Disk::default(), key_algorithm: KeyAlgorithm::EcdsaP256 }
    }

    /// The same store, with keys of this kind in the generations that it begins. Default: ECDSA P-256.
    #[must_use]
    pub fn with_key_algorithm(self, algorithm: KeyAlgorithm) -> Self {
        Self { key_algorithm: algorithm, ..self }
    }

    /// The same store on a disk that fails where `faults` says so.
    #[must_use]
    pub fn with_disk_faults(self, faults: DiskFaults) -> Self {
        Self { disk: Disk::with_faults(faults), ..self }
    }

    /// The directory, as it was given.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Reads the credentials in use.
    ///
    /// Where they are damaged, the newest complete generation before them takes their place; the
    /// problem then names both. Nothing is ever repaired or deleted here.
    #[must_use]
    pub fn load(&self) -> Loaded {
        // Another process may promote and prune between the two reads: what was missing under the old
        // pointer is then looked for once more, under the new one.
        let pointer = self.pointer();
        let loaded = self.load_from(&pointer);
        if loaded.problem.is_none() {
            return loaded;
        }
        let pointer_now = self.pointer();
        if pointer_now == pointer { loaded } else { self.load_from(&pointer_now) }
    }

    /// Begins a generation: makes its folder, a key and a certificate request in it.
    ///
    /// Nothing else is touched; in particular, the credentials in use stay in use.
    ///
    /// # Errors
    /// [`StoreError`] when the folder or a file cannot be made, or its path is no Unicode.
    pub fn begin(&self, app_id: &str) -> Result<Prepared, StoreError> {
        let key = PrivateKey::generate_as(self.key_algorithm);
        let key = key.map_err(|error| StoreError::new(StoreErrorKind::BadKey(error), &self.dir))?;
        let csr_pem = key.certificate_request(app_id);
        let csr_pem = csr_pem.map_err(|error| StoreError::new(StoreErrorKind::BadKey(error), &self.dir))?;
        // Asked first: a path that cannot be told is no reason to leave a folder behind.
        self.folder(Generation::from_u64(1)).as_told()?;
        let folder = self.create_folder()?;
        if let Err(error) = folder.write_key(&key, &csr_pem) {
            // The first error is the one to tell; prune() gets what stays behind.
            let _ = self.disk.remove_dir_all(&folder.path);
            return Err(error);
        }
        let destination = folder.as_told()?;
        Ok(Prepared { generation: folder.generation, csr_pem, destination })
    }

    /// Writes certificates that a desktop handed over in another way than by writing them itself.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be written, or the generation does not take any.
    pub fn deliver(&self, generation: Generation, ca_pem: &str, certificate_pem: &str) -> Result<(), StoreError> {
        let folder = self.incomplete(generation)?;
        folder.write_certificates(ca_pem.as_bytes(), certificate_pem.as_bytes())
    }

    /// Completes a generation after the desktop has answered: checks what it delivered, makes that
    /// private, and writes down the rest.
    ///
    /// The credentials are returned for a first connection; they are not in use until they are
    /// [promoted](Self::promote).
    ///
    /// # Errors
    /// [`StoreError`] when nothing was delivered, or something that does not fit; the generation can
    /// then only be discarded. Also when it is complete already, or not this store's.
    pub fn complete(&self, generation: Generation, config: &ConnectionConfig) -> Result<Credentials, StoreError> {
        let folder = self.incomplete(generation)?;
        folder.adopt_certificates()?;
        let credentials = folder.credentials(config.clone())?;
        folder.write_config(config)?;
        Ok(credentials)
    }

    /// Puts a complete generation in use, at once and for good.
    ///
    /// # Errors
    /// [`StoreError`] when the generation is not complete, damaged or not this store's, or the pointer
    /// cannot be written. The old credentials are in use then, or already the new ones if all that
    /// failed is the wait for the disk.
    pub fn promote(&self, generation: Generation) -> Result<(), StoreError> {
        let folder = self.ours(generation)?;
        folder.load()?;
        // What is pointed to must be there after a loss of power, so it goes to the disk first.
        folder.sync()?;
        Ok(self.disk.write(&self.pointer_path(), format!("{}\n", generation.as_u64()).as_bytes())?)
    }

    /// Removes a generation that came to nothing. That it is gone already is no error.
    ///
    /// # Errors
    /// [`StoreError`] when the generation is in use or an official client's, or cannot be removed; also
    /// when the pointer is damaged, so that nobody knows what is in use.
    pub fn discard(&self, generation: Generation) -> Result<(), StoreError> {
        let folder = self.ours(generation)?;
        if self.pointer()? == Some(generation) {
            return Err(StoreError::new(StoreErrorKind::InUse, &folder.path));
        }
        Ok(self.disk.remove_dir_all(&folder.path)?)
    }

    /// Removes what is of no use any more, and returns which generations that were: complete ones
    /// before the one in use, and everything else but that one if nobody has touched it for ten
    /// minutes. What is younger may be the exchange of another process, still under way.
    ///
    /// To be called after a stable session, not before: until then the old generations are what to
    /// fall back to. The files of an official client are never removed.
    ///
    /// # Errors
    /// [`StoreError`] when the directory cannot be read, the pointer is damaged, or something cannot
    /// be removed. Whatever else can be removed is.
    pub fn prune(&self) -> Result<Vec<Generation>, StoreError> {
        let current = self.pointer()?;
        let (mut removed, mut first_problem) = (Vec::new(), None);
        for generation in self.generations()? {
            match self.prune_generation(generation, current) {
                Ok(true) => removed.push(generation),
                Ok(false) => {}
                Err(problem) => first_problem = first_problem.or(Some(problem)),
            }
        }
        for name in self.disk.list(&self.dir).or_else(missing_is_empty)? {
            if name.to_string_lossy().starts_with(TEMPORARY)
                && let Err(problem) = self.prune_temporary(&self.dir.join(&name))
            {
                first_problem = first_problem.or(Some(problem));
            }
        }
        first_problem.map_or(Ok(removed), Err)
    }

    /// Removes a generation if it is of no use. Says whether it was.
    fn prune_generation(&self, generation: Generation, current: Option<Generation>) -> Result<bool, StoreError> {
        let folder = self.folder(generation);
        let is_older = current.is_some_and(|current| generation < current);
        let is_useless =
            Some(generation) != current && (is_older && folder.is_complete()? || self.is_abandoned(&folder.path)?);
        if is_useless {
            self.disk.remove_dir_all(&folder.path)?;
        }
        Ok(is_useless)
    }

    fn prune_temporary(&self, path: &Path) -> Result<(), StoreError> {
        if self.is_abandoned(path)? {
            self.disk.remove_file(path)?;
        }
        Ok(())
    }

    fn load_from(&self, pointer: &Result<Option<Generation>, StoreError>) -> Loaded {
        let problem = match pointer {
            Ok(Some(generation)) => match self.load_generation(*generation) {
                Ok(credentials) => {
                    return Loaded { credentials: Some(credentials), problem: None };
                }
                Err(problem) => problem,
            },
            Ok(None) => return self.load_flat(),
            Err(problem) => problem.clone(),
        };
        let limit = match pointer {
            Ok(Some(generation)) => *generation,
            _ => Generation::from_u64(u64::MAX),
        };
        match self.newest_before(limit) {
            Some(credentials) => {
                let problem = problem.falling_back_to(credentials.generation);
                Loaded { credentials: Some(credentials), problem: Some(problem) }
            }
            None => Loaded { credentials: None, problem: Some(problem) },
        }
    }

    fn load_generation(&self, generation: Generation) -> Result<Credentials, StoreError> {
        let folder = self.folder(generation);
        if self.disk.kind(&folder.path)?.is_none() {
            return Err(StoreError::new(StoreErrorKind::MissingGeneration, &folder.path));
        }
        folder.load()
    }

    /// The files of an official client, if there are any.
    fn load_flat(&self) -> Loaded {
        let folder = self.folder(FLAT);
        let found = match folder.has_any_file() {
            Ok(false) => return Loaded::default(),
            Ok(true) => folder.load(),
            Err(problem) => Err(problem),
        };
        match found {
            Ok(credentials) => Loaded { credentials: Some(credentials), problem: None },
            Err(problem) => Loaded { credentials: None, problem: Some(problem) },
        }
    }

    /// The newest complete generation before `limit`. What cannot be read does not count.
    fn newest_before(&self, limit: Generation) -> Option<Credentials> {
        let mut older = self.generations().unwrap_or_default();
        older.retain(|generation| *generation < limit);
        older.push(FLAT);
        older.sort_unstable();
        older.into_iter().rev().find_map(|generation| self.folder(generation).load().ok())
    }

    /// The generation that the pointer file names; `None` if there is no such file.
    fn pointer(&self) -> Result<Option<Generation>, StoreError> {
        if self.disk.kind(&self.dir)? == Some(Kind::Other) {
            return Err(StoreError::new(StoreErrorKind::NotADirectory, &self.dir));
        }
        let path = self.pointer_path();
        match self.disk.read(&path, MAX_POINTER) {
            Ok(content) => {
                parse_pointer(&content).map(Some).ok_or_else(|| StoreError::new(StoreErrorKind::BadPointer, &path))
            }
            Err(error) if error.is_missing() => Ok(None),
            Err(error) if error.kind == std::io::ErrorKind::FileTooLarge => {
                Err(StoreError::new(StoreErrorKind::BadPointer, &path))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The generations that have a folder, in no order.
    fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        let names = self.disk.list(&self.dir).or_else(missing_is_empty)?;
        Ok(names.iter().filter_map(|name| parse_generation(name.to_str()?)).collect())
    }

    /// Makes the folder of the next generation. The exclusive making decides between processes.
    fn create_folder(&self) -> Result<Folder<'_>, StoreError> {
        if self.disk.kind(&self.dir)? == Some(Kind::Other) {
            return Err(StoreError::new(StoreErrorKind::NotADirectory, &self.dir));
        }
        self.disk.create_dir_all(&self.dir)?;
        // A damaged pointer must not keep the app from replacing what it points to.
        let current = self.pointer().ok().flatten().map_or(0, Generation::as_u64);
        let newest = self.generations()?.into_iter().map(Generation::as_u64).max();
        let mut number = newest.unwrap_or(0).max(current);
        loop {
            number = number.saturating_add(1);
            let folder = self.folder(Generation::from_u64(number));
            match self.disk.create_dir(&folder.path) {
                Ok(()) => return Ok(folder),
                Err(error) if error.kind == std::io::ErrorKind::AlreadyExists && number < u64::MAX => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn incomplete(&self, generation: Generation) -> Result<Folder<'_>, StoreError> {
        let folder = self.ours(generation)?;
        if folder.is_complete()? {
            return Err(StoreError::new(StoreErrorKind::AlreadyComplete, &folder.path));
        }
        Ok(folder)
    }

    fn ours(&self, generation: Generation) -> Result<Folder<'_>, StoreError> {
        let folder = self.folder(generation);
        if generation == FLAT {
            return Err(StoreError::new(StoreErrorKind::NotOurs, &folder.path));
        }
        Ok(folder)
    }

    fn folder(&self, generation: Generation) -> Folder<'_> {
        let path = if generation == FLAT { self.dir.clone() } else { self.dir.join(generation.as_u64().to_string()) };
        Folder { disk: &self.disk, path, generation }
    }

    fn pointer_path(&self) -> PathBuf {
        self.dir.join(POINTER)
    }

    fn is_abandoned(&self, path: &Path) -> Result<bool, DiskError> {
        match self.disk.age(path) {
            Ok(age) => Ok(age >= Self::ABANDONED_AFTER),
            // Another process was faster.
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The flat directory of an official client.
const FLAT: Generation = Generation::from_u64(0);

const POINTER: &str = "current";
const MAX_POINTER: u64 = 32;

/// A number as this store writes it, so that every generation has one folder.
fn parse_generation(name: &str) -> Option<Generation> {
    let number: u64 = name.parse().ok()?;
    (number > 0 && number.to_string() == name).then(|| Generation::from_u64(number))
}

fn parse_pointer(content: &[u8]) -> Option<Generation> {
    parse_generation(std::str::from_utf8(content).ok()?.trim_ascii())
}

fn missing_is_empty(error: DiskError) -> Result<Vec<std::ffi::OsString>, DiskError> {
    if error.is_missing() { Ok(Vec::new()) } else { Err(error) }
}
