//! `check`: what is found, for every reader; what is mended, waived, or on lines that a branch brought.

use super::*;

#[test]
fn findings_have_a_place_a_code_and_a_form_for_every_reader() {
    let (_folder, file) = faulty();
    let path = file.to_str().expect("UTF-8");
    let text = run(&["check", path]);
    assert_eq!(text.status, 1);
    for words in ["faulty.yaml:7:22", "error[E", "warning[W", "did you mean", "1 error, 1 warning"] {
        assert!(text.out.contains(words), "{words}: {}", text.out);
    }
    plain(&text);

    let found = run(&["check", path, "--format", "json"]);
    assert_eq!(found.status, 1);
    let findings = found.json()["findings"].as_array().expect("a list").clone();
    let error = findings.iter().find(|finding| finding["severity"] == "error").expect("an error");
    assert_eq!((&error["line"], &error["column"]), (&json!(7), &json!(22)), "{error}");
    let keys = ["code", "severity", "file", "line", "column", "message", "help", "related"];
    assert!(findings.iter().all(|finding| keys.iter().all(|key| finding.get(key).is_some())), "{findings:?}");

    let github = run(&["check", path, "--format", "github"]);
    assert!(
        github.out.lines().all(|line| line.starts_with("::error ") || line.starts_with("::warning ")),
        "{}",
        github.out
    );
    assert!(github.out.contains("line=7,col=22"), "{}", github.out);

    let sarif = run(&["check", path, "--format", "sarif"]).json();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().expect("a list");
    let levels: Vec<&Value> = results.iter().map(|result| &result["level"]).collect();
    assert!(levels.contains(&&json!("error")) && levels.contains(&&json!("warning")), "{levels:?}");
}

#[test]
fn files_that_can_not_be_read_are_told_beside_all_others() {
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    // As an editor on Windows may save it: the accents are single bytes.
    write("latin.yaml", b"rules:\n  - id: hola\n    reply: \"Adi\xf3s, Mar\xeda\"\n");
    write("large.yaml", format!("rules: []\n# {}\n", "-".repeat(1024 * 1024)).as_bytes());
    write("large.test.yaml", &vec![b'#'; 3 * 1024 * 1024]);
    write("wrong.yaml", b"ruels: []\n");
    let ran = run_with(folder.path(), &["check", "."], &[], b"");
    assert_eq!((ran.status, ran.err.as_str()), (1, ""), "{ran:?}");
    for words in [
        "error[E001]: this is not text in UTF-8",
        "latin.yaml:3:16",
        "save the file as UTF-8",
        "error[E002]: the file has more than 1048576 bytes",
        "large.yaml:1:1",
        "large.test.yaml:1:1",
        "split it: every *.yaml of the directory is read",
        "did you mean `rules`?",
        "4 errors",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(ran.out.len() < 10_000, "a file that is too large isn't shown whole");
    let found = run_with(folder.path(), &["check", ".", "--format", "json"], &[], b"");
    assert_eq!((found.status, found.json()["findings"].as_array().map(Vec::len)), (1, Some(4)));
    // All other commands that need the rules say the same.
    let tested = run_with(folder.path(), &["test", "."], &[], b"");
    assert!(tested.status == 1 && tested.err.contains("latin.yaml:3:16"), "{tested:?}");
}

#[test]
fn warnings_are_a_no_only_where_they_are_asked_to_be() {
    let (_folder, file) = faulty();
    let text = std::fs::read_to_string(&file).expect("read").replace("opne", "open");
    std::fs::write(&file, text).expect("written");
    let path = file.to_str().expect("UTF-8");
    assert_eq!(run(&["check", path]).status, 0);
    assert_eq!(run(&["check", path, "--strict"]).status, 1);
}

#[test]
fn check_mends_what_needs_no_question_and_tells_the_rest() {
    let (folder, file) = faulty();
    let path = file.to_str().expect("UTF-8");
    let before = std::fs::read_to_string(&file).expect("readable");
    let shown = run(&["check", path, "--diff"]);
    assert_eq!(shown.status, 1, "{shown:?}");
    assert!(shown.out.contains("\n-    match: { source: opne }\n+    match: { source: open }\n"), "{}", shown.out);
    assert!(shown.out.ends_with("1 mend\n"), "{}", shown.out);
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), before);

    let mended = run(&["check", path, "--fix"]);
    assert_eq!(mended.status, 0, "{mended:?}");
    assert!(mended.out.contains("mended") && mended.out.contains("0 errors, 1 warning"), "{}", mended.out);
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), before.replace("opne", "open"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    plain(&mended);

    let again = run(&["check", path, "--diff"]);
    assert_eq!((again.status, again.out.as_str()), (0, "0 mends\n"));
    assert_eq!(run(&["check", path, "--strict"]).status, 1);
    let json = run(&["check", path, "--fix", "--format", "json"]).json();
    assert_eq!(json["findings"][0]["code"], "W101");
}

#[test]
fn a_waived_warning_is_counted_and_the_reason_kept() {
    let folder = TempDir::new().expect("a folder");
    let text = "sources:\n  open: { kind: dialogflow-es, auth: none } # tagrelay: allow W101 because it is a demo\n\
                rules:\n  - id: hello\n    reply: Hello!\n";
    std::fs::write(folder.path().join("a.yaml"), text).expect("written");
    let run = |args: &[&str]| run_with(folder.path(), args, &[], b"");
    let checked = run(&["check", ".", "--strict"]);
    assert_eq!((checked.status, checked.out.as_str()), (0, ".: clean (1 file, 1 rule, 0 tests, 1 waived)\n"));
    let json = run(&["check", ".", "--format", "json"]).json();
    assert_eq!(json["findings"], json!([]));
    assert_eq!((&json["waived"][0]["code"], &json["waived"][0]["waived"]), (&json!("W101"), &json!("it is a demo")));
    assert_eq!(run(&["check", ".", "--format", "github"]).out, "");
    let sarif = run(&["check", ".", "--format", "sarif"]).json();
    let suppressed = &sarif["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(*suppressed, json!({ "kind": "inSource", "justification": "it is a demo" }));
    // A command that needs a clean set says nothing of it.
    std::fs::write(
        folder.path().join("a.test.yaml"),
        "tests:\n  - name: a\n    event: { source: open }\n    expect: { reply: Hello! }\n",
    )
    .expect("written");
    let tested = run(&["test", "."]);
    assert_eq!((tested.status, tested.err.as_str()), (0, ""), "{tested:?}");
}

#[test]
fn since_a_revision_only_what_changed_is_told_and_every_error() {
    let folder = TempDir::new().expect("a folder");
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        let ran = Command::new("git").arg("-C").arg(folder.path()).args(who).args(args).output().expect("git runs");
        assert!(ran.status.success(), "{ran:?}");
    };
    let rules = folder.path().join("rules");
    let write = |name: &str, text: &str| std::fs::write(rules.join(name), text).expect("written");
    let run = |args: &[&str]| run_with(folder.path(), args, &[], b"");
    std::fs::create_dir(&rules).expect("a folder");
    let source = |name: &str| format!("  {name}: {{ kind: dialogflow-es, auth: none }}\n");
    write("a.yaml", &format!("sources:\n{}", source("old")));
    let outside = run(&["check", "rules", "--since", "HEAD"]);
    assert_eq!(outside.status, 2);
    assert!(outside.err.contains("rules is in no repository"), "{}", outside.err);
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "one"]);

    let unchanged = run(&["check", "rules", "--strict", "--since", "HEAD"]);
    assert_eq!(unchanged.status, 0, "{unchanged:?}");
    assert!(unchanged.out.ends_with("1 more on lines that are as they were at HEAD\n"), "{}", unchanged.out);
    write("a.yaml", &format!("sources:\n{}{}", source("new"), source("old")));
    write("b c.yaml", &format!("sources:\n{}", source("unknown-to-git")));
    let codes = |ran: &Ran| {
        let findings = ran.json()["findings"].as_array().cloned().expect("a list");
        findings.iter().map(|f| format!("{}:{}", f["file"], f["line"]).replace('"', "")).collect::<Vec<_>>()
    };
    let changed = run(&["check", "rules", "--since", "HEAD", "--format", "json"]);
    assert_eq!(codes(&changed), ["rules/a.yaml:2", "rules/b c.yaml:2"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "two"]);
    // An error stays an error, whoever made it.
    write("c.yaml", "rules:\n  - id: a\n    match: { source: nobody }\n    reply: x\n");
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "three"]);
    let broken = run(&["check", "rules", "--since", "HEAD", "--format", "json"]);
    assert_eq!((broken.status, codes(&broken)), (1, vec!["rules/c.yaml:3".to_owned()]));
    for unknown in ["no-such-branch", "--output=x"] {
        let ran = run(&["check", "rules", &format!("--since={unknown}")]);
        assert_eq!(ran.status, 2);
        assert!(ran.err.contains("Git knows no revision"), "{}", ran.err);
    }
}

#[test]
fn each_code_is_explained_in_the_terminal() {
    let page = run(&["check", "--explain", "w110"]);
    assert_eq!(page.status, 0);
    assert!(page.out.starts_with("## W110: ") && page.out.contains("```yaml wrong\n"), "{}", page.out);
    let unknown = run(&["check", "--explain", "W999"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("there is no code \"W999\"; there are: E001"), "{}", unknown.err);
}
