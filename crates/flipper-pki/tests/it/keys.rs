//! Private keys and the requests that they sign.

use flipper_pki::{CertificateRequest, KeyAlgorithm, KeyError, PrivateKey, SHARED_COMMON_NAME, common_name};

use crate::support::openssl::{self, Kind, P256, P384, P521};

#[test]
fn generates_p256_that_openssl_reads() {
    let key = PrivateKey::generate().unwrap();
    assert_eq!(key.algorithm(), KeyAlgorithm::EcdsaP256);
    assert_eq!(openssl::public_key(&key.to_pem()), key.public_key().as_ref());
    assert_ne!(PrivateKey::generate().unwrap().public_key(), key.public_key());
}

#[test]
fn reads_every_encoding_of_every_kind_and_signs_requests_with_it() {
    let rsa = openssl::rsa_key();
    let ec = openssl::key(P256);
    let sec1 = |key: &str| {
        // What `openssl ecparam -genkey` writes: the parameters first, as a section of their own.
        let parameters = openssl::run(&["ecparam", "-name", "prime256v1"], &[]);
        let key = openssl::run(&["ec", "-in", "k"], &[("k", key.as_bytes())]);
        openssl::text([parameters, key].concat())
    };
    let pkcs1 = openssl::text(openssl::run(&["rsa", "-in", "k", "-traditional"], &[("k", rsa.as_bytes())]));
    let cases = [
        (rsa.to_owned(), KeyAlgorithm::Rsa { bits: 2048 }),
        (pkcs1.clone(), KeyAlgorithm::Rsa { bits: 2048 }),
        (pkcs1.replace('\n', "\r\n"), KeyAlgorithm::Rsa { bits: 2048 }),
        (openssl::key(Kind::Rsa(3072)), KeyAlgorithm::Rsa { bits: 3072 }),
        (ec.clone(), KeyAlgorithm::EcdsaP256),
        (sec1(&ec), KeyAlgorithm::EcdsaP256),
        (openssl::key(P384), KeyAlgorithm::EcdsaP384),
        (openssl::key(Kind::Ed25519), KeyAlgorithm::Ed25519),
    ];
    for (pem, algorithm) in cases {
        let key = PrivateKey::from_pem(pem.as_bytes()).unwrap_or_else(|error| panic!("{algorithm:?}: {error}"));
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(openssl::public_key(&pem), key.public_key().as_ref(), "{algorithm:?}");
        // What is written is what was read.
        let again = PrivateKey::from_pem(key.to_pem().as_bytes()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        let request = key.certificate_request("com.example.app").unwrap();
        openssl::run(&["req", "-in", "r", "-verify", "-noout"], &[("r", request.as_bytes())]);
        assert_eq!(CertificateRequest::from_pem(&request).unwrap().algorithm(), algorithm);
    }
}

#[test]
fn refuses_keys_that_are_weak_or_foreign() {
    let small = openssl::key(Kind::Rsa(1024));
    let small_pkcs1 = openssl::text(openssl::run(&["rsa", "-in", "k", "-traditional"], &[("k", small.as_bytes())]));
    let rsa = openssl::rsa_key();
    let encrypted =
        openssl::run(&["pkcs8", "-topk8", "-in", "k", "-passout", "pass:fl1pp3r"], &[("k", rsa.as_bytes())]);
    let (half, _) = rsa.split_at(rsa.len() / 2);
    let unpadded = rsa.replace("MII", "M!I");
    let cases: [(&[u8], KeyError); 9] = [
        (small.as_bytes(), KeyError::RsaTooSmall { bits: 1024 }),
        (small_pkcs1.as_bytes(), KeyError::RsaTooSmall { bits: 1024 }),
        (&encrypted, KeyError::Encrypted),
        (b"", KeyError::NotPem),
        (b"\x00\xff garbage", KeyError::NotPem),
        (half.as_bytes(), KeyError::NotPem),
        (unpadded.as_bytes(), KeyError::NotPem),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", KeyError::Unsupported),
        (openssl::key(P521).leak().as_bytes(), KeyError::Unsupported),
    ];
    for (pem, expected) in cases {
        let error = PrivateKey::from_pem(pem).expect_err("a key that must be refused");
        assert_eq!(error, expected);
    }
}

#[test]
fn nothing_that_is_formatted_shows_the_secret() {
    let key = PrivateKey::generate().unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey { algorithm: EcdsaP256, .. }");
    // A damaged line is what a parser likes to quote.
    let pem = key.to_pem();
    let body: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    for damaged in [pem.replace("-----END", "----END"), pem.replace("KEY-----\n", "KEY-----"), pem.replace("MI", "M*")]
    {
        let error = PrivateKey::from_pem(damaged.as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(body.iter().all(|line| !shown.contains(&line[..8])), "{shown}");
    }
}

#[test]
fn requests_are_what_the_official_client_sends() {
    let request = PrivateKey::generate().unwrap().certificate_request("com.example.bench").unwrap();
    assert!(!request.contains('\r'));
    assert!(request.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
    assert!(request.ends_with("-----END CERTIFICATE REQUEST-----\n"));
    assert!(request.lines().all(|line| line.len() <= 64));
    let arguments = ["req", "-in", "r", "-noout", "-text", "-nameopt", "oneline,show_type"];
    let text = openssl::text(openssl::run(&arguments, &[("r", request.as_bytes())]));
    assert!(text.contains("Version: 1 (0x0)"), "{text}");
    assert!(text.contains("ecdsa-with-SHA256"), "{text}");
    assert!(text.contains("Attributes:\n            (none)"), "{text}");
    let subject = |request: &str| {
        let arguments = ["req", "-in", "r", "-noout", "-subject", "-nameopt", "oneline,show_type"];
        openssl::text(openssl::run(&arguments, &[("r", request.as_bytes())]))
    };
    assert_eq!(subject(&request), subject(&openssl::request(openssl::rsa_key(), openssl::SUBJECT, &[])));
}

#[test]
fn ids_that_cannot_be_a_common_name_share_one() {
    let long = "x".repeat(63);
    let kept = ["com.example.app", "a", "A-1_b.C", "com.example.app_alpha", &long, "localhost.app"];
    for id in kept {
        assert_eq!(common_name(id), id);
    }
    let too_long = "x".repeat(64);
    let far_too_long = "é".repeat(200);
    let replaced = [
        "",
        "a b",
        "a+b",
        "a/b",
        "../../etc/passwd",
        "com.example.größe",
        "app\n",
        "a@b",
        "a\0b",
        "localhost",
        "LocalHost",
        &too_long,
        &far_too_long,
    ];
    for id in replaced {
        assert_eq!(common_name(id), SHARED_COMMON_NAME, "{id:?}");
        // What the rule makes of an id is always something that a desktop signs.
        let request = PrivateKey::generate().unwrap().certificate_request(id).unwrap();
        assert_eq!(CertificateRequest::from_pem(&request).unwrap().common_name(), SHARED_COMMON_NAME);
    }
}
