//! Fills the {placeholders} of log texts.

use crate::load::random::{Random, hex};

const WORDS: [&str; 12] = [
    "lamp",
    "teapot",
    "wool socks",
    "bicycle bell",
    "mug",
    "notebook",
    "candle",
    "backpack",
    "scarf",
    "kettle",
    "clock",
    "vase",
];
const CATEGORIES: [&str; 6] = ["kitchen", "garden", "office", "travel", "toys", "books"];
const CURRENCIES: [&str; 5] = ["EUR", "USD", "GBP", "JPY", "CHF"];
const COUNTRIES: [&str; 6] = ["DE", "FR", "US", "JP", "BR", "SE"];
const CARRIERS: [&str; 4] = ["northwind", "swiftpost", "bluebird", "kargo"];

/// What one request is about; the same in all its records.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// Visitor.
    pub(crate) user: String,
    /// Order number.
    pub(crate) order: u64,
    /// Product code.
    pub(crate) product: String,
}

impl Subject {
    /// A visitor with something in mind.
    pub(crate) fn new(random: &mut Random) -> Self {
        Subject {
            user: format!("user-{}", random.below(5_000)),
            order: 100_000 + random.below(900_000),
            product: format!("P{:04}", random.below(800)),
        }
    }
}

/// `template` with every known placeholder replaced; `took_ms` is the duration of the operation.
pub(crate) fn fill(template: &str, subject: &Subject, took_ms: f64, random: &mut Random) -> String {
    let mut out = String::with_capacity(template.len() + 24);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            break;
        };
        match name {
            "user" => out.push_str(&subject.user),
            "order" => out.push_str(&subject.order.to_string()),
            "product" => out.push_str(&subject.product),
            "ms" => out.push_str(&format!("{took_ms:.1}")),
            "n" => out.push_str(&random.below(250).to_string()),
            "few" => out.push_str(&(1 + random.below(6)).to_string()),
            "amount" => out.push_str(&format!("{:.2}", random.log_normal(40.0, 0.8))),
            "rate" => out.push_str(&format!("{:.4}", 0.5 + random.unit())),
            "currency" => out.push_str(random.pick::<&str>(&CURRENCIES)),
            "country" => out.push_str(random.pick::<&str>(&COUNTRIES)),
            "carrier" => out.push_str(random.pick::<&str>(&CARRIERS)),
            "category" => out.push_str(random.pick::<&str>(&CATEGORIES)),
            "word" => out.push_str(random.pick::<&str>(&WORDS)),
            "warehouse" => out.push_str(&format!("W{}", 1 + random.below(4))),
            "tracking" => out.push_str(&hex(&random.span_id()[..5])),
            "ip" => out.push_str(&format!("203.0.113.{}", random.below(255))),
            other => out.push_str(&format!("{{{other}}}")),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        let mut random = Random::new(1);
        let subject = Subject { user: "user-7".into(), order: 5, product: "P1".into() };
        assert_eq!(
            fill("{user} bought {product} in {ms} ms", &subject, 1.25, &mut random),
            "user-7 bought P1 in 1.2 ms"
        );
        assert_eq!(fill("{unknown} {open", &subject, 0.0, &mut random), "{unknown} {open");
    }
}
