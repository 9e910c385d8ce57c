use flipper_desktop::api::Api;

use super::{Served, ask};
#[cfg(target_os = "linux")]
use crate::support::within;

const PATHS: [&str; 5] =
    ["/api/v1/apps", "/api/v1/status", "/api/v1/events", "/api/v1/socket", "/there/is/no/such/route"];

#[tokio::test]
async fn nothing_is_told_without_the_token() {
    let served = Served::start().await;
    let port = served.api.port();
    let token = served.api.token().as_str();
    for path in PATHS {
        let host = format!("Host: localhost:{port}\r\n");
        let refused = ask(port, "GET", path, &host, "").await;
        assert_eq!(refused.error(), (401, "NoToken".to_owned()), "{path}");
        assert!(refused.head.contains("www-authenticate: bearer"), "{}", refused.head);
        let shorter = &token[1..];
        for header in [
            "Authorization: Bearer wrong\r\n".to_owned(),
            format!("Authorization: Bearer {shorter}\r\n"),
            format!("Authorization: Basic {token}\r\n"),
            format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n"),
            "Authorization: Bearer \r\n".to_owned(),
        ] {
            let refused = ask(port, "GET", path, &format!("{host}{header}"), "").await;
            assert_eq!(refused.status, 401, "{path} {header}");
            assert!(!refused.text.contains(token), "{}", refused.text);
        }
        assert_eq!(ask(port, "GET", &format!("{path}?token=wrong"), &host, "").await.status, 401);
        assert_eq!(ask(port, "GET", &format!("{path}?token="), &host, "").await.status, 401);
        for header in [format!("authorization: bearer {token}\r\n"), format!("x-access-token: {token}\r\n")] {
            assert_ne!(ask(port, "GET", path, &format!("{host}{header}"), "").await.status, 401, "{path} {header}");
        }
        assert_ne!(ask(port, "GET", &format!("{path}?token={token}"), &host, "").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn only_names_of_this_machine_are_answered_to() {
    let served = Served::start().await;
    let (port, token) = (served.api.port(), served.api.token().as_str());
    let with = async |host: &str| {
        ask(port, "GET", "/api/v1/status", &format!("{host}Authorization: Bearer {token}\r\n"), "").await
    };
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "[0:0::1]"] {
        assert_eq!(with(&format!("Host: {host}:{port}\r\n")).await.status, 200, "{host}");
    }
    let other = port.wrapping_add(1);
    for host in [
        String::new(),
        "Host: localhost\r\n".to_owned(),
        format!("Host: localhost:{other}\r\n"),
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: localhost.evil.example:{port}\r\n"),
        format!("Host: localhost.:{port}\r\n"),
        format!("Host: localhost@evil.example:{port}\r\n"),
        format!("Host: evil.example@localhost:{port}\r\n"),
        format!("Host: 127.0.0.2:{port}\r\n"),
        format!("Host: 10.0.2.2:{port}\r\n"),
        format!("Host: localhost:{port}\r\nHost: localhost:{port}\r\n"),
        "Host: \r\n".to_owned(),
    ] {
        let refused = with(&host).await;
        assert_eq!(refused.error(), (421, "ForeignHost".to_owned()), "{host}");
    }
}

#[tokio::test]
async fn known_hosts_are_answered_to() {
    let served = Served::start().await;
    let named =
        Api::builder(&served.rig.desktop).port(0).known_host("build.example".parse().unwrap()).start().await.unwrap();
    let headers =
        format!("Host: build.example:{}\r\nAuthorization: Bearer {}\r\n", named.port(), named.token().as_str());
    assert_eq!(ask(named.port(), "GET", "/api/v1/status", &headers, "").await.status, 200);
}

// Elsewhere 127.0.0.1 is all there is of loopback.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_that_is_listened_on_is_a_name_of_this_machine_and_all_addresses_are_none() {
    let served = Served::start().await;
    for (bound, host, status) in
        [("127.0.0.2", "127.0.0.2", 200), ("0.0.0.0", "127.0.0.1", 200), ("0.0.0.0", "0.0.0.0", 421)]
    {
        let api = Api::builder(&served.rig.desktop).port(0).addresses([bound.parse().unwrap()]).start().await.unwrap();
        let (port, token) = (api.port(), api.token().as_str());
        let reached = if bound == "0.0.0.0" { "127.0.0.1" } else { bound };
        let headers = format!("Host: {host}:{port}\r\nAuthorization: Bearer {token}\r\n");
        assert_eq!(ask_at(reached, port, "/api/v1/status", &headers).await, status, "{bound} {host}");
    }
}

/// The status that is answered at an address.
#[cfg(target_os = "linux")]
async fn ask_at(address: &str, port: u16, path: &str, headers: &str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut tcp = tokio::net::TcpStream::connect((address, port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("the answer", tcp.read_to_string(&mut answer)).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn pages_of_other_origins_are_turned_away_even_with_the_token() {
    let served = Served::start().await;
    let port = served.api.port();
    let own = [format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}")];
    for path in PATHS.into_iter().chain(["/", "/page/main.js"]) {
        for origin in [
            "null",
            "file://",
            "https://evil.example",
            &format!("https://localhost:{port}"),
            "http://localhost",
            &format!("http://localhost.evil.example:{port}"),
            // Another one than the host that is named.
            &own[0],
        ] {
            let request = served.request(path).host(&format!("127.0.0.1:{port}")).origin(origin);
            assert_eq!(request.status().await, 403, "{path} {origin}");
        }
    }
    for path in ["/", "/api/v1/events", "/api/v1/socket"] {
        let request = served.request(path).host(&format!("127.0.0.1:{port}")).origin(&own[1]);
        assert_eq!(request.status().await, 101, "{path}");
    }
}
