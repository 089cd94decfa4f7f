//! How the process is: health, readiness, metrics, version, the description of the API.

pub(crate) mod catalogue;
pub(crate) mod health;
pub(crate) mod metrics;
mod prometheus;

pub(crate) use health::{health, openapi, ready, version};
pub(crate) use prometheus::metrics as metrics_page;
