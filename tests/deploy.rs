//! The files of `deploy/`, held against the code: settings, addresses, ports, times and names that they use are those that are there.
//! Whether systemd, nginx, Compose and Kubernetes take them is what `deploy/check` asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tagrelay::flow::preview;
use tagrelay::rules::{self, RuleFile};
use tagrelay::settings::Settings;

const UNIT: &str = "deploy/systemd/tagrelay.service";
const COMPOSE: &str = "deploy/compose/compose.yaml";
const NGINX: &str = "deploy/compose/nginx.conf";
const DEPLOYMENT: &str = "deploy/kubernetes/deployment.yaml";
const KUSTOMIZATION: &str = "deploy/kubernetes/kustomization.yaml";
const GATEWAYS: [&str; 3] = ["gateway-1", "gateway-2", "gateway-3"];
/// What a busy machine may add to a stop.
const SPARE: Duration = Duration::from_secs(10);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// Every file below `deploy/`, but for what `make-secrets` makes.
fn files() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::from("deploy")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder") {
            let path = folder.join(entry.expect("an entry").file_name());
            if root().join(&path).is_dir() {
                folders.extend(Some(path).filter(|path| !path.ends_with("secrets")));
            } else {
                let name = path.display().to_string();
                found.insert(name.clone(), text_of(&name));
            }
        }
    }
    assert!(found.len() > 15, "the files were not found");
    found
}

/// YAML with its anchors and merge keys resolved.
fn yaml(path: &str) -> Value {
    let mut value: Value = serde_saphyr::from_str(&text_of(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    merge(&mut value);
    value
}

/// Takes what stands under `<<` into the mapping around it, where nothing else is said of it.
fn merge(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            if let Some(Value::Object(base)) = entries.remove("<<") {
                for (key, inherited) in base {
                    entries.entry(key).or_insert(inherited);
                }
            }
            entries.values_mut().for_each(merge);
        }
        Value::Array(items) => items.iter_mut().for_each(merge),
        _ => {}
    }
}

/// `30`, `30s` and `1m`.
fn time(text: &str) -> Duration {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = digits.parse().unwrap_or_else(|_| panic!("{text:?} is no time"));
    match unit {
        "" | "s" => Duration::from_secs(number),
        "m" => Duration::from_mins(number),
        _ => panic!("{text:?} is no time"),
    }
}

/// The value of `const NAME: Duration = Duration::from_secs(N);` in a source.
fn seconds(path: &str, name: &str) -> Duration {
    let source = text_of(path);
    let start = format!("const {name}: Duration = Duration::from_secs(");
    let rest = source.split_once(&start).unwrap_or_else(|| panic!("{path} has no {name} in seconds")).1;
    Duration::from_secs(rest.split_once(')').and_then(|(number, _)| number.parse().ok()).expect("a number"))
}

/// How long a gateway may take to end: requests and calls under way are waited for at the same time.
fn drain() -> Duration {
    seconds("src/cli/serve.rs", "PATIENCE").max(seconds("src/http/server.rs", "STOP_TIMEOUT"))
}

/// The value of a key of a file in which each line is `KEY VALUE` or `KEY=VALUE`.
fn said<'t>(text: &'t str, key: &str) -> &'t str {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let mut values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(['=', ' ']));
    values.next().unwrap_or_else(|| panic!("no {key}")).trim_end_matches(';')
}

/// The settings of an environment file, those in comments too.
fn environment_file(path: &str) -> HashMap<String, String> {
    let text = text_of(path);
    let lines = text.lines().map(|line| line.trim_start_matches('#')).filter(|line| line.starts_with("TAGRELAY_"));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn environment(service: &Value) -> HashMap<String, String> {
    let pairs = service["environment"].as_object().expect("an environment").iter();
    pairs.map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned())).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|item| item.as_str().expect("text")).collect()
}

/// The settings with which a gateway would start, but for the database, which a version may not know yet.
fn settings(mut environment: HashMap<String, String>) -> Settings {
    environment.remove("TAGRELAY_DATABASE_PASSWORD_FILE");
    environment.remove("TAGRELAY_DATABASE_URL");
    environment.retain(|_, value| !value.starts_with("${"));
    environment.insert("TAGRELAY_ADMIN_TOKEN".to_owned(), "a token".to_owned());
    Settings::read(&environment).expect("settings that are right")
}

#[test]
fn every_setting_that_is_named_exists() {
    let source = text_of("src/settings.rs");
    let names = source.split_once("const NAMES").and_then(|(_, rest)| rest.split_once("];")).expect("NAMES").0;
    let names: BTreeSet<&str> = names.split('"').skip(1).step_by(2).collect();
    let mut seen = 0;
    for (path, text) in files() {
        for rest in text.split("TAGRELAY_").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
            let name = rest.split_at(end).0;
            assert!(names.contains(name), "{path}: TAGRELAY_{name} is not a setting");
            seen += 1;
        }
    }
    assert!(seen > 20, "the settings were not found");
}

#[test]
fn every_environment_is_one_that_a_gateway_takes() {
    let unit = settings(environment_file("deploy/systemd/tagrelay.env"));
    assert!(unit.listen.ip().is_loopback(), "without a token among the secrets the unit starts on loopback alone");
    let cluster = settings(environment_file("deploy/kubernetes/settings.env"));
    assert_eq!(cluster.rules, PathBuf::from("/rules"));
    for name in GATEWAYS {
        let gateway = settings(environment(&yaml(COMPOSE)["services"][name]));
        assert!(!gateway.listen.ip().is_loopback(), "nginx reaches it");
    }
}

/// Two hosts, only the one that takes writes, and a certificate that is checked; the password stands in a file.
#[test]
fn every_postgresql_is_reached_with_its_certificate_checked_and_its_password_in_a_file() {
    let mut environments =
        vec![environment_file("deploy/systemd/tagrelay.env"), environment_file("deploy/kubernetes/settings.env")];
    environments.extend(GATEWAYS.map(|name| environment(&yaml(COMPOSE)["services"][name])));
    for environment in environments {
        let url = &environment["TAGRELAY_DATABASE_URL"];
        for part in
            ["postgres://tagrelay@", ",", "target_session_attrs=read-write", "sslmode=verify-full", "sslrootcert=/"]
        {
            assert!(url.contains(part), "{url} lacks {part}");
        }
        assert!(environment["TAGRELAY_DATABASE_PASSWORD_FILE"].starts_with("/run/"), "{environment:?}");
    }
}

#[test]
fn what_is_asked_for_health_is_routed() {
    let routes = text_of("src/http/mod.rs");
    let routed = |path: &str| assert!(routes.contains(&format!("(\"{path}\"")), "nothing is routed at {path}");
    let deployment = yaml(DEPLOYMENT);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let probe =
        |name: &str| container[name]["httpGet"]["path"].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
    // A liveness that asked the store would kill gateways for an ill database.
    assert_eq!(
        [probe("startupProbe"), probe("livenessProbe"), probe("readinessProbe")],
        ["/healthz", "/healthz", "/readyz"]
    );
    routed("/healthz");
    routed("/readyz");
    routed(deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/path"].as_str().expect("a path"));
    let nginx = text_of(NGINX);
    for place in nginx.lines().filter_map(|line| line.trim().strip_prefix("location ")) {
        let path = place.trim_start_matches("= ").trim_end_matches(" {");
        if !path.starts_with('@') && path != "/" {
            routed(path.trim_end_matches('/'));
        }
    }
    assert!(nginx.contains("location /hooks/ {"), "the intake");
    let health = texts(&yaml(COMPOSE)["services"]["nginx"]["healthcheck"]["test"]).join(" ");
    assert!(health.ends_with(":8080/readyz"), "{health}");
}

#[test]
fn everybody_waits_longer_than_a_gateway_takes_to_stop() {
    let least = drain() + SPARE;
    let unit = text_of(UNIT);
    assert!(time(said(&unit, "TimeoutStopSec")) >= least, "systemd kills before {least:?}");
    let compose = yaml(COMPOSE);
    for name in GATEWAYS {
        let grace = time(compose["services"][name]["stop_grace_period"].as_str().expect("a time"));
        assert!(grace >= least, "{name} is killed before {least:?}");
    }
    let deployment = yaml(DEPLOYMENT);
    let pod = &deployment["spec"]["template"]["spec"];
    // Kubernetes counts what comes before the signal too.
    let before = texts(&pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]);
    let ["sleep", before] = before.as_slice() else { panic!("{before:?} is no pause") };
    let grace = Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().expect("seconds"));
    assert!(grace >= time(before) + least, "Kubernetes kills before {least:?}");
    // nginx waits for a gateway's answer until then, so it must not be killed before.
    let answer = time(said(&text_of(NGINX), "proxy_read_timeout"));
    let nginx = time(compose["services"]["nginx"]["stop_grace_period"].as_str().expect("a time"));
    assert!(nginx > answer, "nginx is killed before a gateway has answered");
}

#[test]
fn nginx_takes_bodies_as_large_as_a_gateway_does_and_knows_all_of_them() {
    let (nginx, compose) = (text_of(NGINX), yaml(COMPOSE));
    let largest = settings(HashMap::new()).max_body_bytes.to_string();
    assert_eq!(said(&nginx, "client_max_body_size"), largest);
    assert_eq!(said(&nginx, "client_body_buffer_size"), largest);
    let ingress = yaml("deploy/kubernetes/optional/ingress.yaml");
    assert_eq!(ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"], largest.as_str());
    let servers: BTreeSet<String> = nginx
        .lines()
        .filter_map(|line| line.trim().strip_prefix("server ")?.split_whitespace().next())
        .filter(|word| *word != "{")
        .map(str::to_owned)
        .collect();
    let gateways = GATEWAYS.map(|name| {
        let service = &compose["services"][name];
        let gateway = settings(environment(service));
        assert_eq!(gateway.max_body_bytes.to_string(), largest, "{name}");
        let address = service["networks"]["inside"]["ipv4_address"].as_str().expect("an address");
        let health = texts(&service["healthcheck"]["test"]);
        assert_eq!(health.last(), Some(&format!("127.0.0.1:{}", gateway.listen.port()).as_str()), "{name}");
        format!("{address}:{}", gateway.listen.port())
    });
    assert_eq!(servers, BTreeSet::from(gateways));
}

/// An event without a key that is sent to two gateways counts twice.
#[test]
fn no_request_is_sent_to_a_second_gateway_after_it_was_sent_to_one() {
    let nginx = text_of(NGINX);
    let lines = nginx.lines().map(str::trim);
    let retries: Vec<&str> = lines.filter(|line| line.starts_with("proxy_next_upstream ")).collect();
    assert_eq!(retries, ["proxy_next_upstream error timeout;", "proxy_next_upstream off;"]);
    let hooks =
        nginx.split_once("location /hooks/ {").and_then(|(_, rest)| rest.split_once("proxy_pass")).expect("hooks").0;
    assert!(hooks.contains("error_page 418 = @once;") && hooks.contains("if ($request_method != POST)"), "{hooks}");
    let ingress = yaml("deploy/kubernetes/optional/ingress.yaml");
    assert_eq!(ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-next-upstream"], "error timeout");
}

#[test]
fn the_image_is_the_one_that_the_dockerfile_says_how_to_build() {
    let dockerfile = text_of("Dockerfile");
    let tag = dockerfile.split_once("docker build --tag ").and_then(|(_, rest)| rest.split(' ').next()).expect("a tag");
    assert!(text_of("deploy/README.md").contains(&format!("docker build --tag {tag} .")));
    let compose = yaml(COMPOSE);
    for name in GATEWAYS.into_iter().chain(["sandbox"]) {
        assert_eq!(compose["services"][name]["image"], format!("${{IMAGE:-{tag}}}"), "{name}");
    }
    let deployment = yaml(DEPLOYMENT);
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], tag);
    // Its user, by the number that the image gives it.
    let user = pod["securityContext"]["runAsUser"].as_u64().expect("a number");
    assert!(dockerfile.contains(&format!("--uid {user} ")), "the image has no user {user}");
    let port = &pod["containers"][0]["ports"][0]["containerPort"];
    let listen = settings(environment_file("deploy/kubernetes/settings.env")).listen.port();
    assert_eq!((port.as_u64(), dockerfile.contains(&format!("EXPOSE {listen}"))), (Some(listen.into()), true));
}

#[test]
fn every_secret_that_a_service_wants_is_declared_and_made_and_none_is_there() {
    let compose = yaml(COMPOSE);
    let declared: BTreeSet<&str> =
        compose["secrets"].as_object().expect("secrets").keys().map(String::as_str).collect();
    let services = compose["services"].as_object().expect("services");
    let wanted: BTreeSet<&str> = services
        .values()
        .filter(|service| service["secrets"].is_array())
        .flat_map(|service| texts(&service["secrets"]))
        .collect();
    assert_eq!(wanted, declared);
    let script = text_of("deploy/compose/make-secrets");
    for name in declared {
        assert_eq!(compose["secrets"][name]["file"], format!("./secrets/{name}"));
        assert!(script.contains(name), "make-secrets doesn't make {name}");
    }
    assert!(text_of("deploy/compose/.gitignore").lines().any(|line| line == "/secrets/"));
    let example: Vec<String> = text_of("deploy/kubernetes/optional/secrets.yaml")
        .split("stringData:")
        .skip(1)
        .flat_map(|part| {
            part.lines().take_while(|line| *line != "---").map(str::trim).map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(example.len() > 3 && example.iter().all(|line| line.ends_with(": \"\"")), "{example:?}");
}

/// The rule sets that come along check clean and pass, and every `env:NAME` of theirs is a secret that is handed over.
#[test]
fn the_rules_check_clean_pass_their_tests_and_have_their_secrets() {
    let compose = yaml(COMPOSE);
    let handed = [
        ("deploy/compose/rules", texts(&compose["services"]["gateway-1"]["secrets"]).join(" ")),
        ("deploy/kubernetes/rules", text_of("deploy/kubernetes/optional/secrets.yaml")),
    ];
    for (folder, secrets) in handed {
        let read: Vec<RuleFile> = files()
            .into_iter()
            .filter(|(path, _)| path.starts_with(folder))
            .map(|(path, text)| RuleFile { path: root().join(path).display().to_string(), text })
            .collect();
        let checked = rules::check(&read);
        assert!(checked.findings.is_empty(), "{folder}\n{}", rules::report::text(&checked.findings, &read, false));
        let ran = preview::test(&checked.catalog.expect("no finding, so a catalog"), &checked.tests).tests;
        assert!(!ran.is_empty() && ran.iter().all(|test| test.passed), "{folder}");
        for rest in read.iter().flat_map(|file| file.text.split("env:").skip(1)) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            assert!(secrets.contains(&name), "{folder}: nobody hands {name} over");
        }
    }
}

#[test]
fn every_file_of_the_kustomization_exists_and_none_is_left_out() {
    let text = text_of(KUSTOMIZATION);
    // What is optional stands in a comment.
    let listed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.trim_start().trim_start_matches("# ").strip_prefix("- "))
        .filter(|path| Path::new(path).extension().is_some_and(|end| end == "yaml"))
        .collect();
    let there: BTreeSet<String> =
        files().keys().filter_map(|path| Some(path.strip_prefix("deploy/kubernetes/")?.to_owned())).collect();
    // `secrets.yaml` shows their form and is never applied as it is.
    let expected: BTreeSet<&str> = there
        .iter()
        .map(String::as_str)
        .filter(|path| !["kustomization.yaml", "settings.env", "optional/secrets.yaml"].contains(path))
        .collect();
    assert_eq!(listed, expected);
    assert!(text.contains("envs: [settings.env]"));
}

#[test]
fn times_and_merged_mappings_are_read() {
    assert_eq!([time("40"), time("30s"), time("1m")], [40, 30, 60].map(Duration::from_secs));
    let mut value = serde_json::json!({ "<<": { "a": 1, "b": 1 }, "b": 2 });
    merge(&mut value);
    assert_eq!(value, serde_json::json!({ "a": 1, "b": 2 }));
}
