//! Places where certificates could lie, and nobody looks.

#[cfg(feature = "www-http")]
use std::time::Duration;
#[cfg(feature = "www-object-store")]
use std::{io, sync::Arc};

use flipper_proto::Excerpt;
#[cfg(feature = "www-object-store")]
use object_store::ObjectStore;

use crate::www::{CertificateProvider, Certificates, FetchError, PlaceError};

/// What every place answers.
fn switched_off() -> PlaceError {
    PlaceError::Unreachable { place: Excerpt::new("the place"), why: Excerpt::new("Flipper is switched off") }
}

/// Fetches nothing.
#[cfg(feature = "www-http")]
#[derive(Clone, Debug)]
pub struct HttpProvider(());

#[cfg(feature = "www-http")]
impl HttpProvider {
    #[must_use]
    #[inline]
    pub fn new(_place: impl Into<HttpPlace>) -> Self {
        Self(())
    }
}

#[cfg(feature = "www-http")]
impl CertificateProvider for HttpProvider {
    #[inline]
    fn fetch(&self, _device_id: &str) -> Result<Certificates, FetchError> {
        Err(switched_off().into())
    }
}

/// Cannot be read or written.
#[cfg(feature = "www-http")]
#[derive(Clone, Debug)]
pub struct HttpPlace(());

#[cfg(feature = "www-http")]
impl HttpPlace {
    #[must_use]
    #[inline]
    pub fn new(_url: impl Into<String>) -> Self {
        Self(())
    }

    #[must_use]
    #[inline]
    pub fn header(self, _name: impl Into<String>, _value: impl Into<String>) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn root_certificates(self, _pem: impl Into<String>) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn patience(self, _patience: Duration) -> Self {
        self
    }

    /// Always an error.
    #[inline]
    pub fn get(&self, _name: &str) -> Result<Vec<u8>, PlaceError> {
        Err(switched_off())
    }

    /// Always an error.
    #[inline]
    pub fn put(&self, _name: &str, _content: &[u8]) -> Result<(), PlaceError> {
        Err(switched_off())
    }
}

#[cfg(feature = "www-http")]
impl From<&str> for HttpPlace {
    #[inline]
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

#[cfg(feature = "www-http")]
impl From<String> for HttpPlace {
    #[inline]
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

/// Fetches nothing.
#[cfg(feature = "www-object-store")]
#[derive(Clone, Debug)]
pub struct ObjectStoreProvider(());

#[cfg(feature = "www-object-store")]
impl ObjectStoreProvider {
    #[must_use]
    #[inline]
    pub fn new(_place: ObjectPlace) -> Self {
        Self(())
    }
}

#[cfg(feature = "www-object-store")]
impl CertificateProvider for ObjectStoreProvider {
    #[inline]
    fn fetch(&self, _device_id: &str) -> Result<Certificates, FetchError> {
        Err(switched_off().into())
    }
}

/// Cannot be read or written.
#[cfg(feature = "www-object-store")]
#[derive(Clone, Debug)]
pub struct ObjectPlace(());

#[cfg(feature = "www-object-store")]
impl ObjectPlace {
    /// Always `Ok`.
    #[inline]
    pub fn new(_store: Arc<dyn ObjectStore>, _prefix: &str) -> io::Result<Self> {
        Ok(Self(()))
    }

    /// Always an error.
    #[inline]
    pub fn get(&self, _name: &str) -> Result<Vec<u8>, PlaceError> {
        Err(switched_off())
    }

    /// Always an error.
    #[inline]
    pub fn put(&self, _name: &str, _content: &[u8]) -> Result<(), PlaceError> {
        Err(switched_off())
    }
}
