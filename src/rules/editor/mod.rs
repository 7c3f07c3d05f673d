//! What an editor asks of a rule set at a place: what stands there, what may stand there, where it is defined and used.
//!
//! A set that is being written is mostly wrong, so nothing here asks for one that is clean: each file that is YAML is a
//! [`Sheet`], whose places are told by the table of keys and by the words of expressions.

mod complete;
mod expression;
mod hover;
mod names;
mod outline;
mod sheet;
#[cfg(test)]
mod tests;
mod walk;
mod words;

use std::ops::Range;

use super::files::RuleFile;

pub use complete::{Offer, Offers, Sort};
pub use names::{Edit, NotRenamed, Place};
pub use outline::{Outline, Section};
pub use sheet::{Name, Part, Sheet, What};

/// The files of a set, as far as they could be read.
pub struct Guide<'s> {
    sheets: Vec<&'s Sheet>,
}

impl<'s> Guide<'s> {
    /// A set of these files.
    pub fn new(sheets: Vec<&'s Sheet>) -> Self {
        Self { sheets }
    }

    /// What stands at a byte, in Markdown, and its bytes.
    pub fn hover(&self, sheet: &Sheet, byte: usize) -> Option<(Range<usize>, String)> {
        let part = sheet.at(byte)?;
        Some((part.bytes.clone(), hover::text(self, &part.what)?))
    }

    /// What may be written at a byte of a file as it is now, which may be no YAML.
    pub fn complete(&self, file: &RuleFile, byte: usize) -> Offers {
        complete::at(self, file, byte)
    }
}

/// The parts of a file, nested.
pub fn outline(sheet: &Sheet) -> Vec<Outline> {
    outline::of(sheet)
}
