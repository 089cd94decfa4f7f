//! Starting and stopping: first every address is bound, then everything is served; stopping goes the other way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clewline_env::Env;
use clewline_query::Engine;
use clewline_store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::listen::{self, BindError, Listening};
use crate::settings::ServerSettings;

/// Why a server could not start.
#[derive(Debug)]
pub enum StartError {
    /// An address could not be bound.
    Bind(BindError),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::Bind(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<BindError> for StartError {
    fn from(error: BindError) -> StartError {
        StartError::Bind(error)
    }
}

/// A running server.
pub struct Server {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("listeners", &self.listeners()).finish_non_exhaustive()
    }
}

impl Server {
    /// Binds all addresses and serves them. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When an address cannot be bound; the message names the setting that moves it.
    pub async fn start(
        env: Env,
        store: Arc<Store>,
        engine: Arc<Engine>,
        settings: ServerSettings,
    ) -> Result<Server, StartError> {
        store.set_row_tests(Arc::new(clewline_query::row_test));
        let (stop, stopping) = watch::channel(false);
        let app = Arc::new(App::new(store, engine, env, settings, stopping));
        let bound = listen::bind(&app.settings).await?;
        let _ = app.listeners.set(bound.listening());
        let mut tasks = JoinSet::new();
        bound.serve(&app, &mut tasks);
        Ok(Server { app, stop, tasks })
    }

    /// Where it listens.
    pub fn listeners(&self) -> &[Listening] {
        self.app.listeners.get().map_or(&[], Vec::as_slice)
    }

    /// The address of a listener by its name (`http`, `otlp_grpc`, …).
    pub fn address(&self, name: &str) -> Option<SocketAddr> {
        self.listeners().iter().find(|listening| listening.name == name).map(|listening| listening.address)
    }

    /// Accepts nothing more, lets requests and lines in progress end, and returns; what is not done by then is cut off.
    pub async fn stop(mut self, deadline: Duration) {
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, ended).await.is_err() {
            tracing::info!("some requests were still running and are cut off");
            self.tasks.shutdown().await;
        }
    }
}
