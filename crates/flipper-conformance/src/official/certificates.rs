//! The files in `$HOME/.flipper/certs`, which the official desktop makes when they are missing.
//!
//! What 0.162 does at its start with what it finds there, observed:
//!
//! | found | done |
//! | --- | --- |
//! | nothing; or no `ca.crt` | CA made anew, and with it the server's key and certificate |
//! | another CA of the same name (`ca.key`, `ca.crt`) beside the old `server.*` | server key and certificate made anew |
//! | no `server.key`, no `server.crt`, or one that expires within a day | likewise |
//! | another `ca.key` alone, or none | nothing, see below |
//! | another `server.key` alone | it ends with status 0 before it listens, and says nothing |
//!
//! The CA's files are read at every exchange. Where key and certificate do not fit, or one is missing, the asker gets
//! no answer, finds `sonarCA.crt` but no `device.crt`, and UIs are sent a `notification`: a test that wants a desktop
//! which cannot sign need only remove `ca.key`, without a restart.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::Error;

/// The subject of every official desktop's CA.
const CA_SUBJECT: &str = "/C=US/ST=CA/L=Menlo Park/O=Sonar/CN=SonarCA";

pub(super) struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    pub(super) fn of_home(home: &Path) -> Self {
        Self { dir: home.join(".flipper/certs") }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn ca(&self) -> Result<String, Error> {
        let path = self.dir.join("ca.crt");
        fs::read_to_string(&path).map_err(|error| Error::io(format!("reading {}", path.display()), error))
    }

    pub(super) fn remove_all(&self) -> Result<(), Error> {
        fs::remove_dir_all(&self.dir).map_err(|error| Error::io(format!("removing {}", self.dir.display()), error))
    }

    /// Replaces the CA by another of the same name, made by the commands that the official desktop uses.
    pub(super) fn replace_ca(&self) -> Result<(), Error> {
        let new = ["ca.key.new", "ca.crt.new"].map(|name| self.dir.join(name));
        let [key, certificate] = &new;
        openssl(Command::new("openssl").args(["genrsa", "-out"]).arg(key).arg("2048"))?;
        openssl(
            Command::new("openssl")
                .args(["req", "-new", "-x509", "-subj", CA_SUBJECT, "-key"])
                .arg(key)
                .arg("-out")
                .arg(certificate),
        )?;
        for path in &new {
            fs::rename(path, path.with_extension(""))
                .map_err(|error| Error::io(format!("renaming {}", path.display()), error))?;
        }
        Ok(())
    }
}

fn openssl(command: &mut Command) -> Result<(), Error> {
    let error = match command.output() {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => io::Error::other(String::from_utf8_lossy(&output.stderr)),
        Err(error) => error,
    };
    Err(Error::io(format!("running {command:?}"), error))
}
