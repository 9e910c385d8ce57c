//! Certificate requests that are to be granted.

use flipper_pki::PinnedCa;
use rcgen::PublicKeyData as _;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier as _;
use serde_json::json;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::BasicConstraints;

use crate::check::desktop::Entry;
use crate::check::desktop::identity::{Identity, certificate};
use crate::check::desktop::under_test::{DesktopUnderTest, Dial, Port};
use crate::check::outcome::{Stop, Verdict, excerpt, expect};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        "exchange/granted",
        "signCertificate is answered with the device id alone, once both files are in the destination",
        "secure docs; C++ client",
        granted,
    ),
    Entry::new(
        "exchange/certificate-fits",
        "device.crt is about the key of the request, and sonarCA.crt is the CA that has signed it",
        "secure docs; C++ client",
        certificate_fits,
    ),
    Entry::new(
        "exchange/any-path",
        "the path of the URL does not matter: the documentation has /sonar, the C++ client /",
        "client docs; C++ client",
        any_path,
    ),
    Entry::new(
        "exchange/plus-is-space",
        "a space may be written as + in the query, as the C++ client does it",
        "C++ client, FlipperURLSerializer.cpp",
        plus_is_space,
    ),
    Entry::new(
        "exchange/linux",
        "an app that says os=Linux is served: apps for Linux exist",
        "flipper#3058; this project",
        linux,
    ),
    Entry::new(
        "exchange/without-medium",
        "medium may be left out everywhere, and means FS_ACCESS",
        "client docs; desktop",
        without_medium,
    ),
    Entry::new("exchange/crlf", "the request may have CR LF line ends", "PEM, RFC 7468", crlf),
    Entry::new(
        "exchange/version-1-request",
        "the request may have version field 1 where PKCS#10 says 0: the C++ client writes it so",
        "C++ client, CertificateUtils.cpp",
        |cx| certified(cx, Identity::new()?.with_version_1()?),
    ),
    Entry::new("exchange/p-384", "a request of an ECDSA key on P-384", "desktop; this project", |cx| {
        certified(cx, Identity::of_kind(&rcgen::PKCS_ECDSA_P384_SHA384)?)
    }),
    Entry::new("exchange/ed25519", "a request of an Ed25519 key", "desktop; this project", |cx| {
        certified(cx, Identity::of_kind(&rcgen::PKCS_ED25519)?)
    }),
    Entry::new(
        "exchange/no-ca-is-made",
        "a request that asks to become a CA is refused, or gets a certificate that is none",
        "this project",
        no_ca_is_made,
    ),
    Entry::new(
        "exchange/several-on-one-connection",
        "one connection may ask several times",
        "desktop, ServerWebSocket",
        several,
    ),
    Entry::new("exchange/binary", "a request as a binary message is taken as text", "desktop, ServerWebSocket", binary),
    Entry::new("exchange/acknowledgement", "signCertificateAck has no answer", "C++ client", acknowledgement),
    Entry::new(
        "exchange/garbage-first",
        "what makes no sense does not spoil the connection: the next request is granted",
        "desktop, ServerWebSocket",
        garbage_first,
    ),
    Entry::new(
        "exchange/large-garbage",
        "a text of 1 MiB that makes no sense ends at most its own connection",
        "desktop 0.162 dies of it; this project",
        large_garbage,
    )
    .dangerous(),
    Entry::new(
        "exchange/handshake-byte-by-byte",
        "an app whose handshake arrives byte by byte is no attacker",
        "TCP; this project",
        byte_by_byte,
    ),
    Entry::new(
        "exchange/own-origin",
        "an Origin made of the desktop's own address is let in: official iOS apps send it",
        "iOS SDK (SocketRocket)",
        own_origin,
    ),
    Entry::new(
        "exchange/foreign-origin",
        "a web page of another origin is kept out: it could have files written",
        "this project",
        foreign_origin,
    ),
];

fn granted(cx: &mut DesktopUnderTest) -> Verdict {
    cx.enroll(Identity::new()?).map(drop)
}

fn certificate_fits(cx: &mut DesktopUnderTest) -> Verdict {
    let member = cx.enroll(Identity::new()?)?;
    let trust = PinnedCa::from_pem(member.certificates.ca_pem.as_bytes());
    let trust = trust.map_err(|error| Stop::failed("sonarCA.crt is a CA's certificate", error.to_string()))?;
    let der = certificate(&member.certificates.certificate_pem);
    let der = der.map_err(|error| Stop::failed("device.crt is a certificate", error))?;
    let verified = trust.verify_client_cert(&der, &[], UnixTime::now());
    verified.map_err(|error| Stop::failed("device.crt is an app's, and signed by sonarCA.crt", error.to_string()))?;
    let parsed =
        Certificate::from_der(&der).and_then(|parsed| parsed.tbs_certificate().subject_public_key_info().to_der());
    let key = parsed.map_err(|error| Stop::failed("device.crt is a certificate", error.to_string()))?;
    expect(
        key == member.identity.key.subject_public_key_info(),
        "device.crt is about the key of the request",
        "another key",
    )
}

/// An exchange whose certificates can be used: the session opens.
fn certified(cx: &mut DesktopUnderTest, identity: Identity) -> Verdict {
    let member = cx.enroll(identity)?;
    let name = cx.new_name();
    let query = DesktopUnderTest::session_query(&member, &name);
    cx.session_of(&member, &query)?.goes_on()
}

/// A request on a connection with this target, which must be granted.
fn granted_at(cx: &mut DesktopUnderTest, target: &str, dial: Dial) -> Verdict {
    let identity = Identity::new()?;
    let directory = cx.directory(&identity.csr)?;
    let mut talk = cx.open(Port::Insecure, target, dial)?;
    cx.granted(&mut talk, &DesktopUnderTest::request(&identity.csr, &directory)).map(drop)
}

fn any_path(cx: &mut DesktopUnderTest) -> Verdict {
    let target = cx.exchange_query().to_target();
    granted_at(cx, &format!("/sonar{}", target.trim_start_matches('/')), Dial::default())
}

fn plus_is_space(cx: &mut DesktopUnderTest) -> Verdict {
    let target = cx.exchange_query().to_target().replace("%20", "+");
    granted_at(cx, &target, Dial::default())
}

fn linux(cx: &mut DesktopUnderTest) -> Verdict {
    let mut query = cx.exchange_query();
    "Linux".clone_into(&mut query.os);
    granted_at(cx, &query.to_target(), Dial::default())
}

fn without_medium(cx: &mut DesktopUnderTest) -> Verdict {
    let mut query = cx.exchange_query();
    query.medium = None;
    let identity = Identity::new()?;
    let directory = cx.directory(&identity.csr)?;
    let mut talk = cx.open(Port::Insecure, &query.to_target(), Dial::default())?;
    let mut request = DesktopUnderTest::request(&identity.csr, &directory);
    without(&mut request, "medium");
    cx.granted(&mut talk, &request).map(drop)
}

fn crlf(cx: &mut DesktopUnderTest) -> Verdict {
    let mut identity = Identity::new()?;
    identity.csr = identity.csr.replace('\n', "\r\n");
    certified(cx, identity)
}

fn no_ca_is_made(cx: &mut DesktopUnderTest) -> Verdict {
    let identity = Identity::that_would_be_ca()?;
    let directory = cx.directory(&identity.csr)?;
    let mut talk = cx.exchange()?;
    let request = DesktopUnderTest::request(&identity.csr, &directory);
    cx.ask(&mut talk, &request)?;
    let answer = cx.answer(&mut talk)?;
    if answer.get("deviceId").is_none() {
        return Ok(());
    }
    let (_, certificates) = cx.delivered(&answer, &request)?;
    let der = certificate(&certificates.certificate_pem).map_err(|error| Stop::failed("a certificate", error))?;
    let parsed = Certificate::from_der(&der).map_err(|error| Stop::failed("a certificate", error.to_string()))?;
    let constraints = parsed.tbs_certificate().get_extension::<BasicConstraints>();
    let is_ca =
        constraints.map_err(|error| Stop::failed("a certificate", error.to_string()))?.is_some_and(|(_, it)| it.ca);
    expect(!is_ca, "a certificate that is no CA's", "a CA's certificate")
}

fn several(cx: &mut DesktopUnderTest) -> Verdict {
    let mut talk = cx.exchange()?;
    for _ in 0..3 {
        let identity = Identity::new()?;
        let directory = cx.directory(&identity.csr)?;
        cx.granted(&mut talk, &DesktopUnderTest::request(&identity.csr, &directory))?;
    }
    Ok(())
}

fn binary(cx: &mut DesktopUnderTest) -> Verdict {
    let identity = Identity::new()?;
    let directory = cx.directory(&identity.csr)?;
    let mut talk = cx.exchange()?;
    let request = DesktopUnderTest::request(&identity.csr, &directory);
    cx.pause();
    let sent = talk.send_binary(request.to_string().as_bytes());
    sent.map_err(|end| Stop::failed("the desktop takes requests", end.to_string()))?;
    let answer = cx.answer(&mut talk)?;
    cx.delivered(&answer, &request).map(drop)
}

fn acknowledgement(cx: &mut DesktopUnderTest) -> Verdict {
    let mut talk = cx.exchange()?;
    let acknowledgement = json!({
        "method": "signCertificateAck", "isError": false, "hasRequiredFiles": true,
        "config": {"deviceId": "", "medium": 1}, "logs": ["1700000000000:info:done"],
    });
    let sent = talk.send(&acknowledgement.to_string());
    sent.map_err(|end| Stop::failed("the connection goes on", end.to_string()))?;
    let identity = Identity::new()?;
    let directory = cx.directory(&identity.csr)?;
    // The answer to this is the first that comes.
    cx.granted(&mut talk, &DesktopUnderTest::request(&identity.csr, &directory)).map(drop)
}

fn garbage_first(cx: &mut DesktopUnderTest) -> Verdict {
    let mut talk = cx.exchange()?;
    for garbage in ["no JSON", "null", "5", "[]", "{}", r#"{"method":"fly"}"#] {
        let sent = talk.send(garbage);
        sent.map_err(|end| Stop::failed("the connection goes on", format!("after {garbage:?}: {end}")))?;
    }
    let identity = Identity::new()?;
    let directory = cx.directory(&identity.csr)?;
    let request = DesktopUnderTest::request(&identity.csr, &directory);
    cx.ask(&mut talk, &request)?;
    // A desktop may complain about what was no request.
    for _ in 0..7 {
        let answer = cx.answer(&mut talk)?;
        if answer.get("deviceId").is_some() {
            return cx.delivered(&answer, &request).map(drop);
        }
        expect(answer.get("error").is_some() || answer == json!({}), "refusals", excerpt(&answer.to_string()))?;
    }
    Err(Stop::failed("the request is granted in the end", "more refusals than there was garbage"))
}

fn large_garbage(cx: &mut DesktopUnderTest) -> Verdict {
    let mut talk = cx.exchange()?;
    // It may be cut off.
    let _ = talk.send(&"x".repeat(1 << 20));
    cx.enroll(Identity::new()?).map(drop)
}

fn byte_by_byte(cx: &mut DesktopUnderTest) -> Verdict {
    let target = cx.exchange_query().to_target();
    granted_at(cx, &target, Dial { byte_by_byte: true, ..Dial::default() })
}

fn own_origin(cx: &mut DesktopUnderTest) -> Verdict {
    let origin = cx.own_origin(Port::Insecure);
    let target = cx.exchange_query().to_target();
    granted_at(cx, &target, Dial { origin: Some(origin), ..Dial::default() })
}

fn foreign_origin(cx: &mut DesktopUnderTest) -> Verdict {
    let target = cx.exchange_query().to_target();
    cx.refuses(Port::Insecure, &target, Dial { origin: Some("http://evil.example".into()), ..Dial::default() })
}

pub(super) fn without(request: &mut serde_json::Value, field: &str) {
    if let Some(fields) = request.as_object_mut() {
        fields.remove(field);
    }
}
