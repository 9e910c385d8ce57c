//! The little of ASN.1 and PEM that certificates nobody else makes are put together from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_cert::der::{self, Encode as _, Header, Length, Tag};

/// A SEQUENCE of what is encoded already.
pub(super) fn sequence(parts: &[&[u8]]) -> der::Result<Vec<u8>> {
    let content = parts.concat();
    let mut encoded = Header::new(Tag::Sequence, Length::try_from(content.len())?).to_der()?;
    encoded.extend(content);
    Ok(encoded)
}

/// One section of PEM, with LF line ends.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut lines = String::new();
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        lines.push_str(line);
        lines.push('\n');
        rest = more;
    }
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}
