//! Character classes by ECMA-262: sets of code points as sorted ranges.

/// A set of code points, surrogates included while it is being built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CodeSet(pub Vec<(u32, u32)>);

pub(super) const DIGIT: &[(u32, u32)] = &[(0x30, 0x39)];
pub(super) const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];
/// WhiteSpace and LineTerminator of ECMA-262.
pub(super) const SPACE: &[(u32, u32)] = &[
    (0x09, 0x0d),
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x2028, 0x2029),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
    (0xfeff, 0xfeff),
];
pub(super) const LINE_END: &[(u32, u32)] = &[(0x0a, 0x0a), (0x0d, 0x0d), (0x2028, 0x2029)];

impl CodeSet {
    pub(super) fn of(ranges: &[(u32, u32)]) -> Self {
        CodeSet(ranges.to_vec())
    }

    /// Everything that is not in the set, up to U+10FFFF.
    pub(super) fn complement(mut self) -> Self {
        self.0.sort_unstable();
        let mut out = Vec::with_capacity(self.0.len() + 1);
        let mut next = 0;
        for (a, b) in self.0 {
            if a > next {
                out.push((next, a - 1));
            }
            next = next.max(b + 1);
        }
        if next <= 0x10ffff {
            out.push((next, 0x10ffff));
        }
        CodeSet(out)
    }

    /// The characters of the set; surrogates match no text.
    pub(super) fn chars(&self) -> impl Iterator<Item = (char, char)> + '_ {
        let below = |b: u32| b.min(0xd7ff);
        let above = |a: u32| a.max(0xe000);
        self.0
            .iter()
            .flat_map(move |&(a, b)| {
                let low = (a <= 0xd7ff).then(|| (a, below(b)));
                let high = (b >= 0xe000).then(|| (above(a), b));
                [low, high].into_iter().flatten()
            })
            .filter_map(|(a, b)| Some((char::from_u32(a)?, char::from_u32(b)?)))
    }

    /// The set of a Unicode property as written between the braces of `\p{..}`.
    pub(super) fn property(name: &str) -> Option<Self> {
        let known = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'=');
        if !known {
            return None;
        }
        let hir = regex_syntax::parse(&format!("\\p{{{name}}}")).ok()?;
        match hir.kind() {
            regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => {
                Some(CodeSet(
                    class
                        .iter()
                        .map(|r| (r.start() as u32, r.end() as u32))
                        .collect(),
                ))
            }
            // A property of one character comes back as that character.
            regex_syntax::hir::HirKind::Literal(l) => {
                let c = std::str::from_utf8(&l.0).ok()?.chars().next()?;
                Some(CodeSet(vec![(c as u32, c as u32)]))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complement_is_an_involution_and_surrogates_match_nothing() {
        let set = CodeSet::of(SPACE);
        assert_eq!(set.clone().complement().complement(), set);
        assert_eq!(CodeSet(vec![(0xd800, 0xdfff)]).chars().count(), 0);
        let all: Vec<_> = CodeSet::default().complement().chars().collect();
        assert_eq!(all, [('\0', '\u{d7ff}'), ('\u{e000}', '\u{10ffff}')]);
    }

    #[test]
    fn properties_are_found_by_their_names() {
        for name in [
            "L",
            "Letter",
            "Lu",
            "Script=Greek",
            "sc=Greek",
            "Alphabetic",
            "ASCII",
            "Nd",
        ] {
            assert!(CodeSet::property(name).is_some(), "{name}");
        }
        for name in ["", "Nope", "L}", "^L", "Script=Nope"] {
            assert_eq!(CodeSet::property(name), None, "{name}");
        }
    }
}
