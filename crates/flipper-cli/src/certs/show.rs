//! `flipper certs show`.

use std::path::Path;

use flipper_desktop::find_instance_holder;
use flipper_desktop::pki::{Authority, CertificateFacts, Inspection, Revocation, RevocationTarget, StoredCertificate};
use serde::Serialize;

use super::date::Date;
use crate::failure::Failure;

pub(super) fn run(directory: &Path, json: bool) -> Result<(), Failure> {
    let inspection = Authority::inspect(directory)?;
    let running = find_instance_holder(directory).ok().flatten().map(|holder| Running { pid: holder.pid });
    if json {
        println!("{}", serde_json::to_string_pretty(&Shown::new(directory, &inspection, running))?);
    } else {
        print(directory, &inspection, running.as_ref());
    }
    match inspection.problem {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}

fn print(directory: &Path, inspection: &Inspection, running: Option<&Running>) {
    println!("{}", directory.display());
    print_stored("certificate authority", &inspection.ca);
    print_stored("the desktop's own", &inspection.server);
    for (facts, until) in &inspection.previous {
        println!("an authority before this one, accepted until {}", Date::of(*until));
        print_facts(facts);
    }
    for Revocation { target, revoked_at, .. } in &inspection.revoked {
        println!("revoked on {}: {target}", Date::of(*revoked_at));
    }
    match running {
        Some(Running { pid: Some(pid) }) => println!("a desktop runs with it, process {pid}"),
        Some(Running { pid: None }) => println!("a desktop runs with it"),
        None => println!("no desktop runs with it"),
    }
}

fn print_stored(what: &str, certificate: &StoredCertificate) {
    match certificate {
        StoredCertificate::There(facts) => {
            println!("{what}");
            print_facts(facts);
        }
        StoredCertificate::Missing => println!("{what}: none; the desktop makes it when it starts"),
        _ => println!("{what}: damaged, or not of the key beside it"),
    }
}

fn print_facts(facts: &CertificateFacts) {
    let (from, to) = (Date::of(facts.not_before), Date::of(facts.not_after));
    println!("  valid       {from} to {to}, {} days more", to.days_since(Date::now()));
    println!("  serial      {}", facts.serial);
    println!("  SHA-256     {}", facts.fingerprint);
}

/// What `--json` shows. Times are in milliseconds since 1970.
#[derive(Serialize)]
struct Shown<'a> {
    directory: String,
    ca: Stored<'a>,
    server: Stored<'a>,
    previous: Vec<Previous<'a>>,
    revoked: Vec<Revoked<'a>>,
    problem: Option<String>,
    running: Option<Running>,
}

impl<'a> Shown<'a> {
    fn new(directory: &Path, inspection: &'a Inspection, running: Option<Running>) -> Self {
        let previous = inspection.previous.iter();
        Self {
            directory: directory.display().to_string(),
            ca: Stored::new(&inspection.ca),
            server: Stored::new(&inspection.server),
            previous: previous
                .map(|(facts, until)| Previous { facts: Facts::new(facts), accepted_until: until.as_unix_millis() })
                .collect(),
            revoked: inspection.revoked.iter().map(Revoked::new).collect(),
            problem: inspection.problem.as_ref().map(ToString::to_string),
            running,
        }
    }
}

#[derive(Serialize)]
struct Stored<'a> {
    state: &'static str,
    #[serde(flatten)]
    facts: Option<Facts<'a>>,
}

impl<'a> Stored<'a> {
    fn new(certificate: &'a StoredCertificate) -> Self {
        match certificate {
            StoredCertificate::There(facts) => Self { state: "good", facts: Some(Facts::new(facts)) },
            StoredCertificate::Missing => Self { state: "missing", facts: None },
            _ => Self { state: "unusable", facts: None },
        }
    }
}

/// What a certificate says.
#[derive(Serialize)]
struct Facts<'a> {
    common_name: Option<&'a str>,
    serial: &'a str,
    fingerprint: &'a str,
    not_before: u64,
    not_after: u64,
}

impl<'a> Facts<'a> {
    fn new(facts: &'a CertificateFacts) -> Self {
        Self {
            common_name: facts.common_name.as_deref(),
            serial: &facts.serial,
            fingerprint: &facts.fingerprint,
            not_before: facts.not_before.as_unix_millis(),
            not_after: facts.not_after.as_unix_millis(),
        }
    }
}

#[derive(Serialize)]
struct Previous<'a> {
    #[serde(flatten)]
    facts: Facts<'a>,
    accepted_until: u64,
}

#[derive(Serialize)]
struct Revoked<'a> {
    what: &'static str,
    value: &'a str,
    revoked_at: u64,
    until: u64,
}

impl<'a> Revoked<'a> {
    fn new(revocation: &'a Revocation) -> Self {
        let (what, value): (_, &str) = match &revocation.target {
            RevocationTarget::App(id) => ("app", id),
            RevocationTarget::Serial(serial) => ("serial", serial),
            RevocationTarget::Fingerprint(fingerprint) => ("fingerprint", fingerprint),
            _ => ("other", ""),
        };
        let (revoked_at, until) = (revocation.revoked_at.as_unix_millis(), revocation.until.as_unix_millis());
        Self { what, value, revoked_at, until }
    }
}

#[derive(Serialize)]
struct Running {
    pid: Option<u32>,
}
