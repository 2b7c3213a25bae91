//! SentencePiece models (`.model`): a protobuf message of pieces, trainer and normalizer settings.
//!
//! Read with a small reader of our own: the message nests two levels, and a few of its fields
//! matter here. It never recurses, and every length is checked against the bytes that are there.

use super::draft::{Draft, token_id};
use super::pieces::{fallback_byte, unescape_spaces};
use super::{Encoding, Format, Place, ReadError};
use maskwright_tables::TokenKind;

/// A field of a protobuf message.
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Fixed-width numbers (scores), which do not matter here.
    Skipped,
}

/// The fields of one protobuf message, in file order.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the message begins in the file, for errors.
    base: usize,
}

impl<'a> Fields<'a> {
    fn new(bytes: &'a [u8], base: usize) -> Self {
        Fields { bytes, at: 0, base }
    }

    fn wrong(&self, what: &str) -> ReadError {
        let place = Place::Offset(self.base + self.at);
        ReadError::Syntax {
            format: Format::SentencePiece,
            place,
            what: what.to_owned(),
        }
    }

    fn varint(&mut self) -> Result<u64, ReadError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = *self
                .bytes
                .get(self.at)
                .ok_or_else(|| self.wrong("cut off"))?;
            self.at += 1;
            // The tenth byte holds one more bit; what does not fit is dropped, as protobuf has it.
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.wrong("a number of more than ten bytes"))
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], ReadError> {
        let end = usize::try_from(len)
            .ok()
            .and_then(|n| self.at.checked_add(n));
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.wrong("cut off"))?;
        self.at += taken.len();
        Ok(taken)
    }

    /// The next field's number and value.
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, ReadError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Skipped)?,
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Value::Skipped)?,
            _ => return Err(self.wrong("not a SentencePiece model: unknown wire type")),
        };
        Ok(Some((key >> 3, value)))
    }

    /// Where a value that was just taken begins in the file.
    fn start_of(&self, value: &[u8]) -> usize {
        self.base + self.at - value.len()
    }
}

/// The settings that matter, with the format's defaults.
struct Settings {
    end: Option<u64>,
    adds_prefix_space: bool,
    escapes_spaces: bool,
    byte_fallback: bool,
}

pub(super) fn read(bytes: &[u8], encoding: Option<&Encoding>) -> Result<Draft, ReadError> {
    let mut settings = Settings {
        end: None,
        adds_prefix_space: true,
        escapes_spaces: true,
        byte_fallback: false,
    };
    let mut pieces: Vec<(&[u8], u64)> = Vec::new();
    let mut fields = Fields::new(bytes, 0);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Bytes(b)) => pieces.push(piece(b, fields.start_of(b))?),
            (2, Value::Bytes(b)) => trainer(b, fields.start_of(b), &mut settings)?,
            (3, Value::Bytes(b)) => normalizer(b, fields.start_of(b), &mut settings)?,
            _ => {}
        }
    }
    let found = if settings.escapes_spaces {
        let byte_fallback = settings.byte_fallback || pieces.iter().any(|(_, kind)| *kind == 6);
        Encoding::Metaspace { byte_fallback }
    } else {
        Encoding::Raw
    };
    let mut draft = Draft::new(Format::SentencePiece, encoding.cloned().unwrap_or(found));
    draft.leading_space = settings.adds_prefix_space && settings.escapes_spaces;
    for (id, (text, kind)) in pieces.iter().enumerate() {
        let wrong = |what: &str| ReadError::Syntax {
            format: Format::SentencePiece,
            place: Place::Piece(id),
            what: what.to_owned(),
        };
        let (bytes, kind) = match kind {
            // Normal and user-defined pieces. Bytes that are no UTF-8 can only be meant as they are.
            1 | 4 => match (std::str::from_utf8(text), &draft.encoding) {
                (Err(_), _) | (_, Encoding::Raw) => (text.to_vec(), TokenKind::Text),
                // Only pieces of the byte kind are bytes: `<0x41>` may also be text here.
                (_, Encoding::Metaspace { .. }) => (unescape_spaces(text), TokenKind::Text),
                (Ok(text), other) => (other.decode(text), TokenKind::Text),
            },
            2 => {
                draft.unknown = Some(token_id(id as u64)?);
                (text.to_vec(), TokenKind::Unused)
            }
            3 => (text.to_vec(), TokenKind::Special),
            5 => (text.to_vec(), TokenKind::Unused),
            6 => {
                let byte =
                    fallback_byte(text).ok_or_else(|| wrong("a byte piece is not <0xHH>"))?;
                (vec![byte], TokenKind::Text)
            }
            other => return Err(wrong(&format!("unknown kind {other}"))),
        };
        draft.push(id as u64, bytes, kind)?;
    }
    // The setting has a default, which is no claim: only a control piece is believed.
    let is_control = |id: &u64| {
        let piece = usize::try_from(*id).ok().and_then(|i| pieces.get(i));
        piece.is_some_and(|(_, kind)| *kind == 3)
    };
    if let Some(end) = settings.end.filter(is_control) {
        draft.ends = Some(vec![token_id(end)?]);
    }
    Ok(draft)
}

/// A piece's text and kind (1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte).
fn piece(bytes: &[u8], base: usize) -> Result<(&[u8], u64), ReadError> {
    let mut fields = Fields::new(bytes, base);
    let (mut text, mut kind): (&[u8], u64) = (&[], 1);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Bytes(b)) => text = b,
            (3, Value::Varint(k)) => kind = k,
            _ => {}
        }
    }
    Ok((text, kind))
}

fn trainer(bytes: &[u8], base: usize, settings: &mut Settings) -> Result<(), ReadError> {
    let mut fields = Fields::new(bytes, base);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (35, Value::Varint(v)) => settings.byte_fallback = v != 0,
            // A negative id, which means none, is a huge unsigned number.
            (42, Value::Varint(v)) => settings.end = Some(v),
            _ => {}
        }
    }
    Ok(())
}

fn normalizer(bytes: &[u8], base: usize, settings: &mut Settings) -> Result<(), ReadError> {
    let mut fields = Fields::new(bytes, base);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (3, Value::Varint(v)) => settings.adds_prefix_space = v != 0,
            (5, Value::Varint(v)) => settings.escapes_spaces = v != 0,
            _ => {}
        }
    }
    Ok(())
}

/// Whether the bytes begin with a piece that has a text and lies in the file.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let mut fields = Fields::new(bytes, 0);
    let first = match fields.next() {
        Ok(Some((1, Value::Bytes(b)))) => piece(b, 0),
        _ => return false,
    };
    first.is_ok_and(|(text, kind)| !text.is_empty() && (1..=6).contains(&kind))
}
