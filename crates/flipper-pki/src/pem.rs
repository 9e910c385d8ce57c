//! PEM, the text form of keys, requests and certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes one PEM section with LF line ends on every platform.
///
/// rcgen would write CRLF on Windows, where the official desktop's comparison of the request with
/// `app.csr` then depends on who normalised what.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = String::with_capacity(base64.len() + base64.len() / 64 + 2 * label.len() + 40);
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}
