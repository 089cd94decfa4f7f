//! Listeners: bind, accept, read.

mod http;
mod lines;
mod quiet;
mod tcp;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::app::App;
use crate::routes::{self, Port};
use crate::settings::ServerSettings;
use lines::Kind;

/// One open address.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Its name: `http`, `otlp_grpc`, `otlp_http`, `raw_tcp`, `raw_udp`, `syslog_tcp`, `syslog_udp`.
    pub name: &'static str,
    /// Where.
    pub address: SocketAddr,
    /// The setting that moves it.
    pub setting: &'static str,
}

/// An address that could not be bound.
#[derive(Debug)]
pub struct BindError {
    /// The setting that moves it.
    pub setting: &'static str,
    /// What it said.
    pub address: String,
    /// Why not.
    pub cause: io::Error,
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let BindError { setting, address, cause } = self;
        let port = address.rsplit_once(':').map_or(address.as_str(), |(_, port)| port);
        match cause.kind() {
            io::ErrorKind::AddrInUse => write!(
                f,
                "{setting}: port {port} is in use by another program ({address}); \
                 stop that program, or move this listener with --{setting}=HOST:PORT, or switch it off with --{setting}="
            ),
            io::ErrorKind::PermissionDenied => write!(
                f,
                "{setting}: port {port} needs more rights than this process has ({address}); \
                 choose a port above 1023 with --{setting}=HOST:PORT"
            ),
            _ => write!(
                f,
                "{setting}: cannot listen on {address}: {cause}; choose an address of this machine with --{setting}=HOST:PORT"
            ),
        }
    }
}

impl std::error::Error for BindError {}

enum Socket {
    Http(TcpListener, Port),
    Lines(TcpListener, Kind),
    Datagrams(UdpSocket, Kind),
}

/// All open addresses, not served yet.
pub(crate) struct Bound(Vec<(Listening, Socket)>);

/// Opens every address that is set.
pub(crate) async fn bind(settings: &ServerSettings) -> Result<Bound, BindError> {
    let mut bound = Vec::new();
    for (name, setting, address, port) in [
        ("http", "listen.http", &settings.http, Port::Main),
        ("otlp_grpc", "listen.otlp_grpc", &settings.otlp_grpc, Port::OtlpGrpc),
        ("otlp_http", "listen.otlp_http", &settings.otlp_http, Port::OtlpHttp),
    ] {
        if let Some((listening, listener)) = bind_tcp(name, setting, address).await? {
            bound.push((listening, Socket::Http(listener, port)));
        }
    }
    for (name, setting, address, kind) in [
        ("raw_tcp", "listen.raw_tcp", &settings.raw_tcp, Kind::Raw),
        ("syslog_tcp", "listen.syslog", &settings.syslog, Kind::Syslog),
    ] {
        if let Some((listening, listener)) = bind_tcp(name, setting, address).await? {
            bound.push((listening, Socket::Lines(listener, kind)));
        }
    }
    for (name, setting, address, kind) in [
        ("raw_udp", "listen.raw_udp", &settings.raw_udp, Kind::Raw),
        ("syslog_udp", "listen.syslog", &settings.syslog, Kind::Syslog),
    ] {
        if address.is_empty() {
            continue;
        }
        let failed = |cause| BindError { setting, address: address.clone(), cause };
        let socket = udp::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        bound.push((Listening { name, address, setting }, Socket::Datagrams(socket, kind)));
    }
    Ok(Bound(bound))
}

async fn bind_tcp(
    name: &'static str,
    setting: &'static str,
    address: &str,
) -> Result<Option<(Listening, TcpListener)>, BindError> {
    if address.is_empty() {
        return Ok(None);
    }
    let failed = |cause| BindError { setting, address: address.to_owned(), cause };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Some((Listening { name, address, setting }, listener)))
}

impl Bound {
    /// What is open.
    pub(crate) fn listening(&self) -> Vec<Listening> {
        self.0.iter().map(|(listening, _)| listening.clone()).collect()
    }

    /// Starts a task for every address.
    pub(crate) fn serve(self, app: &Arc<App>, tasks: &mut JoinSet<()>) {
        let slots = Arc::new(Semaphore::new(app.settings.connections_max));
        for (Listening { name, .. }, socket) in self.0 {
            let app = Arc::clone(app);
            match socket {
                Socket::Http(listener, port) => {
                    let router = routes::router(&app, port);
                    tasks.spawn(http::serve(app, name, listener, router, Arc::clone(&slots)));
                }
                Socket::Lines(listener, kind) => {
                    tasks.spawn(tcp::serve(app, name, listener, kind));
                }
                Socket::Datagrams(socket, kind) => {
                    tasks.spawn(udp::serve(app, name, socket, kind));
                }
            }
        }
    }
}
