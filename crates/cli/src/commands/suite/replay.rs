//! One schema and its instances: compiled, and replayed token by token.

use super::verdict::{Judgement, Line, Times, Verdict};
use super::{Case, Instance};
use crate::text::escape;
use crate::vocabulary::Tokenizer;
use maskwright_automata::Order;
use maskwright_compiler::{CompileError, CompiledGrammar, Compiler, JsonSchemaOptions};
use maskwright_grammar::Diagnostic;
use maskwright_grammar::json_schema::json::Document;
use maskwright_runtime::{MatchError, MatchErrorKind, Matcher, MatcherConfig};
use maskwright_tables::{CancelFlag, RunError, TokenId};
use std::time::Instant;

/// How many bytes of a text are shown before the place where it is refused.
const BEFORE: usize = 60;
/// And after it.
const AFTER: usize = 20;

/// What schemas are compiled and replayed with.
pub struct Replayer<'a> {
    pub compiler: &'a Compiler,
    pub options: &'a JsonSchemaOptions,
    pub tokenizer: &'a Tokenizer,
    pub cancel: &'a CancelFlag,
    /// Valid instances are written in the schema's order.
    pub sort_keys: bool,
}

/// What became of one instance.
enum End {
    Accepted,
    /// Refused at a byte, or at the end.
    Rejected {
        offset: usize,
        whole: bool,
        pointer: Option<String>,
        inside: Option<String>,
    },
    /// No answer.
    Failed {
        code: &'static str,
        message: String,
    },
}

impl Replayer<'_> {
    /// The judgement of each instance, in order; one without an instance if there are none.
    pub fn judge(
        &self,
        document: &Document<'_>,
        case: &Case<'_>,
        times: &mut Times,
    ) -> Vec<Judgement> {
        let start = Instant::now();
        let compiled = self.compiler.json_schema_with(case.schema, self.options);
        let compile_ns = nanoseconds(start);
        let grammar = match compiled {
            Ok(grammar) => grammar,
            Err(e) => return refused(&e, compile_ns, case),
        };
        let matcher = self.matcher(&grammar);
        let mut mask = Vec::new();
        let first = matcher.and_then(|matcher| {
            mask = vec![0; matcher.mask_words()];
            matcher.fill_mask(&mut mask)?;
            Ok(matcher)
        });
        let first_mask_ns = nanoseconds(start);
        times.compile.push(compile_ns);
        let line =
            |verdict, code: Option<&str>, message: Option<String>, first: Option<u64>| Line {
                verdict,
                code: code.map(str::to_owned),
                pointer: None,
                message,
                compile_ns: Some(compile_ns),
                first_mask_ns: first,
            };
        let matcher = match first {
            Ok(matcher) => matcher,
            Err(e) => {
                let (code, message) = failure(&e);
                let line = line(Verdict::Crash, Some(code), Some(message), None);
                return vec![Judgement::of_schema(line)];
            }
        };
        times.first_mask.push(first_mask_ns);
        if case.instances.is_empty() {
            let line = line(Verdict::Pass, None, None, Some(first_mask_ns));
            return vec![Judgement::of_schema(line)];
        }
        let mut judgements = Vec::new();
        for (index, instance) in case.instances.iter().enumerate() {
            let mut line = line(Verdict::Pass, None, None, Some(first_mask_ns));
            let mut judgement = Judgement::of_instance(index, instance.description);
            let text = self.text(document, instance, &grammar);
            let end = self.replay(&text, matcher.fork(), &grammar, &mut mask, &mut judgement);
            match (end, instance.valid) {
                (End::Accepted, true) | (End::Rejected { .. }, false) => {}
                (End::Accepted, false) => {
                    line.verdict = Verdict::WronglyAccepted;
                    line.code = Some("accepted".to_owned());
                    line.message = Some(cut(text.as_bytes(), text.len()));
                }
                (
                    End::Rejected {
                        offset,
                        whole,
                        pointer,
                        inside,
                    },
                    true,
                ) => {
                    line.verdict = Verdict::WronglyRejected;
                    line.pointer = pointer;
                    let sorted = self.sorted_passes(document, instance, &text, &grammar, &matcher);
                    let code = match (sorted, whole) {
                        (true, _) => "property-order",
                        (false, true) => "incomplete",
                        (false, false) => "refused-text",
                    };
                    line.code = Some(code.to_owned());
                    let place = if whole {
                        "cannot end after".to_owned()
                    } else {
                        format!("refused at byte {offset} of {}", text.len())
                    };
                    let inside = inside.map_or_else(String::new, |i| format!(" in {i}"));
                    let shown = cut(text.as_bytes(), offset);
                    line.message = Some(format!("{place}: {shown}{inside}"));
                }
                (End::Failed { code, message }, _) => {
                    line.verdict = Verdict::Crash;
                    line.code = Some(code.to_owned());
                    line.message = Some(message);
                }
            }
            judgement.line = line;
            judgements.push(judgement);
        }
        judgements
    }

    fn matcher(&self, grammar: &CompiledGrammar) -> std::result::Result<Matcher, MatchError> {
        let config = MatcherConfig::new().history(0).cancel(self.cancel.clone());
        Matcher::with_config(grammar.machine(), config)
    }

    /// The text of an instance.
    fn text(
        &self,
        document: &Document<'_>,
        instance: &Instance<'_>,
        grammar: &CompiledGrammar,
    ) -> String {
        if self.sort_keys && instance.valid {
            self.sorted(document, instance, grammar)
        } else {
            document.spaced(instance.data)
        }
    }

    /// The text of an instance with its keys in the order of the schema: each object's members in
    /// the order that the machine asks for after the opening brace, and the others behind them.
    fn sorted(
        &self,
        document: &Document<'_>,
        instance: &Instance<'_>,
        grammar: &CompiledGrammar,
    ) -> String {
        let mut matcher = self.matcher(grammar).ok();
        let mut read = 0;
        document.spaced_in_order(instance.data, &mut |text, members| {
            let Some(at) = &mut matcher else { return };
            if at.advance_bytes(&text.as_bytes()[read..]).is_err() {
                // Nothing comes after this, in whatever order.
                matcher = None;
                return;
            }
            read = text.len();
            let Some(top) = at.readings().find_map(|r| r.top) else {
                return;
            };
            let order = grammar.member_order(top);
            if !order.is_empty() {
                let place = |name: &str| order.iter().position(|n| n == name);
                members.sort_by_key(|m| place(&m.key).unwrap_or(usize::MAX));
            }
        })
    }

    /// Whether an instance that is rejected is accepted with its keys in the schema's order.
    fn sorted_passes(
        &self,
        document: &Document<'_>,
        instance: &Instance<'_>,
        text: &str,
        grammar: &CompiledGrammar,
        start: &Matcher,
    ) -> bool {
        if self.options.writing.order != Order::Schema || self.sort_keys {
            return false;
        }
        let sorted = self.sorted(document, instance, grammar);
        let mut matcher = start.fork();
        sorted != text
            && matcher.advance_bytes(sorted.as_bytes()).is_ok()
            && matcher.is_accepting() == Ok(true)
    }

    /// Replays a text: before each token its bit is looked up in the mask, and the step must agree.
    fn replay(
        &self,
        text: &str,
        mut matcher: Matcher,
        grammar: &CompiledGrammar,
        mask: &mut [u32],
        judgement: &mut Judgement,
    ) -> End {
        let tokens = match self.tokenizer.tokens(text) {
            Ok(tokens) => tokens,
            Err(message) => {
                return End::Failed {
                    code: "no-token",
                    message,
                };
            }
        };
        let mut offset = 0;
        let mut advance_ns = 0;
        for token in tokens {
            let start = Instant::now();
            let filled = matcher.fill_mask(mask);
            let mask_ns = nanoseconds(start);
            judgement.mask_ns.push(mask_ns);
            judgement.between_ns.push(advance_ns + mask_ns);
            if let Err(e) = filled {
                return failed(&e);
            }
            let bit = has(mask, token);
            let before = (!bit).then(|| matcher.fork());
            let start = Instant::now();
            let step = matcher.advance(token);
            advance_ns = nanoseconds(start);
            match (step, before) {
                (Ok(()), None) => judgement.advance_ns.push(advance_ns),
                (Err(e), Some(before)) if e.is_refusal() => {
                    return self.rejected(
                        offset + e.offset().unwrap_or(0),
                        false,
                        &before,
                        grammar,
                        &text.as_bytes()[offset..],
                    );
                }
                (Err(e), _) if !e.is_refusal() => return failed(&e),
                (step, _) => {
                    return End::Failed {
                        code: "inconsistent-mask",
                        message: format!(
                            "token {} after byte {offset}: its bit is {}, the step {}",
                            token.0,
                            u8::from(bit),
                            if step.is_ok() {
                                "takes it"
                            } else {
                                "refuses it"
                            },
                        ),
                    };
                }
            }
            offset += matcher.vocabulary().bytes(token).len();
        }
        let accepting = match matcher.is_accepting() {
            Ok(accepting) => accepting,
            Err(e) => return failed(&e),
        };
        let start = Instant::now();
        let filled = matcher.fill_mask(mask);
        let mask_ns = nanoseconds(start);
        judgement.mask_ns.push(mask_ns);
        judgement.between_ns.push(advance_ns + mask_ns);
        match filled {
            Ok(()) => {
                if matcher
                    .end_tokens()
                    .iter()
                    .any(|t| has(mask, *t) != accepting)
                {
                    return End::Failed {
                        code: "inconsistent-mask",
                        message: format!(
                            "at the end: the text may end is {accepting}, the end tokens' bits differ"
                        ),
                    };
                }
            }
            // A vocabulary without end tokens has no bit to set.
            Err(e) if *e.kind() == (MatchErrorKind::DeadEnd { accepting: true }) => {}
            Err(e) => return failed(&e),
        }
        if accepting {
            End::Accepted
        } else {
            self.rejected(offset, true, &matcher, grammar, b"")
        }
    }

    /// Where in the schema a text is refused: what is asked when the first bad byte comes.
    fn rejected(
        &self,
        offset: usize,
        whole: bool,
        before: &Matcher,
        grammar: &CompiledGrammar,
        rest: &[u8],
    ) -> End {
        let mut at = before.fork();
        // The token's good bytes lead to the place; there is none for a refused first byte.
        if let Err(e) = at.advance_bytes(rest) {
            let good = e.offset().unwrap_or(0).min(rest.len());
            let _ = at.advance_bytes(&rest[..good]);
        }
        let top = at.readings().find_map(|r| r.top);
        End::Rejected {
            offset,
            whole,
            pointer: top.and_then(|t| grammar.places(t).into_iter().next()),
            inside: top.map(|t| grammar.describe(t)),
        }
    }
}

fn has(mask: &[u32], token: TokenId) -> bool {
    mask.get(token.index() / 32)
        .is_some_and(|word| word >> (token.0 % 32) & 1 == 1)
}

fn nanoseconds(since: Instant) -> u64 {
    since.elapsed().as_nanos().try_into().unwrap_or(u64::MAX)
}

/// Code and message of a matcher that gave no answer.
fn failure(e: &MatchError) -> (&'static str, String) {
    let code = match e.kind() {
        MatchErrorKind::Run(RunError::Limit(e)) if e.is_cancelled() => super::TIMED_OUT,
        MatchErrorKind::Run(RunError::Limit(_)) => "limit-exceeded",
        MatchErrorKind::DeadEnd { .. } => "dead-end",
        _ => "run-failed",
    };
    (code, e.to_string())
}

fn failed(e: &MatchError) -> End {
    let (code, message) = failure(e);
    End::Failed { code, message }
}

/// The judgements when a schema is refused. One that nothing satisfies rejects every instance.
fn refused(e: &CompileError, compile_ns: u64, case: &Case<'_>) -> Vec<Judgement> {
    let diagnostics = e.diagnostics();
    let first = diagnostics.first();
    let code = first.map_or("refused", |d| d.code);
    let mut line = Line {
        verdict: Verdict::CompileError,
        code: Some(code.to_owned()),
        pointer: first.and_then(|d| d.place.pointer.clone()),
        message: Some(message(diagnostics)),
        compile_ns: Some(compile_ns),
        first_mask_ns: None,
    };
    if code == "cancelled" {
        line.verdict = Verdict::Crash;
        line.code = Some(super::TIMED_OUT.to_owned());
    }
    if case.instances.is_empty() {
        return vec![Judgement::of_schema(line)];
    }
    let judged = case.instances.iter().enumerate().map(|(index, instance)| {
        let mut judgement = Judgement::of_instance(index, instance.description);
        judgement.line = line.clone();
        if code == "unsatisfiable" {
            judgement.line.verdict = if instance.valid {
                Verdict::WronglyRejected
            } else {
                Verdict::Pass
            };
        }
        judgement
    });
    judged.collect()
}

/// The first error, and the codes and places of the others.
fn message(diagnostics: &[Diagnostic]) -> String {
    let Some((first, others)) = diagnostics.split_first() else {
        return String::new();
    };
    let mut message = first.message.clone();
    for other in others {
        let pointer = other.place.pointer.as_deref().unwrap_or("?");
        message.push_str(&format!("; {} at {pointer}", other.code));
    }
    message
}

/// The text around a place, on one line.
fn cut(text: &[u8], offset: usize) -> String {
    let start = offset.saturating_sub(BEFORE);
    let end = (offset + AFTER).min(text.len());
    let mark = |cut| if cut { "…" } else { "" };
    format!(
        "{}{}⟨here⟩{}{}",
        mark(start > 0),
        escape(&text[start..offset]),
        escape(&text[offset..end]),
        mark(end < text.len()),
    )
}
