//! One request on its way through a handler.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::app::App;
use crate::limits::TENANT_BYTES_MAX;
use crate::problem::Problem;

/// Header that names the tenant.
pub(crate) const TENANT_HEADER: &str = "x-scope-orgid";

/// The other end of a connection; an extension of every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// A request, matched to its route.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) parts: Parts,
    pub(crate) body: Body,
    /// Name of this request in answers and logs.
    pub(crate) id: Arc<str>,
    /// The variable part of the path, decoded.
    pub(crate) argument: String,
}

impl Call {
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// A header as text; an unreadable one is none.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// Address of the sender without the port.
    pub(crate) fn peer(&self) -> IpAddr {
        let peer = self.parts.extensions.get::<Peer>();
        peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical())
    }

    /// The tenant this request reads and writes.
    pub(crate) fn tenant(&self) -> Result<Arc<str>, Problem> {
        let Some(header) = self.parts.headers.get(TENANT_HEADER) else {
            return Ok(Arc::clone(&self.app.settings.tenant_default));
        };
        let name = header.to_str().unwrap_or("");
        check_tenant(name).map(Arc::from).map_err(|reason| {
            Problem::new(400, "bad_tenant", format!("the header X-Scope-OrgID names no tenant: {reason}"))
                .hint("use 1 to 150 letters, digits or any of ! - _ . * ' ( )")
        })
    }
}

/// Checks a tenant name: those Grafana's databases accept.
pub(crate) fn check_tenant(name: &str) -> Result<&str, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*'()".contains(&byte);
    if name.is_empty() {
        Err("it is empty")
    } else if name.len() > TENANT_BYTES_MAX {
        Err("it is too long")
    } else if name.contains('|') {
        Err("one request has one tenant")
    } else if name == "." || name == ".." || !name.bytes().all(allowed) {
        Err("it has characters that are not allowed")
    } else {
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::check_tenant;

    #[test]
    fn tenant_names() {
        for good in ["a", "team-1", "x.y_z", "(a)", &"t".repeat(150)] {
            assert_eq!(check_tenant(good), Ok(good));
        }
        for bad in ["", ".", "..", "a/b", "../x", "a|b", "a b", "ä", "a\0", &"t".repeat(151)] {
            assert!(check_tenant(bad).is_err(), "{bad}");
        }
    }
}
