//! Everything of the API that is the same for all adapters, used once. Whoever includes this names its `adapter`.
//!
//! It is compiled and run with and without the feature `enabled`: what is missing in either mode does not compile.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::adapter::flipper_client::Task;
use super::adapter::proto::client::{Config, State};
use super::adapter::proto::{ErrorReport, Excerpt, Limits, Medium, Overflow, Payload};
use super::adapter::{
    Builder, Call, CertificateProvider, Certificates, Connection, DirectoryProvider, FetchError, Notice, PlaceError,
    Plugin, PluginBuilder, Responder, SendError, StartError, Status, UnknownCall, Watch, plugin,
};

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Whether Flipper does something.
pub(crate) const ENABLED: bool = cfg!(feature = "enabled");

/// Tells whether the closures that hold a clone of it are still there.
#[derive(Clone, Default)]
pub(crate) struct Held(Arc<()>);

impl Held {
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// A plugin with everything that one can have.
struct Everything;

impl Plugin for Everything {
    fn id(&self) -> &str {
        "Everything"
    }

    fn run_in_background(&self) -> bool {
        true
    }

    fn on_added(&self, connection: Connection) {
        drop(connection);
    }

    fn on_connect(&self, connection: Connection) {
        drop(connection);
    }

    fn on_disconnect(&self) {}

    fn has_method(&self, method: &str) -> bool {
        !method.is_empty()
    }

    fn on_call(&self, call: Call) {
        let answered: std::result::Result<(), UnknownCall> = match call.method.as_str() {
            "finish" => match call.parse::<String>() {
                Ok(word) => call.responder.finish(Ok::<_, String>(word)),
                Err(report) => call.responder.error(&report),
            },
            "success" => call.responder.success(&1),
            "json" => call.responder.success_json(Payload::empty_object()),
            "error" => call.responder.error_json(Payload::empty_object()),
            "later" => {
                let task = |call: Call| -> Task {
                    Box::pin(async move {
                        let _ended = call.responder.success("later");
                    })
                };
                match call.spawn(task) {
                    Ok(()) => Ok(()),
                    Err(call) => call.responder.success("no runtime"),
                }
            }
            _ if call.responder.expects_reply() => {
                let Call { method, params, responder } = call;
                responder.success(&format!("{method} {params:?}"))
            }
            _ => {
                let responder: Responder = call.responder;
                drop(format!("{responder:?}"));
                Ok(())
            }
        };
        if let Err(error) = answered {
            drop(error.to_string());
        }
    }
}

/// A provider of an app's own.
struct Provider;

impl CertificateProvider for Provider {
    fn fetch(&self, device_id: &str) -> std::result::Result<Certificates, FetchError> {
        if device_id.is_empty() {
            return Err(FetchError::Other("no id".to_owned()));
        }
        Ok(Certificates::new("ca", "certificate"))
    }
}

/// A plugin of closures, with every kind of them.
pub(crate) fn closures(id: &str, held: &Held) -> PluginBuilder {
    let [added, connected, disconnected, method, call] = [(); 5].map(|()| held.clone());
    plugin(id)
        .background()
        .on_added(move |connection| {
            let _ = &added;
            drop(connection);
        })
        .on_connect(move |connection| {
            let _ = &connected;
            drop(connection.send("hello", &["world"]));
        })
        .on_disconnect(move || {
            let _ = &disconnected;
        })
        .method("greet", move |name: String| -> std::result::Result<_, String> {
            let _ = &method;
            Ok([name])
        })
        .call("call", move |call| {
            let _ = &call_is_used(&call);
            let _ended = call.responder.success(&());
        })
        .call("held", move |_call: Call| {
            let _ = &call;
        })
}

fn call_is_used(call: &Call) -> String {
    format!("{call:?}")
}

/// Settings, each made once, of an app whose desktop is not there.
pub(crate) fn builder(builder: Builder, directory: &Path, held: &Held) -> Builder {
    let observer = held.clone();
    builder
        .plugin(Everything)
        .plugin(Arc::new(closures("Shared", held).build()))
        .plugin(closures("Closures", held).build())
        .host("127.0.0.1")
        .ports(1, 1)
        .os("Linux")
        .device("a device")
        .device_id("an id")
        .directory(directory)
        .medium(Medium::FsAccess)
        .certificate_provider(Provider)
        .limits(Limits::default())
        .overflow(Overflow::default())
        .configure(|config: &mut Config| config.device = "another device".to_owned())
        .observer(move |notice: &Notice| {
            let _ = &observer;
            match notice {
                Notice::State(state) => drop(state.to_string()),
                Notice::Step(step) => drop(step.to_string()),
                Notice::Failed(failure) => drop(failure.to_string()),
                Notice::PeerMisbehaved(error) => drop(error.to_string()),
                _ => {}
            }
        })
}

/// What must be there and answer, whether anything is behind it or not.
pub(crate) fn connection(connection: &Connection, id: &str) -> Result {
    connection.clone().send("event", &["params"])?;
    connection.send_json("event", Some(&Payload::empty_object()))?;
    connection.send_json("event", None)?;
    let reported = connection.report_error(&ErrorReport::new("an error").named("Name"));
    assert_eq!(reported, if ENABLED { Err(SendError::NotConnected) } else { Ok(()) });
    assert!(!connection.is_connected());
    assert_eq!(connection.waiting(), if ENABLED { 3 } else { 0 });
    assert_eq!(connection.dropped(), 0);
    assert_eq!(connection.directory().is_some(), ENABLED);
    assert_eq!(connection.plugin().as_str(), if ENABLED { id } else { "" });
    assert!(!format!("{connection:?}").is_empty());
    Ok(())
}

/// A Flipper that has stopped, or is switched off.
pub(crate) fn stopped(status: &Status, mut watch: Watch) {
    assert_eq!(*status, Status::stopped());
    assert_eq!(status.state, State::Stopped);
    assert!(status.last_failure.is_none() && !status.is_connected());
    assert!(watch.blocking_until_within(Duration::from_secs(1_000), Status::is_connected).is_none());
    assert!(watch.blocking_until(Status::is_connected).is_none());
    assert!(watch.blocking_until(|status| status.state == State::Stopped).is_some());
    assert!(watch.blocking_changed().is_none());
    assert!(!format!("{watch:?}").is_empty());
}

/// Settings that make no sense are an error only where they matter.
pub(crate) fn refused<H>(started: std::result::Result<H, StartError>) {
    assert_eq!(started.is_err(), ENABLED);
    if let Err(error) = started {
        assert_eq!(error, StartError::NoName("the app's name"));
        assert!(!error.to_string().is_empty());
    }
}

/// Places where certificates lie.
pub(crate) fn providers() -> Result {
    let directory = DirectoryProvider::new("/nowhere");
    let fetched = directory.fetch("0123").map(drop);
    assert!(fetched.is_err_and(|error| !error.to_string().is_empty()));
    let missing = PlaceError::Missing { place: Excerpt::new("a place") };
    assert!(FetchError::from(missing).is_transient());
    let certificates = Certificates::new("ca", "certificate");
    assert_eq!((certificates.ca.as_str(), certificates.proof), ("ca", None));
    assert!(Certificates::from_uploaded(b"no bundle", "a place").is_err());
    #[cfg(feature = "www-http")]
    {
        use super::adapter::{HttpPlace, HttpProvider};
        let place = HttpPlace::new("no url").header("a", "b").root_certificates("").patience(Duration::from_secs(1));
        assert!(place.get("a").is_err() && place.put("a", b"b").is_err());
        assert!(HttpProvider::new(place).fetch("0123").is_err());
        let _places = [HttpPlace::from("a"), HttpPlace::from("a".to_owned())];
    }
    Ok(())
}
