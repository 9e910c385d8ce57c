//! Network traffic as HAR 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>).

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::Kind;
use super::envelope::params_of;
use super::export::{ExportError, ExportSummary, PROGRESS};
use super::read::{Filter, Message, Recording};

use self::entry::Entry;
use self::event::{NetworkRequest, NetworkResponse, Part};

mod body;
mod entry;
mod event;

/// The messages that make up one HTTP exchange.
struct Exchange {
    client: i64,
    request: i64,
    response: Option<i64>,
    /// The parts of a response in chunks, by their numbers.
    parts: BTreeMap<u64, i64>,
    total_parts: u64,
}

/// Writes the traffic that the plugin `Network` told of as a HAR file. Requests that were not answered have a response
/// with status 0, as browsers export them. `progress` is told now and then how many requests were written.
///
/// The bodies are never in memory all at once; a hundred bytes or so for each request are.
///
/// # Errors
/// [`ExportError`].
pub fn export_har(
    recording: &Recording,
    filter: &Filter,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<ExportSummary, ExportError> {
    let filter = Filter { plugin: Some("Network".to_owned()), kind: Some(Kind::Event), ..filter.clone() };
    let mut summary = ExportSummary::default();
    let exchanges = pair(recording, &filter, &mut summary)?;
    let apps: BTreeMap<i64, String> = recording.apps(&filter)?.into_iter().map(|app| (app.id, app.client)).collect();

    write!(
        out,
        "{{\"log\":{{\"version\":\"1.2\",\"creator\":{{\"name\":\"flipper\",\"version\":\"{}\"}},\"entries\":[",
        env!("CARGO_PKG_VERSION")
    )?;
    for exchange in &exchanges {
        let Some(entry) = read(recording, exchange, apps.get(&exchange.client))? else {
            summary.skipped += 1;
            continue;
        };
        out.write_all(if summary.written == 0 { b"\n" } else { b",\n" })?;
        entry.serialize(&mut serde_json::Serializer::new(&mut *out))?;
        summary.written += 1;
        if summary.written.is_multiple_of(PROGRESS) {
            progress(summary.written);
        }
    }
    out.write_all(b"\n]}}\n")?;
    out.flush()?;
    progress(summary.written);
    Ok(summary)
}

/// Finds out which messages belong together.
fn pair(recording: &Recording, filter: &Filter, summary: &mut ExportSummary) -> Result<Vec<Exchange>, ExportError> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut by_id: BTreeMap<(i64, String), usize> = BTreeMap::new();
    recording.each_message(filter, |message: Message| {
        let method = message.method.as_deref().unwrap_or_default();
        if !matches!(method, "newRequest" | "newResponse" | "partialResponse") {
            return Ok(());
        }
        let Some(part) = params_of(&message.text).and_then(|params| Part::read(params.get())) else {
            summary.skipped += 1;
            return Ok(());
        };
        let key = (message.app, part.id.to_owned());
        let known = by_id.get(&key).and_then(|at| exchanges.get_mut(*at));
        match (method, known) {
            // More of the same request, unless it was answered already: then it is another one.
            ("newRequest", Some(known)) if known.response.is_none() && known.parts.is_empty() => {
                known.request = message.id;
            }
            ("newRequest", _) => {
                by_id.insert(key, exchanges.len());
                exchanges.push(Exchange {
                    client: message.app,
                    request: message.id,
                    response: None,
                    parts: BTreeMap::new(),
                    total_parts: 0,
                });
            }
            ("newResponse", Some(known)) => known.response = Some(message.id),
            ("partialResponse", Some(known)) => {
                known.total_parts = known.total_parts.max(part.total_chunks.unwrap_or(1));
                known.parts.insert(part.index.unwrap_or(0), message.id);
            }
            // Its request passed before anybody recorded.
            _ => summary.skipped += 1,
        }
        Ok::<(), ExportError>(())
    })?;
    Ok(exchanges)
}

/// Reads what belongs together. `None` if the request cannot be understood.
fn read(recording: &Recording, exchange: &Exchange, client: Option<&String>) -> Result<Option<Entry>, ExportError> {
    let request = recording.message(exchange.request)?;
    let Some(sent) = params_of(&request.text).and_then(|params| NetworkRequest::read(params.get())) else {
        return Ok(None);
    };
    let mut received = None;
    if let Some(response) = exchange.response {
        received = response_of(recording, response)?;
    } else if let Some(first) = exchange.parts.get(&0) {
        received = response_of(recording, *first)?;
        if let Some(response) = &mut received {
            for (_, part) in exchange.parts.range(1..) {
                let message = recording.message(*part)?;
                let part = params_of(&message.text).and_then(|params| Part::read(params.get()));
                response.append(part.and_then(|part| part.data).as_deref());
            }
            response.missing_parts = exchange.total_parts.saturating_sub(exchange.parts.len() as u64);
        }
    }
    Ok(Some(Entry::new(&sent, received.as_ref(), request.time, client.map(String::as_str))))
}

fn response_of(recording: &Recording, id: i64) -> Result<Option<NetworkResponse>, ExportError> {
    let message = recording.message(id)?;
    Ok(params_of(&message.text).and_then(|params| NetworkResponse::read(params.get(), message.time)))
}
