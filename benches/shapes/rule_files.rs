//! A rule directory of any size: each rule has an intent of its own, one tag and one reply.

use std::fmt::Write as _;

/// The hook of the benchmarks.
pub const SOURCE: &str = "website-bot";

/// Rules in one file; real directories are split too.
const RULES_A_FILE: usize = 250;

/// Name and text of each file of a set of `rules` rules whose connection is the sandbox at `sandbox` (`127.0.0.1:8090`).
///
/// Every other rule renders its tag and its reply from the request, and has a `when`; the rest are plain.
pub fn rule_files(rules: usize, sandbox: &str) -> Vec<(String, String)> {
    let mut files = vec![("00-desk.yaml".to_owned(), desk(sandbox))];
    for from in (0..rules).step_by(RULES_A_FILE) {
        let mut text = "rules:\n".to_owned();
        for number in from..(from + RULES_A_FILE).min(rules) {
            rule(&mut text, number);
        }
        files.push((format!("rules-{from:05}.yaml"), text));
    }
    files
}

fn desk(sandbox: &str) -> String {
    format!(
        r#"sources:
  {SOURCE}:
    kind: dialogflow-es
    auth:
      - hmac: standard-webhooks
        secret: env:WEBSITE_BOT_SECRET
    contact: "{{{{ payload.originalDetectIntentRequest.payload.helpcrunch_id }}}}"

connections:
  crm:
    provider: helpcrunch
    api_key: env:HELPCRUNCH_API_KEY
    base_url: http://{sandbox}/helpcrunch/v1
    allow_private: true
    rate_limit: 100/min
"#
    )
}

fn rule(text: &mut String, number: usize) {
    let templated = number % 2 == 1;
    let when = if templated { "    when: params.budget >= 100 and confidence >= 0.5\n" } else { "" };
    let tag = if templated { r#""{{ params.plan | upper }}""#.to_owned() } else { format!("Topic {number:05}") };
    let reply = if templated {
        r#""Thank you! We will write to {{ params.email }} today.""#
    } else {
        "Thank you! We will call you today."
    };
    // Writing to a String can't fail.
    let _ = write!(
        text,
        "  - id: rule-{number:05}\n    match: {{ source: {SOURCE}, intent: topic-{number:05}.ask }}\n{when}    \
         tag: {{ crm: {{ add: [{tag}] }} }}\n    reply: {reply}\n"
    );
}
