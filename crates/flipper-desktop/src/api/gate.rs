//! Who is let in: nobody without the token, no page of another origin, nobody who takes this machine for another one.

use axum::extract::{Request, State};
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use flipper_proto::Excerpt;
use flipper_proto::desktop::Host;

use super::cookie::Cookie;
use super::failure::Failure;
use super::page;
use super::routes::query;
use super::server::Server;

/// What the official desktop's own clients may send the token in.
const OFFICIAL_HEADER: HeaderName = HeaderName::from_static("x-access-token");

/// Passes a request on, or answers why not.
pub(super) async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response {
    let gate = server.gate();
    // The page itself holds nothing that is anybody's secret; what it shows, it asks for with the token.
    let checked = if server.hosting().is_none() && page::is_asset(&request) {
        gate.check_source(request.headers())
    } else {
        gate.check(request.headers(), request.uri())
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(failure) => {
            tracing::debug!(path = request.uri().path(), "a request is refused: {}", failure.error);
            failure.into_response()
        }
    }
}

/// What a request has to show.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) port: u16,
    pub(super) known_hosts: Vec<Host>,
    pub(super) token: super::Token,
    /// What browsers may show instead, on ports that have pages.
    pub(super) cookie: Option<Cookie>,
}

impl Gate {
    pub(super) fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Failure> {
        self.check_source(headers)?;
        self.check_token(headers, uri)
    }

    fn check_source(&self, headers: &HeaderMap) -> Result<(), Failure> {
        check_origin(headers, self.check_host(headers)?)
    }

    /// The header that gives a browser its cookie, if there are any.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        self.cookie.as_ref()?.header()
    }

    /// A page whose own name was made to lead here names that, and not this machine.
    fn check_host<'a>(&self, headers: &'a HeaderMap) -> Result<&'a str, Failure> {
        let foreign = |what: &str| {
            let hint = format!("use http://localhost:{}, or add the name to the desktop's known hosts", self.port);
            Failure::new(StatusCode::MISDIRECTED_REQUEST, "ForeignHost", format!("this desktop is not known as {what}"))
                .hint(hint)
        };
        let text = single(headers, &header::HOST).ok_or_else(|| foreign("nothing"))?;
        let shown = || foreign(Excerpt::new(text).as_str());
        let authority: Authority = text.parse().map_err(|_| shown())?;
        let host: Host = authority.host().parse().map_err(|_| shown())?;
        let ours = ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| name.parse().as_ref() == Ok(&host));
        let port = authority.port_u16().unwrap_or(80);
        if text.contains('@') || port != self.port || !(ours || self.known_hosts.contains(&host)) {
            return Err(shown());
        }
        Ok(text)
    }

    fn check_token(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Failure> {
        let bearer = single(headers, &header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let in_query = query(uri, "token");
        if self.cookie.as_ref().is_some_and(|cookie| cookie.is_shown(headers)) {
            return Ok(());
        }
        let token = bearer.or_else(|| single(headers, &OFFICIAL_HEADER)).or(in_query.as_deref());
        let (name, message) = match token {
            Some(token) if self.token.is(token) => return Ok(()),
            Some(_) => ("WrongToken", "the token is not that of this desktop"),
            None => ("NoToken", "a token is needed"),
        };
        let hint = if self.cookie.is_some() {
            "open the link that `flipper desktop` printed when it was started; each start has a new one"
        } else {
            "send `Authorization: Bearer TOKEN`, or add `?token=TOKEN`; the token is new at each start of the desktop, and \
             stands in the file `token` in its directory"
        };
        Err(Failure::new(StatusCode::UNAUTHORIZED, name, message).hint(hint))
    }
}

/// Programs send no `Origin`, and pages of this desktop its own.
fn check_origin(headers: &HeaderMap, host: &str) -> Result<(), Failure> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let origin = single(headers, &header::ORIGIN);
    let own = origin.and_then(|origin| origin.strip_prefix("http://"));
    if own.is_some_and(|own| own.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    let shown = Excerpt::new(origin.unwrap_or("several origins"));
    let message = format!("web pages of {shown} may not use this desktop");
    Err(Failure::new(StatusCode::FORBIDDEN, "ForeignOrigin", message).hint("call it from a program, not from a page"))
}

/// The value of a header that is there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
