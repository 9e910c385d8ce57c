//! What a process uses, as far as Linux tells in `/proc`: for benchmarks.

use std::fs;

use crate::Result;

/// CPU time so far, in seconds. The system counts it in ticks of 10 ms.
///
/// # Errors
/// When there is no such process, or no `/proc`.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').ok_or("no process name")?.1;
    let ticks: Vec<f64> = after_name.split_whitespace().skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// Resident memory, in MB.
///
/// # Errors
/// As [`cpu_seconds`].
pub fn resident_megabytes(pid: u32) -> Result<f64> {
    megabytes(pid, "VmRSS:")
}

/// The most resident memory so far, in MB.
///
/// # Errors
/// As [`cpu_seconds`].
pub fn peak_megabytes(pid: u32) -> Result<f64> {
    megabytes(pid, "VmHWM:")
}

/// How many files are open.
///
/// # Errors
/// As [`cpu_seconds`].
pub fn open_files(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

fn megabytes(pid: u32, which: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)).ok_or("no such figure")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
}
