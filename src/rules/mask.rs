//! Overwrites secrets in rule files before anything of a file is drawn or recorded.

use std::collections::HashMap;

use super::codes::Code;
use super::files::RuleFile;
use super::finding::Finding;
use super::near::nearest;

/// Keys whose value is a secret. A misspelt one, or one in a file that isn't even YAML, is found by likeness.
const SECRET_KEYS: [&str; 7] = ["password", "secret", "token", "bearer", "api_key", "signing_secret", "value"];

/// Keys that look like one of those and aren't.
const OTHER_KEYS: [&str; 4] = ["header", "name", "default", "values"];

/// The key of addresses, which may hold a secret.
const ADDRESS: &str = "url";

/// Whether a key, perhaps misspelt, is one of a secret.
fn is_secret(key: &str) -> bool {
    let nearest = nearest(key, OTHER_KEYS.into_iter().chain(SECRET_KEYS));
    nearest.is_some_and(|known| SECRET_KEYS.contains(&known))
}

/// The files with every secret that stands in them overwritten, byte by byte, so that places stay the same.
///
/// What is drawn of a file may reach a log, and its text is recorded: neither may hold a secret.
pub fn masked(findings: &[Finding], files: &[RuleFile]) -> Vec<RuleFile> {
    let mut masked = files.to_vec();
    for finding in findings.iter().filter(|finding| finding.code == Code::LiteralSecret.row().code) {
        if let Some(file) = masked.get_mut(finding.span.file) {
            star(&mut file.text, finding.span.range());
        }
    }
    for file in &mut masked {
        for range in by_key(&file.text) {
            star(&mut file.text, range);
        }
    }
    masked
}

/// A secret of several lines keeps its lines.
fn star(text: &mut String, range: std::ops::Range<usize>) {
    let stars = |part: &str| part.bytes().map(|b| if b == b'\n' { '\n' } else { '*' }).collect::<String>();
    if let Some(stars) = text.get(range.clone()).map(stars) {
        text.replace_range(range, &stars);
    }
}

/// The values on the lines of `text` whose key looks like one of a secret.
fn by_key(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    // The same few keys stand in every rule, and likeness costs more than all else here.
    let mut known: HashMap<&str, bool> = HashMap::new();
    for (colon, _) in text.match_indices(':') {
        let (Some(before), Some(after)) = (text.get(..colon), text.get(colon + 1..)) else { continue };
        let key = before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next().unwrap_or_default();
        let Some(value) =
            after.strip_prefix(' ').map(|value| value.split(['\n', ',', '}', ']', '#']).next().unwrap_or_default())
        else {
            continue;
        };
        // Written in any other way than as its mapping of two references, all of it may be the secret.
        let line = after.split('\n').next().unwrap_or_default();
        if key == "basic" && !["username", "password", "env:", "file:"].iter().any(|word| line.contains(word)) {
            let start = colon + 1 + (line.len() - line.trim_start().len());
            found.push(start..start + line.trim().len());
            continue;
        }
        let written = value.trim().trim_matches(['"', '\'', '[']);
        let named = ["env:", "file:", "{"].iter().any(|form| written.starts_with(form)) || written.contains('{');
        if written.is_empty()
            || named
            || !(key == ADDRESS || key.len() >= 4 && *known.entry(key).or_insert_with(|| is_secret(key)))
        {
            continue;
        }
        let start = colon + 2 + (value.len() - value.trim_start().len());
        found.push(start..start + value.trim().len());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_password_are_covered_however_they_are_written() {
        for (written, drawn) in [
            ("- basic: me:hunt,er2#x", "- basic: *************"),
            ("- basic: [me, hunter2]", "- basic: *************"),
            ("- basic: { me: hunter2 }", "- basic: ***************"),
            ("- basic: { username: env:A, password: env:B }", "- basic: { username: env:A, password: env:B }"),
            ("- basic:\n    username: env:A", "- basic:\n    username: env:A"),
        ] {
            let file = RuleFile { path: "a.yaml".to_owned(), text: written.to_owned() };
            assert_eq!(masked(&[], &[file])[0].text, drawn);
        }
    }

    #[test]
    fn secrets_are_starred_by_the_likeness_of_their_key_and_references_stay() {
        let text = "- basic: me:hunter2\nheader: X-Sig\n- basic: { username: me, pasword: hunter2 }\n  secret: [env:A, x]\n  value: \"sha256={signature}\"\n  token: \"abc\"\n  api_key: env:KEY\n";
        let file = RuleFile { path: "a.yaml".to_owned(), text: text.to_owned() };
        let masked = &masked(&[], &[file])[0].text;
        assert_eq!(
            masked,
            "- basic: **********\nheader: X-Sig\n- basic: { username: me, pasword: ******* }\n  secret: [env:A, x]\n  value: \"sha256={signature}\"\n  token: *****\n  api_key: env:KEY\n"
        );
    }
}
