//! The commands that ask a running gateway, as a person at a terminal and a script meet them.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::command::{Ran, run_with};
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, VIEWER, on_postgres, rules};

const RULES: &str = r#"
  - id: lead
    match: { intent: lead }
    tag: { crm: { add: [Lead] } }
  - id: plan
    match: { intent: plan }
    tag: { crm: { add: ["Plan {{ params.plan }}"] } }
"#;

/// Runs a command beside the gateway, as whoever administers it does.
fn ask(gateway: &Gateway, args: &[&str]) -> Ran {
    ask_as(gateway, args, ADMIN)
}

fn ask_as(gateway: &Gateway, args: &[&str], token: &str) -> Ran {
    let address = gateway.address.to_string();
    let settings = [("TAGRELAY_LISTEN", address.as_str()), ("TAGRELAY_ADMIN_TOKEN", token)];
    run_with(gateway.setup.folder(), args, &settings, b"")
}

#[track_caller]
fn said_well(ran: &Ran) -> &str {
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(!ran.out.contains('\u{1b}'), "{ran:?}");
    &ran.out
}

/// A gateway with one contact that has a tag, one that the provider has lost, and an event with a fault.
fn busy() -> Gateway {
    let gateway = rules(RULES).start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 404, "contact": "8", "times": 1 }]));
    for (key, contact, intent) in [("well", 7, "lead"), ("lost", 8, "lead"), ("fault", 9, "plan")] {
        gateway.event(&said(key, contact, intent));
        gateway.settled(key);
    }
    gateway
}

#[test]
fn events_are_listed_and_shown_for_people_and_for_scripts() {
    let gateway = busy();
    let listed = ask(&gateway, &["events"]);
    let lines: Vec<&str> = said_well(&listed).lines().collect();
    assert!(lines[0].starts_with("event  accepted"), "{listed:?}");
    assert_eq!(lines.len(), 4);
    assert!(lines[1].starts_with("3  ") && lines[1].ends_with("plan    plan   1"), "{listed:?}");
    let column = |line: &str, word: &str| line.find(word);
    assert_eq!(column(lines[0], "contact"), column(lines[2], "id:8"), "{listed:?}");
    assert_eq!(column(lines[0], "rules"), column(lines[2], "lead").and_then(|_| lines[2].rfind("lead")));
    let json = ask(&gateway, &["events", "--format", "json", "--intent", "lead"]).json();
    assert_eq!((json["items"].as_array().map(Vec::len), &json["next"]), (Some(2), &json!(null)));
    let paged = ask(&gateway, &["events", "--limit", "2"]);
    assert!(said_well(&paged).contains("--limit shows more"), "{paged:?}");
    let one = ask(&gateway, &["events", "2"]);
    for words in [
        "event 2",
        "through bot",
        "rules: lead",
        "add \"Lead\"",
        "dead",
        "PUT /customers/8/tags: 404 lost",
        "reply: {",
        "body: {\"",
        "\"responseId\":\"lost\"",
    ] {
        assert!(said_well(&one).contains(words), "{words}: {}", one.out);
    }
    let faulty = ask(&gateway, &["events", "--faulty", "--format", "json"]).json();
    assert_eq!(faulty["items"][0]["id"], "3");
    said_well(&ask(&gateway, &["events", "3", "--dismiss"]));
    assert_eq!(said_well(&ask(&gateway, &["events", "--faulty"])), "no event\n");
}

#[test]
fn dead_letters_are_counted_tried_again_and_ended() {
    let gateway = busy();
    let listed = ask(&gateway, &["dead-letters", "--needs", "mend", "--connection", "crm", "--contact", "8"]);
    let out = said_well(&listed);
    assert!(
        out.lines().nth(1).is_some_and(|line| line.starts_with("2.0  ") && line.ends_with("unknown_contact  mend")),
        "{out}"
    );
    let one = ask(&gateway, &["dead-letters", "2.0"]);
    assert!(said_well(&one).contains("last call: PUT /customers/8/tags: 404"), "{}", one.out);
    let dry = ask(&gateway, &["dead-letters", "--cause", "unknown_contact", "--retry", "--dry-run"]);
    assert_eq!(said_well(&dry), "1 would be tried again\n");
    let done = ask(&gateway, &["dead-letters", "--cause", "unknown_contact", "--retry"]);
    assert_eq!(said_well(&done), "1 are tried again\n");
    assert_eq!(gateway.settled("lost")["changes"][0]["state"], "applied");
    assert_eq!(said_well(&ask(&gateway, &["dead-letters"])), "no dead letter\n");
    let none = ask(&gateway, &["dead-letters", "2.0", "--discard", "--note", "x"]);
    assert_eq!(none.status, 1, "{none:?}");
    for args in [
        &["dead-letters", "--retry"][..],
        &["dead-letters", "--dry-run"],
        &["dead-letters", "--cause", "bad luck"],
        &["dead-letters", "--needs", "luck"],
        &["dead-letters", "2.0", "--all", "--retry"],
        &["dead-letters", "--retry", "--discard", "--all"],
        &["dead-letters", "--as-new"],
        &["replay"],
        &["replay", "2", "--faulty"],
        &["events", "--connection", "crm"],
        &["contacts", "--waiting"],
        &["events", "--limit", "0"],
    ] {
        assert_eq!(ask(&gateway, args).status, 2, "{args:?}");
    }
}

#[test]
fn words_that_there_are_not_are_told_from_those_that_there_are() {
    let gateway = busy();
    let bogus = ask(&gateway, &["dead-letters", "--cause", "bogus"]);
    assert_eq!((bogus.status, bogus.out.as_str()), (2, ""));
    assert!(bogus.err.contains("[possible values: unknown_contact, several_contacts, refused"), "{bogus:?}");
    for (query, words) in
        [("cause=bogus", "cause: expected one of unknown_contact, "), ("needs=x", "needs: expected one of mend, retry")]
    {
        let answer = gateway.api_as(ADMIN, "GET", &format!("/api/v1/dead-letters?{query}"), b"");
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(words) && !answer.text().contains("variant"), "{}", answer.text());
    }
}

#[test]
fn nobody_is_told_from_somebody_and_an_ill_connection_is_told_of() {
    let gateway = busy();
    for format in ["text", "json"] {
        let nobody = ask(&gateway, &["contacts", "crm", "99", "--format", format]);
        assert_eq!((nobody.status, nobody.out.as_str()), (1, ""), "{nobody:?}");
        assert_eq!(nobody.err, "error: nothing is known of id:99 at crm\n");
    }
    assert!(!said_well(&ask(&gateway, &["contacts", "crm", "7"])).contains("crm is"));
    gateway.set_faults(&json!([{ "kind": "status", "status": 401 }]));
    gateway.event(&said("ill", 10, "lead"));
    for contact in ["7", "10"] {
        eventually("a pause that is told of", || {
            let shown = ask(&gateway, &["contacts", "crm", contact]);
            said_well(&shown).contains("crm is paused: the API key is refused").then_some(())
        });
    }
    let nobody = ask(&gateway, &["contacts", "crm", "99"]);
    assert!(
        nobody.err.contains("nothing is known of id:99 at crm; crm is paused: the API key is refused"),
        "{nobody:?}"
    );
}

#[test]
fn a_person_is_shown_and_tags_are_asked_for() {
    let gateway = busy();
    let shown = ask(&gateway, &["contacts", "crm", "7"]);
    for words in ["id:7 at crm", "Lead", "applied", "lead", "PUT /customers/7/tags: 200"] {
        assert!(said_well(&shown).contains(words), "{words}: {}", shown.out);
    }
    let asked = ask(&gateway, &["contacts", "crm", "7", "--add", "VIP", "--remove", "Lead", "--note", "she called"]);
    assert_eq!(said_well(&asked), "event 4 asks for it\n");
    gateway.settled_event("4");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["VIP"]);
    let noted = ask(&gateway, &["contacts", "crm", "7"]);
    let lines: Vec<&str> = said_well(&noted).lines().filter(|line| line.contains("she called")).collect();
    assert_eq!(lines, ["\"Lead\", \"VIP\", event 4: \"she called\""], "a note is told once");
    let listed = ask(&gateway, &["contacts", "crm", "--format", "json"]).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(said_well(&ask(&gateway, &["contacts", "crm", "--waiting"])), "no contact\n");
    assert!(said_well(&ask(&gateway, &["contacts", "--dead"])).contains("id:8"));
    assert_eq!(ask(&gateway, &["contacts", "nowhere", "7"]).status, 1);
    let forgotten = ask(&gateway, &["forget", "crm", "7"]);
    assert!(said_well(&forgotten).contains("2 events") && forgotten.out.contains("2 words"), "{forgotten:?}");
    let again = ask(&gateway, &["forget", "crm", "7"]);
    assert_eq!((again.status, again.out.as_str()), (1, ""));
    assert_eq!(again.err, "error: nothing is known of id:7 at crm; nothing was erased\n");
    let nowhere = ask(&gateway, &["forget", "nix", "7"]);
    assert_eq!((nowhere.status, nowhere.err.contains("there is no connection \"nix\"; there is: crm")), (1, true));
}

#[test]
fn a_name_that_there_is_not_is_told_from_an_empty_list() {
    let gateway = busy();
    for (args, told) in [
        (&["contacts", "nix"][..], "no contact; there is no connection \"nix\"; there is: crm"),
        (&["dead-letters", "--connection", "nix"], "no dead letter; there is no connection \"nix\"; there is: crm"),
        (&["dead-letters", "--rule", "nix"], "no dead letter; there is no rule \"nix\"; there is: lead, plan"),
        (
            &["dead-letters", "--rule", "nix", "--retry"],
            "no dead letter; there is no rule \"nix\"; there is: lead, plan",
        ),
        (&["events", "--source", "nix"], "no event; there is no source \"nix\"; there is: bot"),
        (&["events", "--rule", "nix"], "no event; there is no rule \"nix\"; there is: lead, plan"),
        (&["replay", "--source", "nix"], "no event; there is no source \"nix\"; there is: bot"),
    ] {
        for format in ["text", "json"] {
            let ran = ask(&gateway, &[args, &["--format", format]].concat());
            assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (1, "", format!("error: {told}\n").as_str()));
        }
    }
    assert_eq!(said_well(&ask(&gateway, &["dead-letters", "--rule", "plan"])), "no dead letter\n");
    assert_eq!(said_well(&ask(&gateway, &["events", "--source", "tagrelay.api"])), "no event\n");
}

#[test]
fn one_event_is_replayed_on_trial() {
    let gateway = busy();
    assert_eq!(said_well(&ask(&gateway, &["replay", "1", "--dry-run"])), "1 would be replayed\n");
    assert_eq!(ask(&gateway, &["replay", "1", "--dry-run", "--format", "json"]).json()["count"], 1);
    said_well(&ask(&gateway, &["contacts", "crm", "7", "--add", "VIP"]));
    for (id, words) in [("4", "no request brought it"), ("99", "no event of this id")] {
        let ran = ask(&gateway, &["replay", id, "--dry-run"]);
        assert_eq!((ran.status, ran.err.contains(words)), (1, true), "{ran:?}");
    }
    assert_eq!(gateway.events().len(), 4);
    let both = ask(&gateway, &["contacts", "crm", "7", "--add", "A", "--remove", "A"]);
    assert_eq!((both.status, both.err.as_str()), (2, "error: the tag \"A\" is to be added and removed\n"));
}

#[test]
fn rules_that_are_refused_are_told_of_to_people() {
    let gateway = busy();
    gateway.write_rules("rules.yaml", "rules: [{ id: a, mtach: {} }]\n");
    gateway.rules_refused();
    for args in [&["connections"][..], &["events"], &["replay", "1"], &["replay", "--all", "--dry-run"]] {
        let ran = ask(&gateway, args);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert!(ran.err.starts_with("warning: the rules on disk are refused since "), "{ran:?}");
        assert!(ran.err.contains("`tagrelay check` shows "), "{ran:?}");
        assert_eq!(ran.err.lines().count(), 1);
    }
    assert_eq!(ask(&gateway, &["connections", "--format", "json"]).err, "");
}

#[test]
fn an_address_and_a_number_are_read_alike_in_all_commands() {
    let found = "  - id: mail\n    match: { intent: mail }\n    contact: { email: \"{{ params.to }}\", create: true }\n    \
                 tag: { crm: { add: [Found] } }\n  - id: call\n    match: { intent: call }\n    \
                 contact: { email: \"{{ params.to }}\" }\n    tag: { crm: { add: [Found] } }\n";
    let gateway = rules(found).start();
    gateway.event(&said("mail", 1, "mail").with(json!({ "to": "ana@example.com" })));
    gateway.settled("mail");
    gateway.event(&said("call", 1, "call").with(json!({ "to": "bo@example.com" })));
    gateway.settled("call");
    let events = ask(&gateway, &["events", "--connection", "crm", "--contact", "Ana@Example.com", "--format", "json"]);
    assert_eq!(events.json()["items"].as_array().map(Vec::len), Some(1));
    let of_bo = ["dead-letters", "--connection", "crm", "--contact", "bo@example.com"];
    assert!(said_well(&ask(&gateway, &of_bo)).contains("2.0"));
    let dry = [&of_bo[..], &["--retry", "--dry-run"]].concat();
    assert_eq!(said_well(&ask(&gateway, &dry)), "1 would be tried again\n");
    assert!(said_well(&ask(&gateway, &["forget", "crm", "ana@example.com"])).starts_with("erased: "));
    let number = ask(&gateway, &["forget", "crm", "+57 300-12"]);
    assert_eq!(number.err, "error: nothing is known of phone:+5730012 at crm; nothing was erased\n");
    for args in [["forget", "crm", "email:"], ["contacts", "crm", "@"]] {
        assert_eq!(ask(&gateway, &args).status, 2, "{args:?}");
    }
    let looked = ask(&gateway, &["connections", "test", "crm", "--contact", "ana@example.com", "--sandbox"]);
    assert!(looked.out.contains("email:ana@example.com") && !looked.out.contains("id:ana"), "{looked:?}");
}

#[test]
fn events_are_replayed_and_connections_shown() {
    let gateway = busy();
    let one = ask(&gateway, &["replay", "1"]);
    assert!(said_well(&one).starts_with("event 4 is the replay of 1; rules: lead\n"), "{}", one.out);
    assert_eq!(said_well(&ask(&gateway, &["replay", "--source", "bot", "--dry-run"])), "3 would be replayed\n");
    assert_eq!(said_well(&ask(&gateway, &["replay", "--faulty"])), "1 are replayed; 1 of them with faults again\n");
    let faulty = ask(&gateway, &["replay", "3"]);
    assert!(said_well(&faulty).contains("it has faults: `tagrelay events 6` shows them"), "{faulty:?}");
    assert_eq!(said_well(&ask(&gateway, &["replay", "--rule", "lead"])), "2 are replayed\n");
    let timer = ask(&gateway, &["replay", "999"]);
    assert_eq!((timer.status, timer.out.as_str()), (1, ""));
    let connections = ask(&gateway, &["connections"]);
    assert!(
        said_well(&connections).lines().nth(1).is_some_and(|line| line.starts_with("crm         well")),
        "{connections:?}"
    );
    // What is waited for elsewhere is known some moments later.
    let nothing = "crm: nothing waits, so there is nothing to try\n";
    eventually("nothing that waits", || {
        (said_well(&ask(&gateway, &["connections", "--retry", "crm"])) == nothing).then_some(())
    });
    assert_eq!(ask(&gateway, &["connections", "--retry", "nowhere"]).status, 1);
}

#[test]
fn a_backup_is_a_whole_database_that_a_gateway_starts_with() {
    let mut gateway = busy();
    let folder = gateway.setup.folder().to_owned();
    assert_eq!(ask_as(&gateway, &["backup", "copy.db"], VIEWER).status, 2);
    assert!(!folder.join("copy.db").exists() && !folder.join("copy.db.part").exists(), "nothing half is left");
    let copied = ask(&gateway, &["backup", "copy.db"]);
    if on_postgres() {
        assert_eq!((copied.status, copied.err.contains("pg_basebackup")), (1, true), "{copied:?}");
        assert!(!folder.join("copy.db").exists());
        return;
    }
    assert!(said_well(&copied).starts_with("copy.db: "), "{copied:?}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.join("copy.db")).expect("there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    // What comes after it is not in it.
    gateway.event(&said("after", 7, "lead"));
    for there in ["copy.db", "tagrelay.db"] {
        assert_eq!(ask(&gateway, &["backup", there]).status, 2, "{there} is there already");
    }
    assert_eq!(ask(&gateway, &["backup", "nowhere/copy.db"]).status, 1);
    let left: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|file| file.expect("a file").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".copy")), "{left:?}");
    gateway.kill();
    for name in ["tagrelay.db", "tagrelay.db-wal", "tagrelay.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    std::fs::rename(folder.join("copy.db"), folder.join("tagrelay.db")).expect("put back");
    gateway.start_again();
    assert_eq!(gateway.events().len(), 3);
    assert_eq!(gateway.api("/dead-letters")["items"].as_array().map(Vec::len), Some(1));
    gateway.event(&said("next", 7, "lead"));
    assert_eq!(gateway.settled("next")["id"], "4");
}

#[test]
fn a_wrong_token_and_nobody_there_are_told_apart() {
    let mut gateway = busy();
    let wrong = ask_as(&gateway, &["events"], "guessed");
    assert_eq!(wrong.status, 2);
    assert!(wrong.err.contains("doesn't know this token") && !wrong.err.contains("guessed"), "{wrong:?}");
    let viewer = ask_as(&gateway, &["replay", "1"], VIEWER);
    assert_eq!((viewer.status, viewer.err.contains("may only look")), (2, true), "{viewer:?}");
    assert_eq!(ask_as(&gateway, &["events"], VIEWER).status, 0);
    let no_token = ask_as(&gateway, &["events"], "");
    assert_eq!((no_token.status, no_token.err.contains("TAGRELAY_ADMIN_TOKEN")), (2, true), "{no_token:?}");
    std::fs::write(gateway.setup.folder().join("tagrelay.token"), format!("{ADMIN}\n")).expect("written");
    assert_eq!(ask_as(&gateway, &["events"], "").status, 0, "the token file is as good");
    assert_eq!(ask(&gateway, &["events", "--url", "ftp://127.0.0.1"]).status, 2);
    gateway.kill();
    let nobody = ask(&gateway, &["events"]);
    assert_eq!((nobody.status, nobody.err.contains("no gateway answers")), (1, true), "{nobody:?}");
}

#[test]
fn states_are_coloured_for_those_who_want_it() {
    let gateway = busy();
    let address = gateway.address.to_string();
    let run = |more: &[(&str, &str)]| {
        let mut settings = vec![("TAGRELAY_LISTEN", address.as_str()), ("TAGRELAY_ADMIN_TOKEN", ADMIN)];
        settings.extend(more);
        run_with(gateway.setup.folder(), &["contacts", "crm", "7"], &settings, b"").out
    };
    assert!(run(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!run(&[("NO_COLOR", "1")]).contains('\u{1b}'));
    let scripts: Value = ask(&gateway, &["connections", "--format", "json"]).json();
    assert_eq!(scripts["items"][0]["name"], "crm");
}

#[test]
fn a_person_is_told_what_came_again_and_what_a_contact_waits_for() {
    let gateway =
        rules("\n  - id: vip\n    match: { intent: vip }\n    tag: { crm: { add: [VIP], if_tagged: [Lead] } }\n")
            .start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 503, "method": "GET" }]));
    gateway.event(&said("one", 7, "vip"));
    eventually("a failed look-up", || (gateway.event_of("one")["changes"][0]["tries"] == 1).then_some(()));
    let waits = ask(&gateway, &["contacts", "crm", "7"]);
    let guards = "waits: 1.0 add \"VIP\" (rule vip; if tagged Lead, which is looked up first)\n";
    assert!(said_well(&waits).contains(guards), "{waits:?}");

    gateway.event(&said("one", 7, "vip"));
    gateway.event(&said("one", 7, "lead"));
    let shown = ask(&gateway, &["events", "1"]);
    let again: Vec<&str> = said_well(&shown).lines().filter_map(|line| line.strip_prefix("came again: ")).collect();
    assert!(matches!(again[..], [_, _]), "{shown:?}");
    assert!(again[0].ends_with("Z alike, and changed nothing") && again[1].contains("with another body"), "{shown:?}");

    gateway.clear_faults();
    gateway.set_faults(&json!([{ "kind": "throttle", "retry_after": "60" }]));
    gateway.event(&said("two", 8, "vip"));
    eventually("the wait", || gateway.crm()["allowance"]["held_until"].is_string().then_some(()));
    let held = ask(&gateway, &["contacts", "crm", "8"]);
    assert!(said_well(&held).contains("nobody of the account is called before 20"), "{held:?}");
}
