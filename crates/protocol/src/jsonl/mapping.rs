//! Which fields of a JSON record fill which columns.
//!
//! The names are those that logging libraries and shippers write by default; ASCII case does not matter. Of several
//! names of one column the first in its list wins, the others stay attributes.

/// A column a field may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Time,
    ObservedTime,
    Message,
    Level,
    SeverityNumber,
    Service,
    Node,
    TraceId,
    SpanId,
}

/// Count of [`Role`]s.
pub(super) const ROLES: usize = 9;

/// Field names in order of preference, dotted for nested objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames {
    /// When it happened.
    pub time: Vec<String>,
    /// When it was first seen by a collector.
    pub observed_time: Vec<String>,
    /// The text for people.
    pub message: Vec<String>,
    /// The level as a word, a pino or bunyan number (10, 20…60) or a syslog number (0–7).
    pub level: Vec<String>,
    /// The level as an OpenTelemetry severity number (1–24).
    pub severity_number: Vec<String>,
    /// The service.
    pub service: Vec<String>,
    /// The machine.
    pub node: Vec<String>,
    /// The trace, 32 hexadecimal digits.
    pub trace_id: Vec<String>,
    /// The span, 16 hexadecimal digits.
    pub span_id: Vec<String>,
    /// Service of records that name none.
    pub default_service: String,
}

impl Default for FieldNames {
    fn default() -> FieldNames {
        let list = |names: &str| names.split(' ').map(str::to_owned).collect();
        FieldNames {
            time: list(
                "_time @timestamp timestamp time ts @t time_unix_nano timeUnixNano datetime date_time event_time eventTime asctime date",
            ),
            observed_time: list(
                "observed_time observed_timestamp observedTimestamp observed_time_unix_nano observedTimeUnixNano",
            ),
            message: list("message msg _msg @m body log short_message text event"),
            level: list("level severity log.level lvl loglevel log_level levelname severity_text severityText @l"),
            severity_number: list("severity_number severityNumber"),
            service: list("service.name service service_name serviceName app app_name appname application"),
            node: list("node host.name hostname host node.name"),
            trace_id: list("trace_id traceId trace.id otelTraceID @tr"),
            span_id: list("span_id spanId span.id otelSpanID @sp"),
            default_service: String::new(),
        }
    }
}

/// [`FieldNames`] made ready for use.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Names by their length, so that most fields are told apart without a comparison.
    by_length: Vec<Vec<(Box<str>, Role, usize)>>,
    pub(super) default_service: String,
}

impl Default for Mapping {
    fn default() -> Mapping {
        Mapping::new(&FieldNames::default())
    }
}

impl Mapping {
    /// Makes names ready for use. A name in two lists belongs to the first.
    pub fn new(names: &FieldNames) -> Mapping {
        let mut mapping = Mapping { by_length: Vec::new(), default_service: names.default_service.clone() };
        for (role, list) in [
            (Role::Time, &names.time),
            (Role::ObservedTime, &names.observed_time),
            (Role::Message, &names.message),
            (Role::Level, &names.level),
            (Role::SeverityNumber, &names.severity_number),
            (Role::Service, &names.service),
            (Role::Node, &names.node),
            (Role::TraceId, &names.trace_id),
            (Role::SpanId, &names.span_id),
        ] {
            for (rank, name) in list.iter().enumerate() {
                if mapping.by_length.len() <= name.len() {
                    mapping.by_length.resize(name.len() + 1, Vec::new());
                }
                mapping.by_length[name.len()].push((name.as_str().into(), role, rank));
            }
        }
        mapping
    }

    /// The default names with a service for records that name none.
    pub fn for_service(service: &str) -> Mapping {
        Mapping::new(&FieldNames { default_service: service.to_owned(), ..FieldNames::default() })
    }

    /// The service of records that name none.
    pub fn default_service(&self) -> &str {
        &self.default_service
    }

    /// The column a field fills and its place in the list of preferences.
    #[inline]
    pub(super) fn role(&self, name: &str) -> Option<(Role, usize)> {
        let found = self.by_length.get(name.len())?.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        Some((found.1, found.2))
    }
}
