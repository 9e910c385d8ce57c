//! The official page on our desktop.

#![cfg(unix)]

use flipper_conformance::Result;
use flipper_conformance::desktops::Hosted;
use flipper_conformance::official::OfficialPage;
use flipper_tokio as _;

#[test]
fn it_opens() -> Result {
    let Some(desktop) = Hosted::start_unless_skipped(true)? else { return Ok(()) };
    let page = OfficialPage::open(&desktop)?;
    println!("{}", page.text("body")?);
    println!("{:#?}", page.complaints()?);
    page.picture(std::path::Path::new("/tmp/host-page.png"))?;
    Ok(())
}
