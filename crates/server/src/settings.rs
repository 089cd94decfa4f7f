//! What an operator may choose about the listeners. The binary fills this from its settings table.

use std::sync::Arc;

/// Settings of a server. An empty address switches a listener off.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Page, API and every HTTP ingest path.
    pub http: String,
    /// OTLP over gRPC.
    pub otlp_grpc: String,
    /// OTLP over HTTP.
    pub otlp_http: String,
    /// Raw lines over TCP.
    pub raw_tcp: String,
    /// Raw lines over UDP.
    pub raw_udp: String,
    /// Syslog, over UDP and TCP.
    pub syslog: String,
    /// HTTP connections at a time, over all listeners.
    pub connections_max: usize,
    /// Largest body, compressed or not.
    pub body_bytes_max: usize,
    /// Bodies in memory at a time.
    pub in_flight_bytes_max: usize,
    /// Tenant of requests that name none.
    pub tenant_default: Arc<str>,
    /// Where the data is, for the status page.
    pub data_folder: String,
    /// Version of the product.
    pub version: &'static str,
}

impl Default for ServerSettings {
    fn default() -> ServerSettings {
        ServerSettings {
            http: "127.0.0.1:4300".to_owned(),
            otlp_grpc: "127.0.0.1:4317".to_owned(),
            otlp_http: "127.0.0.1:4318".to_owned(),
            raw_tcp: "127.0.0.1:8080".to_owned(),
            raw_udp: "127.0.0.1:8080".to_owned(),
            syslog: String::new(),
            connections_max: 4_096,
            body_bytes_max: 64 << 20,
            in_flight_bytes_max: 256 << 20,
            tenant_default: Arc::from("default"),
            data_folder: String::new(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
