//! URIs, IRIs and URI templates: RFC 3986, 3987, 6570.

use super::hosts::ipv6;

/// `ucschar` of RFC 3987.
const UCS: &str = "\u{a0}-\u{d7ff}\u{f900}-\u{fdcf}\u{fdf0}-\u{ffef}\u{10000}-\u{1fffd}\u{20000}-\u{2fffd}\
    \u{30000}-\u{3fffd}\u{40000}-\u{4fffd}\u{50000}-\u{5fffd}\u{60000}-\u{6fffd}\u{70000}-\u{7fffd}\
    \u{80000}-\u{8fffd}\u{90000}-\u{9fffd}\u{a0000}-\u{afffd}\u{b0000}-\u{bfffd}\u{c0000}-\u{cfffd}\
    \u{d0000}-\u{dfffd}\u{e1000}-\u{efffd}";
/// `iprivate` of RFC 3987.
const PRIVATE: &str = "\u{e000}-\u{f8ff}\u{f0000}-\u{ffffd}\u{100000}-\u{10fffd}";

const ESCAPE: &str = "%[0-9A-Fa-f]{2}";

struct Parts {
    authority: String,
    /// A step of a path, possibly empty.
    step: String,
    /// One that is not empty.
    full_step: String,
    /// One that is not empty and has no colon.
    plain_step: String,
    tail: String,
}

fn parts(international: bool) -> Parts {
    let more = if international { UCS } else { "" };
    let private = if international { PRIVATE } else { "" };
    let unreserved = format!("A-Za-z0-9\\-._~{more}");
    let sub = "!$&'()*+,;=";
    let pchar = format!("(?:[{unreserved}{sub}:@]|{ESCAPE})");
    let future = format!("[Vv][0-9A-Fa-f]+\\.[A-Za-z0-9\\-._~{sub}:]+");
    // An IPv4 address is also a registered name, so the name covers both.
    let host = format!(
        "(?:\\[(?:{}|{future})\\]|(?:[{unreserved}{sub}]|{ESCAPE})*)",
        ipv6()
    );
    Parts {
        authority: format!("(?:(?:[{unreserved}{sub}:]|{ESCAPE})*@)?{host}(?::[0-9]*)?"),
        step: format!("{pchar}*"),
        full_step: format!("{pchar}+"),
        plain_step: format!("(?:[{unreserved}{sub}@]|{ESCAPE})+"),
        tail: format!(
            "(?:\\?(?:[{unreserved}{sub}:@/?{private}]|{ESCAPE})*)?(?:#(?:[{unreserved}{sub}:@/?]|{ESCAPE})*)?"
        ),
    }
}

const SCHEME: &str = "[A-Za-z][A-Za-z0-9+\\-.]*:";

fn absolute(p: &Parts) -> String {
    let Parts {
        authority,
        step,
        full_step,
        ..
    } = p;
    format!("{SCHEME}(?://{authority}(?:/{step})*|/?(?:{full_step}(?:/{step})*)?)")
}

pub(super) fn uri(international: bool) -> String {
    let p = parts(international);
    format!("{}{}", absolute(&p), p.tail)
}

pub(super) fn reference(international: bool) -> String {
    let p = parts(international);
    let Parts {
        authority,
        step,
        full_step,
        plain_step,
        tail,
    } = &p;
    let relative = format!(
        "(?://{authority}(?:/{step})*|/(?:{full_step}(?:/{step})*)?|(?:{plain_step}(?:/{step})*)?)"
    );
    format!("(?:{}|{relative}){tail}", absolute(&p))
}

/// Literals and expressions of RFC 6570; reserved operators are not used by anybody and left out.
pub(super) fn template() -> String {
    let literal = format!("(?:[!#$&-;=?-\\[\\]_a-z~{UCS}{PRIVATE}]|{ESCAPE})");
    let varchar = format!("(?:[A-Za-z0-9_]|{ESCAPE})");
    let name = format!("{varchar}(?:\\.?{varchar})*");
    let spec = format!("{name}(?::[1-9][0-9]{{0,3}}|\\*)?");
    let expression = format!("\\{{[+#./;?&]?{spec}(?:,{spec})*\\}}");
    format!("(?:{literal}|{expression})*")
}
