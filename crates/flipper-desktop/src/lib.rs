//! A headless Flipper desktop as a library, on tokio or any other runtime.
//!
//! ```no_run
//! use flipper_desktop::{Desktop, Event};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let desktop = Desktop::builder().start().await?;
//! let mut events = desktop.events();
//! println!("waiting for apps on {}", desktop.ports());
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::PluginsChanged { client, .. } => {
//!             let answer = desktop.call(&client, "Example", "reverse", None).await;
//!             println!("{client}: {answer:?}");
//!         }
//!         Event::Message { client, plugin, method, params } => println!("{client} {plugin} {method} {params:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It is a whole desktop without a face: it hands out certificates, takes the sessions of any number of apps,
//! initialises their background plugins by itself, and tells everything that happens as an [`Event`]. Nothing needs to
//! be installed for it; the certificate authority is its own.
//!
//! # Trust
//!
//! It listens on loopback unless told otherwise. An app gets a certificate only after it has shown that it can write
//! where it asks the certificate to be written, see [`PlainFiles`]; the certificate is bound to the app's id and
//! device, and no other app can use it. Web pages are turned away by their `Origin`, and by the `Host` that they name.
//!
//! Apps on Android devices are reached through adb's server, see [`Builder::android`]; apps on iOS where [`Ios`] says. A
//! new way for certificates to reach an app is a [`Deliverer`].
#![forbid(unsafe_code)]

pub mod adb;
#[cfg(feature = "api")]
pub mod api;
pub mod json;

mod audience;
mod builder;
mod client;
mod desktop;
mod devices;
mod error;
mod event;
mod exchange;
mod exposure;
mod filter;
mod init_policy;
mod official_plugins;
mod port_owner;
mod ports;
mod pump;
#[cfg(feature = "records")]
pub mod records;
mod renewal;
mod state;
mod www;

pub use self::audience::{Batch, Events, Occurrence};
pub use self::builder::Builder;
pub use self::client::Client;
pub use self::desktop::{Counters, Desktop};
pub use self::devices::{AdbState, AdbStatus, Device, DeviceKind, PortForward, PortForwardFailed};
pub use self::error::{CallError, StartError};
pub use self::event::Event;
pub use self::exchange::{
    Android, Deliverer, Delivery, DeliveryError, Finding, Idb, Ios, Issued, PlainFiles, ProgramError, Verdict,
};
pub use self::exposure::Exposure;
pub use self::filter::Filter;
pub use self::init_policy::InitPolicy;
pub use self::official_plugins::{BadId, InstalledPlugin, OfficialPlugin, installed_official_plugins};
pub use self::port_owner::{PortOwner, find_port_owner};
pub use self::ports::Ports;
pub use self::state::{InstanceHolder, default_state_directory, find_instance_holder};
pub use self::www::{CertificateUploader, DirectoryUploader, PlaceError, UploadError};
#[cfg(feature = "www-http")]
pub use self::www::{HttpPlace, HttpUploader};
#[cfg(feature = "www-object-store")]
pub use self::www::{ObjectPlace, ObjectStoreUploader};
pub use flipper_async::desk::{Counters as DeskCounters, Options, Port};
pub use flipper_pki as pki;
pub use flipper_proto as proto;
