//! The shop's client of the price service.

use std::sync::{Mutex, PoisonError};

use reqwest::StatusCode;
use reqwest_middleware::{ClientWithMiddleware, Result};
use serde::Deserialize;
use tracing::debug;

/// Shows that secrets never reach a desktop: this one is sent with every request.
const TOKEN: &str = "Bearer very-secret-token-of-the-shop";

pub(crate) struct Prices {
    client: ClientWithMiddleware,
    /// Where the service is. Changes while the shop is open.
    base: Mutex<String>,
}

/// A price, or that there is none.
#[derive(Debug, Deserialize)]
struct Price {
    cents: i64,
}

#[derive(Deserialize)]
struct List {
    prices: Vec<Price>,
}

impl Prices {
    pub(crate) fn new(client: ClientWithMiddleware, base: String) -> Self {
        Self { client, base: Mutex::new(base) }
    }

    pub(crate) fn base(&self) -> String {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks elsewhere from now on.
    pub(crate) fn set_base(&self, base: &str) -> std::result::Result<(), &'static str> {
        if !base.starts_with("http://") || !base.ends_with('/') {
            return Err("a price service is at http://…/");
        }
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = base.to_owned();
        Ok(())
    }

    /// The price of a product in cents, if the service has one.
    pub(crate) async fn of(&self, product: i64) -> Result<Option<i64>> {
        let answer = self.get(&format!("prices/{product}")).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            let why = answer.text().await?;
            debug!("the price service says: {why}");
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.json::<Price>().await?.cents))
    }

    /// How many prices there are, and what all of that costs together.
    pub(crate) async fn sum(&self) -> Result<(usize, i64)> {
        let list: List = self.get("prices").await?.error_for_status()?.json().await?;
        Ok((list.prices.len(), list.prices.iter().map(|price| price.cents).sum()))
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response> {
        let url = format!("{}{path}", self.base());
        self.client.get(url).header("authorization", TOKEN).send().await
    }
}
