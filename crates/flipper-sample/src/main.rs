//! A small shop that a Flipper desktop looks into: every ready-made plugin in one service.
//!
//! `cargo run -p flipper-sample` opens it. Everything that Flipper needs is in this file; without the default features it
//! compiles as it is, and Flipper is not there.
#![forbid(unsafe_code)]

mod options;
mod price_service;
mod prices;
mod settings;
mod shop;
mod store;

use std::error::Error;
use std::fs;
use std::io::stderr;
use std::net::Ipv4Addr;
use std::process::exit;
use std::sync::{Arc, Mutex};

use flipper_tokio::plugins::databases::Sqlite;
use flipper_tokio::plugins::network::Network;
use flipper_tokio::plugins::preferences::Settings;
use flipper_tokio::plugins::sandbox::Sandbox;
use flipper_tokio::plugins::table::{Column, Table};
use flipper_tokio::{Flipper, Plugins};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use self::options::Options;
use self::prices::Prices;
use self::settings::ShopSettings;
use self::shop::Shop;
use self::store::{Order, Store};

/// How much of a body a desktop is shown.
const BODY_LIMIT: usize = 64 << 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read().unwrap_or_else(|misuse| {
        eprintln!("{misuse}");
        exit(2)
    });
    let (data, _goes_with_the_shop) = match options.data {
        Some(data) => (data, None),
        None => {
            let new = TempDir::with_prefix("flipper-sample-")?;
            (new.path().to_owned(), Some(new))
        }
    };
    fs::create_dir_all(&data)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let store = Store::open(&data.join("shop.db"))?;
    let settings = Settings::<ShopSettings>::open(data.join("settings.json"))?;

    let mut plugins = Plugins::default();
    plugins.network = Network::builder().body_limit(BODY_LIMIT).build();
    let what = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let printed = fmt::layer().with_writer(stderr).with_filter(what);
    tracing_subscriber::registry().with(printed).with(plugins.logs.layer()).init();
    let client = reqwest_middleware::ClientBuilder::new(http_client()?).with(plugins.network.reqwest()).build();
    plugins.databases.add("shop.db", Sqlite::open(data.join("shop.db"))?);
    plugins.preferences.add("settings", settings.clone());
    let prices = Arc::new(Prices::new(client, url.clone()));
    let asked = Arc::clone(&prices);
    plugins.sandbox = Sandbox::builder()
        .offer("Production", &url)
        .offer("Staging", format!("{url}staging/"))
        .on_change(move |base| asked.set_base(base))
        .build();
    let sales = sales();
    let flipper = plugins.start(Flipper::builder("Rust Shop", "com.example.shop").plugin(sales.clone()));

    let shop = Arc::new(Shop {
        store,
        prices,
        settings,
        sales,
        navigation: flipper.navigation().clone(),
        logs: flipper.logs().clone(),
        watch: Mutex::default(),
    });
    println!("The shop is open: {url}");
    println!("Its data: {}", data.display());
    let pages = shop::router(shop).merge(price_service::router());
    axum::serve(listener, pages).with_graceful_shutdown(closing_time()).await?;
    flipper.stop().await;
    Ok(())
}

/// A table of the shop's own.
fn sales() -> Table<Order> {
    Table::builder("shop-sales")
        .key("id")
        .column(Column::number("id").titled("Order").wide(80))
        .column(Column::text("product").titled("Product"))
        .column(Column::number("quantity").titled("Quantity").wide(100))
        .column(Column::number("cents").titled("Cents").wide(100))
        .build()
}

fn http_client() -> Result<reqwest::Client, Box<dyn Error>> {
    // It is `reqwest` that wants a provider, whatever it is asked for; the shop's requests stay on this machine.
    let _there_already = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().tls_certs_only([]).build()?)
}

async fn closing_time() {
    // Where there are no signals to wait for, the shop stays open.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
