//! How a browser that has shown the token once is known again.

use std::fs;
use std::io;
use std::path::Path;

use axum::http::{HeaderMap, HeaderValue, header};

use super::running::{WriteError, replace};
use super::token::Token;

/// Holds the secret. Only the owner may read it.
const FILE: &str = "browser-key";

/// A secret that browsers keep, so that a page that is open goes on to work when the desktop was started again, with
/// another token.
///
/// Browsers show a cookie to every port of a host. That is why it is not the token: it opens one port, to pages of that
/// port's own origin.
#[derive(Debug)]
pub(super) struct Cookie {
    name: String,
    secret: Token,
}

impl Cookie {
    /// That of a port. The secret is kept in the directory, if there is one; otherwise it is new.
    pub(super) fn of_port(port: u16, directory: Option<&Path>) -> Result<Self, CookieError> {
        let secret = match directory {
            None => Token::generate()?,
            Some(directory) => read_or_make(&directory.join(FILE))?,
        };
        Ok(Self { name: format!("flipper-{port}"), secret })
    }

    /// Whether a request shows it.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        cookies.any(|(name, value)| name == self.name && self.secret.is(value))
    }

    /// The header that has a browser keep it, until it is closed.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let Self { name, secret } = self;
        let text = format!("{name}={}; HttpOnly; SameSite=Strict; Path=/", secret.as_str());
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn read_or_make(path: &Path) -> Result<Token, CookieError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            if let Some(secret) = Token::parse(&text) {
                return Ok(secret);
            }
            tracing::warn!("{} is damaged, and made anew: pages that are open have to be opened again", path.display());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(CookieError::File(WriteError { path: path.to_owned(), error })),
    }
    let secret = Token::generate()?;
    let failed = |error| CookieError::File(WriteError { path: path.to_owned(), error });
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    replace(path, &format!("{}\n", secret.as_str()), 0o600).map_err(failed)?;
    Ok(secret)
}

/// Why there is none.
pub(super) enum CookieError {
    File(WriteError),
    NoChance(getrandom::Error),
}

impl From<getrandom::Error> for CookieError {
    fn from(error: getrandom::Error) -> Self {
        Self::NoChance(error)
    }
}
