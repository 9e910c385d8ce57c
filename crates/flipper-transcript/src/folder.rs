//! Transcripts on the disk.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Transcript;
use crate::error::ParseError;

/// Reads every `.flip` file in a folder, in the order of their names.
///
/// # Errors
/// [`FolderError`]: the folder or a file cannot be read, or a file is no transcript.
pub fn read_folder(folder: &Path) -> Result<Vec<Transcript>, FolderError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| FolderError::Io { path, source }
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        if path.extension().is_some_and(|ending| ending == "flip") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(path).map_err(io(path))?;
        Transcript::parse(&name, &text).map_err(FolderError::Parse)
    };
    paths.iter().map(read).collect()
}

/// Why a folder of transcripts cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum FolderError {
    /// The folder or a file in it cannot be read.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no transcript.
    Parse(ParseError),
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::Parse(error) => write!(f, "{error}"),
        }
    }
}

impl Error for FolderError {}
