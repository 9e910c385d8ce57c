//! HTTP exchanges that Python records.

use std::sync::OnceLock;

use flipper_plugins::Waiting;
use flipper_plugins::network::{self, Redaction};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::options::seconds;
use crate::registry::{Once, Process};
use crate::text::{shown, with_bytes};

/// Shows the app's HTTP traffic in the desktop's Network plugin, and answers requests with the mock responses that are set
/// there. Clients and servers record with it: see `flipper.httpx`, `flipper.requests`, `flipper.asgi` and `flipper.wsgi`.
///
/// `body_limit` is how many bytes of a body are kept and shown (1 MiB). `hide_headers` and `hide_parameters` name headers
/// and URL parameters whose values are not shown besides those that usually hold credentials; `show_headers` and
/// `show_parameters` name those that are shown all the same. Of the content types that contain a text of `leave_out` no
/// body is kept. `waiting` is how many requests and responses, and how many bytes of them, wait for a desktop.
/// `progress` is how many seconds a response streams until it is shown with what there is so far. Without `mocks` the
/// desktop may set no mock responses.
#[pyclass(frozen, module = "flipper")]
pub(crate) struct Network {
    network: network::Network,
    /// The process in which it was added to an app. Until then it may be used in any.
    home: OnceLock<Process>,
}

impl Network {
    pub(crate) const ID: &str = "Network";

    /// The plugin, to be added to an app of this process.
    pub(crate) fn settle(&self, py: Python<'_>) -> PyResult<network::Network> {
        self.home.get_or_init(Process::current).check(py)?;
        Ok(self.network.clone())
    }

    /// The plugin, unless it belongs to a process that this one was forked from.
    fn get(&self) -> Option<&network::Network> {
        self.home.get().is_none_or(|home| home.is_this()).then_some(&self.network)
    }
}

#[pymethods]
impl Network {
    #[new]
    #[pyo3(signature = (*, body_limit=None, hide_headers=None, show_headers=None, hide_parameters=None,
        show_parameters=None, leave_out=None, waiting=None, progress=None, mocks=true))]
    #[expect(clippy::too_many_arguments, reason = "in Python they have names and defaults")]
    fn new(
        py: Python<'_>,
        body_limit: Option<usize>,
        hide_headers: Option<Vec<String>>,
        show_headers: Option<Vec<String>>,
        hide_parameters: Option<Vec<String>>,
        show_parameters: Option<Vec<String>>,
        leave_out: Option<Vec<String>>,
        waiting: Option<(usize, usize)>,
        progress: Option<f64>,
        mocks: bool,
    ) -> PyResult<Self> {
        let mut redaction = Redaction::default();
        redaction = hide_headers.into_iter().flatten().fold(redaction, Redaction::header);
        redaction = show_headers.iter().flatten().fold(redaction, |all, name| all.show_header(name));
        redaction = hide_parameters.into_iter().flatten().fold(redaction, Redaction::parameter);
        redaction = show_parameters.iter().flatten().fold(redaction, |all, name| all.show_parameter(name));
        let mut builder = network::Network::builder().redaction(redaction).mocks(mocks);
        if let Some(bytes) = body_limit {
            builder = builder.body_limit(bytes);
        }
        if let Some(content_types) = leave_out {
            builder = builder.leave_out(content_types);
        }
        if let Some((events, bytes)) = waiting {
            builder = builder.waiting(Waiting::new(events, bytes));
        }
        if let Some(progress) = progress {
            builder = builder.progress(seconds(py, "progress", progress)?);
        }
        Ok(Self { network: builder.build(), home: OnceLock::new() })
    }

    /// Whether an exchange that begins now will be seen: a desktop is there, or there is still room for what waits for one.
    #[getter]
    fn is_recording(&self) -> bool {
        self.get().is_some_and(network::Network::is_recording)
    }

    /// How many requests and responses no desktop has seen or will see, because none was connected and no room was left.
    #[getter]
    fn skipped(&self) -> u64 {
        self.get().map_or(0, network::Network::skipped)
    }

    /// Begins an exchange: a request goes out, or comes in. `None` when nobody will see it.
    ///
    /// Headers are pairs of texts or bytes. The body is what is known of it by now; what streams goes through
    /// `Exchange.request_body`. Nothing that is only shown ever raises.
    #[pyo3(signature = (method, url, headers, body=None))]
    fn request(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        body: Option<&Bound<'_, PyAny>>,
    ) -> Option<Exchange> {
        let network = self.get()?;
        if !network.is_recording() {
            // It is counted.
            drop(network.request(|| network::Request::new("", "")));
            return None;
        }
        let mut request = network::Request::new(shown(method), shown(url));
        request.headers = pairs(headers);
        if let Some(body) = body {
            with_bytes(body, |bytes| request.body = bytes.to_vec().into());
        }
        let exchange = py.detach(|| network.request(|| request));
        exchange.is_seen().then(|| Exchange(Once::of(Some(exchange))))
    }

    /// The response that somebody has set in the desktop for such a request: status, headers and body.
    fn mock<'py>(&self, method: &Bound<'py, PyAny>, url: &Bound<'py, PyAny>) -> Option<Mock<'py>> {
        let mock = self.get()?.mock(&shown(method), &shown(url))?;
        Some((mock.status, mock.headers, PyBytes::new(method.py(), &mock.body)))
    }
}

type Mock<'py> = (u16, Vec<(String, String)>, Bound<'py, PyBytes>);

/// Names and values as they are shown. What is no pair is left out.
fn pairs(headers: &Bound<'_, PyAny>) -> Vec<(String, String)> {
    let Ok(headers) = headers.try_iter() else { return Vec::new() };
    let pairs = headers.flatten().filter_map(|pair| pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>().ok());
    pairs.map(|(name, value)| (shown(&name), shown(&value))).collect()
}

/// A request that has no response yet. Dropped, it is shown as cancelled.
#[pyclass(frozen, module = "flipper")]
pub(crate) struct Exchange(Once<network::Exchange>);

#[pymethods]
impl Exchange {
    /// Records the body of the request as it streams.
    fn request_body(&self) -> Body {
        let body = self.0.lock().and_then(|exchange| exchange.as_ref().map(network::Exchange::request_body));
        Body(Once::of(body))
    }

    /// The response has come, or its head; its body is recorded with what is returned.
    ///
    /// `decoded` says that the body will be recorded as it was before it was encoded, whatever its headers say.
    #[pyo3(signature = (status, reason, headers, body=None, *, mock=false, decoded=false))]
    #[expect(clippy::too_many_arguments, reason = "in Python they have names and defaults")]
    fn response(
        &self,
        py: Python<'_>,
        status: i64,
        reason: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        body: Option<&Bound<'_, PyAny>>,
        mock: bool,
        decoded: bool,
    ) -> Body {
        let mut response = network::Response::new(u16::try_from(status).unwrap_or_default()).reason(shown(reason));
        response.headers = pairs(headers);
        if let Some(body) = body {
            with_bytes(body, |bytes| response.body = bytes.to_vec().into());
        }
        response.is_mock = mock;
        response.is_decoded = decoded;
        let exchange = self.0.take();
        Body(Once::of(py.detach(|| exchange.map(|exchange| exchange.response(|| response)))))
    }

    /// The exchange has failed without a response.
    #[pyo3(signature = (error, details=None))]
    fn fail(&self, error: &Bound<'_, PyAny>, details: Option<&Bound<'_, PyAny>>) {
        if let Some(exchange) = self.0.take() {
            exchange.fail_with(shown(error), shown(details.unwrap_or(error)));
        }
    }

    /// Nobody waits for the response any more.
    fn cancel(&self, py: Python<'_>) {
        let taken = self.0.take();
        py.detach(|| drop(taken));
    }
}

/// Records a body as it streams by. Dropped before its end, it is shown as one that was not read to its end.
#[pyclass(frozen, module = "flipper")]
pub(crate) struct Body(Once<network::BodyRecorder>);

#[pymethods]
impl Body {
    /// A piece has passed.
    fn chunk(&self, data: &Bound<'_, PyAny>) {
        with_bytes(data, |bytes| {
            if let Some(body) = self.0.lock().as_mut().and_then(|body| body.as_mut()) {
                body.chunk(bytes);
            }
        });
    }

    /// The body is complete.
    fn end(&self, py: Python<'_>) {
        if let Some(body) = self.0.take() {
            py.detach(|| body.end());
        }
    }

    /// The body has failed.
    fn fail(&self, error: &Bound<'_, PyAny>) {
        if let Some(body) = self.0.take() {
            body.fail(shown(error));
        }
    }

    /// Nobody reads on.
    fn cancel(&self, py: Python<'_>) {
        let taken = self.0.take();
        py.detach(|| drop(taken));
    }
}
