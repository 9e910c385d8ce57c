//! Which app a caller means.

use axum::http::StatusCode;
use flipper_proto::ClientId;
use flipper_proto::desktop::Desktop;

use super::failure::Failure;

/// How many apps an error names at most.
const NAMED: usize = 10;

/// The client with this id, or the only one whose app has this name.
pub(super) fn find(core: &Desktop, app: &str) -> Result<ClientId, Failure> {
    let id = ClientId::from_text(app);
    if core.client(&id).is_some() {
        return Ok(id);
    }
    let mut named = core.clients().filter(|client| client.info.query.app == app).map(|client| client.client.clone());
    match (named.next(), named.next()) {
        (Some(only), None) => Ok(only),
        (Some(first), Some(second)) => {
            let candidates: Vec<String> =
                [first, second].into_iter().chain(named).map(|client| client.to_string()).collect();
            let message = format!("{} apps are called {app}: {}", candidates.len(), some_of(&candidates));
            let mut failure =
                Failure::new(StatusCode::CONFLICT, "AmbiguousApp", message).hint("name one of them by its id");
            failure.error.candidates = candidates;
            Err(failure)
        }
        (None, _) => {
            let there: Vec<String> = core.clients().map(|client| client.client.to_string()).collect();
            let hint = if there.is_empty() {
                "no app is connected".to_owned()
            } else {
                format!("these are connected: {}", some_of(&there))
            };
            let message = format!("no app that is connected has the id or the name {app}");
            Err(Failure::new(StatusCode::NOT_FOUND, "NoSuchApp", message).hint(hint))
        }
    }
}

fn some_of(ids: &[String]) -> String {
    let shown = ids.get(..NAMED).unwrap_or(ids).join(", ");
    match ids.len().checked_sub(NAMED) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
