//! What is not shown.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::address::{self, userinfo};

/// What is shown instead of a secret.
pub(super) const REDACTED: &str = "REDACTED";

/// Headers whose values are not shown unless somebody says so.
const HEADERS: &[&str] = &[
    "api-key",
    "apikey",
    "authentication",
    "authorization",
    "cookie",
    "private-token",
    "proxy-authorization",
    "set-cookie",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-forwarded-authorization",
    "x-functions-key",
    "x-gitlab-token",
    "x-goog-api-key",
    "x-goog-iap-jwt-assertion",
    "x-secret",
    "x-vault-token",
    "x-xsrf-token",
];

/// Parameters of URLs and of form-encoded requests whose values are not shown unless somebody says so.
const PARAMETERS: &[&str] = &[
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "assertion",
    "auth",
    "auth_token",
    "client_assertion",
    "client_secret",
    "code_verifier",
    "credentials",
    "id_token",
    "jwt",
    "key",
    "pass",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "session_token",
    "sig",
    "signature",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-credential",
    "x-goog-signature",
];

/// Headers that hold URLs.
const WITH_URLS: [&str; 4] = ["content-location", "location", "referer", "x-original-url"];

type Rule = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which headers and URL parameters are shown without their values. Names are compared without regard to case.
///
/// Users and passwords in URLs are never shown, whatever this says. In place of what is not shown stands `REDACTED`.
#[derive(Clone)]
pub struct Redaction {
    headers: Vec<Cow<'static, str>>,
    parameters: Vec<Cow<'static, str>>,
    header_rules: Vec<Rule>,
    parameter_rules: Vec<Rule>,
}

impl Redaction {
    /// Hides nothing but users and passwords in URLs.
    #[must_use]
    pub fn nothing() -> Self {
        Self { headers: Vec::new(), parameters: Vec::new(), header_rules: Vec::new(), parameter_rules: Vec::new() }
    }

    /// Hides the values of a header, too.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.headers.push(Cow::Owned(name.into()));
        self
    }

    /// Shows the values of a header that is hidden by default.
    #[must_use]
    pub fn show_header(mut self, name: &str) -> Self {
        self.headers.retain(|hidden| !hidden.eq_ignore_ascii_case(name));
        self
    }

    /// Hides the values of all headers, too, that `rule` says `true` for. Names come as they are in the message.
    #[must_use]
    pub fn headers_if(mut self, rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.header_rules.push(Arc::new(rule));
        self
    }

    /// Hides the values of a parameter of URLs and of form-encoded requests, too.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>) -> Self {
        self.parameters.push(Cow::Owned(name.into()));
        self
    }

    /// Shows the values of a parameter that is hidden by default.
    #[must_use]
    pub fn show_parameter(mut self, name: &str) -> Self {
        self.parameters.retain(|hidden| !hidden.eq_ignore_ascii_case(name));
        self
    }

    /// Hides the values of all parameters, too, that `rule` says `true` for. Names come without percent-encoding.
    #[must_use]
    pub fn parameters_if(mut self, rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.parameter_rules.push(Arc::new(rule));
        self
    }

    fn hides_header(&self, name: &str) -> bool {
        self.headers.iter().any(|hidden| hidden.eq_ignore_ascii_case(name))
            || self.header_rules.iter().any(|rule| hides(rule, name))
    }

    fn hides_parameter(&self, encoded: &str) -> bool {
        let name = decoded(encoded);
        // `token[]` and `token[0]` are lists of what `token` is one of.
        let name = name.split('[').next().unwrap_or_default().trim();
        self.parameters.iter().any(|hidden| hidden.eq_ignore_ascii_case(name))
            || self.parameter_rules.iter().any(|rule| hides(rule, name))
    }

    /// Takes the secrets out of headers.
    pub(super) fn clean(&self, headers: &mut [(String, String)]) {
        for (name, value) in headers {
            if self.hides_header(name) {
                REDACTED.clone_into(value);
            } else if WITH_URLS.iter().any(|with_url| with_url.eq_ignore_ascii_case(name))
                && let Cow::Owned(clean) = self.clean_url(value)
            {
                *value = clean;
            }
        }
    }

    /// Takes the secrets out of a URL.
    pub(super) fn clean_url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        let mut url = Cow::Borrowed(url);
        if let Some(user) = userinfo(&url) {
            let mut clean = url.into_owned();
            clean.replace_range(user, REDACTED);
            url = Cow::Owned(clean);
        }
        let Some(at) = url.find(['?', '#']) else { return url };
        match self.clean_parameters(&url[at..]) {
            Cow::Borrowed(_) => url,
            Cow::Owned(clean) => Cow::Owned(format!("{}{clean}", &url[..at])),
        }
    }

    /// Takes the secrets out of `name=value` pairs.
    pub(super) fn clean_parameters<'a>(&self, pairs: &'a str) -> Cow<'a, str> {
        let mut clean = String::new();
        let mut copied = 0;
        let mut at = 0;
        while at < pairs.len() {
            let end = pairs[at..].find(['?', '#', '&', ';']).map_or(pairs.len(), |length| at + length);
            if let Some(equals) = pairs[at..end].find('=')
                && at + equals + 1 < end
                && self.hides_parameter(&pairs[at..at + equals])
            {
                clean.push_str(&pairs[copied..=at + equals]);
                clean.push_str(REDACTED);
                copied = end;
            }
            at = end + 1;
        }
        if copied == 0 {
            return Cow::Borrowed(pairs);
        }
        clean.push_str(&pairs[copied..]);
        Cow::Owned(clean)
    }
}

impl Default for Redaction {
    /// Hides what usually holds credentials: headers such as `authorization`, `cookie` and `x-api-key`, parameters such as
    /// `access_token`, `password` and `signature`.
    fn default() -> Self {
        let owned = |names: &[&'static str]| names.iter().copied().map(Cow::Borrowed).collect();
        Self { headers: owned(HEADERS), parameters: owned(PARAMETERS), ..Self::nothing() }
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("headers", &self.headers)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

/// What a rule says, which may panic: what it was asked about is better not shown.
fn hides(rule: &Rule, name: &str) -> bool {
    catch_unwind(AssertUnwindSafe(|| rule(name))).unwrap_or(true)
}

/// A name without percent-encoding.
fn decoded(name: &str) -> Cow<'_, str> {
    if !name.contains(['%', '+']) {
        return Cow::Borrowed(name);
    }
    let bytes = name.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| address::from_hex(bytes.get(at + 1..at + 3)?)).flatten();
        decoded.push(match bytes[at] {
            b'+' => b' ',
            byte => escaped.unwrap_or(byte),
        });
        at += if escaped.is_some() { 3 } else { 1 };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}
