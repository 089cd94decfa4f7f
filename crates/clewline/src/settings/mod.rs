//! Settings: one table from which flags, environment, file, help, reference and `config print` follow.
//!
//! Precedence: flag, then environment, then file, then default. What is not known, of the wrong kind or out of bounds
//! is an error that names the place. Reading order: [`TABLE`]; [`value`] reads values; [`load`] joins the sources;
//! [`args`] is the command line; [`mod@reference`] writes docs/configuration.md.

pub(crate) mod args;
pub(crate) mod load;
pub(crate) mod reference;
pub(crate) mod value;

use value::{Kind, LIMIT_BYTES_MIN};

/// One thing an operator may choose.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Section and key, joined by a dot: the flag, and the place in the file.
    pub(crate) name: &'static str,
    /// What its values are.
    pub(crate) kind: Kind,
    /// Its value when nobody says anything.
    pub(crate) default: &'static str,
    /// What it does; one or two sentences.
    pub(crate) help: &'static str,
}

const fn setting(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Setting {
    Setting { name, kind, default, help }
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DAY_S: u64 = 86_400;

/// All settings.
pub(crate) const TABLE: &[Setting] = &[
    setting(
        "data.folder",
        Kind::Path,
        "./clewline-data",
        "Where everything is stored. Created where needed; one process at a time.",
    ),
    setting("listen.http", Kind::Address, "127.0.0.1:4300", "Page, API and every HTTP ingest path."),
    setting("listen.otlp_grpc", Kind::Address, "127.0.0.1:4317", "OTLP over gRPC."),
    setting("listen.otlp_http", Kind::Address, "127.0.0.1:4318", "OTLP over HTTP, JSON lines and text."),
    setting("listen.raw_tcp", Kind::Address, "127.0.0.1:8080", "Raw lines over TCP, one record a line."),
    setting(
        "listen.raw_udp",
        Kind::Address,
        "127.0.0.1:8080",
        "Raw lines over UDP. 0.0.0.0:8080 also receives broadcasts.",
    ),
    setting(
        "listen.syslog",
        Kind::Address,
        "",
        "Syslog over UDP and TCP (RFC 5424, RFC 3164), for example 127.0.0.1:5514.",
    ),
    setting(
        "listen.connections_max",
        Kind::Count { min: 16, max: 100_000 },
        "4096",
        "HTTP connections at a time; further ones wait.",
    ),
    setting(
        "ingest.body_bytes_max",
        Kind::Bytes { min: 64 * KIB, max: 256 * MIB },
        "64MiB",
        "Largest request body, before and after decompression.",
    ),
    setting(
        "ingest.requests_in_flight_bytes_max",
        Kind::Bytes { min: MIB, max: 64 * GIB },
        "256MiB",
        "Request bodies in memory at a time; beyond it senders are asked to try again.",
    ),
    setting(
        "wal.fsync",
        Kind::Flag,
        "true",
        "Acknowledge only what is on stable storage. Without it a power cut loses acknowledged records.",
    ),
    setting(
        "wal.flush_bytes",
        Kind::Bytes { min: MIB, max: 4 * GIB },
        "32MiB",
        "Write-ahead-log bytes after which records become segments.",
    ),
    setting("wal.flush_age_s", Kind::Seconds { min: 1, max: DAY_S }, "60s", "Age after which records become segments."),
    setting(
        "storage.free_bytes_min",
        Kind::Bytes { min: 0, max: 1 << 50 },
        "256MiB",
        "Ingest stops below this free space; queries and deletion go on.",
    ),
    setting(
        "storage.memory_bytes_max",
        Kind::Bytes { min: 16 * MIB, max: 1 << 40 },
        "192MiB",
        "Memory of records not yet in segments; beyond it senders are asked to try again.",
    ),
    setting("retention.logs", Kind::Age, "", "Age after which logs are deleted, for example 30d."),
    setting("retention.spans", Kind::Age, "", "Age after which spans are deleted."),
    setting("retention.metrics", Kind::Age, "", "Age after which metrics are deleted."),
    setting(
        "retention.logs_bytes_max",
        Kind::Limit { min: LIMIT_BYTES_MIN },
        "",
        "Stored bytes of one tenant's logs; beyond it the oldest segments are deleted.",
    ),
    setting(
        "retention.spans_bytes_max",
        Kind::Limit { min: LIMIT_BYTES_MIN },
        "",
        "Stored bytes of one tenant's spans; beyond it the oldest segments are deleted.",
    ),
    setting(
        "retention.metrics_bytes_max",
        Kind::Limit { min: LIMIT_BYTES_MIN },
        "",
        "Stored bytes of one tenant's metrics; beyond it the oldest segments are deleted.",
    ),
    setting(
        "retention.tenants",
        Kind::Tenants,
        "",
        "Retention of single tenants. In the file: a table `[retention.tenants.NAME]` with the same keys as `[retention]`.",
    ),
    setting("query.timeout_s", Kind::Seconds { min: 1, max: DAY_S }, "30s", "Longest time of one query."),
    setting("query.memory_bytes_max", Kind::Bytes { min: 16 * MIB, max: 1 << 40 }, "256MiB", "Memory of one query."),
    setting(
        "query.concurrent_max",
        Kind::Count { min: 1, max: 10_000 },
        "16",
        "Queries at a time; further ones wait a little.",
    ),
    setting("query.threads", Kind::Count { min: 0, max: 1_024 }, "0", "Threads for queries; 0 is one for each core."),
    setting(
        "dedupe.window_s",
        Kind::Seconds { min: 900, max: 7 * DAY_S },
        "15m",
        "How long a repeated request is recognised and stored once.",
    ),
    setting(
        "tenant.default",
        Kind::Tenant,
        "default",
        "Tenant of requests without the header X-Scope-OrgID, and of raw lines and syslog.",
    ),
    setting(
        "log.level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        "info",
        "What Clewline says about itself on standard error.",
    ),
];

/// The place of a setting in [`TABLE`].
pub(crate) fn index_of(name: &str) -> Option<usize> {
    TABLE.iter().position(|setting| setting.name == name)
}

/// The environment variable of a setting: `listen.http` is `CLEWLINE_LISTEN__HTTP`.
pub(crate) fn variable_of(name: &str) -> String {
    format!("CLEWLINE_{}", name.to_uppercase().replace('.', "__"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        assert!(TABLE.len() <= 40, "a new knob needs an old one to go");
        for (i, setting) in TABLE.iter().enumerate() {
            assert_eq!(index_of(setting.name), Some(i), "{} is there twice", setting.name);
            assert_eq!(setting.name.matches('.').count(), 1, "{}", setting.name);
            assert!(setting.kind.parse(setting.default).is_ok(), "{}: the default cannot be used", setting.name);
            assert!(setting.help.ends_with('.'), "{}", setting.name);
        }
    }
}
