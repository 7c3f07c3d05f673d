//! What is known, and what isn't.

use super::*;

const KEY: ContactKey = ContactKey([7; 16]);
const TTL: Duration = Duration::from_millis(100);

fn tag(name: &str) -> TagName {
    TagName::parse(name).expect("a tag")
}

fn at(millis: i64) -> Timestamp {
    Timestamp(millis)
}

#[test]
fn facts_age_each_on_its_own() {
    let knowledge = Knowledge::new();
    knowledge.learn_whole(KEY, &[tag("a")], at(1000));
    knowledge.learn(KEY, &tag("b"), true, at(1050));
    let get = |now, name: &str| knowledge.known(KEY, at(now), TTL).get(&tag(name));
    assert_eq!((get(1099, "a"), get(1099, "b"), get(1099, "c")), (Some(true), Some(true), Some(false)));
    assert_eq!((get(1100, "a"), get(1100, "b"), get(1100, "c")), (None, Some(true), None));
    assert_eq!(get(1150, "b"), None);
    assert_eq!(get(999, "a"), None, "the clock was set back");
    assert_eq!(knowledge.known(KEY, at(1000), Duration::ZERO), KnownTags::nothing());
}

#[test]
fn an_old_fact_about_a_tag_does_not_bring_back_an_older_list() {
    let knowledge = Knowledge::new();
    knowledge.learn_whole(KEY, &[tag("a")], at(1000));
    knowledge.doubt(KEY, &[tag("a")], at(1000));
    assert_eq!(knowledge.known(KEY, at(1001), TTL).get(&tag("a")), None);
    knowledge.learn(KEY, &tag("a"), false, at(1010));
    assert_eq!(knowledge.known(KEY, at(1011), TTL).get(&tag("a")), Some(false));
}

#[test]
fn facts_that_come_late_change_nothing_where_they_agree_and_leave_a_doubt_where_they_do_not() {
    let knowledge = Knowledge::new();
    let get = |name: &str| knowledge.known(KEY, at(1060), TTL).get(&tag(name));
    knowledge.learn(KEY, &tag("b"), true, at(1050));
    knowledge.learn_whole(KEY, &[], at(1000));
    knowledge.learn(KEY, &tag("b"), true, at(1040));
    assert_eq!((get("b"), get("a")), (Some(true), Some(false)));
    knowledge.learn(KEY, &tag("b"), false, at(1040));
    assert_eq!((get("b"), get("a")), (None, Some(false)), "both calls were under way");
    knowledge.learn_whole(KEY, &[tag("a"), tag("c")], at(1060));
    assert_eq!((get("b"), get("a")), (Some(false), Some(true)), "a later call has seen what came of both");
    knowledge.learn_whole(KEY, &[tag("c")], at(1055));
    assert_eq!(
        (get("a"), get("b"), get("c")),
        (None, Some(false), Some(true)),
        "where two lists differ nobody can say"
    );
}

#[test]
fn a_list_that_was_asked_for_before_a_call_ended_in_doubt_does_not_clear_the_doubt() {
    let knowledge = Knowledge::new();
    knowledge.doubt(KEY, &[tag("a")], at(1010));
    knowledge.learn_whole(KEY, &[], at(1005));
    let get = || knowledge.known(KEY, at(1020), TTL).get(&tag("a"));
    assert_eq!(get(), None);
    knowledge.learn_whole(KEY, &[], at(1010));
    assert_eq!(get(), Some(false));
}

#[test]
fn doubt_lasts_until_the_next_fact() {
    let knowledge = Knowledge::new();
    knowledge.doubt(KEY, &[tag("a")], at(1000));
    assert_eq!(knowledge.known(KEY, at(1000), TTL).get(&tag("a")), None);
    knowledge.learn_whole(KEY, &[tag("a")], at(1000));
    assert_eq!(knowledge.known(KEY, at(1000), TTL).get(&tag("a")), Some(true));
    knowledge.forget(KEY);
    assert_eq!(knowledge.known(KEY, at(1000), TTL), KnownTags::nothing());
}

#[test]
fn an_answer_to_a_call_from_before_somebody_elses_change_is_not_believed() {
    let knowledge = Knowledge::new();
    knowledge.learn(KEY, &tag("a"), true, at(1000));
    knowledge.outdate(KEY, at(1010), at(1500));
    let get = || knowledge.known(KEY, at(1020), TTL).get(&tag("a"));
    assert_eq!(get(), None);
    knowledge.learn(KEY, &tag("a"), true, at(1005));
    knowledge.learn_whole(KEY, &[tag("a")], at(1010));
    assert_eq!(get(), None, "both began by then");
    knowledge.outdate(KEY, at(1000), at(1500));
    knowledge.learn(KEY, &tag("a"), true, at(1010));
    assert_eq!(get(), None, "what was heard first came last");
    knowledge.learn(ContactKey([8; 16]), &tag("a"), true, at(1005));
    assert_eq!(knowledge.known(ContactKey([8; 16]), at(1020), TTL).get(&tag("a")), Some(true), "another contact");
    knowledge.learn_whole(KEY, &[], at(1011));
    assert_eq!(get(), Some(false));
}

#[test]
fn what_was_learnt_since_somebody_elses_change_stays_known_when_it_is_heard_of() {
    let knowledge = Knowledge::new();
    knowledge.learn_whole(KEY, &[tag("old")], at(1000));
    knowledge.learn(KEY, &tag("new"), true, at(1011));
    knowledge.outdate(KEY, at(1010), at(1500));
    let get = |name| knowledge.known(KEY, at(1020), TTL).get(&tag(name));
    assert_eq!((get("old"), get("new"), get("other")), (None, Some(true), None));
    knowledge.learn_whole(KEY, &[tag("new")], at(1012));
    knowledge.outdate(KEY, at(1011), at(1500));
    assert_eq!((get("old"), get("new")), (Some(false), Some(true)));
    knowledge.outdate(KEY, at(1012), at(1500));
    assert_eq!((get("old"), get("new")), (None, None));
    // Then the clock was set back: nobody can say whether it was learnt before or after.
    knowledge.learn(KEY, &tag("new"), true, at(1019));
    knowledge.outdate(KEY, at(1013), at(1014));
    assert_eq!(get("new"), None);
}

#[test]
fn of_too_many_changes_by_others_the_newest_speaks_for_all() {
    let knowledge = Knowledge::new();
    knowledge.outdate(KEY, at(1010), at(1500));
    for n in 0..OUTDATED {
        let mut key = [9; 16];
        key[..8].copy_from_slice(&n.to_be_bytes());
        knowledge.outdate(ContactKey(key), at(1000), at(1500));
    }
    assert!(knowledge.outdated().of.len() <= OUTDATED);
    knowledge.learn(KEY, &tag("a"), true, at(1010));
    assert_eq!(knowledge.known(KEY, at(1020), TTL).get(&tag("a")), None);
    knowledge.learn(KEY, &tag("a"), true, at(1011));
    assert_eq!(knowledge.known(KEY, at(1020), TTL).get(&tag("a")), Some(true));
}

#[test]
fn another_account_begins_without_knowledge_and_leaves_the_first_its_own() {
    let knowledge = Knowledge::new();
    knowledge.learn(KEY, &tag("a"), true, at(1000));
    let other = knowledge.anew();
    assert_eq!(other.known(KEY, at(1001), TTL), KnownTags::nothing());
    other.learn(KEY, &tag("a"), false, at(1001));
    assert_eq!(knowledge.known(KEY, at(1002), TTL).get(&tag("a")), Some(true));
    assert_eq!(other.anew().known(KEY, at(1002), TTL), KnownTags::nothing());
}

#[test]
fn a_contact_with_many_tags_weighs_more() {
    let many: BTreeSet<TagName> = (0..1000).map(|n| tag(&format!("tag {n}"))).collect();
    let facts = Facts { whole: Some((at(0), many)), ..Facts::default() };
    assert!(facts.weight() > 60_000);
    assert_eq!(Entry::default().weight(), LEAST_WEIGHT);
}

#[test]
fn what_news_told_is_never_known_and_what_it_repeats_stays_known_for_longer() {
    let knowledge = Knowledge::new();
    let get = |now| knowledge.known(KEY, at(now), TTL).get(&tag("a"));
    knowledge.hear(KEY, &News::All([tag("a")].into()), &[], at(1000));
    knowledge.confirm(KEY, &[(tag("a"), true)], at(1000), TTL);
    assert_eq!(get(1000), None, "nothing is learnt from news");
    assert_eq!(knowledge.last_known(KEY).all(), KnownTags::whole([tag("a")]));
    knowledge.learn(KEY, &tag("a"), true, at(1010));
    knowledge.confirm(KEY, &[(tag("a"), true)], at(1050), TTL);
    assert_eq!((get(1149), get(1150)), (Some(true), None));
    knowledge.confirm(KEY, &[(tag("a"), true)], at(1160), TTL);
    assert_eq!(get(1161), None, "what isn't trusted any more isn't trusted again");
    knowledge.learn(KEY, &tag("a"), true, at(1200));
    knowledge.confirm(KEY, &[(tag("a"), false)], at(1210), TTL);
    assert_eq!((get(1299), get(1300)), (Some(true), None), "it told otherwise");
    knowledge.learn(KEY, &tag("a"), true, at(1350));
    knowledge.confirm(KEY, &[(tag("a"), true)], at(1370), TTL);
    knowledge.learn_whole(KEY, &[], at(1360));
    assert_eq!(get(1371), Some(false), "a call that began before the news came, and ended after it, has the last word");
    knowledge.learn(KEY, &tag("a"), true, at(1400));
    knowledge.outdate(KEY, at(1410), at(1500));
    knowledge.confirm(KEY, &[(tag("a"), true)], at(1420), TTL);
    assert_eq!(get(1421), None, "news that comes late or twice doesn't bring back what another hand has changed");
}

#[test]
fn of_calls_news_and_our_words_the_newest_holds() {
    let knowledge = Knowledge::new();
    let last = |name: &str, words: &[(bool, i64)]| {
        let mut last = knowledge.last_known(KEY);
        for (wants, when) in words {
            last.overrule(&tag(name), *wants, at(*when));
        }
        last.all().get(&tag(name))
    };
    knowledge.learn(KEY, &tag("a"), true, at(1000));
    knowledge.hear(KEY, &News::All([tag("b")].into()), &[tag("c")], at(1010));
    knowledge.learn(KEY, &tag("d"), true, at(1020));
    let each = ["a", "b", "c", "d", "e"].map(|name| last(name, &[]));
    assert_eq!(each, [Some(false), Some(true), None, Some(true), Some(false)]);
    assert_eq!(last("b", &[(false, 1009)]), Some(true), "the news is newer");
    assert_eq!(last("b", &[(false, 1010)]), None, "our word is");
    assert_eq!(last("b", &[(true, 1500)]), Some(true), "and says the same");
    knowledge.hear(KEY, &News::Some([(tag("d"), false)].into()), &[], at(1030));
    assert_eq!((last("d", &[]), last("b", &[])), (Some(false), Some(true)));
    assert_eq!(knowledge.last_known(KEY).within(at(1115), TTL).get(&tag("b")), None, "it has aged");
    knowledge.forget(KEY);
    assert_eq!(knowledge.last_known(KEY).all(), KnownTags::nothing());
}
