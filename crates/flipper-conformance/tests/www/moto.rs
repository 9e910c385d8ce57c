//! Certificates by way of an S3-compatible server: moto, which `cargo xtask test` installs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use flipper_conformance::official::skips_this_test;
use flipper_desktop::proto::client::CredentialProblem;
use flipper_desktop::{DeliveryError, Event, ObjectPlace, ObjectStoreUploader};
use flipper_tokio::ObjectStoreProvider;
use object_store::ObjectStoreExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};

use super::rig::Rig;

/// moto's server. It ends with this.
struct Moto {
    process: Child,
    address: String,
}

impl Moto {
    fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python-peers/bin/moto_server");
        let mut process = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask test` installs it", program.display()));
        let told = BufReader::new(process.stderr.take().unwrap());
        let (tell, address) = mpsc::channel();
        // Read to the end: a process whose pipe is full stands still.
        thread::spawn(move || {
            for line in told.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("Running on http://") {
                    let _over = tell.send(address.trim().to_owned());
                }
            }
        });
        let address = address.recv_timeout(Duration::from_secs(60)).expect("moto says where it listens");
        Self { process, address }
    }

    fn make_bucket(&self, name: &str) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head =
            format!("PUT /{name} HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn store(&self, bucket: &str) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_endpoint(format!("http://{}", self.address))
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_bucket_name(bucket)
            .with_access_key_id("key")
            .with_secret_access_key("hidden")
            .build()
            .unwrap()
    }

    fn place(&self, bucket: &str) -> ObjectPlace {
        ObjectPlace::new(Arc::new(self.store(bucket)), "certificates").unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_store_serves_apps_that_share_nothing_else() {
    if skips_this_test().unwrap() {
        return;
    }
    // The store's HTTP client takes the process's own, even where it needs none.
    let _there_already = rustls::crypto::ring::default_provider().install_default();
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    moto.make_bucket("flipper");

    let mut rig = Rig::uploading(ObjectStoreUploader::new(moto.place("flipper"))).await;
    let app = rig.app(ObjectStoreProvider::new(moto.place("flipper")));
    rig.answers().await;
    app.flipper.stop().await;
    let path = object_store::path::Path::from(format!("certificates/{}", rig.name()));
    let kept = moto.store("flipper").get(&path).await.unwrap().bytes().await.unwrap();
    assert!(kept.starts_with(b"{\"ca\":\"-----BEGIN CERTIFICATE"), "{kept:?}");

    // The app looks into a bucket where somebody put the certificates of an earlier exchange.
    moto.make_bucket("stale");
    moto.store("stale").put(&path, kept.into()).await.unwrap();
    let mut app = rig.app(ObjectStoreProvider::new(moto.place("stale")));
    let failure = app.failure().await;
    assert_eq!(failure.kind, CredentialProblem::NotAuthentic, "{failure}");
    app.flipper.stop().await;

    moto.make_bucket("empty");
    let mut app = rig.app(ObjectStoreProvider::new(moto.place("empty")));
    let failure = app.failure().await;
    assert_eq!(failure.kind, CredentialProblem::Fetch);
    assert!(failure.text.contains("there is nothing at") && failure.text.contains(&rig.name()), "{failure}");
    app.flipper.stop().await;

    moto.make_bucket("large");
    moto.store("large").put(&path, vec![b'x'; (64 << 10) + 1].into()).await.unwrap();
    let mut app = rig.app(ObjectStoreProvider::new(moto.place("large")));
    let failure = app.failure().await;
    assert!(failure.text.contains("more than 65536 bytes"), "{failure}");
    app.flipper.stop().await;

    let mut rig = Rig::uploading(ObjectStoreUploader::new(moto.place("nowhere"))).await;
    let app = rig.app(ObjectStoreProvider::new(moto.place("nowhere")));
    let error = rig
        .event("the refusal", |event| match event {
            Event::CertificateRefused { error, .. } => Some(error),
            _ => None,
        })
        .await;
    assert!(matches!(&error, DeliveryError::Upload(_)) && !error.to_string().contains("hidden"), "{error}");
    app.flipper.stop().await;
}
