//! The table of codes: stable names of everything `check` can find. A code is never given another meaning.

use super::finding::Severity;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// `E001`, `W101`
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What it means, in one sentence.
    pub about: &'static str,
}

macro_rules! codes {
    ($($name:ident $code:literal $severity:ident $about:literal)*) => {
        /// What `check` can find.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $about] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.row().code.eq_ignore_ascii_case(name))
            }

            /// Its row of the table.
            pub fn row(self) -> Row {
                match self {
                    $(Code::$name => Row { code: $code, severity: Severity::$severity, about: $about },)*
                }
            }
        }
    };
}

codes! {
    NotYaml "E001" Error "The file is not YAML, or not text in UTF-8."
    TooLarge "E002" Error "A file, an expression or a template is larger or nests deeper than it may."
    BadKey "E003" Error "A key is not a plain text; often a template that stands without quotes."
    DuplicateKey "E004" Error "A key stands twice in one mapping."
    UnknownKey "E005" Error "There is no such key here."
    Later "E006" Error "The contract defines it, and this version can't do it yet."
    MissingKey "E007" Error "A key that is needed is missing."
    WrongKind "E008" Error "A value is of the wrong kind: a list where a text should be, say."
    BadValue "E009" Error "A value is of the right kind and still none that is known here."
    BadName "E010" Error "A name holds letters that names may not hold."
    NameTaken "E011" Error "A name is given twice over all files."
    UnknownSource "E012" Error "A rule or a test names a source that isn't defined."
    UnknownConnection "E013" Error "A rule or a test names a connection that isn't defined."
    UnknownRule "E014" Error "A test expects a rule that isn't defined."
    NoAuth "E015" Error "A source doesn't say who may call it."
    BadAuth "E016" Error "A form of `auth` is incomplete or contradicts itself."
    Syntax "E017" Error "An expression or a template can't be read."
    UnknownWord "E018" Error "An expression uses a name or a filter that there isn't."
    Types "E019" Error "Values of unlike types are compared or computed with."
    NotACondition "E020" Error "A `when` that is neither true nor false."
    AssertsNothing "E021" Error "A test that expects nothing proves nothing."
    NotCarried "E022" Error "A rule asks for something that no source of its events carries."
    UnknownTag "E023" Error "A tag that its connection's `tags` don't list."
    CantDo "E024" Error "A provider or a source is asked for something that it can't do."
    Circle "E025" Error "Conditions that name each other in a circle."
    UnknownIntent "E026" Error "An intent that isn't in the agent's export."
    BadAgent "E027" Error "An agent's export that can't be read."
    ForeignContact "E040" Error "A contact's id at one vendor is used at another one."
    OpenSource "W101" Warning "A source lets everybody in."
    LiteralSecret "W102" Warning "A secret is written in the file itself."
    DoesNothing "W103" Warning "Something that has no effect: a rule, a limit."
    Contradiction "W104" Warning "A block of tags that can never act: one tag is both needed and forbidden."
    NoKey "W105" Warning "A source whose events have no deduplication key: a repetition is a new event."
    NoContact "W106" Warning "A rule changes a contact, and nothing says whom."
    NoDefault "W107" Warning "A reply by language that has no words for any other language."
    NoBraces "W108" Warning "A text that reads like a way into an event and has no braces around it."
    NearTags "W109" Warning "Two tags of a connection differ only in case, accents, spaces or hyphens."
    UnboundTag "W110" Warning "A tag is named by what a stranger writes: each new text makes a new tag."
    RegexHabit "W111" Warning "A pattern with signs of regular expressions, where only `*` has a meaning."
    Unused "W112" Warning "A source, connection, value, condition or set of hours that nothing uses."
    PlainHttp "W113" Warning "A connection calls a public host without encryption."
    SameTest "W114" Warning "A test that is the same as another one."
    Untested "W115" Warning "No test reaches the rule, in a set that has tests."
    BadWaiver "W116" Warning "A waiver that waives nothing: without a reason, or of what can't be waived."
    UnusedWaiver "W117" Warning "A waiver of something that isn't found."
    NeverMatches "W120" Warning "A rule that can never match."
    Hidden "W121" Warning "A rule that never sees an event: earlier rules with `stop` take all of its events."
    NeverMatters "W122" Warning "A condition, or a part of one, that is always true, never true, or makes no difference."
    NeverAnswers "W123" Warning "A reply that is never the answer: earlier rules always answer first."
    Covered "W124" Warning "An entry of a list in `match` that another one covers."
    OppositeTags "W125" Warning "Two rules change a tag in opposite ways for one event."
    TwoValues "W126" Warning "Two rules set a field to two values for one event."
    TwoReplies "W127" Warning "Two rules answer one event."
    MayClash "W128" Note "Two rules that may contradict each other: it can't be told, or only where a parameter is a list."
    NotExamined "W129" Note "Questions about rules that were given up, since they take too much work."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_tell_their_severity() {
        let mut codes: Vec<_> = Code::ALL.iter().map(|c| c.row().code).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for code in Code::ALL {
            let row = code.row();
            let letter = if row.severity == Severity::Error { 'E' } else { 'W' };
            assert!(row.code.starts_with(letter) && row.about.ends_with('.'), "{row:?}");
        }
    }
}
