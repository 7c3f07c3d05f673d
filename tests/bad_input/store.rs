//! A disk that takes no more: the process's own limit on file sizes makes every write fail, as a full disk would.

use crate::problem;
use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::rules;
use crate::support::gestures::states;

#[test]
fn a_store_that_takes_no_more_says_so_loses_nothing_and_recovers() {
    // A write beyond the limit is to fail, as on a full disk, and not to end the process.
    let setup =
        rules("  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n    reply: Thanks\n");
    let gateway = &mut setup.before("trap '' XFSZ").start();
    for n in 0..5 {
        gateway.event(&said(&format!("before{n}"), n, "lead"));
        gateway.settled(&format!("before{n}"));
    }
    gateway.process.limit_files("4096");
    for n in 0..5 {
        let answer = gateway.send_hook(&said(&format!("full{n}"), 100 + n, "lead").body());
        assert_eq!(answer.header("retry-after"), Some("5"));
        problem(&answer, 503, "store-unavailable");
    }
    let ready = gateway.call("GET", "/readyz", &[], b"");
    problem(&ready, 503, "store-unavailable");
    assert_eq!(gateway.call("GET", "/healthz", &[], b"").status, 200, "a restart would not help");
    assert_eq!(gateway.events().len(), 5, "what is there can be read");
    assert_eq!(gateway.contact_in_sandbox(100), None, "nothing is done for what was refused");

    gateway.process.limit_files("unlimited");
    assert_eq!(gateway.call("GET", "/readyz", &[], b"").status, 200);
    for n in 0..5 {
        gateway.event(&said(&format!("full{n}"), 100 + n, "lead"));
        assert_eq!(states(&gateway.settled(&format!("full{n}"))), ["applied"]);
    }
    assert_eq!(gateway.events().len(), 10);
    gateway.kill();
    gateway.start_again();
    assert_eq!(gateway.events().len(), 10);
    assert!(gateway.calls().is_empty(), "nothing waits");
}

#[test]
fn a_delivery_that_could_not_be_recorded_is_made_again() {
    let setup = rules("  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n");
    let gateway = setup.before("trap '' XFSZ").start();
    gateway.set_faults(&serde_json::json!([{ "kind": "slow", "millis": 500, "times": 1 }]));
    gateway.event(&said("e", 7, "lead"));
    eventually("the call", || (!gateway.calls().is_empty()).then_some(()));
    gateway.process.limit_files("4096");
    eventually("a failed commit", || (!gateway.log_of("could not be recorded").is_empty()).then_some(()));
    assert_eq!(states(&gateway.event_of("e")), ["waiting"]);
    gateway.process.limit_files("unlimited");
    gateway.settled("e");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
}
