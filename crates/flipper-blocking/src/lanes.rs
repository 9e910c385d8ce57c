//! The order in which what waits may begin.

use std::collections::{BTreeMap, VecDeque};

/// What waits, in lanes. The lanes go their ways side by side. In one lane things begin in order; most may go side by
/// side, but what goes *alone* begins after everything before it has ended, and ends before anything after it begins.
///
/// Of all that may begin, what came first does.
pub(crate) struct Lanes<K, T> {
    lanes: BTreeMap<K, Lane<T>>,
    /// The lanes whose first may begin, by the time of its arrival.
    ready: BTreeMap<u64, K>,
    arrivals: u64,
}

struct Lane<T> {
    waiting: VecDeque<Item<T>>,
    under_way: usize,
    /// What is under way goes alone.
    alone: bool,
}

struct Item<T> {
    arrival: u64,
    alone: bool,
    what: T,
}

impl<K: Ord + Clone, T> Lanes<K, T> {
    pub(crate) fn new() -> Self {
        Self { lanes: BTreeMap::new(), ready: BTreeMap::new(), arrivals: 0 }
    }

    pub(crate) fn push(&mut self, key: K, alone: bool, what: T) {
        let arrival = self.arrivals;
        self.arrivals += 1;
        let lane = self.lanes.entry(key.clone()).or_insert_with(Lane::new);
        lane.waiting.push_back(Item { arrival, alone, what });
        if lane.waiting.len() == 1
            && let Some(arrival) = lane.may_begin()
        {
            self.ready.insert(arrival, key);
        }
    }

    /// How many could begin now, each in another lane.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Whether nothing waits, though something may be under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.values().all(|lane| lane.waiting.is_empty())
    }

    /// Begins the next. [`end`](Self::end) must follow.
    pub(crate) fn begin(&mut self) -> Option<(K, T)> {
        let (_, key) = self.ready.pop_first()?;
        let lane = self.lanes.get_mut(&key)?;
        let item = lane.waiting.pop_front()?;
        lane.under_way += 1;
        lane.alone = item.alone;
        if let Some(arrival) = lane.may_begin() {
            self.ready.insert(arrival, key.clone());
        }
        Some((key, item.what))
    }

    /// Something that was begun in this lane has ended.
    pub(crate) fn end(&mut self, key: K) {
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        lane.under_way -= 1;
        lane.alone = false;
        if let Some(arrival) = lane.may_begin() {
            self.ready.insert(arrival, key);
        } else if lane.under_way == 0 && lane.waiting.is_empty() {
            self.lanes.remove(&key);
        }
    }
}

impl<T> Lane<T> {
    fn new() -> Self {
        Self { waiting: VecDeque::new(), under_way: 0, alone: false }
    }

    /// The arrival of the first, if it may begin.
    fn may_begin(&self) -> Option<u64> {
        let first = self.waiting.front()?;
        let may = if first.alone { self.under_way == 0 } else { !self.alone };
        may.then_some(first.arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins whatever may begin.
    fn begun(lanes: &mut Lanes<char, u32>) -> Vec<u32> {
        std::iter::from_fn(|| lanes.begin()).map(|(_, what)| what).collect()
    }

    #[test]
    fn one_after_the_other_everything_comes_in_the_order_of_arrival() {
        let mut lanes = Lanes::new();
        for what in 0..100 {
            lanes.push(['a', 'b', 'c'][what as usize % 3], what % 7 == 0, what);
        }
        let mut order = Vec::new();
        while let Some((key, what)) = lanes.begin() {
            order.push(what);
            lanes.end(key);
        }
        assert_eq!(order, (0..100).collect::<Vec<_>>());
        assert!(lanes.is_empty());
        assert!(lanes.lanes.is_empty() && lanes.ready.is_empty());
    }

    #[test]
    fn what_goes_alone_waits_for_all_before_it_and_holds_up_all_after_it() {
        let mut lanes = Lanes::new();
        for (what, alone) in [(0, true), (1, false), (2, false), (3, true), (4, false)] {
            lanes.push('a', alone, what);
        }
        assert_eq!(begun(&mut lanes), [0]);
        lanes.end('a');
        assert_eq!(begun(&mut lanes), [1, 2]);
        lanes.end('a');
        assert!(begun(&mut lanes).is_empty());
        lanes.end('a');
        assert_eq!(begun(&mut lanes), [3]);
        lanes.push('a', false, 5);
        assert!(begun(&mut lanes).is_empty());
        lanes.end('a');
        assert_eq!(begun(&mut lanes), [4, 5]);
    }

    #[test]
    fn a_lane_that_is_held_up_holds_up_no_other() {
        let mut lanes = Lanes::new();
        lanes.push('a', true, 0);
        lanes.push('a', false, 1);
        lanes.push('b', true, 2);
        lanes.push('b', false, 3);
        assert_eq!(begun(&mut lanes), [0, 2]);
        assert_eq!(lanes.ready(), 0);
        lanes.end('b');
        assert_eq!(lanes.ready(), 1);
        assert_eq!(begun(&mut lanes), [3]);
        assert!(!lanes.is_empty());
        lanes.end('a');
        assert_eq!(begun(&mut lanes), [1]);
        assert!(lanes.is_empty());
    }
}
