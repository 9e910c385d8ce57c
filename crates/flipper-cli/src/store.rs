//! Places that certificates of medium WWW are left in.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use flipper_desktop::{DirectoryUploader, HttpUploader};
use flipper_tokio::{DirectoryProvider, HttpProvider};

/// A directory or a URL.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Directory(PathBuf),
    /// As [`HttpPlace`](flipper_desktop::HttpPlace) has it.
    Url(String),
}

impl FromStr for Store {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_url = ["http://", "https://"]
            .iter()
            .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
        Ok(if is_url { Self::Url(text.to_owned()) } else { Self::Directory(text.into()) })
    }
}

impl Store {
    /// Has the desktop upload there.
    pub(crate) fn upload(self, desktop: flipper_desktop::Builder) -> flipper_desktop::Builder {
        match self {
            Self::Directory(directory) => desktop.certificate_uploader(DirectoryUploader::new(directory)),
            Self::Url(url) => desktop.certificate_uploader(HttpUploader::new(url)),
        }
    }

    /// Has the app look there.
    pub(crate) fn provide(self, app: flipper_tokio::Builder) -> flipper_tokio::Builder {
        match self {
            Self::Directory(directory) => app.certificate_provider(DirectoryProvider::new(directory)),
            Self::Url(url) => app.certificate_provider(HttpProvider::new(url)),
        }
    }
}
