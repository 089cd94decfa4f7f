//! Listeners, ingest endpoints, query API, live tail and the embedded page.
//!
//! Reason to exist: it is the only crate that knows sockets and HTTP. Reading order: [`server`] starts and stops
//! everything; `routes` is the one table of all paths; `listen` accepts connections and datagrams; `ingest` takes
//! records, `api` answers questions, `operate` tells how the process is; `page` serves the web page; [`limits`] names
//! every bound. The contract is docs/api.md and docs/openapi.json.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod api;
mod app;
mod call;
mod ingest;
pub mod limits;
mod listen;
mod operate;
mod page;
mod problem;
mod routes;
pub mod server;
pub mod settings;

pub use listen::{BindError, Listening};
pub use server::{Server, StartError};
pub use settings::ServerSettings;
