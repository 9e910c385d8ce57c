//! The plugin Network.

use std::time::Duration;

use flipper_blocking::{Flipper, Plugin};
use flipper_plugins::Waiting;
use flipper_plugins::network::{BODY_CUT, BodyRecorder, Exchange, MockResponse, Network, NetworkBuilder, Redaction};
use flipper_plugins::network::{Request, Response, Verdict};

fn configured() -> NetworkBuilder {
    let redaction = Redaction::default()
        .header("x-mine")
        .show_header("cookie")
        .headers_if(|name| name.starts_with("x-secret-"))
        .parameter("mine")
        .show_parameter("key")
        .parameters_if(|name| name.ends_with("_id"));
    drop(Redaction::nothing());
    Network::builder()
        .waiting(Waiting::default())
        .body_limit(1 << 16)
        .leave_out(["image/"])
        .redaction(redaction)
        .on_request(|request: &mut Request<'_>| if request.url.is_empty() { Verdict::Drop } else { Verdict::Keep })
        .on_response(|response: &mut Response<'_>| if response.status == 0 { Verdict::Drop } else { Verdict::Keep })
        .progress(Duration::from_secs(5))
        .ui_headers(false)
        .mocks(true)
}

#[test]
fn it_can_be_added_to_an_app() {
    let network = configured().build();
    drop(Flipper::builder("Shop", "com.example.shop").plugin(network.clone()));
    assert_eq!((network.id(), BODY_CUT), ("Network", "x-flipper-body-cut"));
    assert!(!network.is_recording(), "it is in no app");
    assert_eq!(format!("{network:?}").is_empty(), format!("{:?}", Network::new()).is_empty());
}

#[test]
fn exchanges_can_be_recorded() {
    let network = Network::default();
    let request = || Request::new("GET", "http://a.test/").header("a", "b").body(b"c".as_slice());
    let exchange: Exchange = network.request(request);
    assert!(!exchange.is_seen(), "it is in no app");
    let mut body: BodyRecorder = exchange.request_body();
    body.chunk(b"a");
    body.end();
    let response = || Response::new(200).reason("OK").header("a", "b").body(b"c".as_slice()).mock().decoded();
    let mut body = exchange.response(response);
    assert!(!body.is_seen());
    body.chunk(b"a");
    body.unseen_chunk(1);
    body.trailer("a", "b");
    body.fail("error");
    network.request(request).fail("error");
    network.request(request).fail_with("error", "details");
    let mock: Option<MockResponse> = network.mock("GET", "http://a.test/");
    assert!(mock.map(|mock| (mock.status, mock.headers, mock.body)).is_none());
    let _skipped: u64 = network.skipped();
}

#[cfg(feature = "network-reqwest")]
#[test]
fn reqwest_clients_can_be_recorded() {
    let middleware: flipper_plugins::network::ReqwestMiddleware = Network::new().reqwest();
    let middleware: Box<dyn reqwest_middleware::Middleware> = Box::new(middleware.clone());
    drop(middleware);
}

#[cfg(feature = "network-tower")]
#[test]
fn tower_services_can_be_recorded() {
    use bytes::Bytes;
    use flipper_plugins::network::{ClientLayer, ClientService, RecordedBody, ServerLayer, ServerService};
    use http_body_util::Full;
    use hyper_util::client::legacy::{Client, connect::HttpConnector};
    use hyper_util::rt::TokioExecutor;
    use tower_layer::Layer as _;

    let layer: ClientLayer = Network::new().tower_client().base("http://a.test");
    let client: Client<HttpConnector, RecordedBody<Full<Bytes>>> = Client::builder(TokioExecutor::new()).build_http();
    let _recorded: ClientService<Client<_, _>> = layer.layer(client);
    let layer: ServerLayer = Network::new().tower_server().scheme("https");
    let _recorded: ServerService<u8> = layer.layer(1);
    let _served: axum::Router = axum::Router::new().route("/", axum::routing::get(|| async {})).layer(layer);
}

#[cfg(feature = "network-ureq")]
#[test]
fn ureq_agents_can_be_recorded() {
    let middleware: flipper_plugins::network::UreqMiddleware = Network::new().ureq();
    let _agent: ureq::Agent = ureq::Agent::config_builder().middleware(middleware).build().into();
}
