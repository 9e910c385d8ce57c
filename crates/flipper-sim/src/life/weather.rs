//! Which faults a life meets on the network.

use std::time::Duration;

use crate::net::{Connect, Dial, Fault, FaultKind, Place, Plan, RecordPart};
use crate::rng::Rng;

/// What the network is like, until it clears up.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) until: Duration,
    latency: (Duration, Duration),
    capacity: usize,
    /// How many connections in a hundred meet a fault.
    chance: u64,
    kinds: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Refused,
    Lost,
    Reset,
    Eof,
    Silence,
    Stall,
    Dribble,
    Coalesce,
    Delay,
}

const KINDS: [Kind; 9] = [
    Kind::Refused,
    Kind::Lost,
    Kind::Reset,
    Kind::Eof,
    Kind::Silence,
    Kind::Stall,
    Kind::Dribble,
    Kind::Coalesce,
    Kind::Delay,
];

/// The secure port of every desktop; on the other there are no TLS records.
const SECURE: u16 = 9088;

impl Weather {
    /// With `large` things to carry, the lines are not the thinnest.
    pub(super) fn new(rng: &mut Rng, until: Duration, large: bool) -> Self {
        let kinds = match rng.within(0..=9) {
            0 => Vec::new(),
            1..=5 => rng.choose(&KINDS).copied().into_iter().collect(),
            _ => KINDS.to_vec(),
        };
        let latency = *rng.choose(&[10, 50, 300, 5_000, 40_000]).unwrap_or(&50);
        Self {
            until,
            latency: (Duration::from_micros(latency / 2), Duration::from_micros(latency)),
            capacity: (*rng.choose(&[1_500, 16_384, 65_536, 262_144]).unwrap_or(&65_536)).max(if large {
                65_536
            } else {
                0
            }),
            chance: *rng.choose(&[20, 50, 80, 100]).unwrap_or(&50),
            kinds,
        }
    }

    pub(super) fn plan(&self, dial: &Dial<'_>, rng: &mut Rng) -> Plan {
        let mut plan = Plan { capacity: self.capacity, until: self.until, ..Plan::default() };
        plan.latency = rng.span(self.latency.0, self.latency.1);
        if dial.now >= self.until || !rng.percent(self.chance) {
            return plan;
        }
        for _ in 0..rng.within(1..=2) {
            let Some(kind) = rng.choose(&self.kinds).copied() else { return plan };
            self.add(kind, dial, &mut plan, rng);
        }
        plan
    }

    fn add(&self, kind: Kind, dial: &Dial<'_>, plan: &mut Plan, rng: &mut Rng) {
        let left = self.until.saturating_sub(dial.now);
        let short = left.min(Duration::from_secs(30));
        let bytes = 1 << rng.within(0..=12);
        let kind = match kind {
            Kind::Refused => return plan.connect = Connect::Refused,
            Kind::Lost => return plan.connect = Connect::Lost { until: dial.now + rng.span(Duration::ZERO, left) },
            Kind::Reset => FaultKind::Reset,
            Kind::Eof => FaultKind::Eof,
            Kind::Silence => {
                let until = dial.now + rng.span(Duration::ZERO, left);
                FaultKind::Silence { until, reset: rng.percent(50) }
            }
            Kind::Stall => FaultKind::Stall { span: rng.span(Duration::ZERO, short) },
            Kind::Dribble => {
                let every = Duration::from_micros(*rng.choose(&[0, 0, 20, 1_000]).unwrap_or(&0));
                FaultKind::Dribble { bytes: bytes.min(2_048), piece: rng.within(1..=7), every }
            }
            Kind::Coalesce => FaultKind::Coalesce { bytes, every: Duration::from_millis(rng.within(1..=200)) },
            Kind::Delay => FaultKind::Delay { bytes, by: rng.span(Duration::ZERO, short) },
        };
        let fault = Fault { at: place(dial.to.port() == SECURE, rng), kind };
        if rng.percent(50) {
            plan.up.push(fault)
        } else {
            plan.down.push(fault)
        }
        // A machine that is cut off hears nothing and is not heard.
        if let (FaultKind::Silence { .. }, true) = (kind, rng.percent(50)) {
            (plan.up, plan.down) = (vec![fault], vec![fault]);
        }
    }
}

/// Most connections end early, so most places are near the beginning.
fn place(tls: bool, rng: &mut Rng) -> Place {
    if tls && rng.percent(50) {
        let part = *rng.choose(&[RecordPart::Start, RecordPart::Middle, RecordPart::End]).unwrap_or(&RecordPart::Start);
        return Place::Record { number: rng.within(0..=14), part };
    }
    let magnitude = rng.within(0..=17);
    Place::Byte(rng.within(0..=(1 << magnitude)))
}
