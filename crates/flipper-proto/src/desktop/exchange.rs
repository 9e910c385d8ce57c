//! The exchange port: certificate requests, and their answers.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::sync::Arc;

use crate::error::{ErrorReport, ProtocolError};
use crate::ids::{ConnId, Counter, ExchangeId};
use crate::pairing::PairingProof;
use crate::query::{Medium, Query};
use crate::text::Text;
use crate::time::Instant;
use crate::wire::exchange::{ClientMessage, decode_client_message, encode_grant, encode_refusal};

use super::action::{Event, ExchangeRequest, Grant};
use super::alarms::Alarm;
use super::config::Config;
use super::connection::Context;
use super::proofs::{self, Proofs};
use super::rate::Bucket;

/// The exchanges that wait for their answers, and the connections they come on.
#[derive(Debug)]
pub(super) struct Exchanges {
    pub(super) conns: BTreeSet<ConnId>,
    pub(super) waiting: BTreeMap<ExchangeId, ConnId>,
    pub(super) proofs: Proofs,
    ids: Counter,
    bucket: Bucket,
}

impl Exchanges {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            conns: BTreeSet::new(),
            waiting: BTreeMap::new(),
            proofs: Proofs::default(),
            ids: Counter::default(),
            bucket: Bucket::full(config.exchange_rate, Instant::ZERO),
        }
    }
}

/// A connection on the exchange port. It may ask any number of times.
#[derive(Debug)]
pub(super) struct ExchangeSocket {
    peer: Text,
    query: Arc<Query>,
    bucket: Bucket,
    waiting: BTreeSet<ExchangeId>,
    /// When the connection has been of no use for too long. It is never while an answer is owed.
    idle_at: Option<Instant>,
}

/// Whether a client reads what it is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Reads,
    /// More than [`UNREAD_ANSWERS`] wait for it.
    Chokes,
}

/// So many bytes of answers wait for a client that does not read: some hundred of them. Nobody on this port has proven
/// anything, so that it must not be more.
const UNREAD_ANSWERS: usize = 64 << 10;

impl ExchangeSocket {
    pub(super) fn open(cx: &mut Context<'_>, peer: Text, query: Query, now: Instant) -> Self {
        let bucket = Bucket::full(cx.config.connection_exchange_rate, now);
        let mut socket = Self { peer, query: Arc::new(query), bucket, waiting: BTreeSet::new(), idle_at: None };
        socket.rest(cx, now);
        socket
    }

    /// Whether no answer is owed to it.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A message of a client, or something that cannot even be one.
    pub(super) fn message(
        &mut self,
        cx: &mut Context<'_>,
        exchanges: &mut Exchanges,
        text: Result<&Text, ProtocolError>,
        now: Instant,
    ) -> Reader {
        let max = cx.config.limits.exchange_message_bytes;
        let message = text.and_then(|text| match text.len() {
            size if size > max => Err(ProtocolError::TooLarge { size, max }),
            _ => decode_client_message(text),
        });
        match message {
            // A connection over its own rate must not use up what there is for all.
            Ok(ClientMessage::Sign { .. }) if !self.bucket.take(now) => self.refuse_for_now(cx),
            // Nor must one that is locked.
            Ok(ClientMessage::Sign { pairing: Some(PairingProof { id, .. }), .. })
                if let Some(wait) = exchanges.proofs.wait(&self.peer, &id, now) =>
            {
                cx.out.counters.locked_exchanges += 1;
                cx.send(encode_refusal(&proofs::locked_report(wait)));
            }
            Ok(ClientMessage::Sign { .. }) if !exchanges.bucket.take(now) => self.refuse_for_now(cx),
            Ok(ClientMessage::Sign { csr, destination, medium, timestamp, pairing, logs }) => {
                let exchange = ExchangeId::from_u64(exchanges.ids.next());
                exchanges.waiting.insert(exchange, cx.conn);
                self.waiting.insert(exchange);
                self.stir(cx);
                cx.event(Event::ExchangeRequested(ExchangeRequest {
                    exchange,
                    conn: cx.conn,
                    peer: self.peer.clone(),
                    query: self.query.clone(),
                    csr,
                    destination,
                    medium: medium.or(self.query.medium).unwrap_or(Medium::FsAccess),
                    timestamp,
                    pairing,
                    logs,
                }));
            }
            Ok(ClientMessage::Acknowledge { is_error, has_required_files, logs }) => {
                let query = self.query.clone();
                cx.event(Event::ExchangeAcknowledged { conn: cx.conn, query, is_error, has_required_files, logs });
            }
            Err(error) => self.misbehaved(cx, error),
        }
        if cx.outbox.bytes() > UNREAD_ANSWERS { Reader::Chokes } else { Reader::Reads }
    }

    /// Answers an exchange.
    pub(super) fn finish(
        &mut self,
        cx: &mut Context<'_>,
        exchange: ExchangeId,
        result: &Result<Grant, ErrorReport>,
        now: Instant,
    ) {
        self.waiting.remove(&exchange);
        cx.send(match result {
            Ok(grant) => encode_grant(&grant.device_id, grant.bundle.as_ref()),
            Err(error) => encode_refusal(error),
        });
        if self.waiting.is_empty() {
            self.rest(cx, now);
        }
    }

    /// Tells both sides of a message that breaks the protocol. Old clients read the refusal as `{}`.
    fn misbehaved(&mut self, cx: &mut Context<'_>, error: ProtocolError) {
        let report = ErrorReport::new(error.to_string()).named("InvalidRequest").with_hint(
            "send {\"method\":\"signCertificate\",\"csr\":\"<PEM>\",\"destination\":\"<directory>/\",\"medium\":1} as \
             one text message",
        );
        cx.send(encode_refusal(&report));
        cx.out.counters.bad_messages += 1;
        cx.event(Event::PeerMisbehaved { conn: cx.conn, client: None, error });
    }

    /// Takes back what the connection has on foot.
    pub(super) fn release(mut self, cx: &mut Context<'_>, exchanges: &mut Exchanges) {
        self.stir(cx);
        exchanges.conns.remove(&cx.conn);
        for exchange in &self.waiting {
            exchanges.waiting.remove(exchange);
        }
    }

    fn refuse_for_now(&mut self, cx: &mut Context<'_>) {
        cx.out.counters.limited_exchanges += 1;
        let report = ErrorReport::new("certificate requests come faster than this desktop takes them up")
            .named("RateLimited")
            .with_hint("try again in a few seconds");
        cx.send(encode_refusal(&report));
    }

    fn rest(&mut self, cx: &mut Context<'_>, now: Instant) {
        let at = now.later(cx.config.timing.exchange_idle);
        self.idle_at = Some(at);
        cx.arm(at, Alarm::ExchangeIdle);
    }

    fn stir(&mut self, cx: &mut Context<'_>) {
        if let Some(at) = self.idle_at.take() {
            cx.disarm(at, Alarm::ExchangeIdle);
        }
    }
}
