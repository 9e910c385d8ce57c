//! What a desktop says, does and tells, one line each, as a program in another language writes it too: a word, then the
//! fields by their names.

use flipper_proto::desktop::{Action, Admission, Channel, DisconnectCause, Event, Outcome, Timer};
use flipper_proto::{ApiMisuse, CloseCause, Instant, Payload, PluginId, Query};

use super::input::Said;

pub(super) fn said(said: &Result<Said, ApiMisuse>) -> String {
    match said {
        Ok(Said::Nothing) => String::from("done"),
        Ok(Said::Request(request)) => line("request", vec![("request", request.as_u64().to_string())]),
        Ok(Said::Admission(Admission::Accept(conn))) => line("accept", vec![("conn", conn.as_u64().to_string())]),
        Ok(Said::Admission(Admission::Reject { status, reason })) => {
            line("reject", vec![("status", status.to_string()), ("reason", reason.to_string())])
        }
        Ok(Said::Admission(Admission::AcceptThenClose { conn, code, reason })) => {
            let conn = ("conn", conn.as_u64().to_string());
            line("accept-then-close", vec![conn, ("code", code.to_string()), ("reason", reason.to_string())])
        }
        Err(_) => String::from("refused"),
    }
}

pub(super) fn action(action: &Action) -> String {
    match action {
        Action::Send { conn, text } => line("send", vec![("conn", conn.as_u64().to_string()), ("text", text.clone())]),
        Action::Ping { conn } => line("ping", vec![("conn", conn.as_u64().to_string())]),
        Action::Close { conn, code, reason } => {
            let conn = ("conn", conn.as_u64().to_string());
            line("close", vec![conn, ("code", code.to_string()), ("reason", reason.clone())])
        }
        Action::Abort { conn } => line("abort", vec![("conn", conn.as_u64().to_string())]),
        other => panic!("what is {other:?}?"),
    }
}

pub(super) fn event(event: &Event) -> String {
    match event {
        Event::ConnectionRefused { channel, peer, reason } => line(
            "refused",
            vec![("channel", number(channel)), ("peer", peer.as_str().to_owned()), ("text", reason.to_string())],
        ),
        Event::ExchangeRequested(request) => {
            let mut fields = query(&request.query);
            fields.retain(|(name, _)| *name != "medium");
            fields.extend([
                ("exchange", request.exchange.as_u64().to_string()),
                ("conn", request.conn.as_u64().to_string()),
                ("peer", request.peer.as_str().to_owned()),
                ("csr", request.csr.clone()),
                ("destination", request.destination.clone()),
                ("medium", request.medium.number().to_string()),
            ]);
            fields.extend(request.timestamp.map(|wall| ("wall", wall.as_unix_millis().to_string())));
            fields.extend(request.logs.iter().map(|log| ("log", log.clone())));
            line("exchange-requested", fields)
        }
        Event::ExchangeAcknowledged { conn, query: who, is_error, has_required_files, logs } => {
            let mut fields = query(who);
            fields.extend([("conn", conn.as_u64().to_string()), ("is-error", u8::from(*is_error).to_string())]);
            fields.extend(has_required_files.map(|has| ("has-required-files", u8::from(has).to_string())));
            fields.extend(logs.iter().map(|log| ("log", log.clone())));
            line("exchange-acknowledged", fields)
        }
        Event::ClientConnected { client, info } => {
            let mut fields = query(&info.query);
            fields.extend([
                ("client", client.to_string()),
                ("conn", info.conn.as_u64().to_string()),
                ("channel", number(&info.channel)),
                ("peer", info.peer.as_str().to_owned()),
            ]);
            line("client-connected", fields)
        }
        Event::ClientDisconnected { client, cause } => {
            let mut fields = vec![("client", client.to_string()), ("text", cause.to_string())];
            let (kind, code) = gone(cause);
            fields.push(("cause", kind.to_owned()));
            fields.extend(code.map(|code| ("code", code.to_string())));
            line("client-disconnected", fields)
        }
        Event::ClientUnresponsive { client } => line("client-unresponsive", vec![("client", client.to_string())]),
        Event::ClientResponsive { client } => line("client-responsive", vec![("client", client.to_string())]),
        Event::PluginsChanged { client, plugins, background } => {
            let name = |id: &PluginId| id.as_str().to_owned();
            let mut fields = vec![("client", client.to_string())];
            fields.extend(plugins.iter().map(|plugin| ("plugins", name(plugin))));
            fields.extend(background.iter().map(|plugin| ("background", name(plugin))));
            line("plugins-changed", fields)
        }
        Event::Message { client, plugin, method, params } => {
            let mut fields = vec![("client", client.to_string()), ("plugin", plugin.to_string())];
            fields.push(("method", method.as_str().to_owned()));
            fields.extend(params.as_ref().map(|params| ("params", json(params))));
            line("message", fields)
        }
        Event::Reply { request, client, outcome } => {
            let mut fields = vec![("client", client.to_string()), ("request", request.as_u64().to_string())];
            let word = match outcome {
                Outcome::Success(value) => {
                    fields.push(("json", json(value)));
                    "success"
                }
                Outcome::Error { report, raw } => {
                    fields.push(("json", json(raw)));
                    fields.extend(error(report));
                    "error"
                }
                Outcome::Neither => "neither",
                Outcome::Invalid(error) => {
                    fields.push(("text", error.to_string()));
                    "invalid"
                }
                Outcome::TimedOut { .. } => "timed-out",
                Outcome::Disconnected => "disconnected",
                other => panic!("what is {other:?}?"),
            };
            fields.push(("outcome", word.to_owned()));
            line("reply", fields)
        }
        Event::ClientError { client, report, raw } => {
            let mut fields = vec![("client", client.to_string()), ("json", json(raw))];
            fields.extend(error(report));
            line("client-error", fields)
        }
        Event::PeerMisbehaved { conn, client, error } => {
            let mut fields = vec![("conn", conn.as_u64().to_string()), ("text", error.to_string())];
            fields.extend(client.as_ref().map(|client| ("client", client.to_string())));
            line("peer-misbehaved", fields)
        }
        other => panic!("what is {other:?}?"),
    }
}

pub(super) fn timer(next: Option<(Instant, Timer)>) -> String {
    let Some((at, timer)) = next else { return String::from("timer none") };
    let why = match timer {
        Timer::Close => "close",
        Timer::ExchangeIdle => "exchange-idle",
        Timer::Registration => "registration",
        Timer::Ping => "ping",
        Timer::Request => "request",
        other => panic!("what is {other:?}?"),
    };
    format!("timer {} {why}", at.as_millis())
}

/// The order of the fields is that of the alphabet, and those of one name stay in their order.
fn line(word: &str, mut fields: Vec<(&'static str, String)>) -> String {
    fields.sort_by_key(|(name, _)| *name);
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    [word.to_owned(), fields.join(" ")].join(" ").trim_end().to_owned()
}

/// What a client says of itself.
fn query(query: &Query) -> Vec<(&'static str, String)> {
    let Query { app, os, device, device_id, app_id, sdk_version, medium, foreground, instance_id, csr_path, .. } =
        query;
    let mut fields =
        vec![("app", app.clone()), ("os", os.clone()), ("device", device.clone()), ("device-id", device_id.clone())];
    fields.extend(app_id.clone().map(|id| ("app-id", id)));
    fields.extend(sdk_version.map(|version| ("sdk-version", version.to_string())));
    fields.extend(medium.map(|medium| ("medium", medium.number().to_string())));
    fields.extend(foreground.map(|foreground| ("foreground", u8::from(foreground).to_string())));
    fields.extend(instance_id.clone().map(|id| ("instance-id", id)));
    fields.extend(csr_path.clone().map(|path| ("csr-path", path)));
    fields
}

fn error(report: &flipper_proto::ErrorReport) -> Vec<(&'static str, String)> {
    let message = Some(report.message.clone()).filter(|message| !message.is_empty());
    let named = [("text", message), ("error-name", report.name.clone()), ("stacktrace", report.stacktrace.clone())];
    named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn gone(cause: &DisconnectCause) -> (&'static str, Option<u16>) {
    match cause {
        DisconnectCause::Closed(CloseCause::Code { code, .. }) => ("closed", Some(*code)),
        DisconnectCause::Closed(_) => ("closed", None),
        DisconnectCause::Replaced => ("replaced", None),
        DisconnectCause::NotRegistered => ("not-registered", None),
        DisconnectCause::Unresponsive { .. } => ("unresponsive", None),
        DisconnectCause::Disconnected(code) => ("disconnected", Some(code.as_u16())),
        other => panic!("what is {other:?}?"),
    }
}

fn number(channel: &Channel) -> String {
    let number = match channel {
        Channel::Insecure => 1,
        Channel::Secure(_) => 2,
        Channel::Browser => 3,
    };
    number.to_string()
}

fn json(payload: &Payload) -> String {
    payload.as_json().to_owned()
}
