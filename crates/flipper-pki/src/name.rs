//! Names in certificates: who may be called what.

use rcgen::string::PrintableString;
use rcgen::{DistinguishedName, DnType, DnValue};

/// The common name that apps share whose id cannot stand in a certificate: `com.flipper`.
///
/// It identifies nobody: a desktop must not compare it with the `app_id` of a connection. (Official
/// C++ client, `CertificateUtils.cpp`.)
pub const SHARED_COMMON_NAME: &str = "com.flipper";

/// The longest common name, in characters: X.520's `ub-common-name`.
const MAX_COMMON_NAME: usize = 64;

/// The common name of an app's certificate: its id where that can be one, else
/// [`SHARED_COMMON_NAME`].
///
/// Both sides use this one rule: the app for its certificate request, the desktop to compare the
/// certificate with the `app_id` of the query. An id can be a common name if it
/// - has at most 63 bytes: the official client replaces ids from 64 bytes on, although 64 would fit;
/// - matches `^[A-Za-z0-9_.-]+$`: the official desktop refuses every other name ("Disallowed app name
///   in CSR"), so the exchange of an app called `a+b` would fail for ever. What remains is ASCII, so
///   it makes no difference whether bytes or characters are counted;
/// - is not `localhost` in any case of letters, which is the name of the desktop's own certificate.
///
/// ```
/// # use flipper_pki::common_name;
/// assert_eq!(common_name("com.example.app_1-a"), "com.example.app_1-a");
/// assert_eq!(common_name("com.example.größe"), "com.flipper");
/// assert_eq!(common_name(&"x".repeat(64)), "com.flipper");
/// ```
#[must_use]
pub fn common_name(app_id: &str) -> &str {
    if app_id.len() < MAX_COMMON_NAME && is_allowed(app_id) && !is_reserved(app_id) {
        app_id
    } else {
        SHARED_COMMON_NAME
    }
}

/// Whether a certificate may be issued to this name, as far as its characters go.
pub(crate) fn is_allowed(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=MAX_COMMON_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

/// Whether the name is that of the desktop itself.
///
/// The official desktop's certificates are v1 and have no role, so the name is all that keeps an app
/// from posing as the desktop. Names of hosts ignore case.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.eq_ignore_ascii_case(SERVER)
}

/// The common name of the desktop's own certificate.
pub(crate) const SERVER: &str = "localhost";

/// The subject of an app's certificate: `C=US, ST=CA, L=Menlo Park, O=Flipper, CN=…`.
pub(crate) fn app_subject(common_name: &str) -> DistinguishedName {
    subject("Flipper", common_name)
}

/// The subject of the CA, the same as the official one's, byte for byte.
pub(crate) fn ca_subject() -> DistinguishedName {
    subject("Sonar", "SonarCA")
}

/// The subject of the desktop's certificate: `CN=localhost`, nothing else.
pub(crate) fn server_subject() -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, SERVER);
    name
}

fn subject(organization: &str, common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // A country is a PrintableString by definition; the rest is UTF8String, as OpenSSL writes it.
    let country = PrintableString::try_from("US");
    name.push(DnType::CountryName, country.map_or("US".into(), DnValue::PrintableString));
    name.push(DnType::StateOrProvinceName, "CA");
    name.push(DnType::LocalityName, "Menlo Park");
    name.push(DnType::OrganizationName, organization);
    name.push(DnType::CommonName, common_name);
    name
}
