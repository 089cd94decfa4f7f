//! docs/configuration.md and `config print`, written from the table.

use std::fmt::Write;

use super::load::{Origin, Settings};
use super::value::{Kind, Value};
use super::{TABLE, variable_of};

/// The reference for people.
#[cfg(test)]
pub(crate) fn reference() -> String {
    let mut out = String::from(
        "# Settings\n\n\
        Every setting has a default that works on one machine. A value comes from, in this order: a flag of\n\
        `clewline serve`, an environment variable, a TOML file (`--config FILE`, else `CLEWLINE_CONFIG`, else\n\
        `./clewline.toml` where it exists), the default. `clewline config print --origin` shows each value and who set\n\
        it; `clewline config check` only says whether they can be used. What is not known, of the wrong kind or out of\n\
        bounds is an error that names the place and the nearest setting.\n\n\
        The setting `listen.http` is the flag `--listen.http`, the variable `CLEWLINE_LISTEN__HTTP` (two underscores for\n\
        the dot), and in the file:\n\n\
        ```toml\n[listen]\nhttp = \"127.0.0.1:4300\"\n```\n\n\
        Sizes take `KiB`, `MiB`, `GiB`, `TiB` (or `KB`, `MB`… of 1000), times take `s`, `m`, `h`, `d`, `w`, `y`; a number\n\
        alone is bytes or seconds. An empty address switches a listener off. All listeners are on the loopback\n\
        interface until told otherwise; there is no password, so whoever can reach an address can use it.\n\n\
        | setting | default | values | what it does |\n|---|---|---|---|\n",
    );
    for setting in TABLE {
        let default = match (setting.default, setting.kind) {
            ("", Kind::Age | Kind::Limit { .. }) => "keep everything".to_owned(),
            ("", Kind::Tenants) => "none".to_owned(),
            ("", _) => "off".to_owned(),
            (text, _) => format!("`{text}`"),
        };
        let _ = writeln!(out, "| `{}` | {default} | {} | {} |", setting.name, setting.kind.expected(), setting.help);
    }
    out.push_str(
        "\nExit codes of the binary: 0 success, 1 failure, 2 wrong usage or settings, 3 the server cannot be reached.\n\n\
        This page is written from the table in `crates/clewline/src/settings/mod.rs`: a test compares them, and rewrites the\n\
        page when it runs with `CLEWLINE_REWRITE=1`.\n",
    );
    out
}

/// The settings as a TOML file, with who set them behind each when asked.
pub(crate) fn print(settings: &Settings, origin: bool) -> String {
    let mut out = String::new();
    let mut section = "";
    for (setting, chosen) in TABLE.iter().zip(&settings.chosen) {
        let (head, key) = setting.name.split_once('.').expect("a test counts the dots");
        if head != section {
            let _ = writeln!(out, "{}[{head}]", if section.is_empty() { "" } else { "\n" });
            section = head;
        }
        let written = match (&chosen.value, setting.kind) {
            (Value::Flag(flag), _) => flag.to_string(),
            (Value::Number(number), Kind::Count { .. }) => number.to_string(),
            _ => quoted(&chosen.text),
        };
        let _ = write!(out, "{key} = {written}");
        if origin {
            let _ = match &chosen.origin {
                Origin::Environment(_) | Origin::File(..) | Origin::Flag => write!(out, "  # {}", chosen.origin),
                Origin::Default => write!(out, "  # default; {}", variable_of(setting.name)),
            };
        }
        out.push('\n');
    }
    out
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::load::{Sources, load};
    use super::*;

    /// A place in the repository.
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test that writes documentation")]
    fn the_page_is_that_of_the_table() {
        if std::env::var("CLEWLINE_REWRITE").is_ok() {
            std::fs::write(PAGE, reference()).unwrap();
        }
        let written = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert!(
            written == reference(),
            "docs/configuration.md is not up to date: run this test with CLEWLINE_REWRITE=1"
        );
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let tenants = ("retention.tenants", "a.b.logs=1d, c.spans_bytes_max=none".to_owned());
        let flags = vec![
            tenants,
            ("retention.logs_bytes_max", "5GiB".to_owned()),
            ("retention.logs", "30d".to_owned()),
            ("listen.raw_tcp", String::new()),
        ];
        let settings = load(&Sources { flags, ..Sources::default() }).unwrap();
        for origin in [false, true] {
            let text = print(&settings, origin);
            let again = load(&Sources { file: Some(("p".to_owned(), text)), ..Sources::default() }).unwrap();
            for (one, other) in settings.chosen.iter().zip(&again.chosen) {
                assert_eq!(one.value, other.value);
            }
        }
    }
}
