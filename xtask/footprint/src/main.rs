//! A server that says hello, on the runtime that is chosen as a feature, with Flipper or without.

use std::io;

#[cfg(feature = "tokio")]
#[tokio::main]
async fn main() -> io::Result<()> {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt as _;

    #[cfg(feature = "tokio-flipper")]
    let _flipper = flipper_tokio::init("Footprint");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    loop {
        let (mut peer, _) = listener.accept().await?;
        tokio::spawn(async move {
            let hello = peer.write_all(b"hello\n");
            tokio::time::timeout(Duration::from_secs(1), hello).await
        });
    }
}

#[cfg(feature = "smol")]
fn main() -> io::Result<()> {
    use std::time::Duration;

    use smol::future::FutureExt as _;
    use smol::io::AsyncWriteExt as _;

    #[cfg(feature = "smol-flipper")]
    let _flipper = flipper_smol::init("Footprint");
    smol::block_on(async {
        let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
        loop {
            let (mut peer, _) = listener.accept().await?;
            smol::spawn(async move {
                let late = async {
                    smol::Timer::after(Duration::from_secs(1)).await;
                    Ok(())
                };
                peer.write_all(b"hello\n").or(late).await
            })
            .detach();
        }
    })
}

#[cfg(feature = "threads")]
fn main() -> io::Result<()> {
    use std::io::Write as _;

    #[cfg(feature = "threads-flipper")]
    let _flipper = flipper_blocking::init("Footprint");
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    loop {
        let (mut peer, _) = listener.accept()?;
        std::thread::spawn(move || peer.write_all(b"hello\n"));
    }
}
