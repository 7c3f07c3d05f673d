//! What changed since a revision, as Git tells it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cli::{WRONG, fail};
use crate::rules::{Finding, RuleFile, Severity};

/// The lines of each file that are new or changed.
pub struct Changes {
    /// By the path that findings show; lines are counted from 1.
    lines: HashMap<String, Vec<Range<usize>>>,
}

impl Changes {
    /// Asks Git what changed below `path` since `revision`: since the branch left it, where both have gone on.
    pub fn since(revision: &str, path: &Path) -> Result<Self, ExitCode> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        let git = Git { folder: if folder.as_os_str().is_empty() { Path::new(".") } else { folder } };
        git.ask(&["rev-parse", "--show-toplevel"])
            .map_err(|why| fail(WRONG, &format!("--since asks Git what changed, and {}: {why}", folder_words(path))))?;
        let unknown = || fail(WRONG, &format!("Git knows no revision {revision:?}; name a branch, a tag or a commit"));
        if revision.starts_with('-') {
            return Err(unknown());
        }
        let commit = format!("{revision}^{{commit}}");
        let commit = git.ask(&["rev-parse", "--verify", "--quiet", &commit]).map_err(|_| unknown())?;
        let commit = commit.trim();
        // What others did on the other branch since then is no change of this one.
        let base = git.ask(&["merge-base", commit, "HEAD"]).unwrap_or_else(|_| commit.to_owned());
        let failed = |why: String| fail(WRONG, &format!("Git doesn't tell what changed since {revision}: {why}"));
        let diff = ["-c", "core.quotePath=false", "diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames"];
        let form = ["--src-prefix=a/", "--dst-prefix=b/", "--relative", base.trim(), "--", "."];
        let changed = git.ask(&[&diff[..], &form[..]].concat()).map_err(failed)?;
        let new = git.ask(&["ls-files", "--others", "-z", "--", "."]).map_err(failed)?;
        let shown = |name: &str| folder.join(name).display().to_string();
        let mut lines: HashMap<String, Vec<Range<usize>>> =
            of_diff(&changed).into_iter().map(|(name, lines)| (shown(&name), lines)).collect();
        let whole = |name: &str| (shown(name), std::iter::once(1..usize::MAX).collect());
        lines.extend(new.split('\0').filter(|name| !name.is_empty()).map(whole));
        Ok(Self { lines })
    }

    /// Keeps errors, and what has to do with a changed line; gives how many warnings were left out.
    pub fn keep(&self, findings: &mut Vec<Finding>, files: &[RuleFile]) -> usize {
        let told = |findings: &[Finding]| findings.iter().filter(|finding| finding.waived.is_none()).count();
        let all = told(findings);
        // A set with an error can't be used, whoever is to blame.
        findings.retain(|finding| finding.severity == Severity::Error || self.has_to_do_with(finding, files));
        all - told(findings)
    }

    fn has_to_do_with(&self, finding: &Finding, files: &[RuleFile]) -> bool {
        let text =
            files.get(finding.span.file).and_then(|file| file.text.get(finding.span.range())).unwrap_or_default();
        let last = finding.line + text.trim_end().matches('\n').count();
        self.touch(&finding.file, finding.line..last + 1)
            || finding.related.iter().any(|related| self.touch(&related.file, related.line..related.line + 1))
    }

    fn touch(&self, file: &str, lines: Range<usize>) -> bool {
        let changed = self.lines.get(file).map(Vec::as_slice).unwrap_or_default();
        changed.iter().any(|changed| changed.start < lines.end && lines.start < changed.end)
    }
}

fn folder_words(path: &Path) -> String {
    format!("{} is in no repository of it", path.display())
}

struct Git<'p> {
    folder: &'p Path,
}

impl Git<'_> {
    /// What Git answers, or why it doesn't.
    fn ask<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<String, String> {
        let output = Command::new("git").arg("-C").arg(self.folder).args(arguments).output();
        match output {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err("there is no `git` to be run".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The added lines of each file of a diff without context.
fn of_diff(diff: &str) -> HashMap<String, Vec<Range<usize>>> {
    let mut files: HashMap<String, Vec<Range<usize>>> = HashMap::new();
    let mut name = None;
    // Lines of the files themselves follow each head of a hunk, and may look like anything.
    let mut content = 0;
    for line in diff.lines() {
        if content > 0 && line.starts_with(['+', '-']) {
            content -= 1;
        } else if let Some(path) = line.strip_prefix("+++ ") {
            name = unquoted(path).strip_prefix("b/").map(PathBuf::from);
        } else if let Some((removed, added)) = line.strip_prefix("@@ ").and_then(hunk) {
            content = removed.len() + added.len();
            if let Some(name) = name.as_ref().filter(|_| !added.is_empty()) {
                files.entry(name.display().to_string()).or_default().push(added);
            }
        }
    }
    files
}

/// `-3,2 +3,4 @@ ..`: the lines of the one side and of the other.
fn hunk(head: &str) -> Option<(Range<usize>, Range<usize>)> {
    let mut sides = head.split(' ');
    let mut side = |sign: char| {
        let numbers = sides.next()?.strip_prefix(sign)?;
        let (start, count) = numbers.split_once(',').unwrap_or((numbers, "1"));
        let (start, count): (usize, usize) = (start.parse().ok()?, count.parse().ok()?);
        Some(start..start + count)
    };
    Some((side('-')?, side('+')?))
}

/// Git puts a name in quotes that holds one, or a backslash or a tab.
fn unquoted(name: &str) -> String {
    let Some(within) = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        // A name with a space is followed by a tab.
        return name.trim_end_matches('\t').to_owned();
    };
    within.replace("\\t", "\t").replace("\\\"", "\"").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_lines_are_read_from_a_diff_whatever_the_files_hold() {
        let diff = "diff --git a/a.yaml b/a.yaml\n--- a/a.yaml\n+++ b/a.yaml\n@@ -3,0 +4,2 @@ rules:\n+++ b/evil.yaml\n+@@ -1 +1 @@\n\
                    @@ -9 +11 @@\n-old\n+new\n@@ -20,2 +21,0 @@\n-x\n-y\n\
                    --- a/gone.yaml\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n\
                    --- /dev/null\n+++ \"b/with \\\"quotes\\\".yaml\"\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n\
                    --- a/a b.yaml\t\n+++ b/a b.yaml\t\n@@ -1 +1 @@\n-a\n+b\n";
        let files = of_diff(diff);
        assert_eq!(files.len(), 3, "{files:?}");
        assert_eq!(files["a.yaml"], [4..6, 11..12]);
        let (first, only) = (1..2, std::slice::from_ref::<Range<usize>>);
        assert_eq!(files["with \"quotes\".yaml"], only(&first));
        assert_eq!(files["a b.yaml"], only(&first));
    }
}
