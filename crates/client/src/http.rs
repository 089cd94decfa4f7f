//! The server as this crate sees it: requests with tenant and parameters, replies, problems turned into errors.
//!
//! HTTP/1.1 without TLS and without proxies; bodies are not compressed (the usual server is on the same machine).

use crate::error::CliError;
use crate::global::{DEFAULT_SERVER, Global};
use crate::limits::{CONNECT_TIMEOUT, PROBLEM_BYTES_MAX, QUERY_IN_URL_BYTES_MAX, REPLY_BYTES_MAX};
use crate::retry::parse_retry_after;
use serde_json::Value;
use std::io::Read;
use std::time::Duration;
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

/// Request parameters, in order.
pub(crate) type Params<'a> = [(&'a str, String)];

/// One server: address, tenant and a pool of connections. Cheap to clone, safe to share between threads.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    base: String,
    tenant: Option<String>,
    agent: Agent,
}

/// A reply whose body has not been read yet.
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    headers: HeaderMap,
    body: Body,
}

/// A request that got no HTTP answer.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    /// The system's reason.
    pub(crate) reason: String,
}

impl Server {
    /// The server of the global options.
    pub(crate) fn of(global: &Global) -> Result<Self, CliError> {
        Self::at(global.server.as_deref().unwrap_or(DEFAULT_SERVER), global.tenant.clone(), None)
    }

    /// A server at `address` (`http://host:port`, scheme optional). `silence_max` bounds the wait for the next bytes.
    pub(crate) fn at(address: &str, tenant: Option<String>, silence_max: Option<Duration>) -> Result<Self, CliError> {
        let base = base_of(address)?;
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .user_agent(concat!("clewline/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(silence_max)
            .build()
            .into();
        Ok(Server { base, tenant, agent })
    }

    /// Base address without a final slash.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Host and port for plain TCP checks.
    pub(crate) fn host_port(&self) -> (String, u16) {
        let authority = self.base.trim_start_matches("http://").split('/').next().unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((host, port)) => (host.trim_matches(['[', ']']).to_string(), port.parse().unwrap_or(80)),
            None => (authority.to_string(), 80),
        }
    }

    /// GET without interpreting the status.
    pub(crate) fn get_raw(&self, path: &str, params: &Params<'_>, headers: &[(&str, &str)]) -> Result<Reply, NoAnswer> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(tenant) = &self.tenant {
            request = request.header("X-Scope-OrgID", tenant);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in params {
            request = request.query(*name, value);
        }
        request.call().map(Reply::from).map_err(NoAnswer::from)
    }

    /// POST without interpreting the status.
    pub(crate) fn post_raw(
        &self,
        path: &str,
        params: &Params<'_>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, NoAnswer> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        if let Some(tenant) = &self.tenant {
            request = request.header("X-Scope-OrgID", tenant);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in params {
            request = request.query(*name, value);
        }
        request.send(body).map(Reply::from).map_err(NoAnswer::from)
    }

    /// GET that must succeed; `text` is the query shown when the server refuses it.
    pub(crate) fn get(&self, path: &str, params: &Params<'_>, text: Option<&str>) -> Result<Reply, CliError> {
        self.succeed(self.get_raw(path, params, &[]), text)
    }

    /// A search: GET, or a form POST when the query is too long for a request line.
    pub(crate) fn search(&self, path: &str, params: &Params<'_>, text: &str) -> Result<Reply, CliError> {
        if text.len() <= QUERY_IN_URL_BYTES_MAX {
            return self.get(path, params, Some(text));
        }
        let body = form(params);
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.succeed(self.post_raw(path, &[], &headers, body.as_bytes()), Some(text))
    }

    /// A SQL statement, sent as text.
    pub(crate) fn sql(&self, statement: &str, format: &str) -> Result<Reply, CliError> {
        let params = [("format", format.to_string())];
        let headers = [("Content-Type", "text/plain; charset=utf-8")];
        self.succeed(self.post_raw("/api/v1/sql", &params, &headers, statement.as_bytes()), Some(statement))
    }

    /// A request with parameters as a JSON object, answered by a JSON document; `text` is shown when it is refused.
    pub(crate) fn post_json(&self, path: &str, params: &Params<'_>, text: Option<&str>) -> Result<Value, CliError> {
        let members = params.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
        let body = Value::Object(members.collect()).to_string();
        self.succeed(self.post_raw(path, &[], &[("Content-Type", "application/json")], body.as_bytes()), text)?.json()
    }

    /// A JSON document.
    pub(crate) fn get_json(&self, path: &str, params: &Params<'_>) -> Result<Value, CliError> {
        self.get(path, params, None)?.json()
    }

    /// Whether anything answers HTTP there; the error is [`CliError::Unreachable`].
    pub(crate) fn must_answer(&self) -> Result<(), CliError> {
        match self.get_raw("/health", &[], &[]) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// The error for a request without an answer.
    pub(crate) fn unreachable(&self, error: NoAnswer) -> CliError {
        CliError::Unreachable { server: self.base.clone(), reason: error.reason }
    }

    fn succeed(&self, reply: Result<Reply, NoAnswer>, text: Option<&str>) -> Result<Reply, CliError> {
        let reply = reply.map_err(|error| self.unreachable(error))?;
        if (200..300).contains(&reply.status) { Ok(reply) } else { Err(reply.problem(text)) }
    }
}

impl Reply {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The pause the server asks for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after").and_then(parse_retry_after)
    }

    /// The body as it arrives.
    pub(crate) fn reader(self) -> impl Read + 'static {
        self.body.into_with_config().limit(u64::MAX).reader()
    }

    /// The whole body, lossy UTF-8.
    pub(crate) fn text(self) -> Result<String, CliError> {
        let bytes = self.body.into_with_config().limit(REPLY_BYTES_MAX).read_to_vec();
        let bytes = bytes.map_err(|error| CliError::failed(format!("the reply broke off: {error}")))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The whole body as JSON.
    pub(crate) fn json(self) -> Result<Value, CliError> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|error| {
            CliError::failed_hint(
                format!("the reply is not JSON: {error}"),
                "is another program listening on this port?",
            )
        })
    }

    /// Reads and forgets the body so that the connection can be used again.
    pub(crate) fn drain(self) {
        let _ = std::io::copy(&mut self.reader(), &mut std::io::sink());
    }

    /// The error of a refused request, from its problem document (RFC 9457) where it has one.
    pub(crate) fn problem(self, text: Option<&str>) -> CliError {
        let status = self.status;
        let bytes = self.body.into_with_config().limit(PROBLEM_BYTES_MAX).read_to_vec().unwrap_or_default();
        let body = String::from_utf8_lossy(&bytes);
        let problem: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
        let member = |name: &str| problem.get(name).and_then(Value::as_str).map(String::from);
        let message = member("message").or_else(|| member("detail")).or_else(|| member("title"));
        let message = message.unwrap_or_else(|| {
            let start: String = body.trim().chars().take(200).collect();
            if start.is_empty() {
                format!("the server answered {status}")
            } else {
                format!("the server answered {status}: {start}")
            }
        });
        let column = problem.pointer("/position/column").and_then(Value::as_u64);
        match (text, column) {
            (Some(text), Some(column)) => CliError::Query {
                message,
                hint: member("hint"),
                text: text.to_string(),
                column: usize::try_from(column).ok(),
            },
            _ => CliError::Failed { message, hint: member("hint") },
        }
    }
}

impl From<Response<Body>> for Reply {
    fn from(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl From<ureq::Error> for NoAnswer {
    fn from(error: ureq::Error) -> Self {
        let reason = match error {
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                "connection refused".into()
            }
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::HostNotFound => "the host name is unknown".into(),
            other => other.to_string(),
        };
        NoAnswer { reason }
    }
}

/// Normalises an address; refuses schemes this client does not speak.
fn base_of(address: &str) -> Result<String, CliError> {
    let address = address.trim().trim_end_matches('/');
    if address.starts_with("https://") {
        return Err(CliError::usage(
            format!("{address}: this program speaks http only"),
            "let a local proxy or an ssh tunnel end TLS, and give its http address",
        ));
    }
    let rest = match address.split_once("://") {
        Some(("http", rest)) => rest,
        Some((scheme, _)) => {
            return Err(CliError::usage(format!("unknown scheme {scheme}:// in {address}"), "use http://host:port"));
        }
        None => address,
    };
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return Err(CliError::usage(format!("{address:?} is not a server address"), "use http://host:port"));
    }
    Ok(format!("http://{rest}"))
}

/// `application/x-www-form-urlencoded`.
fn form(params: &Params<'_>) -> String {
    let mut body = String::new();
    for (name, value) in params {
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(name);
        body.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => body.push(char::from(byte)),
                b' ' => body.push('+'),
                byte => body.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    body
}

/// Percent-encodes one path segment.
pub(crate) fn path_segment(text: &str) -> String {
    form(&[("", text.to_string())]).trim_start_matches('=').replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    #[test]
    fn addresses() {
        assert_eq!(base_of("127.0.0.1:4300").unwrap(), "http://127.0.0.1:4300");
        assert_eq!(base_of("http://h:1/").unwrap(), "http://h:1");
        assert_eq!(base_of("https://h").unwrap_err().exit_code(), 2);
        assert_eq!(base_of("ftp://h").unwrap_err().exit_code(), 2);
        assert_eq!(base_of("").unwrap_err().exit_code(), 2);
        let server = Server::at("http://[::1]:4300", None, None).unwrap();
        assert_eq!(server.host_port(), ("::1".into(), 4300));
    }

    #[test]
    fn encoding() {
        assert_eq!(form(&[("q", "a b&=ä".into()), ("x", "1".into())]), "q=a+b%26%3D%C3%A4&x=1");
        assert_eq!(path_segment("a b/c"), "a%20b%2Fc");
    }

    #[test]
    fn a_problem_becomes_an_error_with_its_place() {
        let stub = Stub::start(|_| {
            (400, vec![], br#"{"code":"bad_query","message":"unknown pipe","hint":"did you mean stats?","position":{"offset":8,"column":9}}"#.to_vec())
        });
        let server = Server::at(&stub.address, Some("t1".into()), None).unwrap();
        let error = server.get("/api/v1/search", &[("q", "error | sats".into())], Some("error | sats")).err().unwrap();
        let text = error.to_string();
        assert!(
            text.contains("unknown pipe") && text.contains("\n          ^\n") && text.contains("did you mean"),
            "{text}"
        );
        let request = &stub.requests()[0];
        assert_eq!(request.header("x-scope-orgid"), Some("t1"));
        assert_eq!(request.target, "/api/v1/search?q=error%20%7C%20sats");
    }

    #[test]
    fn nobody_there_is_exit_code_three() {
        let server = Server::at("http://127.0.0.1:1", None, None).unwrap();
        assert_eq!(server.get("/health", &[], None).err().unwrap().exit_code(), 3);
    }
}
