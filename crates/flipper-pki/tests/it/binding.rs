//! Whom a certificate was issued to.

use flipper_pki::{Authority, AuthorityConfig, Binding, BindingError, PrivateKey};
use rustls_pki_types::CertificateDer;

use crate::support::official::Ca;
use crate::support::openssl;

fn read(pem: &str) -> Result<Binding, BindingError> {
    Binding::of_certificate(&CertificateDer::from(openssl::der(pem)))
}

#[test]
fn what_was_signed_is_what_is_read() {
    let authority = Authority::in_memory(AuthorityConfig::default()).unwrap();
    let request = PrivateKey::generate().unwrap().certificate_request("com.example.app_1-a").unwrap();
    for device_id in ["", "emulator-5554", "A&B #1?=%", "größe +", "127.0.0.1:5555", "\u{1F4F1}", "a\nb\0"] {
        let signed = authority.sign(&request, device_id).unwrap();
        let expected = Binding::Bound { app: "com.example.app_1-a".to_owned(), device_id: device_id.to_owned() };
        assert_eq!(read(&signed.certificate_pem), Ok(expected));
    }
}

#[test]
fn the_uri_is_the_documented_one() {
    let authority = Authority::in_memory(AuthorityConfig::default()).unwrap();
    let request = PrivateKey::generate().unwrap().certificate_request("com.example.app").unwrap();
    let signed = authority.sign(&request, "Pixel 6~a.b_c-d & größe").unwrap();
    let description = openssl::describe(&signed.certificate_pem);
    let uri = "URI:flipper:client?app=com.example.app&device=Pixel%206~a.b_c-d%20%26%20gr%C3%B6%C3%9Fe\n";
    assert!(description.contains(uri), "{description}");
}

#[test]
fn official_certificates_are_unbound() {
    let ca = Ca::shared();
    let request = openssl::request(openssl::rsa_key(), openssl::SUBJECT, &[]);
    let unbound = |name: Option<&str>| Ok(Binding::Unbound { common_name: name.map(str::to_owned) });
    assert_eq!(read(&ca.sign(&request)), unbound(Some("com.example.bench")));
    let issue = |subject, extensions| read(&ca.issue(openssl::rsa_key(), subject, extensions, 1));
    assert_eq!(issue("/CN=a/CN=b", ""), unbound(None));
    assert_eq!(issue("/O=a", ""), unbound(None));
    // Alternative names that are not about this.
    assert_eq!(issue("/CN=a", "subjectAltName=DNS:a.example,URI:https://a.example"), unbound(Some("a")));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let issue = |subject, uris: &[&str]| {
        let names: Vec<String> = uris.iter().map(|uri| format!("URI:{uri}")).collect();
        let extensions = format!("subjectAltName={}", names.join(","));
        read(&Ca::shared().issue(openssl::rsa_key(), subject, &extensions, 1))
    };
    let good = "flipper:client?app=a&device=d";
    let bound = Ok(Binding::Bound { app: "a".to_owned(), device_id: "d".to_owned() });
    assert_eq!(issue("/CN=a", &[good]), bound);
    // The form may grow.
    assert_eq!(issue("/CN=a", &["flipper:client?v=2&app=a&device=d"]), bound);
    assert_eq!(issue("/CN=a", &["https://a.example", good]), bound);

    assert_eq!(issue("/CN=b", &[good]), Err(BindingError::Uri));
    assert_eq!(issue("/O=a", &[good]), Err(BindingError::Uri));
    assert_eq!(issue("/CN=a/CN=a", &[good]), Err(BindingError::Uri));
    assert_eq!(issue("/CN=a", &[good, good]), Err(BindingError::Uri));
    for uri in [
        "flipper:client",
        "flipper:client?",
        "flipper:client?app=a",
        "flipper:client?device=d",
        "flipper:client?app=a&device=d&device=e",
        "flipper:client?app=a&device=%ff",
        "flipper:server?app=a&device=d",
        "flipper:client?app=a&device",
    ] {
        assert_eq!(issue("/CN=a", &[uri]), Err(BindingError::Uri), "{uri}");
    }
    assert_eq!(Binding::of_certificate(&CertificateDer::from(vec![0x30, 0])), Err(BindingError::Certificate));
}
