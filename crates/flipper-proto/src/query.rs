//! The query of the WebSocket URL, in which a client says who it is.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::Excerpt;

/// The SDK version that this project's clients announce.
///
/// Desktops take versions below 4 as having no background plugins.
pub const SDK_VERSION: u32 = 4;

/// How certificates travel from the desktop to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// 1: the desktop writes them into the app's directory. The default.
    FsAccess,
    /// 2: the desktop uploads them and the app downloads them by its device id.
    Www,
    /// 3: not at all.
    None,
}

impl Medium {
    /// The medium with this number on the wire.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::FsAccess),
            2 => Some(Self::Www),
            3 => Some(Self::None),
            _ => None,
        }
    }

    /// The number of this medium on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::FsAccess => 1,
            Self::Www => 2,
            Self::None => 3,
        }
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FsAccess => "FS_ACCESS",
            Self::Www => "WWW",
            Self::None => "NONE",
        })
    }
}

/// The identity and the offer of a client, as the query carries them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// `os`: `Android`, `iOS`, `MacOS`, `Windows`, `Linux`, …
    pub os: String,
    /// `device`: the device's name for people.
    pub device: String,
    /// `device_id`: `unknown` during the exchange, afterwards what the desktop answered. May be empty.
    pub device_id: String,
    /// `app`: the app's name for people.
    pub app: String,
    /// `app_id`: the bundle id in reverse-DNS form.
    pub app_id: Option<String>,
    /// `sdk_version`; `None` where it is missing or no number.
    pub sdk_version: Option<u32>,
    /// `medium`; `None` where it is missing, which means FS_ACCESS.
    pub medium: Option<Medium>,
    /// `foreground`: a hint to show this app.
    pub foreground: Option<bool>,
    /// `instance_id`: this project's own, random per process.
    pub instance_id: Option<String>,
    /// `csr`: the certificate request in PEM, decoded as far as it could be: the official C++ client cuts off the last
    /// character of its base64.
    pub csr: Option<String>,
    /// `csr_path`: the directory that holds the credentials, as the desktop sees it.
    pub csr_path: Option<String>,
}

impl Query {
    /// A query of a client that speaks [`SDK_VERSION`], with the four fields that every query has.
    #[must_use]
    pub fn new(
        app: impl Into<String>,
        os: impl Into<String>,
        device: impl Into<String>,
        device_id: impl Into<String>,
    ) -> Self {
        Self {
            os: os.into(),
            device: device.into(),
            device_id: device_id.into(),
            app: app.into(),
            app_id: None,
            sdk_version: Some(SDK_VERSION),
            medium: None,
            foreground: None,
            instance_id: None,
            csr: None,
            csr_path: None,
        }
    }

    /// Reads the query of a request target such as `/?os=Linux&app=…`, on the ports 9089 and 9088. The path is ignored.
    ///
    /// # Errors
    /// When `os`, `device`, `device_id` or `app` is missing, a key that has a meaning appears twice, a value is no
    /// UTF-8, or `medium` is none of 1, 2 and 3. The official desktop refuses the same.
    pub fn parse(target: &str) -> Result<Self, QueryError> {
        let fields = Fields::read(target)?;
        Ok(Self {
            os: fields.required("os")?,
            device: fields.required("device")?,
            device_id: fields.required("device_id")?,
            app: fields.required("app")?,
            sdk_version: fields.get("sdk_version").and_then(|version| version.parse().ok()),
            ..fields.optional()?
        })
    }

    /// Reads the query of a request target on the browser port, where almost everything has a default.
    ///
    /// # Errors
    /// When `device` is missing, or as [`Query::parse`].
    pub fn parse_browser(target: &str) -> Result<Self, QueryError> {
        let fields = Fields::read(target)?;
        let device = fields.required("device")?;
        let device_id = fields.get("device_id").or_else(|| fields.get("deviceId"));
        Ok(Self {
            os: fields.get("os").unwrap_or("MacOS").to_string(),
            device_id: device_id.unwrap_or(&device).to_string(),
            app: fields.get("app").unwrap_or(&device).to_string(),
            sdk_version: Some(fields.get("sdk_version").and_then(|v| v.parse().ok()).unwrap_or(SDK_VERSION)),
            medium: Some(Medium::None),
            device,
            ..fields.optional()?
        })
    }

    /// The request target that carries this query.
    ///
    /// Spaces travel as `%20` and `csr` as fully escaped base64, which every parser reads alike.
    #[must_use]
    pub fn to_target(&self) -> String {
        let mut target = String::from("/?");
        let mut push = |key: &str, value: &str| {
            if !target.ends_with('?') {
                target.push('&');
            }
            target.push_str(key);
            target.push('=');
            target.extend(utf8_percent_encode(value, ESCAPED));
        };
        push("os", &self.os);
        push("device", &self.device);
        push("device_id", &self.device_id);
        push("app", &self.app);
        if let Some(app_id) = &self.app_id {
            push("app_id", app_id);
        }
        if let Some(version) = self.sdk_version {
            push("sdk_version", &version.to_string());
        }
        if let Some(medium) = self.medium {
            push("medium", &medium.number().to_string());
        }
        if let Some(foreground) = self.foreground {
            push("foreground", if foreground { "true" } else { "false" });
        }
        if let Some(instance_id) = &self.instance_id {
            push("instance_id", instance_id);
        }
        if let Some(csr) = &self.csr {
            push("csr", &BASE64.encode(csr));
        }
        if let Some(csr_path) = &self.csr_path {
            push("csr_path", csr_path);
        }
        target
    }
}

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Base64 that forgives missing padding and a missing last character.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The keys that have a meaning; all others are ignored.
const KEYS: [&str; 12] = [
    "os",
    "device",
    "device_id",
    "deviceId",
    "app",
    "app_id",
    "sdk_version",
    "medium",
    "foreground",
    "instance_id",
    "csr",
    "csr_path",
];

/// The decoded values of the keys that have a meaning.
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn read(target: &str) -> Result<Self, QueryError> {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let mut fields = Self(Vec::new());
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Ok(key) = decode(key, true) else { continue };
            let Some(key) = KEYS.iter().copied().find(|known| *known == key) else { continue };
            if fields.get(key).is_some() {
                return Err(QueryError::Duplicate(key));
            }
            // The official C++ client does not escape the base64 of `csr`, so that a `+` there is a plus.
            let value = decode(value, key != "csr").map_err(|_| QueryError::NotText(key))?;
            fields.0.push((key, value.into_owned()));
        }
        Ok(fields)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str())
    }

    fn required(&self, key: &'static str) -> Result<String, QueryError> {
        self.get(key).map(ToString::to_string).ok_or(QueryError::Missing(key))
    }

    /// A query with the optional fields set, and the others left empty.
    fn optional(&self) -> Result<Query, QueryError> {
        let owned = |key: &str| self.get(key).map(ToString::to_string);
        let medium = match self.get("medium") {
            None => None,
            Some(text) => {
                let medium = text.parse().ok().and_then(Medium::from_number);
                Some(medium.ok_or_else(|| QueryError::BadMedium(Excerpt::new(text)))?)
            }
        };
        let foreground = match self.get("foreground") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        Ok(Query {
            app_id: owned("app_id"),
            medium,
            foreground,
            instance_id: owned("instance_id"),
            csr: self.get("csr").and_then(decode_csr),
            csr_path: owned("csr_path"),
            ..Query::new("", "", "", "")
        })
    }
}

fn decode(text: &str, plus_is_space: bool) -> Result<Cow<'_, str>, core::str::Utf8Error> {
    if plus_is_space && text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode_str(&spaced).decode_utf8().map(|text| Cow::Owned(text.into_owned()));
    }
    percent_decode_str(text).decode_utf8()
}

fn decode_csr(base64: &str) -> Option<String> {
    let mut text = base64.trim_end_matches('=');
    if text.len() % 4 == 1 {
        // One character of a group holds no whole byte.
        text = text.get(..text.len() - 1)?;
    }
    String::from_utf8(BASE64.decode(text).ok()?).ok()
}

/// Why a query cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryError {
    /// This key is missing.
    Missing(&'static str),
    /// This key appears more than once.
    Duplicate(&'static str),
    /// The value of this key is no UTF-8.
    NotText(&'static str),
    /// `medium` is none of 1, 2 and 3.
    BadMedium(Excerpt),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "the query lacks `{key}`"),
            Self::Duplicate(key) => write!(f, "the query has `{key}` more than once"),
            Self::NotText(key) => write!(f, "the value of `{key}` in the query is no UTF-8"),
            Self::BadMedium(medium) => {
                write!(f, "`medium` in the query must be 1 (FS_ACCESS), 2 (WWW) or 3 (NONE), not {medium}")
            }
        }
    }
}

impl core::error::Error for QueryError {}
