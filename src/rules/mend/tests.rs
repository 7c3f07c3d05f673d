use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::rules::check::check;

fn file(text: &str) -> Vec<RuleFile> {
    vec![RuleFile { path: "set.yaml".to_owned(), text: text.to_owned() }]
}

fn mended(text: &str) -> (String, Vec<&'static str>) {
    let mended = mend(&file(text), &check);
    (mended.files[0].text.clone(), mended.checked.findings.iter().map(|finding| finding.code).collect())
}

#[test]
fn one_mend_shows_the_next_and_the_layout_stays() {
    let faulty = "\
# Our bots.
sources:
  bot:   { kind: dialogflw-es, auth: [{ bearer: env:T }] }   # the website's

rules:
  - id: hello
    mtach: { sorce: bto, intent: '^hello$' } # only here
    whn: params.plan = \"pro\"
    repyl: {{ params.plan }}
    stop: \"true\"
";
    let clean = "\
# Our bots.
sources:
  bot:   { kind: dialogflow-es, auth: [{ bearer: env:T }] }   # the website's

rules:
  - id: hello
    match: { source: bot, intent: \"hello\" } # only here
    when: params.plan == \"pro\"
    reply: \"{{ params.plan }}\"
    stop: true
";
    assert_eq!(mended(faulty), (clean.to_owned(), Vec::new()));
}

#[test]
fn a_mend_that_would_bring_an_error_is_left_to_a_person() {
    let twice = "rules:\n  - id: a\n    reply: x\n    repyl: y\n  - id: b\n    repyl: z\n";
    let (text, left) = mended(twice);
    assert_eq!(text, "rules:\n  - id: a\n    reply: x\n    repyl: y\n  - id: b\n    reply: z\n");
    assert_eq!(left, ["E005"]);
}

#[test]
fn signs_of_other_languages_become_ours_and_halves_of_templates_stay() {
    let (text, left) = mended(
        "rules:\n  - id: a\n    when: params.a => 1 and params.b =< 2 and params.c === 3 and params.d <> 4\n    \
         reply: \"{{ params.a\"\n  - id: b\n    reply: \"{{params.a}, ${params.b}\"\n",
    );
    assert_eq!(
        text,
        "rules:\n  - id: a\n    when: params.a >= 1 and params.b <= 2 and params.c == 3 and params.d != 4\n    \
         reply: \"{{ params.a\"\n  - id: b\n    reply: \"{{params.a}, ${params.b}\"\n",
    );
    assert_eq!(left, ["E017", "W108", "E017"]);
}

#[test]
fn of_two_names_as_near_none_is_written() {
    let text = "connections:\n  crm1: { provider: webhook, url: env:A }\n  crm2: { provider: webhook, url: env:B }\n\
                rules:\n  - id: a\n    forward: { crm3: { a: 1 } }\n  - id: b\n    forward: { crm1: {}, crm2: {} }\n";
    assert_eq!(mended(text).0, text);
}

/// A line of a set, right and in the wrong ways that people write it.
const LINES: [&[&str]; 9] = [
    &["    description: what for", "    descripton: what for", "    desc: what for"],
    &[
        "    match: { source: bot, intent: a.* }",
        "    match: { source: bto, intent: ^a.* }",
        "    mtach: { sorce: bot }",
    ],
    &[
        "    when: params.a == 1 and values.big < 2",
        "    when: params.a = 1",
        "    whn: parms.a == 1",
        "    when: params.a == values.bog",
    ],
    &["    once: 24h", "    onec: 24h", "    once: 24"],
    &[
        "    contact: \"{{ params.id }}\"",
        "    contact: {{ params.id }}",
        "    contact: params.id",
        "    contact: \"a {params.id}\"",
    ],
    &[
        "    tag: { crm: { add: [Lead] } }",
        "    tag: { crn: { ad: [Lead] } }",
        "    tag: { crm: { add: [params.plan, lead] } }",
    ],
    &[
        "    set: { crm: { plan: \"{{ params.plan | lower }}\" } }",
        "    set: { crm: { plan: \"{{ params.plan | lowr }}\" } }",
    ],
    &["    reply: Hello!", "    repyl: Hello!", "    reply: {{ params.name }}", "    reply: { txt: Hi }"],
    &["    stop: true", "    stop: \"true\"", "    stpo: true", "    enabled: \"false\""],
];
const ENDS: [&str; 4] = ["", " # why it is so", "   # tagrelay: allow W103 because it comes", "\r"];

fn rule() -> impl Strategy<Value = String> {
    let line = |ways: &'static [&'static str]| {
        (prop::option::of(prop::sample::select(ways.to_vec())), prop::sample::select(ENDS.to_vec()))
            .prop_map(|(line, end)| line.map(|line| format!("{line}{end}\n")).unwrap_or_default())
    };
    let lines: Vec<_> = LINES.into_iter().map(line).collect();
    (prop::sample::select(vec!["hello", "bye", "opt-out"]), lines)
        .prop_map(|(id, lines)| format!("  # of {id}\n  - id: {id}\n{}", lines.concat()))
}

fn set() -> impl Strategy<Value = String> {
    let head = "# The head.\nsources:\n  bot: { kind: dialogflow-es, auth: [{ bearer: env:T }] }\n\
                connections:\n  crm: { provider: helpcrunch, api_key: env:K } # the CRM\nvalues: { big: 1 }\nrules:\n";
    prop::collection::vec(rule(), 1..4).prop_map(move |rules| format!("{head}{}", rules.concat()))
}

fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.split_once('#').map(|(_, comment)| comment)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mending_makes_nothing_worse_ends_and_keeps_every_comment_and_line(text in set()) {
        let before = check(&file(&text));
        let once = mend(&file(&text), &check);
        let errors = |checked: &Checked| checked.findings.iter().filter(|f| f.severity == Severity::Error).count();
        prop_assert!(errors(&once.checked) <= errors(&before));
        let mended = &once.files[0].text;
        prop_assert_eq!(comments(mended), comments(&text));
        prop_assert_eq!(mended.lines().count(), text.lines().count());
        let again = mend(&once.files, &check);
        prop_assert_eq!(&again.files[0].text, mended);
        prop_assert!(again.done.is_empty());
        if once.done.is_empty() {
            prop_assert_eq!(mended, &text);
        }
    }
}

#[test]
fn one_that_must_stay_keeps_no_other_from_being_mended() {
    let mut rules = "rules:\n  - { id: r0, reply: hello, repyl: hello }\n".to_owned();
    for number in 1..100 {
        let _ = writeln!(rules, "  - {{ id: r{number}, repyl: hello }}");
    }
    let (text, _) =
        mended(&format!("sources:\n  bot: {{ kind: dialogflow-es, auth: [{{ bearer: env:T }}] }}\n{rules}"));
    assert_eq!(text.matches("repyl").count(), 1, "{text}");
}
