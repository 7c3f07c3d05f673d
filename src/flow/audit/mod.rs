//! Audit: whether the tags at the provider are still what we brought about, a bounded page of contacts at a time.
//!
//! Contacts are read within what deliveries leave unused of their account's allowance. Nothing is kept between two pages: the cursor
//! says where to go on, and who goes away leaves nothing behind.

mod compare;
mod read;
mod repair;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::converge::Account;
use super::gateway::Gateway;
use crate::clock;
use crate::domain::connection::MissingTags;
use crate::domain::contact::{Contact, ContactKey, ContactRef};
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::store::{ContactQuery, StoreError};
pub use compare::{Finding, Found};
use compare::{Proof, Standing, compare, confirm, decides, guard, strange};
use read::{Read, Step, Way, read};
pub use repair::{NAME, Repair};

/// For how long one page goes on reading, waiting for an unused start included.
const PATIENCE: Duration = Duration::from_secs(5);
/// After so many failures in a row the provider is ill, and the rest would fare no better.
const FAILURES: usize = 3;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where.
    pub connection: ConnectionName,
    /// Only this contact.
    pub contact: Option<ContactRef>,
    /// Only those with a greater key.
    pub after: Option<ContactKey>,
    /// At most so many contacts.
    pub limit: usize,
    /// Whether what drifted is asked for again.
    pub repair: bool,
    /// Who asks for that, or why: it stands in the note of each repair.
    pub note: String,
}

/// Why nothing can be audited at all.
#[derive(Debug, thiserror::Error)]
pub enum NotAudited {
    /// There is no such connection.
    #[error("there is no connection of this name")]
    NoConnection,
    /// We never had a word on a tag of this contact.
    #[error("we never had a word on a tag of {0}")]
    Unknown(ContactRef),
    /// The store can't be asked now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a contact was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// As we left it.
    Clean,
    /// Somebody else has changed a tag since.
    Drifted,
    /// It differs, and that is no other hand's doing.
    Explained,
    /// The provider doesn't know it any more.
    Lost,
    /// It could not be read.
    Unread,
    /// It never can be: its provider tells nobody's tags by what it is known by.
    Unreadable,
}

impl State {
    /// The word of the API and of metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Drifted => "drifted",
            Self::Explained => "explained",
            Self::Lost => "lost",
            Self::Unread => "unread",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A contact that was looked at.
#[derive(Debug, Clone)]
pub struct Audited {
    /// Who.
    pub contact: Contact,
    /// By what else it is known, itself included.
    pub known_as: Vec<Contact>,
    /// How it was found.
    pub state: State,
    /// Why it could not be read, or how it was lost.
    pub reason: String,
    /// When it was read.
    pub at: Option<Timestamp>,
    /// What isn't as our last words want it.
    pub findings: Vec<Finding>,
    /// Tags that we never had a word on.
    pub strange: Vec<TagName>,
    /// Changes that wait for it.
    pub waiting: usize,
    /// What drifted and is asked for again.
    pub repaired: Option<Repair>,
}

/// Why the next contact isn't read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// Why nobody more is read at this connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// `no_tags`, `dry_run`, `paused`, `refused`, `failing`, `no_allowance`.
    pub word: &'static str,
    /// Why, for people.
    pub reason: String,
}

/// What one page came to.
#[derive(Debug, Default)]
pub struct Page {
    /// The contacts that were looked at.
    pub items: Vec<Audited>,
    /// Where to go on; `None` at the end.
    pub next: Option<ContactKey>,
    /// Why the page ended early and may be asked for again.
    pub waits: Option<Waits>,
    /// Why it is of no use to go on.
    pub stopped: Option<Stopped>,
}

/// Whom a page is about.
struct Batch {
    contacts: Vec<Contact>,
    /// Where the one after it begins.
    next: Option<ContactKey>,
}

/// Audits the next contacts.
pub async fn page(gateway: &Gateway, asked: &Asked) -> Result<Page, NotAudited> {
    let accounts = gateway.deliveries.accounts();
    let account = accounts.into_iter().find(|account| account.config.name == asked.connection);
    let account = account.ok_or(NotAudited::NoConnection)?;
    // A page that nobody was read for goes on where it began.
    let mut page = Page { next: Some(asked.after.unwrap_or(ContactKey([0; 16]))), ..Page::default() };
    match standstill(gateway, &account).await {
        Some(Err(stopped)) => return Ok(Page { stopped: Some(stopped), ..page }),
        Some(Ok(waits)) => return Ok(Page { waits: Some(waits), ..page }),
        None => {}
    }
    let deadline = clock::now().plus(PATIENCE);
    let batch = batch(gateway, asked).await?;
    let mut failed = 0;
    for contact in batch.contacts {
        if clock::now() > deadline {
            return Ok(page);
        }
        let key = contact.key();
        let standing = stand(gateway, &contact).await?;
        if !standing.view.tags.is_empty() {
            let way = Way::to(&account, &contact, &standing.view.known_as);
            let step = read(gateway, &account, &contact, &way, deadline).await?;
            failed = if matches!(step, Step::Read(Read::Failed(_))) { failed + 1 } else { 0 };
            match step {
                Step::Waits(waits) => return Ok(Page { waits: Some(waits), ..page }),
                Step::Stopped(stopped) => return Ok(Page { stopped: Some(stopped), ..page }),
                Step::Read(Read::Failed(reason)) if failed == FAILURES => {
                    let stopped = Stopped { word: "failing", reason };
                    return Ok(Page { stopped: Some(stopped), ..page });
                }
                Step::Read(read) => page.items.push(audited(gateway, &account, asked, contact, standing, read).await?),
            }
        } else if asked.contact.is_some() {
            return Err(NotAudited::Unknown(contact.reference));
        }
        page.next = Some(key);
    }
    page.next = batch.next;
    Ok(page)
}

/// Why nobody is read there at all (the error), or not now.
async fn standstill(gateway: &Gateway, account: &Account) -> Option<Result<Waits, Stopped>> {
    let config = &account.config;
    let stopped = |word, reason: String| Some(Err(Stopped { word, reason }));
    if config.provider.capabilities().tags_per_call == 0 {
        return stopped("no_tags", format!("{} knows no tags", config.provider.name()));
    }
    if config.dry_run {
        return stopped("dry_run", "it is on `dry_run`, which calls nobody".to_owned());
    }
    let lanes = gateway.deliveries.status().await;
    let lane = lanes.into_iter().find(|lane| lane.name == config.name)?;
    let reason = lane.reason.unwrap_or_default();
    match lane.state {
        "paused" => stopped("paused", format!("it is paused: {reason}")),
        "open" | "half-open" => stopped("failing", format!("its breaker is open: {reason}")),
        // What was called before isn't counted yet.
        "starting" => Some(Ok(Waits { until: None, reason })),
        _ => None,
    }
}

/// The contacts of a page: people with an id there, since only they have tags that can be read.
async fn batch(gateway: &Gateway, asked: &Asked) -> Result<Batch, NotAudited> {
    let reader = gateway.store.reader();
    let has_id = |contact: &Contact| matches!(contact.reference, ContactRef::Id(_));
    let Some(reference) = &asked.contact else {
        let connection = Some(asked.connection.to_string());
        let query = ContactQuery { after: asked.after, connection, dead: false, limit: asked.limit };
        let found = reader.contacts(query).await?;
        let next = found.next.and_then(|next| hex::decode(next).ok()).map(|bytes| ContactKey::from_hash(&bytes));
        return Ok(Batch { contacts: found.items.into_iter().map(|one| one.contact).filter(has_id).collect(), next });
    };
    let contact = Contact { connection: asked.connection.clone(), reference: reference.clone() };
    if has_id(&contact) {
        return Ok(Batch { contacts: vec![contact], next: None });
    }
    let mut contacts = reader.contact(contact.clone()).await?.known_as;
    contacts.retain(has_id);
    // Where nobody was found, that is what there is to say.
    contacts.extend(contacts.is_empty().then_some(contact));
    Ok(Batch { contacts, next: None })
}

async fn stand(gateway: &Gateway, contact: &Contact) -> Result<Standing, StoreError> {
    let view = gateway.store.reader().contact(contact.clone()).await?;
    let mut waits = Vec::new();
    for known in &view.known_as {
        waits.push(gateway.look(known).await?);
    }
    Ok(Standing { view, waits })
}

/// Makes of what was read what is told of the contact, and asks for what drifted where that is wished.
async fn audited(
    gateway: &Gateway,
    account: &Arc<Account>,
    asked: &Asked,
    contact: Contact,
    standing: Standing,
    read: Read,
) -> Result<Audited, StoreError> {
    let mut told = Audited {
        known_as: standing.view.known_as.clone(),
        state: State::Clean,
        reason: String::new(),
        at: None,
        findings: Vec::new(),
        strange: Vec::new(),
        waiting: standing.waiting(),
        repaired: None,
        contact,
    };
    match read {
        Read::Tags(tags, at) => {
            told.at = Some(at);
            let has: BTreeSet<TagName> = tags.into_iter().collect();
            let proof = match account.config.missing_tags {
                MissingTags::Create => Proof::Certain,
                MissingTags::Skip => Proof::Open,
            };
            told.findings = compare(&standing, &account.config.exclusive, &has, proof, at);
            guard(&mut told.findings, &account.config.unless_tagged, &has);
            told.strange = strange(&standing, has);
            if !told.findings.is_empty() {
                let again = stand(gateway, &told.contact).await?;
                told.findings = confirm(told.findings, &again);
                told.waiting = again.waiting();
            }
            let is_otherwise = |finding: &Finding| finding.found.is_otherwise();
            if told.findings.iter().any(is_otherwise) || told.strange.iter().any(|tag| decides(tag, &account.config)) {
                tell_owner(gateway, &told.contact).await?;
            }
            let has_drifted = told.findings.iter().any(|finding| finding.found == Found::Drifted);
            told.state = match (has_drifted, told.findings.is_empty()) {
                (true, _) => State::Drifted,
                (false, false) => State::Explained,
                (false, true) => State::Clean,
            };
            if has_drifted && asked.repair {
                told.repaired = repair::repair(gateway, &told.contact, &standing, &told.findings, &asked.note).await?;
            }
        }
        Read::Lost(reason) => {
            tell_owner(gateway, &told.contact).await?;
            (told.state, told.reason) = (State::Lost, reason);
        }
        Read::Unreadable(reason) => (told.state, told.reason) = (State::Unreadable, reason),
        Read::Unread(reason) | Read::Failed(reason) => (told.state, told.reason) = (State::Unread, reason),
    }
    gateway.metrics.audited(&told.contact.connection, told.state.word());
    Ok(told)
}

/// Whichever gateway has the contact knows it as it was: what is asked for next would seem to be so already.
async fn tell_owner(gateway: &Gateway, contact: &Contact) -> Result<(), StoreError> {
    gateway.store.outdated(vec![(contact.key(), contact.connection.clone())]).await
}
