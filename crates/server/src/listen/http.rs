//! HTTP/1.1 and HTTP/2 (with prior knowledge) on one port.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::quiet::{Activity, InProgress, Quiet};
use crate::app::App;
use crate::call::Peer;
use crate::limits::{
    ACCEPT_RETRY, CONNECTION_WINDOW_BYTES, HEADER_BYTES_MAX, IDLE_TIMEOUT, PING_INTERVAL, STREAM_WINDOW_BYTES,
    STREAMS_MAX,
};

/// Accepts connections until the server stops, then waits for those that are open.
pub(super) async fn serve(
    app: Arc<App>,
    name: &'static str,
    listener: TcpListener,
    router: Router,
    slots: Arc<Semaphore>,
) {
    let mut stopping = app.stopping.clone();
    let mut connections = JoinSet::new();
    loop {
        // Without a free slot nothing is accepted: the kernel's queue holds the rest.
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            () = stopping.stopped() => break,
        };
        while connections.try_join_next().is_some() {}
        let Ok(slot) = slot else { break };
        match accepted {
            Ok((stream, peer)) => {
                let (app, router) = (Arc::clone(&app), router.clone());
                connections.spawn(async move {
                    app.metrics.connected(name);
                    connection(&app, stream, peer, router).await;
                    app.metrics.disconnected(name);
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::info!(listener = name, %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(app: &App, stream: TcpStream, peer: SocketAddr, router: Router) {
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(Activity::default());
    let io = TokioIo::new(Quiet::new(stream, Arc::clone(&activity)));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let in_progress = activity.begin();
        request.extensions_mut().insert(Peer(peer));
        let router = router.clone();
        async move {
            let response: Response = router.oneshot(request.map(Body::new)).await?;
            Ok::<_, std::convert::Infallible>(response.map(|body| Watched { body, _in_progress: in_progress }))
        }
    });
    let builder = builder();
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let mut stopping = app.stopping.clone();
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopping.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Counted from the end of the request before: silence and slow heads are told apart in `quiet`.
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX as usize * 4);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(PING_INTERVAL);
    builder
}

/// A body that keeps its request in progress until it is written or dropped.
struct Watched {
    body: Body,
    _in_progress: InProgress,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
