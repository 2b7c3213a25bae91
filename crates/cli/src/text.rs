//! [`Text`]: a named text that diagnostics point into, and [`escape`].

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use std::fmt::Write as _;

/// How many bytes around a place are shown of a long line.
const WINDOW: usize = 44;

/// The bytes of a file with its name, as shown in diagnostics.
///
/// Invariant: `shown` begins with as many bytes as the file has, so offsets agree; bytes that are not UTF-8, and
/// control characters that would disturb a terminal, are replaced one for one.
#[derive(Clone, Debug)]
pub struct Text {
    name: String,
    shown: String,
}

impl Text {
    /// The text of a file.
    pub fn new(name: impl Into<String>, bytes: &[u8]) -> Self {
        let mut shown = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                let disturbs = c.is_control() && c != '\n' && c != '\t';
                if disturbs {
                    shown.extend(std::iter::repeat_n('?', c.len_utf8()));
                } else {
                    shown.push(c);
                }
            }
            shown.extend(std::iter::repeat_n('?', chunk.invalid().len()));
        }
        Text {
            name: name.into(),
            shown,
        }
    }

    /// The same text with a place after its last character that a caret can point at.
    pub fn with_room_at_end(mut self) -> Self {
        self.shown.push(' ');
        self
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Line and column (in characters) of a byte offset, both from 1.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.shown[..self.floor(offset)];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The last character boundary at or before `offset`.
    fn floor(&self, offset: usize) -> usize {
        let offset = offset.min(self.shown.len());
        // A character has at most four bytes, and 0 is a boundary.
        (offset.saturating_sub(3)..=offset)
            .rev()
            .find(|i| self.shown.is_char_boundary(*i))
            .unwrap_or(0)
    }

    /// The first byte of the part to show for a place that begins at `start`.
    fn window_start(&self, start: usize, context_lines: usize) -> usize {
        let line_start = self.shown[..start].rfind('\n').map_or(0, |i| i + 1);
        if context_lines == 0 {
            return start;
        }
        if start - line_start > WINDOW {
            return self.floor(start - WINDOW);
        }
        let above = &self.shown[..line_start];
        match above
            .char_indices()
            .rev()
            .filter(|(_, c)| *c == '\n')
            .nth(context_lines)
        {
            Some((i, _)) if line_start - i <= 4 * WINDOW => i + 1,
            None if line_start <= 4 * WINDOW => 0,
            _ => line_start,
        }
    }

    /// The end of the part to show for a place that ends at `end`.
    fn window_end(&self, end: usize, context_lines: usize) -> usize {
        if context_lines == 0 {
            return end;
        }
        let rest = &self.shown[end..];
        let line_end = rest.find('\n').unwrap_or(rest.len());
        if line_end > WINDOW {
            return self.floor(end + WINDOW);
        }
        match rest
            .char_indices()
            .filter(|(_, c)| *c == '\n')
            .nth(context_lines)
        {
            Some((i, _)) if i <= 4 * WINDOW => end + i,
            None if rest.len() <= 4 * WINDOW => self.shown.len(),
            _ => end + line_end,
        }
    }
}

impl SourceCode for Text {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let start = self.floor(span.offset());
        let end = self
            .floor(span.offset().saturating_add(span.len()))
            .max(start);
        let from = self.window_start(start, before);
        let to = self.window_end(end, after);
        let (line, column) = self.position(from);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            &self.shown.as_bytes()[from..to],
            (from, to - from).into(),
            line - 1,
            column - 1,
            self.shown[from..to].lines().count(),
        )))
    }
}

/// Bytes as people read them: UTF-8 where it is, escapes for control characters and stray bytes.
/// Quotes are left alone.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c.is_control() => {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_agree_whatever_the_bytes() {
        let bytes = b"a\xff\xc3\x28\x00\n\xe2\x82\xac\x1bx";
        let text = Text::new("t", bytes);
        assert_eq!(text.shown.len(), bytes.len());
        assert_eq!(text.shown, "a??(?\n€?x");
        assert_eq!(text.position(0), (1, 1));
        assert_eq!(text.position(9), (2, 2));
        assert_eq!(text.position(usize::MAX), (2, 4));
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = Text::new("t", "é".repeat(1000).as_bytes());
        let contents = text.read_span(&(1001, 1).into(), 1, 1).unwrap();
        assert!(
            contents.data().len() <= 2 * WINDOW + 4,
            "{}",
            contents.data().len()
        );
        assert!(std::str::from_utf8(contents.data()).is_ok());
        assert!(contents.span().offset() <= 1001);
        assert_eq!(contents.line(), 0);
        // The column is that of the whole line.
        let place = text.read_span(&(1001, 1).into(), 0, 0).unwrap();
        assert_eq!(place.column(), 500);
    }

    #[test]
    fn lines_around_a_place() {
        let text = Text::new("t", b"one\ntwo\nthree\nfour\nfive");
        let contents = text.read_span(&(8, 5).into(), 1, 1).unwrap();
        assert_eq!(contents.data(), b"two\nthree\nfour");
        assert_eq!(contents.line(), 1);
        let end = text.read_span(&(23, 0).into(), 1, 1).unwrap();
        assert_eq!(end.data(), b"four\nfive");
    }

    #[test]
    fn escapes() {
        assert_eq!(escape(b"a\"\n\x01\xff\xc3\xa9"), "a\"\\n\\u{1}\\xffé");
    }
}
