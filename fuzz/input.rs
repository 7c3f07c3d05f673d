//! An input is text in sections: whoever opens a seed or a crash can read it.

/// The line between two sections.
const BETWEEN: &[u8] = b"\n%%\n";

/// The sections of an input, one after the other; those that are missing are empty.
pub struct Sections<'i>(&'i [u8]);

impl<'i> Sections<'i> {
    /// All of them.
    pub fn of(input: &'i [u8]) -> Self {
        Self(input)
    }

    /// The next one.
    pub fn bytes(&mut self) -> &'i [u8] {
        let at = self.0.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        let (section, rest) = match at {
            Some(at) => (&self.0[..at], &self.0[at + BETWEEN.len()..]),
            None => (self.0, &b""[..]),
        };
        self.0 = rest;
        section
    }

    /// The next one, if it is text.
    pub fn text(&mut self) -> Option<&'i str> {
        std::str::from_utf8(self.bytes()).ok()
    }

    /// The next one as headers: `name: value` lines.
    pub fn headers(&mut self) -> Option<Vec<(&'i str, &'i str)>> {
        Some(self.text()?.lines().filter_map(|line| line.split_once(": ")).take(64).collect())
    }
}

/// The words of the language: a section that begins with `#` is a run of them, one for each byte, so that what can be read
/// is made often.
const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "is set",
    "is not set",
    "in",
    "contains",
    "matches \"(a|b)+$\"",
    "true",
    "false",
    "1",
    "2.5",
    "1e308",
    "99999999999999999999999999999999999999999",
    "\"a\"",
    "\"2026-03-02\"",
    "params",
    ".budget",
    ".plan",
    ".topics",
    ".deep",
    ".x",
    "[\"user-id\"]",
    "[0]",
    "[1]",
    "[",
    "]",
    "(",
    ")",
    ",",
    "==",
    "!=",
    "<",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "| default(\"a\")",
    "| lower",
    "| upper",
    "| trim",
    "| slug",
    "| first",
    "| last",
    "| split(\",\")",
    "| join(\"; \")",
    "| replace(\"a\", \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\")",
    "| replace(text, text)",
    "| round(2)",
    "| truncate(3)",
    "| date(\"%c %s\")",
    "| date(text, \"Asia/Tokyo\")",
    "| default([])",
    "intent",
    "text",
    "type",
    "confidence",
    "language",
    "session",
    "contact",
    "payload",
    "body",
    "query.q",
    "headers[\"x-event\"]",
    "received_at",
    "page",
    "flow",
    "source",
    "form.size.value",
    "values.plans",
    "values.huge",
    "values.shop.city",
    "values.nothing",
    "conditions.buyer",
    "conditions.wealthy",
    "conditions.working",
    "open(\"office\")",
    "bucket(\"half\")",
    "{{",
    "}}",
    "words",
    "params.budget",
    "params.plan",
    "params.topics",
    "params.since",
    "params.vip",
    "params.code",
    "params.items",
];

/// The expression of a section: as it stands, or made of words.
pub fn expression(section: &[u8]) -> Option<String> {
    match section.split_first() {
        Some((b'#', words)) => {
            let word = |byte: &u8| WORDS[usize::from(*byte) % WORDS.len()];
            Some(words.iter().map(word).collect::<Vec<_>>().join(" "))
        }
        _ => std::str::from_utf8(section).ok().map(str::to_owned),
    }
}
