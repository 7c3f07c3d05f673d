//! Reading the rule directory. The only place of this room that touches a file system.

use std::io;
use std::path::{Path, PathBuf};

/// The largest rule file, in bytes; a larger one is a finding.
pub const MAX_FILE: u64 = 1024 * 1024;
/// The largest body of a test's `request`, in bytes.
const MAX_BODY: u64 = 16 * 1024 * 1024;
/// The largest export of an agent, in bytes.
const MAX_EXPORT: u64 = 32 * 1024 * 1024;
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

/// Reads an agent's export. Only a plain file is one: a pipe would never end.
pub fn read_export(path: &Path) -> Result<Vec<u8>, ReadError> {
    let metadata = std::fs::metadata(path).map_err(|cause| io_error(path, cause))?;
    if !metadata.is_file() {
        return Err(io_error(path, io::Error::new(io::ErrorKind::InvalidInput, "this is no file")));
    }
    if metadata.len() > MAX_EXPORT {
        return Err(io_error(path, io::Error::new(io::ErrorKind::FileTooLarge, "more than 32 MiB")));
    }
    read_at_most(path, MAX_EXPORT)
}

/// Why a rule file isn't replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// It can't be read or written.
    #[error(transparent)]
    Io(#[from] ReadError),
    /// Somebody changed it after it was read.
    #[error("{path} has changed meanwhile, so it is left as it is")]
    Changed {
        /// Which.
        path: String,
    },
}

/// Writes a rule file anew: whole or not at all, and only where it still is what was read.
pub fn replace(before: &RuleFile, text: &str) -> Result<(), ReplaceError> {
    // A link stays a link: what it leads to is replaced.
    let shown = Path::new(&before.path);
    let path = std::fs::canonicalize(shown).map_err(|cause| io_error(shown, cause))?;
    if read_at_most(&path, MAX_FILE + 1)? != before.text.as_bytes() {
        return Err(ReplaceError::Changed { path: before.path.clone() });
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Hidden, so that a gateway that watches doesn't take it for a rule file.
    let beside = path.with_file_name(format!(".{name}.tagrelay-{}", std::process::id()));
    let written = write_beside(&path, &beside, text).map_err(|cause| io_error(shown, cause));
    if written.is_err() {
        // Whatever kept it from being written may keep it from being removed; the fault that counts is told.
        let _ = std::fs::remove_file(&beside);
    }
    Ok(written?)
}

fn write_beside(path: &Path, beside: &Path, text: &str) -> io::Result<()> {
    let mut file = std::fs::File::create_new(beside)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.set_permissions(std::fs::metadata(path)?.permissions())?;
    file.sync_all()?;
    std::fs::rename(beside, path)
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
    fn a_file_is_replaced_whole_and_only_as_it_was_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "rules: []\n").expect("a file");
        let before = read(&path).expect("readable");
        replace(&before, "rules: [] # mended\n").expect("replaced");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "rules: [] # mended\n");
        assert!(matches!(replace(&before, "rules:\n"), Err(ReplaceError::Changed { .. })));
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "rules: [] # mended\n");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_path_that_holds_nothing_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(read_dir(folder.path()), Err(ReadError::Empty { .. })));
        assert!(matches!(read_dir(&folder.path().join("none")), Err(ReadError::Io { .. })));
    }
}
