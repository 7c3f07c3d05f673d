//! Rules: from the files of a directory to a checked catalog, and from an event to a decision.
//!
//! The way of a rule: `files` -> `yaml` (a tree with places) -> `check` (held against `keys`, read, cross-checked) ->
//! `catalog` (with its `index`) -> `decide`. `explain` and `testing` ask the same code; `schema` reads the same table.

mod agent;
mod by_hand;
mod capture;
mod catalog;
mod check;
mod codes;
pub mod coverage;
mod decide;
pub mod editor;
mod explain;
mod expr;
mod files;
mod finder;
mod finding;
#[doc(hidden)]
pub mod fuzzing;
pub mod graph;
mod index;
pub mod keys;
mod late;
mod layout;
mod manner;
mod mask;
mod matching;
mod mend;
mod model;
pub mod mutate;
pub mod nearest;
mod pages;
mod params;
mod pattern;
mod places;
mod record;
mod recorded;
mod render;
pub mod report;
mod review;
mod scaffold;
mod schema;
mod shared;
mod solve;
mod testing;
mod told;
mod words;
mod yaml;

use crate::domain::near;

pub use by_hand::{lists_tag, tags_by_hand};
pub use capture::{Captured, Kept, NotCaptured, capture, capture_body, insert as insert_test};
pub use catalog::{Catalog, RuleSummary, hash};
pub use check::{Checked, Depth, check, check_until, check_with, inspect};
pub use codes::{Code, Row};
pub use decide::decide;
pub use explain::{Explanation, Miss, Verdict, explain};
pub use files::{ReadError, ReplaceError, RuleFile, read_dir, replace};
pub use finder::find_parts;
pub use finding::{Finding, Fix, Related, Severity, Span};
pub use late::late_reply;
pub use layout::{Unformatted, laid_out};
pub use mend::{Mended, mend};
pub use pages::page;
pub use recorded::recorded_files;
pub use scaffold::scaffold;
pub use schema::{Tree, example, schema};
pub use testing::{BodyReader, Happened, People, RuleTest, TestReport, TestResult, run_tests};
pub use told::tags_told;
