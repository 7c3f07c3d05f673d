//! Disks as they fail: one that is full, and one that becomes read-only while the gateway runs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::problem;
use crate::support::body::said;
use crate::support::disk::Disk;
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, Setup};
use crate::support::gestures::states;

const RULES: &str = "
connections:
  crm: { provider: helpcrunch, api_key: env:CRM_KEY, rate_limit: 10000/min }
  out: { provider: webhook, url: env:OUT_URL }
rules:
  - id: lead
    match: { intent: lead }
    tag: { crm: { add: [Lead] } }
    reply: Thanks
  - id: pass-on
    match: { intent: pass-on }
    forward: { out: { name: Ana } }
";

fn on_a_disk(size: &str) -> (Disk, Gateway) {
    let setup = Setup::bare(&format!("{HEAD}{RULES}"));
    let disk = Disk::below(setup.folder(), size);
    let before = format!("trap '' XFSZ\n{}", disk.entry());
    let gateway = setup.set("TAGRELAY_DATABASE_URL", &disk.database_url()).before(&before).start();
    (disk, gateway)
}

fn ready(gateway: &Gateway) -> u16 {
    gateway.call("GET", "/readyz", &[], b"").status
}

/// Nothing can be written from `fails` on, and everything from `mended` on; all the while it is one process.
fn goes_on_through(disk: &Disk, gateway: &mut Gateway, fails: fn(&Disk, &Gateway), mended: fn(&Disk, &Gateway)) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for n in 0..5 {
        let key = format!("before{n}");
        gateway.event(&said(&key, n, "lead"));
        // Nothing is looked up before: the first to read opens the file while nothing can be written.
        eventually("its call", || gateway.contact_in_sandbox(n));
        taken.insert(key);
    }
    // A call is under way while it happens, and further changes wait for its end.
    let slow = |whose: &str| json!({ "kind": "slow", "millis": 1500, "times": 1, "contact": whose });
    gateway.set_faults(&json!([slow("7"), slow("out")]));
    gateway.event(&said("passed on", 7, "pass-on"));
    taken.insert("passed on".to_owned());
    for key in ["held", "held too"] {
        gateway.event(&said(key, 7, "lead"));
        taken.insert(key.to_owned());
    }
    let count = |gateway: &Gateway, path: &str| {
        gateway.calls().iter().filter(|call| call["path"].as_str().is_some_and(|of| of.ends_with(path))).count()
    };
    let (tags, body) = ("/customers/7/tags", "/out");
    eventually("calls that take long", || (count(gateway, tags) + count(gateway, body) == 2).then_some(()));
    fails(disk, gateway);
    for n in 0..10 {
        let answer = gateway.send_hook(&said(&format!("refused{n}"), 100 + n, "lead").body());
        assert_eq!(answer.header("retry-after"), Some("5"));
        problem(&answer, 503, "store-unavailable");
    }
    problem(&gateway.call("GET", "/readyz", &[], b""), 503, "store-unavailable");
    assert_eq!(gateway.call("GET", "/healthz", &[], b"").status, 200, "a restart would not help");
    let seen = |gateway: &Gateway| {
        let events = gateway.events();
        let keys: BTreeSet<String> =
            events.iter().filter_map(|event| event["key"].as_str().map(str::to_owned)).collect();
        assert_eq!(keys.len(), events.len(), "nothing is there twice");
        keys
    };
    assert_eq!(seen(gateway), taken, "what is there can be read, and what was refused isn't there");
    eventually("a delivery that can't be recorded", || {
        (!gateway.log_of("a delivery could not be recorded").is_empty()).then_some(())
    });
    assert_eq!(states(&gateway.event_of("held")), ["waiting"]);
    std::thread::sleep(Duration::from_millis(2500));
    let calls = (count(gateway, tags), count(gateway, body));
    assert_eq!(calls, (1, 1), "as long as nothing can be recorded nobody is called again");
    assert_eq!(gateway.contact_in_sandbox(100), None, "nothing is done for what was refused");

    mended(disk, gateway);
    eventually("readiness", || (ready(gateway) == 200).then_some(()));
    for key in ["held", "held too", "passed on"] {
        gateway.settled(key);
    }
    assert_eq!(count(gateway, body), 2, "a body whose arrival could not be recorded is sent once more");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
    for n in 0..10 {
        let key = format!("refused{n}");
        gateway.event(&said(&key, 100 + n, "lead"));
        assert_eq!(states(&gateway.settled(&key)), ["applied"]);
        taken.insert(key);
    }
    assert_eq!(seen(gateway), taken);
    gateway.kill();
    gateway.start_again();
    assert_eq!(seen(gateway), taken, "after a kill too");
    assert!(gateway.calls().is_empty(), "nothing waits");
}

#[test]
fn a_disk_that_is_full_loses_nothing_and_is_used_again_once_there_is_room() {
    let (disk, mut gateway) = on_a_disk("8m");
    let fills = |disk: &Disk, gateway: &Gateway| disk.fill(&gateway.process, None);
    goes_on_through(&disk, &mut gateway, fills, |disk, gateway| disk.free(Some(&gateway.process)));
}

#[test]
fn a_disk_that_becomes_read_only_loses_nothing_and_is_used_again_once_it_can_be_written() {
    let (disk, mut gateway) = on_a_disk("8m");
    let fails = |disk: &Disk, gateway: &Gateway| disk.make_read_only(&gateway.process);
    goes_on_through(&disk, &mut gateway, fails, |disk, gateway| disk.make_writable(&gateway.process));
}

/// Many events while the room gets less and less: each is stored or refused, and none is half there.
#[test]
fn a_disk_that_runs_full_under_load_takes_each_event_whole_or_not_at_all() {
    let (disk, mut gateway) = on_a_disk("64m");
    disk.fill(&gateway.process, Some((4, 64)));
    let padding: String = (0..20_000_u64).map(|n| char::from(b'a' + (n * n * 7919 % 997 % 26) as u8)).collect();
    let body =
        |n: u64| said(&format!("e{n}"), n % 3, "lead").with(json!({ "padding": format!("{n}{padding}") })).body();
    let send = |gateway: &Gateway, n: u64| gateway.send_hook(&body(n)).status;
    let full = (0..2000).find(|n| send(&gateway, *n) == 503).expect("4 MiB are full");
    assert!(full > 10, "{full}");
    assert_eq!(gateway.events().len(), full as usize);
    eventually("no room for a mark", || (ready(&gateway) == 503).then_some(()));
    gateway.kill();
    disk.free(None);
    gateway.start_again();
    assert_eq!(gateway.events().len(), full as usize);
    for n in 0..full {
        // Three people, or the sandbox's own limit would be met.
        let ended = states(&gateway.settled(&format!("e{n}")));
        assert!(["applied", "already", "superseded"].contains(&ended[0].as_str()), "{n}: {ended:?}");
    }
    assert_eq!(send(&gateway, full), 200);
}
