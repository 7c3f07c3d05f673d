//! Bodies that aren't requests: every one says what is wrong and where, and none is quoted.

use super::*;

fn error(body: &[u8]) -> ReadError {
    with_event(body, |event| event.expect_err("no event"))
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    for (body, words) in [
        (r#"{"responseId":7731,"queryResult":{}}"#, "responseId: expected a text, found a number"),
        (r#"{"session":["7731"],"queryResult":{}}"#, "session: expected a text, found a list"),
        (r#"{"queryResult":["7731"]}"#, "queryResult: expected a mapping, found a list"),
        (r#"{"queryResult":"7731"}"#, "queryResult: expected a mapping, found a text"),
        (r#"{"queryResult":{"queryText":{"a":7731}}}"#, "queryResult.queryText: expected a text, found a mapping"),
        (r#"{"queryResult":{"languageCode":true}}"#, "queryResult.languageCode: expected a text, found true or false"),
        (r#"{"queryResult":{"action":7731}}"#, "queryResult.action: expected a text, found a number"),
        (r#"{"queryResult":{"parameters":[7731]}}"#, "queryResult.parameters: expected a mapping, found a list"),
        (r#"{"queryResult":{"parameters":"7731"}}"#, "queryResult.parameters: expected a mapping, found a text"),
        (r#"{"queryResult":{"intent":["7731"]}}"#, "queryResult.intent: expected a mapping, found a list"),
        (
            r#"{"queryResult":{"intent":{"displayName":7731}}}"#,
            "queryResult.intent.displayName: expected a text, found a number",
        ),
        (
            r#"{"queryResult":{"intentDetectionConfidence":"7731"}}"#,
            "queryResult.intentDetectionConfidence: expected a number, found a text",
        ),
    ] {
        let error = error(body.as_bytes());
        assert_eq!(error.to_string(), words, "{body}");
    }
}

#[test]
fn a_body_of_another_shape_says_what_is_missing() {
    for (body, words) in [
        ("", "the body is empty"),
        (" \n", "the body is empty"),
        ("[1]", "expected a mapping, found a list"),
        ("\"text\"", "expected a mapping, found a text"),
        ("null", "expected a mapping, found null"),
        ("{}", "queryResult: missing"),
        ("{\"queryResult\":null}", "queryResult: missing"),
        ("{\"detectIntentResponseId\":\"x\",\"fulfillmentInfo\":{}}", "Dialogflow CX"),
        ("{\"sessionId\":\"x\",\"result\":{}}", "API v1"),
    ] {
        let error = error(body.as_bytes());
        assert!(error.to_string().contains(words), "{body}: {error}");
    }
}

#[test]
fn what_is_not_json_has_its_place() {
    for (body, line, column, words) in [
        (&b"{\n  \"queryResult\": secret}"[..], 2, 18, "expected value"),
        (b"{\"queryResult\": {\"queryText\": \"secret", 1, 37, "the text ends within a string"),
        (b"{\"queryResult\": {}} secret", 1, 21, "trailing characters"),
        (b"{\"a\": \"\xff\", \"queryResult\": {}}", 1, 8, "this byte is not UTF-8"),
        (b"{\"queryResult\": {}, \"queryResult\": {}}", 1, 33, "duplicate field `queryResult`"),
        (
            b"{\"originalDetectIntentRequest\": {}, \"originalDetectIntentRequest\": {}}",
            1,
            65,
            "duplicate field `originalDetectIntentRequest`",
        ),
        (b"{\"queryResult\": {\"intentDetectionConfidence\": 1e999}}", 1, 51, "number out of range"),
    ] {
        let error = error(body);
        assert_eq!((error.line, error.column), (Some(line), Some(column)), "{error}");
        assert!(error.message.contains(words) && !error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn depth_is_bounded_wherever_it_lies() {
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
        for levels in [90, 97, 100_000] {
            let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            for body in
                [format!("{{\"x\":{deep},\"queryResult\":{{}}}}"), format!("{{\"queryResult\":{{\"x\":{deep}}}}}")]
            {
                with_event(body.as_bytes(), |event| match event {
                    Ok(_) => assert_eq!(levels, 90),
                    Err(e) => assert!(levels > 90 && e.message.contains("nested"), "{levels}: {e}"),
                });
            }
        }
    }
}
