//! Names that tokenizers use for control tokens.
//!
//! Only a file that does not say which of its tokens are special is searched for all of them. The
//! end names are used whenever neither the caller nor the file says what ends a text, and then only
//! among tokens that are special or were added: the text `</s>` is an ordinary token elsewhere.

/// Tokens that end a text or a turn. A model may have several, and generation stops at any.
const END_NAMES: [&str; 19] = [
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|return|>",
    "<|call|>",
    "<|end|>",
    "<|eot|>",
    "<|eos|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|end_of_role|>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<turn|>",
    "<|user_end|>",
    "<｜end▁of▁sentence｜>",
];

/// In a vocabulary that has the first name, the second ends a message but not the generation.
const NOT_AN_END_BESIDE: [(&str, &str); 1] = [("<|return|>", "<|end|>")];

/// What ends a text when nothing else does: the separator of encoder models.
const LAST_RESORT: &str = "[SEP]";

const OTHER_NAMES: [&str; 16] = [
    "[PAD]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[BOS]",
    "[EOS]",
    "<s>",
    "<pad>",
    "<mask>",
    "<bos>",
    "<|startoftext|>",
    "<|padding|>",
    "<|pad|>",
    "<|bos|>",
    "<|im_start|>",
    "<start_of_turn>",
];

const UNKNOWN_NAMES: [&str; 4] = ["<unk>", "[UNK]", "<|unk|>", "<UNK>"];

/// Whether a token of this name stands for text that the vocabulary lacks.
pub(super) fn is_unknown(name: &str) -> bool {
    UNKNOWN_NAMES.contains(&name)
}

/// Whether the name is one that BERT's vocabularies give to free places.
pub(super) fn is_placeholder(name: &str) -> bool {
    let number = name
        .strip_prefix("[unused")
        .and_then(|n| n.strip_suffix(']'));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()))
}

/// Whether the name is one of a well-known control token.
pub(super) fn is_control(name: &str) -> bool {
    END_NAMES.contains(&name) || OTHER_NAMES.contains(&name)
}

/// The end tokens among named tokens.
pub(super) fn guess_ends<'a>(named: impl Iterator<Item = (u32, &'a [u8])> + Clone) -> Vec<u32> {
    let has = |name: &str| named.clone().any(|(_, n)| n == name.as_bytes());
    let excluded: Vec<&[u8]> = NOT_AN_END_BESIDE
        .iter()
        .filter(|(beside, _)| has(beside))
        .map(|(_, name)| name.as_bytes())
        .collect();
    let is_end = |n: &[u8]| END_NAMES.iter().any(|e| e.as_bytes() == n) && !excluded.contains(&n);
    let ends: Vec<u32> = named
        .clone()
        .filter(|(_, n)| is_end(n))
        .map(|(id, _)| id)
        .collect();
    if ends.is_empty() {
        return named
            .filter(|(_, n)| *n == LAST_RESORT.as_bytes())
            .map(|(id, _)| id)
            .collect();
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(names: &[&str]) -> Vec<u32> {
        guess_ends(
            names
                .iter()
                .enumerate()
                .map(|(i, n)| (i as u32, n.as_bytes())),
        )
    }

    #[test]
    fn all_known_names_end_and_exceptions_hold() {
        assert_eq!(ends(&["<s>", "</s>", "<pad>"]), [1]);
        assert_eq!(
            ends(&["<|end_of_text|>", "x", "<|eot_id|>", "<|eom_id|>"]),
            [0, 2, 3]
        );
        assert_eq!(ends(&["<|end|>", "<|endoftext|>"]), [0, 1]);
        assert_eq!(ends(&["<|end|>", "<|return|>", "<|call|>"]), [1, 2]);
        assert_eq!(ends(&["[CLS]", "[SEP]"]), [1]);
        assert_eq!(ends(&["[SEP]", "</s>"]), [1]);
        assert_eq!(ends(&[]), [0; 0]);
    }

    #[test]
    fn placeholders_have_a_number() {
        assert!(is_placeholder("[unused0]") && is_placeholder("[unused993]"));
        assert!(!is_placeholder("[unused]") && !is_placeholder("[unusedx]"));
    }
}
