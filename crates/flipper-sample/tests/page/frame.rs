//! What is around the views: apps, those that do not get through, a desktop that comes and goes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use flipper_conformance::Result;
use flipper_conformance::page::Page;
use serde_json::json;
use tungstenite::Message;

use crate::scene::Scene;

pub(crate) fn apps(scene: &mut Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.see("nav li.app:has-text('Rust Shop'):has-text('Linux')")?;
    page.see("nav li.app a:has-text('Databases')")?;
    page.see("main h2:has-text('1 app connected')")?;
    let address = page.run("location.href")?;
    assert!(!address.to_string().contains("token"), "the token stays in no history: {address}");
    assert_eq!(page.barriers()?, Vec::<String>::new());
    assert_eq!(shop.get("products/5")?.0, 200);
    page.see("nav li.app li:has-text('Network') .count[title='1 event']")?;

    page.click("main .cards a:has-text('Rust Shop')")?;
    page.see("dd:has-text('com.example.shop')")?;
    page.see("dd:has-text('names this app and device')")?;
    page.see(".cards li:has-text('Network'):has-text('initialised, in the background')")?;
    scene.picture("app")?;

    // The list is used with the keyboard, and says where one is.
    let Scene { page, .. } = scene;
    page.press("nav li.app li a:has-text('Sandbox')", "Enter")?;
    page.see("nav a[aria-current=page]:has-text('Sandbox')")?;
    page.see("main h2:has-text('Sandbox')")?;
    let address = page.run("location.hash")?;
    page.go("#/")?;
    page.see("main h2:has-text('1 app connected')")?;
    page.go(address.as_str().ok_or("no address")?)?;
    page.see("main h2:has-text('Sandbox')")?;

    page.colours("dark")?;
    assert_eq!(page.barriers()?, Vec::<String>::new(), "in dark colours");
    page.colours("light")?;
    page.click("button[aria-label^='Colours']")?;
    page.click("button[aria-label^='Colours: light']")?;
    page.see("html[data-theme=dark]")?;
    page.reload()?;
    page.see("html[data-theme=dark]")?;
    page.see("main h2:has-text('Sandbox')")?;
    page.click("button[aria-label^='Colours: dark']")?;
    page.see("html[data-theme=auto]")?;

    // On a phone the list and the view take turns.
    page.window(390, 780)?;
    page.miss("nav")?;
    page.click("text=All apps")?;
    page.see("nav li.app:has-text('Rust Shop')")?;
    page.miss("main")?;
    assert_eq!(page.barriers()?, Vec::<String>::new(), "on a phone");
    page.window(1024, 640)?;
    page.see("main h2:has-text('1 app connected')")?;
    let widths = page.run("document.documentElement.scrollWidth <= innerWidth")?;
    assert_eq!(widths, true, "nothing is wider than the window");
    page.window(1280, 800)?;
    Ok(())
}

/// Whoever does not get through is shown with the cause and what to do, also to a page that comes later.
pub(crate) fn failures(scene: &mut Scene) -> Result {
    let Scene { page, desk, .. } = scene;
    let url = format!(
        "ws://localhost:{}/?os=Linux&device=box&device_id=box&app=Unlucky&sdk_version=4&medium=1",
        desk.insecure()
    );
    let (mut socket, _) = tungstenite::connect(url)?;
    let asks = json!({"method": "signCertificate", "csr": "none", "destination": "/nowhere", "medium": 1});
    socket.send(Message::text(asks.to_string()))?;
    socket.read()?;
    let refused =
        ".failed:has-text('Unlucky'):has-text('InvalidRequest'):has-text('What to do: send a PKCS#10 request')";
    page.see(refused)?;

    let mut plain = TcpStream::connect(("localhost", desk.secure()))?;
    plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    plain.read_to_end(&mut Vec::new())?;
    // Only then is it over.
    drop(plain);
    page.see(".failed:has-text('on the secure port'):has-text('see that the app has the right ports')")?;
    page.go("#/")?;
    page.reload()?;
    page.see(refused)?;
    scene.picture("failures")?;
    scene.page.click(".failed:has-text('Unlucky') button")?;
    scene.page.miss(refused)?;
    devices(&scene.page)
}

/// Devices whose apps cannot connect are among them, until they can.
fn devices(page: &Page) -> Result {
    let listed = page.run(
        "import('/page/failures.js').then(({Failures}) => {
            const failures = new Failures();
            const phone = (more) => ({id: 'a1', name: 'Pixel', os: 'Android', kind: 'physical', ...more});
            const tell = (event, device) => (failures.take({event, time: Date.now(), device}), failures.list().map(({hint}) => hint));
            failures.devices([phone({not_ready: 'unauthorized'}), {id: '', name: 'box', os: 'Linux'}]);
            return [
                failures.list().map(({text}) => text),
                tell('device-changed', phone({forwards: [{port: 9088}, {port: 9089, error: 'closed'}]})),
                tell('device-changed', phone({forwards: [{port: 9088}]})),
                tell('device-connected', phone({not_ready: 'offline'})),
                tell('device-disconnected', phone({})),
            ];
        })",
    )?;
    let wanted = json!([
        ["the device is unauthorized"],
        ["plug the device in again, or run `adb reconnect`"],
        [],
        ["wait until `adb devices` shows the device as `device`, or plug it in again"],
        [],
    ]);
    assert_eq!(listed, wanted);
    Ok(())
}

/// What was there stays, the page says that the desktop is gone, and what to do about the token, which is another one.
pub(crate) fn restart(scene: &mut Scene) -> Result {
    scene.page.go("#/")?;
    scene.desk.stop();
    scene.page.see("[role=alert]:has-text('The desktop is gone')")?;
    scene.page.see("nav li.app:has-text('Rust Shop'):has-text('gone')")?;
    let directory = scene.files.path().join("desktop");
    scene.desk.run(&directory)?;
    scene.page.see("[role=alert]:has-text('The desktop asks for its token')")?;
    scene.page.fill("#token", "wrong")?;
    scene.page.press("#token", "Enter")?;
    scene.page.see("[role=alert]:has-text('The desktop asks for its token')")?;
    scene.page.fill("#token", &scene.desk.link())?;
    scene.page.click("button:has-text('Open')")?;
    scene.page.miss("[role=alert]")?;
    scene.page.see("nav li.app:not([data-gone]):has-text('Rust Shop')")?;
    // Browsers themselves complain of sockets that come to nothing.
    let expected =
        |said: &String| said.starts_with("WebSocket connection to") || said.starts_with("Failed to load resource");
    let said = scene.page.complaints()?;
    assert!(said.iter().all(expected), "{said:?}");
    Ok(())
}
