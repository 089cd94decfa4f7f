//! The web page, built into the binary.
//!
//! Files under `/assets/` have their hash in their name and never change; the index is asked for again each time and
//! answered by its ETag. Paths of the page's own views give the index. The policy forbids everything the page does not
//! need; it has no HTML sink at all (`trusted-types 'none'`).

use std::collections::HashMap;
use std::io::Write;
use std::sync::OnceLock;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use rust_embed::RustEmbed;

use crate::call::Call;
use crate::ingest::grpc;
use crate::problem::Problem;

/// What the page may load and do.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// First parts of the paths the page handles itself.
const VIEWS: [&str; 7] = ["", "search", "trace", "services", "status", "storage", "start"];

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
struct Files;

/// A file and its compressed form.
struct Asset {
    plain: Bytes,
    packed: Option<Bytes>,
    tag: HeaderValue,
    kind: &'static str,
}

/// All files, compressed once.
fn assets() -> &'static HashMap<String, Asset> {
    static ASSETS: OnceLock<HashMap<String, Asset>> = OnceLock::new();
    ASSETS.get_or_init(|| {
        let load = |name: std::borrow::Cow<'static, str>| {
            let file = Files::get(&name)?;
            let mut tag = String::from("\"");
            clewline_model::text::push_hex(&mut tag, &file.metadata.sha256_hash()[..8]);
            tag.push('"');
            let plain = Bytes::from(file.data.into_owned());
            let packed = gzip(&plain).filter(|packed| packed.len() < plain.len());
            let kind = kind_of(&name);
            let tag = HeaderValue::from_str(&tag).ok()?;
            Some((name.into_owned(), Asset { plain, packed, tag, kind }))
        };
        Files::iter().filter_map(load).collect()
    })
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "woff2" => "font/woff2",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Files of the page, its views, and what is to be said about every other path of the main listener.
pub(crate) async fn page(call: Call) -> Response {
    let path = call.parts.uri.path();
    if grpc::is_grpc(call.headers()) {
        return grpc::unimplemented(path);
    }
    if !matches!(call.parts.method, Method::GET | Method::HEAD) {
        let problem = Problem::new(404, "unknown_path", format!("there is nothing to send to at {path}"));
        return problem.hint("docs/api.md and /api/openapi.json list the paths").response(&call.id);
    }
    let name = path.trim_start_matches('/');
    if let Some(asset) = assets().get(name).filter(|_| !name.is_empty()) {
        return serve(&call, asset, name.starts_with("assets/"));
    }
    let view = name.split('/').next().unwrap_or("");
    match assets().get("index.html") {
        Some(index) if VIEWS.contains(&view) => serve(&call, index, false),
        _ => Problem::new(404, "unknown_path", format!("there is nothing at {path}"))
            .hint("the page is at /, docs/api.md and /api/openapi.json list the paths")
            .response(&call.id),
    }
}

fn serve(call: &Call, asset: &Asset, immutable: bool) -> Response {
    let accepts = |name: &str| call.header(ACCEPT_ENCODING.as_str()).is_some_and(|value| value.contains(name));
    let known = call.headers().get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == asset.tag.as_bytes());
    let packed = asset.packed.as_ref().filter(|_| accepts("gzip"));
    let body = if known { Body::empty() } else { Body::from(packed.unwrap_or(&asset.plain).clone()) };
    let mut response = Response::new(body);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    let caching = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(ETAG, asset.tag.clone());
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    if packed.is_some() && !known {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert("content-security-policy", HeaderValue::from_static(POLICY));
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}
