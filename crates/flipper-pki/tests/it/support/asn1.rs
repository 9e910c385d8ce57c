//! DER by hand, for certificates and requests that no tool agrees to make.

use crate::support::openssl;

/// One element: tag, length, content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(u8::try_from(short).unwrap()),
        long => {
            let bytes = long.to_be_bytes();
            let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap()..];
            out.push(0x80 | u8::try_from(bytes.len()).unwrap());
            out.extend(bytes);
        }
    }
    out.extend(content);
    out
}

pub(crate) const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const EXTENSIONS: u8 = 0xa3;

/// Where these stand in the signed part of a certificate of version 3.
const ALGORITHM: usize = 2;
const VALIDITY: usize = 4;

/// The elements that `content` is made of, each with its tag and length.
pub(crate) fn elements(mut content: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    while !content.is_empty() {
        let (whole, _, rest) = split(content);
        out.push(whole);
        content = rest;
    }
    out
}

/// The content of an element.
pub(crate) fn content(element: &[u8]) -> &[u8] {
    split(element).1
}

fn split(input: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (header, length) = match input[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            let length = input[2..2 + count].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (2 + count, length)
        }
    };
    let end = header + length;
    (&input[..end], &input[header..end], &input[end..])
}

/// The same request with this number in its version field, signed anew.
pub(crate) fn request_of_version(csr_pem: &str, version: u8, key_pem: &str) -> String {
    let der = openssl::der(csr_pem);
    let parts = elements(content(&der));
    let mut info = elements(content(parts[0]));
    let version = element(INTEGER, &[version]);
    info[0] = &version;
    let signed = signed(&element(SEQUENCE, &info.concat()), parts[1], key_pem);
    openssl::pem("CERTIFICATE REQUEST", &signed)
}

/// Whether a certificate says nothing about its version, which means version 1.
pub(crate) fn is_version_1(certificate: &[u8]) -> bool {
    elements(content(elements(content(certificate))[0]))[0][0] != VERSION
}

/// The same certificate without its version, which makes it one of version 1, extensions and all.
pub(crate) fn certificate_without_version(certificate_pem: &str, ca_key_pem: &str) -> Vec<u8> {
    let der = openssl::der(certificate_pem);
    let parts = elements(content(&der));
    let mut fields = elements(content(parts[0]));
    assert_eq!(fields.remove(0)[0], VERSION, "the certificate is of version 1 already");
    signed(&element(SEQUENCE, &fields.concat()), parts[1], ca_key_pem)
}

/// The same certificate with its last extension once more.
pub(crate) fn certificate_with_an_extension_twice(certificate_pem: &str, ca_key_pem: &str) -> Vec<u8> {
    let der = openssl::der(certificate_pem);
    let parts = elements(content(&der));
    let mut fields = elements(content(parts[0]));
    let extensions = fields.pop().unwrap();
    assert_eq!(extensions[0], EXTENSIONS);
    let mut list = elements(content(content(extensions)));
    list.push(list.last().unwrap());
    let extensions = element(EXTENSIONS, &element(SEQUENCE, &list.concat()));
    fields.push(&extensions);
    signed(&element(SEQUENCE, &fields.concat()), parts[1], ca_key_pem)
}

/// The same certificate with an end of its validity that is a year later, and so not signed any more.
pub(crate) fn certificate_with_a_later_end(certificate_pem: &str) -> Vec<u8> {
    let der = openssl::der(certificate_pem);
    let mut parts = elements(content(&der));
    let mut fields = elements(content(parts[0]));
    let times = elements(content(fields[VALIDITY]));
    let (year, rest) = content(times[1]).split_at(2);
    let year: u8 = std::str::from_utf8(year).unwrap().parse().unwrap();
    let end = element(UTC_TIME, &[format!("{:02}", year + 1).as_bytes(), rest].concat());
    let validity = element(SEQUENCE, &[times[0], &end].concat());
    fields[VALIDITY] = &validity;
    let tbs = element(SEQUENCE, &fields.concat());
    parts[0] = &tbs;
    element(SEQUENCE, &parts.concat())
}

/// The same certificate, in which the signed part names another signature algorithm than the rest.
pub(crate) fn certificate_of_two_minds(certificate_pem: &str, ca_key_pem: &str) -> Vec<u8> {
    let der = openssl::der(certificate_pem);
    let parts = elements(content(&der));
    let mut fields = elements(content(parts[0]));
    assert_eq!(fields[ALGORITHM], parts[1]);
    let mut algorithm = fields[ALGORITHM].to_vec();
    // sha256WithRSAEncryption becomes sha384WithRSAEncryption.
    let at = algorithm.windows(3).position(|window| window == [1, 1, 11]).unwrap();
    algorithm[at + 2] = 12;
    fields[ALGORITHM] = &algorithm;
    signed(&element(SEQUENCE, &fields.concat()), parts[1], ca_key_pem)
}

/// A signed object, with the signature made by OpenSSL (SHA-256).
fn signed(message: &[u8], algorithm: &[u8], key_pem: &str) -> Vec<u8> {
    let signature = openssl::sign(message, key_pem);
    let signature = element(BIT_STRING, &[&[0], &*signature].concat());
    element(SEQUENCE, &[message, algorithm, &signature].concat())
}
