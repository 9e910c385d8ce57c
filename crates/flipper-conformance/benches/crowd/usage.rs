//! What this process uses.

use std::fs;

use crate::Result;

#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Resident memory.
    pub(crate) megabytes: f64,
    /// CPU time so far, in seconds.
    pub(crate) cpu: f64,
}

impl Usage {
    pub(crate) fn now() -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        let stat = fs::read_to_string("/proc/self/stat")?;
        let after_name = stat.rsplit_once(')').ok_or("no process name")?.1;
        // In the system's ticks of 10 ms.
        let ticks: Vec<f64> = after_name.split_whitespace().skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
        Ok(Self { megabytes: kib * 1024.0 / 1e6, cpu: ticks.iter().sum::<f64>() / 100.0 })
    }
}
