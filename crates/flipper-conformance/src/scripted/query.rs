//! The query of a connection, read without the code that is tested with it.

use percent_encoding::percent_decode_str;

use crate::Result;

/// The keys of a query and their values, in order, decoded as forms are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(Vec<(String, String)>);

impl Keys {
    /// Reads them from the target of a request.
    ///
    /// # Errors
    /// When there is no query, or it is not encoded as it should be.
    pub(super) fn read(target: &str) -> Result<Self> {
        let (_, query) = target.split_once('?').ok_or_else(|| format!("there is no query in {target}"))?;
        let keys = query.split('&').map(|pair| {
            let (key, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}` has no value"))?;
            Ok((decode(key)?, decode(value)?))
        });
        keys.collect::<Result<_>>().map(Self)
    }

    /// The value of a key. A key that stands twice is no good, as official desktops refuse that.
    ///
    /// # Errors
    /// When the key stands twice.
    pub fn get(&self, key: &str) -> Result<Option<&str>> {
        let mut found = self.0.iter().filter(|(name, _)| name == key);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(format!("`{key}` stands twice in {:?}", self.0).into()),
            (first, _) => Ok(first.map(|(_, value)| value.as_str())),
        }
    }

    /// The names of the keys, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

fn decode(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    Ok(percent_decode_str(&spaced).decode_utf8()?.into_owned())
}
