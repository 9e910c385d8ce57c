//! Values on the command line.

use std::time::Duration;

/// Two ports, as in `9089,9088`; 0 is any that is free.
pub(crate) fn two_ports(text: &str) -> Result<(u16, u16), String> {
    text.split_once(',')
        .and_then(|(insecure, secure)| Some((insecure.trim().parse().ok()?, secure.trim().parse().ok()?)))
        .ok_or_else(|| "give two ports, such as 9089,9088".to_owned())
}

/// A number of seconds, such as `30` or `0.5`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse::<f64>().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "give a number of seconds, such as 30 or 0.5".to_owned())
}
