//! Pages of large tables, without counting through all the rows before them.
//!
//! `OFFSET 9999950` costs as much as reading ten million rows. So pages are found by keys instead: whoever knows the key
//! of the row before a page reads the page through the index. What is known are the keys at the ends of pages that were
//! shown, and those that a survey finds, which walks over the keys in the background and counts the rows as well. Their
//! number is bounded, so that memory does not grow with the table.

mod order;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use self::walk::{Count, Walk};
use super::driver::{Bounds, Page, PageRequest};
use super::engine::Engine;
use super::error::{Error, ErrorKind};
use super::value::Value;

pub(super) use self::order::{KeyColumn, Order};

/// How long rows are counted before a page is answered. The rest is counted when nothing else is to be done.
const AT_ONCE: Duration = Duration::from_millis(8);
/// How long rows are counted in one go when nothing else is to be done.
const TURN: Duration = Duration::from_millis(10);
/// How long it may take to count what has no key.
const COUNT: Duration = Duration::from_millis(500);
/// How many orders are kept.
const ORDERS: usize = 8;

/// How the rows of a table can be had.
pub(super) struct Ways {
    /// The table, as SQL.
    pub(super) table: String,
    /// The names of its columns.
    pub(super) names: Vec<String>,
    /// The order that was asked for, if an index has it.
    pub(super) wanted: Option<Order>,
    /// The order in which rows are counted, if they have a key.
    pub(super) natural: Option<Order>,
    /// `SELECT … ORDER BY …` without any limit, for want of a better way.
    pub(super) slow: String,
    /// How many rows there may be.
    pub(super) estimate: Option<u64>,
    /// Whether there are so many that the estimate has to do.
    pub(super) is_vast: bool,
}

/// What is known of the tables of one database.
#[derive(Debug)]
pub(super) struct Pages<V> {
    /// The state of each table in which it was found out.
    versions: BTreeMap<String, V>,
    walks: Vec<(String, Walk)>,
    totals: BTreeMap<String, u64>,
    /// How many rows there were before the database was changed.
    before: BTreeMap<String, u64>,
    /// What takes too long to be counted.
    uncounted: BTreeSet<String>,
}

impl<V: PartialEq> Pages<V> {
    pub(super) fn new() -> Self {
        Self {
            versions: BTreeMap::new(),
            walks: Vec::new(),
            totals: BTreeMap::new(),
            before: BTreeMap::new(),
            uncounted: BTreeSet::new(),
        }
    }

    /// Forgets what may no longer be so, now that the table is in this state.
    pub(super) fn at(&mut self, table: &str, version: V) {
        let Some(known) = self.versions.get_mut(table) else {
            self.versions.insert(table.to_owned(), version);
            return;
        };
        if *known == version {
            return;
        }
        *known = version;
        for (_, walk) in self.walks.iter_mut().filter(|(of, _)| of == table) {
            walk.disturb();
        }
        if let Some(total) = self.totals.remove(table) {
            self.before.insert(table.to_owned(), total);
        }
        self.uncounted.remove(table);
    }

    /// A page of a table.
    pub(super) fn page<E: Engine>(
        &mut self,
        engine: &mut E,
        request: &PageRequest,
        ways: Ways,
        bounds: &Bounds,
    ) -> Result<Page, Error> {
        let known = self.totals.get(&request.table).copied();
        let Ways { table, names, wanted, natural, slow, estimate, is_vast } = ways;
        let (mut page, mut walk) = match wanted {
            Some(order) => {
                let mut walk = self.take(&request.table, order);
                match walk.page(engine, request, known, bounds) {
                    Ok(page) => (page, Some(walk)),
                    Err(error) => {
                        self.put(&request.table, walk);
                        return Err(error);
                    }
                }
            }
            None => {
                let sql = format!("{slow} LIMIT {} OFFSET {}", request.count, request.start);
                let rows = engine.query(&sql, &[], 0, &Bounds { rows: usize::MAX, ..*bounds })?;
                let page = Page { rows: rows.rows, start: request.start, ..Page::default() };
                (page, natural.map(|order| self.take(&request.table, order)))
            }
        };
        let total = match (known, &mut walk) {
            (Some(total), walk) => {
                // It was counted in another order; what is known of this one is of the time before.
                if let Some(walk) = walk.as_mut().filter(|walk| walk.is_outdated() && !is_vast) {
                    walk.recount();
                }
                Some(total)
            }
            (None, Some(walk)) if is_vast => {
                walk.forgo_survey();
                None
            }
            (None, Some(walk)) => {
                if walk.is_surveyed() {
                    walk.recount();
                }
                let count = walk.survey(engine, Instant::now() + AT_ONCE, bounds);
                self.counted(&request.table, count)
            }
            (None, None) => self.count(engine, &request.table, &table, bounds),
        };
        // Without any row there may be no word of them.
        page.columns = names;
        let is_full = page.rows.len() as u64 >= request.count;
        // A full page is hardly ever the last one.
        let reached = if page.rows.is_empty() { 0 } else { page.start + page.rows.len() as u64 + u64::from(is_full) };
        let at_least = reached.max(walk.as_ref().map_or(0, Walk::counted));
        let before = self.before.get(&request.table).copied();
        page.total = total.unwrap_or_else(|| before.or(estimate).unwrap_or(0).max(at_least));
        if let Some(walk) = walk {
            self.put(&request.table, walk);
        }
        Ok(page)
    }

    /// Counts on in the order that was looked at last, and says whether there is more to do.
    pub(super) fn work_ahead<E: Engine>(&mut self, engine: &mut E, bounds: &Bounds) -> bool {
        let Some((table, mut walk)) = self.walks.pop() else { return false };
        let count = walk.survey(engine, Instant::now() + TURN, bounds);
        // What cannot be counted now is counted with the next page.
        let goes_on = matches!(count, Ok(Count::Begun));
        self.counted(&table, count);
        self.walks.push((table, walk));
        goes_on
    }

    fn counted(&mut self, table: &str, count: Result<Count, Error>) -> Option<u64> {
        match count {
            Ok(Count::Exact(total)) => {
                self.totals.insert(table.to_owned(), total);
                Some(total)
            }
            Ok(Count::About(total)) => {
                self.before.insert(table.to_owned(), total);
                None
            }
            Ok(Count::Begun) | Err(_) => None,
        }
    }

    /// Counts what has no key, if that does not take too long.
    fn count<E: Engine>(&mut self, engine: &mut E, name: &str, table: &str, bounds: &Bounds) -> Option<u64> {
        if self.uncounted.contains(name) {
            return None;
        }
        let bounds = Bounds { until: bounds.until.min(Instant::now() + COUNT), ..*bounds };
        let rows = engine.query(&format!("SELECT count(1) FROM {table}"), &[], 0, &bounds);
        let total = match rows.as_ref().map(|rows| rows.rows.first().and_then(|row| row.first())) {
            Ok(Some(Value::Integer(total))) => u64::try_from(*total).ok(),
            Err(error) if error.kind() == ErrorKind::Deadline => {
                self.uncounted.insert(name.to_owned());
                None
            }
            _ => None,
        };
        if let Some(total) = total {
            self.totals.insert(name.to_owned(), total);
        }
        total
    }

    fn take(&mut self, table: &str, order: Order) -> Walk {
        let at = self.walks.iter().position(|(of, walk)| of == table && walk.order == order);
        at.map_or_else(|| Walk::new(order), |at| self.walks.remove(at).1)
    }

    fn put(&mut self, table: &str, walk: Walk) {
        if self.walks.len() >= ORDERS {
            self.walks.remove(0);
        }
        self.walks.push((table.to_owned(), walk));
    }
}
