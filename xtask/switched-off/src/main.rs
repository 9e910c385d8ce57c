//! An app with everything that this project offers to apps. `cargo xtask check` builds it with and without the feature
//! `enabled`, and looks for what is left of the project in the program; for that it must not say the project's name.

use std::convert::Infallible;
use std::sync::Arc;

use flipper_plugins::databases::{Bounds, Driver, Error, Outcome, Page, PageRequest, Structure};
use flipper_plugins::network::RecordedBody;
use flipper_plugins::sandbox::Sandbox;
use flipper_plugins::table::{Column, Table};
use flipper_tokio::{AsyncMethods as _, Connection, WithPlugins, plugin, proto::ErrorReport};
use http::{Request, Response};
use serde::Serialize;
use tower::util::BoxCloneService;
use tower::{Layer as _, ServiceExt as _};
use tracing_subscriber::layer::SubscriberExt as _;

/// What an app has in its hands wherever it is.
#[derive(Clone)]
struct State {
    inspected: WithPlugins,
    orders: Table<Order>,
    own: Connection,
}

#[derive(Serialize)]
struct Order {
    id: u64,
    customer: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let inspected = flipper_tokio::init("Switched off");
    if let Err(error) = inspected.add_plugin(own_plugin("Own").build()) {
        eprintln!("no plugin: {error}");
    }
    let orders = Table::builder("orders").key("id").column(Column::number("id").titled("Order")).build();
    drop(inspected.add_plugin(orders.clone()));
    drop(inspected.add_plugin(environments()));
    let shop = inspected.databases().add("shop", Shop);
    let subscriber = tracing_subscriber::registry().with(inspected.logs().layer());
    drop(tracing::subscriber::set_global_default(subscriber));

    let state = Arc::new(State { own: inspected.connection("Own"), inspected, orders });
    let task = tokio::spawn(work(Arc::clone(&state)));
    if let Err(error) = task.await {
        state.inspected.crash().report(&error);
    }
    println!("{}", if state.inspected.status().is_connected() { "seen" } else { "unseen" });
    shop.close();
    state.inspected.stop().await;
}

/// A database of the app's own kind.
struct Shop;

impl Driver for Shop {
    fn tables(&mut self, _bounds: &Bounds) -> Result<Vec<String>, Error> {
        Ok(vec!["orders".to_owned()])
    }

    fn table_data(&mut self, _request: &PageRequest, _bounds: &Bounds) -> Result<Page, Error> {
        Ok(Page::default())
    }

    fn structure(&mut self, _table: &str, _bounds: &Bounds) -> Result<Structure, Error> {
        Ok(Structure::default())
    }

    fn info(&mut self, table: &str, _bounds: &Bounds) -> Result<String, Error> {
        Ok(table.to_owned())
    }

    fn execute(&mut self, _sql: &str, _bounds: &Bounds) -> Result<Outcome, Error> {
        Ok(Outcome::Done)
    }
}

/// What the app does all day.
async fn work(state: Arc<State>) {
    let shop = tower::service_fn(sell);
    let shop = BoxCloneService::new(state.inspected.network().tower_server().layer(shop));
    match shop.oneshot(Request::new("an order".to_owned())).await {
        Ok(response) => println!("{}", response.status()),
    }
    tracing::info!(customer = "Ann", "an order");
    state.inspected.navigation().visit("shop://orders/1");
    if state.orders.upsert(&Order { id: 1, customer: "Ann".to_owned() }).is_err() {
        eprintln!("no row");
    }
    state.inspected.crash().report(&std::io::Error::other("not paid"));
    if let Err(error) = state.own.send("event", &["params"]) {
        eprintln!("no event: {error}");
    }
}

/// What the app does for whoever asks.
async fn sell(request: Request<RecordedBody<String>>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(request.uri().path().to_owned()))
}

/// A plugin of the app's own.
fn own_plugin(id: &str) -> flipper_tokio::PluginBuilder {
    plugin(id)
        .background()
        .on_connect(|connection| {
            if connection.send("hello", &["world"]).is_err() {
                eprintln!("the hello did not go");
            }
        })
        .method("greet", |name: String| -> Result<_, ErrorReport> { Ok([name]) })
        .async_method("later", async |name: String| Ok::<_, String>([name]))
}

/// A plugin that is configured.
fn environments() -> Sandbox {
    Sandbox::builder()
        .offer("Production", "https://api.example.com")
        .on_change(|value| if value.starts_with("https://") { Ok(()) } else { Err(format!("{value} is no https URL")) })
        .build()
}
