//! The secret that opens the API.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

/// How many bytes of chance it has.
const BYTES: usize = 32;

/// The secret that opens the API of a desktop: 256 bits of chance in URL-safe base64.
///
/// It is not shown where values are printed for people who look for errors.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new one.
    pub(super) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Takes one that was read from a file; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end();
        (URL_SAFE_NO_PAD.decode(text).ok()?.len() == BYTES).then(|| Self(text.to_owned()))
    }

    /// The secret itself: for `Authorization: Bearer …`, or for `?token=…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is the same. How long that takes tells nothing of how much of it is.
    pub(super) fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
