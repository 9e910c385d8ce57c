//! The secret of a pairing, and what it proves.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flipper_proto::{Bundle, Medium, PairingProof, WallTime};
use ring::hmac;

use crate::crypto;

/// The secret that an app and a desktop share: 128 random bits.
///
/// Whoever knows it can have certificates issued, and can pass for the desktop with an app that exchanges certificates.
/// It is in no text that anything here prints but [`PairingLink::to_url`](super::PairingLink::to_url).
#[derive(Clone, PartialEq, Eq)]
pub struct PairingSecret([u8; Self::LEN]);

/// What a proof is about: a certificate request, as both sides know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairedRequest<'a> {
    /// The certificate request, as it stands in the message.
    pub csr: &'a str,
    /// The device's name in the query.
    pub device: &'a str,
    /// The medium.
    pub medium: Medium,
    /// The app's clock.
    pub timestamp: WallTime,
}

impl PairingSecret {
    const LEN: usize = 16;

    /// A new secret. `None` if the system has no random numbers.
    #[must_use]
    pub fn generate() -> Option<Self> {
        crypto::random_bytes().map(Self)
    }

    /// Reads a secret from base64url.
    #[must_use]
    pub fn from_base64url(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    pub(super) fn to_base64url(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The id of the pairing, which is no secret: 16 hexadecimal digits that follow from the secret, so that a link that
    /// lost a character on its way is noticed where it is read.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&self.mac(&["flipper-pairing-id-v1"]).as_ref()[..8])
    }

    /// Proves that a request comes from somebody who knows the secret. `None` if the system has no random numbers.
    #[must_use]
    pub fn prove(&self, request: &PairedRequest<'_>) -> Option<PairingProof> {
        let nonce = BASE64_URL_SAFE_NO_PAD.encode(crypto::random_bytes::<16>()?);
        Some(self.prove_with(request, nonce))
    }

    fn prove_with(&self, request: &PairedRequest<'_>, nonce: String) -> PairingProof {
        let id = self.id();
        let proof = BASE64_URL_SAFE_NO_PAD.encode(self.mac(&request_fields(&id, &nonce, request, &request.numbers())));
        PairingProof { id, nonce, proof }
    }

    /// Whether a proof was made with this secret for this request. How long it takes says nothing about the proof.
    #[must_use]
    pub fn accepts(&self, request: &PairedRequest<'_>, proof: &PairingProof) -> bool {
        is_nonce(&proof.nonce)
            && self.verify(&request_fields(&self.id(), &proof.nonce, request, &request.numbers()), &proof.proof)
    }

    /// The device id of an app: it looks random, and is the same whenever the same app on a device of the same name asks.
    #[must_use]
    pub fn device_id(&self, app: &str, device: &str) -> String {
        hex(&self.mac(&["flipper-pairing-device-v1", &self.id(), app, device]).as_ref()[..16])
    }

    /// Bundles certificates for the app that sent this request, with the proof that they come from somebody who knows
    /// the secret.
    #[must_use]
    pub fn bundle(&self, asked: &PairingProof, csr: &str, device_id: &str, ca: &str, certificate: &str) -> Bundle {
        let tag = self.mac(&bundle_fields(&self.id(), &asked.nonce, csr, device_id, ca, certificate));
        let proof = Some(BASE64_URL_SAFE_NO_PAD.encode(tag));
        Bundle { ca: ca.to_owned(), certificate: certificate.to_owned(), proof }
    }

    /// Whether a bundle was made with this secret, as the answer to this request, for this device id.
    #[must_use]
    pub fn accepts_bundle(&self, asked: &PairingProof, csr: &str, device_id: &str, bundle: &Bundle) -> bool {
        let Some(proof) = &bundle.proof else { return false };
        let id = self.id();
        let fields = bundle_fields(&id, &asked.nonce, csr, device_id, &bundle.ca, &bundle.certificate);
        self.verify(&fields, proof)
    }

    fn mac(&self, fields: &[&str]) -> hmac::Tag {
        hmac::sign(&self.key(), &message(fields))
    }

    fn verify(&self, fields: &[&str], proof: &str) -> bool {
        BASE64_URL_SAFE_NO_PAD.decode(proof).is_ok_and(|tag| hmac::verify(&self.key(), &message(fields), &tag).is_ok())
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

impl fmt::Debug for PairingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingSecret(..)")
    }
}

impl PairedRequest<'_> {
    fn numbers(&self) -> [String; 2] {
        [self.timestamp.as_unix_millis().to_string(), self.medium.number().to_string()]
    }
}

fn request_fields<'a>(
    id: &'a str,
    nonce: &'a str,
    request: &PairedRequest<'a>,
    [timestamp, medium]: &'a [String; 2],
) -> [&'a str; 7] {
    ["flipper-pairing-request-v1", id, nonce, timestamp, medium, request.device, request.csr]
}

fn bundle_fields<'a>(
    id: &'a str,
    nonce: &'a str,
    csr: &'a str,
    device_id: &'a str,
    ca: &'a str,
    certificate: &'a str,
) -> [&'a str; 7] {
    ["flipper-pairing-bundle-v1", id, nonce, csr, device_id, ca, certificate]
}

/// Every field with its length before it, so that no two lists of fields make the same message.
fn message(fields: &[&str]) -> Vec<u8> {
    let mut message = Vec::with_capacity(fields.iter().map(|field| field.len() + 8).sum());
    for field in fields {
        message.extend((field.len() as u64).to_be_bytes());
        message.extend(field.as_bytes());
    }
    message
}

/// Whether it is base64url of 16 bytes.
fn is_nonce(text: &str) -> bool {
    BASE64_URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 16)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the book's chapter on pairing, which were not computed by this code.
    const CHAPTER: &str = include_str!("../../../../docs/pairing.md");

    fn example(name: &str) -> &'static str {
        let line = CHAPTER.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
        line.unwrap_or_else(|| panic!("the chapter has no {name}"))
    }

    #[test]
    fn the_examples_of_the_book_hold() {
        let secret = PairingSecret::from_base64url(example("secret")).unwrap();
        assert_eq!(secret.id(), example("id"));
        let csr = example("csr").replace("\\n", "\n");
        let timestamp = WallTime::from_unix_millis(example("timestamp").parse().unwrap());
        let request = PairedRequest { csr: &csr, device: example("device"), medium: Medium::Www, timestamp };
        let proof = secret.prove_with(&request, example("nonce").to_owned());
        assert_eq!(proof.proof, example("request proof"));
        assert!(secret.accepts(&request, &proof));

        let device_id = secret.device_id(example("app"), example("device"));
        assert_eq!(device_id, example("device id"));
        let [ca, certificate] = ["ca", "certificate"].map(|name| example(name).replace("\\n", "\n"));
        let bundle = secret.bundle(&proof, &csr, &device_id, &ca, &certificate);
        assert_eq!(bundle.proof.as_deref(), Some(example("bundle proof")));
        assert!(secret.accepts_bundle(&proof, &csr, &device_id, &bundle));
    }
}
