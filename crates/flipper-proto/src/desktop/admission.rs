//! Who is let in.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddr;

use crate::close::CloseCode;
use crate::error::Excerpt;
use crate::identity::ClientId;
use crate::ids::ConnId;
use crate::query::{Query, QueryError};
use crate::text::Text;
use crate::time::Instant;

use super::Desktop;
use super::action::{ClientInfo, DisconnectCause, Event};
use super::address::{Authority, Origin, is_nodes_origin};
use super::connection::{Connection, Context, Phase};
use super::exchange::ExchangeSocket;
use super::outbox::Outbox;
use super::session::Session;

/// The port that a connection came to, with what TLS told there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The plain port of the certificate exchange.
    Insecure,
    /// The port with mutual TLS: the handshake is done, and the certificate was issued by this desktop's CA.
    Secure(PeerIdentity),
    /// The plain port for browsers and Node. Its oldest format, in which every message is wrapped
    /// (`{"app":…,"payload":…}`), is spoken with whoever begins to speak it.
    Browser,
}

/// Whom a client certificate was issued to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerIdentity {
    /// To this app on this device.
    Bound {
        /// The app's id: the certificate's CN.
        app: String,
        /// The device id that the exchange answered. Empty if it named no device; the client may choose one then.
        device_id: String,
    },
    /// The certificate does not say: it comes from an official CA that this desktop adopted.
    Unbound {
        /// The certificate's CN, which proves nothing.
        common_name: Option<String>,
    },
    /// The certificate says something that cannot be understood, which must not pass for nothing.
    Unusable(Excerpt),
}

/// The HTTP request that opens a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade<'a> {
    /// The request target: any path, and the query in which the client says who it is.
    pub target: &'a str,
    /// The `Host` header. A driver refuses a request with two of them by itself, as HTTP demands.
    pub host: Option<&'a str>,
    /// The `Origin` header; with two of them, both, joined by a comma, which no rule lets pass.
    pub origin: Option<&'a str>,
    /// The address of the peer.
    pub peer: SocketAddr,
}

/// The answer to an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Answer 101; the connection has this id from now on.
    Accept(ConnId),
    /// Answer with this HTTP status, and the reason as the body. There is no connection.
    Reject {
        /// Always 401: official Android clients try again after that, and after no other.
        status: u16,
        /// Why.
        reason: Refusal,
    },
    /// Answer 101 and treat the connection as any other: an [`Action::Close`](super::Action::Close) for it waits already.
    /// Only in a close frame can a client be told why it is refused.
    AcceptThenClose {
        /// The connection.
        conn: ConnId,
        /// The code of the close frame.
        code: CloseCode,
        /// Why.
        reason: Refusal,
    },
}

/// Why a connection is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request names this host, which is not known to be this machine; `None` if it names none.
    Host(Option<Excerpt>),
    /// The request comes from a web page of this origin, which is not allowed.
    Origin(Excerpt),
    /// The request names no origin, and comes to the browser port from another machine.
    NoOrigin,
    /// The desktop has been stopped.
    Stopped,
    /// The query cannot be understood.
    Query(QueryError),
    /// The certificate cannot be understood.
    Certificate(Excerpt),
    /// The certificate was issued to another app.
    App {
        /// To which one.
        issued_to: Excerpt,
        /// The app that the query names.
        presented: Excerpt,
    },
    /// The certificate was issued to another device.
    Device {
        /// To which one.
        issued_to: Excerpt,
        /// The device id that the query names.
        presented: Excerpt,
    },
    /// A client with a certificate has this identity, and the newcomer has none.
    IdentityInUse,
    /// There are as many clients, or as many connections on the exchange port, as the limit allows.
    TooMany {
        /// The limit.
        max: usize,
    },
}

impl Refusal {
    /// The code to close with; `None` if the upgrade itself is to be refused.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Host(_) | Self::Origin(_) | Self::NoOrigin | Self::Stopped => None,
            Self::Query(_) => Some(CloseCode::NOT_UNDERSTOOD),
            Self::Certificate(_) => Some(CloseCode::CERTIFICATE),
            Self::App { .. } | Self::Device { .. } | Self::IdentityInUse => Some(CloseCode::IDENTITY),
            Self::TooMany { .. } => Some(CloseCode::LIMIT),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(Some(host)) => {
                write!(f, "this desktop is not known as {host}; if it is, add that to its known hosts (--known-host)")
            }
            Self::Host(None) => f.write_str("the request names no host"),
            Self::Origin(origin) => {
                write!(
                    f,
                    "web pages of {origin} may not connect; if they should, add that to the allowed origins \
                     (--allow-origin)"
                )
            }
            Self::NoOrigin => f.write_str(
                "from another machine, the browser port is for web pages and programs that name one of the allowed \
                 origins (--allow-origin)",
            ),
            Self::Stopped => f.write_str("the desktop is going away"),
            Self::Query(error) => write!(f, "{error}"),
            Self::Certificate(how) => write!(f, "the certificate cannot be understood: {how}"),
            Self::App { issued_to, presented } => {
                write!(f, "the certificate was issued to app {issued_to}, not to {presented}")
            }
            Self::Device { issued_to, presented } => {
                write!(f, "the certificate was issued to device {issued_to}, not to {presented}")
            }
            Self::IdentityInUse => f.write_str("a client with a certificate has this identity"),
            Self::TooMany { max } => write!(f, "{max} are connected, and no more are served"),
        }
    }
}

impl core::error::Error for Refusal {}

/// What official clients put into a certificate for app ids that do not fit there.
const SHARED_APP: &str = "com.flipper";

/// What a connection is let in for.
enum Admitted {
    Exchange {
        query: Query,
        /// The connection that has to go for it.
        evicts: Option<ConnId>,
    },
    Session {
        query: Query,
        client: ClientId,
        /// The connection whose place it takes.
        replaces: Option<ConnId>,
    },
}

impl Desktop {
    /// Somebody wants to open a WebSocket; on the port with TLS, after the handshake.
    ///
    /// On every port the `Host` must be this machine's ([`Config::known_hosts`](super::Config::known_hosts)), and an
    /// `Origin` the one that this very port's own pages would have: there are none, but official iOS clients present
    /// themselves so. The browser port also takes pages of `localhost`, `127.0.0.1` and `[::1]`, on any port, and of
    /// [`Config::allowed_origins`](super::Config::allowed_origins), and what programs on Node name instead,
    /// `localhost:`. A request that has no `Origin` is taken as well: it cannot come from a web page, and a program could
    /// write into it what it likes.
    ///
    /// Nobody on the browser port has a certificate. From another machine it is therefore open to the allowed origins
    /// alone: what is `localhost` there is not this machine.
    pub fn handle_upgrade(&mut self, channel: Channel, upgrade: Upgrade<'_>, now: Instant) -> Admission {
        let peer = Text::from(upgrade.peer.to_string());
        let admitted = match self.admit(&channel, &upgrade) {
            Ok(admitted) => admitted,
            Err(reason) => return self.refuse(channel, peer, reason, now),
        };
        match &admitted {
            Admitted::Session { replaces: Some(old), .. } => {
                self.end_session(*old, DisconnectCause::Replaced, CloseCode::REPLACED, now);
            }
            Admitted::Exchange { evicts: Some(old), .. } => {
                self.close(
                    *old,
                    CloseCode::LIMIT,
                    "too many ask for certificates; connect when there is a request",
                    now,
                );
            }
            Admitted::Session { replaces: None, .. } | Admitted::Exchange { evicts: None, .. } => {}
        }
        let conn = self.next_conn();
        let mut outbox = Outbox::new();
        let mut cx = Context { conn, config: &self.config, outbox: &mut outbox, out: &mut self.out };
        let phase = match admitted {
            Admitted::Exchange { query, .. } => {
                self.exchanges.conns.insert(conn);
                Phase::Exchange(ExchangeSocket::open(&mut cx, peer, query, now))
            }
            Admitted::Session { query, client, .. } => {
                self.clients.insert(client.clone(), conn);
                let info = ClientInfo { conn, channel, peer, query: Arc::new(query), connected_at: now };
                Phase::Session(Box::new(Session::open(&mut cx, client, info, now)))
            }
        };
        self.insert(conn, Connection { phase, outbox });
        Admission::Accept(conn)
    }

    fn refuse(&mut self, channel: Channel, peer: Text, reason: Refusal, now: Instant) -> Admission {
        self.out.counters.refused_connections += 1;
        self.out.events.push_back(Event::ConnectionRefused { channel, peer, reason: reason.clone() });
        let Some(code) = reason.close_code() else { return Admission::Reject { status: 401, reason } };
        let conn = self.next_conn();
        let phase = self.closing(conn, code, &reason.to_string(), now);
        self.insert(conn, Connection { phase, outbox: Outbox::new() });
        Admission::AcceptThenClose { conn, code, reason }
    }

    fn admit(&self, channel: &Channel, upgrade: &Upgrade<'_>) -> Result<Admitted, Refusal> {
        if self.stopped {
            return Err(Refusal::Stopped);
        }
        self.check_origin(channel, upgrade)?;
        let query = match channel {
            Channel::Insecure | Channel::Secure(_) => Query::parse(upgrade.target),
            Channel::Browser => Query::parse_browser(upgrade.target),
        };
        let query = query.map_err(Refusal::Query)?;
        let max = self.config.limits.clients;
        match channel {
            Channel::Insecure if self.exchanges.conns.len() >= max => {
                // Nobody there has proven anything. Whoever opens connections and lets them lie must not keep out those
                // who come with a request.
                let evicts = self.oldest_idle_exchange().ok_or(Refusal::TooMany { max })?;
                return Ok(Admitted::Exchange { query, evicts: Some(evicts) });
            }
            Channel::Insecure => return Ok(Admitted::Exchange { query, evicts: None }),
            Channel::Secure(identity) => identity.check(&query)?,
            Channel::Browser => {}
        }
        let (client, replaces) = self.identify(channel, &query)?;
        if replaces.is_none() && self.clients.len() >= max {
            return Err(Refusal::TooMany { max });
        }
        Ok(Admitted::Session { query, client, replaces })
    }

    /// The oldest connection on the exchange port that waits for nothing.
    fn oldest_idle_exchange(&self) -> Option<ConnId> {
        let is_idle = |conn: &&ConnId| match self.connections.get(conn).map(|connection| &connection.phase) {
            Some(Phase::Exchange(socket)) => socket.is_idle(),
            Some(Phase::Session(_) | Phase::Closing(_)) | None => false,
        };
        self.exchanges.conns.iter().find(is_idle).copied()
    }

    /// Keeps out web pages that have no business here.
    fn check_origin(&self, channel: &Channel, upgrade: &Upgrade<'_>) -> Result<(), Refusal> {
        let named = Refusal::Host(upgrade.host.map(Excerpt::new));
        let Some(authority) = upgrade.host.and_then(Authority::parse) else { return Err(named) };
        if !authority.host.is_local() && !self.config.known_hosts.contains(&authority.host) {
            return Err(named);
        }
        let from_here = upgrade.peer.ip().to_canonical().is_loopback();
        let Some(text) = upgrade.origin else {
            let allowed = from_here || !matches!(channel, Channel::Browser);
            return if allowed { Ok(()) } else { Err(Refusal::NoOrigin) };
        };
        let allowed = match (channel, text.parse::<Origin>()) {
            (Channel::Insecure, Ok(origin)) => origin == Origin::of_server("http", &authority),
            (Channel::Secure(_), Ok(origin)) => origin == Origin::of_server("https", &authority),
            (Channel::Browser, Ok(origin)) => {
                let own = origin.is_developers_own() || origin == Origin::of_server("http", &authority);
                (own && from_here) || self.config.allowed_origins.contains(&origin)
            }
            (Channel::Browser, Err(_)) => is_nodes_origin(text) && from_here,
            (Channel::Insecure | Channel::Secure(_), Err(_)) => false,
        };
        if allowed { Ok(()) } else { Err(Refusal::Origin(Excerpt::new(text))) }
    }

    /// Which client it is, and which connection it takes the place of.
    fn identify(&self, channel: &Channel, query: &Query) -> Result<(ClientId, Option<ConnId>), Refusal> {
        let id = ClientId::of(query);
        let of_instance = process(query).map(|process| id.of_instance(process));
        // A process that was a second one stays it, even if the first is gone.
        let own = of_instance.clone().filter(|id| self.clients.contains_key(id));
        let id = own.unwrap_or(id);
        let Some(present) = self.client(&id) else { return Ok((id, None)) };
        let another_process = match (process(&present.info.query), process(query)) {
            (Some(theirs), Some(ours)) => theirs != ours,
            (None, _) | (_, None) => false,
        };
        if let Some(second) = of_instance.filter(|_| another_process) {
            return Ok((second, None));
        }
        match (&present.info.channel, channel) {
            (Channel::Secure(_), Channel::Browser) => Err(Refusal::IdentityInUse),
            _ => Ok((id, Some(present.info.conn))),
        }
    }
}

/// Which process of the app it is, if it tells.
fn process(query: &Query) -> Option<&str> {
    query.instance_id.as_deref().filter(|instance| !instance.is_empty())
}

impl PeerIdentity {
    /// Compares what the certificate says with what the client says.
    fn check(&self, query: &Query) -> Result<(), Refusal> {
        let (app, device_id) = match self {
            Self::Bound { app, device_id } => (app, device_id),
            Self::Unbound { .. } => return Ok(()),
            Self::Unusable(how) => return Err(Refusal::Certificate(how.clone())),
        };
        if let Some(app_id) = query.app_id.as_ref().filter(|id| !id.is_empty())
            && !app.is_empty()
            && app != SHARED_APP
            && app != app_id
        {
            return Err(Refusal::App { issued_to: Excerpt::new(app), presented: Excerpt::new(app_id) });
        }
        if !device_id.is_empty() && *device_id != query.device_id {
            let presented = Excerpt::new(&query.device_id);
            return Err(Refusal::Device { issued_to: Excerpt::new(device_id), presented });
        }
        Ok(())
    }
}
