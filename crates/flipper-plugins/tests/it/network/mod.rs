//! The plugin Network.

mod bodies;
mod exchanges;
mod mocks;
#[cfg(feature = "network-reqwest")]
mod reqwest;
mod secrets;
mod server;
#[cfg(feature = "network-tower")]
mod tonic;
#[cfg(feature = "network-tower")]
mod tower;
#[cfg(feature = "network-ureq")]
mod ureq;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flipper_conformance::Result;
use flipper_conformance::scripted::Session;
use flipper_plugins::network::Network;
use serde_json::{Value, json};

use crate::rig::{self, Rig};

/// An app whose plugin Network a desktop has initialised.
pub(crate) struct Watched {
    pub(crate) network: Network,
    pub(crate) session: Session,
    pub(crate) rig: Rig,
}

impl Watched {
    /// Nothing is shown before it is over because a machine is slow.
    pub(crate) fn new() -> Result<Self> {
        Self::with(Network::builder().progress(Duration::MAX).build())
    }

    pub(crate) fn with(network: Network) -> Result<Self> {
        let rig = Rig::new(network.clone())?;
        let mut session = rig.session("Network")?;
        session.assert_answers()?;
        // The plugin is told that it is connected before it is called.
        session.send(&supports("mockResponses"))?;
        session.receive()?;
        Ok(Self { network, session, rig })
    }

    /// The next message, which is an event of this method; gives its params.
    pub(crate) fn event(&mut self, method: &str) -> Result<Value> {
        rig::event(&mut self.session, method)
    }

    /// The next two messages, which are a request and its response.
    pub(crate) fn exchange(&mut self) -> Result<(Value, Value)> {
        let (request, response) = (self.event("newRequest")?, self.event("newResponse")?);
        assert_eq!(request["id"], response["id"]);
        Ok((request, response))
    }

    /// Looks that nothing was sent that no test has read.
    pub(crate) fn assert_silent(&mut self) -> Result {
        self.session.assert_answers()
    }

    pub(crate) fn mock(&mut self, routes: &Value) -> Result<Value> {
        rig::call(&mut self.session, "Network", "mockResponses", &json!({"routes": routes}).to_string())
    }
}

pub(crate) fn supports(method: &str) -> Value {
    json!({"id": 3, "method": "isMethodSupported", "params": {"api": "Network", "method": method}})
}

/// The values of a header of a message.
pub(crate) fn headers<'a>(message: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = message["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named =
        headers.iter().filter(|header| header["key"].as_str().is_some_and(|key| key.eq_ignore_ascii_case(name)));
    named.filter_map(|header| header["value"].as_str()).collect()
}

/// What a message says of the part of its body that it does not show.
pub(crate) fn cut(message: &Value) -> Option<&str> {
    headers(message, flipper_plugins::network::BODY_CUT).first().copied()
}

/// The body of a message.
pub(crate) fn body(message: &Value) -> Vec<u8> {
    let decode = |data: &str| STANDARD.decode(data).unwrap_or_else(|_| b"this is no base64".to_vec());
    message["data"].as_str().map(decode).unwrap_or_default()
}
