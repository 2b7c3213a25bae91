//! The container of stored tables. `FORMAT.md` beside this crate specifies the bytes.
//!
//! An artifact is a header, a table of sections sorted by `(kind, id)`, and the sections' payloads,
//! each at a multiple of 64 bytes, with nothing but zeros between them. A payload is an array of
//! `u8` or of little-endian `u32`; what the array means is decided by its kind, not here.
//!
//! [`Artifact::open`] costs a pass over the section table, borrows everything and is safe on any
//! bytes: it checks all that reading a section relies on, and the checksum of header and table.
//! [`Artifact::verify`] reads the whole file and checks each payload. Who opens a section checks
//! the invariants of what is in it (`CsrView::new`, `TokenTrie::from_words`, …), since a checksum
//! keeps out accidents, not strangers.

use crate::bytes::{little_endian, words};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The first eight bytes of every artifact. The line ends show a transfer in text mode.
pub const MAGIC: [u8; 8] = *b"MWART\r\n\x1a";

/// The version of the format that this crate writes and reads.
pub const VERSION: u32 = 2;

/// Written as a little-endian `u32`; another value shows a file whose words were swapped.
pub const ENDIANNESS_MARK: u32 = 0x0a0b_0c0d;

/// The size of the header, and where the section table begins.
pub const HEADER_BYTES: usize = 128;

/// The size of one entry of the section table.
pub const ENTRY_BYTES: usize = 32;

/// Payloads begin at multiples of this.
pub const ALIGNMENT: usize = 64;

/// Where the checksum of header and section table lies; it counts as zero in its own sum.
const CHECKSUM_AT: std::ops::Range<usize> = 28..32;

/// A digest that ties an artifact to what it was made from.
pub type Fingerprint = [u8; 32];

/// Kinds of sections that this crate writes. A compiler's tables have kinds from
/// [`kinds::FIRST_FREE`] on.
pub mod kinds {
    /// `[u32; 2]`: the width of the logits; 1 if the tokenizer puts a space before texts, else 0.
    pub const VOCABULARY_NUMBERS: u32 = 1;
    /// `[u8]`: the vocabulary's name, UTF-8.
    pub const VOCABULARY_NAME: u32 = 2;
    /// `[u32; len + 1]`: where each token's bytes begin and end.
    pub const VOCABULARY_OFFSETS: u32 = 3;
    /// `[u8]`: the bytes of all tokens.
    pub const VOCABULARY_BYTES: u32 = 4;
    /// `[u8; len]`: 0 text, 1 special, 2 unused.
    pub const VOCABULARY_KINDS: u32 = 5;
    /// `[u32]`: the end tokens, strictly increasing.
    pub const VOCABULARY_END_TOKENS: u32 = 6;
    /// `[u32; 3 * (nodes + 1)]`: the token trie in preorder.
    pub const TRIE_NODES: u32 = 7;
    /// `[u32]`: the tokens at the trie's nodes.
    pub const TRIE_TOKENS: u32 = 8;
    /// The first kind for tables of other crates.
    pub const FIRST_FREE: u32 = 256;
}

/// What the elements of a section are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Element {
    /// Bytes.
    U8 = 1,
    /// Little-endian 32-bit words.
    U32 = 4,
}

/// Why bytes could not be opened, or a section not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArtifactError {
    /// Not an artifact at all.
    NotAnArtifact,
    /// Line ends were translated on the way.
    TextMode,
    /// Another version of the format.
    Version {
        /// The file's version.
        given: u32,
    },
    /// The words are in another byte order.
    ByteOrder,
    /// The file is shorter or longer than its header says.
    Length {
        /// The number of bytes given.
        given: u64,
        /// The number of bytes expected, at least.
        expected: u64,
    },
    /// A field of the header that must be zero is not.
    Reserved,
    /// Header and section table do not fit their checksum.
    HeaderChecksum,
    /// An entry of the section table is impossible.
    Section {
        /// The entry's number.
        entry: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A payload does not fit its checksum.
    Checksum {
        /// The section's kind.
        kind: u32,
        /// The section's id.
        id: u32,
    },
    /// Bytes between the sections are not zero.
    Padding {
        /// Where.
        offset: u64,
    },
    /// There is no such section.
    Missing {
        /// The section's kind.
        kind: u32,
        /// The section's id.
        id: u32,
    },
    /// The section has elements of the other type.
    WrongElement {
        /// The section's kind.
        kind: u32,
        /// The section's id.
        id: u32,
    },
    /// The same section was written twice.
    Duplicate {
        /// The section's kind.
        kind: u32,
        /// The section's id.
        id: u32,
    },
    /// The artifact was made for another vocabulary.
    WrongVocabulary {
        /// The first bytes of the fingerprint in the file.
        given: [u8; 4],
        /// The first bytes of the vocabulary's fingerprint.
        expected: [u8; 4],
    },
    /// A section's contents break an invariant of their kind.
    Content {
        /// The section's kind.
        kind: u32,
        /// What is wrong.
        what: String,
    },
}

impl fmt::Display for ArtifactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArtifact => {
                write!(
                    f,
                    "not a maskwright artifact: give a file written by `maskwright compile`"
                )
            }
            Self::TextMode => {
                write!(
                    f,
                    "the artifact's line ends were translated: transfer it in binary mode"
                )
            }
            Self::Version { given } => write!(
                f,
                "artifact format {given}, this build reads {VERSION}: compile it again with this build"
            ),
            Self::ByteOrder => {
                write!(
                    f,
                    "the artifact's words are in the wrong byte order: compile it again"
                )
            }
            Self::Length { given, expected } if given < expected => write!(
                f,
                "the artifact has {given} bytes of {expected}: it was cut off, copy it again"
            ),
            Self::Length { given, expected } => write!(
                f,
                "the artifact has {given} bytes instead of {expected}: something follows it, copy it again"
            ),
            Self::Reserved => {
                write!(
                    f,
                    "a reserved header field is not zero: the artifact is damaged, copy it again"
                )
            }
            Self::HeaderChecksum => {
                write!(
                    f,
                    "the artifact's header fails its checksum: it is damaged, copy it again"
                )
            }
            Self::Section { entry, what } => {
                write!(
                    f,
                    "section table entry {entry}: {what}: compile the artifact again"
                )
            }
            Self::Checksum { kind, id } => write!(
                f,
                "section {kind}/{id} fails its checksum: the artifact is damaged, copy it again"
            ),
            Self::Padding { offset } => write!(
                f,
                "padding at byte {offset} is not zero: the artifact is damaged, copy it again"
            ),
            Self::Missing { kind, id } => write!(
                f,
                "no section {kind}/{id}: this artifact holds something else, compile it again"
            ),
            Self::WrongElement { kind, id } => {
                write!(
                    f,
                    "section {kind}/{id} has another element type: compile the artifact again"
                )
            }
            Self::Duplicate { kind, id } => write!(f, "section {kind}/{id} is written twice"),
            Self::WrongVocabulary { given, expected } => write!(
                f,
                "the artifact was compiled for vocabulary {:08x}, not {:08x}: compile it for this one",
                u32::from_be_bytes(*given),
                u32::from_be_bytes(*expected)
            ),
            Self::Content { kind, what } => {
                write!(f, "section kind {kind}: {what}: compile the artifact again")
            }
        }
    }
}

impl std::error::Error for ArtifactError {}

/// An entry of the section table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// What the payload means.
    pub kind: u32,
    /// Which of the tables of that kind.
    pub id: u32,
    /// Where the payload begins, a multiple of [`ALIGNMENT`].
    pub offset: u64,
    /// The payload's size in bytes, padding not counted.
    pub len: u64,
    /// The CRC-32 of the payload.
    pub checksum: u32,
    /// What its elements are.
    pub element: Element,
}

type Payload<'a> = (Element, Cow<'a, [u8]>);

/// Collects sections and lays them out.
///
/// The bytes depend on the sections alone, not on the order in which they are added.
#[derive(Debug)]
pub struct ArtifactWriter<'a> {
    vocabulary: Fingerprint,
    source: Fingerprint,
    /// By kind and id.
    sections: BTreeMap<(u32, u32), Payload<'a>>,
}

impl<'a> ArtifactWriter<'a> {
    /// A writer for tables that were made from this vocabulary and this source (all zero for none).
    pub fn new(vocabulary: Fingerprint, source: Fingerprint) -> Self {
        ArtifactWriter {
            vocabulary,
            source,
            sections: BTreeMap::new(),
        }
    }

    /// Adds a section of words.
    ///
    /// # Errors
    /// A section of this kind and id is there already.
    pub fn add_words(
        &mut self,
        kind: u32,
        id: u32,
        words: impl Into<Cow<'a, [u32]>>,
    ) -> Result<(), ArtifactError> {
        let bytes = match words.into() {
            Cow::Borrowed(w) => little_endian(w),
            Cow::Owned(w) => Cow::Owned(little_endian(&w).into_owned()),
        };
        self.add(kind, id, Element::U32, bytes)
    }

    /// Adds a section of bytes.
    ///
    /// # Errors
    /// A section of this kind and id is there already.
    pub fn add_bytes(
        &mut self,
        kind: u32,
        id: u32,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> Result<(), ArtifactError> {
        self.add(kind, id, Element::U8, bytes.into())
    }

    fn add(
        &mut self,
        kind: u32,
        id: u32,
        element: Element,
        bytes: Cow<'a, [u8]>,
    ) -> Result<(), ArtifactError> {
        match self.sections.entry((kind, id)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert((element, bytes));
                Ok(())
            }
            std::collections::btree_map::Entry::Occupied(_) => {
                Err(ArtifactError::Duplicate { kind, id })
            }
        }
    }

    /// The artifact's bytes.
    pub fn finish(self) -> Vec<u8> {
        let table_end = HEADER_BYTES + self.sections.len() * ENTRY_BYTES;
        let payload_bytes: usize = self.sections.values().map(|(_, p)| padded(p.len())).sum();
        let mut out = Vec::with_capacity(padded(table_end) + payload_bytes);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&ENDIANNESS_MARK.to_le_bytes());
        out.extend_from_slice(&((padded(table_end) + payload_bytes) as u64).to_le_bytes());
        out.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        out.resize(CHECKSUM_AT.end, 0);
        out.extend_from_slice(&self.vocabulary);
        out.extend_from_slice(&self.source);
        out.resize(HEADER_BYTES, 0);
        let mut offset = padded(table_end);
        for ((kind, id), (element, payload)) in &self.sections {
            out.extend_from_slice(&kind.to_le_bytes());
            out.extend_from_slice(&id.to_le_bytes());
            out.extend_from_slice(&(offset as u64).to_le_bytes());
            out.extend_from_slice(&(payload.len() as u64).to_le_bytes());
            out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
            out.extend_from_slice(&(*element as u32).to_le_bytes());
            offset += padded(payload.len());
        }
        let checksum = header_checksum(&out);
        out[CHECKSUM_AT].copy_from_slice(&checksum.to_le_bytes());
        out.resize(padded(table_end), 0);
        for (_, payload) in self.sections.values() {
            out.extend_from_slice(payload);
            out.resize(padded(out.len()), 0);
        }
        out
    }
}

/// An opened artifact, borrowing its bytes.
#[derive(Clone, Copy)]
pub struct Artifact<'a> {
    bytes: &'a [u8],
    /// The section table, a whole number of entries.
    table: &'a [[u8; ENTRY_BYTES]],
}

impl<'a> Artifact<'a> {
    /// Checks header and section table. Costs O(sections), copies nothing, reads no payload.
    ///
    /// Any alignment of `bytes` is fine; words are borrowed when it is a multiple of four.
    ///
    /// # Errors
    /// Never panics: any bytes give an artifact or the first thing that is wrong with them, in
    /// the order magic, byte order, version, length, checksum, section table.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ArtifactError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(match bytes {
                [_, ..] if MAGIC.starts_with(bytes) => too_short(bytes.len(), HEADER_BYTES as u64),
                [b'M', b'W', b'A', b'R', b'T', b'\n', ..]
                | [b'M', b'W', b'A', b'R', b'T', b'\r', b'\r', ..] => ArtifactError::TextMode,
                _ => ArtifactError::NotAnArtifact,
            });
        }
        let header = bytes.get(..HEADER_BYTES);
        let header = header.ok_or_else(|| too_short(bytes.len(), HEADER_BYTES as u64))?;
        // Byte order first: with swapped words the version would read as nonsense.
        match read_u32(header, 12) {
            ENDIANNESS_MARK => {}
            m if m == ENDIANNESS_MARK.swap_bytes() => return Err(ArtifactError::ByteOrder),
            _ => return Err(ArtifactError::HeaderChecksum),
        }
        match read_u32(header, 8) {
            VERSION => {}
            given => return Err(ArtifactError::Version { given }),
        }
        let file_bytes = read_u64(header, 16);
        if file_bytes != bytes.len() as u64 {
            return Err(ArtifactError::Length {
                given: bytes.len() as u64,
                expected: file_bytes,
            });
        }
        let section_len = read_u32(header, 24) as usize;
        // Cannot overflow: below 2^32 * 2^5 + 2^7 in 64 bits, and checked against the file in any.
        let table_bytes = section_len.checked_mul(ENTRY_BYTES);
        let table = table_bytes.and_then(|n| bytes[HEADER_BYTES..].get(..n));
        let table = table.ok_or(ArtifactError::Section {
            entry: 0,
            what: "the table ends after the file",
        })?;
        let table_end = HEADER_BYTES + table.len();
        if read_u32(header, CHECKSUM_AT.start) != header_checksum(&bytes[..table_end]) {
            return Err(ArtifactError::HeaderChecksum);
        }
        if header[96..].iter().any(|b| *b != 0) {
            return Err(ArtifactError::Reserved);
        }
        let artifact = Artifact {
            bytes,
            table: table.as_chunks().0,
        };
        artifact.check_table(table_end)?;
        Ok(artifact)
    }

    fn check_table(&self, table_end: usize) -> Result<(), ArtifactError> {
        let mut offset = padded(table_end) as u64;
        let mut previous = None;
        for (i, entry) in self.table.iter().enumerate() {
            let wrong = |what| {
                Err(ArtifactError::Section {
                    entry: i as u32,
                    what,
                })
            };
            let Some(section) = parse_entry(entry) else {
                return wrong("unknown element type");
            };
            if previous.replace((section.kind, section.id)) >= Some((section.kind, section.id)) {
                return wrong("not in order of kind and id");
            }
            if section.len % section.element as u64 != 0 {
                return wrong("the size is no multiple of the element's");
            }
            // Offsets follow from the sizes, so sections cannot overlap or lie outside.
            if section.offset != offset {
                return wrong("does not begin where the section before it ends");
            }
            let end = section.len.checked_next_multiple_of(ALIGNMENT as u64);
            match end.and_then(|n| offset.checked_add(n)) {
                Some(end) if end <= self.bytes.len() as u64 => offset = end,
                _ => return wrong("ends after the file"),
            }
        }
        if offset != self.bytes.len() as u64 {
            return Err(ArtifactError::Length {
                given: self.bytes.len() as u64,
                expected: offset,
            });
        }
        Ok(())
    }

    /// Checks every payload against its checksum and every padding byte for zero. Reads the whole
    /// file, several gigabytes a second. Together with [`Artifact::open`] it notices a change of
    /// any single byte.
    ///
    /// # Errors
    /// The first damaged section.
    pub fn verify(&self) -> Result<(), ArtifactError> {
        let mut end = HEADER_BYTES + self.table.len() * ENTRY_BYTES;
        for section in self.sections() {
            self.check_padding(end, section.offset as usize)?;
            self.verify_section(&section)?;
            end = (section.offset + section.len) as usize;
        }
        self.check_padding(end, self.bytes.len())
    }

    /// Checks one payload against its checksum.
    ///
    /// # Errors
    /// The section is damaged, or is none of this artifact's.
    pub fn verify_section(&self, section: &Section) -> Result<(), ArtifactError> {
        let (kind, id) = (section.kind, section.id);
        let payload = self.payload(self.find(kind, id)?);
        if crc32fast::hash(payload) == section.checksum {
            Ok(())
        } else {
            Err(ArtifactError::Checksum { kind, id })
        }
    }

    fn check_padding(&self, from: usize, to: usize) -> Result<(), ArtifactError> {
        match self.bytes[from..to].iter().position(|b| *b != 0) {
            Some(i) => Err(ArtifactError::Padding {
                offset: (from + i) as u64,
            }),
            None => Ok(()),
        }
    }

    /// The fingerprint of the vocabulary that the tables speak about.
    pub fn vocabulary_fingerprint(&self) -> &'a Fingerprint {
        self.fingerprint(32)
    }

    /// The fingerprint of the source that was compiled.
    pub fn source_fingerprint(&self) -> &'a Fingerprint {
        self.fingerprint(64)
    }

    fn fingerprint(&self, at: usize) -> &'a Fingerprint {
        // `open` made sure of the header, whose bytes from 32 to 128 are three such chunks.
        &self.bytes[at..HEADER_BYTES].as_chunks().0[0]
    }

    /// Refuses an artifact that was made for another vocabulary than the one with this fingerprint.
    ///
    /// # Errors
    /// [`ArtifactError::WrongVocabulary`].
    pub fn expect_vocabulary(&self, fingerprint: &Fingerprint) -> Result<(), ArtifactError> {
        let given = self.vocabulary_fingerprint();
        if given == fingerprint {
            return Ok(());
        }
        let short = |f: &Fingerprint| [f[0], f[1], f[2], f[3]];
        Err(ArtifactError::WrongVocabulary {
            given: short(given),
            expected: short(fingerprint),
        })
    }

    /// The sections, in order of kind and id.
    pub fn sections(&self) -> impl DoubleEndedIterator<Item = Section> + use<'a> {
        // `open` parsed each entry once, so none is left out here.
        self.table.iter().filter_map(parse_entry)
    }

    /// The entry of a section, by binary search.
    pub fn section(&self, kind: u32, id: u32) -> Option<Section> {
        let key = |e: &[u8; ENTRY_BYTES]| (read_u32(e, 0), read_u32(e, 4));
        let i = self.table.binary_search_by_key(&(kind, id), key).ok()?;
        parse_entry(&self.table[i])
    }

    /// A section of bytes. Its checksum is not looked at.
    ///
    /// # Errors
    /// No such section, or one of words.
    pub fn bytes(&self, kind: u32, id: u32) -> Result<&'a [u8], ArtifactError> {
        let section = self.find(kind, id)?;
        match section.element {
            Element::U8 => Ok(self.payload(section)),
            Element::U32 => Err(ArtifactError::WrongElement { kind, id }),
        }
    }

    /// A section of words: borrowed, or copied when the artifact's bytes are not aligned to four
    /// (or on a big-endian machine). Its checksum is not looked at.
    ///
    /// # Errors
    /// No such section, or one of bytes.
    pub fn words(&self, kind: u32, id: u32) -> Result<Cow<'a, [u32]>, ArtifactError> {
        let section = self.find(kind, id)?;
        match section.element {
            Element::U32 => Ok(words(self.payload(section))),
            Element::U8 => Err(ArtifactError::WrongElement { kind, id }),
        }
    }

    fn find(&self, kind: u32, id: u32) -> Result<Section, ArtifactError> {
        self.section(kind, id)
            .ok_or(ArtifactError::Missing { kind, id })
    }

    /// The bytes of a section of this artifact, whose range `open` has checked.
    fn payload(&self, section: Section) -> &'a [u8] {
        &self.bytes[section.offset as usize..][..section.len as usize]
    }
}

impl fmt::Debug for Artifact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sections()).finish()
    }
}

fn too_short(given: usize, expected: u64) -> ArtifactError {
    ArtifactError::Length {
        given: given as u64,
        expected,
    }
}

fn padded(len: usize) -> usize {
    len.next_multiple_of(ALIGNMENT)
}

/// The CRC-32 of header and section table, with the checksum's own field as zeros.
fn header_checksum(header_and_table: &[u8]) -> u32 {
    let mut h = crc32fast::Hasher::new();
    h.update(&header_and_table[..CHECKSUM_AT.start]);
    h.update(&[0; 4]);
    h.update(&header_and_table[CHECKSUM_AT.end..]);
    h.finalize()
}

fn parse_entry(entry: &[u8; ENTRY_BYTES]) -> Option<Section> {
    Some(Section {
        kind: read_u32(entry, 0),
        id: read_u32(entry, 4),
        offset: read_u64(entry, 8),
        len: read_u64(entry, 16),
        checksum: read_u32(entry, 24),
        element: match read_u32(entry, 28) {
            1 => Element::U8,
            4 => Element::U32,
            _ => return None,
        },
    })
}

/// The little-endian `u32` at a multiple of four, which the callers keep inside `bytes`.
fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..].as_chunks().0[0])
}

/// The little-endian `u64` at a position that the callers keep inside `bytes`.
fn read_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..].as_chunks().0[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The artifact of the worked example in FORMAT.md.
    fn example() -> Vec<u8> {
        let mut writer = ArtifactWriter::new([0x11; 32], [0x22; 32]);
        writer.add_bytes(257, 7, b"mask".as_slice()).unwrap();
        writer.add_words(256, 0, vec![0, 2, 2, 3]).unwrap();
        writer.finish()
    }

    /// Reads the hex dump: an offset and 16 bytes a line, `*` for lines like the one before.
    fn parse_dump(text: &str) -> Vec<u8> {
        let dump = text
            .split("```hex\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        let mut out: Vec<u8> = Vec::new();
        for line in dump.lines().filter(|l| *l != "*") {
            let mut columns = line.split_whitespace();
            let offset = usize::from_str_radix(columns.next().unwrap(), 16).unwrap();
            while out.len() < offset {
                out.extend_from_within(out.len() - 16..);
            }
            let bytes = columns
                .take_while(|c| *c != "|")
                .map(|c| u8::from_str_radix(c, 16).unwrap());
            out.extend(bytes);
        }
        out
    }

    fn dump(bytes: &[u8]) -> String {
        let mut out = String::new();
        for (i, line) in bytes.chunks(16).enumerate() {
            let hex: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
            out.push_str(&format!("{:04x}  {}\n", 16 * i, hex.join(" ")));
        }
        out
    }

    #[test]
    fn the_dump_in_the_specification_is_what_is_written_and_opens() {
        let bytes = parse_dump(include_str!("../FORMAT.md"));
        assert_eq!(dump(&bytes), dump(&example()));
        let artifact = Artifact::open(&bytes).unwrap();
        assert_eq!(artifact.verify(), Ok(()));
        assert_eq!(*artifact.words(256, 0).unwrap(), [0, 2, 2, 3]);
        assert_eq!(artifact.bytes(257, 7).unwrap(), b"mask");
        assert_eq!(artifact.vocabulary_fingerprint(), &[0x11; 32]);
        assert_eq!(artifact.source_fingerprint(), &[0x22; 32]);
        assert_eq!(artifact.sections().count(), 2);
    }

    #[test]
    fn words_are_read_at_every_alignment() {
        let bytes = example();
        for shift in 0..64 {
            let mut moved = vec![0xee; shift];
            moved.extend_from_slice(&bytes);
            let artifact = Artifact::open(&moved[shift..]).unwrap();
            assert_eq!(*artifact.words(256, 0).unwrap(), [0, 2, 2, 3]);
        }
    }

    #[test]
    fn a_cut_anywhere_is_noticed_by_open() {
        let bytes = example();
        for len in 0..bytes.len() {
            let error = Artifact::open(&bytes[..len]).unwrap_err();
            let expected = matches!(error, ArtifactError::Length { .. });
            assert!(
                expected || (len == 0 && error == ArtifactError::NotAnArtifact),
                "{len}: {error}"
            );
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(matches!(
            Artifact::open(&longer),
            Err(ArtifactError::Length { .. })
        ));
    }

    #[test]
    fn every_single_byte_corruption_is_noticed() {
        let bytes = example();
        for at in 0..bytes.len() {
            for value in 0..=255 {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let verdict = Artifact::open(&damaged).and_then(|a| a.verify());
                assert_eq!(verdict.is_ok(), value == bytes[at], "byte {at} = {value}");
            }
        }
    }

    /// Changes the header or table and repairs the checksum, as a stranger would.
    fn forged(at: usize, field: &[u8]) -> ArtifactError {
        let mut bytes = example();
        bytes[at..at + field.len()].copy_from_slice(field);
        let table = read_u32(&bytes, 24) as usize * ENTRY_BYTES;
        let covered = (HEADER_BYTES + table).min(bytes.len());
        let sum = header_checksum(&bytes[..covered]);
        bytes[CHECKSUM_AT].copy_from_slice(&sum.to_le_bytes());
        Artifact::open(&bytes).unwrap_err()
    }

    #[test]
    fn each_field_has_its_own_refusal() {
        let bytes = example();
        let section = |entry, what| ArtifactError::Section { entry, what };
        assert_eq!(forged(0, b"\x7fELF"), ArtifactError::NotAnArtifact);
        assert_eq!(forged(0, b"MWART\n\x1a"), ArtifactError::TextMode);
        assert_eq!(forged(8, &[1]), ArtifactError::Version { given: 1 });
        assert_eq!(forged(8, &[3]), ArtifactError::Version { given: 3 });
        assert_eq!(
            forged(12, &[0x0a, 0x0b, 0x0c, 0x0d]),
            ArtifactError::ByteOrder
        );
        assert!(matches!(forged(16, &[1]), ArtifactError::Length { .. }));
        assert_eq!(
            forged(24, &[0xff; 4]),
            section(0, "the table ends after the file")
        );
        assert_eq!(forged(96, &[1]), ArtifactError::Reserved);
        let entry = |i: usize, field: usize| HEADER_BYTES + ENTRY_BYTES * i + field;
        let order = section(1, "not in order of kind and id");
        assert_eq!(forged(entry(1, 0), &[0xff, 0]), order);
        assert_eq!(forged(entry(1, 0), &bytes[entry(0, 0)..][..8]), order);
        let begin = "does not begin where the section before it ends";
        assert_eq!(forged(entry(0, 8), &[0]), section(0, begin));
        assert_eq!(forged(entry(1, 8), &[0xff; 8]), section(1, begin));
        assert_eq!(
            forged(entry(1, 16), &[0xff; 8]),
            section(1, "ends after the file")
        );
        assert_eq!(
            forged(entry(1, 16), &[200]),
            section(1, "ends after the file")
        );
        let multiple = "the size is no multiple of the element's";
        assert_eq!(forged(entry(0, 16), &[15]), section(0, multiple));
        assert_eq!(
            forged(entry(0, 28), &[2]),
            section(0, "unknown element type")
        );
        // A smaller count leaves the rest of the file without an owner.
        assert_eq!(forged(24, &[3]), section(0, begin));
        assert!(matches!(forged(24, &[1]), ArtifactError::Length { .. }));
        assert!(matches!(forged(24, &[0]), ArtifactError::Length { .. }));
    }

    #[test]
    fn sections_are_found_by_kind_id_and_element() {
        let bytes = example();
        let artifact = Artifact::open(&bytes).unwrap();
        assert_eq!(
            artifact.bytes(256, 0),
            Err(ArtifactError::WrongElement { kind: 256, id: 0 })
        );
        assert_eq!(
            artifact.words(257, 7),
            Err(ArtifactError::WrongElement { kind: 257, id: 7 })
        );
        assert_eq!(
            artifact.words(257, 0),
            Err(ArtifactError::Missing { kind: 257, id: 0 })
        );
        let other = artifact.expect_vocabulary(&[0x12; 32]).unwrap_err();
        assert!(
            other
                .to_string()
                .contains("vocabulary 11111111, not 12121212"),
            "{other}"
        );
        assert_eq!(artifact.expect_vocabulary(&[0x11; 32]), Ok(()));
    }

    #[test]
    fn bytes_do_not_depend_on_the_order_of_adding() {
        let mut writer = ArtifactWriter::new([0x11; 32], [0x22; 32]);
        writer.add_words(256, 0, vec![0, 2, 2, 3]).unwrap();
        writer.add_bytes(257, 7, b"mask".as_slice()).unwrap();
        let twice = writer.add_bytes(256, 0, vec![]);
        assert_eq!(twice, Err(ArtifactError::Duplicate { kind: 256, id: 0 }));
        assert_eq!(writer.finish(), example());
        let empty = ArtifactWriter::new([0; 32], [0; 32]).finish();
        assert_eq!(Artifact::open(&empty).unwrap().verify(), Ok(()));
    }
}
