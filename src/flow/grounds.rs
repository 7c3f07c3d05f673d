//! The grounds of a rule set: every directory in which a change may make another set of it, and how its files look now.
//!
//! Names are resolved one by one, since each link on the way may be pointed elsewhere: a mounted `ConfigMap` swaps `..data`, a
//! deployment swaps `current`. Nothing is opened but directories, and no rule file is read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// How many links one name may lead through, as the kernel has it.
const MAX_LINKS: usize = 40;
/// As deep as rule files are read.
const MAX_DEPTH: usize = 32;

/// Which changes in a directory count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interest {
    /// Any: it is one of the rule directories.
    All,
    /// Those of these names: links on the way, single files, a place where something is missing.
    Names(BTreeSet<OsString>),
}

/// Where a change of the rules would show.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    /// Directories by their real paths.
    pub places: BTreeMap<PathBuf, Interest>,
    /// How the rule files look now.
    pub looks: Looks,
}

/// How rule files look from outside: when this differs, the set may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    /// Their names in one number: a name alone can make another set, since `a.yaml` holds rules and `a.test.yaml` tests.
    pub names: u64,
    /// Their places, sizes and times in one number.
    pub states: u64,
}

impl Grounds {
    /// Walks over a rule path, a directory at any depth or one file; what can't be read is part of how it looks.
    pub fn of(path: &Path) -> Self {
        let mut walk = Walk { grounds: Self::default(), files: BTreeMap::new() };
        match walk.trace(path) {
            Some((real, metadata)) if metadata.is_dir() => walk.directory(&real, Path::new(""), 0),
            Some((_, metadata)) => walk.file(PathBuf::new(), &metadata),
            None => {}
        }
        walk.grounds.looks = Looks { names: number(walk.files.keys()), states: number(walk.files.values()) };
        walk.grounds
    }

    /// Whether something that happened to `path` may have changed the rules.
    pub fn concern(&self, path: &Path) -> bool {
        // What happens to a watched directory itself comes under its own path.
        self.places.contains_key(path)
            || path.parent().and_then(|place| self.places.get(place)).is_some_and(|interest| match interest {
                Interest::All => true,
                Interest::Names(names) => path.file_name().is_some_and(|name| names.contains(name)),
            })
    }
}

/// What of a file changes when its text does: where it lies, its size, its times.
type Look = (u64, u64, u64, i64, i64, i64, i64);

struct Walk {
    grounds: Grounds,
    files: BTreeMap<PathBuf, Look>,
}

impl Walk {
    /// Follows a path name by name to what it really is; on the way, each name at which it could be changed is noted.
    fn trace(&mut self, path: &Path) -> Option<(PathBuf, Metadata)> {
        let absolute = std::path::absolute(path).ok()?;
        let mut ahead = names(&absolute);
        let mut here = PathBuf::from("/");
        let mut links = 0;
        let mut last = None;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                here.pop();
                last = None;
                continue;
            }
            let next = here.join(&name);
            match std::fs::symlink_metadata(&next) {
                Ok(metadata) if metadata.is_symlink() => {
                    self.name(&here, name);
                    links += 1;
                    let target = std::fs::read_link(&next).ok().filter(|_| links <= MAX_LINKS)?;
                    if target.is_absolute() {
                        here = PathBuf::from("/");
                    }
                    for part in names(&target).into_iter().rev() {
                        ahead.push_front(part);
                    }
                }
                Ok(metadata) => {
                    here = next;
                    last = Some(metadata);
                }
                // Here it would come to be.
                Err(_) => {
                    self.name(&here, name);
                    return None;
                }
            }
        }
        let metadata = match last {
            Some(metadata) => metadata,
            None => std::fs::symlink_metadata(&here).ok()?,
        };
        if let (false, Some(place), Some(name)) = (metadata.is_dir(), here.parent(), here.file_name()) {
            self.name(place, name.to_owned());
        }
        Some((here, metadata))
    }

    /// One name of a directory counts.
    fn name(&mut self, place: &Path, name: OsString) {
        let interest = self.grounds.places.entry(place.to_owned()).or_insert_with(|| Interest::Names(BTreeSet::new()));
        if let Interest::Names(names) = interest {
            names.insert(name);
        }
    }

    /// Everything in a directory counts, at any depth. Files are known by their names below the rule path, wherever it leads.
    fn directory(&mut self, place: &Path, shown: &Path, depth: usize) {
        let seen = self.grounds.places.insert(place.to_owned(), Interest::All);
        if seen == Some(Interest::All) || depth > MAX_DEPTH {
            return;
        }
        for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let shown = shown.join(&name);
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.directory(&path, &shown, depth + 1),
                Ok(kind) if kind.is_symlink() => match self.trace(&path) {
                    Some((real, metadata)) if metadata.is_dir() => self.directory(&real, &shown, depth + 1),
                    Some((_, metadata)) if holds_rules(&name) => self.file(shown, &metadata),
                    _ => {}
                },
                _ if holds_rules(&name) => {
                    if let Ok(metadata) = entry.metadata() {
                        self.file(shown, &metadata);
                    }
                }
                _ => {}
            }
        }
    }

    fn file(&mut self, shown: PathBuf, of: &Metadata) {
        let look = (of.dev(), of.ino(), of.size(), of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec());
        self.files.insert(shown, look);
    }
}

fn number<T: Hash>(of: impl Iterator<Item = T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.for_each(|one| one.hash(&mut hasher));
    hasher.finish()
}

fn names(path: &Path) -> VecDeque<OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(name).collect()
}

fn holds_rules(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder whose own path holds no link.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("its real path");
        (folder, real)
    }

    #[test]
    fn all_of_a_directory_counts_and_nothing_beside_it() {
        let (_kept, at) = folder();
        fs::create_dir_all(at.join("rules/deep/.git")).expect("folders");
        fs::write(at.join("rules/deep/a.yaml"), "rules: []\n").expect("written");
        let grounds = Grounds::of(&at.join("rules"));
        assert_eq!(grounds.places.keys().cloned().collect::<Vec<_>>(), [at.join("rules"), at.join("rules/deep")]);
        for counts in ["rules", "rules/new", "rules/deep/a.yaml", "rules/deep"] {
            assert!(grounds.concern(&at.join(counts)), "{counts}");
        }
        for other in ["tagrelay.db-wal", "rules/deep/.git/index", "rules/a/b"] {
            assert!(!grounds.concern(&at.join(other)), "{other}");
        }
    }

    #[test]
    fn each_link_on_the_way_is_watched_where_it_stands() {
        let (_kept, at) = folder();
        fs::create_dir_all(at.join("releases/1")).expect("folders");
        fs::write(at.join("releases/1/a.yaml"), "").expect("written");
        symlink("releases/1", at.join("current")).expect("a link");
        let grounds = Grounds::of(&at.join("current"));
        assert!(grounds.concern(&at.join("current")) && grounds.concern(&at.join("releases/1/b.yaml")));
        assert!(!grounds.concern(&at.join("tagrelay.db")));
    }

    #[test]
    fn a_config_map_is_watched_where_it_is_swapped_and_where_it_lies() {
        let (_kept, at) = folder();
        fs::create_dir_all(at.join("rules/..1")).expect("folders");
        fs::write(at.join("rules/..1/a.yaml"), "").expect("written");
        symlink("..1", at.join("rules/..data")).expect("a link");
        symlink("..data/a.yaml", at.join("rules/a.yaml")).expect("a link");
        let grounds = Grounds::of(&at.join("rules"));
        assert!(grounds.concern(&at.join("rules/..data")) && grounds.concern(&at.join("rules/..1/a.yaml")));
    }

    #[test]
    fn a_single_file_and_a_missing_path_are_watched_by_their_name() {
        let (_kept, at) = folder();
        fs::write(at.join("rules.yaml"), "").expect("written");
        for path in ["rules.yaml", "gone", "gone/deep"] {
            let grounds = Grounds::of(&at.join(path));
            let name = path.split('/').next().unwrap_or_default();
            assert!(grounds.concern(&at.join(name)) && !grounds.concern(&at.join("other")), "{path}: {grounds:?}");
        }
    }

    #[test]
    fn looks_differ_when_a_file_does_and_stay_when_it_is_read() {
        let (_kept, at) = folder();
        fs::write(at.join("a.yaml"), "rules: []\n").expect("written");
        let looks = || Grounds::of(&at).looks;
        let first = looks();
        fs::read(at.join("a.yaml")).expect("read");
        assert_eq!(looks(), first);
        fs::write(at.join("a.yaml"), "rules: [] \n").expect("written");
        let second = looks();
        assert!(second.names == first.names && second.states != first.states);
        fs::rename(at.join("a.yaml"), at.join("b.yaml")).expect("renamed");
        assert_ne!(looks().names, first.names);
    }

    #[test]
    fn a_link_that_leads_back_ends() {
        let (_kept, at) = folder();
        fs::create_dir(at.join("rules")).expect("a folder");
        symlink("..", at.join("rules/up")).expect("a link");
        symlink("round", at.join("rules/round")).expect("a link");
        assert!(Grounds::of(&at.join("rules")).places.len() >= 2);
    }
}
