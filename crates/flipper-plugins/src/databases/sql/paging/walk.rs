//! What is known of a table's rows in one order.

use std::collections::BTreeMap;
use std::time::Instant;

use super::super::driver::{Bounds, Page, PageRequest};
use super::super::engine::Engine;
use super::super::error::Error;
use super::super::value::Value;
use super::order::{Key, Order};

/// How many rows lie between two keys of a survey, to begin with.
const STRIDE: u64 = 10_000;
/// How many keys are kept for one order. When there are more, every second one goes.
const KEYS: usize = 4096;
/// Longer keys are not kept.
const KEY_BYTES: usize = 512;
/// Up to here pages are looked for from the beginning when a table was changed.
const NEAR: u64 = 100_000;

/// One order of a table's rows, and the keys that are known in it.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) order: Order,
    /// The key of the row before the one with this number.
    keys: BTreeMap<u64, Key>,
    survey: Survey,
}

/// The walk over all keys.
#[derive(Debug)]
struct Survey {
    stride: u64,
    /// How many rows were counted, and the key of the last of them.
    counted: u64,
    last: Option<Key>,
    /// The table was changed since it began, so that it may have counted wrong.
    is_disturbed: bool,
    is_over: bool,
}

/// What a survey has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// There is more to be counted.
    Begun,
    /// So many rows.
    Exact(u64),
    /// About so many rows: the table was changed meanwhile.
    About(u64),
}

impl Walk {
    pub(super) fn new(order: Order) -> Self {
        let survey = Survey { stride: STRIDE, counted: 0, last: None, is_disturbed: false, is_over: false };
        Self { order, keys: BTreeMap::new(), survey }
    }

    /// The table was changed. Keys that are far from the beginning are still good enough: a page there begins where it began
    /// before, and not some rows earlier or later.
    pub(super) fn disturb(&mut self) {
        self.keys.retain(|at, _| *at > NEAR);
        self.survey.is_disturbed = true;
    }

    /// Counts anew.
    pub(super) fn recount(&mut self) {
        self.survey.counted = 0;
        self.survey.last = None;
        self.survey.is_disturbed = false;
        self.survey.is_over = false;
    }

    /// A page, from the nearest key that is known. `total` is how many rows there are, if that is known.
    pub(super) fn page<E: Engine>(
        &mut self,
        engine: &mut E,
        request: &PageRequest,
        total: Option<u64>,
        bounds: &Bounds,
    ) -> Result<Page, Error> {
        let (start, count) = (request.start, request.count);
        let (at, key) = match self.keys.range(..=start).next_back() {
            Some((at, key)) => (*at, Some(key)),
            None => (0, None),
        };
        let found = match total {
            Some(total) if start < total && total - start < start - at => {
                let shown = count.min(total - start);
                let mut found = self.order.rows(engine, None, true, total - start - shown, shown, bounds)?;
                found.reverse();
                found
            }
            _ => self.order.rows(engine, key, false, start - at, count, bounds)?,
        };
        let end = start + found.len() as u64;
        if let Some((key, _)) = found.last() {
            let key = key.clone();
            self.keep(end, key);
        }
        let rows = found.into_iter().map(|(_, row)| row).collect();
        Ok(Page { rows, start, ..Page::default() })
    }

    /// Counts on for a while.
    pub(super) fn survey<E: Engine>(
        &mut self,
        engine: &mut E,
        pause: Instant,
        bounds: &Bounds,
    ) -> Result<Count, Error> {
        while !self.survey.is_over {
            if Instant::now() >= pause {
                return Ok(Count::Begun);
            }
            let Survey { stride, ref last, .. } = self.survey;
            if let Some(key) = self.order.key(engine, last.as_ref(), stride - 1, bounds)? {
                self.survey.counted += stride;
                self.survey.last = Some(key.clone());
                self.keep(self.survey.counted, key);
            } else {
                self.survey.counted += self.order.count(engine, last.as_ref(), stride, bounds)?;
                self.survey.is_over = true;
            }
        }
        let counted = self.survey.counted;
        Ok(if self.survey.is_disturbed { Count::About(counted) } else { Count::Exact(counted) })
    }

    /// There is too much to be counted.
    pub(super) fn forgo_survey(&mut self) {
        self.survey.is_over = true;
    }

    pub(super) fn is_surveyed(&self) -> bool {
        self.survey.is_over
    }

    /// Whether the table was changed since its rows were counted in this order.
    pub(super) fn is_outdated(&self) -> bool {
        self.survey.is_over && self.survey.is_disturbed
    }

    /// How many rows there are at least.
    pub(super) fn counted(&self) -> u64 {
        self.survey.counted
    }

    fn keep(&mut self, at: u64, key: Key) {
        let bytes: usize = key.iter().map(size).sum();
        if bytes > KEY_BYTES {
            return;
        }
        self.keys.insert(at, key);
        if self.keys.len() > KEYS {
            let mut keep = false;
            self.keys.retain(|_, _| {
                keep = !keep;
                keep
            });
            self.survey.stride *= 2;
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        _ => 8,
    }
}
