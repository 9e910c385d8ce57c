//! The desktop's own page: files that the program carries.
//!
//! They are in `page/` of this crate, are served as they are there, and need no token. `docs/page.md` is about them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::get;

use super::failure::Failure;
use super::server::Server;
use super::socket;

/// Nothing comes from elsewhere, nothing goes elsewhere, no script or style stands in the page itself, and no text becomes
/// HTML but the templates of the page's own modules.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types lit-html";

/// Where the files are, but for the page itself, which is at `/`.
const FOLDER: &str = "/page/";

struct Asset {
    name: &'static str,
    content: &'static [u8],
}

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        [$(Asset { name: $name, content: include_bytes!(concat!("../../page/", $name)) }),*]
    };
}

static INDEX: Asset = Asset { name: "index.html", content: include_bytes!("../../page/index.html") };

static ASSETS: &[Asset] = &assets![
    "databases/cells.js",
    "databases/data.js",
    "databases/sql.js",
    "databases/structure.js",
    "databases/view.js",
    "failures.js",
    "feed.js",
    "icon.svg",
    "json-tree.js",
    "json.js",
    "lib/lit-html/LICENSE",
    "lib/lit-html/directive-helpers.js",
    "lib/lit-html/directive.js",
    "lib/lit-html/directives/live.js",
    "lib/lit-html/directives/repeat.js",
    "lib/lit-html/lit-html.js",
    "link.js",
    "long-text.js",
    "look.css",
    "main.js",
    "network/body.js",
    "network/detail.js",
    "network/export.js",
    "network/feed.js",
    "network/message-body.js",
    "network/mocks.js",
    "network/view.js",
    "recordings.js",
    "route.js",
    "rows.js",
    "settings.js",
    "shell.js",
    "sidebar.js",
    "split.js",
    "store.js",
    "table.css",
    "table.js",
    "text.js",
    "token.js",
    "views.css",
    "views/app.js",
    "views/call-box.js",
    "views/generic.js",
    "views/logs.js",
    "views/navigation.js",
    "views/plugin.js",
    "views/preferences.js",
    "views/recordings.js",
    "views/sandbox.js",
    "views/welcome.js",
];

/// `/`: the page, or the official desktop's UI socket for those that open a WebSocket.
pub(super) async fn root(state: State<Server>, request: Request) -> Result<Response, Failure> {
    if socket::is_wanted(request.headers()) {
        socket::official(state, request).await
    } else {
        Ok(INDEX.answer(request.headers()))
    }
}

/// All the other files.
pub(super) fn assets() -> Router<Server> {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        router.route(&asset.path(), get(async |headers: HeaderMap| asset.answer(&headers)))
    })
}

/// Whether this asks for a file of the page.
pub(super) fn is_asset(request: &Request) -> bool {
    let path = request.uri().path();
    let known = path == "/" && !socket::is_wanted(request.headers())
        || path.strip_prefix(FOLDER).is_some_and(|name| ASSETS.iter().any(|asset| asset.name == name));
    known && matches!(*request.method(), Method::GET | Method::HEAD)
}

impl Asset {
    fn path(&self) -> String {
        format!("{FOLDER}{}", self.name)
    }

    fn content_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The same for the same content.
    fn tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.content.hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let tag = self.tag();
        let has_it = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
        let mut response = Response::new(if has_it { Body::empty() } else { Body::from(self.content) });
        if has_it {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let mut set = |name: HeaderName, value: &'static str| {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        set(header::CONTENT_TYPE, self.content_type());
        set(header::CACHE_CONTROL, "no-cache");
        set(header::CONTENT_SECURITY_POLICY, POLICY);
        set(header::REFERRER_POLICY, "no-referrer");
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}
