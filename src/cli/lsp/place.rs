//! Bytes of a text as the protocol's positions and back: lines from 0, and UTF-16 units within them.

use std::ops::Range;

use lsp_types::Position;

/// A text, and where its lines begin.
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Finds the lines.
    pub fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { text, starts }
    }

    /// The position of a byte.
    pub fn position(&self, byte: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= byte).max(1) - 1;
        let start = self.starts.get(line).copied().unwrap_or_default();
        // A byte within a letter, or behind the end, is no place of its own.
        let end = (start..=byte.min(self.text.len())).rev().find(|end| self.text.is_char_boundary(*end));
        let before = self.text.get(start..end.unwrap_or(start)).unwrap_or_default();
        Position::new(line as u32, before.encode_utf16().count() as u32)
    }

    /// The range of some bytes.
    pub fn range(&self, bytes: &Range<usize>) -> lsp_types::Range {
        lsp_types::Range::new(self.position(bytes.start), self.position(bytes.end))
    }

    /// The byte at a position; what lies behind the end of a line is its end.
    pub fn byte(&self, position: Position) -> usize {
        let Some(start) = self.starts.get(position.line as usize).copied() else { return self.text.len() };
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let mut units = 0;
        for (at, letter) in line.char_indices() {
            if units >= position.character as usize {
                return start + at;
            }
            units += letter.len_utf16();
        }
        start + line.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_utf_16() {
        let text = "a: 1\r\ntext: \"👍é\" # x\r\n";
        let lines = Lines::new(text);
        let at = text.find('#').expect("there");
        let found = lines.range(&(at..text.len()));
        assert_eq!((found.start.line, found.start.character), (1, 12));
        assert_eq!((found.end.line, found.end.character), (2, 0));
        assert_eq!(Lines::new("é").position(1).character, 0, "a byte within a letter is no place of its own");
    }

    #[test]
    fn positions_lead_back_to_their_bytes() {
        let text = "a: 1\r\ntext: \"👍é\" # x\r\n";
        let lines = Lines::new(text);
        for (byte, _) in text.char_indices().filter(|(_, letter)| *letter != '\n') {
            assert_eq!(lines.byte(lines.position(byte)), byte);
        }
        assert_eq!(lines.byte(Position::new(0, 99)), 4, "the end of the line, not its mark");
        assert_eq!(lines.byte(Position::new(9, 0)), text.len());
    }
}
