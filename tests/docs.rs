//! The documentation, held against what it speaks of: examples check clean, files exist, commands, settings, addresses and
//! metrics are all there, and nothing that is there goes unmentioned.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tagrelay::conformance;
use tagrelay::domain::connection::ProviderKind;
use tagrelay::domain::scheme::{PRESETS, header_names};
use tagrelay::flow::preview;
use tagrelay::providers::Ruling;
use tagrelay::rules::{self, RuleFile};
use tagrelay::settings::Settings;
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// A page of the documentation.
struct Page {
    /// `README.md`, `docs/rules.md`
    path: String,
    text: String,
}

/// A fenced block of a page.
struct Block {
    page: String,
    /// The line of its first line, from 1.
    line: usize,
    /// What stands after the backticks.
    kind: String,
    text: String,
}

impl Block {
    fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }

    /// The file that a block stands for: `json orders.json`, `xml orders.xml`.
    fn names_a_body(&self) -> Option<&str> {
        let (kind, name) = self.kind.split_once(' ').filter(|(kind, _)| ["json", "xml"].contains(kind))?;
        let stem = name.strip_suffix(kind).and_then(|stem| stem.strip_suffix('.'));
        stem.filter(|stem| !stem.contains(['/', ' '])).map(|_| name)
    }

    /// Its commands, continued lines joined, those of a pipe apart, without comments.
    fn commands(&self) -> Vec<String> {
        let joined = self.text.replace("\\\n", " ");
        let lines = joined.lines().map(|line| line.split(" # ").next().unwrap_or_default());
        let commands = lines.flat_map(|line| line.split(" | ")).map(|command| command.trim().to_owned());
        commands.filter(|command| !command.is_empty() && !command.starts_with('#')).collect()
    }
}

fn pages() -> Vec<Page> {
    let docs = fs::read_dir(root().join("docs")).expect("docs/");
    let mut paths: Vec<String> = docs
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter_map(|path| Some(format!("docs/{}", path.file_name()?.to_str()?)))
        .collect();
    paths.extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "deploy/README.md"].map(str::to_owned));
    paths.sort();
    paths.into_iter().map(|path| Page { text: text_of(&path), path }).collect()
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for page in pages() {
        let mut open: Option<Block> = None;
        for (index, line) in page.text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(kind)) => {
                    let kind = kind.trim().to_owned();
                    open = Some(Block { page: page.path.clone(), line: index + 2, kind, text: String::new() });
                }
                (Some(_), Some("")) => blocks.extend(open.take()),
                (Some(block), _) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block has no end", page.path);
    }
    blocks
}

#[test]
fn every_block_says_what_it_is() {
    const KINDS: [&str; 8] = ["yaml", "yaml fragment", "yaml wrong", "yaml right", "sh", "json", "text", "mermaid"];
    for block in blocks() {
        let known = KINDS.contains(&block.kind.as_str()) || block.names_a_body().is_some();
        assert!(known, "{}: {:?} is none of {KINDS:?}", block.place(), block.kind);
    }
}

/// The whole YAML blocks of one page are one rule set, so an example may build on the one before it. What only shows a
/// part is marked `yaml fragment`. A block of JSON or XML with a file's name is a body that the page's tests may send.
#[test]
fn the_yaml_of_each_page_checks_clean_and_passes_its_tests() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("docs")).expect("a folder");
    let mut sets: BTreeMap<String, Vec<RuleFile>> = BTreeMap::new();
    let mut bodies = BTreeSet::new();
    for block in blocks() {
        if let Some(name) = block.names_a_body() {
            let told_apart = bodies.insert(name.to_owned());
            assert!(told_apart, "{}: another block is named {name}", block.place());
            fs::write(folder.path().join("docs").join(name), &block.text).expect("written");
        }
        if block.kind == "yaml" {
            let end = if block.text.starts_with("tests:") { "test.yaml" } else { "yaml" };
            // Bodies are looked for beside the test that names them.
            let path = folder.path().join(format!("{}:{:04}.{end}", block.page, block.line)).display().to_string();
            sets.entry(block.page).or_default().push(RuleFile { path, text: block.text });
        }
    }
    for name in bodies {
        let is_sent = sets.values().flatten().any(|file| file.holds_tests() && file.text.contains(&name));
        assert!(is_sent, "no test sends {name}");
    }
    assert!(sets.len() >= 3, "the pages have examples");
    for (page, files) in sets {
        // Recipes are pieces of many businesses: what they would mean together is nobody's concern.
        let look = if page == "docs/recipes.md" { rules::check } else { rules::inspect };
        let checked = look(&files);
        // A page shows what there is: not everything that it defines is used on the same page.
        let is_told = |finding: &rules::Finding| finding.code != "W112" && finding.waived.is_none();
        let findings: Vec<_> = checked.findings.into_iter().filter(is_told).collect();
        let told = rules::report::text(&findings, &files, false);
        assert!(findings.is_empty(), "{page}\n{told}");
        let catalog = checked.catalog.expect("no finding, so a catalog");
        let failed: Vec<_> = preview::test(&catalog, &checked.tests).tests.into_iter().filter(|t| !t.passed).collect();
        assert!(failed.is_empty(), "{page}: {failed:#?}");
    }
}

/// The words of a command that runs tagrelay, after its name; `None` for any other command.
fn tagrelay_words(command: &str) -> Option<Vec<&str>> {
    // What stands before it sets variables: `NAME=value tagrelay ...`.
    let words: Vec<&str> =
        command.split_whitespace().skip_while(|word| word.contains('=') && !word.starts_with('-')).collect();
    match words.as_slice() {
        ["tagrelay", rest @ ..] | ["cargo", "run", "--release", "--", rest @ ..] => Some(rest.to_vec()),
        _ => None,
    }
}

fn help(command: &[&str]) -> Option<String> {
    let binary = env!("CARGO_BIN_EXE_tagrelay");
    let output = Command::new(binary).args(command).arg("--help").output().expect("the binary runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn every_command_that_is_shown_exists_with_its_options() {
    let mut shown = 0;
    for block in blocks().iter().filter(|block| block.kind == "sh") {
        for command in block.commands() {
            let Some(words) = tagrelay_words(&command) else { continue };
            let name = words.first().copied().unwrap_or("--help");
            if name.starts_with('-') {
                continue;
            }
            let own = help(&[name]).unwrap_or_else(|| panic!("{}: there is no `tagrelay {name}`", block.place()));
            // A command may have commands of its own, listed under a head.
            let below = words.get(1).filter(|word| own.contains("Commands:") && own.contains(&format!("\n  {word} ")));
            let help = below.and_then(|below| help(&[name, below])).unwrap_or(own);
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap_or(option);
                assert!(help.contains(option), "{}: `tagrelay {name}` has no {option}", block.place());
            }
            shown += 1;
        }
    }
    assert!(shown > 5, "the pages show commands");
}

/// `rules/...`, `docs/...`, `scripts/...` and `@file` in commands.
#[test]
fn every_file_that_a_command_names_exists() {
    for block in blocks().iter().filter(|block| block.kind == "sh") {
        for command in block.commands() {
            for word in command.split_whitespace() {
                let path = word.trim_matches(['"', '\'']).trim_start_matches('@');
                let ours =
                    ["rules/", "docs/", "scripts/", "src/", "tests/"].iter().any(|start| path.starts_with(start));
                assert!(!ours || root().join(path).exists(), "{}: {path} doesn't exist", block.place());
            }
        }
    }
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    for page in pages() {
        let folder = root().join(&page.path).parent().map(PathBuf::from).unwrap_or_default();
        for link in page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            let elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
            assert!(elsewhere || folder.join(path).exists(), "{}: {link} leads nowhere", page.path);
        }
    }
}

/// The texts in quotes of a piece of source.
fn quoted(source: &str) -> Vec<&str> {
    source.split('"').skip(1).step_by(2).collect()
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text.split_once(start).unwrap_or_else(|| panic!("{start:?} isn't there")).1;
    from.split_once(end).unwrap_or_else(|| panic!("{end:?} isn't there")).0
}

/// Settings in the pages: `TAGRELAY_` and what follows.
fn settings_named(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect::<String>();
    text.split("TAGRELAY_").skip(1).map(name).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_setting_is_documented_and_every_documented_setting_exists() {
    let source = text_of("src/settings.rs");
    let names = quoted(between(&source, "const NAMES", "];"));
    assert!(names.len() > 10, "the settings were not found");
    let operations = text_of("docs/operations.md");
    for name in &names {
        assert!(
            operations.contains(&format!("`TAGRELAY_{name}`")),
            "docs/operations.md says nothing of TAGRELAY_{name}"
        );
    }
    for page in pages() {
        for name in settings_named(&page.text) {
            let variable = format!("TAGRELAY_{name}");
            let faults = Settings::read(&[(variable.clone(), "?".to_owned())].into()).err().unwrap_or_default();
            let unknown = faults.iter().any(|fault| fault.problem.contains("is not a setting"));
            assert!(!unknown, "{}: {variable} is not a setting", page.path);
        }
    }
}

#[test]
fn every_address_is_documented() {
    let source = text_of("src/http/mod.rs");
    let operations = text_of("docs/operations.md");
    let routes = between(&source, "fn routes", "\n}");
    let table = text_of("src/http/table.rs");
    let both = quoted(routes).into_iter().chain(quoted(between(&table, "pub const ADDRESSES", "\n];")));
    let addresses: Vec<&str> = both.filter(|text| text.starts_with('/')).collect();
    assert!(addresses.len() > 20, "the addresses were not found");
    for address in addresses {
        assert!(operations.contains(address), "docs/operations.md says nothing of {address}");
    }
}

#[test]
fn every_metric_is_documented() {
    let source = text_of("src/flow/metrics.rs");
    let operations = text_of("docs/operations.md");
    let names: Vec<&str> =
        source.split("registry.register(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(names.len() > 3, "the metrics were not found");
    for name in names {
        assert!(
            operations.contains(&format!("`tagrelay_{name}")),
            "docs/operations.md says nothing of tagrelay_{name}"
        );
    }
}

#[test]
fn every_preset_is_in_the_table_with_its_header_and_tolerance() {
    let page = text_of("docs/sources.md");
    let rows: Vec<&str> = between(&page, "### Presets", "### Knobs").lines().filter(|l| l.starts_with("| `")).collect();
    assert_eq!(rows.len(), PRESETS.len());
    for (row, preset) in rows.iter().zip(&PRESETS) {
        assert!(row.starts_with(&format!("| `{}` | ", preset.name)), "{}: {row}", preset.name);
        assert!(header_names(preset.header).all(|name| row.contains(&format!("`{name}`"))), "{}: {row}", preset.name);
        assert_eq!(row.contains("5 minutes"), preset.scheme().tolerance.is_some(), "{}: {row}", preset.name);
        assert_eq!(row.ends_with("|  |"), preset.unconfirmed.is_empty(), "{}: {row}", preset.name);
    }
}

/// What the last column of a provider's table of answers promises.
fn promised(what_happens: &str, meaning: &str) -> Ruling {
    let says = |words: &str| what_happens.contains(words);
    match () {
        () if meaning.starts_with("done") || meaning == "taken" => Ruling::Done,
        () if says("connection paused") => Ruling::Refused,
        () if meaning == "no such contact" => Ruling::Lost,
        () if says("the whole connection waits") => Ruling::Throttled,
        () if says("in doubt") => Ruling::InDoubt,
        () if says("dead letter") => Ruling::Dead,
        () if says("retried") => Ruling::Later,
        () => panic!("what happens then: {what_happens:?} ({meaning})"),
    }
}

/// `401, 402`, `408, 500-599`, `other 403`: the statuses, and whether only those that no other row names.
fn statuses(cell: &str) -> Option<(Vec<std::ops::RangeInclusive<u16>>, bool)> {
    let (cell, is_rest) = cell.strip_prefix("other ").map_or((cell, false), |rest| (rest, true));
    let range = |text: &str| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        Some(from.parse().ok()?..=to.parse().ok()?)
    };
    Some((cell.split(", ").map(range).collect::<Option<_>>()?, is_rest))
}

#[test]
fn each_provider_page_says_of_every_status_what_the_code_makes_of_it() {
    for kind in ProviderKind::ALL {
        let path = format!("docs/connections-{}.md", kind.name());
        let page = text_of(&path);
        let (_, table) = page.split_once("| answer | meaning | what happens |\n").expect("the table of answers");
        let rows = table.lines().take_while(|line| line.starts_with('|')).filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [answer, meaning, what_happens] = cells.as_slice() else { return None };
            let (statuses, is_rest) = statuses(answer)?;
            Some((statuses, is_rest, promised(what_happens, meaning)))
        });
        let rows: Vec<_> = rows.collect();
        assert!(rows.len() > 7, "{path}: {rows:?}");
        for status in 200..600 {
            let of = |rest: bool| {
                rows.iter().find(|(s, is_rest, _)| *is_rest == rest && s.iter().any(|s| s.contains(&status)))
            };
            let (_, _, promised) = of(false).or(of(true)).unwrap_or_else(|| panic!("{path} says nothing of {status}"));
            // The suite holds every provider to this reading.
            assert_eq!(*promised, conformance::of_status(kind, status), "{path}: {status}");
        }
    }
}

#[test]
fn the_architecture_stays_short_and_names_files_that_exist() {
    let text = text_of("ARCHITECTURE.md");
    assert!(text.lines().count() <= 150, "{} lines", text.lines().count());
    for word in text.split('`').skip(1).step_by(2) {
        let path = word.split("::").next().unwrap_or(word);
        let is_path = ["src/", "tests/", "docs/", "scripts/"].iter().any(|start| path.starts_with(start));
        assert!(!is_path || root().join(path).exists(), "{path} doesn't exist");
    }
}

#[test]
fn commands_are_told_from_other_words() {
    assert_eq!(tagrelay_words("A=1 tagrelay check rules"), Some(vec!["check", "rules"]));
    assert_eq!(tagrelay_words("cargo run --release -- serve --sandbox"), Some(vec!["serve", "--sandbox"]));
    assert_eq!(tagrelay_words("curl http://127.0.0.1:8080/healthz"), None);
}
