//! A seeded data set: few templates with variables, and every trap the documentation leaves room for.

use clewline_model::signal::Signal;

use crate::random::Random;
use crate::records::{Attributes, Record, Val};

/// 2026-05-28T20:26:40Z, ns.
pub(crate) const T0: i64 = 1_780_000_000_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Records of a big data set: several chunks of a segment's index.
pub(crate) const BIG_RECORDS: usize = 20_000;

/// Records of one signal, sent in `batches` batches.
pub(crate) struct DataSet {
    pub(crate) signal: Signal,
    pub(crate) records: Vec<Record>,
    pub(crate) batches: usize,
}

impl DataSet {
    /// Big ones are asked less.
    pub(crate) fn is_big(&self) -> bool {
        self.records.len() > 5_000
    }
}

pub(crate) const SERVICES: [&str; 6] = ["shop", "cart", "Shop", "payment-api", "支付", ""];
const LEVELS: [&str; 7] = ["info", "info", "warn", "error", "debug", "fatal", ""];
pub(crate) const WORDS: [&str; 22] = [
    "error",
    "Error",
    "errors",
    "timeout",
    "refused",
    "user",
    "alice",
    "BOB",
    "straße",
    "STRASSE",
    "ОШИБКА",
    "ошибка",
    "ΟΔΟΣ",
    "οδος",
    "οδός",
    "错误",
    "エラー",
    "오류",
    "İstanbul",
    "\u{212A}elvin",
    "Ⓐⓐ",
    "naïve",
];
const TRACES: usize = 12;

/// The data set of a seed.
pub(crate) fn data_set(seed: u64) -> DataSet {
    let mut r = Random::new(seed);
    let signal = if seed % 3 == 2 { Signal::Spans } else { Signal::Logs };
    // Above 8,192 rows a segment's index has several chunks.
    let count = if seed % 10 == 5 { BIG_RECORDS } else { r.choose(&[1, 9, 60, 130, 260, 420, 700]) };
    let batches = if count < 8 { 1 } else { 8 };
    let mut records: Vec<Record> = (0..count).map(|i| record(&mut r, signal, i)).collect();
    for (i, record) in records.iter_mut().enumerate() {
        record.batch = i * batches / count;
    }
    DataSet { signal, records, batches }
}

fn record(r: &mut Random, signal: Signal, index: usize) -> Record {
    let uid = i64::try_from(index).unwrap() + 1;
    let mut record = Record { uid, time: time(r), ..Record::default() };
    if r.chance(70) {
        record.observed_time = T0 + r.between(-60, 600) * SECOND;
    }
    let trace = u8::try_from(r.below(TRACES)).unwrap();
    if r.chance(70) {
        record.trace_id = [0x10 + trace; 16];
        record.trace_id[15] = trace;
    }
    if r.chance(60) {
        record.span_id = [0xa0 + u8::try_from(r.below(8)).unwrap(); 8];
    }
    let mut text = |name, value: &str| {
        if !value.is_empty() {
            record.texts.insert(name, value.to_owned());
        }
    };
    text("service", r.choose(&SERVICES));
    text("node", r.choose(&["node_1", "node-2", "10.0.0.7", ""]));
    text("scope_name", r.choose(&["lib.http", "", ""]));
    text("scope_version", r.choose(&["1.2.3", "10", ""]));
    match signal {
        Signal::Logs => {
            text("level", r.choose(&LEVELS));
            text("body", &body(r));
            text("severity_text", r.choose(&["WARN", "Error", "42", ""]));
            text("event_name", r.choose(&["device.app.lifecycle", "", ""]));
            record.ints.insert("severity_number", r.between(0, 24));
        }
        _ => {
            text("name", r.choose(&["GET /cart", "SELECT", "支付 checkout", "POST /api/v1/orders", ""]));
            text("kind", r.choose(&["server", "client", "internal", ""]));
            text("status", r.choose(&["ok", "error", "unset"]));
            text("status_message", if r.chance(20) { "deadline exceeded" } else { "" });
            text("trace_state", r.choose(&["a=1", ""]));
            text("events", r.choose(&["", r#"[{"time_ns":1780000000000000001,"name":"exception"}]"#]));
            text("links", r.choose(&["", "", r#"[{"trace_id":"11111111111111111111111111111111"}]"#]));
            record
                .ints
                .insert("duration_ns", r.choose(&[0, 1, 999, 1_000_000, 2_500_000, 60 * SECOND]) + r.between(0, 3));
            // Spans with the ids and the time of another are one span: these must stay apart.
            record.span_id = uid.to_be_bytes();
            if r.chance(50) {
                record.parent_span_id = r.between(1, uid).to_be_bytes();
            }
        }
    }
    record.ints.insert("flags", r.between(0, 2));
    record.attributes = attributes(r, uid);
    record.resource = resource(r);
    if r.chance(30) {
        record.scope.push(("lib".into(), Val::Text(r.choose(&["x", "error"]).into())));
    }
    record
}

fn time(r: &mut Random) -> i64 {
    match r.weighted(&[60, 20, 15, 5]) {
        0 => T0 + r.between(0, 180) * SECOND,
        1 => T0 + r.between(0, 3_600 * SECOND),
        2 => T0 + r.between(-4, 4) * DAY + r.between(0, 3) * 60 * SECOND,
        _ => -r.between(1, 5_000_000_000_000),
    }
}

/// A template with its variables.
fn body(r: &mut Random) -> String {
    let n = r.between(0, 50);
    let word = r.choose(&WORDS);
    let ms = r.between(0, 2_000);
    let hex = r.next();
    match r.below(24) {
        0 => format!("Order {n} placed by user {word}"),
        1 => format!("connection refused to db-{}:5432", n % 9),
        2 => format!("支付失败，订单号 {n}，{word}"),
        3 => format!("GET /api/v1/items/{n}?q=\"{word}\" took {ms}ms status={}", 200 + n),
        4 => format!("ERROR: {word} ОШИБКА сети {hex:016x}"),
        5 => format!("user {hex:08x}-0000-4000-8000-{ms:012x} from 192.168.{}.{n} logged in", n % 3),
        6 => format!("fetch http://host{}.example.com:80/a/{word}?b={n}#frag failed", n % 4),
        7 => format!("temperature {}C ratio {}.{n} of -{ms}", -n, n % 3),
        8 => format!("エラー発生{word} message='{word} {n}' 再試行"),
        9 => format!("{word}: quoted \"two words {n}\" and `tick {word}`"),
        10 => format!("multi\nline\t{word} {n}\r\nend"),
        11 => format!("foo_bar-baz.{word}: [x={n}, y={n}.5] {{ok:true}}"),
        12 => format!("오류가 {n}번 {word}"),
        13 => format!("Ⅷ ⓐ ✓ {word}{n} {n}{word} _{word} {word}_"),
        14 => format!("{{\"msg\":\"{word}\",\"n\":{n}}}"),
        15 => word.to_string(),
        16 => format!("{n}"),
        17 => format!("发生error了 {word}错误{n}"),
        18 => format!("retry {word} {word} after {ms}.{n}s, took {n}h{n}m: C:\\Temp\\{word}.log 100%_done"),
        19 => format!("{} tail {word}", "lorem ipsum dolor ".repeat(20)),
        20 => format!("e\u{301}te\u{301} {word} n\u{2019}est-ce pas {n}"),
        21 => "constant line without variables".to_owned(),
        _ => String::new(),
    }
}

fn attributes(r: &mut Random, uid: i64) -> Attributes {
    let mut list: Attributes = Vec::new();
    let mut add = |name: &str, value: Val| list.push((name.to_owned(), value));
    let text = |text: &str| Val::Text(text.to_owned());
    if r.chance(5) {
        return list;
    }
    if r.chance(80) {
        add("n", Val::Int(r.between(-5, 60)));
    }
    if r.chance(60) {
        add("http.method", text(r.choose(&["GET", "POST", "get", "DELETE", ""])));
    }
    if r.chance(60) {
        add("latency", Val::Double(r.choose(&[0.0, 0.5, 3.0, -2.25, 1e6, 1e-7, 12.0]) + r.between(0, 4) as f64));
    }
    if r.chance(50) {
        add("ok", Val::Bool(r.chance(50)));
    }
    if r.chance(60) {
        let mixed = match r.below(6) {
            0 => text("four"),
            1 => Val::Int(r.between(-3, 9)),
            2 => Val::Double(r.between(-3, 9) as f64 / 2.0),
            3 => Val::Bool(true),
            4 => Val::Null,
            _ => text(r.choose(&["5", "5.0", "-3", "true", "", "tab\there \"quoted\""])),
        };
        add("mixed", mixed);
    }
    if r.chance(40) {
        add("num", if r.chance(50) { Val::Int(r.between(-9, 9)) } else { Val::Double(r.between(-9, 9) as f64 / 4.0) });
    }
    if r.chance(40) {
        let texts =
            ["10", "9", "10ms", "1.5s", "10KiB", "abc", "-3", "007", "1e3", "", "5m", "10.0.0.1", "zebra", "Äpfel"];
        add("numtext", text(r.choose(&texts)));
    }
    if r.chance(40) {
        add(
            "client",
            text(r.choose(&["10.0.0.7", "10.0.0.10", "9.0.0.1", "192.168.1.9", "::1", "2001:db8::1", "nobody"])),
        );
    }
    odd_attributes(r, uid, &mut list);
    list
}

/// Names few records have, values at the edges of their types, names that need care.
fn odd_attributes(r: &mut Random, uid: i64, list: &mut Attributes) {
    let mut add = |name: &str, value: Val| list.push((name.to_owned(), value));
    let text = |text: &str| Val::Text(text.to_owned());
    if r.chance(2) {
        add("rare.key", text(r.choose(&["needle-in-haystack", "needle", "干草"])));
    }
    if r.chance(2) {
        add("rare.num", if r.chance(70) { Val::Int(r.between(0, 3)) } else { text("none") });
    }
    // Rare enough to stay in the residual text, where it is escaped.
    if r.below(1_000) < 3 {
        let word = r.choose(&WORDS);
        add("rare.text", text(&format!("line\nfeed\t{word}\u{1}end \"{word}\" \\{word}\\ é")));
    }
    if r.chance(15) {
        add("list", Val::Json(r.choose(&[r#"[1,"error",2.5]"#, r#"{"k":{"user":"alice"}}"#, "[]"]).into()));
    }
    if r.chance(3) {
        add("blob", Val::Bytes(uid.to_be_bytes()[3..].to_vec()));
    }
    if r.chance(10) {
        add("huge", Val::Int(r.choose(&[i64::MAX, i64::MIN, (1 << 53) + 1, -(1 << 53) - 1, 0])));
    }
    if r.chance(10) {
        add("odd", Val::Double(r.choose(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1.5, 1e300])));
    }
    if r.chance(20) {
        add("名前", text(r.choose(&["太郎", "花子", "alice"])));
    }
    if r.chance(20) {
        add("http method", text("PUT it"));
    }
    if r.chance(20) {
        add("host.arch", text("arm64"));
    }
    if r.chance(10) {
        add("process.pid", if r.chance(50) { text("seven") } else { Val::Int(8) });
    }
    if r.chance(25) {
        let word = r.choose(&WORDS);
        add("remark", text(&format!("{word} noted \"{word}\" é {}", r.between(0, 9))));
    }
}

fn resource(r: &mut Random) -> Attributes {
    let mut list: Attributes = vec![("service.name".into(), Val::Text(r.choose(&SERVICES).into()))];
    if r.chance(60) {
        list.push(("host.arch".into(), Val::Text(r.choose(&["amd64", "arm64"]).into())));
    }
    if r.chance(50) {
        list.push(("process.pid".into(), Val::Int(r.between(1, 3))));
    }
    list
}
