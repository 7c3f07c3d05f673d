//! What the editor asks, answered in its terms.

use std::rc::Rc;

use lsp_server::ErrorCode;
use lsp_types::request::{
    CodeActionRequest, CodeLensRequest, Completion, DocumentSymbolRequest, Formatting, GotoDefinition, HoverRequest,
    PrepareRenameRequest, References, Rename, Request as _,
};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionParams, CodeLens, CodeLensParams, Command, CompletionItem,
    CompletionItemKind, CompletionParams, CompletionTextEdit, DocumentChanges, DocumentFormattingParams,
    DocumentSymbol, DocumentSymbolParams, Documentation, GotoDefinitionParams, Hover, HoverContents, HoverParams,
    InsertTextFormat, InsertTextMode, Location, MarkupContent, MarkupKind, OneOf,
    OptionalVersionedTextDocumentIdentifier, ReferenceParams, RenameParams, SymbolKind, TextDocumentEdit,
    TextDocumentPositionParams, TextEdit, Uri, WorkspaceEdit,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::marks::Look;
use super::place::Lines;
use super::{Refusal, Server, set};
use crate::rules::editor::{Guide, Name, NotRenamed, Offer, Outline, Place, Section, Sheet, Sort, What, outline};
use crate::rules::keys::Names;
use crate::rules::{self, RuleFile};

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| (ErrorCode::InvalidParams, error.to_string()))
}

impl Server {
    /// The answer to a request.
    pub(super) fn answered(&mut self, method: &str, params: Value) -> Result<Value, Refusal> {
        Ok(match method {
            Formatting::METHOD => json!(self.formatted(&read(params)?)),
            CodeActionRequest::METHOD => json!(self.actions(&read(params)?)),
            CodeLensRequest::METHOD => json!(self.lenses(&read(params)?)),
            HoverRequest::METHOD => json!(self.hover(&read(params)?)),
            Completion::METHOD => json!(self.completion(&read(params)?)),
            GotoDefinition::METHOD => json!(self.definition(&read(params)?)),
            References::METHOD => json!(self.references(&read(params)?)),
            DocumentSymbolRequest::METHOD => json!(self.symbols(&read(params)?)),
            PrepareRenameRequest::METHOD => json!(self.prepare_rename(&read(params)?)?),
            Rename::METHOD => json!(self.rename(&read(params)?)?),
            _ => return Err((ErrorCode::MethodNotFound, format!("{method} is not answered here"))),
        })
    }

    /// One edit of the whole file; none where it is in the style, or can't be laid out.
    fn formatted(&self, params: &DocumentFormattingParams) -> Vec<TextEdit> {
        let Some(file) = self.set.file(&params.text_document.uri) else { return Vec::new() };
        match rules::laid_out(&file) {
            Ok(laid) if laid != file.text => vec![whole(&file, laid)],
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// What a program may write in place of what is wrong in these lines; and all of it at once.
    fn actions(&self, params: &CodeActionParams) -> Vec<CodeAction> {
        let Some(path) = set::path(&params.text_document.uri) else { return Vec::new() };
        let only = params.context.only.as_deref();
        let is_asked = |kind: &CodeActionKind| only.is_none_or(|only| only.iter().any(|o| covers(o, kind)));
        let mut actions = Vec::new();
        if is_asked(&CodeActionKind::QUICKFIX) {
            // Of the longer look, what the quick one hasn't told already.
            let long = self.mends(&self.long, &path, params).filter(|_| self.long.agrees(&self.quick, &path));
            actions.extend(self.mends(&self.quick, &path, params));
            for action in long {
                if !actions.iter().any(|other: &CodeAction| other.title == action.title && other.edit == action.edit) {
                    actions.push(action);
                }
            }
        }
        // It costs a check for each round of mends, so it is made only for who asks for it.
        if only.is_some() && is_asked(&CodeActionKind::SOURCE_FIX_ALL) {
            actions.extend(self.mend_all());
        }
        actions
    }

    fn mends<'l>(
        &'l self,
        look: &'l Look,
        path: &'l str,
        params: &'l CodeActionParams,
    ) -> impl Iterator<Item = CodeAction> + 'l {
        let of_file = look.findings.iter().filter(move |finding| finding.file == path && finding.waived.is_none());
        of_file.filter_map(move |finding| {
            let fix = finding.fix.as_ref()?;
            let file = look.files.get(finding.span.file)?;
            let lines = Lines::new(&file.text);
            let range = lines.range(&finding.span.range());
            if range.end.line < params.range.start.line || params.range.end.line < range.start.line {
                return None;
            }
            let meant =
                |mark: &&lsp_types::Diagnostic| mark.range == range && mark.message.starts_with(&finding.message);
            let marks = self.shown.values().flat_map(|(_, marks)| marks);
            Some(CodeAction {
                title: format!("Write `{}`", fix.replacement.trim()),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(marks.filter(meant).cloned().collect()),
                edit: Some(workspace_edit(vec![self.document_edit(
                    params.text_document.uri.clone(),
                    vec![TextEdit::new(lines.range(&fix.span.range()), fix.replacement.clone())],
                )])),
                is_preferred: Some(true),
                ..CodeAction::default()
            })
        })
    }

    /// As `check --fix` mends the set.
    fn mend_all(&self) -> Option<CodeAction> {
        let files = &self.quick.files;
        let mended = rules::mend(files, &rules::check);
        let changed = files.iter().zip(&mended.files).filter(|(before, after)| before.text != after.text);
        let edits: Vec<_> = changed
            .filter_map(|(before, after)| {
                Some(self.document_edit(self.set.uri(&before.path)?, vec![whole(before, after.text.clone())]))
            })
            .collect();
        (!edits.is_empty()).then(|| CodeAction {
            title: "Mend what needs no question".to_owned(),
            kind: Some(CodeActionKind::SOURCE_FIX_ALL),
            edit: Some(workspace_edit(edits)),
            ..CodeAction::default()
        })
    }

    /// Above each rule how many events it would match, where that is known.
    fn lenses(&mut self, params: &CodeLensParams) -> Vec<CodeLens> {
        let sheets = self.set.sheets();
        let Some(sheet) = current(&sheets, &params.text_document.uri) else { return Vec::new() };
        let (rules, events) = &self.counted;
        let lines = Lines::new(&sheet.file.text);
        let ids = sheet.names().filter(|(name, _)| name.names == Names::Rule && name.defines);
        ids.filter_map(|(name, bytes)| {
            let matched = rules.get(&name.text)?;
            let title = format!("would match {matched} of the last {events} events");
            let command = Command { title, command: String::new(), arguments: None };
            Some(CodeLens { range: lines.range(bytes), command: Some(command), data: None })
        })
        .collect()
    }

    fn hover(&mut self, params: &HoverParams) -> Option<Hover> {
        let sheets = self.set.sheets();
        let (sheet, byte) = at(&sheets, &params.text_document_position_params)?;
        let (bytes, text) = guide(&sheets).hover(sheet, byte)?;
        let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value: text });
        Some(Hover { contents, range: Some(Lines::new(&sheet.file.text).range(&bytes)) })
    }

    fn completion(&mut self, params: &CompletionParams) -> Vec<CompletionItem> {
        let at = &params.text_document_position;
        let Some(file) = self.set.file(&at.text_document.uri) else { return Vec::new() };
        let lines = Lines::new(&file.text);
        let sheets = self.set.sheets();
        let offers = guide(&sheets).complete(&file, lines.byte(at.position));
        let range = lines.range(&offers.bytes);
        let wanted = |offer: &Offer| self.abilities.snippets || offer.sort != Sort::Skeleton;
        let offers = offers.list.into_iter().filter(wanted).enumerate();
        offers.map(|(place, offer)| item(offer, place, range)).collect()
    }

    fn definition(&mut self, params: &GotoDefinitionParams) -> Vec<Location> {
        let sheets = self.set.sheets();
        let Some(name) = name_at(&sheets, &params.text_document_position_params) else { return Vec::new() };
        guide(&sheets).definitions(name).into_iter().filter_map(|place| self.location(&place)).collect()
    }

    fn references(&mut self, params: &ReferenceParams) -> Vec<Location> {
        let sheets = self.set.sheets();
        let Some(name) = name_at(&sheets, &params.text_document_position) else { return Vec::new() };
        let guide = guide(&sheets);
        let places = guide.places(name);
        let wanted = places.filter(|(_, used)| params.context.include_declaration || !used.defines);
        wanted.filter_map(|(place, _)| self.location(&place)).collect()
    }

    fn symbols(&mut self, params: &DocumentSymbolParams) -> Vec<DocumentSymbol> {
        let sheets = self.set.sheets();
        let Some(sheet) = current(&sheets, &params.text_document.uri) else { return Vec::new() };
        let lines = Lines::new(&sheet.file.text);
        outline(sheet).into_iter().map(|part| symbol(part, &lines)).collect()
    }

    fn prepare_rename(&mut self, params: &TextDocumentPositionParams) -> Result<Value, Refusal> {
        let sheets = self.set.sheets();
        let Some((sheet, byte)) = at(&sheets, params) else { return Ok(Value::Null) };
        let (name, bytes) = guide(&sheets).renamable(sheet, byte).map_err(|why| refused(&why))?;
        Ok(json!({ "range": Lines::new(&sheet.file.text).range(&bytes), "placeholder": name.text }))
    }

    fn rename(&mut self, params: &RenameParams) -> Result<WorkspaceEdit, Refusal> {
        let sheets = self.set.sheets();
        if let Some(file) = self.set.files().iter().find(|file| !sheets.iter().any(|sheet| sheet.file == **file)) {
            // A name in it would be left behind.
            return Err((ErrorCode::RequestFailed, format!("{} can't be read now; mend it first", file.path)));
        }
        let guide = guide(&sheets);
        let at = at(&sheets, &params.text_document_position);
        let (sheet, byte) = at.ok_or((ErrorCode::RequestFailed, "this file isn't open".to_owned()))?;
        let (name, _) = guide.renamable(sheet, byte).map_err(|why| refused(&why))?;
        let mut edits: Vec<TextDocumentEdit> = Vec::new();
        for edit in guide.renamed(name, &params.new_name).map_err(|why| refused(&why))? {
            let Some(Location { uri, range }) = self.location(&edit.place) else { continue };
            let text = TextEdit::new(range, edit.text);
            match edits.iter_mut().find(|known| known.text_document.uri == uri) {
                Some(known) => known.edits.push(OneOf::Left(text)),
                None => edits.push(self.document_edit(uri, vec![text])),
            }
        }
        Ok(workspace_edit(edits))
    }

    /// Of the text that the editor is known to have.
    fn document_edit(&self, uri: Uri, edits: Vec<TextEdit>) -> TextDocumentEdit {
        TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier { version: self.set.version(&uri), uri },
            edits: edits.into_iter().map(OneOf::Left).collect(),
        }
    }

    fn location(&self, place: &Place<'_>) -> Option<Location> {
        let file = &place.sheet.file;
        Some(Location { uri: self.set.uri(&file.path)?, range: Lines::new(&file.text).range(&place.bytes) })
    }
}

fn refused(why: &NotRenamed) -> Refusal {
    (ErrorCode::RequestFailed, why.to_string())
}

fn guide(sheets: &[Rc<Sheet>]) -> Guide<'_> {
    Guide::new(sheets.iter().map(Rc::as_ref).collect())
}

/// A file as it could be read the last time.
fn current<'s>(sheets: &'s [Rc<Sheet>], uri: &Uri) -> Option<&'s Sheet> {
    let path = set::path(uri)?;
    sheets.iter().map(Rc::as_ref).find(|sheet| sheet.file.path == path)
}

fn at<'s>(sheets: &'s [Rc<Sheet>], params: &TextDocumentPositionParams) -> Option<(&'s Sheet, usize)> {
    let sheet = current(sheets, &params.text_document.uri)?;
    Some((sheet, Lines::new(&sheet.file.text).byte(params.position)))
}

fn name_at<'s>(sheets: &'s [Rc<Sheet>], params: &TextDocumentPositionParams) -> Option<&'s Name> {
    let (sheet, byte) = at(sheets, params)?;
    match &sheet.at(byte)?.what {
        What::Name(name) => Some(name),
        _ => None,
    }
}

/// `source` covers `source.fixAll`.
fn covers(wide: &CodeActionKind, kind: &CodeActionKind) -> bool {
    let rest = kind.as_str().strip_prefix(wide.as_str());
    rest.is_some_and(|rest| wide.as_str().is_empty() || rest.is_empty() || rest.starts_with('.'))
}

fn whole(file: &RuleFile, text: String) -> TextEdit {
    TextEdit::new(Lines::new(&file.text).range(&(0..file.text.len())), text)
}

fn workspace_edit(edits: Vec<TextDocumentEdit>) -> WorkspaceEdit {
    WorkspaceEdit { document_changes: Some(DocumentChanges::Edits(edits)), ..WorkspaceEdit::default() }
}

fn item(offer: Offer, place: usize, range: lsp_types::Range) -> CompletionItem {
    let is_skeleton = offer.sort == Sort::Skeleton;
    let about = MarkupContent { kind: MarkupKind::Markdown, value: offer.about };
    CompletionItem {
        label: offer.label,
        kind: Some(match offer.sort {
            Sort::Key => CompletionItemKind::PROPERTY,
            Sort::Name(_) => CompletionItemKind::REFERENCE,
            Sort::Choice => CompletionItemKind::ENUM_MEMBER,
            Sort::Word => CompletionItemKind::KEYWORD,
            Sort::Skeleton => CompletionItemKind::SNIPPET,
        }),
        detail: Some(offer.detail),
        documentation: (!about.value.is_empty()).then_some(Documentation::MarkupContent(about)),
        // The table has keys in the order in which they are best written.
        sort_text: Some(format!("{place:04}")),
        insert_text_format: is_skeleton.then_some(InsertTextFormat::SNIPPET),
        // Lines are indented already.
        insert_text_mode: Some(InsertTextMode::AS_IS),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range, offer.insert))),
        ..CompletionItem::default()
    }
}

#[expect(deprecated, reason = "the library's type has no other way to be made")]
fn symbol(part: Outline, lines: &Lines<'_>) -> DocumentSymbol {
    let below: Vec<_> = part.below.into_iter().map(|part| symbol(part, lines)).collect();
    DocumentSymbol {
        // An editor refuses a symbol without a name.
        name: if part.name.is_empty() { "(no name)".to_owned() } else { part.name },
        detail: (!part.about.is_empty()).then_some(part.about),
        kind: match part.section {
            Section::Top => SymbolKind::NAMESPACE,
            Section::Source => SymbolKind::INTERFACE,
            Section::Connection => SymbolKind::OBJECT,
            Section::Rule => SymbolKind::EVENT,
            Section::Value => SymbolKind::CONSTANT,
            Section::Condition => SymbolKind::BOOLEAN,
            Section::Hours => SymbolKind::ARRAY,
            Section::Test => SymbolKind::METHOD,
        },
        tags: None,
        deprecated: None,
        range: lines.range(&part.bytes),
        selection_range: lines.range(&part.at),
        children: (!below.is_empty()).then_some(below),
    }
}
