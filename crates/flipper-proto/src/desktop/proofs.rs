//! Who gave wrong proofs of a pairing, and how long no more are taken from there.
//!
//! A lock holds for one pairing and one address: nobody can keep the owner of a pairing out from another address,
//! however many wrong proofs he sends, and on the owner's own address locks end by themselves. What is refused while
//! one holds does not prolong it.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::error::{ErrorReport, Excerpt};
use crate::time::Instant;

use super::Desktop;
use super::action::{Event, ExchangeRequest};
use super::config::ProofLimit;

/// What is right or wrong with the proof of a pairing. See [`Desktop::judge_proof`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was made with the pairing's secret, for this request, just now.
    Right,
    /// It was not made with the pairing's secret, or for another request, or it came before.
    Wrong,
    /// There is no such pairing.
    Unknown,
}

/// What follows from a verdict. See [`Desktop::judge_proof`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The client may have its certificate.
    Accepted,
    /// It may not.
    Refused {
        /// How many wrong proofs are left until no more are taken.
        tries_left: u32,
    },
    /// It may not, whatever the verdict: there were too many wrong proofs.
    Locked {
        /// For how long no more are taken.
        wait: Duration,
    },
}

impl Desktop {
    /// Says what follows from the verdict over a request's [proof](ExchangeRequest::pairing): whoever gave too many wrong
    /// ones is refused even with the right one, for a while. A request without a proof is accepted: whether it needs one
    /// is not decided here.
    ///
    /// The verdict counts even if the client has left by now.
    pub fn judge_proof(&mut self, request: &ExchangeRequest, verdict: Verdict, now: Instant) -> Judgement {
        let Some(proof) = &request.pairing else { return Judgement::Accepted };
        let id = match verdict {
            Verdict::Right | Verdict::Wrong => Some(proof.id.as_str()),
            // Whoever makes up ids makes up one after the other.
            Verdict::Unknown => None,
        };
        let Self { exchanges, config, out, .. } = self;
        let source = Source::new(&request.peer, id);
        if let Some(wait) = exchanges.proofs.locked(&source, now) {
            out.counters.locked_exchanges += 1;
            return Judgement::Locked { wait };
        }
        if verdict == Verdict::Right {
            exchanges.proofs.forgive(&source);
            return Judgement::Accepted;
        }
        out.counters.wrong_proofs += 1;
        let judgement = exchanges.proofs.blame(source, config.proof_limit, now);
        if let Judgement::Locked { wait } = judgement {
            let (peer, id) = (request.peer.clone(), Excerpt::new(&proof.id));
            out.events.push_back(Event::PairingLocked { peer, id, wait });
        }
        judgement
    }
}

/// The wrong proofs of late.
#[derive(Debug, Default)]
pub(super) struct Proofs(BTreeMap<Source, Record>);

/// Where a proof came from, and what it was for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    network: Network,
    /// `None` for all pairings that there are not.
    id: Option<String>,
}

/// Addresses that count as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    V4([u8; 4]),
    /// The first 64 bits.
    V6([u8; 8]),
    /// What is no address, as it is.
    Other(String),
}

#[derive(Debug)]
struct Record {
    wrong: u32,
    locks: u32,
    locked_until: Option<Instant>,
    forget_at: Instant,
}

impl Proofs {
    /// As many as this are remembered; then the one goes that would be forgotten first.
    const MAX: usize = 1_024;

    /// For how long no proof of this pairing is taken from this peer.
    pub(super) fn wait(&self, peer: &str, id: &str, now: Instant) -> Option<Duration> {
        self.locked(&Source::new(peer, Some(id)), now)
    }

    fn locked(&self, source: &Source, now: Instant) -> Option<Duration> {
        let record = self.0.get(source)?;
        let wait = record.locked_until?.saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    fn forgive(&mut self, source: &Source) {
        self.0.remove(source);
    }

    fn blame(&mut self, source: Source, limit: ProofLimit, now: Instant) -> Judgement {
        self.0.retain(|_, record| record.forget_at > now);
        if self.0.len() >= Self::MAX && !self.0.contains_key(&source) {
            let first = self.0.iter().min_by_key(|(_, record)| record.forget_at).map(|(source, _)| source.clone());
            first.map(|first| self.0.remove(&first));
        }
        let fresh = Record { wrong: 0, locks: 0, locked_until: None, forget_at: now };
        let record = self.0.entry(source).or_insert(fresh);
        record.wrong = record.wrong.saturating_add(1);
        let tries_left = limit.tries.saturating_sub(record.wrong);
        if tries_left > 0 {
            record.forget_at = now.later(limit.longest_lock);
            return Judgement::Refused { tries_left };
        }
        let doubled = limit.lock.saturating_mul(1_u32.checked_shl(record.locks).unwrap_or(u32::MAX));
        let wait = doubled.min(limit.longest_lock);
        let until = now.later(wait);
        *record = Record {
            wrong: 0,
            locks: record.locks.saturating_add(1),
            locked_until: Some(until),
            forget_at: until.later(limit.longest_lock),
        };
        Judgement::Locked { wait }
    }
}

impl Source {
    fn new(peer: &str, id: Option<&str>) -> Self {
        let network = match peer.parse::<SocketAddr>().map(|address| address.ip().to_canonical()) {
            Ok(IpAddr::V4(address)) => Network::V4(address.octets()),
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Network::V6([a, b, c, d, e, f, g, h])
            }
            Err(_) => Network::Other(peer.to_string()),
        };
        Self { network, id: id.map(ToString::to_string) }
    }
}

/// What a client is told whose proof is not even looked at.
pub(super) fn locked_report(wait: Duration) -> ErrorReport {
    let seconds = wait.as_millis().div_ceil(1_000);
    ErrorReport::new(alloc::format!(
        "too many wrong proofs of this pairing came from this address; no more are taken for {seconds} s"
    ))
    .named("PairingLocked")
    .with_hint("wait, and check that the app has the link that `flipper pair` printed")
}
