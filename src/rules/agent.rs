//! The export of a Dialogflow ES agent: which intents there are.
//!
//! It is the ZIP file that the console's "Export as ZIP" writes: `agent.json`, and for each intent `intents/NAME.json` with its
//! display name, beside files with its training phrases. Everything is bounded: a small file may inflate to a very large one.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::Path;

use super::files::{self, ReadError};

/// The most files of an export.
const MAX_ENTRIES: usize = 50_000;
/// The longest file of an intent, in bytes.
const MAX_INTENT: u64 = 1024 * 1024;
/// The most bytes of all intents.
const MAX_INTENTS: u64 = 64 * 1024 * 1024;
/// How each line of an archive's list of files begins.
const LISTED: &[u8] = b"PK\x01\x02";
/// A part of the names of files that hold training phrases.
const PHRASES: &str = "_usersays_";

/// What is known of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agent {
    /// The display names of its intents.
    pub intents: BTreeSet<String>,
}

/// Why an export can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BadExport {
    /// The file can't be read.
    #[error("the agent's export can't be read: {0}")]
    Unreadable(#[from] ReadError),
    /// It is no ZIP file, or a broken one.
    #[error("this is no ZIP file: {0}")]
    NotZip(#[from] zip::result::ZipError),
    /// More than an agent has.
    #[error("this holds more than an agent's export does")]
    TooLarge,
    /// It has no `agent.json`.
    #[error("this is no export of an agent: it has no `agent.json`")]
    NotAnAgent,
    /// Dialogflow CX lays its exports out differently.
    #[error("this is the export of a Dialogflow CX agent")]
    Cx,
    /// A file of it isn't what it should be.
    #[error("`{name}` in it is no intent: {cause}")]
    BadIntent {
        /// The file in the archive.
        name: String,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
}

/// What is needed of an intent's file.
#[derive(serde::Deserialize)]
struct IntentFile {
    name: String,
}

/// Reads an export.
pub fn read(path: &Path) -> Result<Agent, BadExport> {
    of_bytes(&files::read_export(path)?)
}

fn of_bytes(bytes: &[u8]) -> Result<Agent, BadExport> {
    // The library reads the list of files whole before it says how long that is.
    if memchr::memmem::find_iter(bytes, LISTED).nth(MAX_ENTRIES).is_some() {
        return Err(BadExport::TooLarge);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let names =
        archive.file_names().map(|name| name.map(std::borrow::Cow::into_owned)).collect::<Result<Vec<String>, _>>()?;
    // Who unpacks an export and packs it again may have put a folder around it.
    let tops = names.iter().filter_map(|name| name.strip_suffix("agent.json"));
    let Some(top) = tops.filter(|top| top.is_empty() || top.ends_with('/')).min_by_key(|top| top.len()) else {
        return Err(BadExport::NotAnAgent);
    };
    let within = |name: &'_ str, folder: &str| name.strip_prefix(top).is_some_and(|rest| rest.starts_with(folder));
    if names.iter().any(|name| within(name, "flows/")) {
        return Err(BadExport::Cx);
    }
    let mut agent = Agent::default();
    let mut left = MAX_INTENTS;
    let is_intent = |name: &&String| {
        let is_json = Path::new(name.as_str()).extension().is_some_and(|extension| extension == "json");
        within(name, "intents/") && is_json && !name.contains(PHRASES)
    };
    for name in names.iter().filter(is_intent) {
        let mut text = Vec::new();
        archive
            .by_name(name)?
            .take(MAX_INTENT.min(left) + 1)
            .read_to_end(&mut text)
            .map_err(zip::result::ZipError::Io)?;
        let length = text.len() as u64;
        if length > MAX_INTENT.min(left) {
            return Err(BadExport::TooLarge);
        }
        left -= length;
        let intent: IntentFile =
            serde_json::from_slice(&text).map_err(|cause| BadExport::BadIntent { name: name.clone(), cause })?;
        agent.intents.insert(intent.name);
    }
    Ok(agent)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn export(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
            writer.start_file(*name, options).expect("a file");
            writer.write_all(text).expect("written");
        }
        writer.finish().expect("an archive").into_inner()
    }

    #[test]
    fn intents_are_those_of_the_files_and_phrases_are_left_alone() {
        let files: [(&str, &[u8]); 4] = [
            ("website/agent.json", b"{}"),
            ("website/intents/a.json", b"{\"name\":\"pricing.inquiry\",\"auto\":true}"),
            ("website/intents/a_usersays_en.json", b"[{\"name\":\"no\"}]"),
            ("website/entities/city.json", b"{\"name\":\"city\"}"),
        ];
        let agent = of_bytes(&export(&files)).expect("an export");
        assert_eq!(agent.intents.into_iter().collect::<Vec<_>>(), ["pricing.inquiry"]);
    }

    #[test]
    fn what_is_no_export_is_told_apart() {
        let told = |bytes: &[u8]| of_bytes(bytes).expect_err("no export").to_string();
        assert!(told(b"no archive").starts_with("this is no ZIP file"), "{}", told(b"no archive"));
        assert!(told(&export(&[("a.json", b"{}")])).contains("no `agent.json`"));
        assert!(told(&export(&[("agent.json", b"{}"), ("flows/a/a.json", b"{}")])).contains("Dialogflow CX"));
        let list: [(&str, &[u8]); 2] = [("agent.json", b"{}"), ("intents/a.json", b"[1]")];
        assert!(told(&export(&list)).starts_with("`intents/a.json` in it is no intent"));
        assert!(told(&LISTED.repeat(MAX_ENTRIES + 1)).contains("more than an agent"));
        // Two kilobytes that inflate to two megabytes.
        let bomb = vec![b' '; 2 * 1024 * 1024];
        assert!(told(&export(&[("agent.json", b"{}"), ("intents/a.json", &bomb)])).contains("more than an agent"));
    }
}
