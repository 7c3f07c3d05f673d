//! The rooms of `src/` and their doors: who may know whom, read from the sources.
//!
//! A row that has to be widened is a decision: say why in its reason, or move the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms that it may name.
struct Room {
    name: &'static str,
    knows: &'static [&'static str],
    why: &'static str,
}

const ROOMS: &[Room] = &[
    Room { name: "domain", knows: &[], why: "the dictionary is what all others share; it depends on nobody" },
    Room {
        name: "clock",
        knows: &["domain"],
        why: "it gives the dictionary's time, and is the one place that reads it",
    },
    Room {
        name: "settings",
        knows: &["domain", "store"],
        why: "text from the environment becomes the dictionary's types; where a database is, the store alone can read",
    },
    Room { name: "trust", knows: &[], why: "whose certificates are believed, for whoever connects" },
    Room { name: "vault", knows: &["domain"], why: "names of secrets become values, nothing else" },
    Room { name: "rules", knows: &["domain"], why: "deciding is pure: no store, no network, no clock" },
    Room { name: "sources", knows: &["domain", "vault"], why: "a plain request in, events out; no server, no store" },
    Room {
        name: "providers",
        knows: &["domain", "clock", "vault"],
        why: "wanted tags in, calls out, each counted as it starts; no rules, no store",
    },
    Room {
        name: "store",
        knows: &["domain", "clock", "trust"],
        why: "it stamps commits, and believes a server's certificate; it never asks why something was wanted",
    },
    Room { name: "sandbox", knows: &["domain", "clock"], why: "a server of its own that knows nothing of the gateway" },
    Room {
        name: "conformance",
        knows: &["domain", "clock", "vault", "providers", "sandbox"],
        why: "it tries providers against their sandboxes, or against a real account; nothing that the gateway runs knows it",
    },
    Room {
        name: "flow",
        knows: &["domain", "clock", "vault", "rules", "sources", "providers", "store"],
        why: "the use cases bring the rooms below together; no server, no command line",
    },
    Room {
        name: "http",
        knows: &["domain", "clock", "rules", "sources", "store", "flow"],
        why: "it calls a flow and shows what comes back; it calls no provider and knows no setting",
    },
    Room {
        name: "cli",
        knows: &[
            "domain",
            "clock",
            "settings",
            "trust",
            "vault",
            "rules",
            "sources",
            "providers",
            "store",
            "sandbox",
            "conformance",
            "flow",
            "http",
        ],
        why: "the outermost room: it puts the others together",
    },
];

/// A library and the only places that may name it; a place is a room or one file of it.
struct Library {
    path: &'static str,
    places: &'static [&'static str],
    why: &'static str,
}

const LIBRARIES: &[Library] = &[
    Library { path: "rusqlite", places: &["store"], why: "SQL stays behind the store's one face" },
    Library { path: "tokio_postgres", places: &["store"], why: "the other SQL stays behind the store's one face too" },
    Library {
        path: "tokio_postgres_rustls",
        places: &["store/postgres/connect.rs", "store/postgres/tls.rs"],
        why: "how the driver gets its TLS is of concern where connections are made",
    },
    Library {
        path: "rustls_native_certs",
        places: &["store/postgres/tls.rs"],
        why: "the one client has a verifier that asks the system itself",
    },
    Library {
        path: "ring",
        places: &["sources/auth/google/keys.rs", "sources/auth/google/tests.rs"],
        why: "one signature of RSA; every other is an HMAC",
    },
    Library { path: "lz4_flex", places: &["store"], why: "how lots lie on disk is the store's own business" },
    Library {
        path: "reqwest",
        places: &["providers", "cli/send.rs", "cli/reach.rs", "cli/admin/client.rs"],
        why: "all calls go through the one client that checks addresses; `send` builds the headers and URL that it takes; the commands that ask the gateway read long answers",
    },
    Library {
        path: "rustls",
        places: &[
            "providers",
            "trust",
            "store/postgres/tls.rs",
            "store/postgres/fault.rs",
            "http/tls/mod.rs",
            "http/tls/fault.rs",
            "http/tls/pair.rs",
            "cli/reach.rs",
            "cli/send.rs",
            "cli/healthcheck.rs",
        ],
        why: "TLS belongs to the one client, to PostgreSQL's connections, whose libpq modes it doesn't know by itself, to the intake, and to the commands that ask it",
    },
    Library {
        path: "tokio_rustls",
        places: &["http/tls/handshake.rs", "http/tls/wire.rs"],
        why: "the intake's connections alone are secured by us",
    },
    Library {
        path: "x509_cert",
        places: &["http/tls/pair.rs"],
        why: "our own certificate is the only one that we have something to say about",
    },
    Library {
        path: "actix_web",
        places: &["http", "sandbox", "cli/sandbox.rs"],
        why: "two servers, and the command that runs one of them on an actix system",
    },
    Library { path: "actix_http", places: &["http"], why: "the intake's own loop over connections, and nothing else" },
    Library { path: "clap", places: &["cli"], why: "the command line is the outermost room's" },
    Library { path: "clap_complete", places: &["cli/completions.rs"], why: "one command writes the shells' scripts" },
    Library { path: "tracing_subscriber", places: &["cli"], why: "where logs go is decided once" },
    Library { path: "envy", places: &["settings.rs"], why: "the environment is read in one place" },
    Library { path: "serde_saphyr", places: &["rules"], why: "only rule files are YAML" },
    Library {
        path: "pretty_yaml",
        places: &["rules/layout/mod.rs"],
        why: "one module lays files out, and sees to it that nothing else changes",
    },
    Library { path: "yaml_parser", places: &["rules/layout/mod.rs"], why: "what is checked with it was made with it" },
    Library {
        path: "similar",
        places: &["cli/fmt.rs", "cli/check/fix.rs"],
        why: "what would change is shown as a diff",
    },
    Library { path: "zip", places: &["rules/agent.rs"], why: "an agent's export is read in one place" },
    Library {
        path: "quick_xml",
        places: &["sources/catch/xml.rs"],
        why: "one kind of body is XML, and becomes JSON at once",
    },
    Library {
        path: "lsp_server",
        places: &["cli/lsp/mod.rs", "cli/lsp/answers.rs"],
        why: "one command speaks with editors",
    },
    Library {
        path: "lsp_types",
        places: &["cli/lsp/mod.rs", "cli/lsp/answers.rs", "cli/lsp/marks.rs", "cli/lsp/place.rs", "cli/lsp/set.rs"],
        why: "what editors say and hear stays in the command that speaks with them",
    },
    Library { path: "annotate_snippets", places: &["rules"], why: "only findings are drawn under their lines" },
    Library {
        path: "moka",
        places: &["providers", "flow/converge/flips.rs"],
        why: "what is remembered of contacts is bounded in one way",
    },
    Library { path: "notify", places: &["flow/watch.rs"], why: "what the kernel tells of files is heard in one place" },
    Library { path: "arc_swap", places: &["flow"], why: "a rule set is put in force in one place" },
    Library { path: "prometheus_client", places: &["flow"], why: "what is counted is counted in one place" },
    Library {
        path: "tokio",
        places: &["conformance", "flow", "store", "http", "providers", "cli"],
        why: "domain, rules and sources are plain functions: their tests need no runtime",
    },
];

/// One source file.
struct Source {
    /// Below `src/`, as `http/api/mod.rs`.
    path: String,
    /// Its text without comments.
    code: String,
    lines: usize,
}

impl Source {
    /// The room it is in: its first folder, or its own name where it is a file of `src/` itself.
    fn room(&self) -> &str {
        let top = self.path.split('/').next().unwrap_or_default();
        top.strip_suffix(".rs").unwrap_or(top)
    }

    fn is_in(&self, place: &str) -> bool {
        self.path == place || self.room() == place
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    assert!(paths.len() > 50, "src/ was not found whole");
    let source = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source file");
        // A `//` inside a text is cut too, which costs nothing: no path stands behind one.
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        let path = path.strip_prefix(&root).expect("below src").display().to_string();
        Source { path, code, lines: text.lines().count() }
    };
    paths.iter().map(source).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    paths.sort();
}

/// The first name of every path that starts with `start`: `crate::{a::b, c}` names a and c.
fn named_after(code: &str, start: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split(start).skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(name(rest));
            continue;
        };
        let mut depth = 1;
        let mut expected = true;
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => expected = true,
                _ if depth == 1 && expected && !letter.is_whitespace() => {
                    names.insert(name(group.split_at(at).1));
                    expected = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

fn name(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// Whether the code names a library: at the start of a path, not as part of a longer word.
fn names(code: &str, library: &str) -> bool {
    let start = format!("{library}::");
    code.match_indices(&start).any(|(at, _)| {
        let before = code.split_at(at).0.chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
    })
}

#[test]
fn every_room_has_a_row_and_every_row_a_room() {
    let rows: BTreeSet<&str> = ROOMS.iter().map(|room| room.name).collect();
    let sources = sources();
    let rooms: BTreeSet<&str> =
        sources.iter().map(Source::room).filter(|room| !matches!(*room, "lib" | "main")).collect();
    assert_eq!(rooms, rows);
    assert!(ROOMS.iter().all(|room| !room.why.is_empty()) && LIBRARIES.iter().all(|library| !library.why.is_empty()));
}

#[test]
fn no_room_names_a_room_that_it_must_not_know() {
    let mut forbidden = Vec::new();
    for source in sources() {
        let Some(room) = ROOMS.iter().find(|room| room.name == source.room()) else { continue };
        for named in named_after(&source.code, "crate::") {
            let is_room = ROOMS.iter().any(|other| other.name == named);
            if is_room && named != room.name && !room.knows.contains(&named.as_str()) {
                forbidden.push(format!("src/{} names crate::{named}; {}: {}", source.path, room.name, room.why));
            }
        }
    }
    assert!(forbidden.is_empty(), "{}", forbidden.join("\n"));
}

#[test]
fn libraries_stay_where_they_belong() {
    let mut strays = Vec::new();
    for source in sources() {
        for library in LIBRARIES.iter().filter(|library| names(&source.code, library.path)) {
            if !library.places.iter().any(|place| source.is_in(place)) {
                strays.push(format!("src/{} uses {}; {}", source.path, library.path, library.why));
            }
        }
    }
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}

#[test]
fn no_row_is_wider_than_it_needs_to_be() {
    let sources = sources();
    let used = |place: &str, path: &str| sources.iter().any(|source| source.is_in(place) && names(&source.code, path));
    for library in LIBRARIES {
        let idle: Vec<_> = library.places.iter().filter(|place| !used(place, library.path)).collect();
        assert!(idle.is_empty(), "{idle:?} no longer use {}: take them out of its row", library.path);
    }
}

/// A file that one can't read in a sitting is where products rot.
#[test]
fn no_source_file_is_longer_than_five_hundred_lines() {
    let long: Vec<String> =
        sources().iter().filter(|s| s.lines > 500).map(|s| format!("src/{}: {} lines", s.path, s.lines)).collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_dependency_has_its_reason_on_its_line() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("Cargo.toml");
    let mut inside = false;
    let mut count = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && line.contains('=') && !line.starts_with('#') {
            let reason = line.split_once(" # ").map(|(_, reason)| reason.trim()).unwrap_or_default();
            assert!(reason.len() > 5, "say why: {line}");
            count += 1;
        }
    }
    assert!(count > 20, "the dependencies were not found");
}

#[test]
fn grouped_paths_are_read_too() {
    let code = "use crate::{domain::{name::RuleId, tag}, store, vault::Vault}; crate::flow::fold()";
    let found: Vec<String> = named_after(code, "crate::").into_iter().collect();
    assert_eq!(found, ["domain", "flow", "store", "vault"]);
    assert!(names("use reqwest::Url", "reqwest") && !names("my_reqwest::x, a::reqwest::y", "reqwest"));
}

/// The fuzzer compiles rooms of `src/` with a lock file of its own: what it proves must be true of what is shipped.
#[test]
fn the_fuzzer_is_built_from_the_same_versions() {
    let locked = |path: &str| -> BTreeSet<(String, String)> {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a lock file");
        let field = |package: &str, key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key));
            line.map(|value| value.trim_matches('"').to_owned()).unwrap_or_default()
        };
        text.split("[[package]]").skip(1).map(|p| (field(p, "name = "), field(p, "version = "))).collect()
    };
    let (ours, fuzzers) = (locked("Cargo.lock"), locked("fuzz/Cargo.lock"));
    let shared = |(name, _): &&(String, String)| ours.iter().any(|(other, _)| other == name);
    let other: Vec<_> = fuzzers.iter().filter(shared).filter(|package| !ours.contains(package)).collect();
    assert!(other.is_empty(), "`cargo update --manifest-path fuzz/Cargo.toml -p NAME --precise VERSION`: {other:?}");
}
