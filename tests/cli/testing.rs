//! `test`: what fails, what tests show, and what they would let pass.

use super::*;

#[test]
fn a_test_that_fails_shows_what_differs() {
    let folder = TempDir::new().expect("a folder");
    assert_eq!(run_with(folder.path(), &["init", "mine"], &[], b"").status, 0);
    let test = std::fs::read_dir(folder.path().join("mine")).expect("a folder").filter_map(|entry| {
        let path = entry.expect("a file").path();
        path.to_string_lossy().ends_with(".test.yaml").then_some(path)
    });
    let test = test.last().expect("a scaffold has tests");
    let text = std::fs::read_to_string(&test).expect("read").replace("add: [", "add: [Wrong, ");
    std::fs::write(&test, text).expect("written");
    let ran = run_with(folder.path(), &["test", "mine"], &[], b"");
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("FAIL") && ran.out.contains("Wrong"), "{}", ran.out);
    std::fs::remove_file(&test).expect("removed");
    let none = run_with(folder.path(), &["test", "mine"], &[], b"");
    assert_eq!(none.status, 1);
    assert!(none.err.contains("there are no tests"), "{}", none.err);
}

#[test]
fn what_tests_show_is_told_and_gated_and_drawn() {
    let folder = TempDir::new().expect("a folder");
    let page = folder.path().join("coverage.html");
    let path = page.to_str().expect("UTF-8");
    let told = run(&["test", "--coverage", "--html", path]);
    assert_eq!(told.status, 0, "{told:?}");
    assert!(
        told.out.contains("rules/2-pricing.yaml:32:60  big-budget  no test where the contact has one of these tags\n")
    );
    let all = run(&["test", "--coverage", "--format", "json"]).json();
    let coverage = &all["coverage"];
    let (covered, total) =
        (coverage["covered"].as_u64().expect("a number"), coverage["total"].as_u64().expect("a number"));
    assert!(told.out.contains(&format!("\n{covered} of {total} covered, ")), "{}", told.out);
    let page = std::fs::read_to_string(&page).expect("the page");
    assert!(page.starts_with("<!doctype html>") && page.contains("rules/2-pricing.yaml"));
    let most = run(&["test", "--coverage", "--min", "100"]);
    assert_eq!(most.status, 1);
    assert!(most.err.contains("% covered, and at least 100% must be"), "{most:?}");
    assert_eq!(run(&["test", "--coverage", "--min", "50%"]).status, 0);
    assert_eq!(run(&["test", "--coverage", "--html", "/nowhere/page.html"]).status, 2);
    for wrong in [&["test", "--min", "50"][..], &["test", "--coverage", "--min", "101"], &["test", "--html", path]] {
        assert_eq!(run(wrong).status, 2, "{wrong:?}");
    }
}

#[test]
fn what_tests_would_let_pass_is_told_and_gated() {
    let told = run(&["test", "--mutate"]);
    assert_eq!((told.status, told.err.as_str()), (0, ""));
    let line = "rules/shared.yaml:9:28  conditions.big_budget  `>=` could be `>`: no test notices; one with `params.budget` of 5000 would\n";
    assert!(told.out.contains(line), "{}", told.out);
    let mutation = &run(&["test", "--mutate", "--format", "json"]).json()["mutation"];
    let (noticed, total) =
        (mutation["noticed"].as_u64().expect("a number"), mutation["total"].as_u64().expect("a number"));
    assert!(told.out.contains(&format!("\n{noticed} of {total} changes noticed, ")), "{}", told.out);
    assert_eq!(mutation["unnoticed"].as_array().map(Vec::len), usize::try_from(total - noticed).ok());
    let most = run(&["test", "--mutate", "--min", "100"]);
    assert_eq!(most.status, 1);
    assert!(most.err.contains("% noticed, and at least 100% must be"), "{most:?}");
}
