//! How certificates reach the apps that ask for them.

use std::fmt;

use flipper_pki::{Authority, CertificateRequest, SHARED_COMMON_NAME, SignedClient, WallClock};
use flipper_proto::WallTime;
use flipper_proto::desktop::ExchangeRequest;

use super::error::DeliveryError;

/// A way for certificates to reach apps.
///
/// A deliverer finds out where an app is, has a certificate signed for the device that it found, and brings both
/// certificates there. It must not sign anything for somebody who has not shown to be where the certificate goes: with
/// the certificate, whoever asked is let in under the name of that app and device.
///
/// The desktop calls it from a thread where it may block, for one request of a connection after the other, but for
/// several connections at once. After 30 seconds the client is told that it took too long, and what the deliverer
/// returns later is dropped.
pub trait Deliverer: Send + Sync + 'static {
    /// Delivers, and returns what was delivered; `None` if this deliverer is not for such clients, so that the next
    /// one is asked.
    ///
    /// # Errors
    /// Why the client is refused, in words that are meant for it.
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Option<Issued>, DeliveryError>;
}

/// A request that is to be delivered.
pub struct Delivery<'a> {
    request: &'a ExchangeRequest,
    csr: CertificateRequest,
    authority: &'a Authority,
    clock: &'a WallClock,
}

impl<'a> Delivery<'a> {
    /// # Errors
    /// [`DeliveryError::Request`].
    pub(super) fn new(
        request: &'a ExchangeRequest,
        authority: &'a Authority,
        clock: &'a WallClock,
    ) -> Result<Self, DeliveryError> {
        Ok(Self { csr: CertificateRequest::from_pem(&request.csr)?, request, authority, clock })
    }

    /// What the client sent, and who it says it is.
    #[must_use]
    pub fn request(&self) -> &'a ExchangeRequest {
        self.request
    }

    /// The certificate request, which was checked: its sender holds the key.
    #[must_use]
    pub fn csr(&self) -> &CertificateRequest {
        &self.csr
    }

    /// The app's id: what the certificate will name, or what the app says where that is the name that all apps share
    /// whose id cannot be in a certificate.
    #[must_use]
    pub fn app_id(&self) -> &str {
        match (self.csr.common_name(), self.request.query.app_id.as_deref()) {
            (SHARED_COMMON_NAME, Some(app_id)) => app_id,
            (name, _) => name,
        }
    }

    /// Whether this is the very request that was sent, as a proof of whoever has it. They are compared as requests, not
    /// as bytes: line ends get lost on the way.
    #[must_use]
    pub fn is_proof(&self, content: &[u8]) -> bool {
        is_request(content, &self.csr)
    }

    /// Signs a certificate that is bound to the app and to this device, which the client is answered. An empty id means
    /// the desktop's own machine.
    ///
    /// # Errors
    /// [`DeliveryError::Request`], and [`DeliveryError::ClockSkew`] where the certificate would be of no use.
    pub fn sign(&self, device_id: &str) -> Result<Issued, DeliveryError> {
        let signed = self.authority.sign(&self.request.csr, device_id)?;
        if let Some(theirs) = self.request.timestamp
            && !(signed.not_before..=signed.not_after).contains(&theirs)
        {
            let millis = self.request.clock_skew_millis(self.clock.now()).unwrap_or_default();
            return Err(DeliveryError::ClockSkew { millis });
        }
        Ok(Issued { device_id: device_id.to_owned(), signed })
    }
}

/// As [`Delivery::is_proof`].
pub(super) fn is_request(content: &[u8], sent: &CertificateRequest) -> bool {
    let kept = std::str::from_utf8(content).ok().and_then(|pem| CertificateRequest::from_pem(pem).ok());
    kept.as_ref() == Some(sent)
}

impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("request", self.request).finish_non_exhaustive()
    }
}

/// A certificate that was signed by [`Delivery::sign`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    device_id: String,
    signed: SignedClient,
}

impl Issued {
    /// The device id that the certificate is bound to.
    #[must_use]
    pub fn device_id(&self) -> &str {
        &self.device_id
    }

    /// The content of `sonarCA.crt`: the CA's certificate, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.signed.ca_pem
    }

    /// The content of `device.crt`: the app's certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.signed.certificate_pem
    }

    /// Whom the certificate names.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.signed.common_name
    }

    /// Until when the certificate is valid.
    #[must_use]
    pub fn not_after(&self) -> WallTime {
        self.signed.not_after
    }
}
