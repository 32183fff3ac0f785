//! Stands before the generated services: holds calls while the stack hangs, answers `ListDevices`
//! without building four thousand messages, and the methods that the core declares and does not do.

use std::task::{Context, Poll};

use bytes::{Buf, BufMut, BytesMut};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Request, Response, Status};

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
                    return Ok(tonic::server::Grpc::new(Raw).unary(List(core), request).await);
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
struct List(Core);

impl tonic::server::UnaryService<()> for List {
    type Response = BytesMut;
    type Future = BoxFuture<Response<BytesMut>, Status>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let core = self.0.clone();
        Box::pin(async move {
            let world = core.world();
            let stack = world.stacks.get(core.stack);
            Ok(Response::new(stack.map(devices::list).unwrap_or_default()))
        })
    }
}

/// An empty request; an answer that is encoded already.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = BytesMut;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = BytesMut;
    type Error = Status;

    fn encode(&mut self, item: BytesMut, dst: &mut EncodeBuf<'_>) -> Result<(), Status> {
        dst.reserve(item.len());
        dst.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        src.advance(src.remaining());
        Ok(Some(()))
    }
}
