//! An app that logs, shows a table, and can be sent to another environment. Ctrl-C ends it.
//!
//! `cargo run -p flipper-plugins --features logs,navigation,sandbox,table --example logs`

use std::error::Error;
use std::time::Duration;

use flipper_blocking::Flipper;
use flipper_plugins::logs::Logs;
use flipper_plugins::navigation::Navigation;
use flipper_plugins::sandbox::Sandbox;
use flipper_plugins::table::{Column, Table};
use serde::Serialize;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Serialize)]
struct Order {
    id: u64,
    customer: &'static str,
    paid: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let logs = Logs::builder().filter("debug")?.build();
    let navigation = Navigation::new();
    let sandbox = Sandbox::builder()
        .offer("Production", "https://api.example.com")
        .offer("Staging", "https://staging.example.com")
        .on_change(|value| if value.starts_with("https://") { Ok(()) } else { Err("it is no https URL") })
        .build();
    let orders = Table::builder("orders")
        .key("id")
        .column(Column::number("id").titled("Order").wide(80))
        .column(Column::text("customer"))
        .column(Column::bool("paid"))
        .build();
    let _flipper = Flipper::builder("Logs Example", "com.example.logs")
        .plugin(logs.clone())
        .plugin(navigation.clone())
        .plugin(sandbox)
        .plugin(orders.clone())
        .start()?;
    tracing_subscriber::registry().with(tracing_subscriber::fmt::layer()).with(logs.layer()).init();

    for id in 1.. {
        let _span = tracing::info_span!("order", id, customer = "Ann").entered();
        tracing::info!(items = 3, "ordered");
        orders.upsert(&Order { id, customer: "Ann", paid: false })?;
        navigation.visit_screen(format!("shop://orders/{id}"), "orders::Detail");
        std::thread::sleep(Duration::from_secs(1));
        if id % 5 == 0 {
            let error = std::io::Error::other("the card was refused");
            tracing::error!(error = &error as &dyn Error, "not paid");
        } else {
            tracing::debug!(cents = 4_200, "paid");
            orders.upsert(&Order { id, customer: "Ann", paid: true })?;
        }
    }
    Ok(())
}
