//! `explain`: what one event would come to, and why.

use super::*;

#[test]
fn explain_says_whose_tags_are_known_no_more() {
    let folder = TempDir::new().expect("a folder");
    let rules = "sources:\n  tells: { kind: catch, auth: none, tags_changed_at: { crm: \"{{ payload.id }}\" } }\n\
                 connections:\n  crm: { provider: helpcrunch, api_key: env:KEY }\n";
    std::fs::write(folder.path().join("rules.yaml"), rules).expect("written");
    let body = folder.path().join("body.json");
    std::fs::write(&body, r#"{"id":7}"#).expect("written");
    let (rules, body) = (folder.path().to_str().expect("text"), body.to_str().expect("text"));
    let ran = run(&["explain", "--rules", rules, "--source", "tells", body]);
    assert!(ran.out.contains("forget what is known of the tags at crm of id:7"), "{ran:?}");
    let told = run(&["explain", "--rules", rules, "--source", "tells", body, "--format", "json"]).json();
    assert_eq!(told["events"][0]["decision"]["tags_changed"][0]["connection"], "crm", "{told}");
}

#[test]
fn explain_names_the_nearest_miss() {
    let ran = run(&["explain", "--source", "website-bot", PRICING]);
    assert_eq!(ran.status, 0);
    for words in [
        "matched  pricing-lead  rules/2-pricing.yaml:",
        "when: conditions.big_budget: params.budget >= values.big_budget: unset >= 5000",
        "match.intent: \"pricing.inquiry\" is not contact.stop",
        "           nearly: if params.budget were 5000 (is unset)\n",
        "add    \"Plan intensivo\" at crm for id:1568834  (pricing-lead, unless_tagged \"Opt-out\")",
        "¡Gracias, Lucía!",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let whatsapp = run(&["explain", "--source", "whatsapp-bot", "rules/fixtures/whatsapp-enrol.json"]);
    for words in [
        "add    \"stage:student\" at crm for phone:+573001234567  (enrolled, unless_tagged \"Opt-out\")",
        "set    \"course\" = \"Inglés B1\" at crm",
    ] {
        assert!(whatsapp.out.contains(words), "{words}: {}", whatsapp.out);
    }
    let leads = run(&["explain", "--source", "zapier-leads", "rules/fixtures/zapier-leads.json"]);
    assert!(leads.out.starts_with("event 1 of 2\n") && leads.out.contains("ad-lead, for 7d"), "{}", leads.out);
    let told = run(&["explain", "--source", "website-bot", PRICING, "--format", "json"]).json();
    assert_eq!(told["events"].as_array().map(Vec::len), Some(1));
    let nearly = |ran: &Ran| ran.out.matches("nearly: if ").count();
    let all = run(&["explain", "--source", "website-bot", PRICING, "--all"]);
    assert!(nearly(&ran) == 3 && nearly(&all) > 3, "{}", all.out);
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let piped = run_with(project, &["explain", "--source", "website-bot", "-"], &[], b"not json");
    assert_eq!(piped.status, 1);
    assert!(piped.err.contains("line 1"), "{}", piped.err);
}

#[test]
fn explain_says_that_an_agent_has_an_answer_of_its_own_and_a_messenger_none() {
    let folder = TempDir::new().expect("a folder");
    let rules = "sources:\n  web: { kind: dialogflow-es, auth: none }\n  bot: { kind: telegram, auth: none }\n";
    std::fs::write(folder.path().join("rules.yaml"), rules).expect("written");
    let explained = |source: &str, body: &str| {
        run_with(folder.path(), &["explain", "--rules", ".", "--source", source, "-"], &[], body.as_bytes())
    };
    let web = explained("web", r#"{"responseId":"a","session":"projects/p/agent/sessions/s","queryResult":{}}"#);
    assert!(web.out.contains("no reply: the agent's own answer stays\n"), "{web:?}");
    let bot = explained("bot", r#"{"update_id":1,"message":{"message_id":2,"chat":{"id":3},"text":"hi"}}"#);
    assert!(bot.out.contains("no reply\n"), "{bot:?}");
}

#[test]
fn explain_shows_what_the_source_made_of_the_body() {
    let folder = TempDir::new().expect("a folder");
    let rules = "sources:\n  bot: { kind: telegram, auth: none }\n";
    std::fs::write(folder.path().join("rules.yaml"), rules).expect("written");
    let body = br#"{"update_id":1,"message":{"message_id":2,"from":{"id":7},"chat":{"id":3},"text":"/start \"hi\""}}"#;
    let explain = |format| ["explain", "--rules", ".", "--source", "bot", "--format", format, "-"];
    let shown = run_with(folder.path(), &explain("text"), &[], body);
    let words = "type     \"message\"\nintent   \"/start\"\ntext     \"/start \\\"hi\\\"\"\ncontact  \"7\"\nsession  \"3\"\nkey      \"1\"\n\n";
    assert!(shown.out.starts_with(words), "{shown:?}");
    let told = run_with(folder.path(), &explain("json"), &[], body).json();
    let event = &told["events"][0]["event"];
    assert_eq!((event["type"].as_str(), &event["language"]), (Some("message"), &serde_json::Value::Null), "{told}");
}
