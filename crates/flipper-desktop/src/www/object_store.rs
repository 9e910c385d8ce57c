//! Certificates in an object store.

use flipper_client::ObjectPlace;
use flipper_proto::Bundle;

use super::{CertificateUploader, UploadError, object_name};

/// Uploads certificates to any store that the crate `object_store` knows. Apps fetch them from there with their
/// `ObjectStoreProvider`.
#[derive(Clone, Debug)]
pub struct ObjectStoreUploader(ObjectPlace);

impl ObjectStoreUploader {
    /// Puts certificates to this place.
    #[must_use]
    pub fn new(place: ObjectPlace) -> Self {
        Self(place)
    }
}

impl CertificateUploader for ObjectStoreUploader {
    fn upload(&self, device_id: &str, bundle: &Bundle) -> Result<(), UploadError> {
        Ok(self.0.put(&object_name(device_id), bundle.to_json().as_bytes())?)
    }
}
