//! Certificate requests: whatever is signed becomes a certificate for the key and the name of the request, good for a
//! TLS client and for nothing else.
//!
//! The first byte of an input says what the rest is: PEM, the DER inside, or the subject and the attributes of a request
//! that gets a good signature.
#![no_main]

use flipper_fuzz::certificates::{Judged, authority, signed_request};
use flipper_pki::{Binding, CertificateRequest};
use libfuzzer_sys::{Corpus, fuzz_target};

const DEVICE: &str = "device #1";

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((kind, rest)) = input.split_first() else { return Corpus::Reject };
    match kind {
        0 => check(&String::from_utf8_lossy(rest)),
        1 => check(&pem(rest)),
        2 => {
            let Some(([version, length], rest)) = rest.split_first_chunk() else { return Corpus::Reject };
            let (subject, attributes) = rest.split_at(rest.len().min(usize::from(*length)));
            check(&pem(&signed_request(&[*version], subject, attributes)));
        }
        _ => return Corpus::Reject,
    }
    Corpus::Keep
});

fn pem(der: &[u8]) -> String {
    const LABEL: &str = "CERTIFICATE REQUEST";
    let base64 = der.chunks(48).map(|line| base64(line) + "\n").collect::<String>();
    format!("-----BEGIN {LABEL}-----\n{base64}-----END {LABEL}-----\n")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().chain(&[0; 2]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let digits = [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]));
        let mut text = digits[..=group.len()].iter().collect::<String>();
        text.extend(std::iter::repeat_n('=', 3 - group.len()));
        text
    };
    bytes.chunks(3).map(group).collect()
}

fn check(pem: &str) {
    let request = match CertificateRequest::from_pem(pem) {
        Ok(request) => request,
        Err(error) => {
            assert!(error.to_string().len() < 1_000, "what a peer wrote never makes an error long");
            assert_eq!(authority().sign(pem, DEVICE), Err(error));
            return;
        }
    };
    let signed = authority().sign(pem, DEVICE).expect("a good request is signed");
    let name = request.common_name();
    assert!((1..=64).contains(&name.len()) && !name.eq_ignore_ascii_case("localhost"), "{name:?}");
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)), "{name:?}");

    let certificate = Judged::from_pem(signed.certificate_pem.as_bytes());
    assert_eq!(certificate.key(), *request.public_key());
    assert_eq!(certificate.is_ca(), Some(false));
    assert!(certificate.is_for_clients_only());
    assert_eq!(certificate.common_names(), [name]);
    assert!(certificate.is_issued_by(&Judged::from_pem(signed.ca_pem.as_bytes())));
    let bound = Binding::Bound { app: name.to_owned(), device_id: DEVICE.to_owned() };
    assert_eq!(Binding::of_certificate(&certificate.der()), Ok(bound));
}
