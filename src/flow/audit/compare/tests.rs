//! Comparing, without a store and without a provider.

use super::*;
use crate::domain::change::{Ord, Terms};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::name::{ConnectionName, RuleId};
use crate::store::{Timer, Word};

const NOW: Timestamp = Timestamp(1_000);

fn tag(name: &str) -> TagName {
    TagName::parse(name).expect("a tag")
}

fn id(ord: u64) -> ChangeId {
    ChangeId { ord: Ord(ord), index: 0 }
}

fn contact() -> Contact {
    let connection = ConnectionName::parse("crm").expect("a name");
    Contact { connection, reference: ContactRef::Id("7".to_owned()) }
}

fn change(effect: Effect) -> Change {
    Change::plain(contact(), effect, RuleId::parse("a").expect("a name"))
}

/// A word on a tag: `-tag` wants it gone.
fn word(ord: u64, name: &str, how: Settled) -> (TagName, Blame) {
    let (wants, name) = name.strip_prefix('-').map_or((true, name), |name| (false, name));
    let rule = RuleId::parse("a").expect("a name");
    let word =
        Word { id: id(ord), wants, how, rule, at: Timestamp(500), delivery: 1, ends: None, whence: None, call: None };
    (tag(name), Blame { word, source: None, rule_set: None, note: String::new(), reason: String::new(), attempt: None })
}

fn standing(tags: Vec<(TagName, Blame)>, waits: Vec<(ChangeId, Change)>) -> Standing {
    let view = ContactView {
        known_as: vec![contact()],
        tags,
        fields: Vec::new(),
        timers: Vec::new(),
        letters: Vec::new(),
        more_letters: false,
    };
    let taken = Taken { changes: waits, ..Taken::default() };
    Standing { view, waits: vec![taken] }
}

fn has(names: &[&str]) -> BTreeSet<TagName> {
    names.iter().map(|name| tag(name)).collect()
}

/// What is found, as `Lead drifted`.
fn found(standing: &Standing, names: &[&str]) -> Vec<String> {
    told(&compare(standing, &[], &has(names), Proof::Certain, NOW))
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.tag, finding.found.word())).collect()
}

#[test]
fn what_is_as_we_left_it_is_no_finding() {
    let words = vec![word(1, "Lead", Settled::Applied), word(2, "-Cold", Settled::Already)];
    let standing = standing(words, Vec::new());
    assert_eq!(found(&standing, &["Lead", "Partner"]), [""; 0]);
    assert_eq!(strange(&standing, has(&["Lead", "Partner"])), [tag("Partner")]);
    assert!(strange(&standing, has(&["Cold"])).is_empty(), "we had a word on it, if only that it shall go");
}

#[test]
fn a_tag_that_went_and_one_that_came_back_have_drifted() {
    let words = vec![word(1, "Lead", Settled::Applied), word(2, "-Cold", Settled::Applied)];
    let standing = standing(words, Vec::new());
    assert_eq!(found(&standing, &["Cold"]), ["Lead drifted", "Cold drifted"]);
}

#[test]
fn what_never_was_so_has_not_drifted() {
    let standing = standing(vec![word(1, "Lead", Settled::Dead)], Vec::new());
    assert_eq!(found(&standing, &[]), ["Lead discarded"], "there is no letter any more");
    let more = Standing { view: ContactView { more_letters: true, ..standing.view.clone() }, ..standing.clone() };
    assert_eq!(found(&more, &[]), ["Lead dead"], "it may be one of those that aren't listed");
    assert_eq!(found(&standing, &["Lead"]), [""; 0], "somebody did what we could not");
}

#[test]
fn what_waits_is_said_to_wait_whatever_the_last_word_was() {
    for how in [Settled::Applied, Settled::Dead] {
        let waits = vec![(id(8), change(Effect::RemoveTag(tag("Lead")))), (id(9), change(Effect::AddTag(tag("Lead"))))];
        let standing = standing(vec![word(1, "Lead", how)], waits);
        let findings = compare(&standing, &[], &has(&[]), Proof::Certain, NOW);
        assert_eq!(findings.first().map(|finding| finding.found), Some(Found::Waits(id(9))));
    }
}

#[test]
fn an_exclusive_add_that_waits_may_have_taken_others_away_already() {
    let terms = Terms { exclusive: vec!["stage:*".to_owned()], ..Terms::default() }.boxed();
    let add = Change { terms, ..change(Effect::AddTag(tag("stage:won"))) };
    let words = vec![word(1, "stage:new", Settled::Applied), word(2, "Lead", Settled::Applied)];
    assert_eq!(found(&standing(words, vec![(id(9), add)]), &[]), ["stage:new waiting", "Lead drifted"]);
}

#[test]
fn a_success_that_proves_nothing_accuses_nobody() {
    let words =
        vec![word(1, "Lead", Settled::Applied), word(2, "VIP", Settled::Already), word(3, "-Cold", Settled::Applied)];
    let findings = compare(&standing(words, Vec::new()), &[], &has(&["Cold"]), Proof::Open, NOW);
    assert_eq!(told(&findings), ["Lead unproven", "VIP drifted", "Cold drifted"]);
}

#[test]
fn what_the_connection_forbids_is_told_and_did_not_drift() {
    let guarded = |standing: &Standing, names: &[&str]| {
        let mut findings = compare(standing, &[], &has(names), Proof::Certain, NOW);
        guard(&mut findings, &[tag("Opt-out")], &has(names));
        let by = findings.iter().find_map(|finding| finding.forbidden_by.clone());
        (told(&findings), by)
    };
    let lead = standing(vec![word(1, "Lead", Settled::Applied), word(1, "-Cold", Settled::Applied)], Vec::new());
    let found = ["Lead guarded".to_owned(), "Cold drifted".to_owned()];
    assert_eq!(guarded(&lead, &["Cold", "Opt-out"]), (found.to_vec(), Some(tag("Opt-out"))));
    assert_eq!(guarded(&lead, &[]), (vec!["Lead drifted".to_owned()], None));
    let words = vec![word(1, "Lead", Settled::Applied), word(2, "-Opt-out", Settled::Applied)];
    let both = standing(words, Vec::new());
    let found = ["Lead drifted".to_owned(), "Opt-out drifted".to_owned()];
    assert_eq!(guarded(&both, &["Opt-out"]), (found.to_vec(), None), "it goes first");
}

#[test]
fn a_tag_whose_time_is_over_is_to_be_gone() {
    let mut standing = standing(vec![word(1, "Hot", Settled::Applied)], Vec::new());
    let timer = |due| Timer { due: Timestamp(due), add: id(1), remove: change(Effect::RemoveTag(tag("Hot"))) };
    standing.view.timers = vec![timer(1_000)];
    assert_eq!(found(&standing, &[]), [""; 0]);
    standing.view.timers = vec![timer(1_001)];
    assert_eq!(found(&standing, &[]), ["Hot drifted"]);
    assert_eq!(standing.ends(id(1)), Some(Timestamp(1_001)));
}

#[test]
fn what_we_did_while_the_provider_was_asked_accuses_nobody() {
    let words = |ord| vec![word(ord, "Lead", Settled::Applied)];
    let before = standing(words(1), Vec::new());
    let findings = compare(&before, &[], &has(&[]), Proof::Certain, NOW);
    assert_eq!(told(&confirm(findings.clone(), &before)), ["Lead drifted"]);
    assert_eq!(told(&confirm(findings.clone(), &standing(words(2), Vec::new()))), [""; 0]);
    let waits = vec![(id(2), change(Effect::RemoveTag(tag("Lead"))))];
    assert_eq!(told(&confirm(findings, &standing(words(1), waits))), ["Lead waiting"]);
}

#[test]
fn a_tag_that_a_later_one_of_its_exclusive_set_has_driven_out_has_not_drifted() {
    let words = vec![word(1, "stage:new", Settled::Applied), word(2, "stage:won", Settled::Applied)];
    let standing = standing(words, Vec::new());
    let sets = [vec!["stage:*".to_owned()]];
    let told = |sets: &[Vec<String>]| told(&compare(&standing, sets, &has(&["stage:won"]), Proof::Certain, NOW));
    assert_eq!((told(&sets), told(&[])), (Vec::<String>::new(), vec!["stage:new drifted".to_owned()]));
}
