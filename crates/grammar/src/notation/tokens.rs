//! Names of token terminals: `<name>` is the token with this text, `<[…]>` a list of ids.

use crate::{Diagnostic, Place, TokenRef, TokenSet};

/// Reads `<name>`, `<[1000]>`, `<[1,5-9]>`, `<[^1,5-9]>` (all but these) or `<[*]>` (all), which
/// begins at `start` in the source.
pub(super) fn parse(text: &str, start: usize) -> Result<TokenSet, Diagnostic> {
    let place = Place::span(start..start + text.len());
    let fault = |message: String| {
        Diagnostic::new("invalid-token", message, place.clone()).with_help(
            "write `<name>`, `<[1000]>`, `<[1,5-9]>`, `<[^1]>` (all but 1) or `<[*]>` (all)",
        )
    };
    let Some(list) = text.strip_prefix("<[") else {
        // What every notation can write: the grammar prints as EBNF.
        let name = text.strip_prefix('<').and_then(|t| t.strip_suffix('>'));
        let name = name.unwrap_or_default();
        if name.is_empty() || name.starts_with(char::is_whitespace) || name.contains(['>', '\n']) {
            return Err(fault(format!("{text:?} is no token's name")));
        }
        return Ok(TokenSet {
            negated: false,
            members: Box::new([TokenRef::Name(text.into())]),
        });
    };
    let Some(list) = list.strip_suffix("]>") else {
        return Err(fault("the list of token ids is not closed by `]>`".into()));
    };
    if list.trim() == "*" {
        return Ok(TokenSet {
            negated: true,
            members: Box::default(),
        });
    }
    let (negated, list) = match list.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, list),
    };
    let id = |digits: &str| {
        let digits = digits.trim();
        digits
            .parse::<u32>()
            .ok()
            .filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
            .ok_or_else(|| fault(format!("`{digits}` is no token id")))
    };
    let mut members = Vec::new();
    for field in list.split(',') {
        let (first, last) = match field.split_once('-') {
            Some((first, last)) => (id(first)?, id(last)?),
            None => (id(field)?, id(field)?),
        };
        if last < first {
            return Err(fault(format!("the range {first}-{last} is empty")));
        }
        members.push(TokenRef::Ids(first, last));
    }
    Ok(TokenSet {
        negated,
        members: members.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn token_lists_read_and_print_back() {
        for (text, printed) in [
            ("<think>", "<think>"),
            ("<|im end|>", "<|im end|>"),
            ("<[7]>", "<[7]>"),
            ("<[ 1, 5-9 ]>", "<[1,5-9]>"),
            ("<[^1,5-9]>", "~<[1,5-9]>"),
            ("<[*]>", "<[*]>"),
        ] {
            assert_eq!(parse(text, 0).unwrap().to_string(), printed);
        }
        for text in [
            "<[]>",
            "<[x]>",
            "<[3-1]>",
            "<[+1]>",
            "<[1>",
            "<[99999999999]>",
        ] {
            assert_eq!(parse(text, 3).unwrap_err().code, "invalid-token", "{text}");
        }
    }
}
