//! The WebSockets of the API.

mod commands;
mod conversation;
mod official;
mod upgrade;

use axum::extract::{Request, State};
use axum::response::Response;

use self::commands::Commands;
use self::official::Official;
pub(super) use self::upgrade::is_wanted;
use self::upgrade::upgrade;
use super::failure::Failure;
use super::routes::query;
use super::server::Server;
use crate::filter::Filter;

/// Events, and nothing else.
pub(super) async fn events(State(server): State<Server>, request: Request) -> Result<Response, Failure> {
    let mut filter = Filter::new();
    if let Some(app) = query(request.uri(), "app") {
        filter = filter.app(app);
    }
    if let Some(plugin) = query(request.uri(), "plugin") {
        filter = filter.plugin(plugin);
    }
    let snapshot = query(request.uri(), "snapshot").is_some_and(|snapshot| snapshot == "true");
    upgrade(server, request, move |talk| Commands::events_only(talk, filter, snapshot))
}

/// Commands, their answers, and the events that were subscribed to.
pub(super) async fn commands(State(server): State<Server>, request: Request) -> Result<Response, Failure> {
    upgrade(server, request, |_| Commands::new())
}

/// The official desktop's UI socket.
pub(super) async fn official(State(server): State<Server>, request: Request) -> Result<Response, Failure> {
    upgrade(server, request, Official::new)
}
