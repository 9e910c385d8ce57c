//! What is done to a machine, in a form that can be done again.

use flipper_proto::client::{Client, JobOutcome, PluginMode, Reply};
use flipper_proto::desktop::{Admission, Call, Channel, Desktop, Grant, Upgrade};
use flipper_proto::{
    ApiMisuse, AttemptId, CallId, ClientId, CloseCause, CloseCode, ConnId, ErrorReport, ExchangeId, Instant, JobId,
    Payload, PluginId, RequestId,
};

/// A fact or a wish, told to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `start`
    Start,
    /// `stop`
    Stop,
    /// `add_plugin`
    AddPlugin(String, PluginMode),
    /// `remove_plugin`
    RemovePlugin(String),
    /// `send`
    Send(String, String, Option<Payload>),
    /// `respond`
    Respond(CallId, Reply),
    /// `respond_error`, with a message alone.
    Fail(CallId, String),
    /// `respond_supported`
    Supported(CallId, bool),
    /// `report_error`, with a message alone.
    Report(String),
    /// `handle_opened`
    Opened(AttemptId),
    /// `handle_message`
    Message(AttemptId, String),
    /// `handle_binary`
    Binary(AttemptId, Vec<u8>),
    /// `handle_alive`
    Alive(AttemptId),
    /// `handle_writable`
    Writable(AttemptId, usize),
    /// `handle_closed`
    Closed(AttemptId, CloseCause),
    /// `handle_job_done`
    JobDone(JobId, JobOutcome),
    /// `handle_timeout`
    Timeout,
}

impl Input {
    /// Tells it.
    ///
    /// # Errors
    /// As the wish.
    pub fn tell(&self, client: &mut Client, now: Instant) -> Result<(), ApiMisuse> {
        match self {
            Self::Start => client.start(now),
            Self::Stop => client.stop(now),
            Self::AddPlugin(id, mode) => return client.add_plugin(id.as_str(), *mode),
            Self::RemovePlugin(id) => return client.remove_plugin(id),
            Self::Send(plugin, method, params) => {
                return client.send(&PluginId::new(plugin), method, params.as_ref());
            }
            Self::Respond(call, reply) => return client.respond(*call, reply),
            Self::Fail(call, message) => return client.respond_error(*call, &ErrorReport::new(message)),
            Self::Supported(call, supported) => return client.respond_supported(*call, *supported),
            Self::Report(message) => return client.report_error(&ErrorReport::new(message)),
            Self::Opened(attempt) => client.handle_opened(*attempt, now),
            Self::Message(attempt, text) => client.handle_message(*attempt, text.as_str(), now),
            Self::Binary(attempt, bytes) => client.handle_binary(*attempt, bytes, now),
            Self::Alive(attempt) => client.handle_alive(*attempt, now),
            Self::Writable(attempt, room) => client.handle_writable(*attempt, *room, now),
            Self::Closed(attempt, cause) => client.handle_closed(*attempt, cause.clone(), now),
            Self::JobDone(job, outcome) => client.handle_job_done(*job, outcome.clone(), now),
            Self::Timeout => client.handle_timeout(now),
        }
        Ok(())
    }
}

/// A fact or a wish, told to a desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskInput {
    /// `handle_upgrade`
    Upgrade {
        /// The port.
        channel: Channel,
        /// The request target.
        target: String,
        /// The `Host` header.
        host: String,
        /// The `Origin` header.
        origin: Option<String>,
    },
    /// `handle_message`
    Message(ConnId, String),
    /// `handle_binary`
    Binary(ConnId, Vec<u8>),
    /// `handle_alive`
    Alive(ConnId),
    /// `handle_writable`
    Writable(ConnId, usize),
    /// `handle_closed`
    Closed(ConnId, CloseCause),
    /// `handle_timeout`
    Timeout,
    /// `finish_exchange`: with a device id, or with the message of an error.
    Finish(ExchangeId, Result<String, String>),
    /// `init_plugin`
    Init(ClientId, String),
    /// `deinit_plugin`
    Deinit(ClientId, String),
    /// `call`
    Call(ClientId, String, String, Option<Payload>),
    /// `is_method_supported`
    Supports(ClientId, String, String),
    /// `notify`
    Notify(ClientId, String, String, Option<Payload>),
    /// `disconnect`
    Disconnect(ClientId, CloseCode),
    /// `stop`
    Stop,
}

/// What a desktop says to a [`DeskInput`] at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Admission(Admission),
    Request(RequestId),
}

impl DeskInput {
    /// Tells it.
    ///
    /// # Errors
    /// As the wish.
    pub(super) fn tell(&self, desktop: &mut Desktop, now: Instant) -> Result<Said, ApiMisuse> {
        match self {
            Self::Upgrade { channel, target, host, origin } => {
                let (host, origin) = (Some(host.as_str()), origin.as_deref());
                let upgrade = Upgrade { target, host, origin, peer: ([127, 0, 0, 1], 50_000).into() };
                return Ok(Said::Admission(desktop.handle_upgrade(channel.clone(), upgrade, now)));
            }
            Self::Message(conn, text) => desktop.handle_message(*conn, text.as_str(), now),
            Self::Binary(conn, bytes) => desktop.handle_binary(*conn, bytes, now),
            Self::Alive(conn) => desktop.handle_alive(*conn, now),
            Self::Writable(conn, room) => desktop.handle_writable(*conn, *room, now),
            Self::Closed(conn, cause) => desktop.handle_closed(*conn, cause.clone(), now),
            Self::Timeout => desktop.handle_timeout(now),
            Self::Finish(exchange, Ok(device_id)) => {
                desktop.finish_exchange(*exchange, Ok(Grant::new(device_id)), now)?
            }
            Self::Finish(exchange, Err(message)) => {
                desktop.finish_exchange(*exchange, Err(ErrorReport::new(message)), now)?;
            }
            Self::Init(client, plugin) => desktop.init_plugin(client, &PluginId::new(plugin))?,
            Self::Deinit(client, plugin) => desktop.deinit_plugin(client, &PluginId::new(plugin))?,
            Self::Call(client, plugin, method, params) => {
                let mut call = Call::new(plugin.as_str(), method);
                call.params.clone_from(params);
                return desktop.call(client, &call, now).map(Said::Request);
            }
            Self::Supports(client, plugin, method) => {
                return desktop.is_method_supported(client, &PluginId::new(plugin), method, now).map(Said::Request);
            }
            Self::Notify(client, plugin, method, params) => {
                desktop.notify(client, &PluginId::new(plugin), method, params.as_ref())?;
            }
            Self::Disconnect(client, code) => desktop.disconnect(client, *code, now)?,
            Self::Stop => desktop.stop(now),
        }
        Ok(Said::Nothing)
    }
}
