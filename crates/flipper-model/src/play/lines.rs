//! What a client decides and tells, one line each, as a program in another language writes it too.

use flipper_proto::client::{Action, Event, Job, Timer, Trust};
use flipper_proto::{Instant, Payload};

pub(super) fn action(action: &Action) -> String {
    match action {
        Action::Connect { attempt, endpoint, trust } => {
            let trust = match trust {
                Trust::Exchange => String::from("exchange"),
                Trust::Mutual(generation) => format!("mutual {}", generation.as_u64()),
            };
            let (host, port, target) = (&endpoint.host, endpoint.port, &endpoint.target);
            format!("connect {} {host} {port} {target} {trust}", attempt.as_u64())
        }
        Action::Send { attempt, text } => format!("send {} {text}", attempt.as_u64()),
        Action::Ping { attempt } => format!("ping {}", attempt.as_u64()),
        Action::Close { attempt, code } => format!("close {} {code}", attempt.as_u64()),
        Action::Abort { attempt } => format!("abort {}", attempt.as_u64()),
        Action::Job { job, kind } => format!("job {} {}", job.as_u64(), self::job(kind)),
        other => panic!("what is {other:?}?"),
    }
}

fn job(kind: &Job) -> String {
    match kind {
        Job::Load => String::from("load"),
        Job::NewGeneration => String::from("prepare"),
        Job::Fetch { generation, device_id, .. } => format!("fetch {} {device_id}", generation.as_u64()),
        Job::StoreGrant { generation, grant } => {
            let os = grant.os.as_deref().unwrap_or("-");
            format!("store {} {} {os} {}", generation.as_u64(), grant.medium.number(), grant.device_id)
        }
        Job::Promote { generation } => format!("promote {}", generation.as_u64()),
        Job::Discard { generation } => format!("discard {}", generation.as_u64()),
        Job::Prune => String::from("prune"),
        other => panic!("what is {other:?}?"),
    }
}

pub(super) fn event(event: &Event) -> String {
    match event {
        Event::StateChanged(state) => format!("state {state}"),
        Event::Step(step) => format!("step {step}"),
        Event::Failed(failure) => format!("failed {failure}"),
        Event::PeerMisbehaved(error) => format!("misbehaved {error}"),
        Event::PluginConnected(plugin) => format!("connected {plugin}"),
        Event::PluginDisconnected(plugin) => format!("disconnected {plugin}"),
        Event::Call { call, plugin, method, params, expects_reply } => {
            let kind = if *expects_reply { "call" } else { "tell" };
            let params = params.as_ref().map_or("-", Payload::as_json);
            format!("{kind} {} {plugin} {method} {params}", call.as_u64())
        }
        Event::MethodQuery { call, plugin, method } => format!("supports {} {plugin} {method}", call.as_u64()),
        other => panic!("what is {other:?}?"),
    }
}

/// When the next timer is due; it is asked for after everything else.
pub(super) fn timer(next: Option<(Instant, Timer)>) -> String {
    match next {
        Some((at, _)) => format!("timer {}", at.as_millis()),
        None => String::from("timer none"),
    }
}
