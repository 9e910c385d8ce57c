//! Certificates over HTTP and HTTPS.

use std::thread;
use std::time::Duration;

use flipper_client::HttpPlace;
use flipper_proto::Bundle;

use super::{CertificateUploader, PlaceError, UploadError, object_name};

/// Uploads certificates with HTTP PUT. Whatever is written has to be readable where apps look for it with their
/// `HttpProvider`.
///
/// Where the place cannot be reached or says that it is overloaded, it is tried three times. Redirects are not followed.
#[derive(Clone, Debug)]
pub struct HttpUploader(HttpPlace);

/// How long it rests before each try.
const TRIES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(250), Duration::from_secs(1)];

impl HttpUploader {
    /// Puts certificates to this place.
    #[must_use]
    pub fn new(place: impl Into<HttpPlace>) -> Self {
        Self(place.into())
    }
}

impl CertificateUploader for HttpUploader {
    fn upload(&self, device_id: &str, bundle: &Bundle) -> Result<(), UploadError> {
        let (name, content) = (object_name(device_id), bundle.to_json());
        let mut result = Ok(());
        for pause in TRIES {
            thread::sleep(pause);
            result = self.0.put(&name, content.as_bytes());
            if !result.as_ref().is_err_and(PlaceError::is_transient) {
                break;
            }
        }
        Ok(result?)
    }
}
