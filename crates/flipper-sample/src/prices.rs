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

    /// All prices, compressed as they come.
    pub(crate) async fn all(&self) -> Result<reqwest::Response> {
        Ok(self.get("prices").await?.error_for_status()?)
    }

    /// What prices were, which is a long story.
    pub(crate) async fn history(&self) -> Result<String> {
        Ok(self.get("prices/history").await?.error_for_status()?.text().await?)
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response> {
        let url = format!("{}{path}", self.base());
        self.client.get(url).header("authorization", TOKEN).send().await
    }
}
