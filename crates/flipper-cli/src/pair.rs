//! `flipper pair`: a secret for an app on another machine, so that it and the desktop can prove themselves.

mod address;
mod qr;

use std::io::{IsTerminal, Write as _, stdout};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand, ValueEnum};
use flipper_desktop::pki::{Pairing, PairingLink, PairingState, Pairings};
use flipper_desktop::proto::WallTime;
use serde_json::{Value, json};

use self::address::Address;
use crate::failure::Failure;
use crate::place::Place;

/// What the pairing is to be, or what else is to be done.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    new: New,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Subcommand)]
enum Command {
    /// Show all pairings. Their secrets are not shown.
    List,
    /// End a pairing: no certificates are issued with it any more. Those that were issued stay valid.
    Revoke {
        /// The id of the pairing, as `flipper pair list` shows it.
        id: String,
    },
}

#[derive(Args)]
struct New {
    /// What to call the pairing [default: app].
    #[arg(long)]
    name: Option<String>,
    /// The host name or address that the app reaches this machine by [default: the address that the desktop listens
    /// on, else that of this machine in its network].
    #[arg(long)]
    host: Option<String>,
    /// The desktop's ports [default: those of the desktop that runs, else FLIPPER_ALT_PORTS, else FLIPPER_PORTS, else
    /// 9089,9088].
    #[arg(long, value_name = "INSECURE,SECURE", value_parser = crate::values::two_ports)]
    ports: Option<(u16, u16)>,
    /// How long the pairing lasts, such as 45m, 12h or 30d [default: until it is revoked].
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    expires: Option<Duration>,
    /// Whether to show the link as a QR code as well. One that does not go to a terminal is drawn for light paper.
    #[arg(long, value_enum, default_value_t = Qr::Auto, value_name = "WHEN")]
    qr: Qr,
}

impl New {
    fn is_any(&self) -> bool {
        self.name.is_some() || self.host.is_some() || self.ports.is_some() || self.expires.is_some()
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Qr {
    /// On a terminal.
    Auto,
    Always,
    Never,
}

/// Does it. This may wait for the disk.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    if options.command.is_some() && options.new.is_any() {
        return Err(Failure::new("--name, --host, --ports and --expires are for a new pairing; leave them out"));
    }
    let directory = options.place.directory()?;
    let pairings = Pairings::open(&directory);
    let result = match options.command {
        None => pair(&pairings, &directory, options.new, options.json),
        Some(Command::List) => list(&pairings, options.json),
        Some(Command::Revoke { id }) => revoke(&pairings, &id, options.json),
    };
    if let Some(path) = pairings.set_aside() {
        eprintln!(
            "flipper: a file of pairings could not be read and was put aside as {}; the pairings in it are over, and \
             their apps have to be paired anew. Delete it when it is of no use any more",
            path.display()
        );
    }
    result
}

fn pair(pairings: &Pairings, directory: &Path, new: New, as_json: bool) -> Result<(), Failure> {
    let address = Address::find(directory, new.host, new.ports)?;
    let (pairing, secret) = pairings.create(new.name.as_deref().unwrap_or("app"), new.expires, now())?;
    let (insecure_port, secure_port) = address.ports;
    let link = PairingLink { host: address.host.clone(), insecure_port, secure_port, secret };
    let url = link.to_url();
    let mut out = stdout().lock();
    if as_json {
        let mut told = describe(&pairing);
        told["url"] = json!(url);
        told["host"] = json!(address.host);
        told["ports"] = json!({"insecure": insecure_port, "secure": secure_port});
        writeln!(out, "{told}")?;
    } else {
        let on_terminal = out.is_terminal();
        writeln!(out, "Pairing {} ({}) with the desktop at {}.", pairing.id, pairing.name, address.host)?;
        writeln!(out, "Whoever has this link can connect apps to it; it is not shown again.\n\n  {url}\n")?;
        if matches!((new.qr, on_terminal), (Qr::Always, _) | (Qr::Auto, true)) {
            writeln!(out, "{}\n", qr::draw(&url, on_terminal)?)?;
        }
        writeln!(out, "Start the app with FLIPPER_PAIRING='<link>', or give the link to its builder.")?;
        if let Some(expires) = new.expires {
            writeln!(out, "It can be used for {}.", Span(expires))?;
        }
    }
    if let Some(warning) = address.warning {
        eprintln!("flipper: {warning}");
    }
    Ok(())
}

fn list(pairings: &Pairings, as_json: bool) -> Result<(), Failure> {
    let now = now();
    let all = pairings.list(now)?;
    let mut out = stdout().lock();
    if as_json {
        writeln!(out, "{}", Value::from_iter(all.iter().map(describe)))?;
        return Ok(());
    }
    if all.is_empty() {
        writeln!(out, "There are no pairings. `flipper pair` makes one.")?;
        return Ok(());
    }
    writeln!(
        out,
        "{:16}  {:20}  {:8}  {:>8}  {:>9}  {:>5}  {:>6}",
        "ID", "NAME", "STATE", "AGE", "LAST USED", "USES", "WRONG"
    )?;
    for pairing in all {
        let since = |then: WallTime| {
            Span(Duration::from_millis(now.as_unix_millis().saturating_sub(then.as_unix_millis()))).to_string()
        };
        let Pairing { id, name, created, last_used, uses, failures, state, .. } = &pairing;
        let (age, last_used) = (since(*created), last_used.map_or_else(|| "never".to_owned(), since));
        let state = word(*state);
        writeln!(out, "{id:16}  {name:20}  {state:8}  {age:>8}  {last_used:>9}  {uses:>5}  {failures:>6}")?;
    }
    Ok(())
}

fn revoke(pairings: &Pairings, id: &str, as_json: bool) -> Result<(), Failure> {
    let pairing = pairings.revoke(id, now())?;
    if as_json {
        writeln!(stdout(), "{}", describe(&pairing))?;
    } else {
        writeln!(
            stdout(),
            "Pairing {} ({}) is over. Certificates that were issued with it stay valid until they expire; `flipper certs \
             revoke APP` ends them.",
            pairing.id,
            pairing.name
        )?;
    }
    Ok(())
}

fn describe(pairing: &Pairing) -> Value {
    let millis = |time: Option<WallTime>| time.map(WallTime::as_unix_millis);
    json!({
        "id": pairing.id,
        "name": pairing.name,
        "state": word(pairing.state),
        "created_at": millis(Some(pairing.created)),
        "expires_at": millis(pairing.expires),
        "last_used_at": millis(pairing.last_used),
        "uses": pairing.uses,
        "wrong_proofs": pairing.failures,
    })
}

fn word(state: PairingState) -> &'static str {
    match state {
        PairingState::Active => "active",
        PairingState::Expired => "expired",
        PairingState::Revoked => "revoked",
    }
}

fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => 0,
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)).filter(|all| *all > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| "give a number and a unit: s, m, h or d, such as 30d".to_owned())
}

/// A span of time in its largest unit.
struct Span(Duration);

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..120 => write!(f, "{seconds} s"),
            120..7_200 => write!(f, "{} min", seconds / 60),
            7_200..172_800 => write!(f, "{} h", seconds / 3_600),
            _ => write!(f, "{} d", seconds / 86_400),
        }
    }
}
