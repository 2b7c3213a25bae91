//! Standard output.

use crate::error::Result;
use serde_json::Value;
use std::io::{self, BufWriter, StdoutLock, Write};

/// Standard output, buffered; flushed by [`Out::finish`].
#[derive(Debug)]
pub struct Out(BufWriter<StdoutLock<'static>>);

impl Out {
    /// Takes standard output.
    pub fn new() -> Self {
        Out(BufWriter::new(io::stdout().lock()))
    }

    /// Writes a line of text.
    pub fn line(&mut self, text: impl AsRef<str>) -> Result<()> {
        Ok(writeln!(self.0, "{}", text.as_ref())?)
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write_all(bytes)?)
    }

    /// Writes a value on a line of its own.
    pub fn json(&mut self, value: &Value) -> Result<()> {
        Ok(writeln!(self.0, "{value}")?)
    }

    /// Hands over what is buffered, so that a reader sees each text when it is done.
    pub fn flush(&mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }

    /// Flushes, and answers with `answer`.
    pub fn finish(mut self, answer: bool) -> Result<bool> {
        self.flush()?;
        Ok(answer)
    }
}

/// A number with its thousands set apart.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Lines of columns, each as wide as its widest cell; columns from `numbers` on are right-aligned.
pub fn table(rows: &[Vec<String>], numbers: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        rows.iter()
            .filter_map(|r| r.get(c))
            .map(|s| s.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let lines = rows.iter().map(|row| {
        let mut line = String::new();
        for (c, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[c] - cell.chars().count());
            if c > 0 {
                line.push_str("  ");
            }
            if c >= numbers {
                line.push_str(&pad);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&pad);
            }
        }
        line.truncate(line.trim_end().len());
        line
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_tables() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(199_998), "199,998");
        assert_eq!(thousands(1_000), "1,000");
        let rows = [
            vec!["a".into(), "1".into()],
            vec!["bcd".into(), "20".into()],
        ];
        assert_eq!(table(&rows, 1), ["a     1", "bcd  20"]);
    }
}
