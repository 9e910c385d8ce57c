//! Somebody else's service, as far as the shop knows: it tells prices, and now and then that it has none.

use std::io::Write;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

/// It has prices for the products from 1 to this.
pub(crate) const LAST: i64 = 100;

const DAYS: i64 = 100;

pub(crate) fn router() -> Router {
    let prices = Router::new()
        .route("/prices", get(all))
        .route("/prices/{product}", get(one))
        .route("/prices/history", get(history));
    // Another one for trying things out, with the same prices.
    prices.clone().nest("/staging", prices)
}

async fn one(Path(product): Path<i64>) -> Response {
    if (1..=LAST).contains(&product) {
        Json(json!({"product": product, "cents": cents(product), "currency": "EUR"})).into_response()
    } else {
        (StatusCode::NOT_FOUND, Json(json!({"error": format!("no price for product {product}")}))).into_response()
    }
}

/// The whole list, compressed.
async fn all() -> Response {
    let list: Vec<_> = (1..=LAST).map(|product| json!({"product": product, "cents": cents(product)})).collect();
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    match compressed
        .write_all(json!({"currency": "EUR", "products": list.len(), "prices": list}).to_string().as_bytes())
        .and_then(|()| compressed.finish())
    {
        Ok(body) => ([(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "gzip")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A line for each product and day: more than anybody wants to read.
async fn history() -> String {
    (0..DAYS)
        .flat_map(|day| (1..=LAST).map(move |product| format!("{day};{product};{}\n", cents(product) + day)))
        .collect()
}

fn cents(product: i64) -> i64 {
    product * 731 % 18_000 + 995
}
