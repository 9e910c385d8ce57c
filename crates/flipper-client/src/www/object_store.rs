//! Certificates in an object store.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use flipper_proto::Excerpt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::{Builder, Runtime};

use super::{CertificateProvider, Certificates, FetchError, MAX_SIZE, PlaceError, object_name};

/// Fetches certificates from any store that the crate `object_store` knows, where the desktop's `ObjectStoreUploader`
/// puts them.
#[derive(Clone, Debug)]
pub struct ObjectStoreProvider(ObjectPlace);

impl ObjectStoreProvider {
    /// Certificates lie at this place.
    #[must_use]
    pub fn new(place: ObjectPlace) -> Self {
        Self(place)
    }
}

impl CertificateProvider for ObjectStoreProvider {
    fn fetch(&self, device_id: &str) -> Result<Certificates, FetchError> {
        let name = object_name(device_id)?;
        Certificates::from_uploaded(&self.0.get(&name)?, &self.0.shown(&name))
    }
}

/// A place in an object store that is read and written by code that may block.
///
/// It has a small runtime of its own. Its store should not be used from any other one: connections that it keeps belong
/// to the runtime that opened them. A request takes 18 seconds at most, whatever the store's own settings say.
#[derive(Clone)]
pub struct ObjectPlace(Arc<Place>);

struct Place {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// There until it is dropped.
    runtime: Option<Runtime>,
}

/// It is over before an app stops waiting for its certificate.
const PATIENCE: Duration = Duration::from_secs(18);

impl ObjectPlace {
    /// What is below this prefix in the store.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("flipper-store").enable_all().build()?;
        Ok(Self(Arc::new(Place { store, prefix: Path::from(prefix), runtime: Some(runtime) })))
    }

    /// Reads what has this name there.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn get(&self, name: &str) -> Result<Vec<u8>, PlaceError> {
        let found = self.wait(name, async {
            let found = self.0.store.get(&self.path(name)).await?;
            if found.meta.size > MAX_SIZE { Ok(None) } else { found.bytes().await.map(Some) }
        })?;
        let found = found.filter(|bytes| u64::try_from(bytes.len()).is_ok_and(|size| size <= MAX_SIZE));
        found.map(Vec::from).ok_or_else(|| PlaceError::TooLarge { place: Excerpt::new(&self.shown(name)) })
    }

    /// Writes what is to have this name there.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn put(&self, name: &str, content: &[u8]) -> Result<(), PlaceError> {
        self.wait(name, async { self.0.store.put(&self.path(name), content.to_vec().into()).await.map(drop) })
    }

    fn wait<T>(&self, name: &str, request: impl Future<Output = object_store::Result<T>>) -> Result<T, PlaceError> {
        let failed = |why: &str| PlaceError::Unreachable {
            place: Excerpt::new(&self.shown(name)),
            why: Excerpt::new(&without_queries(why)),
        };
        let Some(runtime) = &self.0.runtime else { return Err(failed("it is being given up")) };
        let done = runtime.block_on(async { tokio::time::timeout(PATIENCE, request).await });
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(object_store::Error::NotFound { .. })) => {
                Err(PlaceError::Missing { place: Excerpt::new(&self.shown(name)) })
            }
            Ok(Err(error)) => Err(failed(&error.to_string())),
            Err(_) => Err(failed(&format!("it did not answer within {} s", PATIENCE.as_secs()))),
        }
    }

    fn path(&self, name: &str) -> Path {
        self.0.prefix.clone().join(name)
    }

    fn shown(&self, name: &str) -> String {
        format!("{}/{}", self.0.store, self.path(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Where this is dropped, blocking may not be allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Stores put URLs into their errors, and some put a signature into their URLs.
fn without_queries(text: &str) -> String {
    let word = |word: &str| match word.split_once('?') {
        Some((before, _)) if before.contains("://") => format!("{before}?…"),
        _ => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

impl fmt::Debug for ObjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectPlace").field(&format_args!("{}/{}", self.0.store, self.0.prefix)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_not_shown() {
        let text = "Error performing GET https://a.example/b?sig=secret in 1 ms - is it on?";
        assert_eq!(without_queries(text), "Error performing GET https://a.example/b?… in 1 ms - is it on?");
    }
}
