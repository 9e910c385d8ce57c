//! The client of adb's server.

use std::time::Duration;

use flipper_desktop::adb::{Address, Error, Server};

use crate::support::adb::{AdbServer, Device, Mode, Say, ScriptedServer};

const MAX: usize = 100_000;

#[test]
fn a_real_server_tells_its_version_and_its_devices() {
    let Some(adb) = AdbServer::start() else { return };
    assert!(adb.server().version().unwrap() >= 39);
    assert_eq!(adb.server().devices().unwrap(), []);
    let device = Device::new();
    adb.connect(&device);
    let devices = adb.server().devices().unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].serial, device.serial());
    assert_eq!(devices[0].model.as_deref(), Some("Test_Phone"));
    assert_eq!(devices[0].product.as_deref(), Some("testphone"));
    assert!(devices[0].is_ready() && !devices[0].is_emulator());
}

#[test]
fn commands_tell_their_output_their_errors_and_their_exit_code() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let output = adb.server().shell(&device.serial(), "cat; echo oops >&2; exit 7", "a\n'b'\n", MAX).unwrap();
    assert_eq!((&*output.stdout, &*output.stderr, output.code), ("a\n'b'\n", "oops\n", 7));
}

#[test]
fn devices_from_before_android_7_tell_as_much_as_they_can() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::old();
    adb.connect(&device);
    let output = adb.server().shell(&device.serial(), "(cat; echo oops >&2; exit 7)", "a\n'b'", MAX).unwrap();
    assert_eq!((&*output.stdout, &*output.stderr, output.code), ("a\n'b'\noops\n", "", 7));
}

#[test]
fn ports_of_devices_are_led_here() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    device.refuse_port(9088, "cannot bind listener: Operation not permitted");
    assert_eq!(adb.server().reversed(&device.serial()).unwrap(), []);
    adb.server().reverse(&device.serial(), 9089).unwrap();
    let refused = adb.server().reverse(&device.serial(), 9088).unwrap_err();
    assert_eq!(refused.to_string(), "cannot bind listener: Operation not permitted");
    let port = "tcp:9089".to_owned();
    assert_eq!(adb.server().reversed(&device.serial()).unwrap(), [(port.clone(), port)]);
}

#[test]
fn tracking_tells_of_devices_as_they_come_and_go_and_can_be_cut() {
    let Some(adb) = AdbServer::start() else { return };
    let mut tracking = adb.server().track().unwrap();
    assert_eq!(tracking.wait().unwrap(), []);
    let device = Device::new();
    adb.connect(&device);
    while !tracking.wait().unwrap().iter().any(|known| known.serial == device.serial() && known.is_ready()) {}
    device.unplug();
    while tracking.wait().unwrap().iter().any(|known| known.serial == device.serial() && known.is_ready()) {}
    tracking.cutter().unwrap().cut().unwrap();
    loop {
        match tracking.wait() {
            // What was on its way still arrives.
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error, Error::Closed);
                return;
            }
        }
    }
}

#[test]
fn unknown_and_distrustful_devices_are_refused_in_adbs_words() {
    let Some(adb) = AdbServer::start() else { return };
    let unknown = adb.server().shell("nobody", "true", "", MAX).unwrap_err();
    assert!(matches!(&unknown, Error::Refused(text) if text.as_str() == "device 'nobody' not found"), "{unknown}");
    let device = Device::distrustful();
    adb.invite(&device);
    let refused = adb.server().shell(&device.serial(), "true", "", MAX).unwrap_err();
    assert!(matches!(&refused, Error::Refused(text) if text.as_str().contains("unauthorized")), "{refused}");
}

#[test]
fn a_device_that_hangs_is_given_up_and_one_that_never_stops_too() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    device.set_mode(Mode::Hangs);
    let patience = Duration::from_millis(200);
    let error = adb.server().patience(patience).shell(&device.serial(), "true", "", MAX).unwrap_err();
    assert_eq!(error, Error::TimedOut { after: patience });
    device.set_mode(Mode::Floods);
    let error = adb.server().shell(&device.serial(), "true", "", MAX).unwrap_err();
    assert_eq!(error, Error::TooMuchOutput { max: MAX });
}

#[test]
fn a_server_that_is_not_there_is_told_with_what_to_do() {
    let Some(mut adb) = AdbServer::start() else { return };
    adb.stop();
    let error = adb.server().version().unwrap_err();
    assert_eq!(error.name(), "AdbNotRunning");
    assert!(error.to_string().contains(&adb.address().to_string()), "{error}");
    assert!(error.hint().unwrap().contains("adb start-server"));
}

#[test]
fn a_server_on_a_host_that_does_not_exist_is_told() {
    let error = Server::new(Address::new("no-such-host.invalid", 5037)).version().unwrap_err();
    assert_eq!(error.name(), "AdbNotRunning");
}

#[test]
fn what_is_not_adbs_protocol_is_told() {
    for (answer, expected) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "AdbProtocol"),
        ("OKAY", "AdbDisconnected"),
        ("OKAYzzzz", "AdbProtocol"),
        ("OKAY0010half", "AdbDisconnected"),
        ("OKAY0004many", "AdbProtocol"),
        ("", "AdbDisconnected"),
        ("FAIL", "AdbDisconnected"),
        ("FAIL0000", "AdbRefused"),
        ("FAIL0004nope", "AdbRefused"),
    ] {
        let scripted = ScriptedServer::start(move |_| Say::Last(answer.into()));
        assert_eq!(scripted.server().version().unwrap_err().name(), expected, "{answer:?}");
    }
}

#[test]
fn half_answers_are_not_waited_for_longer_than_asked() {
    let patience = Duration::from_millis(100);
    for half in ["", "OK", "OKAY", "OKAY00", "OKAY00ffhalf"] {
        let scripted = ScriptedServer::start(move |_| Say::Hang(half.into()));
        let error = scripted.server().patience(patience).version().unwrap_err();
        assert_eq!(error, Error::TimedOut { after: patience }, "{half:?}");
    }
}

#[test]
fn packets_of_the_shell_are_not_believed() {
    let huge = [&[1][..], &u32::MAX.to_le_bytes()].concat();
    let half = [&[1][..], &100_u32.to_le_bytes(), b"half"].concat();
    let no_code = [&[3][..], &0_u32.to_le_bytes()].concat();
    let unknown = [&[9][..], &2_u32.to_le_bytes(), b"??", &[3, 1, 0, 0, 0, 5]].concat();
    for (packets, expected) in [
        (huge, Err("AdbTooMuchOutput")),
        (half, Err("AdbDisconnected")),
        (no_code, Err("AdbProtocol")),
        (unknown, Ok(5)),
    ] {
        let scripted = ScriptedServer::start(move |request| match request {
            "host-serial:x:features" => Say::Last(b"OKAY000cshell_v2,cmd".into()),
            "host:transport:x" => Say::Then(b"OKAY".into()),
            _ => Say::Last([b"OKAY", &*packets].concat()),
        });
        let output = scripted.server().shell("x", "true", "", MAX);
        assert_eq!(output.map(|output| output.code).map_err(|error| error.name()), expected);
    }
}

#[test]
fn a_server_that_cannot_tell_details_is_tracked_all_the_same() {
    let scripted = ScriptedServer::start(|request| match request {
        "host:track-devices" => Say::Last(b"OKAY000babc\tdevice\n".into()),
        "host:devices-l" => Say::Last(b"OKAY0015abc device model:Old\n".into()),
        _ => Say::Last(b"FAIL000funknown service".into()),
    });
    let mut tracking = scripted.server().track().unwrap();
    let devices = tracking.wait().unwrap();
    assert_eq!((&*devices[0].serial, devices[0].is_ready()), ("abc", true));
    assert_eq!(devices[0].model.as_deref(), Some("Old"));
    assert_eq!(tracking.wait().unwrap_err(), Error::Closed);
}
