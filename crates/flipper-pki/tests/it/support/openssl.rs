//! The `openssl` command.

use std::process::Command;
use std::sync::LazyLock;

use base64::Engine as _;
use rustls_pki_types::pem::{PemObject, SectionKind};

use crate::support::temp;

/// Runs `openssl` in a directory with these files, and returns what it wrote to its standard output.
pub(crate) fn run(arguments: &[&str], files: &[(&str, &[u8])]) -> Vec<u8> {
    try_run(arguments, files).unwrap_or_else(|error| panic!("openssl {arguments:?}: {error}"))
}

/// [`run`] where failure is worth a look: what OpenSSL said.
pub(crate) fn try_run(arguments: &[&str], files: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
    let dir = temp::dir();
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(dir.path())
        .output()
        .expect("these tests need the openssl command, version 3");
    if output.status.success() {
        Ok(output.stdout)
    } else {
        let said = [output.stdout, output.stderr].concat();
        Err(String::from_utf8_lossy(&said).into_owned())
    }
}

/// A kind of key, as `openssl genpkey` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsa(u16),
    Ec(&'static str),
    Ed25519,
}

pub(crate) const P256: Kind = Kind::Ec("P-256");
pub(crate) const P384: Kind = Kind::Ec("P-384");
pub(crate) const P521: Kind = Kind::Ec("P-521");

/// A new private key, PKCS#8.
pub(crate) fn key(kind: Kind) -> String {
    let option = match kind {
        Kind::Rsa(bits) => format!("rsa_keygen_bits:{bits}"),
        Kind::Ec(curve) => format!("ec_paramgen_curve:{curve}"),
        Kind::Ed25519 => String::new(),
    };
    let mut arguments = vec!["genpkey", "-quiet", "-algorithm"];
    match kind {
        Kind::Rsa(_) => arguments.extend(["RSA", "-pkeyopt", &option]),
        Kind::Ec(_) => arguments.extend(["EC", "-pkeyopt", &option]),
        Kind::Ed25519 => arguments.push("ED25519"),
    }
    arguments.retain(|argument| *argument != "-quiet");
    text(run(&arguments, &[]))
}

/// An RSA key of 2048 bits, which takes long to make and so is the same for all tests.
pub(crate) fn rsa_key() -> &'static str {
    static KEY: LazyLock<String> = LazyLock::new(|| key(Kind::Rsa(2048)));
    &KEY
}

/// Another one.
pub(crate) fn other_rsa_key() -> &'static str {
    static KEY: LazyLock<String> = LazyLock::new(|| key(Kind::Rsa(2048)));
    &KEY
}

/// The subject that the official clients ask for.
pub(crate) const SUBJECT: &str = "/C=US/ST=CA/L=Menlo Park/O=Flipper/CN=com.example.bench";

/// A certificate request.
pub(crate) fn request(key_pem: &str, subject: &str, more: &[&str]) -> String {
    let arguments = [&["req", "-new", "-utf8", "-key", "k.pem", "-subj", subject], more].concat();
    text(run(&arguments, &[("k.pem", key_pem.as_bytes())]))
}

/// The public half of a key, as a DER `SubjectPublicKeyInfo`.
pub(crate) fn public_key(key_pem: &str) -> Vec<u8> {
    run(&["pkey", "-in", "k.pem", "-pubout", "-outform", "DER"], &[("k.pem", key_pem.as_bytes())])
}

/// A signature with SHA-256.
pub(crate) fn sign(message: &[u8], key_pem: &str) -> Vec<u8> {
    let files: [(&str, &[u8]); 2] = [("k.pem", key_pem.as_bytes()), ("message", message)];
    run(&["dgst", "-sha256", "-sign", "k.pem", "message"], &files)
}

/// What `openssl x509 -text` says about a certificate.
pub(crate) fn describe(certificate_pem: &str) -> String {
    let arguments = ["x509", "-in", "c.pem", "-noout", "-text", "-nameopt", "RFC2253,sep_comma_plus_space"];
    text(run(&arguments, &[("c.pem", certificate_pem.as_bytes())]))
}

/// The content of the first PEM section, whatever it is.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    let (_kind, der): (SectionKind, Vec<u8>) = PemObject::from_pem_slice(pem.as_bytes()).unwrap();
    der
}

/// A PEM section.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
