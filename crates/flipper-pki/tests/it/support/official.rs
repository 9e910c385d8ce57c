//! What the official desktop does with OpenSSL, and variations of it.

use std::sync::LazyLock;

use crate::support::asn1;
use crate::support::openssl;

/// A CA, as the official desktop makes it: RSA 2048, 30 days.
pub(crate) struct Ca {
    pub(crate) key: String,
    pub(crate) certificate: String,
}

pub(crate) const SUBJECT: &str = "/C=US/ST=CA/L=Menlo Park/O=Sonar/CN=SonarCA";

impl Ca {
    /// The CA of most tests.
    pub(crate) fn shared() -> &'static Self {
        static CA: LazyLock<Ca> = LazyLock::new(|| Ca::new(&openssl::key(openssl::Kind::Rsa(2048)), 30));
        &CA
    }

    /// Another CA of the same name.
    pub(crate) fn other() -> &'static Self {
        static CA: LazyLock<Ca> = LazyLock::new(|| Ca::new(&openssl::key(openssl::Kind::Rsa(2048)), 30));
        &CA
    }

    pub(crate) fn new(key: &str, days: u32) -> Self {
        Self::with(key, days, &[])
    }

    pub(crate) fn with(key: &str, days: u32, more: &[&str]) -> Self {
        let days = days.to_string();
        let arguments = [&["req", "-x509", "-new", "-key", "k", "-subj", SUBJECT, "-days", &days], more].concat();
        let certificate = openssl::text(openssl::run(&arguments, &[("k", key.as_bytes())]));
        Self { key: key.to_owned(), certificate }
    }

    /// The desktop's own certificate: X.509 version 1, CN=localhost, 30 days.
    pub(crate) fn server(&self, key: &str) -> String {
        self.issue(key, "/CN=localhost", "", 30)
    }

    /// An app's certificate: X.509 version 1, the subject of the request, 30 days.
    pub(crate) fn sign(&self, csr_pem: &str) -> String {
        self.issue_for(csr_pem, "", 30)
    }

    /// A certificate with these extensions, in the syntax of OpenSSL's configuration; of version 1 if
    /// there are none.
    pub(crate) fn issue(&self, key: &str, subject: &str, extensions: &str, days: u32) -> String {
        self.issue_for(&openssl::request(key, subject, &[]), extensions, days)
    }

    fn issue_for(&self, csr_pem: &str, extensions: &str, days: u32) -> String {
        let days = days.to_string();
        let mut arguments = vec!["x509", "-req", "-in", "csr", "-CA", "ca", "-CAkey", "key", "-CAcreateserial"];
        arguments.extend(["-sha256", "-days", &days]);
        if !extensions.is_empty() {
            arguments.extend(["-extfile", "ext"]);
        }
        let files: [(&str, &[u8]); 4] = [
            ("csr", csr_pem.as_bytes()),
            ("ca", self.certificate.as_bytes()),
            ("key", self.key.as_bytes()),
            ("ext", extensions.as_bytes()),
        ];
        let certificate = openssl::text(openssl::run(&arguments, &files));
        let is_v1 = asn1::is_version_1(&openssl::der(&certificate));
        assert_eq!(is_v1, extensions.is_empty(), "this OpenSSL issues another version");
        certificate
    }
}
