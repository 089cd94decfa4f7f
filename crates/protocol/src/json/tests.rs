use super::*;

fn copied(input: &[u8]) -> Result<String, DecodeError> {
    let mut reader = Reader::new(input);
    let mut out = String::new();
    reader.copy(&mut out, 0)?;
    reader.end()?;
    let mut skipper = Reader::new(input);
    skipper.skip().expect("what can be read can be skipped");
    skipper.end().expect("skipping ends where reading ends");
    Ok(out)
}

#[test]
fn values_are_copied_in_canonical_form() {
    for (input, expect) in [
        (" null ", "null"),
        ("[ true , false ]", "[true,false]"),
        (r#"{ "a" : { "b" : [ ] , "c" : { } } }"#, r#"{"a":{"b":[],"c":{}}}"#),
        (
            "[1,-1,0,1.0,1e2,-0,9223372036854775807,-9223372036854775808]",
            "[1,-1,0,1.0,100.0,-0.0,9223372036854775807,-9223372036854775808]",
        ),
        ("[9223372036854775808,18446744073709551615]", "[9223372036854775808,18446744073709551615]"),
        ("[18446744073709551616,1e400]", r#"["18446744073709551616","1e400"]"#),
        ("[NaN,Infinity,-Infinity]", r#"[{"$double":"NaN"},{"$double":"Infinity"},{"$double":"-Infinity"}]"#),
        (r#""a\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00""#, "\"a\\\"\\\\/\\u0008\\u000c\\n\\r\\tAé😀\""),
        (r#""\ud83dx\ude00""#, "\"\u{fffd}x\u{fffd}\""),
        (r#""\ud83d\u0041""#, "\"\u{fffd}A\""),
        ("\"raw\ttab\"", r#""raw\ttab""#),
    ] {
        assert_eq!(copied(input.as_bytes()).as_deref(), Ok(expect), "{input}");
    }
}

#[test]
fn broken_text_is_refused_with_its_offset() {
    for (input, offset) in [
        ("", 0),
        ("[1,", 3),
        ("[1 2]", 3),
        ("{\"a\" 1}", 5),
        ("{a:1}", 1),
        ("\"abc", 1),
        ("\"\\x\"", 3),
        ("\"\\u12g4\"", 3),
        ("01", 2),
        ("1.", 2),
        ("1e", 2),
        ("-", 1),
        ("tru", 0),
        ("1 2", 2),
        ("[1}", 2),
    ] {
        match copied(input.as_bytes()) {
            Err(DecodeError::Malformed { offset: at, .. }) => assert_eq!(at, offset, "{input}"),
            other => panic!("{input}: {other:?}"),
        }
    }
}

#[test]
fn bytes_that_are_not_text_are_replaced_and_counted() {
    let mut reader = Reader::new(b"[\"\xff\",\"a\\n\xfe\",\"\\udfff\"]");
    let mut out = String::new();
    reader.copy(&mut out, 0).expect("lenient");
    assert_eq!(out, "[\"\u{fffd}\",\"a\\n\u{fffd}\",\"\u{fffd}\"]");
    assert_eq!(reader.repaired, 3);
}

#[test]
fn depth_is_bounded_for_copies_and_free_for_skips() {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(copied(&nested(NESTING_DEPTH_MAX)).is_ok());
    let deep = nested(NESTING_DEPTH_MAX + 1);
    let mut out = String::new();
    assert_eq!(Reader::new(&deep).copy(&mut out, 0), Err(DecodeError::TooDeep { offset: NESTING_DEPTH_MAX }));
    let deep = nested(1_000_000);
    let mut reader = Reader::new(&deep);
    assert_eq!(reader.skip(), Ok(()));
    assert!(reader.at_end());
}

#[test]
fn no_prefix_and_no_flipped_bit_panics() {
    let input = br#"{"a":[1,-2.5e3,"x\u00e9\n",{"b":null,"c":true}],"d":NaN}"#;
    for at in 0..input.len() {
        assert!(copied(&input[..at]).is_err());
        for bit in 0..8 {
            let mut damaged = input.to_vec();
            damaged[at] ^= 1 << bit;
            let mut out = String::new();
            let _ = Reader::new(&damaged).copy(&mut out, 0);
            let _ = Reader::new(&damaged).skip();
        }
    }
}
