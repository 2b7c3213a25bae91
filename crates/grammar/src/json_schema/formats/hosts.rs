//! Host names, addresses and mailboxes: RFC 1123, 4291, 5321, 5890 to 5893, 6531.

use super::{Texts, whole};
use crate::{RegexId, RegexPool};

pub(super) const IPV4: &str = "(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

/// The nine forms of RFC 3986's `IPv6address`.
pub(super) fn ipv6() -> String {
    let group = "[0-9A-Fa-f]{1,4}";
    let low = format!("(?:{group}:{group}|{IPV4})");
    let mut forms = vec![format!("(?:{group}:){{6}}{low}")];
    for n in (0..=5).rev() {
        // `n` groups behind the gap, at most `5 - n` before it.
        let before = match 5 - n {
            0 => String::new(),
            1 => format!("(?:{group})?"),
            m => format!("(?:(?:{group}:){{0,{}}}{group})?", m - 1),
        };
        let behind = if n == 0 {
            String::new()
        } else {
            format!("(?:{group}:){{{n}}}")
        };
        forms.push(format!("{before}::{behind}{low}"));
    }
    forms.push(format!("(?:(?:{group}:){{0,5}}{group})?::{group}"));
    forms.push(format!("(?:(?:{group}:){{0,6}}{group})?::"));
    forms.join("|")
}

/// A label of RFC 1123.
const LDH: &str = "[A-Za-z0-9](?:[A-Za-z0-9\\-]{0,61}[A-Za-z0-9])?";

/// What an A-label starts with; its Punycode is not read here.
const A_LABEL: &str = "[Xx][Nn]--(?:[A-Za-z0-9\\-]{0,58}[A-Za-z0-9])";

/// A label of letters, digits and inner hyphens; `??--` is kept for A-labels, so it is left out.
const LABEL: &str = "\
    [A-Za-z0-9](?:[A-Za-z0-9\\-]?[A-Za-z0-9]|[A-Za-z0-9\\-][A-Za-z0-9](?:[A-Za-z0-9\\-]{0,59}[A-Za-z0-9])\
    |[A-Za-z0-9\\-]-[A-Za-z0-9](?:[A-Za-z0-9\\-]{0,58}[A-Za-z0-9])?)?";

fn bounded(pool: &mut RegexPool, names: RegexId, max: u32) -> RegexId {
    let any = pool.any_char();
    let length = pool.repeat(any, 1, Some(max));
    pool.and([names, length])
}

fn dotted(pool: &mut RegexPool, label: RegexId, dot: RegexId) -> RegexId {
    let more = pool.concat([dot, label]);
    let more = pool.repeat(more, 0, None);
    pool.concat([label, more])
}

/// Host names by RFC 1123 alone.
pub(super) fn rfc1123(pool: &mut RegexPool) -> Option<RegexId> {
    let label = whole(pool, LDH)?;
    let dot = pool.bytes(*b".");
    let names = dotted(pool, label, dot);
    Some(bounded(pool, names, 253))
}

/// Host names whose A-labels decode to U-labels (RFC 5890).
pub(super) fn hostname(pool: &mut RegexPool) -> Option<Texts> {
    let certain = whole(pool, LABEL)?;
    let encoded = whole(pool, A_LABEL)?;
    let possible = pool.alt([certain, encoded]);
    let dot = pool.bytes(*b".");
    let [certain, possible] = [certain, possible].map(|label| {
        let names = dotted(pool, label, dot);
        bounded(pool, names, 253)
    });
    Some(Texts::between(certain, possible))
}

/// Marks and letters that IDNA 2008 forbids, or that a normalisation would change or combine.
const IDN_UNSTABLE: &[(u32, u32)] = &[
    (0x0080, 0x00df),
    (0x0132, 0x0133),
    (0x013f, 0x0140),
    (0x0149, 0x0149),
    (0x017f, 0x017f),
    (0x01c4, 0x01cc),
    (0x01f1, 0x01f3),
    (0x02b0, 0x0375),
    (0x037a, 0x037a),
    (0x03c2, 0x03c2),
    (0x03d0, 0x03d6),
    (0x03f0, 0x03f5),
    (0x0483, 0x0489),
    (0x0587, 0x0587),
    // Right-to-left scripts, whose order rules are not checked.
    (0x0590, 0x08ff),
    (0x093c, 0x093c),
    (0x0958, 0x095f),
    (0x09bc, 0x09be),
    (0x09d7, 0x09df),
    (0x0a33, 0x0a3c),
    (0x0a59, 0x0a5e),
    (0x0abc, 0x0abc),
    (0x0b3c, 0x0b3e),
    (0x0b56, 0x0b5d),
    (0x0bbe, 0x0bbe),
    (0x0bd7, 0x0bd7),
    (0x0c56, 0x0c56),
    (0x0cbc, 0x0cd6),
    (0x0d3e, 0x0d3e),
    (0x0d57, 0x0d57),
    (0x0dca, 0x0ddf),
    (0x0e33, 0x0e33),
    (0x0eb3, 0x0eb3),
    (0x0edc, 0x0edd),
    (0x0f00, 0x0fff),
    (0x102e, 0x102e),
    (0x10a0, 0x11ff),
    (0x135d, 0x135f),
    (0x1712, 0x1734),
    (0x17a3, 0x17a4),
    (0x17b4, 0x17b5),
    (0x17d3, 0x17dd),
    (0x180b, 0x180f),
    (0x1a00, 0x1dff),
    (0x1e9a, 0x1e9f),
    (0x1f71, 0x2cff),
    (0x2d6f, 0x2d7f),
    (0x2de0, 0x3006),
    (0x3008, 0x3040),
    (0x3097, 0x309c),
    (0x309f, 0x30a0),
    (0x30fb, 0x30fb),
    (0x30ff, 0x3104),
    (0x312e, 0x33ff),
    (0xa000, 0xabff),
    (0xd7a4, 0x1ffff),
    (0x2a6e0, 0x10ffff),
];

/// The characters of a U-label that no other character affects.
fn idn_char(pool: &mut RegexPool) -> Option<RegexId> {
    let class = regex_syntax::parse("[[\\p{Ll}\\p{Lo}\\p{Lm}\\p{Nd}]&&\\p{Age=3.2}]").ok()?;
    let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) =
        class.into_kind()
    else {
        return None;
    };
    let mut unstable = regex_syntax::hir::ClassUnicode::empty();
    for (a, b) in IDN_UNSTABLE {
        let a = char::from_u32(*a)?;
        unstable.push(regex_syntax::hir::ClassUnicodeRange::new(
            a,
            char::from_u32(*b)?,
        ));
    }
    let mut stable = class;
    stable.difference(&unstable);
    Some(pool.class(stable.iter().map(|r| (r.start(), r.end()))))
}

/// A label in Unicode: letters and digits as above, the katakana dot beside Japanese, and the
/// characters that need a certain neighbour.
fn idn_label(pool: &mut RegexPool) -> Option<RegexId> {
    let ascii = whole(pool, LABEL)?;
    let plain = idn_char(pool)?;
    let letter = whole(pool, "[a-z0-9]")?;
    let one = pool.alt([letter, plain]);
    // l·l, and keraia before Greek.
    let middle_dot = whole(pool, "l\u{b7}l")?;
    let keraia = whole(pool, "\u{375}[\u{3ac}-\u{3c1}\u{3c3}-\u{3ce}]")?;
    let start = pool.alt([one, middle_dot, keraia]);
    let inner = whole(pool, "[a-z0-9\\-]")?;
    let katakana = pool.bytes("\u{30fb}".as_bytes());
    let inner = pool.alt([inner, plain, middle_dot, keraia]);
    let many = pool.repeat(inner, 0, Some(18));
    let tail = pool.concat([many, start]);
    let tail = pool.repeat(tail, 0, Some(1));
    let general = pool.concat([start, tail]);
    let japanese = whole(
        pool,
        "[\u{3041}-\u{3096}\u{30a1}-\u{30fa}\u{4e00}-\u{9fa5}a-z0-9\u{30fb}]{1,20}",
    )?;
    let any = pool.any_text();
    let script = whole(
        pool,
        "[\u{3041}-\u{3096}\u{30a1}-\u{30fa}\u{4e00}-\u{9fa5}]",
    )?;
    let with_script = pool.concat([any, script, any]);
    let with_dot = pool.concat([any, katakana, any]);
    let japanese = pool.and([japanese, with_script, with_dot]);
    // Nothing but A-labels may have hyphens in the third and fourth place.
    let two = pool.any_char();
    let two = pool.repeat(two, 2, Some(2));
    let hyphens = pool.bytes(*b"--");
    let hyphens = pool.concat([two, hyphens, any]);
    let no_hyphens = pool.not(hyphens);
    let label = pool.alt([ascii, general, japanese]);
    Some(pool.and([label, no_hyphens]))
}

/// Whatever might be a name in Unicode.
fn possible_idn(pool: &mut RegexPool) -> Option<RegexId> {
    whole(pool, "[A-Za-z0-9.\\-\\u{80}-\\u{10ffff}]+")
}

pub(super) fn idn_hostname(pool: &mut RegexPool) -> Option<Texts> {
    let label = idn_label(pool)?;
    // The four full stops of IDNA.
    let dot = whole(pool, "[.\u{3002}\u{ff0e}\u{ff61}]")?;
    let names = dotted(pool, label, dot);
    // Counted in A-labels the limit is 253; a character takes at most five there.
    let names = bounded(pool, names, 50);
    let ascii = whole(pool, LABEL)?;
    let ascii = dotted(pool, ascii, dot);
    let ascii = bounded(pool, ascii, 253);
    let possible = possible_idn(pool)?;
    Some(Texts::between(pool.alt([names, ascii]), possible))
}

fn local_part(pool: &mut RegexPool, more: &str, max: u32) -> Option<RegexId> {
    let atom = format!("[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\\-{more}]+");
    let quoted = format!("\"(?:[ !#-\\[\\]-~{more}]|\\\\[ -~])*\"");
    let local = whole(pool, &format!("{atom}(?:\\.{atom})*|{quoted}"))?;
    Some(bounded(pool, local, max))
}

/// `old`: domains by RFC 1123 alone.
pub(super) fn email(pool: &mut RegexPool, international: bool, old: bool) -> Option<Texts> {
    let mut local = local_part(pool, "", 64)?;
    let mut possible_local = local;
    if international {
        // The limit is 64 bytes, and a character has at most four.
        let wide = local_part(pool, "\u{80}-\u{10ffff}", 16)?;
        local = pool.alt([local, wide]);
        possible_local = local_part(pool, "\u{80}-\u{10ffff}", 64)?;
    }
    let mut domain = match old {
        true => Texts::exact(rfc1123(pool)?),
        false => hostname(pool)?,
    };
    let mut possible_domain = domain.possible.unwrap_or(domain.certain);
    if international {
        let wide = idn_label(pool)?;
        let dot = pool.bytes(*b".");
        let wide = dotted(pool, wide, dot);
        let wide = bounded(pool, wide, 50);
        domain.certain = pool.alt([domain.certain, wide]);
        possible_domain = possible_idn(pool)?;
    }
    let literal = whole(
        pool,
        &format!("\\[(?:{IPV4}|[Ii][Pp][Vv]6:(?:{}))\\]", ipv6()),
    )?;
    // With any tag.
    let possible_literal = whole(pool, "\\[[!-Z^-~]+\\]")?;
    let certain = pool.alt([domain.certain, literal]);
    let possible = pool.alt([possible_domain, possible_literal]);
    let at = pool.bytes(*b"@");
    Some(Texts::between(
        pool.concat([local, at, certain]),
        pool.concat([possible_local, at, possible]),
    ))
}
