//! What keeps a desktop from starting.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use flipper_desktop::StartError;
use flipper_desktop::pki::AuthorityErrorKind;
use flipper_desktop::proto::Query;
use flipper_tokio::Tokio;
use tempfile::tempdir;

use crate::support::{Request, Rig, desktop};

#[tokio::test]
async fn a_port_in_use_is_named_together_with_who_has_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = desktop().ports(0, port).start().await.unwrap_err();
    let StartError::PortInUse { address, owner } = &error else { panic!("{error:?}") };
    assert_eq!(address.port(), port);
    if cfg!(target_os = "linux") {
        assert_eq!(owner.as_ref().unwrap().pid, std::process::id());
        assert_eq!(
            error.to_string(),
            format!("127.0.0.1:{port} is in use by this very process; stop that, or choose other ports")
        );
    }
}

#[tokio::test]
async fn a_port_that_somebody_else_has_on_ipv6_is_in_use() {
    loop {
        let Ok(taken) = TcpListener::bind("[::1]:0") else { return };
        let port = taken.local_addr().unwrap().port();
        let error = desktop().ports(port, 0).start().await.unwrap_err();
        match error {
            StartError::PortInUse { address, .. } if address.is_ipv6() => return,
            // Another test has that port of the other address, which comes first.
            StartError::PortInUse { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_second_desktop_names_the_first() {
    let first = Rig::<Tokio>::start(desktop()).await;
    let ports = first.desktop.ports();
    let error = desktop().ports(ports.insecure, ports.secure).start().await.unwrap_err();
    assert!(matches!(error, StartError::PortInUse { .. }), "{error:?}");
}

#[tokio::test]
async fn it_listens_on_both_loopback_addresses() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let port = rig.desktop.ports().insecure;
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    if TcpListener::bind("[::1]:0").is_ok() {
        assert!(std::net::TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok());
    }
}

#[tokio::test]
async fn it_listens_where_it_is_told_and_goes_by_that_address() {
    let address = IpAddr::from([127, 0, 0, 2]);
    let builder = desktop().bind(IpAddr::V4(Ipv4Addr::LOCALHOST)).bind(address);
    let rig = Rig::<Tokio>::start(builder).await;
    let port = rig.desktop.ports().insecure;
    assert!(std::net::TcpStream::connect((address, port)).is_ok());
    assert!(std::net::TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_err());
    let query = Query::new("app", "Linux", "device", "unknown");
    assert_eq!(Request::exchange(port, &query).host(&format!("127.0.0.2:{port}")).status().await, 101);
}

#[tokio::test]
async fn what_it_means_to_listen_to_others_is_told() {
    let loopback = Rig::<Tokio>::start(desktop().bind(IpAddr::from([127, 0, 0, 2]))).await;
    assert_eq!(loopback.desktop.exposure(), None);

    let any = || desktop().bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let rig = Rig::<Tokio>::start(any()).await;
    let text = rig.desktop.exposure().unwrap().to_string();
    let ports = rig.desktop.ports();
    for part in ["0.0.0.0", &ports.insecure.to_string(), &ports.secure.to_string(), "proves", "--known-host"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("browser") && !text.contains('\n'), "{text}");

    let open = any().known_host("desk.lan".parse().unwrap()).require_proof(false).browser_port(Some(0));
    let rig = Rig::<Tokio>::start(open).await;
    let text = rig.desktop.exposure().unwrap().to_string();
    assert!(text.contains("no proof is required") && text.contains("nobody from there"), "{text}");
    assert!(!text.contains("--known-host"), "{text}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    let error = desktop().bind(IpAddr::from([192, 0, 2, 1])).start().await.unwrap_err();
    assert!(matches!(error, StartError::CannotListen { .. }), "{error:?}");
    assert!(error.to_string().contains("192.0.2.1"), "{error}");
}

#[tokio::test]
async fn one_port_is_not_enough() {
    for builder in [
        desktop().ports(9_999, 9_999),
        desktop().ports(9_999, 0).browser_port(Some(9_999)),
        desktop().ports(0, 9_999).browser_port(Some(9_999)),
    ] {
        assert_eq!(builder.start().await.unwrap_err(), StartError::SamePort(9_999));
    }
}

#[tokio::test]
async fn a_certificate_authority_that_cannot_be_used_is_named() {
    let dir = tempdir().unwrap();
    let state = dir.path().join("state");
    desktop().state_directory(&state).start().await.unwrap().stop().await;
    fs::write(state.join("ca.key"), "garbage").unwrap();
    let error = desktop().state_directory(&state).start().await.unwrap_err();
    let StartError::Authority(inner) = &error else { panic!("{error:?}") };
    assert!(matches!(inner.kind(), AuthorityErrorKind::BadKey(_)));
    assert!(error.to_string().contains("ca.key"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn without_a_runtime_there_is_no_desktop() {
    let mut start = std::pin::pin!(desktop().start());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(StartError::NoRuntime(what))) = start.as_mut().poll(&mut cx) else {
        panic!("it started without a runtime");
    };
    assert!(what.contains("tokio"), "{what}");
}
