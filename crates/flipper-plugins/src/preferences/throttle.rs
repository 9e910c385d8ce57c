//! Changes that come too often: the official UI keeps every one of them in its log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::store::Value;

/// How long it takes from one change of a setting that is told to the next.
const INTERVAL: Duration = Duration::from_millis(500);

/// What a setting has become: a value, or nothing.
pub(super) type News = Option<Value>;

/// The settings that were changed not long ago.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    settings: BTreeMap<(String, String), Recent>,
}

#[derive(Debug)]
struct Recent {
    told: Instant,
    waiting: Option<News>,
}

impl Throttle {
    /// Takes in what a setting has become, and gives it back if it is to be told at once. Otherwise the last one of those
    /// that come is told later.
    pub(super) fn admit(&mut self, store: &str, key: &str, news: News, now: Instant) -> Option<News> {
        let name = (store.to_owned(), key.to_owned());
        match self.settings.get_mut(&name) {
            Some(recent) if now < recent.told + INTERVAL => {
                recent.waiting = Some(news);
                None
            }
            _ => {
                self.settings.insert(name, Recent { told: now, waiting: None });
                Some(news)
            }
        }
    }

    /// What is to be told by now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(String, String, News)> {
        let mut due = Vec::new();
        self.settings.retain(|(store, key), recent| {
            if now < recent.told + INTERVAL {
                return true;
            }
            let Some(news) = recent.waiting.take() else { return false };
            recent.told = now;
            due.push((store.clone(), key.clone(), news));
            true
        });
        due
    }

    /// When there will be something to be told.
    pub(super) fn next(&self) -> Option<Instant> {
        let waiting = self.settings.values().filter(|recent| recent.waiting.is_some());
        waiting.map(|recent| recent.told + INTERVAL).min()
    }

    pub(super) fn clear(&mut self) {
        self.settings.clear();
    }
}
