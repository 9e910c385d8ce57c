//! Certificates over HTTP and HTTPS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flipper_proto::Excerpt;
use rustls::crypto::CryptoProvider;
use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;
use ureq::{Agent, Body};

use super::{CertificateProvider, Certificates, FetchError, MAX_SIZE, PlaceError, object_name};

/// Fetches certificates with HTTP GET from where the desktop's `HttpUploader` puts them, or from where whatever else
/// uploads them makes them appear.
///
/// Up to three redirects are followed, but none from HTTPS to HTTP.
#[derive(Clone, Debug)]
pub struct HttpProvider(HttpPlace);

impl HttpProvider {
    /// Certificates lie at this place.
    #[must_use]
    pub fn new(place: impl Into<HttpPlace>) -> Self {
        Self(place.into())
    }
}

impl CertificateProvider for HttpProvider {
    fn fetch(&self, device_id: &str) -> Result<Certificates, FetchError> {
        let name = object_name(device_id)?;
        Certificates::from_uploaded(&self.0.get(&name)?, &self.0.shown(&name))
    }
}

/// A place that things are read from and written to over HTTP or HTTPS.
#[derive(Clone)]
pub struct HttpPlace {
    url: String,
    headers: Vec<(String, String)>,
    roots: Option<String>,
    patience: Duration,
}

/// Three of them are over before an app stops waiting for its certificate.
const PATIENCE: Duration = Duration::from_secs(6);
const REDIRECTS: u32 = 3;
const NAME: &str = "{name}";

impl HttpPlace {
    /// The place at this URL: the name of what is read or written takes the place of `{name}` in it, or is appended as
    /// one more part of its path.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), headers: Vec::new(), roots: None, patience: PATIENCE }
    }

    /// Sends this header with every request, such as `Authorization`. It goes to the host of the URL alone.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Trusts these CAs, PEM, and no others. Default: those that the system trusts.
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<String>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// How long a request may take, all in all. Default: 6 s.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Reads what has this name there.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn get(&self, name: &str) -> Result<Vec<u8>, PlaceError> {
        let agent = self.agent(name, |config| config.max_redirects(REDIRECTS))?;
        let mut request = agent.get(self.url(name));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut body = self.answered(name, request.call()).map_err(|error| match error {
            PlaceError::Status { place, status: 404 } => PlaceError::Missing { place },
            other => other,
        })?;
        body.with_config().limit(MAX_SIZE).read_to_vec().map_err(|error| self.failed(name, &error))
    }

    /// Writes what is to have this name there, with HTTP PUT. No redirect is followed.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn put(&self, name: &str, content: &[u8]) -> Result<(), PlaceError> {
        let agent = self.agent(name, |config| config.max_redirects(0).max_redirects_will_error(false))?;
        let mut request = agent.put(self.url(name)).content_type("application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        self.answered(name, request.send(content)).map(drop)
    }

    fn answered(
        &self,
        name: &str,
        answer: Result<ureq::http::Response<Body>, ureq::Error>,
    ) -> Result<Body, PlaceError> {
        let answer = answer.map_err(|error| self.failed(name, &error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        Err(PlaceError::Status { place: Excerpt::new(&self.shown(name)), status: status.as_u16() })
    }

    fn failed(&self, name: &str, error: &ureq::Error) -> PlaceError {
        match error {
            ureq::Error::BodyExceedsLimit(_) => PlaceError::TooLarge { place: Excerpt::new(&self.shown(name)) },
            // Its text would be the whole URL.
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => self.unreachable(name, "it is no URL of HTTP or HTTPS"),
            error => self.unreachable(name, &error.to_string()),
        }
    }

    fn unreachable(&self, name: &str, why: &str) -> PlaceError {
        PlaceError::Unreachable { place: Excerpt::new(&self.shown(name)), why: Excerpt::new(why) }
    }

    fn url(&self, name: &str) -> String {
        if self.url.contains(NAME) {
            self.url.replace(NAME, name)
        } else {
            format!("{}/{name}", self.url.trim_end_matches('/'))
        }
    }

    /// The URL without what may be secret in it.
    fn shown(&self, name: &str) -> String {
        let url = self.url(name);
        let url = url.split(['?', '#']).next().unwrap_or_default();
        match url.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = authority.rsplit('@').next().unwrap_or_default();
                format!("{scheme}://{host}{path}")
            }
            None => url.to_owned(),
        }
    }

    fn agent(
        &self,
        name: &str,
        redirects: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
    ) -> Result<Agent, PlaceError> {
        let is_https = self.url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        let mut config = redirects(Agent::config_builder())
            .timeout_global(Some(self.patience))
            .http_status_as_error(false)
            .https_only(is_https)
            .user_agent(concat!("flipper/", env!("CARGO_PKG_VERSION")));
        if is_https {
            let roots = self.roots().map_err(|why| self.unreachable(name, why))?;
            let tls = TlsConfig::builder()
                // Named explicitly: the process default may be unset.
                .unversioned_rustls_crypto_provider(ring())
                .root_certs(RootCerts::from(roots));
            config = config.tls_config(tls.build());
        }
        Ok(config.build().new_agent())
    }

    fn roots(&self) -> Result<Vec<Certificate<'static>>, &'static str> {
        let roots: Vec<_> = match &self.roots {
            Some(pem) => parse_pem(pem.as_bytes())
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect(),
            None => {
                let found = rustls_native_certs::load_native_certs().certs;
                found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
            }
        };
        if roots.is_empty() { Err("there is no CA to trust; give its certificate") } else { Ok(roots) }
    }
}

fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl From<&str> for HttpPlace {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for HttpPlace {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for HttpPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpPlace").field(&self.shown(NAME)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_appended_or_takes_its_place() {
        assert_eq!(HttpPlace::new("http://a/b/").url("x.json"), "http://a/b/x.json");
        assert_eq!(HttpPlace::new("http://a").url("x.json"), "http://a/x.json");
        assert_eq!(HttpPlace::new("http://a/{name}?sig=1").url("x.json"), "http://a/x.json?sig=1");
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let place =
            HttpPlace::new("https://me:pass@a:8/b/{name}?sig=secret#more").header("Authorization", "Bearer token");
        assert_eq!(place.shown("x"), "https://a:8/b/x");
        let shown = format!("{place:?} {:?}", HttpProvider::new(place.clone()));
        assert!(!shown.contains("secret") && !shown.contains("pass") && !shown.contains("token"), "{shown}");
        let error = HttpPlace::new("not a url {name}?sig=secret").get("x").unwrap_err().to_string();
        assert!(!error.contains("secret") && error.contains("no URL"), "{error}");
    }
}
