//! The shop: its pages and what they do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::{get, post};
use flipper_tokio::plugins::logs::Logs;
use flipper_tokio::plugins::navigation::Navigation;
use flipper_tokio::plugins::preferences::Settings;
use flipper_tokio::plugins::table::Table;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinHandle;
use tracing::{debug, info, instrument, warn};

use crate::prices::Prices;
use crate::settings::{Change, ShopSettings};
use crate::store::{Order, Product, Store};

pub(crate) struct Shop {
    pub(crate) store: Store,
    pub(crate) prices: Arc<Prices>,
    pub(crate) settings: Settings<ShopSettings>,
    /// What was sold since the shop is open.
    pub(crate) sales: Table<Order>,
    pub(crate) navigation: Navigation,
    pub(crate) logs: Logs,
    /// The one price that somebody watches.
    pub(crate) watch: Mutex<Option<JoinHandle<()>>>,
}

impl Shop {
    fn watch(&self, new: Option<JoinHandle<()>>) {
        let old = std::mem::replace(&mut *self.watch.lock().unwrap_or_else(PoisonError::into_inner), new);
        if let Some(old) = old {
            old.abort();
        }
    }
}

const WATCH_EVERY: Duration = Duration::from_millis(50);

type Shared = State<Arc<Shop>>;

pub(crate) fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/products", get(products))
        .route("/products/{id}", get(one_product))
        .route("/orders", post(order))
        .route("/catalogue", get(catalogue))
        .route("/history", get(history))
        .route("/watch/{id}", post(watch).delete(stop_watching))
        .route("/settings", get(settings).patch(change_settings))
        .route("/environment", get(environment))
        .route("/recorded", get(recorded))
        .route("/broken", post(broken))
        .with_state(shop)
}

async fn home(State(shop): Shared) -> Result<Html<String>, Trouble> {
    shop.navigation.visit_screen("shop://home", "Home");
    let settings = shop.settings.get();
    let greeting = &settings.greeting;
    let products = shop.store.products(0, i64::from(settings.page_size))?;
    let list: String = products
        .iter()
        .map(|Product { id, name, stock }| format!("<li><a href=products/{id}>{name}</a> ({stock} left)\n"))
        .collect();
    Ok(Html(format!("<!doctype html><title>Rust Shop</title><h1>{greeting}</h1><ul>\n{list}</ul>")))
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    page: u32,
}

async fn products(State(shop): Shared, Query(Page { page }): Query<Page>) -> Result<Json<Vec<Product>>, Trouble> {
    shop.navigation.visit_screen(format!("shop://products?page={page}"), "Products");
    Ok(Json(shop.store.products(page.into(), i64::from(shop.settings.get().page_size))?))
}

#[instrument(skip(shop))]
async fn one_product(State(shop): Shared, Path(id): Path<i64>) -> Result<Response, Trouble> {
    shop.navigation.visit_screen(format!("shop://products/{id}"), "Product");
    let Some(product) = shop.store.product(id)? else {
        warn!("there is no such product");
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let cents = shop.prices.of(id).await?;
    info!(name = product.name, cents, "a product is shown");
    Ok(Json(json!({"id": id, "name": product.name, "stock": product.stock, "cents": cents})).into_response())
}

#[derive(Debug, Deserialize)]
struct Wish {
    product: i64,
    quantity: i64,
}

#[instrument(skip(shop))]
async fn order(State(shop): Shared, Json(wish): Json<Wish>) -> Result<Response, Trouble> {
    let settings = shop.settings.get();
    if !settings.open || wish.quantity < 1 {
        return Ok(StatusCode::CONFLICT.into_response());
    }
    let Some(product) = shop.store.product(wish.product)? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let price = shop.prices.of(product.id).await?;
    let cents = price.map(|cents| cents * wish.quantity * i64::from(100 - settings.discount_percent.min(100)) / 100);
    match shop.store.order(&product, wish.quantity, cents)? {
        Some(order) => {
            shop.sales.upsert(&order)?;
            info!(order.id, order.product, order.quantity, "an order is taken");
            Ok((StatusCode::CREATED, Json(order)).into_response())
        }
        None => {
            warn!(product.stock, "there is not enough on the shelf");
            Ok(StatusCode::CONFLICT.into_response())
        }
    }
}

/// The price list, passed on as it came.
async fn catalogue(State(shop): Shared) -> Result<Response, Trouble> {
    shop.navigation.visit_screen("shop://catalogue", "Catalogue");
    let list = shop.prices.all().await?;
    let headers = [CONTENT_TYPE, CONTENT_ENCODING].map(|name| (name.clone(), list.headers().get(&name).cloned()));
    let mut answer = list.bytes().await?.into_response();
    for (name, value) in headers {
        if let Some(value) = value {
            answer.headers_mut().insert(name, value);
        }
    }
    Ok(answer)
}

async fn history(State(shop): Shared) -> Result<String, Trouble> {
    shop.prices.history().await.map_err(Into::into)
}

/// Asks for a price every 50 ms, until nobody wants to know any more.
async fn watch(State(shop): Shared, Path(id): Path<i64>) -> StatusCode {
    let watching = Arc::clone(&shop);
    let watch = tokio::spawn(async move {
        let mut turns = tokio::time::interval(WATCH_EVERY);
        for turn in 0_u64.. {
            turns.tick().await;
            match watching.prices.of(id).await {
                Ok(cents) => debug!(turn, cents, "the price is watched"),
                Err(error) => warn!(%error, "the price cannot be watched"),
            }
        }
    });
    shop.watch(Some(watch));
    StatusCode::ACCEPTED
}

async fn stop_watching(State(shop): Shared) -> StatusCode {
    shop.watch(None);
    StatusCode::NO_CONTENT
}

async fn settings(State(shop): Shared) -> Json<ShopSettings> {
    Json(shop.settings.get().as_ref().clone())
}

async fn change_settings(State(shop): Shared, Json(change): Json<Change>) -> Result<Json<ShopSettings>, Trouble> {
    shop.settings.update(|settings| change.make(settings))?;
    Ok(settings(State(shop)).await)
}

async fn environment(State(shop): Shared) -> String {
    shop.prices.base()
}

/// What is recorded of the logs, as the desktop has it.
async fn recorded(State(shop): Shared) -> String {
    shop.logs.filter()
}

/// Panics, as programs do now and then.
#[expect(clippy::panic, reason = "this is what it is for")]
async fn broken(State(shop): Shared) -> StatusCode {
    shop.navigation.visit_screen("shop://broken", "Broken");
    panic!("the cash desk is on fire");
}

/// What a customer is told where something went wrong that is not theirs to mend.
struct Trouble(Box<dyn std::error::Error + Send + Sync>);

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "a page could not be made");
        (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
    }
}
