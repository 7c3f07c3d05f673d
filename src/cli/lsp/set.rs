//! The rule set as the editor sees it: the files on disk, and in their place what is open.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lsp_types::{InitializeParams, Uri};
use url::Url;

use crate::rules::editor::Sheet;
use crate::rules::{self, RuleFile};

/// A rule directory with open files.
pub struct Set {
    root: PathBuf,
    /// By path.
    open: BTreeMap<String, Open>,
    /// Each file as it could be read the last time, by path: while something is being written, it mostly can't.
    sheets: HashMap<String, Rc<Sheet>>,
}

/// A file as the editor has it.
struct Open {
    /// The name that the editor has for it.
    uri: Uri,
    /// Which of its texts this is.
    version: i32,
    text: String,
}

/// The directory of the editor's folder that holds rules; where there is none, the folder itself.
#[expect(deprecated, reason = "editors of today still send the one folder that the list of folders replaced")]
pub fn root(params: &InitializeParams, rules: PathBuf) -> PathBuf {
    let first = params.workspace_folders.as_ref().and_then(|folders| folders.first()).map(|folder| &folder.uri);
    let folder = first.or(params.root_uri.as_ref()).and_then(path).map(PathBuf::from).unwrap_or_default();
    let below = folder.join(rules);
    if below.exists() { below } else { folder }
}

/// The path of a file's address.
pub fn path(uri: &Uri) -> Option<String> {
    Some(Url::parse(uri.as_str()).ok()?.to_file_path().ok()?.to_str()?.to_owned())
}

impl Set {
    /// The set below a directory.
    pub fn new(root: PathBuf) -> Self {
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { root, open: BTreeMap::new(), sheets: HashMap::new() }
    }

    /// A file is open with this text of this version; whether it is one of the set.
    pub fn open(&mut self, uri: &Uri, version: i32, text: String) -> bool {
        let Some(path) = path(uri) else { return false };
        self.open.insert(path.clone(), Open { uri: uri.clone(), version, text });
        self.holds(&path)
    }

    /// What is on disk counts again.
    pub fn close(&mut self, uri: &Uri) -> bool {
        path(uri).is_some_and(|path| self.open.remove(&path).is_some())
    }

    /// An open file.
    pub fn file(&self, uri: &Uri) -> Option<RuleFile> {
        let path = path(uri)?;
        let text = self.open.get(&path).map(|open| open.text.clone())?;
        Some(RuleFile { path, text })
    }

    /// All files, sorted as the gateway sorts them. One that was never saved is one of them.
    pub fn files(&self) -> Vec<RuleFile> {
        // A directory without a rule file is where a first one may be open.
        let mut files = rules::read_dir(&self.root).unwrap_or_default();
        for file in &mut files {
            if let Some(open) = self.open.get(&file.path) {
                file.text.clone_from(&open.text);
            }
        }
        let unsaved = self.open.iter().filter(|(path, _)| self.holds(path));
        let unsaved = unsaved.filter(|(path, _)| !files.iter().any(|file| file.path == **path));
        let unsaved: Vec<_> =
            unsaved.map(|(path, open)| RuleFile { path: path.clone(), text: open.text.clone() }).collect();
        files.extend(unsaved);
        files.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        files
    }

    /// All files as far as they can be read, each as it could be read the last time.
    pub fn sheets(&mut self) -> Vec<Rc<Sheet>> {
        let files = self.files();
        let mut sheets = HashMap::with_capacity(files.len());
        let mut list = Vec::with_capacity(files.len());
        for file in files {
            let path = file.path.clone();
            let last = self.sheets.remove(&path);
            let sheet = match last {
                Some(last) if last.file.text == file.text => Some(last),
                last => Sheet::read(file).map(Rc::new).or(last),
            };
            if let Some(sheet) = sheet {
                list.push(Rc::clone(&sheet));
                sheets.insert(path, sheet);
            }
        }
        self.sheets = sheets;
        list
    }

    /// Whether a file would be read as one of the set.
    fn holds(&self, path: &str) -> bool {
        let path = Path::new(path);
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let below = path.strip_prefix(&self.root);
        let is_hidden = |below: &Path| below.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
        is_yaml && below.is_ok_and(|below| !is_hidden(below))
    }

    /// Which text of an open file there is; an edit that names it is refused where the file has gone on.
    pub fn version(&self, uri: &Uri) -> Option<i32> {
        self.open.get(&path(uri)?).map(|open| open.version)
    }

    /// The editor's name for a file, else the one that everybody makes of its path.
    pub fn uri(&self, path: &str) -> Option<Uri> {
        match self.open.get(path) {
            Some(open) => Some(open.uri.clone()),
            None => Url::from_file_path(path).ok()?.as_str().parse().ok(),
        }
    }
}
