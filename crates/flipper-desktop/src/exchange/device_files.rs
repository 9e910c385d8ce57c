//! An app's files on an Android device, and the scripts that read and write them there.
//!
//! A script goes to a shell's standard input, and the shell is what `run-as` or `su` starts when it is given no command.
//! That way there is one form that every `su` understands, though they agree on nothing else (Android's own takes a user
//! and a command, Magisk's and others take `-c`), nothing is quoted twice, and what an app named never stands in a
//! command line but for the package's name.

use flipper_proto::Excerpt;

use super::error::DeliveryError;
use crate::adb::{self, Server, quoted};

/// Where an app has its files.
#[derive(Debug)]
pub(super) struct AppFiles {
    package: String,
    /// The user that the app runs for, where that is not the first one.
    user: Option<u32>,
    /// The app's private directory.
    home: String,
    destination: String,
}

/// How somebody gets in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// As the app.
    RunAs,
    /// As root.
    Su,
}

/// What came of a script.
#[derive(Debug)]
pub(super) enum Ran {
    /// It did what it should, and printed this.
    Done(String),
    /// It ran, and failed.
    Failed(String),
    /// It did not run.
    NotLetIn(String),
}

/// The first thing that a script prints: what comes before it, and instead of it, is not the script's.
const BEGUN: &str = ":begun:";

/// The longest name that a package may have, as a file's.
const MAX_PACKAGE: usize = 255;

impl AppFiles {
    /// The files of the app that asks, if it asks for its own.
    pub(super) fn new(package: &str, destination: &str, roots: &[String]) -> Result<Self, DeliveryError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        let starts_well = package.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts_well || package.len() > MAX_PACKAGE || !package.chars().all(allowed) {
            return Err(DeliveryError::PackageName(Excerpt::new(package)));
        }
        if !destination.starts_with('/') {
            return Err(DeliveryError::DestinationNotAbsolute(Excerpt::new(destination)));
        }
        let elsewhere = || DeliveryError::DestinationNotTheApps {
            destination: Excerpt::new(destination),
            package: package.to_owned(),
        };
        if destination.contains(|c: char| c == '\'' || c.is_control()) {
            return Err(elsewhere());
        }
        let names = names_of(destination);
        if names.contains(&"..") {
            return Err(elsewhere());
        }
        let is_home = |at: &usize| {
            let (root, name) = names.split_at(*at);
            name.first() == Some(&package) && (is_root(root) || roots.iter().any(|known| names_of(known) == root))
        };
        let at = (1..names.len()).find(is_home).ok_or_else(elsewhere)?;
        let (root, _) = names.split_at(at);
        let mut from_user = root.iter().skip_while(|name| !["user", "user_de"].contains(name)).skip(1);
        let user = from_user.next().and_then(|user| user.parse().ok()).filter(|user| *user != 0);
        Ok(Self {
            package: package.to_owned(),
            user,
            home: format!("/{}/{package}", root.join("/")),
            destination: destination.to_owned(),
        })
    }

    pub(super) fn package(&self) -> &str {
        &self.package
    }

    /// Prints the proof.
    pub(super) fn script_to_read(&self, entry: Entry) -> String {
        format!(
            "{}if [ -L app.csr ] || {{ [ -e app.csr ] && [ ! -f app.csr ]; }}; then echo 'app.csr is no regular file' \
             >&2; exit 1; fi\ncat app.csr\n",
            self.script_to_enter(entry)
        )
    }

    /// Writes both certificates. Neither takes its place before both are complete.
    pub(super) fn script_to_write(&self, entry: Entry, temporary: &str, ca: &str, certificate: &str) -> String {
        let own = match entry {
            Entry::RunAs => "",
            Entry::Su => " && chown \"$(stat -c %u:%g .)\" $ca $certificate",
        };
        format!(
            "{}umask 077\nca={temporary}-ca certificate={temporary}\n\
             for name in sonarCA.crt device.crt; do\n\
             if [ -d $name ]; then echo \"$name is a directory\" >&2; exit 1; fi\n\
             done\n\
             trap 'rm -f $ca $certificate' EXIT\ntrap 'exit 1' HUP INT TERM\n\
             echo {} > $ca && echo {} > $certificate{own} && mv $ca sonarCA.crt </dev/null && mv $certificate device.crt \
             </dev/null\n",
            self.script_to_enter(entry),
            quoted(ca.trim_end()),
            quoted(certificate.trim_end()),
        )
    }

    /// Goes to the destination: whatever its path leads to later, the shell stays there. For root every directory is as
    /// good as another, so that it looks first whether this one belongs to the app.
    fn script_to_enter(&self, entry: Entry) -> String {
        let (destination, home) = (quoted(&self.destination), quoted(&self.home));
        let check = match entry {
            Entry::RunAs => String::new(),
            Entry::Su => format!(
                "[ \"$(stat -c %u .)\" = \"$(stat -c %u {home})\" ] || {{ echo 'the directory belongs to somebody \
                 else' >&2; exit 1; }}\n"
            ),
        };
        format!("echo {BEGUN}\ncd {destination} || exit 1\n{check}")
    }

    /// Runs a script on a device.
    pub(super) fn run(
        &self,
        server: &Server,
        serial: &str,
        entry: Entry,
        script: &str,
        max: usize,
    ) -> Result<Ran, adb::Error> {
        let command = match (entry, self.user) {
            (Entry::RunAs, None) => format!("run-as {}", self.package),
            (Entry::RunAs, Some(user)) => format!("run-as {} --user {user}", self.package),
            (Entry::Su, _) => "su".to_owned(),
        };
        let output = server.shell(serial, &command, script, max)?;
        let begun = output.stdout.split_once(BEGUN).map(|(_, printed)| printed.trim_start_matches(['\r', '\n']));
        let said = || {
            // Some devices print warnings of their own before what matters.
            let lines = begun.unwrap_or(&output.stdout).lines().chain(output.stderr.lines());
            let last = lines.map(str::trim).rfind(|line| !line.is_empty());
            last.map_or_else(|| format!("{command}: exit code {}", output.code), str::to_owned)
        };
        Ok(match begun {
            None => Ran::NotLetIn(said()),
            Some(printed) if output.code == 0 => Ran::Done(printed.to_owned()),
            Some(_) => Ran::Failed(said()),
        })
    }
}

fn names_of(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty() && *name != ".").collect()
}

/// Whether apps have their private directories there.
fn is_root(names: &[&str]) -> bool {
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    match names {
        ["data", "data"] => true,
        ["data", "user" | "user_de", user] | ["mnt", "expand", _, "user" | "user_de", user] => is_number(user),
        _ => false,
    }
}
