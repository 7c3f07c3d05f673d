//! The text of a set as it was recorded, read back into its files.

use super::files::RuleFile;

const START: &str = "# ==> ";
const END: &str = " <==";

/// The text of all files, each under a line with its path, for the record.
pub(super) fn joined(files: &[RuleFile]) -> String {
    let parts: Vec<_> = files.iter().map(|file| format!("{START}{}{END}\n{}\n", file.path, file.text)).collect();
    parts.concat()
}

/// The files of a recorded set. Secrets that stood in them are starred there; here they become words, since a bare `*` is the
/// beginning of an alias in YAML.
pub fn recorded_files(text: &str) -> Vec<RuleFile> {
    let mut files: Vec<RuleFile> = Vec::new();
    for line in text.split_inclusive('\n') {
        let path = line.trim_end().strip_prefix(START).and_then(|rest| rest.strip_suffix(END));
        match (path, files.last_mut()) {
            (Some(path), _) => files.push(RuleFile { path: path.to_owned(), text: String::new() }),
            (None, Some(file)) => file.text.push_str(&without_stars(line)),
            (None, None) => {}
        }
    }
    for file in &mut files {
        // The line end that was put behind it.
        file.text.pop();
    }
    files
}

/// `token: *****` as `token: xxxxx`.
fn without_stars(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('*') {
        let (before, stars) = rest.split_at(at);
        let count = stars.bytes().take_while(|byte| *byte == b'*').count();
        let (stars, after) = stars.split_at(count);
        let opens = before.ends_with([' ', '[', ',']) || (before.is_empty() && text.is_empty());
        let closes = after.trim_start().is_empty() || after.trim_start().starts_with([',', ']', '}', '#']);
        let in_quotes = before.matches('"').count() % 2 == 1 || before.matches('\'').count() % 2 == 1;
        text.push_str(before);
        text.push_str(if opens && closes && !in_quotes { "x" } else { stars });
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_reads_back_as_the_same_files() {
        let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
        let files = vec![
            file("rules/a.yaml", "rules: []\n# a line\n"),
            file("rules/b.yaml", "connections:\n  crm: { tags: [\"Plan *\", \"*\"] } # * and ** stay\n\n"),
            file("rules/c.yaml", "rules: []"),
            file("rules/empty.yaml", ""),
        ];
        assert_eq!(recorded_files(&joined(&files)), files);
        assert_eq!(recorded_files(""), []);
    }

    #[test]
    fn starred_secrets_can_be_read_as_yaml() {
        for (line, read) in [
            ("  token: *****\n", "  token: x\n"),
            ("  - basic: { username: me, password: *** }\n", "  - basic: { username: me, password: x }\n"),
            ("  secret: [env:A, ***]\n", "  secret: [env:A, x]\n"),
            (
                "  match: { intent: pricing.*, params: { phone: \"*\" } }\n",
                "  match: { intent: pricing.*, params: { phone: \"*\" } }\n",
            ),
            ("  when: a * 2 == 4\n", "  when: a * 2 == 4\n"),
        ] {
            assert_eq!(without_stars(line), read);
        }
    }
}
