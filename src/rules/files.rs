//! Reading the rule directory. The only place of this room that touches a file system.

use std::io;
use std::path::{Path, PathBuf};

/// The largest rule file, in bytes; a larger one is a finding.
pub const MAX_FILE: u64 = 1024 * 1024;
/// The largest body of a test's `request`, in bytes.
const MAX_BODY: u64 = 16 * 1024 * 1024;
/// How deep directories may nest: a link that leads upwards must end somewhere.
const MAX_DIRECTORIES: usize = 32;
/// The most rule files.
const MAX_FILES: usize = 10_000;

/// One file of a rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Its path as it is shown to users.
    pub path: String,
    /// Its text. Bytes that are not UTF-8 were replaced; `check` tells of the replacement character.
    pub text: String,
}

impl RuleFile {
    /// Whether it holds `tests` instead of rules.
    pub fn holds_tests(&self) -> bool {
        self.path.ends_with(".test.yaml") || self.path.ends_with(".test.yml")
    }
}

/// Why a rule set can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file or a directory can't be read.
    #[error("{path}: {cause}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// There is no rule file.
    #[error("{path}: there is no *.yaml or *.yml file here")]
    Empty {
        /// The directory.
        path: String,
    },
    /// More files, or directories deeper, than anybody means.
    #[error("{path}: more than {MAX_FILES} files, or directories more than {MAX_DIRECTORIES} deep")]
    TooMany {
        /// Where it became too much.
        path: String,
    },
}

/// Reads every `*.yaml` and `*.yml` at any depth of a directory (or one file), sorted by path, byte by byte.
pub fn read_dir(path: &Path) -> Result<Vec<RuleFile>, ReadError> {
    let metadata = std::fs::metadata(path).map_err(|cause| io_error(path, cause))?;
    let mut paths = Vec::new();
    if metadata.is_dir() {
        collect(path, 0, &mut paths)?;
    } else {
        paths.push(path.to_owned());
    }
    if paths.is_empty() {
        return Err(ReadError::Empty { path: path.display().to_string() });
    }
    paths.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    paths.iter().map(|path| read(path)).collect()
}

/// Reads the raw body of a test's `request`.
pub fn read_body(path: &Path) -> Result<Vec<u8>, ReadError> {
    read_at_most(path, MAX_BODY)
}

fn collect(directory: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    if depth > MAX_DIRECTORIES || paths.len() > MAX_FILES {
        return Err(ReadError::TooMany { path: directory.display().to_string() });
    }
    for entry in std::fs::read_dir(directory).map_err(|cause| io_error(directory, cause))? {
        let path = entry.map_err(|cause| io_error(directory, cause))?.path();
        // A mounted ConfigMap shows each file twice: by its name, and below `..data`. Editors keep their drafts hidden too.
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        if path.is_dir() {
            collect(&path, depth + 1, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<RuleFile, ReadError> {
    // One byte more than is allowed, so that `check` sees that the file is too large.
    let bytes = read_at_most(path, MAX_FILE + 1)?;
    Ok(RuleFile { path: path.display().to_string(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|cause| io_error(path, cause))?;
    io::Read::read_to_end(&mut io::Read::take(file, most), &mut bytes).map_err(|cause| io_error(path, cause))?;
    Ok(bytes)
}

fn io_error(path: &Path, cause: io::Error) -> ReadError {
    ReadError::Io { path: path.display().to_string(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_sorted_by_path_byte_by_byte_from_any_depth() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("b/c")).expect("a folder");
        for name in ["b/c/x.yml", "b.yaml", "a.test.yaml", "B.yaml", "notes.txt", ".draft.yaml"] {
            std::fs::write(folder.path().join(name), "rules: []\n").expect("a file");
        }
        let files = read_dir(folder.path()).expect("readable");
        let names: Vec<_> = files
            .iter()
            .filter_map(|f| f.path.strip_prefix(folder.path().to_str().expect("a path in UTF-8")))
            .map(|p| p.trim_start_matches('/'))
            .collect();
        assert_eq!(names, ["B.yaml", "a.test.yaml", "b.yaml", "b/c/x.yml"]);
        assert!(files[1].holds_tests());
    }

    #[test]
    fn a_path_that_holds_nothing_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(read_dir(folder.path()), Err(ReadError::Empty { .. })));
        assert!(matches!(read_dir(&folder.path().join("none")), Err(ReadError::Io { .. })));
    }
}
