//! Every adapter pairs.

use flipper_desktop::Desktop;
use tempfile::tempdir;

use super::rig::Rig;

async fn rig() -> Rig {
    Rig::start(Desktop::builder().any_ports().in_memory_authority()).await
}

#[tokio::test]
async fn an_app_on_threads_is_paired_by_its_link() {
    let mut rig = rig().await;
    let dir = tempdir().unwrap();
    let builder = flipper_blocking::Flipper::builder("Elsewhere", super::rig::APP_ID)
        .pairing(rig.link())
        .directory(dir.path())
        .plugin(flipper_demo::example());
    let app = builder.start().unwrap();
    rig.answers().await;
    app.stop();
}

#[tokio::test]
async fn an_app_on_smol_is_paired_by_its_link() {
    let mut rig = rig().await;
    let dir = tempdir().unwrap();
    let builder = flipper_smol::Flipper::builder("Elsewhere", super::rig::APP_ID)
        .pairing(rig.link())
        .directory(dir.path())
        .plugin(flipper_demo::example());
    let app = builder.start().unwrap();
    rig.answers().await;
    app.stop().await;
}
