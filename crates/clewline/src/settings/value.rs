//! Values of settings: kinds, units, bounds.

/// What the values of a setting are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A folder.
    Path,
    /// `host:port`, or nothing.
    Address,
    /// A tenant name.
    Tenant,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count { min: u64, max: u64 },
    /// A number of bytes.
    Bytes { min: u64, max: u64 },
    /// A length of time.
    Seconds { min: u64, max: u64 },
    /// A length of time, or nothing for ever.
    Age,
    /// A number of bytes, or nothing for any number.
    Limit { min: u64 },
    /// What tenants have of their own: `NAME.KEY=VALUE`, separated by commas; in the file a table for each.
    Tenants,
    /// One of some words.
    Choice(&'static [&'static str]),
}

/// A value that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A path, address, name or word.
    Text(String),
    /// A flag.
    Flag(bool),
    /// A count, bytes or seconds.
    Number(u64),
    /// Seconds, or for ever.
    Age(Option<u64>),
    /// Bytes, or any number.
    Limit(Option<u64>),
    /// Rules of tenants.
    Tenants(Vec<TenantRule>),
}

/// One bound of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantRule {
    pub(crate) tenant: String,
    /// `logs`, `spans` or `metrics`.
    pub(crate) signal: &'static str,
    /// [`Value::Age`] or [`Value::Limit`].
    pub(crate) bound: Value,
}

/// Smallest bound on stored bytes: less than a few segments of one flush is more likely a slip of the pen.
pub(crate) const LIMIT_BYTES_MIN: u64 = 1 << 20;

/// Shortest retention: shorter is more likely a slip of the pen than a wish.
const AGE_SECONDS_MIN: u64 = 3_600;

impl Kind {
    /// What is expected, for help and errors.
    pub(crate) fn expected(self) -> String {
        match self {
            Kind::Path => "a folder".to_owned(),
            Kind::Address => "HOST:PORT, or nothing to switch it off".to_owned(),
            Kind::Tenant => "1 to 150 letters, digits or any of ! - _ . * ' ( )".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Count { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Bytes { min, max } => format!("a size from {} to {} such as 64MiB", bytes_text(min), bytes_text(max)),
            Kind::Seconds { min, max } => {
                format!("a length of time from {} to {} such as 30s or 15m", seconds_text(min), seconds_text(max))
            }
            Kind::Age => "a length of time from 1h on such as 30d, or nothing to keep everything".to_owned(),
            Kind::Limit { min } => {
                format!("a size from {} on such as 50GiB, or nothing to keep everything", bytes_text(min))
            }
            Kind::Tenants => {
                "NAME.KEY=VALUE, separated by commas, such as acme.logs=7d,acme.logs_bytes_max=10GiB; keys are \
                 logs, spans, metrics and the same with _bytes_max; `none` keeps everything"
                    .to_owned()
            }
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }

    /// The word in `--help`.
    pub(crate) fn placeholder(self) -> &'static str {
        match self {
            Kind::Path => "FOLDER",
            Kind::Address => "HOST:PORT",
            Kind::Tenant => "NAME",
            Kind::Flag => "BOOL",
            Kind::Count { .. } => "N",
            Kind::Bytes { .. } | Kind::Limit { .. } => "SIZE",
            Kind::Tenants => "RULES",
            Kind::Seconds { .. } | Kind::Age => "TIME",
            Kind::Choice(_) => "WORD",
        }
    }

    /// Reads a value; the error says what was expected.
    pub(crate) fn parse(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let value = match self {
            Kind::Path => Some(text).filter(|text| !text.is_empty()).map(|text| Value::Text(text.to_owned())),
            Kind::Address => (text.is_empty() || is_address(text)).then(|| Value::Text(text.to_owned())),
            Kind::Tenant => is_tenant(text).then(|| Value::Text(text.to_owned())),
            Kind::Flag => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(Value::Flag(true)),
                "false" | "no" | "off" | "0" => Some(Value::Flag(false)),
                _ => None,
            },
            Kind::Count { min, max } => within(text.parse().ok(), min, max),
            Kind::Bytes { min, max } => within(parse_bytes(text), min, max),
            Kind::Seconds { min, max } => within(parse_seconds(text), min, max),
            Kind::Age if text.is_empty() || text.eq_ignore_ascii_case("none") => Some(Value::Age(None)),
            Kind::Age => parse_seconds(text)
                .filter(|seconds| *seconds >= AGE_SECONDS_MIN)
                .map(|seconds| Value::Age(Some(seconds))),
            Kind::Limit { .. } if text.is_empty() || text.eq_ignore_ascii_case("none") => Some(Value::Limit(None)),
            Kind::Limit { min } => {
                parse_bytes(text).filter(|bytes| *bytes >= min).map(|bytes| Value::Limit(Some(bytes)))
            }
            Kind::Tenants => return tenant_rules(text).map(Value::Tenants),
            Kind::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
        };
        value.ok_or_else(|| format!("`{text}` cannot be used; expected {}", self.expected()))
    }
}

/// Reads `acme.logs=7d, acme.spans_bytes_max=none`.
fn tenant_rules(text: &str) -> Result<Vec<TenantRule>, String> {
    let rule = |text: &str| {
        let refuse = |what: &str| format!("`{text}` cannot be used: {what}; expected {}", Kind::Tenants.expected());
        let (place, value) = text.split_once('=').ok_or_else(|| refuse("there is no `=`"))?;
        // A tenant's name may have dots, a key has none.
        let (tenant, key) = place.trim().rsplit_once('.').ok_or_else(|| refuse("there is no `NAME.KEY` before `=`"))?;
        if !is_tenant(tenant) {
            return Err(refuse("that is no tenant name"));
        }
        let (name, kind) = match key.strip_suffix("_bytes_max") {
            Some(name) => (name, Kind::Limit { min: LIMIT_BYTES_MIN }),
            None => (key, Kind::Age),
        };
        let signal = ["logs", "spans", "metrics"].into_iter().find(|known| *known == name);
        let signal = signal.ok_or_else(|| refuse("there is no such key"))?;
        let bound = kind.parse(value).map_err(|message| format!("{tenant}.{key}: {message}"))?;
        Ok(TenantRule { tenant: tenant.to_owned(), signal, bound })
    };
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(rule).collect()
}

fn within(number: Option<u64>, min: u64, max: u64) -> Option<Value> {
    number.filter(|number| (min..=max).contains(number)).map(Value::Number)
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn is_tenant(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*'()".contains(&byte);
    !text.is_empty() && text.len() <= 150 && text != "." && text != ".." && text.bytes().all(allowed)
}

/// Splits `64 MiB` into number and unit.
fn number_and_unit(text: &str) -> Option<(f64, String)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.replace('_', "").parse().ok()?, unit.trim().to_ascii_lowercase()))
}

fn scaled(number: f64, factor: u64) -> Option<u64> {
    let product = number * factor as f64;
    (0.0..9e18).contains(&product).then_some(product.round() as u64)
}

/// `64MiB`, `1.5 GB`, `1048576`.
fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let factor = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    scaled(number, factor)
}

/// `30s`, `15m`, `12h`, `30d`, `2w`; a number alone is seconds.
fn parse_seconds(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let factor = match unit.as_str() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        "y" => 31_536_000,
        _ => return None,
    };
    scaled(number, factor)
}

fn bytes_text(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let fitting = units.iter().find(|(_, shift)| bytes >> shift > 0 && bytes.trailing_zeros() >= *shift);
    fitting.map_or_else(|| bytes.to_string(), |(unit, shift)| format!("{}{unit}", bytes >> shift))
}

fn seconds_text(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    let fitting = units.iter().find(|(_, length)| seconds >= *length && seconds.is_multiple_of(*length));
    fitting.map_or_else(|| format!("{seconds}s"), |(unit, length)| format!("{}{unit}", seconds / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, expect) in
            [("64MiB", 64 << 20), ("64 mib", 64 << 20), ("1.5KiB", 1536), ("1_000", 1000), ("2GB", 2_000_000_000)]
        {
            assert_eq!(parse_bytes(text), Some(expect), "{text}");
        }
        for (text, expect) in [("30", 30), ("30s", 30), ("1.5h", 5400), ("30d", 2_592_000), ("2w", 1_209_600)] {
            assert_eq!(parse_seconds(text), Some(expect), "{text}");
        }
        for text in ["", "x", "5 parsecs", "-1", "1e400", "MiB"] {
            assert_eq!((parse_bytes(text), parse_seconds(text)), (None, None), "{text}");
        }
        assert_eq!((bytes_text(64 << 20), bytes_text(1000)), ("64MiB".to_owned(), "1000".to_owned()));
        assert_eq!((seconds_text(900), seconds_text(86_400)), ("15m".to_owned(), "1d".to_owned()));
    }

    #[test]
    fn bounds_and_kinds() {
        assert!(Kind::Count { min: 1, max: 5 }.parse("6").unwrap_err().contains("from 1 to 5"));
        assert_eq!(Kind::Address.parse(""), Ok(Value::Text(String::new())));
        assert!(Kind::Address.parse("4300").is_err());
        assert!(Kind::Address.parse("[::1]:4300").is_ok());
        assert!(Kind::Address.parse("localhost:99999").is_err());
        assert_eq!(Kind::Age.parse("none"), Ok(Value::Age(None)));
        assert!(Kind::Age.parse("5m").is_err());
        assert!(Kind::Tenant.parse("../x").is_err());
        let limit = Kind::Limit { min: LIMIT_BYTES_MIN };
        assert_eq!((limit.parse(""), limit.parse("2MiB")), (Ok(Value::Limit(None)), Ok(Value::Limit(Some(2 << 20)))));
        assert!(limit.parse("5").is_err());
    }

    #[test]
    fn rules_of_tenants() {
        let rule = |tenant: &str, signal, bound| TenantRule { tenant: tenant.to_owned(), signal, bound };
        assert_eq!(
            Kind::Tenants.parse("acme.logs=7d, a.b.spans_bytes_max=10GiB,x.metrics=none,"),
            Ok(Value::Tenants(vec![
                rule("acme", "logs", Value::Age(Some(604_800))),
                rule("a.b", "spans", Value::Limit(Some(10 << 30))),
                rule("x", "metrics", Value::Age(None)),
            ]))
        );
        for (text, expect) in [
            ("acme.logs", "there is no `=`"),
            ("logs=7d", "NAME.KEY"),
            ("a/b.logs=7d", "no tenant name"),
            ("acme.log=7d", "no such key"),
            ("acme.logs=5m", "acme.logs: `5m` cannot be used"),
        ] {
            let message = Kind::Tenants.parse(text).unwrap_err();
            assert!(message.contains(expect), "{text}: {message}");
        }
    }
}
