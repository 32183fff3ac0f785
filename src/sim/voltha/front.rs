//! Stands before the generated services: holds calls while the stack hangs, answers `ListDevices`
//! without building four thousand messages, and the methods that the core declares and does not do.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http_body::{Body as _, Frame};
use tonic::Status;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;

use super::{Core, devices};

type HttpRequest = http::Request<tonic::body::Body>;
type HttpResponse = http::Response<tonic::body::Body>;

/// Declared by the protocol and answered `UNKNOWN "unimplemented"` by the core.
const NOT_DONE: [&str; 10] = [
    "ListCoreInstances",
    "GetCoreInstance",
    "CreateEventFilter",
    "GetEventFilter",
    "UpdateEventFilter",
    "DeleteEventFilter",
    "ListEventFilters",
    "SelfTest",
    "GetMibDeviceData",
    "GetAlarmDeviceData",
];

/// The methods of both services that exist.
const DONE: &str = include_str!("../../../assets/proto/voltha.proto");

/// A service behind the front.
#[derive(Debug, Clone)]
pub(super) struct Front<S> {
    inner: S,
    core: Core,
}

impl<S> Front<S> {
    pub(super) const fn new(inner: S, core: Core) -> Self {
        Self { inner, core }
    }
}

impl<S: NamedService> NamedService for Front<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<HttpRequest> for Front<S>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = std::convert::Infallible>
        + NamedService
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = HttpResponse;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<HttpResponse, std::convert::Infallible>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        let core = self.core.clone();
        let mut inner = self.inner.clone();
        Box::pin(async move {
            core.faults.answering().await;
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            if S::NAME == "voltha.VolthaService" {
                if method == "ListDevices" {
                    return Ok(list(&core, request.into_body()).await);
                }
                if let Some(status) = refusal(&method) {
                    return Ok(status.into_http());
                }
            }
            inner.call(request).await
        })
    }
}

fn refusal(method: &str) -> Option<Status> {
    if NOT_DONE.contains(&method) {
        return Some(Status::unknown("unimplemented"));
    }
    match method {
        "StartOmciTestAction" => Some(Status::unknown("unImplemented")),
        "PutVoipSystemProfile" => Some(Status::unimplemented("put-voip-system-profile-not-implemented")),
        _ if !DONE.contains(&format!("rpc {method}(")) => {
            Some(Status::unimplemented(format!("unknown method {method} for service voltha.VolthaService")))
        }
        _ => None,
    }
}

/// `ListDevices`
async fn list(core: &Core, mut request: tonic::body::Body) -> HttpResponse {
    // An answer before the end of the request would break the stream off.
    while poll_fn(|cx| Pin::new(&mut request).poll_frame(cx)).await.is_some() {}
    let mut pieces: VecDeque<Bytes> = {
        let world = core.world();
        world.stacks.get(core.stack).map(devices::list).unwrap_or_default().into()
    };
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let mut head = BytesMut::with_capacity(5);
    head.put_u8(0);
    head.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    pieces.push_front(head.freeze());
    let mut response = http::Response::new(tonic::body::Body::new(Pieces { left: pieces, ended: false }));
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/grpc"));
    response
}

/// A body in pieces: each is let go when it is sent.
struct Pieces {
    left: VecDeque<Bytes>,
    ended: bool,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(piece) = self.left.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if std::mem::replace(&mut self.ended, true) {
            return Poll::Ready(None);
        }
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}
