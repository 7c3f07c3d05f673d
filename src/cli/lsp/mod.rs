//! `tagrelay lsp`: the language server that editors run for rule files.
//!
//! One thread hears the editor and answers at once; what takes longer is done by another (`worker`), whose results are heard
//! beside the editor's words.

mod answers;
mod lens;
mod marks;
mod place;
mod set;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument, Exit,
    LogMessage, Notification as _, PublishDiagnostics,
};
use lsp_types::request::{CodeActionRequest, CodeLensRefresh, RegisterCapability, Request as _, Shutdown};
use lsp_types::{
    Diagnostic, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, InitializeParams,
    LogMessageParams, MessageType, PublishDiagnosticsParams, Uri,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{NO, fail, settings};
use crate::rules;
use lens::Counted;
use marks::Look;
use set::Set;
use worker::{Done, Worker};

/// Serve an editor: problems of the whole set as you type, mends, completion, names that lead somewhere, and one style.
#[derive(clap::Args)]
#[command(
    after_help = "Examples, as an editor runs them in the folder of the project:\n  tagrelay lsp\n  tagrelay lsp rules --url https://gateway.example.com\n\nIt speaks the Language Server Protocol over standard input and output; docs/editors.md shows how editors are told of it."
)]
pub struct Args {
    /// The directory with the rules [default: `TAGRELAY_RULES`, else rules, in the editor's folder; where there is none, the folder].
    path: Option<PathBuf>,
    /// The gateway whose last events are counted above each rule [default: from `TAGRELAY_LISTEN`]. The token is
    /// `TAGRELAY_ADMIN_TOKEN`, else the token file's.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Serves until the editor says goodbye.
pub fn run(args: &Args) -> ExitCode {
    let rules = match settings() {
        Ok(settings) => settings.rules,
        Err(status) => return status,
    };
    match serve(args, rules) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => fail(NO, "the editor went without a goodbye"),
        Err(why) => fail(NO, &why),
    }
}

/// Something to be acted on.
pub enum Heard {
    /// The editor said something.
    Said(Message),
    /// The editor is gone.
    Gone,
    /// The other thread has done something.
    Done(Done),
}

/// Whether the editor said goodbye.
fn serve(args: &Args, rules: PathBuf) -> Result<bool, String> {
    let told = |error: &dyn std::fmt::Display| format!("the editor: {error}");
    let (connection, threads) = Connection::stdio();
    let (id, params) = connection.initialize_start().map_err(|error| told(&error))?;
    let params: InitializeParams = serde_json::from_value(params).map_err(|error| told(&error))?;
    connection.initialize_finish(id, about()).map_err(|error| told(&error))?;
    let root = args.path.clone().unwrap_or_else(|| set::root(&params, rules));
    let Connection { sender, receiver } = connection;
    let (heard, hearing) = mpsc::channel();
    let said = heard.clone();
    std::thread::spawn(move || {
        for message in receiver {
            if said.send(Heard::Said(message)).is_err() {
                return;
            }
        }
        // Where nobody hears it, nobody needs to.
        drop(said.send(Heard::Gone));
    });
    let mut server = Server::new(root, &params, Worker::start(args.url.clone(), heard));
    let send = |message: Message| sender.send(message).map_err(|error| told(&error));
    server.begin().into_iter().try_for_each(send)?;
    let ended = server.go_on(&hearing, &send)?;
    drop(server);
    drop(sender);
    // Without a goodbye the thread that reads waits for more.
    if ended {
        threads.join().map_err(|error| told(&error))?;
    }
    Ok(ended)
}

/// What the server can do. Texts come whole with each change: a rule file has at most a megabyte.
fn about() -> Value {
    json!({
        "capabilities": {
            "textDocumentSync": { "openClose": true, "change": 1, "save": true },
            "codeActionProvider": { "codeActionKinds": ["quickfix", "source.fixAll"] },
            "codeLensProvider": {},
            "completionProvider": { "triggerCharacters": [" ", ".", "|", "\"", "{", "[", "("] },
            "definitionProvider": true,
            "documentFormattingProvider": true,
            "documentSymbolProvider": true,
            "hoverProvider": true,
            "referencesProvider": true,
            "renameProvider": { "prepareProvider": true },
        },
        "serverInfo": { "name": "tagrelay", "version": env!("CARGO_PKG_VERSION") },
    })
}

/// What an editor may do that not every one can.
#[derive(Clone, Copy, Default)]
struct Abilities {
    snippets: bool,
    refreshes: bool,
    watches: bool,
}

impl Abilities {
    fn of(params: &InitializeParams) -> Self {
        let text = params.capabilities.text_document.as_ref();
        let item = text.and_then(|text| text.completion.as_ref()?.completion_item.as_ref());
        let workspace = params.capabilities.workspace.as_ref();
        let lens = workspace.and_then(|workspace| workspace.code_lens.as_ref()?.refresh_support);
        let watches = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref()?.dynamic_registration);
        Self {
            snippets: item.and_then(|item| item.snippet_support).unwrap_or_default(),
            refreshes: lens.unwrap_or_default(),
            watches: watches.unwrap_or_default(),
        }
    }
}

/// What is marked in a file. (An address is compared as text: the library's type is no key.)
type Marked = (Uri, Vec<Diagnostic>);

struct Server {
    set: Set,
    abilities: Abilities,
    worker: Worker,
    /// What was found at once, and what only the longer look finds.
    quick: Look,
    long: Look,
    /// What the editor was told of each file.
    shown: BTreeMap<String, Marked>,
    counted: Counted,
    has_changed: bool,
    is_ending: bool,
    asked: i32,
}

impl Server {
    fn new(root: PathBuf, params: &InitializeParams, worker: Worker) -> Self {
        Self {
            set: Set::new(root),
            abilities: Abilities::of(params),
            worker,
            quick: Look::default(),
            long: Look::default(),
            shown: BTreeMap::new(),
            counted: Counted::default(),
            has_changed: false,
            is_ending: false,
            asked: 0,
        }
    }

    /// What is said first.
    fn begin(&mut self) -> Vec<Message> {
        let mut said = self.look();
        if self.abilities.watches {
            // Git and other programs change files too.
            let watched = json!({ "watchers": [{ "globPattern": "**/*.{yaml,yml}" }] });
            let params = json!({ "registrations": [
                { "id": "files", "method": DidChangeWatchedFiles::METHOD, "registerOptions": watched },
            ] });
            said.push(self.ask(RegisterCapability::METHOD, params));
        }
        said
    }

    /// Hears and answers; whether the editor said goodbye before it went.
    fn go_on(
        &mut self,
        hearing: &Receiver<Heard>,
        send: &dyn Fn(Message) -> Result<(), String>,
    ) -> Result<bool, String> {
        loop {
            // Somebody who types faster than a set is checked has it checked once, at the end.
            let heard = match hearing.try_recv() {
                Ok(heard) => heard,
                Err(TryRecvError::Empty) => {
                    if std::mem::take(&mut self.has_changed) {
                        self.look().into_iter().try_for_each(send)?;
                    }
                    hearing.recv().unwrap_or(Heard::Gone)
                }
                Err(TryRecvError::Disconnected) => Heard::Gone,
            };
            match heard {
                Heard::Said(Message::Request(request)) => {
                    // Edits are of the text that the editor has now: what was typed right before would be lost.
                    if request.method == CodeActionRequest::METHOD && std::mem::take(&mut self.has_changed) {
                        self.look().into_iter().try_for_each(send)?;
                    }
                    send(Message::Response(self.answer(request)))?;
                }
                Heard::Said(Message::Notification(said)) if said.method == Exit::METHOD => return Ok(self.is_ending),
                Heard::Said(Message::Notification(said)) => {
                    let is_another = self.hear(said);
                    self.has_changed |= is_another;
                }
                Heard::Said(Message::Response(_)) => {}
                Heard::Gone => return Ok(false),
                Heard::Done(done) => self.take(done).into_iter().try_for_each(send)?,
            }
        }
    }

    fn answer(&mut self, request: Request) -> Response {
        if request.method == Shutdown::METHOD {
            self.is_ending = true;
            self.worker.give_up();
            return Response::new_ok(request.id, Value::Null);
        }
        match self.answered(&request.method, request.params) {
            Ok(answer) => Response::new_ok(request.id, answer),
            Err((code, why)) => Response::new_err(request.id, code as i32, why),
        }
    }

    /// Takes what the editor tells; whether the set may be another now.
    fn hear(&mut self, said: Notification) -> bool {
        fn read<T: DeserializeOwned>(params: Value) -> Option<T> {
            serde_json::from_value(params).ok()
        }
        let params = said.params;
        match said.method.as_str() {
            DidOpenTextDocument::METHOD => read::<DidOpenTextDocumentParams>(params).is_some_and(|opened| {
                let file = opened.text_document;
                self.set.open(&file.uri, file.version, file.text)
            }),
            DidChangeTextDocument::METHOD => {
                let Some(changed) = read::<DidChangeTextDocumentParams>(params) else { return false };
                let (file, last) = (changed.text_document, changed.content_changes.into_iter().next_back());
                last.is_some_and(|change| self.set.open(&file.uri, file.version, change.text))
            }
            DidCloseTextDocument::METHOD => read::<DidCloseTextDocumentParams>(params)
                .is_some_and(|closed| self.set.close(&closed.text_document.uri)),
            // Other programs may have written other files by now.
            method => matches!(method, DidSaveTextDocument::METHOD | DidChangeWatchedFiles::METHOD),
        }
    }

    /// Takes what the other thread has done.
    fn take(&mut self, done: Done) -> Vec<Message> {
        match done {
            Done::Looked(look) => {
                self.long = look;
                self.mark()
            }
            Done::Counted(counted) => {
                let is_news = std::mem::replace(&mut self.counted, counted) != self.counted;
                if !(is_news && self.abilities.refreshes) {
                    return Vec::new();
                }
                vec![self.ask(CodeLensRefresh::METHOD, Value::Null)]
            }
            Done::Told(message) => {
                let params = LogMessageParams { typ: MessageType::INFO, message };
                vec![Message::Notification(Notification::new(LogMessage::METHOD.to_owned(), params))]
            }
        }
    }

    /// Asks the editor for something; nobody waits for its answer.
    fn ask(&mut self, method: &str, params: Value) -> Message {
        self.asked += 1;
        Message::Request(Request::new(self.asked.into(), method.to_owned(), params))
    }

    /// Checks the set as far as that is quick, has the rest looked at, and gives what the editor hasn't been told yet.
    fn look(&mut self) -> Vec<Message> {
        let files = self.set.files();
        self.worker.look_at(files.clone());
        let findings = rules::check(&files).findings;
        self.quick = Look { files, findings };
        self.mark()
    }

    /// What the editor hasn't been told yet; of a mended file that there is nothing.
    fn mark(&mut self) -> Vec<Message> {
        let mut now: BTreeMap<String, Marked> = BTreeMap::new();
        for (path, list) in marks::joined(&self.quick, &self.long, &self.set) {
            if let Some(uri) = self.set.uri(&path) {
                now.insert(uri.as_str().to_owned(), (uri, list));
            }
        }
        for (name, (uri, _)) in &self.shown {
            now.entry(name.clone()).or_insert_with(|| (uri.clone(), Vec::new()));
        }
        let news = now.iter().filter(|(name, marks)| self.shown.get(*name) != Some(*marks));
        let told = news.map(|(_, (uri, list))| {
            let params = PublishDiagnosticsParams::new(uri.clone(), list.clone(), None);
            Message::Notification(Notification::new(PublishDiagnostics::METHOD.to_owned(), params))
        });
        let told = told.collect();
        now.retain(|_, (_, list)| !list.is_empty());
        self.shown = now;
        told
    }
}

/// Why something isn't answered.
type Refusal = (ErrorCode, String);
