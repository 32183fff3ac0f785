//! The northbound side of a VOLTHA stack: `VolthaService` and `Extension` over gRPC, answering as
//! rw_core 3.7 with openolt 4.6 and openonu 2.13 were seen to answer.

mod calls;
mod devices;
mod extension;
mod flows;
mod front;
mod ports;
mod service;

use std::sync::{Arc, MutexGuard};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::ServerTlsConfig;

use crate::controllers::voltha::proto::extension::extension_server::ExtensionServer;
use crate::controllers::voltha::proto::voltha::voltha_service_server::VolthaServiceServer;
use crate::sim::net::{Faults, Severable};
use crate::sim::network::World;
use crate::sim::run::Live;

/// Largest request accepted, bytes.
const LARGEST_REQUEST: usize = 4 << 20;

/// One stack's view of the world.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    pub(crate) live: Arc<Live>,
    pub(crate) stack: usize,
    pub(crate) faults: Arc<Faults>,
}

impl Core {
    fn world(&self) -> MutexGuard<'_, World> {
        self.live.world()
    }
}

/// Serves one stack until `stop`.
pub(crate) async fn serve(listener: TcpListener, core: Core, tls: Option<ServerTlsConfig>, stop: CancellationToken) {
    let faults = Arc::clone(&core.faults);
    let accepted = async_stream(listener, faults);
    let service = VolthaServiceServer::new(core.clone()).max_decoding_message_size(LARGEST_REQUEST);
    let extension = ExtensionServer::new(core.clone()).max_decoding_message_size(LARGEST_REQUEST);
    let mut server = tonic::transport::Server::builder();
    if let Some(tls) = tls {
        match server.tls_config(tls) {
            Ok(with_tls) => server = with_tls,
            Err(e) => return tracing::error!(error = %e, "the simulator cannot use its certificate"),
        }
    }
    let router =
        server.add_service(front::Front::new(service, core.clone())).add_service(front::Front::new(extension, core));
    if let Err(e) = router.serve_with_incoming_shutdown(accepted, stop.cancelled()).await {
        tracing::error!(error = %e, "the simulator's gRPC server ended");
    }
}

/// Connections, each of which can be cut.
fn async_stream(
    listener: TcpListener,
    faults: Arc<Faults>,
) -> impl tokio_stream::Stream<Item = std::io::Result<Severable<tokio::net::TcpStream>>> {
    futures_util::stream::unfold((listener, faults), |(listener, faults)| async move {
        loop {
            // An accept that fails (too many files) is tried again; the listener itself stays good.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            if faults.refuses() {
                continue;
            }
            let _ = stream.set_nodelay(true);
            let connection = Severable::new(stream, &faults);
            return Some((Ok(connection), (listener, faults)));
        }
    })
}
