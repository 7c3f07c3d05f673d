//! The Dockerfile, read as text: what must hold of the image is said here and fails without a container engine.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use tagrelay::settings::Settings;

/// One instruction, its continued lines joined.
struct Step {
    word: String,
    rest: String,
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

fn steps() -> Vec<Step> {
    let text = read("Dockerfile");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let whole = lines.join("\n").replace("\\\n", " ");
    let split = |line: &str| {
        let (word, rest) = line.split_once(char::is_whitespace)?;
        Some(Step { word: word.to_owned(), rest: rest.split_whitespace().collect::<Vec<_>>().join(" ") })
    };
    whole.lines().filter_map(|line| split(line.trim())).collect()
}

/// The steps of the image itself, without the stages before it.
fn image() -> Vec<Step> {
    let mut steps = steps();
    let last = steps.iter().rposition(|step| step.word == "FROM").expect("a FROM");
    steps.split_off(last)
}

fn the<'s>(steps: &'s [Step], word: &str) -> &'s str {
    let found: Vec<&Step> = steps.iter().filter(|step| step.word == word).collect();
    assert_eq!(found.len(), 1, "one {word} in the image");
    &found[0].rest
}

/// What a COPY takes from the project's folder.
fn copied(step: &Step) -> Vec<&str> {
    if step.word != "COPY" || step.rest.starts_with("--from=") {
        return Vec::new();
    }
    let mut words: Vec<&str> = step.rest.split(' ').collect();
    words.pop();
    words
}

fn first(steps: &[Step], holds: impl Fn(&Step) -> bool, what: &str) -> usize {
    steps.iter().position(holds).unwrap_or_else(|| panic!("no step that {what}"))
}

#[test]
fn everything_that_is_copied_exists_and_reaches_the_engine() {
    let sent: Vec<String> =
        read(".dockerignore").lines().filter_map(|l| l.strip_prefix('!')).map(str::to_owned).collect();
    for step in &steps() {
        for source in copied(step) {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(source).exists(), "{source} doesn't exist");
            let fits = |pattern: &String| match pattern.strip_suffix('*') {
                Some(start) => source.starts_with(start),
                None => source == pattern,
            };
            assert!(sent.iter().any(fits), "{source} is kept back by .dockerignore");
        }
    }
}

#[test]
fn dependencies_are_a_layer_of_their_own_that_a_change_of_the_sources_leaves_alone() {
    let steps = steps();
    let manifest = first(&steps, |s| copied(s) == ["Cargo.toml", "Cargo.lock"], "copies the manifest");
    let dependencies = first(&steps, |s| s.rest.contains("cargo build"), "builds the dependencies");
    let sources = first(&steps, |s| copied(s) == ["src"], "copies the sources");
    let program = steps.iter().rposition(|s| s.rest.contains("cargo build")).expect("a build");
    assert!(manifest < dependencies && dependencies < sources && sources < program);
    assert!(steps[program].rest.contains("touch src/main.rs src/lib.rs"), "copied files may be older than the dummy");
    for build in steps.iter().filter(|s| s.rest.contains("cargo build")) {
        assert!(build.rest.contains("cargo build --locked --profile dist"), "{}", build.rest);
    }
}

/// cargo refuses a manifest that names a target whose file isn't there.
#[test]
fn every_target_that_the_manifest_names_is_there_when_the_dependencies_are_built() {
    let steps = steps();
    let dependencies = first(&steps, |s| s.rest.contains("cargo build"), "builds the dependencies");
    let before: Vec<&str> = steps[..dependencies].iter().flat_map(copied).collect();
    for (section, folder) in [("[[bench]]", "benches"), ("[[example]]", "examples"), ("[[test]]", "tests")] {
        let named = read("Cargo.toml").lines().any(|line| line.trim() == section);
        assert!(
            !named || before.contains(&folder),
            "Cargo.toml has a {section}: COPY {folder} {folder} before the build"
        );
    }
}

#[test]
fn the_compiler_is_new_enough() {
    let manifest = read("Cargo.toml");
    let needed = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")).expect("a rust-version");
    let steps = steps();
    let from = steps[0].rest.strip_prefix("rust:").expect("the first stage is Rust's");
    let minor = |version: &str| -> u32 {
        let digits: String = version.trim_start_matches("1.").chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a version like 1.91")
    };
    assert!(minor(from) >= minor(needed), "{from} is older than {needed}");
}

#[test]
fn the_image_runs_as_a_user_without_rights_and_is_asked_for_its_health() {
    let image = image();
    assert!(the(&image, "FROM").contains("-slim"));
    let user = the(&image, "USER");
    assert!(user != "root" && user != "0");
    assert!(image.iter().any(|s| s.rest.contains("useradd") && s.rest.ends_with("chown tagrelay:tagrelay /data")));
    assert!(the(&image, "HEALTHCHECK").ends_with(r#"CMD ["tagrelay", "healthcheck"]"#));
    assert_eq!((the(&image, "ENTRYPOINT"), the(&image, "CMD")), (r#"["tagrelay"]"#, r#"["serve"]"#));
    assert_eq!(the(&image, "VOLUME"), "/data");
}

#[test]
fn its_settings_are_settings_and_hold_no_secret() {
    let image = image();
    let pairs = the(&image, "ENV").split(' ').filter_map(|pair| pair.split_once('='));
    let mut environment: HashMap<String, String> = pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    assert!(environment.keys().all(|name| !name.contains("TOKEN") && !name.contains("KEY")));
    let faults = Settings::read(&environment).expect_err("the token is for the user to set");
    assert_eq!(faults.iter().map(|fault| fault.name.as_str()).collect::<Vec<_>>(), ["TAGRELAY_ADMIN_TOKEN"]);
    environment.insert("TAGRELAY_ADMIN_TOKEN".to_owned(), "a token".to_owned());
    let settings = Settings::read(&environment).expect("settings");
    assert_eq!(settings.database.to_string(), "/data/tagrelay.db");
    assert_eq!(the(&image, "EXPOSE"), settings.listen.port().to_string());
    assert!(image.iter().any(|s| s.word == "COPY" && s.rest == format!("rules {}", settings.rules.display())));
}
