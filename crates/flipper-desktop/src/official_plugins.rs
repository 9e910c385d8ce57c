//! Desktop sides for the official desktop, of plugins that it does not bring along.
//!
//! The official `flipper-server` reads plugins from `installed-plugins/<package name>/<version>/` in `~/.flipper`, as
//! ready-made bundles. It does so whenever its page is loaded; nothing has to be restarted.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The most bytes of an id: it becomes the name of a folder.
const MAX_ID: usize = 64;

/// One desktop side, ready to be put where the official desktop finds it.
#[derive(Clone, Debug)]
pub struct OfficialPlugin {
    package: Value,
    bundle: &'static str,
}

impl OfficialPlugin {
    /// That of `rust-logs`: what an app logs through `tracing`.
    #[must_use]
    pub fn logs() -> Self {
        Self {
            package: parse(include_str!("../official-plugins/flipper-plugin-rust-logs/package.json")),
            bundle: include_str!("../official-plugins/flipper-plugin-rust-logs/dist/bundle.js"),
        }
    }

    /// That of a table of an app's own, which has the plugin id `id`. The table describes itself; the desktop shows it
    /// under `title`.
    ///
    /// # Errors
    /// [`BadId`].
    pub fn table(id: &str, title: &str) -> Result<Self, BadId> {
        if id.is_empty() || id.len() > MAX_ID || id.chars().any(char::is_control) {
            return Err(BadId);
        }
        let mut package = parse(include_str!("../official-plugins/flipper-plugin-rust-table/package.json"));
        package["id"] = id.into();
        package["title"] = if title.is_empty() { id.into() } else { title.into() };
        package["name"] = format!("flipper-plugin-rust-table-{}", folder_name(id)).into();
        Ok(Self { package, bundle: include_str!("../official-plugins/flipper-plugin-rust-table/dist/bundle.js") })
    }

    /// The id of the plugin, as the app has it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// What the desktop calls it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.text("title")
    }

    /// Puts it into `installed-plugins` of the official desktop's directory `.flipper` in `home`, in the place of one of
    /// the same version, and gives its folder.
    ///
    /// # Errors
    /// When something cannot be written. What is there then is what was there before, or is not seen by the desktop.
    pub fn install(&self, home: &Path) -> io::Result<PathBuf> {
        let folder = installed_plugins(home).join(self.text("name")).join(self.text("version"));
        write(&folder.join("dist/bundle.js"), self.bundle)?;
        // The desktop takes a folder for a plugin once it has this file.
        write(&folder.join("package.json"), &format!("{:#}\n", self.package))?;
        Ok(folder)
    }

    #[cfg(feature = "api")]
    pub(crate) fn package(&self) -> &Value {
        &self.package
    }

    #[cfg(feature = "api")]
    pub(crate) fn bundle(&self) -> &'static str {
        self.bundle
    }

    fn text(&self, field: &str) -> &str {
        self.package[field].as_str().unwrap_or_default()
    }
}

/// A plugin that the official desktop finds in its folder, whoever put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstalledPlugin {
    /// The id of the plugin, as an app has it.
    pub id: String,
    /// What the desktop calls it.
    pub title: String,
    /// Its version.
    pub version: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// The plugins in `installed-plugins` of the official desktop's directory `.flipper` in `home`, in the order of their
/// ids. None where there is no such folder.
///
/// # Errors
/// When a folder cannot be read. One that holds no plugin is left out, as the official desktop does.
pub fn installed_official_plugins(home: &Path) -> io::Result<Vec<InstalledPlugin>> {
    let mut plugins = Vec::new();
    for package in folders(&installed_plugins(home))? {
        for folder in folders(&package)? {
            let text = fs::read_to_string(folder.join("package.json")).unwrap_or_default();
            let Ok(package) = serde_json::from_str::<Value>(&text) else { continue };
            let field = |name: &str| package[name].as_str().map(str::to_owned);
            let Some(name) = field("name") else { continue };
            let id = field("id").unwrap_or(name);
            let title = field("title").unwrap_or_else(|| id.clone());
            plugins.push(InstalledPlugin { id, title, version: field("version").unwrap_or_default(), folder });
        }
    }
    plugins.sort_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)));
    Ok(plugins)
}

fn installed_plugins(home: &Path) -> PathBuf {
    home.join(".flipper/installed-plugins")
}

/// The folders in a folder. None where there is no such folder.
pub(crate) fn folders(of: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(of) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// Writes a whole file or none.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Nothing in it is a secret, and the desktop may be another user's.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    Ok(())
}

/// An id as a part of the name of a folder, different for every id.
fn folder_name(id: &str) -> String {
    let mut name = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("_{byte:02x}"));
        }
    }
    name
}

#[expect(clippy::expect_used, reason = "the text is a part of this crate, and a test reads it")]
fn parse(package: &str) -> Value {
    serde_json::from_str(package).expect("package.json is JSON")
}

/// An id that no plugin can have: it is empty, longer than 64 bytes, or has control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadId;

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the id of a plugin has 1 to {MAX_ID} bytes, and no control characters")
    }
}

impl std::error::Error for BadId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_found() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(installed_official_plugins(home.path()).unwrap(), []);
        let logs = OfficialPlugin::logs();
        let folder = logs.install(home.path()).unwrap();
        assert_eq!(logs.install(home.path()).unwrap(), folder, "a second time is no harm");
        let table = OfficialPlugin::table("Orders/Übersicht", "").unwrap();
        table.install(home.path()).unwrap();
        fs::create_dir_all(home.path().join(".flipper/installed-plugins/empty/1.0.0")).unwrap();
        let found = installed_official_plugins(home.path()).unwrap();
        let ids: Vec<_> = found.iter().map(|plugin| (plugin.id.as_str(), plugin.title.as_str())).collect();
        assert_eq!(ids, [("Orders/Übersicht", "Orders/Übersicht"), ("rust-logs", "Rust Logs")]);
        assert_eq!(found[1].folder, folder);
        assert_eq!(found[1].version, env!("CARGO_PKG_VERSION"), "it is released together with the rest");
        let files: Vec<_> = fs::read_dir(folder.join("dist")).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["bundle.js"], "nothing temporary stays");
    }

    #[test]
    fn an_id_never_leaves_its_folder() {
        assert_eq!(folder_name("../a B"), "_2e_2e_2fa_20_42");
        for bad in ["", "a\nb", &"x".repeat(65)] {
            assert_eq!(OfficialPlugin::table(bad, "").unwrap_err(), BadId);
        }
    }
}
