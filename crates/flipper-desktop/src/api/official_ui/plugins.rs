//! The plugins that the page is given.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::official_plugins::{OfficialPlugin, folders, installed_official_plugins};

/// What is passed on of a plugin's `package.json`. Nothing that has the desktop run anything.
const FIELDS: [&str; 12] = [
    "name",
    "id",
    "version",
    "title",
    "icon",
    "description",
    "category",
    "pluginType",
    "supportedDevices",
    "supportedApps",
    "headless",
    "bugs",
];

/// All plugins, by the names under which the page asks for them.
#[derive(Default)]
pub(in crate::api) struct Catalogue(BTreeMap<String, Plugin>);

/// A plugin.
#[derive(Clone)]
pub(in crate::api) struct Plugin {
    about: Arc<Map<String, Value>>,
    bundle: Bundle,
}

#[derive(Clone)]
enum Bundle {
    File(PathBuf),
    Text(&'static str),
}

impl Catalogue {
    /// Those that come with the page, those of Rust apps, and those that are installed in a home directory. Of several that
    /// have the same id the installed one is taken, and of several versions the newest. What cannot be read is left out.
    pub(super) fn read(with_page: &Path, home: Option<&Path>) -> Self {
        let mut by_id = BTreeMap::new();
        let mut take = |plugin: Option<Plugin>| {
            if let Some(plugin) = plugin {
                by_id.insert(plugin.text("id").to_owned(), plugin);
            }
        };
        let of_page = told("the plugins of the official UI", folders(with_page));
        of_page.iter().for_each(|folder| take(Plugin::in_folder(folder)));
        let crashes = OfficialPlugin::table("rust-crashes", "Rust Crashes").ok();
        [Some(OfficialPlugin::logs()), crashes].iter().flatten().for_each(|own| take(Plugin::own(own)));
        if let Some(home) = home {
            let mut installed = told("the installed plugins", installed_official_plugins(home));
            installed.sort_by_cached_key(|plugin| numbers(&plugin.version));
            installed.iter().for_each(|plugin| take(Plugin::in_folder(&plugin.folder)));
        }
        Self(by_id.into_values().map(|plugin| (plugin.entry(), plugin)).collect())
    }

    pub(super) fn plugin(&self, entry: &str) -> Option<&Plugin> {
        self.0.get(entry)
    }

    /// As the page wants to be told of them.
    pub(in crate::api) fn to_json(&self) -> String {
        let all: Vec<_> = self.0.iter().map(|(entry, plugin)| plugin.details(entry)).collect();
        Value::from(all).to_string()
    }
}

impl Plugin {
    fn in_folder(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("package.json")).ok()?;
        let package: Value = serde_json::from_str(&text).ok()?;
        let main = package["main"].as_str().unwrap_or("dist/bundle.js");
        let folder = folder.canonicalize().ok()?;
        // A plugin has nothing to look for elsewhere.
        let bundle = folder.join(main).canonicalize().ok().filter(|bundle| bundle.starts_with(&folder))?;
        Self::new(&package, Bundle::File(bundle))
    }

    fn own(plugin: &OfficialPlugin) -> Option<Self> {
        Self::new(plugin.package(), Bundle::Text(plugin.bundle()))
    }

    fn new(package: &Value, bundle: Bundle) -> Option<Self> {
        let name = package["name"].as_str()?;
        let fields = FIELDS.into_iter().filter_map(|field| Some((field.to_owned(), package.get(field)?.clone())));
        let mut about: Map<String, Value> = fields.collect();
        if !about.get("id").is_some_and(Value::is_string) {
            about.insert("id".to_owned(), name.into());
        }
        if let Some(version) = package.pointer("/peerDependencies/flipper-plugin") {
            about.insert("flipperSDKVersion".to_owned(), version.clone());
        }
        about.insert("isBundled".to_owned(), false.into());
        about.insert("isActivatable".to_owned(), true.into());
        Some(Self { about: Arc::new(about), bundle })
    }

    /// The text of its bundle. This may read a file.
    pub(in crate::api) fn source(&self) -> io::Result<String> {
        match &self.bundle {
            Bundle::File(path) => fs::read_to_string(path),
            Bundle::Text(text) => Ok((*text).to_owned()),
        }
    }

    fn text(&self, field: &str) -> &str {
        self.about.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// What the page calls its bundle. It is no path, and only ever compared.
    fn entry(&self) -> String {
        format!("/plugins/{}@{}.js", self.text("name"), self.text("version"))
    }

    fn details(&self, entry: &str) -> Value {
        let mut details = json!(*self.about);
        details["entry"] = entry.into();
        details
    }
}

/// What was found, or nothing.
fn told<T>(what: &str, found: io::Result<Vec<T>>) -> Vec<T> {
    found.unwrap_or_else(|error| {
        tracing::warn!("{what} cannot be read: {error}");
        Vec::new()
    })
}

/// A version, in its order. One that has something after its numbers comes before that which has not.
fn numbers(version: &str) -> (Vec<u64>, Reverse<bool>) {
    let (numbers, rest) = version.split_once('-').map_or((version, false), |(numbers, _)| (numbers, true));
    (numbers.split('.').map(|number| number.parse().unwrap_or(0)).collect(), Reverse(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plugin's folder.
    fn plugin(folder: &Path, package: &Value, bundle: &str) {
        fs::create_dir_all(folder.join("dist")).unwrap();
        fs::write(folder.join("package.json"), package.to_string()).unwrap();
        fs::write(folder.join("dist/bundle.js"), bundle).unwrap();
    }

    #[test]
    fn installed_plugins_come_before_those_of_the_page_and_newer_ones_before_older_ones() {
        let root = tempfile::tempdir().unwrap();
        let with_page = root.path().join("page");
        let package = |version: &str| json!({"name": "orders", "version": version, "serverAddOn": "dist/run.js"});
        plugin(&with_page.join("orders"), &package("9.0.0"), "page");
        for version in ["0.9.0", "0.10.0", "0.10.0-beta"] {
            let folder = root.path().join(".flipper/installed-plugins/orders").join(version);
            plugin(&folder, &package(version), version);
        }
        let catalogue = Catalogue::read(&with_page, Some(root.path()));
        let found = catalogue.plugin("/plugins/orders@0.10.0.js").unwrap();
        assert_eq!(found.source().unwrap(), "0.10.0");
        let listed: Value = serde_json::from_str(&catalogue.to_json()).unwrap();
        let ids: Vec<_> = listed.as_array().unwrap().iter().map(|plugin| plugin["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["rust-logs", "rust-crashes", "orders"]);
        assert!(!catalogue.to_json().contains("run.js"), "nothing is run for it");
    }

    #[test]
    fn a_bundle_outside_of_its_folder_is_no_plugin() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("secret"), "secret").unwrap();
        let folder = root.path().join("page/curious");
        for main in ["../../secret", "/etc/passwd", "dist/../../../secret", "nowhere.js"] {
            plugin(&folder, &json!({"name": "curious", "version": "1.0.0", "main": main}), "");
            let catalogue = Catalogue::read(&root.path().join("page"), None);
            assert!(catalogue.plugin("/plugins/curious@1.0.0.js").is_none(), "{main}");
        }
    }
}
