//! Which devices there are, and how their apps reach the desktop.

use flipper_desktop::proto::{Query, WallTime};
use flipper_desktop::{AdbState, Android, Device as Known, DeviceKind, Event, PortForward, json};
use flipper_tokio::Tokio;

use crate::support::adb::{AdbServer, Device, Say, ScriptedServer};
use crate::support::{Identity, Request, Rig, desktop, memory_authority};

async fn start(adb: &AdbServer) -> Rig<Tokio> {
    Rig::start(desktop().android(Android::new(adb.address()))).await
}

/// Waits for the next thing that is told of a device.
async fn news(rig: &mut Rig<Tokio>, serial: &str) -> (&'static str, Known) {
    let told = |event| {
        let (kind, device) = match event {
            Event::DeviceConnected { device } => ("connected", device),
            Event::DeviceChanged { device } => ("changed", device),
            Event::DeviceDisconnected { device } => ("disconnected", device),
            _ => return None,
        };
        (device.id == serial).then_some((kind, device))
    };
    rig.event("news of a device", told).await
}

/// Waits until it is known how the device's apps reach the desktop.
async fn forwards(rig: &mut Rig<Tokio>, device: &Device) -> Vec<PortForward> {
    loop {
        let (_, known) = news(rig, &device.serial()).await;
        if !known.forwards.is_empty() {
            assert!(rig.desktop.devices().contains(&known));
            return known.forwards;
        }
    }
}

#[tokio::test]
async fn a_device_leads_its_ports_here_from_the_moment_it_can_be_used() {
    let Some(adb) = AdbServer::start() else { return };
    let mut rig = start(&adb).await;
    let device = Device::new();
    adb.connect(&device);
    let ports = rig.desktop.ports();
    let forwards = forwards(&mut rig, &device).await;
    assert_eq!(forwards.iter().map(|forward| forward.port).collect::<Vec<_>>(), [ports.insecure, ports.secure]);
    assert!(forwards.iter().all(|forward| forward.result.is_ok()));
    assert_eq!(adb.server().reversed(&device.serial()).unwrap().len(), 2);
    assert_eq!(rig.desktop.adb().unwrap().state, AdbState::Tracking);

    let known = rig.desktop.devices();
    assert_eq!(known[0].kind, DeviceKind::ThisMachine);
    assert_eq!((&*known[0].id, &*known[0].os), ("", "Linux"));
    let known = known.iter().find(|known| known.id == device.serial()).unwrap();
    assert_eq!((&*known.os, &*known.title, known.kind), ("Android", "Test Phone", DeviceKind::Physical));
    assert_eq!((known.model.as_deref(), known.product.as_deref()), (Some("Test_Phone"), Some("testphone")));
    assert_eq!(known.not_ready, None);
}

#[tokio::test]
async fn a_device_that_returns_leads_its_ports_here_again() {
    let Some(adb) = AdbServer::start() else { return };
    let mut rig = start(&adb).await;
    let device = Device::new();
    adb.connect(&device);
    forwards(&mut rig, &device).await;
    device.unplug();
    loop {
        let (kind, known) = news(&mut rig, &device.serial()).await;
        if kind == "disconnected" || known.not_ready.is_some() {
            break;
        }
    }
    adb.connect(&device);
    assert!(forwards(&mut rig, &device).await.iter().all(|forward| forward.result.is_ok()));
    assert_eq!(adb.server().reversed(&device.serial()).unwrap().len(), 2);
}

#[tokio::test]
async fn a_port_that_a_device_does_not_lead_here_is_part_of_its_status() {
    let Some(adb) = AdbServer::start() else { return };
    let mut rig = start(&adb).await;
    let device = Device::new();
    let ports = rig.desktop.ports();
    device.refuse_port(ports.secure, "cannot bind listener: Operation not permitted");
    adb.connect(&device);
    let forwards = forwards(&mut rig, &device).await;
    assert!(forwards[0].result.is_ok());
    let failed = forwards[1].result.as_ref().unwrap_err();
    assert_eq!((&failed.serial, failed.port), (&device.serial(), ports.secure));
    let text = failed.to_string();
    assert!(text.contains("cannot bind listener: Operation not permitted"), "{text}");

    let listed = json::Device::list(&rig.desktop.devices(), &[]);
    let expected = serde_json::json!([
        {"port": ports.insecure},
        {"port": ports.secure, "error": "cannot bind listener: Operation not permitted"},
    ]);
    assert_eq!(serde_json::to_value(&listed[1].forwards).unwrap(), expected);
}

#[tokio::test]
async fn a_device_that_does_not_trust_this_computer_is_shown_and_left_alone() {
    let Some(adb) = AdbServer::start() else { return };
    let mut rig = start(&adb).await;
    let device = Device::distrustful();
    adb.invite(&device);
    loop {
        let (_, known) = news(&mut rig, &device.serial()).await;
        if known.not_ready.as_ref().is_some_and(|state| state.as_str() == "unauthorized") {
            assert_eq!(known.forwards, []);
            return;
        }
    }
}

#[tokio::test]
async fn a_server_that_is_restarted_is_found_again() {
    let Some(mut adb) = AdbServer::start() else { return };
    let mut rig = start(&adb).await;
    let device = Device::new();
    adb.connect(&device);
    forwards(&mut rig, &device).await;
    adb.stop();
    while news(&mut rig, &device.serial()).await.0 != "disconnected" {}
    assert!(matches!(rig.desktop.adb().unwrap().state, AdbState::Lost(_)));
    adb.restart();
    adb.connect(&device);
    assert!(forwards(&mut rig, &device).await.iter().all(|forward| forward.result.is_ok()));
}

#[tokio::test]
async fn news_of_devices_are_lines_of_json() {
    let Some(adb) = AdbServer::start() else { return };
    let mut rig = start(&adb).await;
    let device = Device::new();
    adb.connect(&device);
    forwards(&mut rig, &device).await;
    let known = rig.desktop.devices().pop().unwrap();
    for (event, kind) in [
        (Event::DeviceConnected { device: known.clone() }, "device-connected"),
        (Event::DeviceChanged { device: known.clone() }, "device-changed"),
        (Event::DeviceDisconnected { device: known.clone() }, "device-disconnected"),
    ] {
        let line = json::Event::new(&event, WallTime::from_unix_millis(7)).to_json();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let ports = rig.desktop.ports();
        let expected = serde_json::json!({"event": kind, "time": 7, "device": {
            "id": device.serial(), "name": "Test Phone", "os": "Android", "kind": "physical", "model": "Test_Phone",
            "product": "testphone", "forwards": [{"port": ports.insecure}, {"port": ports.secure}],
        }});
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn a_server_that_is_started_later_is_found() {
    let Some(mut adb) = AdbServer::start() else { return };
    adb.stop();
    let mut rig = start(&adb).await;
    adb.restart();
    let device = Device::new();
    adb.connect(&device);
    forwards(&mut rig, &device).await;
}

#[tokio::test]
async fn the_desktop_lets_go_of_adb_when_it_ends() {
    let (tell, told) = std::sync::mpsc::channel();
    let scripted = ScriptedServer::start(move |request| {
        if request == "host:track-devices-l" {
            Say::Watch(b"OKAY0000".into(), tell.clone())
        } else {
            Say::Last(Vec::new())
        }
    });
    let android = Android::new(scripted.server().address().clone());
    let rig = Rig::<Tokio>::start(desktop().android(android)).await;
    let told = tokio::task::spawn_blocking(move || {
        assert_eq!(told.recv().unwrap(), "open");
        told
    });
    let told = told.await.unwrap();
    rig.desktop.stop().await;
    let end = tokio::task::spawn_blocking(move || told.recv().unwrap());
    assert_eq!(crate::support::within("the end of the connection", end).await.unwrap(), "closed");
}

/// Lets an app in that has the certificate of this device.
async fn connect(
    rig: &Rig<Tokio>,
    authority: &flipper_desktop::pki::Authority,
    device_id: &str,
) -> crate::support::Peer {
    let mut query = Query::new("Phone App", "Android", "Somebody's Phone", device_id);
    query.app_id = Some("com.example.test".to_owned());
    let tls = Identity::of("com.example.test").tls(authority, authority, device_id);
    Request::session(rig.desktop.ports().secure, &query, tls).open().await.unwrap()
}

#[tokio::test]
async fn an_app_is_served_without_adb_and_its_device_is_known_by_it() {
    let Some(mut adb) = AdbServer::start() else { return };
    adb.stop();
    let authority = memory_authority();
    let builder = desktop().authority(authority.clone()).android(Android::new(adb.address()));
    let mut rig = Rig::<Tokio>::start(builder).await;
    let peer = connect(&rig, &authority, "emulator-5554").await;
    // The device is there before the client.
    let (kind, device) = news(&mut rig, "emulator-5554").await;
    assert_eq!((kind, &*device.title, device.kind), ("connected", "Somebody's Phone", DeviceKind::Named));
    let client = rig.connected().await;
    let apps = [json::App::from(&rig.desktop.client(&client).unwrap())];
    assert!(rig.desktop.devices().contains(&device));
    let listed = serde_json::to_value(json::Device::list(&rig.desktop.devices(), &apps)).unwrap();
    let expected = serde_json::json!({
        "id": "emulator-5554", "name": "Somebody's Phone", "os": "Android", "kind": "named", "apps": [client.as_str()],
    });
    assert_eq!((listed.as_array().unwrap().len(), &listed[1]), (2, &expected));
    drop(peer);
    assert_eq!(news(&mut rig, "emulator-5554").await, ("disconnected", device));
    assert_eq!(rig.desktop.devices().len(), 1);
}

#[tokio::test]
async fn what_adb_tells_of_a_device_counts_more_than_what_its_apps_tell() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    let authority = memory_authority();
    let builder = desktop().authority(authority.clone()).android(Android::new(adb.address()));
    let mut rig = Rig::<Tokio>::start(builder).await;
    let peer = connect(&rig, &authority, &device.serial()).await;
    assert_eq!(news(&mut rig, &device.serial()).await.1.kind, DeviceKind::Named);
    adb.connect(&device);
    let (kind, known) = news(&mut rig, &device.serial()).await;
    assert_eq!((kind, known.kind), ("changed", DeviceKind::Physical));
    let ids: Vec<String> = rig.desktop.devices().into_iter().map(|device| device.id).collect();
    assert_eq!(ids, [String::new(), device.serial()]);
    device.unplug();
    // The app is still there, whatever way it found.
    loop {
        let (kind, known) = news(&mut rig, &device.serial()).await;
        assert_eq!(kind, "changed");
        if known.not_ready.is_some() || known.kind == DeviceKind::Named {
            break;
        }
    }
    drop(peer);
}

#[tokio::test]
async fn a_desktop_without_android_says_so() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    assert_eq!(rig.desktop.adb(), None);
    assert_eq!(rig.desktop.devices().len(), 1);
}
