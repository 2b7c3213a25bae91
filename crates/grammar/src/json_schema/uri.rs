//! URI references: splitting and resolving by RFC 3986 section 5.2.

use std::borrow::Cow;

/// The parts of a URI reference, without its fragment.
struct Parts<'u> {
    scheme: Option<&'u str>,
    authority: Option<&'u str>,
    path: &'u str,
    query: Option<&'u str>,
}

fn parts(uri: &str) -> Parts<'_> {
    let (rest, query) = match uri.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (uri, None),
    };
    let scheme_end = rest.find(':').filter(|i| {
        let scheme = &rest.as_bytes()[..*i];
        scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
    });
    let (scheme, rest) = match scheme_end {
        Some(i) => (Some(&rest[..i]), &rest[i + 1..]),
        None => (None, rest),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    Parts {
        scheme,
        authority,
        path,
        query,
    }
}

/// A URI reference without its fragment, and the fragment (without `#`), if there is one.
pub(super) fn split_fragment(uri: &str) -> (&str, Option<&str>) {
    match uri.split_once('#') {
        Some((uri, fragment)) => (uri, Some(fragment)),
        None => (uri, None),
    }
}

/// The URI that `reference` (without a fragment) means beside `base`.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_owned();
    }
    let r = parts(reference);
    if r.scheme.is_some() {
        return join(&r, &remove_dots(r.path));
    }
    let b = parts(base);
    if r.authority.is_some() {
        return join(
            &Parts {
                scheme: b.scheme,
                ..r
            },
            &remove_dots(r.path),
        );
    }
    let target = Parts {
        scheme: b.scheme,
        authority: b.authority,
        path: "",
        query: r.query,
    };
    if r.path.is_empty() {
        return join(
            &Parts {
                query: r.query.or(b.query),
                ..target
            },
            b.path,
        );
    }
    if r.path.starts_with('/') {
        return join(&target, &remove_dots(r.path));
    }
    let merged = match b.path.rfind('/') {
        _ if b.authority.is_some() && b.path.is_empty() => format!("/{}", r.path),
        Some(i) => format!("{}{}", &b.path[..=i], r.path),
        None => r.path.to_owned(),
    };
    join(&target, &remove_dots(&merged))
}

fn join(p: &Parts<'_>, path: &str) -> String {
    let mut out = String::new();
    if let Some(scheme) = p.scheme {
        out.push_str(scheme);
        out.push(':');
    }
    if let Some(authority) = p.authority {
        out.push_str("//");
        out.push_str(authority);
    }
    out.push_str(path);
    if let Some(query) = p.query {
        out.push('?');
        out.push_str(query);
    }
    out
}

/// Takes `.` and `..` steps out of a path.
fn remove_dots(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(|step| step == "." || step == "..") {
        return Cow::Borrowed(path);
    }
    let absolute = path.starts_with('/');
    let mut out: Vec<&str> = Vec::new();
    let steps: Vec<&str> = path.split('/').skip(usize::from(absolute)).collect();
    for (i, step) in steps.iter().enumerate() {
        let last = i + 1 == steps.len();
        match *step {
            "." if last => out.push(""),
            "." => {}
            ".." => {
                out.pop();
                if last {
                    out.push("");
                }
            }
            step => out.push(step),
        }
    }
    Cow::Owned(format!(
        "{}{}",
        if absolute { "/" } else { "" },
        out.join("/")
    ))
}

/// A fragment with its `%XX` escapes decoded; `None` when they do not spell UTF-8.
pub(super) fn decode_percent(fragment: &str) -> Option<Cow<'_, str>> {
    if !fragment.contains('%') {
        return Some(Cow::Borrowed(fragment));
    }
    let bytes = fragment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let digit = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16));
            out.push((digit(i + 1)? * 16 + digit(i + 2)?) as u8);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_in_rfc_3986() {
        let base = "http://a/b/c/d;p?q";
        for (reference, expected) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("g/../h", "http://a/b/c/h"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{reference}");
        }
        assert_eq!(resolve("", "item.json"), "item.json");
        assert_eq!(resolve("urn:uuid:1", ""), "urn:uuid:1");
        assert_eq!(resolve("http://a", "b"), "http://a/b");
    }

    #[test]
    fn fragments_decode_or_are_refused() {
        assert_eq!(decode_percent("/a%25b%C3%A9").as_deref(), Some("/a%bé"));
        assert_eq!(decode_percent("/a%2"), None);
        assert_eq!(decode_percent("%ff"), None);
    }
}
