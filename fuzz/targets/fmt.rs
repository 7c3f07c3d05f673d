//! Any text as a rule file that is laid out: it takes no panic, and what comes out is in the style already. (That it says the same is held
//! against each result where it is made.)
//!
//! Sections: the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tagrelay_fuzz::in_time;
use tagrelay_fuzz::input::Sections;
use tagrelay_fuzz::rules::{RuleFile, Unformatted, laid_out};

// What the library falls over is caught and told as such; the fuzzer's own hook would end the process before that.
fuzz_target!(
    init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))),
    |data: &[u8]| {
        let text = String::from_utf8_lossy(Sections::of(data).bytes()).into_owned();
        let file = RuleFile { path: "rules.yaml".to_owned(), text };
        in_time(|| match laid_out(&file) {
            Ok(laid) => {
                let again = laid_out(&RuleFile { text: laid.clone(), ..file.clone() });
                assert!(matches!(again, Ok(again) if again == laid), "laid out twice it is another text: {laid:?}");
            }
            Err(Unformatted::NotYaml(findings)) => {
                let is_within = |finding: &tagrelay_fuzz::rules::Finding| file.text.get(finding.span.range()).is_some();
                assert!(findings.iter().all(is_within), "a finding outside of its file");
            }
            Err(Unformatted::TooDeep | Unformatted::Changed) => {}
        });
    }
);
