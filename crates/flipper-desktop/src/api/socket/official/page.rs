//! What the page of the official desktop asks for, besides what every observer does.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use flipper_proto::{ClientId, PluginId};
use serde_json::json;
use serde_json::value::RawValue;

use super::frames::{self, push_event};
use crate::api::official_ui::{Hosting, OfficialUi};
use crate::api::socket::conversation::Talk;
use crate::client::Client;
use crate::devices::{Device, DeviceKind};

/// A page that was just opened asks for its configuration within milliseconds. One whose socket was lost asks for nothing:
/// it takes what it knows for true, and has to be told.
const UNTIL_TOLD: Duration = Duration::from_secs(1);

/// What the page asks for whenever it is opened, and counts as errors if it does not get it: there is none of that here.
const NOTHING: [(&str, &str); 4] = [
    ("plugins-get-bundled-plugins", "[]"),
    ("plugins-get-installed-plugins", "[]"),
    ("get-changelog", "\"\""),
    (
        "doctor-get-healthchecks",
        r#"{"common":{"label":"Common","isSkipped":true,"skipReason":"run `flipper doctor`"},"android":{"label":"Android","isSkipped":true,"skipReason":"run `flipper doctor`"},"ios":{"label":"iOS","isSkipped":true,"skipReason":"run `flipper doctor`"}}"#,
    ),
];

/// The commands that only the page has.
pub(super) const COMMANDS: &str = "get-config, plugins-load-dynamic-plugins and plugin-source";

/// A page at the other end of a socket.
pub(super) struct Page {
    pub(super) hosting: Arc<Hosting>,
    /// Which one it is among all that were ever opened.
    pub(super) number: u64,
}

/// What becomes of a command.
pub(super) enum Said {
    Now(String),
    /// It is answered once it was looked up.
    Later,
    /// It is none of the page's own.
    NotMine,
}

impl Page {
    /// The page, if this is its port. It is told nothing yet: it might not listen.
    pub(super) fn of(talk: &mut Talk) -> Option<Self> {
        let hosting = Arc::clone(talk.server.hosting()?);
        talk.wake_after(UNTIL_TOLD);
        let number = hosting.number();
        Some(Self { hosting, number })
    }

    pub(super) fn carry_out(&self, command: &str, id: &RawValue, args: &[&RawValue], talk: &mut Talk) -> Said {
        match command {
            "get-config" => Said::Now(config()),
            "client-list" => {
                let clients = talk.server.desktop().clients();
                clients.iter().for_each(|client| self.hosting.note_told(&frames::shown(&client.id)));
                Said::NotMine
            }
            "plugins-load-dynamic-plugins" => {
                let (hosting, id) = (Arc::clone(&self.hosting), id.to_owned());
                talk.look_up(move || frames::response(id.get(), Some(&hosting.look_for_plugins().to_json())));
                Said::Later
            }
            "plugin-source" => {
                let entry = args.first().and_then(|arg| serde_json::from_str::<String>(arg.get()).ok());
                let plugin = entry.as_deref().and_then(|entry| self.hosting.plugin(entry));
                let id = id.to_owned();
                talk.look_up(move || {
                    let Some(plugin) = plugin else {
                        return frames::error(
                            id.get(),
                            "Error: plugin-source takes the `entry` of a plugin that is listed",
                        );
                    };
                    match plugin.source() {
                        Ok(source) => frames::response(id.get(), Some(&frames::to_json(&source))),
                        Err(error) => frames::error(id.get(), &format!("Error: the plugin cannot be read: {error}")),
                    }
                });
                Said::Later
            }
            // At its start the page removes no plugins: a list of those to remove is another matter.
            "plugins-remove-plugins" if args.iter().all(|arg| arg.get() == "[]") => Said::Now("null".to_owned()),
            _ => {
                let nothing = NOTHING.iter().find(|(name, _)| *name == command);
                nothing.map_or(Said::NotMine, |(_, nothing)| Said::Now((*nothing).to_owned()))
            }
        }
    }

    /// Whether the page has initialised a plugin, and not left it.
    pub(super) fn looks_at(&self, client: &ClientId, plugin: &PluginId) -> bool {
        self.hosting.holds().contains(self.number, client, plugin)
    }

    /// Tells a page whose socket was lost what it missed. It asks the apps for everything again then.
    pub(super) fn catch_up(&self, talk: &mut Talk) {
        let desktop = talk.server.desktop().clone();
        let (devices, clients) = (desktop.devices(), desktop.clients());
        let mut say = |event: &str, data: &str| talk.say(push_event(event, data));
        let gone = self.hosting.told().into_iter().map(|id| ClientId::from_text(&id));
        for id in gone.filter(|gone| clients.iter().all(|client| *frames::shown(&client.id) != *gone.as_str())) {
            say("client-disconnected", &frames::to_json(&frames::Gone { id: frames::shown(&id) }));
        }
        for device in devices.iter().filter(|device| is_shown(device, &clients)) {
            let device = frames::to_json(&frames::Device::new(device));
            say("device-disconnected", &device);
            say("device-connected", &device);
        }
        for client in &clients {
            self.hosting.note_told(&frames::shown(&client.id));
            say("client-connected", &frames::to_json(&frames::listed(client)));
        }
    }
}

/// A page knows apps by their devices: one that an app runs on is there, whatever adb says. This machine is one only then,
/// since nothing can be done with it.
pub(super) fn is_shown(device: &Device, apps: &[Client]) -> bool {
    let is_ready = device.not_ready.is_none() && device.kind != DeviceKind::ThisMachine;
    is_ready || apps.iter().any(|app| app.info.query.device_id == device.id)
}

/// All that the page reads of its configuration. It looks for no updates and no devices; what it changes is not kept.
fn config() -> String {
    let platform = match env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    json!({
        "environmentInfo": {
            "processId": 1,
            "isProduction": true,
            "isHeadlessBuild": true,
            "releaseChannel": "stable",
            "appVersion": OfficialUi::VERSION,
            "flipperReleaseRevision": "",
            "os": {"arch": env::consts::ARCH, "platform": platform, "unixname": "user"},
            "versions": {"node": "-", "platform": "-"},
        },
        "env": {
            "NODE_ENV": "production",
            "FLIPPER_NO_PLUGIN_AUTO_UPDATE": "1",
            "FLIPPER_NO_PLUGIN_MARKETPLACE": "1",
        },
        "gatekeepers": {},
        "paths": {"appPath": "", "homePath": "", "execPath": "", "staticPath": "", "tempPath": "", "desktopPath": ""},
        "launcherSettings": {"releaseChannel": "default", "ignoreLocalPin": false},
        "processConfig": {
            "disabledPlugins": [],
            "lastWindowPosition": null,
            "screenCapturePath": null,
            "launcherMsg": null,
            "launcherEnabled": false,
        },
        "settings": {
            "androidHome": "",
            "enableAndroid": false,
            "enableIOS": false,
            "enablePhysicalIOS": false,
            "enablePrefetching": 2,
            "idbPath": "",
            "reactNative": {
                "shortcuts": {"enabled": false, "reload": "Alt+Shift+R", "openDevMenu": "Alt+Shift+D"},
            },
            "darkMode": "light",
            "showWelcomeAtStartup": false,
            "suppressPluginErrors": false,
            "persistDeviceData": false,
            "enablePluginMarketplace": false,
            "marketplaceURL": "",
            "enablePluginMarketplaceAutoUpdate": false,
            "server": {"enabled": false},
        },
        "validWebSocketOrigins": [],
        "type": "external",
    })
    .to_string()
}
