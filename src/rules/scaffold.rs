//! What `tagrelay init` writes: the smallest set that does something, checks clean and passes its tests.

const RULES: &str = r#"# yaml-language-server: $schema=tagrelay.schema.json
# Each request to POST /hooks/website-bot becomes an event; the rules say what becomes of it.

sources:
  website-bot:
    kind: dialogflow-es
    auth:
      - basic: { username: dialogflow, password: env:DIALOGFLOW_PASSWORD }
    contact: "{{ payload.originalDetectIntentRequest.payload.helpcrunch_id }}"

connections:
  crm:
    provider: helpcrunch
    api_key: env:HELPCRUNCH_API_KEY

rules:
  - id: pricing-lead
    description: Somebody who asks for prices is a lead
    match:
      source: website-bot
      intent: pricing.*
    tag:
      crm: { add: [Lead] }
    reply: Thank you! We will get back to you today.
"#;

const TESTS: &str = r#"# yaml-language-server: $schema=tagrelay.schema.json

tests:
  - name: a question about prices makes a lead
    event: { source: website-bot, intent: pricing.inquiry, contact: "1568834" }
    expect:
      rules: [pricing-lead]
      tag: { crm: { add: [Lead] } }
      reply: Thank you! We will get back to you today.
  - name: small talk changes nothing
    event: { source: website-bot, intent: smalltalk.greeting, contact: "1568834" }
    expect: { rules: [], tag: {} }
"#;

/// The files of a new rule directory: relative paths and contents. The schema beside them is [`super::schema`].
pub fn scaffold() -> Vec<(&'static str, &'static str)> {
    vec![("rules.yaml", RULES), ("rules.test.yaml", TESTS)]
}

#[cfg(test)]
mod tests {
    use super::scaffold;
    use crate::rules::{RuleFile, check, report, run_tests};

    #[test]
    fn a_new_directory_checks_clean_and_passes() {
        let file = |(path, text): (&str, &str)| RuleFile { path: path.to_owned(), text: text.to_owned() };
        let files: Vec<_> = scaffold().into_iter().map(file).collect();
        let checked = check(&files);
        assert!(checked.findings.is_empty(), "{}", report::text(&checked.findings, &files, false));
        let catalog = checked.catalog.expect("a catalog");
        let report = run_tests(&catalog, &checked.tests, &|_, _, _, _| Err("no bodies here".to_owned()));
        assert_eq!((report.passed, report.failed), (2, 0), "{report:?}");
    }
}
