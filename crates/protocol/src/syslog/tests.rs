use clewline_model::batch::Batch;
use clewline_model::signal::log;

use super::*;

/// 2003-10-12T00:00:00Z: a year with an October 11 just behind it.
const NOW: i64 = 1_065_916_800_000_000_000;
const DAY: i64 = 86_400_000_000_000;

/// `level|node|service|body|attributes` of the only row, and its time.
fn row(batch: &Batch) -> (String, i64) {
    assert_eq!(batch.rows(), 1);
    let text = |column: usize| batch.columns[column].text(0);
    let mut out = format!("{}|{}|{}|{}|", text(log::LEVEL), text(log::NODE), text(log::SERVICE), text(log::BODY));
    batch.attributes.push_json(0, &mut out);
    (out, batch.times()[0])
}

fn check(message: &str, expect: &str, time: Option<i64>) {
    let decoded = decode_datagram(message.as_bytes(), &Context { now_ns: NOW, node: "peer" });
    assert!(decoded.rejections.is_empty());
    let (found, at) = row(&decoded.batch);
    assert_eq!(found, expect, "{message}");
    assert_eq!(at, time.unwrap_or(NOW), "{message}");
}

#[test]
fn examples_of_rfc_5424() {
    let oct11 = NOW - DAY + ((22 * 60 + 14) * 60 + 15) * 1_000_000_000;
    check(
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8",
        r#"error|mymachine.example.com|su|'su root' failed for lonvick on /dev/pts/8|{"syslog.facility":"auth","syslog.severity":2,"syslog.msgid":"ID47"}"#,
        Some(oct11 + 3_000_000),
    );
    check(
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
        r#"info|192.0.2.1|myproc|%% It's time to make the do-nuts.|{"syslog.facility":"local4","syslog.severity":5,"syslog.procid":"8710"}"#,
        Some(1_061_727_255_000_003_000),
    );
    let head = "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 ";
    let facts = r#""syslog.facility":"local4","syslog.severity":5,"syslog.msgid":"ID47""#;
    check(
        &format!(
            r#"{head}[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] {}An application event log entry..."#,
            '\u{feff}'
        ),
        &format!(
            r#"info|mymachine.example.com|evntslog|An application event log entry...|{{{facts},"exampleSDID@32473.iut":"3","exampleSDID@32473.eventSource":"Application","exampleSDID@32473.eventID":"1011"}}"#
        ),
        Some(oct11 + 3_000_000),
    );
    check(
        &format!(r#"{head}[exampleSDID@32473 iut="3"][examplePriority@32473 class="high"]"#),
        &format!(
            r#"info|mymachine.example.com|evntslog||{{{facts},"exampleSDID@32473.iut":"3","examplePriority@32473.class":"high"}}"#
        ),
        Some(oct11 + 3_000_000),
    );
}

#[test]
fn structured_data_keeps_escapes_and_survives_damage() {
    check(
        r#"<14>1 - - - - - [a@1 x="q\"b\\c\]d\n" y=""][b] text"#,
        r#"info|peer||text|{"syslog.facility":"user","syslog.severity":6,"a@1.x":"q\"b\\c]d\\n","a@1.y":"","b":true}"#,
        None,
    );
    for broken in [r#"[a x="1] text"#, "[a x=1] text", "[ a] text", r#"[a x="1"]text"#, r#"[a x="1"] [b x="#, "text"] {
        let decoded =
            decode_datagram(format!("<14>1 - - - - - {broken}").as_bytes(), &Context { now_ns: NOW, node: "peer" });
        let (found, _) = row(&decoded.batch);
        let good = broken.starts_with(r#"[a x="1"] "#);
        assert_eq!(found.contains("malformed"), !good, "{found}");
        assert!(good || decoded.batch.columns[log::BODY].text(0) == broken, "{found}");
    }
    check(
        "<14>1 yesterday h a p m - x",
        r#"info|h|a|x|{"syslog.facility":"user","syslog.severity":6,"syslog.procid":"p","syslog.msgid":"m","syslog.timestamp":"yesterday","syslog.note":"the timestamp could not be read"}"#,
        None,
    );
}

#[test]
fn examples_of_rfc_3164_and_of_devices() {
    let oct11 = NOW - DAY + ((22 * 60 + 14) * 60 + 15) * 1_000_000_000;
    let auth = r#""syslog.facility":"auth","syslog.severity":2"#;
    check(
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
        &format!("error|mymachine|su|'su root' failed for lonvick on /dev/pts/8|{{{auth}}}"),
        Some(oct11),
    );
    let user = r#""syslog.facility":"user","syslog.severity":5"#;
    check(
        "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
        &format!("info|10.0.0.99||Use the BFG!|{{{user}}}"),
        Some(1_044_466_338_000_000_000),
    );
    check(
        "<13>Oct 11 22:14:15 logger[77]: hi",
        &format!(r#"info|peer|logger|hi|{{{user},"syslog.procid":"77"}}"#),
        Some(oct11),
    );
    check("<13>Oct 11 22:14:15 root: hi\n", &format!("info|peer|root|hi|{{{user}}}"), Some(oct11));
    check(
        "<13>2003-10-11T22:14:15+00:00 web-1 nginx: GET / 200",
        &format!("info|web-1|nginx|GET / 200|{{{user}}}"),
        Some(oct11),
    );
    check(
        "<13>Oct 11 2003 22:14:15 fw : %ASA-6-302013: Built",
        &format!("info|fw||: %ASA-6-302013: Built|{{{user}}}"),
        Some(oct11),
    );
    check(
        "<13>*Oct 11 22:14:15.000: %SYS-5-CONFIG_I: Configured",
        &format!("info|peer|%SYS-5-CONFIG_I|Configured|{{{user}}}"),
        Some(oct11),
    );
}

#[test]
fn what_cannot_be_read_is_kept_as_text() {
    let user = r#""syslog.facility":"user","syslog.severity":5"#;
    check("just text", r#"|peer||just text|{"syslog.note":"no priority"}"#, None);
    check("ERROR no priority", r#"error|peer||ERROR no priority|{"syslog.note":"no priority"}"#, None);
    check("<999>x", r#"|peer||<999>x|{"syslog.note":"no priority"}"#, None);
    check("<>x", r#"|peer||<>x|{"syslog.note":"no priority"}"#, None);
    check("<13>no time here", &format!(r#"info|peer||no time here|{{{user},"syslog.note":"no timestamp"}}"#), None);
    check("<13>app: no time", &format!(r#"info|peer|app|no time|{{{user},"syslog.note":"no timestamp"}}"#), None);
    check("<13>", &format!(r#"info|peer|||{{{user},"syslog.note":"no timestamp"}}"#), None);
    check("<13>1 short", &format!(r#"info|peer||1 short|{{{user},"syslog.note":"no timestamp"}}"#), None);
    check(
        "<13>Oct 99 22:14:15 h t: x",
        &format!(r#"info|peer||Oct 99 22:14:15 h t: x|{{{user},"syslog.note":"no timestamp"}}"#),
        None,
    );
}

#[test]
fn the_year_is_the_latest_that_is_not_ahead() {
    let new_year = 1_704_067_200_000_000_000; // 2024-01-01
    for (now, message, expect) in [
        (new_year + 1, "<13>Dec 31 23:59:59 h x", new_year - 1_000_000_000),
        (new_year - 1, "<13>Jan  1 00:00:00 h x", new_year),
        (new_year, "<13>Feb 29 00:00:00 h x", 1_582_934_400_000_000_000),
    ] {
        let decoded = decode_datagram(message.as_bytes(), &Context { now_ns: now, node: "" });
        assert_eq!(decoded.batch.times(), [expect], "{message}");
    }
}

#[test]
fn no_prefix_and_no_damage_panics() {
    let message = br#"<165>1 2003-10-11T22:14:15.003Z host app 1 ID47 [a@1 x="\"3" y="z"] tail"#;
    let old = b"<34>Oct 11 22:14:15 mymachine su[12]: tail \xff";
    for message in [&message[..], old] {
        for at in 0..message.len() {
            for byte in [0, b' ', b'[', b'"', b'\\', b'<', 0xff] {
                let mut damaged = message.to_vec();
                damaged[at] = byte;
                for input in [&damaged[..], &message[..at], &message[at..]] {
                    let decoded = decode_datagram(input, &Context { now_ns: NOW, node: "" });
                    assert!(decoded.batch.check());
                    assert_eq!(decoded.rejections.rejected, 0);
                }
            }
        }
    }
}
