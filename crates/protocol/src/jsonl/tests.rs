use clewline_model::batch::Batch;
use clewline_model::signal::log;

use super::*;

const NOW: i64 = 1_800_000_000_000_000_000;
const T: i64 = 1_700_000_000_000_000_000;

fn decoded(body: &str) -> Decoded {
    let decoded = decode(body.as_bytes(), &Mapping::for_service("dflt"), &Context { now_ns: NOW, node: "peer" });
    let decoded = decoded.expect("the request is not refused");
    assert!(decoded.batch.check());
    decoded
}

/// `time|level|service|node|body|attributes` of a row; the time only where it is not [`T`].
fn row(batch: &Batch, row: usize) -> String {
    let text = |column: usize| batch.columns[column].text(row);
    let time = batch.times()[row];
    let time = if time == T {
        "T".to_owned()
    } else if time == NOW {
        "NOW".to_owned()
    } else {
        time.to_string()
    };
    let mut out =
        format!("{time}|{}|{}|{}|{}|", text(log::LEVEL), text(log::SERVICE), text(log::NODE), text(log::BODY));
    batch.attributes.push_json(row, &mut out);
    out
}

#[test]
fn shapes_of_common_loggers_are_understood() {
    for (line, expect) in [
        (r#"{"time":"2023-11-14T22:13:20Z","level":"INFO","msg":"hi","n":1}"#, r#"T|info|dflt|peer|hi|{"n":1}"#),
        (
            r#"{"@timestamp":"2023-11-14T22:13:20.000Z","log":{"level":"warn"},"message":"hi","service":{"name":"shop"},"host":{"name":"h"}}"#,
            "T|warn|shop|h|hi|{}",
        ),
        (r#"{"level":30,"time":1700000000000,"pid":7,"hostname":"h","msg":"hi"}"#, r#"T|info|dflt|h|hi|{"pid":7}"#),
        (r#"{"ts":1700000000.0,"level":"error","logger":"x","msg":"hi"}"#, r#"T|error|dflt|peer|hi|{"logger":"x"}"#),
        (
            r#"{"@t":"2023-11-14T22:13:20Z","@m":"hi","@l":"Warning","A":{"B":{"C":true}}}"#,
            r#"T|warn|dflt|peer|hi|{"A.B.C":true}"#,
        ),
        (
            r#"{"version":"1.1","host":"h","short_message":"hi","timestamp":1700000000,"level":3,"_x":1.5}"#,
            r#"T|error|dflt|h|hi|{"version":"1.1","_x":1.5}"#,
        ),
        (
            r#"{"log":"hi\n","stream":"stderr","time":"2023-11-14T22:13:20.0Z"}"#,
            "T||dflt|peer|hi\n|{\"stream\":\"stderr\"}",
        ),
        (r#"{"date":1700000000.000000,"event":"hi","Level":"Debug"}"#, "T|debug|dflt|peer|hi|{}"),
        (
            r#"{"severity_number":13,"body":{"a":1},"timestamp":"1700000000000000000"}"#,
            r#"T|warn|dflt|peer||{"body.a":1}"#,
        ),
    ] {
        assert_eq!(row(&decoded(line).batch, 0), expect, "{line}");
    }
}

#[test]
fn the_better_name_wins_and_nothing_is_lost() {
    for (line, expect) in [
        (r#"{"msg":"b","message":"a","event":"c"}"#, r#"NOW||dflt|peer|a|{"msg":"b","event":"c"}"#),
        (r#"{"message":[1,"x"],"msg":"b"}"#, r#"NOW||dflt|peer|[1,"x"]|{"msg":"b"}"#),
        (r#"{"msg":[1],"message":[2],"z":[3]}"#, r#"NOW||dflt|peer|[2]|{"msg":[1],"z":[3]}"#),
        (r#"{"msg":7}"#, "NOW||dflt|peer|7|{}"),
        (r#"{"level":"custom","msg":null}"#, r#"NOW||dflt|peer||{"msg":null}"#),
        (
            r#"{"level":99,"service":"","trace_id":"xyz","span_id":5}"#,
            r#"NOW||dflt|peer||{"level":99,"service":"","trace_id":"xyz","span_id":5}"#,
        ),
        (r#"{"a":{},"b":{"c":{}},"d":[]}"#, r#"NOW||dflt|peer||{"a":{},"b.c":{},"d":[]}"#),
        (
            r#"{"big":18446744073709551616,"u":18446744073709551615,"e":1e400,"n":NaN}"#,
            r#"NOW||dflt|peer||{"big":"18446744073709551616","u":"18446744073709551615","e":"1e400","n":{"$double":"NaN"}}"#,
        ),
        ("{}", "NOW||dflt|peer||{}"),
    ] {
        assert_eq!(row(&decoded(line).batch, 0), expect, "{line}");
    }
}

#[test]
fn ids_and_severity_text_reach_their_columns() {
    let batch =
        decoded(r#"{"traceId":"0102030405060708090A0B0C0D0E0F10","span_id":"0102030405060708","level":"Custom"}"#)
            .batch;
    let clewline_model::batch::Column::Id16(ids) = &batch.columns[log::TRACE_ID] else { panic!("a column of ids") };
    assert_eq!(ids[0][..3], [1, 2, 3]);
    assert_eq!(batch.columns[log::SEVERITY_TEXT].text(0), "Custom");
}

#[test]
fn an_absurd_time_is_replaced_kept_and_counted() {
    for time in [r#""soon""#, "0", "-1", "1e30", r#""9999-01-01T00:00:00Z""#, "true"] {
        let decoded = decoded(&format!(r#"{{"time":{time},"msg":"x"}}"#));
        assert_eq!(decoded.batch.times(), [NOW]);
        assert_eq!(decoded.rejections.warnings.times_replaced, 1, "{time}");
        assert!(row(&decoded.batch, 0).contains("\"time\":"), "{time}");
    }
    let decoded = decoded(r#"{"time":"soon","ts":1700000000,"msg":"x"}"#);
    assert_eq!(decoded.batch.times(), [T]);
    assert!(decoded.rejections.is_empty());
}

#[test]
fn bad_lines_are_named_and_good_ones_kept() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let body = format!(
        "{{\"msg\":\"one\"}}\n\nnot json\n{deep}\n{nested}\n[1]x\n{{\"msg\":\"two\"}} x\r\n{{\"msg\":\"end\"}}"
    );
    let decoded = decoded(&body);
    assert_eq!(decoded.batch.rows(), 2);
    assert_eq!(row(&decoded.batch, 1), "NOW||dflt|peer|end|{}");
    let reasons: Vec<_> = decoded.rejections.reasons.iter().map(|r| format!("{}: {}", r.place, r.message)).collect();
    assert_eq!(
        reasons,
        vec![
            "line 3: a JSON object was expected",
            "line 4: a value is nested deeper than 64 levels",
            "line 5: a value is nested deeper than 64 levels",
            "line 6: a JSON object was expected",
            "line 7: not JSON at column 15: there is more behind the end of the JSON",
        ]
    );
}

#[test]
fn an_array_is_a_list_of_records() {
    let result = decoded(r#" [{"msg":"one"}, 5, {"msg":"two"}]"#);
    assert_eq!(result.batch.rows(), 2);
    assert_eq!(result.rejections.reasons[0].place, "record 2");
    let broken = decode(br#"[{"msg":"one"}, {"msg"]"#, &Mapping::default(), &Context { now_ns: NOW, node: "" });
    assert_eq!(broken.err(), Some(DecodeError::Malformed { offset: 22, message: "a colon was expected" }));
    assert_eq!(decoded("[]").batch.rows(), 0);
    assert_eq!(decoded("").batch.rows(), 0);
}

/// Objects that repeat, vary and break the shapes of their predecessors.
fn generated(count: usize) -> Vec<String> {
    const KEYS: [&str; 14] =
        ["a", "b", "msg", "level", "time", "service", "\\u0061", "a.b", "c d", "é", "", "MSG", "trace_id", "x\\\"y"];
    const VALUES: [&str; 12] = [
        "1",
        "-2.5",
        "\"t\"",
        "\"e\\n\"",
        "null",
        "true",
        "[1,{\"a\":2}]",
        "{}",
        "\"info\"",
        "1700000000",
        "\"\"",
        "{\"a\":}",
    ];
    let mut state = 7u64;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut lines = Vec::new();
    for line in 0..count {
        let mut out = String::from("{");
        let mut open = 0;
        for member in 0..next(9) {
            if member > 0 && !out.ends_with('{') {
                out.push_str(if next(4) == 0 { " , " } else { "," });
            }
            // Now and then a key no other line has.
            let key = if next(3) == 0 { format!("k{line}") } else { KEYS[next(KEYS.len())].to_owned() };
            out.push_str(&format!("\"{key}\"{}", if next(5) == 0 { " : " } else { ":" }));
            if next(6) == 0 {
                out.push('{');
                open += 1;
            } else {
                // A broken value is rare.
                let value = next(VALUES.len() * 20);
                out.push_str(VALUES[if value == 0 { VALUES.len() - 1 } else { value % (VALUES.len() - 1) }]);
            }
            if open > 0 && next(3) == 0 {
                out.push('}');
                open -= 1;
            }
        }
        out.push_str(&"}".repeat(open + 1));
        lines.push(out);
    }
    lines
}

#[test]
fn what_was_seen_before_changes_nothing() {
    let lines = generated(3 * crate::limits::FIELDS_MAX);
    let together = decoded(&lines.join("\n"));
    let mut rows = 0;
    let mut rejected = 0;
    for line in &lines {
        let alone = decoded(line);
        rejected += alone.rejections.rejected;
        if alone.batch.rows() == 1 {
            assert_eq!(row(&together.batch, rows), row(&alone.batch, 0), "{line}");
            rows += 1;
        }
    }
    assert_eq!((together.batch.rows(), together.rejections.rejected), (rows, rejected));
    assert!(rejected > 50 && rows > lines.len() / 2, "{rejected} {rows}");
}

#[test]
fn keys_that_were_repaired_are_counted_every_time() {
    let body = b"{\"a\xff\":1}\n{\"a\xff\":2}\n{\"\\ud800\":3}\n{\"\\ud800\":3}\n";
    let decoded = decode(body, &Mapping::default(), &Context { now_ns: NOW, node: "" }).expect("lenient");
    assert_eq!(decoded.rejections.warnings.text_repaired, 4);
    assert_eq!(row(&decoded.batch, 1), "NOW|||||{\"a\u{fffd}\":2}");
}
