//! The command line.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::c_library;

pub(crate) const USAGE: &str = "\
Usage: cargo xtask <CHORE>

Chores:
  test [--skip-official REASON]  run all tests, those with official peers included
  matrix [--skip-official REASON]
                                 run the conformance suite alone, and show it as a table
  programs                       build the programs in other languages that the conformance suite runs; the chores
                                 above do so before the tests
  screenshots                    run the tests in both pages, and have them take docs/images
  sim [LIVES]                    lead so many simulated lives under faults, 100,000 unless said otherwise
  fuzz [--seconds N] [TARGET...]  give the fuzz targets their committed inputs again, then each N seconds of new ones
  check                          clippy, formatting, documentation, flipper-proto without std,
                                 what adapters depend on, what is left of them when switched off
  header                         write the C header anew, crates/flipper-ffi/include/flipper.h
  c-library [--debug] [--prefix DIR]
                                 build the library for C and lay it out below DIR, target/c unless said otherwise
  footprint                      measure what Flipper adds to an app: crates, seconds of a build, bytes of a program
  ci [--skip-official REASON]    test, fuzz --seconds 10, then check
  help                           print this

Tests with official peers need node, npm, openssl and chromium, and install the peers by npm. They may be
skipped with a reason, but not in CI.
";

/// What a nightly run leads.
const SIMULATED_LIVES: u64 = 100_000;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chore {
    Test { skip_official: Option<String> },
    Matrix { skip_official: Option<String> },
    Programs,
    Screenshots,
    Sim { lives: u64 },
    Fuzz { seconds: u64, targets: Vec<String> },
    Header,
    CLibrary { prefix: PathBuf, is_debug: bool },
    Footprint,
    Check,
    Ci { skip_official: Option<String> },
    Help,
}

/// Why a command line cannot be carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misuse {
    NoChore,
    Unknown(String),
    NoReason,
    NoNumber(String),
    NoDirectory,
    SkipInCi,
}

/// Reads the arguments that follow the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>, in_ci: bool) -> Result<Chore, Misuse> {
    let mut args = args.into_iter().map(|arg| arg.to_string_lossy().into_owned());
    match args.next().as_deref() {
        None => Err(Misuse::NoChore),
        Some("test") => Ok(Chore::Test { skip_official: skip_official(args, in_ci)? }),
        Some("matrix") => Ok(Chore::Matrix { skip_official: skip_official(args, in_ci)? }),
        Some("ci") => Ok(Chore::Ci { skip_official: skip_official(args, in_ci)? }),
        Some("programs") => nothing_more(args, Chore::Programs),
        Some("screenshots") => nothing_more(args, Chore::Screenshots),
        Some("sim") => {
            let lives =
                args.next().map_or(Ok(SIMULATED_LIVES), |arg| arg.parse().map_err(|_| Misuse::NoNumber(arg)))?;
            nothing_more(args, Chore::Sim { lives })
        }
        Some("fuzz") => fuzz(args),
        Some("header") => nothing_more(args, Chore::Header),
        Some("c-library") => c_library(args),
        Some("footprint") => nothing_more(args, Chore::Footprint),
        Some("check") => nothing_more(args, Chore::Check),
        Some("help" | "--help" | "-h") => nothing_more(args, Chore::Help),
        Some(other) => Err(Misuse::Unknown(other.to_owned())),
    }
}

fn fuzz(args: impl Iterator<Item = String>) -> Result<Chore, Misuse> {
    let mut args = args.peekable();
    let mut seconds = 0;
    if args.next_if(|arg| arg == "--seconds").is_some() {
        let number = args.next().unwrap_or_default();
        seconds = number.parse().map_err(|_| Misuse::NoNumber(number))?;
    }
    let targets: Vec<_> = args.collect();
    match targets.iter().find(|target| target.starts_with('-')) {
        Some(flag) => Err(Misuse::Unknown(flag.clone())),
        None => Ok(Chore::Fuzz { seconds, targets }),
    }
}

fn c_library(mut args: impl Iterator<Item = String>) -> Result<Chore, Misuse> {
    let (mut prefix, mut is_debug) = (PathBuf::from(c_library::PREFIX), false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--debug" => is_debug = true,
            "--prefix" => {
                let folder = args.next().filter(|folder| !folder.is_empty() && !folder.starts_with('-'));
                prefix = folder.ok_or(Misuse::NoDirectory)?.into();
            }
            _ => return Err(Misuse::Unknown(arg)),
        }
    }
    Ok(Chore::CLibrary { prefix, is_debug })
}

fn skip_official(args: impl Iterator<Item = String>, in_ci: bool) -> Result<Option<String>, Misuse> {
    let mut reason = None;
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        let value = match arg.split_once('=') {
            Some(("--skip-official", value)) => Some(value.to_owned()),
            None if arg == "--skip-official" => args.next(),
            _ => return Err(Misuse::Unknown(arg)),
        };
        reason = Some(value.filter(|reason| is_reason(reason)).ok_or(Misuse::NoReason)?);
    }
    match reason {
        Some(_) if in_ci => Err(Misuse::SkipInCi),
        reason => Ok(reason),
    }
}

/// A following flag is no reason: it was left out.
fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && !text.starts_with('-')
}

fn nothing_more(mut args: impl Iterator<Item = String>, chore: Chore) -> Result<Chore, Misuse> {
    args.next().map_or(Ok(chore), |arg| Err(Misuse::Unknown(arg)))
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChore => f.write_str("no chore is given"),
            Self::Unknown(arg) => write!(f, "unknown argument {arg:?}"),
            Self::NoReason => f.write_str("--skip-official needs a reason"),
            Self::NoNumber(arg) => write!(f, "{arg:?} is no number"),
            Self::NoDirectory => f.write_str("--prefix needs a directory"),
            Self::SkipInCi => {
                f.write_str("--skip-official is refused in CI: tests with official peers always run there")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chore, Misuse, parse};

    fn parse_words(line: &str, in_ci: bool) -> Result<Chore, Misuse> {
        parse(line.split_whitespace().map(Into::into), in_ci)
    }

    #[test]
    fn chores() {
        assert_eq!(parse_words("test", true), Ok(Chore::Test { skip_official: None }));
        assert_eq!(parse_words("check", true), Ok(Chore::Check));
        assert_eq!(parse_words("programs", true), Ok(Chore::Programs));
        assert_eq!(parse_words("screenshots", false), Ok(Chore::Screenshots));
        assert_eq!(parse_words("header", false), Ok(Chore::Header));
        let library = |prefix: &str, is_debug| Ok(Chore::CLibrary { prefix: prefix.into(), is_debug });
        assert_eq!(parse_words("c-library", false), library("target/c", false));
        assert_eq!(parse_words("c-library --prefix /usr/local --debug", true), library("/usr/local", true));
        assert_eq!(parse_words("c-library --prefix --debug", true), Err(Misuse::NoDirectory));
        assert_eq!(parse_words("sim", true), Ok(Chore::Sim { lives: 100_000 }));
        assert_eq!(parse_words("sim 20", false), Ok(Chore::Sim { lives: 20 }));
        assert_eq!(parse_words("sim many", false), Err(Misuse::NoNumber("many".to_owned())));
        assert_eq!(parse_words("fuzz", true), Ok(Chore::Fuzz { seconds: 0, targets: Vec::new() }));
        let some = Chore::Fuzz { seconds: 5, targets: vec!["wire".to_owned()] };
        assert_eq!(parse_words("fuzz --seconds 5 wire", true), Ok(some));
        assert_eq!(parse_words("fuzz --seconds wire", true), Err(Misuse::NoNumber("wire".to_owned())));
        assert_eq!(parse_words("fuzz wire --seconds", true), Err(Misuse::Unknown("--seconds".to_owned())));
        assert_eq!(parse_words("ci", true), Ok(Chore::Ci { skip_official: None }));
        assert_eq!(parse_words("--help", false), Ok(Chore::Help));
        assert_eq!(parse_words("", false), Err(Misuse::NoChore));
        assert_eq!(parse_words("tests", false), Err(Misuse::Unknown("tests".to_owned())));
        assert_eq!(parse_words("check --fast", false), Err(Misuse::Unknown("--fast".to_owned())));
    }

    #[test]
    fn skipping_takes_a_reason_and_never_happens_in_ci() {
        let skipped = Chore::Test { skip_official: Some("offline".to_owned()) };
        assert_eq!(parse_words("test --skip-official offline", false).as_ref(), Ok(&skipped));
        assert_eq!(parse_words("test --skip-official=offline", false).as_ref(), Ok(&skipped));
        for no_reason in ["test --skip-official", "test --skip-official=", "ci --skip-official --skip-official=x"] {
            assert_eq!(parse_words(no_reason, false), Err(Misuse::NoReason), "{no_reason}");
        }
        for chore in ["test", "matrix", "ci"] {
            let line = format!("{chore} --skip-official offline");
            assert_eq!(parse_words(&line, true), Err(Misuse::SkipInCi));
        }
    }
}
