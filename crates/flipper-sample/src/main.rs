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
use std::sync::{Arc, Mutex};

use flipper_tokio::plugins::crash::Crash;
use flipper_tokio::plugins::databases::{Databases, Sqlite};
use flipper_tokio::plugins::sandbox::Sandbox;
use flipper_tokio::{Flipper, Plugins};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use self::options::Options;
use self::prices::Prices;
use self::settings::Settings;
use self::shop::Shop;
use self::store::Store;

const APP_ID: &str = "com.example.shop";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read()?;
    let files = TempDir::with_prefix("flipper-sample-")?;
    let data = options.data.unwrap_or_else(|| files.path().to_owned());
    fs::create_dir_all(&data)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    let url = format!("http://{}/", listener.local_addr()?);

    let mut plugins = Plugins::default();
    let printed = fmt::layer().with_writer(stderr).with_filter(EnvFilter::from_default_env());
    tracing_subscriber::registry().with(printed).with(plugins.logs.layer()).init();

    let client = reqwest_middleware::ClientBuilder::new(http_client()?).with(plugins.network.reqwest()).build();
    let prices = Arc::new(Prices::new(client, url.clone()));
    let asked = Arc::clone(&prices);
    plugins.sandbox = Sandbox::builder()
        .offer("Production", &url)
        .offer("Staging", format!("{url}staging/"))
        .on_change(move |base| asked.set_base(base))
        .build();

    let database = data.join("shop.db");
    let store = Store::open(&database)?;
    let crash = Crash::new(APP_ID);
    crash.install_panic_hook();
    let databases = Databases::new();
    databases.add("shop.db", Sqlite::open(&database)?);

    let flipper = plugins.start(Flipper::builder("Rust Shop", APP_ID).plugin(crash).plugin(databases));
    let shop = Arc::new(Shop {
        store,
        prices,
        settings: Settings::default(),
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
