//! The files of the page. Those that are served are looked up in a list that is made once: no name that somebody sends
//! ever becomes a path.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use axum::body::Bytes;
use serde::Deserialize;

use super::OfficialUi;
use super::error::OfficialUiError;
use super::page::Page;

/// The page itself.
const INDEX: &str = "index.web.html";

/// Where the plugins are that come with it.
const PLUGINS: &str = "defaultPlugins";

/// Without these it shows nothing, or cannot be used.
const REQUIRED: [&str; 3] = ["bundle.js", "style.css", "themes/light.css"];

/// Where else it finds what it asks for, and which files.
const FOLDERS: [&str; 3] = ["", "themes", "icons"];

/// What the files of a published `flipper-server` are.
pub(super) struct Files {
    page: Page,
    plugins: PathBuf,
    /// By their paths, without the slash at the beginning.
    served: BTreeMap<String, File>,
}

/// A file that is served, and kept once it was asked for: it does not change under a page that is open.
pub(super) struct File {
    path: PathBuf,
    pub(super) content_type: &'static str,
    content: OnceLock<Content>,
}

#[derive(Clone)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    pub(super) etag: String,
}

impl Files {
    pub(super) fn find(directory: &Path) -> Result<Self, OfficialUiError> {
        let missing = |file| OfficialUiError::Missing { directory: directory.to_owned(), file };
        let places =
            [directory.join("node_modules/flipper-server/static"), directory.join("static"), directory.to_owned()];
        let root = places.into_iter().find(|place| place.join(INDEX).is_file()).ok_or_else(|| missing(INDEX))?;
        let root = root.canonicalize().map_err(|error| OfficialUiError::unreadable(root, &error))?;
        check_version(&root)?;
        let index = root.join(INDEX);
        let text = fs::read_to_string(&index).map_err(|error| OfficialUiError::unreadable(index.clone(), &error))?;
        let page = Page::new(text).ok_or(OfficialUiError::Unfamiliar { path: index })?;
        let mut served = BTreeMap::new();
        for folder in FOLDERS {
            let at = root.join(folder);
            list(&at, folder, &mut served).map_err(|error| OfficialUiError::unreadable(at, &error))?;
        }
        if let Some(file) = REQUIRED.into_iter().find(|file| !served.contains_key(*file)) {
            return Err(missing(file));
        }
        let plugins = root.join(PLUGINS);
        if !plugins.is_dir() {
            return Err(missing(PLUGINS));
        }
        Ok(Self { page, plugins, served })
    }

    pub(super) fn page(&self) -> &Page {
        &self.page
    }

    /// The folder of the plugins that come with the page.
    pub(super) fn plugins(&self) -> &Path {
        &self.plugins
    }

    pub(super) fn get(&self, name: &str) -> Option<&File> {
        self.served.get(name)
    }
}

impl File {
    /// What is in it. The first time, this reads it.
    pub(super) fn content(&self) -> io::Result<Content> {
        if let Some(content) = self.content.get() {
            return Ok(content.clone());
        }
        let bytes = fs::read(&self.path)?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let content = Content { etag: format!("\"{:x}-{:016x}\"", bytes.len(), hasher.finish()), bytes: bytes.into() };
        Ok(self.content.get_or_init(|| content).clone())
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("plugins", &self.plugins)
            .field("served", &self.served.len())
            .finish_non_exhaustive()
    }
}

/// The package says its version beside its folder `static`. A folder that was copied elsewhere says nothing.
fn check_version(root: &Path) -> Result<(), OfficialUiError> {
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let Some(package) = root.parent() else { return Ok(()) };
    let text = fs::read_to_string(package.join("package.json")).unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(Package { name, version }) if name == "flipper-server" && version != OfficialUi::VERSION => {
            Err(OfficialUiError::OtherVersion { directory: package.to_owned(), version })
        }
        _ => Ok(()),
    }
}

/// Takes the files of one folder down that pages ask for. What links elsewhere is none of them.
fn list(at: &Path, folder: &str, served: &mut BTreeMap<String, File>) -> io::Result<()> {
    let entries = match fs::read_dir(at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some(content_type) = content_type(name) else { continue };
        if entry.file_type()?.is_file() {
            let name = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            served.insert(name, File { path: entry.path(), content_type, content: OnceLock::new() });
        }
    }
    Ok(())
}

fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}
