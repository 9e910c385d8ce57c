//! A directory in which an app's credentials lie, or something else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use flipper_pki::PrivateKey;
use flipper_proto::Generation;

use crate::certificates::{Judged, authority};

/// The files of one generation, in this order in [`Files`].
pub const NAMES: [&str; 5] = ["app.csr", "privateKey.pem", "sonarCA.crt", "device.crt", "connection_config.json"];

/// What lies where a file should.
#[derive(Arbitrary, Clone, Debug)]
pub enum Content {
    Missing,
    /// What belongs there, of one of two exchanges, which do not fit each other.
    Good(bool),
    /// The same with changed bytes.
    Damaged(bool, Vec<(u16, u8)>),
    /// The same, cut off.
    Cut(bool, u16),
    Anything(Vec<u8>),
    TooLarge,
    Directory,
}

/// What lies in the store's directory: the files of an official client, the pointer, and folders of generations.
#[derive(Arbitrary, Debug)]
pub struct Layout {
    pub flat: Option<Files>,
    pub pointer: Pointer,
    #[arbitrary(with = few)]
    pub generations: Vec<(Number, Files)>,
}

pub type Files = [Content; 5];

#[derive(Arbitrary, Debug)]
pub enum Pointer {
    Missing,
    To(Number),
    Anything(Vec<u8>),
    Directory,
}

/// The number of a generation, small more often than not, so that pointers meet folders.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Number {
    Small(u8),
    Any(u64),
}

impl Number {
    pub fn get(self) -> u64 {
        match self {
            Self::Small(number) => u64::from(number % 4),
            Self::Any(number) => number,
        }
    }
}

fn few(input: &mut Unstructured<'_>) -> arbitrary::Result<Vec<(Number, Files)>> {
    let count = input.int_in_range(0..=3)?;
    (0..count).map(|_| Arbitrary::arbitrary(input)).collect()
}

impl Layout {
    pub fn write(&self, dir: &Path) {
        if let Some(files) = &self.flat {
            write_files(dir, files);
        }
        for (number, files) in &self.generations {
            let folder = dir.join(number.get().to_string());
            // Two may have one number; the later one then adds to the earlier.
            fs::create_dir_all(&folder).expect("a folder in a temporary directory");
            write_files(&folder, files);
        }
        let pointer = dir.join("current");
        match &self.pointer {
            Pointer::Missing => {}
            Pointer::To(number) => put(&pointer, format!("{}\n", number.get()).as_bytes()),
            Pointer::Anything(bytes) => put(&pointer, bytes),
            Pointer::Directory => fs::create_dir(&pointer).expect("a folder in a temporary directory"),
        }
    }
}

fn write_files(folder: &Path, files: &Files) {
    for (at, content) in files.iter().enumerate() {
        let path = folder.join(NAMES[at]);
        let good = |which: &bool| EXCHANGES[usize::from(*which)][at].clone().into_bytes();
        let bytes = match content {
            Content::Missing => continue,
            Content::Directory => {
                let _there_already = fs::create_dir(&path);
                continue;
            }
            Content::Good(which) => good(which),
            Content::Damaged(which, changes) => {
                let mut bytes = good(which);
                for (place, byte) in changes {
                    let place = usize::from(*place) % bytes.len();
                    bytes[place] = *byte;
                }
                bytes
            }
            Content::Cut(which, length) => {
                let mut bytes = good(which);
                bytes.truncate(usize::from(*length) % bytes.len());
                bytes
            }
            Content::Anything(bytes) => bytes.clone(),
            Content::TooLarge => vec![b' '; 64 * 1024 + 1],
        };
        put(&path, &bytes);
    }
}

/// Writes a file, unless a folder is in its place.
fn put(path: &Path, bytes: &[u8]) {
    let _directory = fs::write(path, bytes);
}

/// The five files of two exchanges.
static EXCHANGES: LazyLock<[[String; 5]; 2]> = LazyLock::new(|| [exchange(""), exchange("emulator-5554")]);

fn exchange(device_id: &str) -> [String; 5] {
    let key = PrivateKey::generate().expect("random numbers");
    let csr = key.certificate_request("com.example.app").expect("random numbers");
    let signed = authority().sign(&csr, device_id).expect("a good request is signed");
    let config = format!(r#"{{"deviceId":"{device_id}","medium":1}}"#);
    [csr, key.to_pem(), signed.ca_pem, signed.certificate_pem, config]
}

/// Every file and folder in a directory; a folder has no content.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.append(&mut snapshot(&path));
            found.insert(path, None);
        } else {
            let content = fs::read(&path).expect("a file");
            found.insert(path, Some(content));
        }
    }
    found
}

/// Credentials that are handed out must be what lies in their folder, and fit each other.
pub fn assert_fit(credentials: &flipper_pki::Credentials, dir: &Path) {
    let folder = match credentials.generation {
        flat if flat == Generation::from_u64(0) => dir.to_owned(),
        numbered => dir.join(numbered.as_u64().to_string()),
    };
    let [csr, key, ca, certificate, _] = NAMES.map(|name| fs::read(folder.join(name)).unwrap_or_default());
    assert_eq!(credentials.csr_pem.as_bytes(), csr);
    assert!(credentials.csr_path.ends_with('/') && Path::new(&credentials.csr_path) == folder);
    assert!(credentials.not_before < credentials.not_after, "{credentials:?}");
    let key = PrivateKey::from_pem(&key).expect("a key");
    let (certificate, ca) = (Judged::from_pem(&certificate), Judged::from_pem(&ca));
    assert_eq!(certificate.key(), *key.public_key(), "a certificate of another key");
    assert_ne!(ca.key(), *key.public_key(), "the app's own key as its CA's");
    assert!(certificate.is_issued_by(&ca), "a certificate of another CA");
    let _usable = flipper_pki::client_config(credentials);
}
