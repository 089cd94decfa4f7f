//! `field:ipv4_range("10.0.0.0/8")`, `field:ipv4_range(a, b)`: addresses between two, inclusive.

use std::fmt;
use std::net::Ipv4Addr;

use crate::ast::Test;
use crate::error::ParseError;
use crate::parser::Parser;

use super::one_of;

/// Reads from the parenthesis.
pub(super) fn parse(p: &mut Parser) -> Result<Test, ParseError> {
    let start = p.pos();
    let values = one_of::parse_list(p)?;
    let bad = |message: String| {
        p.error_at(start, message).hint("write `ipv4_range(\"10.0.0.0/8\")` or `ipv4_range(10.0.0.1, 10.0.0.9)`")
    };
    let (low, high) = match values.as_slice() {
        [one] => network(one).ok_or_else(|| bad(format!("`{one}` is not an IPv4 address or network")))?,
        [low, high] => {
            let address = |text: &String| {
                text.parse::<Ipv4Addr>().map(u32::from).map_err(|_| bad(format!("`{text}` is not an IPv4 address")))
            };
            (address(low)?, address(high)?)
        }
        _ => {
            return Err(bad("`ipv4_range` takes one network or two addresses".to_owned()));
        }
    };
    if low > high {
        return Err(bad("the first address is above the second".to_owned()));
    }
    Ok(Test::Ipv4Range { low, high })
}

/// First and last address of `10.0.0.0/8`, or of one address.
fn network(text: &str) -> Option<(u32, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, bits.parse::<u32>().ok().filter(|bits| *bits <= 32)?),
        None => (text, 32),
    };
    let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
    let host = u32::MAX.checked_shr(bits).unwrap_or(0);
    Some((address & !host, address | host))
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, low: u32, high: u32) -> fmt::Result {
    write!(f, "ipv4_range({}, {})", Ipv4Addr::from(low), Ipv4Addr::from(high))
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_and_prints() {
        check_filter("ip:ipv4_range(\"10.0.0.0/8\")", "ip[10.0.0.0-10.255.255.255]");
        check_filter("ip:ipv4_range(10.1.2.3/8)", "ip[10.0.0.0-10.255.255.255]");
        check_filter("ip:ipv4_range(10.0.0.1, 10.0.0.9)", "ip[10.0.0.1-10.0.0.9]");
        check_filter("ip:ipv4_range(1.2.3.4)", "ip[1.2.3.4-1.2.3.4]");
        check_filter("ip:ipv4_range(0.0.0.0/0)", "ip[0.0.0.0-255.255.255.255]");
        check_filter("ip:ipv4_range(1.2.3.4/32)", "ip[1.2.3.4-1.2.3.4]");
    }

    #[test]
    fn errors() {
        check_error("ip:ipv4_range(10.0.0/8)", 14, "`10.0.0/8` is not an IPv4 address or network", "10.0.0.0/8");
        check_error("ip:ipv4_range(1.2.3.4/33)", 14, "is not an IPv4", "");
        check_error("ip:ipv4_range(1.2.3.4, x)", 14, "`x` is not an IPv4 address", "");
        check_error("ip:ipv4_range(1.2.3.4, 1.2.3.3)", 14, "above the second", "");
        check_error("ip:ipv4_range(a, b, c)", 14, "one network or two addresses", "");
    }
}
