//! The page of the official desktop on ours. The files are made up: `flipper-conformance` has a browser look at the real
//! ones.

use std::fs;
use std::path::Path;

use flipper_desktop::Event;
use flipper_desktop::api::{Api, OfficialUi, OfficialUiError, RunningDesktop};
use flipper_desktop::proto::Query;
use flipper_tokio::Tokio;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::official::{answer, data, event, exec};
use super::{Answer, ask};
use crate::support::{Identity, Peer, Request, Rig, app_named, desktop, memory_authority, within};

const INDEX: &str = "<title>Flipper</title>\n  <script>window.flipperConfig = {}</script>\n";

/// What npm installs, as far as it matters.
fn install(at: &Path) {
    let package = at.join("node_modules/flipper-server");
    let files = [
        ("package.json", r#"{"name": "flipper-server", "version": "0.162.0"}"#),
        ("server.js", "secret"),
        ("static/index.web.html", INDEX),
        ("static/bundle.js", "the bundle"),
        ("static/style.css", "the style"),
        ("static/themes/light.css", "light"),
        ("static/icons/apps-filled-16@1x.png", "a picture"),
        ("static/icons.json", "{}"),
        ("static/defaultPlugins/bundled.json", "[]"),
        ("static/defaultPlugins/network/package.json", r#"{"name": "network", "id": "Network", "version": "1.0.0"}"#),
        ("static/defaultPlugins/network/dist/bundle.js", "the plugin"),
    ];
    for (name, text) in files {
        let path = package.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A desktop with the page on it.
struct Hosted {
    rig: Rig<Tokio>,
    api: Api,
    dir: TempDir,
}

impl Hosted {
    async fn start() -> Self {
        Self::with(desktop(), false).await
    }

    async fn with(builder: flipper_desktop::Builder, pristine: bool) -> Self {
        let dir = tempdir().unwrap();
        install(dir.path());
        let rig = Rig::start(builder).await;
        let ui = OfficialUi::find(dir.path()).unwrap().port(0).pristine(pristine);
        let api = Api::builder(&rig.desktop).port(0).official_ui(ui).start().await.unwrap();
        Self { rig, api, dir }
    }

    fn port(&self) -> u16 {
        self.api.official_ui_port().unwrap()
    }

    async fn get(&self, path: &str, headers: &str) -> Answer {
        get(self.port(), path, headers).await
    }

    /// The cookie of a browser that came with the token.
    async fn cookie(&self) -> String {
        cookie(self.port(), &self.api).await
    }

    async fn page(&self, path: &str) -> Answer {
        let cookie = self.cookie().await;
        self.get(path, &format!("Cookie: {cookie}\r\n")).await
    }

    fn socket(&self, cookie: &str) -> Request {
        let host = format!("localhost:{}", self.port());
        Request::browser(self.port(), "/").host(&host).origin(&format!("http://{host}")).cookie(cookie)
    }

    /// A page that was just opened.
    async fn open(&self) -> Peer {
        let mut page = self.lost().await;
        data(&mut page, "get-config", json!([])).await;
        page
    }

    /// A page whose socket was lost.
    async fn lost(&self) -> Peer {
        self.socket(&self.cookie().await).open().await.unwrap()
    }
}

async fn get(port: u16, path: &str, headers: &str) -> Answer {
    ask(port, "GET", path, &format!("Host: localhost:{port}\r\n{headers}"), "").await
}

async fn cookie(port: u16, api: &Api) -> String {
    let answer = get(port, &format!("/?token={}", api.token().as_str()), "").await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(answer.head.contains("\r\nlocation: /\r\n"), "the token stays in no address bar: {}", answer.head);
    let (_, cookie) = answer.head.split_once("set-cookie: ").unwrap();
    assert!(cookie.contains("; httponly; samesite=strict; path=/"), "{cookie}");
    // The heads are in lower case, but a secret is not: it is asked for again as it was written.
    original_cookie(port, api).await
}

async fn original_cookie(port: u16, api: &Api) -> String {
    let mut peer = crate::support::RawPeer::connect(port).await;
    let token = api.token().as_str();
    let request = format!("GET /?token={token} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    peer.write(request.as_bytes()).await;
    let text = peer.read_to_end().await.unwrap();
    let (_, cookie) = text.split_once("set-cookie: ").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// A client that says what the test says, with one plugin.
async fn scripted(hosted: &mut Hosted, query: &Query, authority: &flipper_desktop::pki::Authority) -> Peer {
    let tls = Identity::of("com.example.scripted").tls(authority, authority, &query.device_id);
    let mut peer = Request::session(hosted.rig.desktop.ports().secure, query, tls).open().await.unwrap();
    peer.introduce(&["Silent"], &[]).await;
    hosted.rig.client().await;
    peer
}

#[tokio::test]
async fn the_page_is_for_whom_the_token_or_the_cookie_lets_in() {
    let hosted = Hosted::start().await;
    let (port, token) = (hosted.port(), hosted.api.token().as_str());
    assert_eq!(hosted.api.official_ui_link().unwrap(), format!("http://localhost:{port}/?token={token}"));
    let cookie = hosted.cookie().await;
    assert!(!cookie.contains(token), "the token opens more than this port, and other ports see the cookie");
    let (name, secret) = cookie.split_once('=').unwrap();
    assert_eq!(name, format!("flipper-{port}"));
    for path in ["/", "/bundle.js", "/nowhere"] {
        for headers in [
            String::new(),
            format!("Cookie: flipper-1={secret}\r\n"),
            format!("Cookie: {name}={}\r\n", &secret[1..]),
            format!("Cookie: {name}=\r\n"),
            "Authorization: Bearer wrong\r\n".to_owned(),
        ] {
            let refused = hosted.get(path, &headers).await;
            assert_eq!(refused.status, 401, "{path} {headers}");
            assert!(refused.text.contains("open the link that `flipper desktop` printed"), "{}", refused.text);
            assert!(refused.head.contains("content-type: text/plain"), "{}", refused.head);
        }
        let wrong = hosted.get(&format!("{path}?token={secret}"), "").await;
        assert_eq!(wrong.status, 401, "{path}");
        assert_ne!(hosted.get(path, &format!("Cookie: a=b; {cookie}\r\n")).await.status, 401, "{path}");
    }
    let api = hosted.api.port();
    let elsewhere =
        ask(api, "GET", "/api/v1/apps", &format!("Host: localhost:{api}\r\nCookie: {cookie}\r\n"), "").await;
    assert_eq!(elsewhere.status, 401, "the cookie opens the page and nothing else");
    for path in ["/api/v1/apps", "/api/v1/socket"] {
        assert_eq!(hosted.page(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_browser_stays_known_when_the_desktop_starts_again_and_an_old_link_is_none() {
    let hosted = Hosted::start().await;
    let state = hosted.dir.path().join("state");
    let start = async |port: u16| {
        let ui = OfficialUi::find(hosted.dir.path()).unwrap().port(port);
        Api::builder(&hosted.rig.desktop).port(0).state_directory(&state).official_ui(ui).start().await.unwrap()
    };
    let first = start(0).await;
    let port = first.official_ui_port().unwrap();
    assert_eq!(RunningDesktop::read(&state).unwrap().ports.official_ui, Some(port));
    let (cookie, link) = (cookie(port, &first).await, format!("/?token={}", first.token().as_str()));
    within("the end", first.stop()).await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(state.join("browser-key")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let second = start(port).await;
    assert_eq!(get(port, "/", &format!("Cookie: {cookie}\r\n")).await.status, 200);
    assert_eq!(get(port, &link, "").await.status, 401);
    assert_eq!(get(port, &link, &format!("Cookie: {cookie}\r\n")).await.status, 303, "it is known anyway");
    within("the end", second.stop()).await;

    fs::write(state.join("browser-key"), "damaged").unwrap();
    let third = start(port).await;
    assert_eq!(get(port, "/", &format!("Cookie: {cookie}\r\n")).await.status, 401);
    within("the end", third.stop()).await;
}

#[tokio::test]
async fn nothing_but_the_files_of_the_page_is_served() {
    let hosted = Hosted::start().await;
    let package = hosted.dir.path().join("node_modules/flipper-server");
    for (path, text, content_type) in [
        ("/bundle.js", "the bundle", "text/javascript"),
        ("/style.css", "the style", "text/css"),
        ("/themes/light.css", "light", "text/css"),
        ("/icons/apps-filled-16@1x.png", "a picture", "image/png"),
    ] {
        let served = hosted.page(path).await;
        assert_eq!((served.status, &*served.text), (200, text), "{path}");
        assert!(served.head.contains(&format!("content-type: {content_type}")), "{}", served.head);
        for header in
            ["x-content-type-options: nosniff", "x-frame-options: deny", "content-security-policy: default-src 'self'"]
        {
            assert!(served.head.contains(header), "{header}: {}", served.head);
        }
        let (_, etag) = served.head.split_once("etag: ").unwrap();
        let etag = etag.lines().next().unwrap();
        let cookie = hosted.cookie().await;
        let again = hosted.get(path, &format!("Cookie: {cookie}\r\nIf-None-Match: {etag}\r\n")).await;
        assert_eq!((again.status, &*again.text), (304, ""), "{path}");
    }
    for path in [
        "/index.web.html",
        "/icons.json",
        "/defaultPlugins/network/dist/bundle.js",
        "/../server.js",
        "/icons/../../server.js",
        "/icons/..%2f..%2fserver.js",
        "/icons/%2e%2e/%2e%2e/server.js",
        "/..\\server.js",
        "//bundle.js/../../server.js",
        "//bundle.js",
        "/bundle.js%00.png",
        "/bundle.js/",
        "/%62undle.js",
        "/etc/passwd",
        "//etc/passwd",
        &format!("/{}", package.join("server.js").display()),
        &format!("/file://{}", package.join("server.js").display()),
        "/icons",
        "/themes/",
        "/health",
    ] {
        let refused = hosted.page(path).await;
        assert!([400, 404].contains(&refused.status), "{path}: {} {}", refused.status, refused.text);
        assert!(!refused.text.contains("secret"), "{path}");
    }
    let cookie = hosted.cookie().await;
    let port = hosted.port();
    let headers = format!("Host: localhost:{port}\r\nCookie: {cookie}\r\n");
    for path in ["/", "/bundle.js"] {
        assert_eq!(ask(port, "POST", path, &headers, "").await.status, 405, "{path}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_leads_out_of_the_package_is_not_served() {
    let dir = tempdir().unwrap();
    install(dir.path());
    let icons = dir.path().join("node_modules/flipper-server/static/icons");
    fs::write(dir.path().join("outside.png"), "secret").unwrap();
    std::os::unix::fs::symlink(dir.path().join("outside.png"), icons.join("link.png")).unwrap();
    let rig = Rig::<Tokio>::start(desktop()).await;
    let ui = OfficialUi::find(dir.path()).unwrap().port(0);
    let api = Api::builder(&rig.desktop).port(0).official_ui(ui).start().await.unwrap();
    let port = api.official_ui_port().unwrap();
    let authorization = format!("Authorization: Bearer {}\r\n", api.token().as_str());
    assert_eq!(get(port, "/icons/link.png", &authorization).await.status, 404);
    assert_eq!(get(port, "/icons/apps-filled-16@1x.png", &authorization).await.status, 200);
}

#[tokio::test]
async fn the_page_is_prepared_unless_it_is_wanted_as_it_was_published() {
    let hosted = Hosted::with(desktop(), true).await;
    assert_eq!(hosted.page("/").await.text, INDEX);

    let mut hosted = Hosted::start().await;
    let dir = tempdir().unwrap();
    let name = "</script><script>alert(1)";
    let app = app_named(name, "com.example.evil", hosted.rig.desktop.ports(), dir.path())
        .plugin(flipper_tokio::plugin("Plain").build())
        .start()
        .unwrap();
    hosted.rig.client().await;
    let text = hosted.page("/").await.text;
    assert!(text.starts_with("<title>Flipper</title>\n  <script>"), "{text}");
    assert!(text.ends_with("<script>window.flipperConfig = {}</script>\n"), "{text}");
    assert!(text.contains(r#"{"\u003c/script>\u003cscript>alert(1)":["Plain"]}"#), "{text}");
    assert_eq!(text.matches("<script").count(), 3);
    within("the end", app.stop()).await;
}

#[tokio::test]
async fn a_directory_without_the_page_is_refused_and_how_to_get_it_is_said() {
    let dir = tempdir().unwrap();
    let package = dir.path().join("node_modules/flipper-server");
    let refused = |at: &Path| OfficialUi::find(at).unwrap_err();
    let error = refused(dir.path());
    assert!(matches!(error, OfficialUiError::Missing { file: "index.web.html", .. }), "{error:?}");
    assert!(error.to_string().contains("npm install --ignore-scripts flipper-server@0.162.0"), "{error}");
    install(dir.path());
    for at in [dir.path(), &package, &package.join("static")] {
        assert!(OfficialUi::find(at).is_ok(), "{}", at.display());
    }
    for file in ["bundle.js", "style.css", "themes/light.css"] {
        let path = package.join("static").join(file);
        let text = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let error = refused(dir.path());
        assert!(error.to_string().contains(&format!("{file} is missing; install it with `npm install")), "{error}");
        fs::write(path, text).unwrap();
    }
    fs::write(package.join("static/index.web.html"), "<h1>Something else</h1>").unwrap();
    assert!(matches!(refused(dir.path()), OfficialUiError::Unfamiliar { .. }));
    fs::write(package.join("package.json"), r#"{"name": "flipper-server", "version": "0.273.0"}"#).unwrap();
    let error = refused(dir.path()).to_string();
    assert!(error.contains("0.273.0") && error.contains("npm install"), "{error}");
}

#[tokio::test]
async fn only_the_page_itself_opens_its_socket() {
    let hosted = Hosted::start().await;
    let cookie = hosted.cookie().await;
    let port = hosted.port();
    assert_eq!(hosted.socket(&cookie).status().await, 101);
    assert_eq!(hosted.socket("").status().await, 401);
    for origin in
        ["null", "file://", "http://evil.example", "http://localhost:3000", &format!("https://localhost:{port}")]
    {
        assert_eq!(hosted.socket(&cookie).origin(origin).status().await, 403, "{origin}");
    }
    for host in ["evil.example", &format!("evil.example:{port}"), "localhost:1"] {
        assert_eq!(hosted.socket(&cookie).host(host).status().await, 421, "{host}");
    }
}

#[tokio::test]
async fn the_page_gets_its_plugins_and_no_files() {
    let hosted = Hosted::start().await;
    let mut page = hosted.open().await;
    let listed = data(&mut page, "plugins-load-dynamic-plugins", json!([])).await;
    let entries: Vec<(&str, &str)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|plugin| (plugin["id"].as_str().unwrap(), plugin["entry"].as_str().unwrap()))
        .collect();
    assert_eq!(entries.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["rust-logs", "rust-crashes", "Network"]);
    let (_, network) = entries[2];
    assert_eq!(network, "/plugins/network@1.0.0.js");
    assert_eq!(data(&mut page, "plugin-source", json!([network])).await, "the plugin");
    let bundle = hosted.dir.path().join("node_modules/flipper-server/static/defaultPlugins/network/dist/bundle.js");
    for (command, args) in [
        ("plugin-source", json!([bundle])),
        ("plugin-source", json!(["/plugins/../server.js"])),
        ("plugin-source", json!(["/etc/passwd"])),
        ("plugin-source", json!([])),
        ("plugin-source", json!([1])),
        ("open-file", json!(["/etc/passwd"])),
        ("node-api-exec", json!(["id"])),
        ("node-api-fs-readfile", json!(["/etc/passwd"])),
        ("plugins-remove-plugins", json!([["network"]])),
        ("plugins-install-from-npm", json!(["left-pad"])),
        ("persist-settings", json!([{}])),
        ("shutdown", json!([])),
    ] {
        exec(&mut page, 3, command, args.clone()).await;
        let (event, payload) = answer(&mut page).await;
        assert_eq!((event.as_str(), &payload["id"]), ("exec-response-error", &json!(3)), "{command} {args}");
    }
    // What the page asks for does not exist for others.
    let mut script = Request::browser(hosted.api.port(), &format!("/?token={}", hosted.api.token().as_str()));
    script = script.host(&format!("localhost:{}", hosted.api.port()));
    let mut script = script.open().await.unwrap();
    exec(&mut script, 3, "get-config", json!([])).await;
    assert_eq!(answer(&mut script).await.0, "exec-response-error");
}

#[tokio::test]
async fn a_page_whose_socket_was_lost_is_told_everything_again() {
    let authority = memory_authority();
    let mut hosted = Hosted::with(desktop().authority(authority.clone()), false).await;
    let query = Query::new("Scripted", "Weird", "box", "d1");
    let app = scripted(&mut hosted, &query, &authority).await;
    let mut page = hosted.open().await;
    let listed = data(&mut page, "client-list", json!([])).await;
    assert_eq!(listed[0]["id"], "Scripted#Weird#box#d1");
    assert_eq!(data(&mut page, "device-list", json!([])).await[0]["serial"], "d1");

    let mut back = hosted.lost().await;
    for expected in ["device-disconnected", "device-connected", "client-connected"] {
        let (name, told) = event(&mut back).await;
        assert_eq!(name, expected);
        assert!(told["serial"] == "d1" || told == listed[0], "{told}");
    }

    // One that went meanwhile is no zombie.
    drop(app);
    let gone = loop {
        let (name, told) = event(&mut page).await;
        if name == "client-disconnected" {
            break told;
        }
    };
    let mut back = hosted.lost().await;
    assert_eq!(event(&mut back).await, ("client-disconnected".to_owned(), gone));

    // Nor is one from before the desktop was started, of which it cannot know.
    let message = json!(["Old#Linux#box#d9", {"method": "init", "params": {"plugin": "Silent"}}]);
    exec(&mut page, 1, "client-request", message).await;
    assert_eq!(answer(&mut page).await.0, "exec-response-error");
    assert_eq!(event(&mut page).await, ("client-disconnected".to_owned(), json!({"id": "Old#Linux#box#d9"})));
}

#[tokio::test]
async fn a_plugin_that_is_left_in_one_page_stays_for_another() {
    let authority = memory_authority();
    let mut hosted = Hosted::with(desktop().authority(authority.clone()), false).await;
    let mut app = scripted(&mut hosted, &Query::new("Scripted", "Linux", "box", "d1"), &authority).await;
    let id = "Scripted#Linux#box#d1";
    let of_plugin = |method: &str| json!([id, {"method": method, "params": {"plugin": "Silent"}}]);
    let (mut one, mut two) = (hosted.open().await, hosted.open().await);
    for page in [&mut one, &mut two] {
        data(page, "client-request", of_plugin("init")).await;
        assert_eq!(app.receive().await["method"], "init");
    }
    data(&mut one, "client-request", of_plugin("deinit")).await;
    // Both pages use the same id; the app sees neither.
    for page in [&mut one, &mut two] {
        exec(page, 9, "client-request-response", json!([id, {"id": 4, "method": "getPlugins"}])).await;
    }
    let asked: Vec<Value> = [app.receive().await, app.receive().await].into();
    assert!(asked.iter().all(|asked| asked["method"] == "getPlugins"), "{asked:?}");
    assert_ne!(asked[0]["id"], asked[1]["id"]);
    for asked in asked.iter().rev() {
        app.send(&json!({"id": asked["id"], "success": {"of": asked["id"]}}).to_string()).await;
    }
    let mut answers = Vec::new();
    for page in [&mut one, &mut two] {
        let (_, payload) = answer(page).await;
        assert_eq!((&payload["id"], &payload["data"]["id"]), (&json!(9), &json!(4)));
        answers.push(payload["data"]["success"]["of"].clone());
    }
    assert_ne!(answers[0], answers[1]);
    data(&mut two, "client-request", of_plugin("deinit")).await;
    assert_eq!(app.receive().await["method"], "deinit");
}

#[tokio::test]
async fn names_that_the_page_would_take_apart_wrongly_are_written_otherwise() {
    let authority = memory_authority();
    let mut hosted = Hosted::with(desktop().authority(authority.clone()), false).await;
    let mut app = scripted(&mut hosted, &Query::new("A#B", "Linux", "box", "d#1"), &authority).await;
    let mut page = hosted.open().await;
    let id = data(&mut page, "client-list", json!([])).await[0]["id"].take();
    assert_eq!(id, "A%23B#Linux#box#d%231");
    exec(&mut page, 1, "client-request-response", json!([id, {"id": 0, "method": "getPlugins"}])).await;
    let asked = app.receive().await;
    app.send(&json!({"id": asked["id"], "success": {"plugins": []}}).to_string()).await;
    assert_eq!(answer(&mut page).await.1["data"]["success"], json!({"plugins": []}));
    // What a plugin tells is for pages that look at it.
    app.send(r#"{"method":"execute","params":{"api":"Silent","method":"unseen"}}"#).await;
    hosted.rig.event("a message", |event| matches!(event, Event::Message { .. }).then_some(())).await;
    exec(&mut page, 2, "get-server-state", json!([])).await;
    assert_eq!(page.receive().await["event"], "exec-response");
    data(&mut page, "client-request", json!([id, {"method": "init", "params": {"plugin": "Silent"}}])).await;
    assert_eq!(app.receive().await["method"], "init");
    app.send(r#"{"method":"execute","params":{"api":"Silent","method":"tick"}}"#).await;
    let (_, told) = event(&mut page).await;
    assert!(told["id"] == id && told["message"].as_str().unwrap().contains("tick"), "{told}");
}
