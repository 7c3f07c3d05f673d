//! What tests show of a set: each rule that matches and doesn't, each part of a condition true and false, each effect and reply.

mod html;
#[cfg(test)]
mod tests;
mod units;

use serde::Serialize;

use super::catalog::Catalog;
use super::files::RuleFile;
use super::places::{Place, Places};
use super::record::Record;
use super::testing::{BodyReader, RuleTest, TestReport, run, summed};

pub use html::html;
pub(super) use units::{name, units};

/// What tests show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// How many units tests show.
    pub covered: usize,
    /// How many there are.
    pub total: usize,
    /// By rule and by condition, in the order of the rules, then of the names.
    pub parts: Vec<Part>,
}

/// A rule, or a condition that rules name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `pricing-lead`, `conditions.sure`
    pub name: String,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// How many of its units tests show.
    pub covered: usize,
    /// How many it has.
    pub total: usize,
    /// Each of them.
    pub units: Vec<Shown>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// The way to it from its rule: `when`, `tag.crm.add[0]`.
    pub at: String,
    /// Whether a test shows it.
    pub covered: bool,
    /// What no test shows, where none does.
    pub missing: String,
}

impl Coverage {
    /// `92.3%`, rounded down: 100% is said only of everything.
    pub fn percent(&self) -> String {
        percent(self.covered, self.total)
    }
}

/// Whether `part` is at least so many percent of `whole`. Of nothing, all is reached.
pub fn reaches(part: usize, whole: usize, percent: f64) -> bool {
    part as f64 * 100.0 >= percent * whole as f64
}

/// How much of a whole it is, rounded down to a tenth.
pub fn percent(part: usize, whole: usize) -> String {
    let thousandths = (part * 1_000).checked_div(whole).unwrap_or(1_000);
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

/// Runs tests against the set that these files are, and tells what they show of it.
pub fn cover(
    catalog: &Catalog,
    files: &[RuleFile],
    tests: &[RuleTest],
    read_body: &BodyReader<'_>,
) -> (TestReport, Coverage) {
    let record = Record::default();
    let results = tests.iter().map(|test| run(catalog, test, read_body, Some(&record))).collect();
    (summed(results), coverage(catalog, files, &record))
}

fn coverage(catalog: &Catalog, files: &[RuleFile], record: &Record) -> Coverage {
    let places = Places::new(files);
    let mut parts: Vec<Part> = Vec::new();
    for unit in units(catalog) {
        let name = unit.owner.name();
        if parts.last().is_none_or(|part| part.name != name) {
            let place = places.find(&unit.owner, &super::places::Way::start());
            parts.push(Part { name, place, covered: 0, total: 0, units: Vec::new() });
        }
        let Some(part) = parts.last_mut() else { continue };
        let covered = record.has(unit.mark, unit.part);
        part.total += 1;
        part.covered += usize::from(covered);
        let place = places.find(&unit.owner, &unit.way);
        part.units.push(Shown { place, at: unit.way.to_string(), covered, missing: unit.missing });
    }
    // A condition without a leaf, as `true`, is no part.
    let (covered, total) = parts.iter().fold((0, 0), |(c, t), part| (c + part.covered, t + part.total));
    Coverage { covered, total, parts }
}
