//! The machine against a naive enumeration of the language, byte by byte.

use super::*;
use maskwright_grammar::notation;
use maskwright_grammar::{Expr, Grammar, RegexId, RegexNode, normalize};
use std::collections::BTreeSet;

type Texts = BTreeSet<Vec<u8>>;

fn lr_of(grammar: &Grammar) -> Result<Lr, String> {
    let limits = Limits::offline();
    let (normal, _) = normalize(grammar, &limits, &CancelFlag::new()).map_err(|e| e.to_string())?;
    Lr::new(
        normal,
        Arc::new(Lexicon::new(limits)),
        limits,
        CancelFlag::new(),
    )
    .map_err(|e| e.to_string())
}

pub(super) fn lr(text: &str) -> Result<Lr, String> {
    lr_of(&Grammar::from_ebnf(text, &Limits::offline()).map_err(|e| e.to_string())?)
}

struct Whole<'a>(&'a [Symbol]);

impl StackReader for Whole<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        Ok(self.0.len().checked_sub(depth + 1).map(|i| self.0[i]))
    }
}

pub(super) fn apply(stack: &[Symbol], action: &StackAction) -> Vec<Symbol> {
    let mut next = stack[..stack.len() - action.pop as usize].to_vec();
    next.extend(action.push.iter());
    next
}

/// The set of threads that the machine's documentation describes, run as written there.
#[derive(Clone)]
struct Threads(BTreeSet<(LexState, Vec<Symbol>)>);

impl Threads {
    fn start(lr: &Lr) -> Self {
        let q = lr.lex_start(lr.start()).unwrap();
        Threads([(q, vec![lr.start()])].into())
    }

    fn ended(lr: &Lr, q: LexState, stack: &[Symbol]) -> Vec<Vec<Symbol>> {
        let labels = lr.lexicon.labels(lr.lexicon.accept(q));
        lr.step(&mut Whole(stack), labels)
            .unwrap()
            .iter()
            .map(|a| apply(stack, a))
            .collect()
    }

    fn advance(&self, lr: &Lr, byte: u8) -> Self {
        let mut next = BTreeSet::new();
        let mut add = |q: LexState, stack: &[Symbol]| {
            let q = lr.lexicon.next(q, byte).unwrap();
            if q != LexState::DEAD {
                next.insert((q, stack.to_vec()));
            }
        };
        for (q, stack) in &self.0 {
            add(*q, stack);
            for ended in Self::ended(lr, *q, stack) {
                add(lr.lex_start(*ended.last().unwrap()).unwrap(), &ended);
            }
        }
        Threads(next)
    }

    fn accepts(&self, lr: &Lr) -> bool {
        self.0.iter().any(|(q, stack)| {
            if lr.lexicon.is_fresh(*q) || *q == LexState::DEAD {
                return lr.ends(&mut Whole(stack)).unwrap();
            }
            Self::ended(lr, *q, stack)
                .iter()
                .any(|s| lr.ends(&mut Whole(s)).unwrap())
        })
    }

    /// Every stack is a path of the machine, and `lex_start` offers what `step` takes.
    fn check(&self, lr: &Lr) {
        for (_, stack) in &self.0 {
            assert_eq!(stack[0], Symbol(0));
            for pair in stack.windows(2) {
                let symbols = (0..lr.grammar().nonterminals().len() as u32)
                    .map(maskwright_grammar::Sym::Nonterminal)
                    .chain(
                        (0..lr.grammar().terminals().len() as u32)
                            .map(maskwright_grammar::Sym::Terminal),
                    );
                let mut gotos = symbols.filter_map(|s| lr.states.goto(pair[0].0, s).unwrap());
                assert!(gotos.any(|g| g.target == pair[1].0), "{pair:?} is no edge");
            }
            let allowed = lr.states.allowed(stack[stack.len() - 1].0).unwrap();
            for t in 0..lr.grammar().terminals().len() as u32 {
                let taken = !lr.step(&mut Whole(stack), &[t]).unwrap().is_empty();
                assert_eq!(taken, allowed.contains(&t), "terminal {t} on {stack:?}");
            }
        }
    }
}

/// All texts up to a length over an alphabet.
fn all_texts(alphabet: &[u8], len: usize) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..len {
        let to = all.len();
        for i in from..to {
            for &b in alphabet {
                let mut longer = all[i].clone();
                longer.push(b);
                all.push(longer);
            }
        }
        from = to;
    }
    all
}

fn product(a: &Texts, b: &Texts, len: usize) -> Texts {
    a.iter()
        .flat_map(|x| {
            b.iter()
                .filter(|y| x.len() + y.len() <= len)
                .map(move |y| [&x[..], y].concat())
        })
        .collect()
}

fn repeated(one: &Texts, min: u32, max: Option<u32>, len: usize) -> Texts {
    let mut power: Texts = [Vec::new()].into();
    let mut all = Texts::new();
    // More copies than that only repeat what is empty.
    for n in 0..=max.unwrap_or(u32::MAX).min(min + len as u32 + 1) {
        if n >= min {
            all.extend(power.iter().cloned());
        }
        power = product(&power, one, len);
    }
    all
}

/// What a grammar means, by fixpoint over sets of texts: the definition, no construction.
struct Naive<'g> {
    grammar: &'g Grammar,
    alphabet: &'g [u8],
    len: usize,
}

impl Naive<'_> {
    fn regex(&self, id: RegexId) -> Texts {
        let fits = |b: &[u8]| b.len() <= self.len && b.iter().all(|c| self.alphabet.contains(c));
        let universe = || all_texts(self.alphabet, self.len).into_iter();
        match self.grammar.regexes.node(id) {
            RegexNode::Never => Texts::new(),
            RegexNode::Empty => [Vec::new()].into(),
            RegexNode::Bytes(b) => [b.to_vec()].into_iter().filter(|b| fits(b)).collect(),
            RegexNode::Literals(all) => {
                all.iter().map(|b| b.to_vec()).filter(|b| fits(b)).collect()
            }
            RegexNode::Class(ranges) => {
                let member = |b: &&u8| {
                    ranges
                        .iter()
                        .any(|(x, y)| (*x..=*y).contains(&(**b as char)))
                };
                self.alphabet
                    .iter()
                    .filter(member)
                    .map(|b| vec![*b])
                    .collect()
            }
            RegexNode::Concat(parts) => parts.iter().fold([Vec::new()].into(), |all, p| {
                product(&all, &self.regex(*p), self.len)
            }),
            RegexNode::Alt(parts) => parts.iter().flat_map(|p| self.regex(*p)).collect(),
            RegexNode::And(parts) => {
                let sets: Vec<Texts> = parts.iter().map(|p| self.regex(*p)).collect();
                universe()
                    .filter(|t| sets.iter().all(|s| s.contains(t)))
                    .collect()
            }
            RegexNode::Not(inner) => {
                let inner = self.regex(*inner);
                universe().filter(|t| !inner.contains(t)).collect()
            }
            RegexNode::Repeat { node, min, max } => {
                repeated(&self.regex(*node), *min, *max, self.len)
            }
            other => panic!("not used in these tests: {other:?}"),
        }
    }

    fn expr(&self, id: maskwright_grammar::ExprId, rules: &[Texts], terminals: &[Texts]) -> Texts {
        match self.grammar.expr(id) {
            Expr::Empty => [Vec::new()].into(),
            Expr::Terminal(t) => terminals[t.0 as usize].clone(),
            Expr::Rule(r) => rules[r.0 as usize].clone(),
            Expr::Seq(parts) => parts.iter().fold([Vec::new()].into(), |all, p| {
                product(&all, &self.expr(*p, rules, terminals), self.len)
            }),
            Expr::Alt(parts) => parts
                .iter()
                .flat_map(|p| self.expr(*p, rules, terminals))
                .collect(),
            Expr::Repeat { expr, min, max } => {
                repeated(&self.expr(*expr, rules, terminals), *min, *max, self.len)
            }
        }
    }

    /// Ignored text may stand before and after every lexeme that is not empty, and alone.
    fn language(grammar: &Grammar, alphabet: &[u8], len: usize) -> Texts {
        let naive = Naive {
            grammar,
            alphabet,
            len,
        };
        let ignored: Texts = grammar
            .ignore
            .iter()
            .flat_map(|t| naive.regex(grammar.terminals[t.0 as usize].regex))
            .collect();
        let gaps = repeated(&ignored, 0, None, len);
        let terminals: Vec<Texts> = grammar
            .terminals
            .iter()
            .map(|t| {
                let (empty, rest): (Texts, Texts) =
                    naive.regex(t.regex).into_iter().partition(Vec::is_empty);
                let mut all = product(&gaps, &product(&rest, &gaps, len), len);
                all.extend(empty);
                all
            })
            .collect();
        let mut rules = vec![Texts::new(); grammar.rules.len()];
        loop {
            let next: Vec<Texts> = grammar
                .rules
                .iter()
                .map(|r| naive.expr(r.expr, &rules, &terminals))
                .collect();
            if next == rules {
                let mut language = rules.swap_remove(grammar.start.unwrap().0 as usize);
                if language.contains(&Vec::new()) {
                    language.extend(gaps);
                }
                return language;
            }
            rules = next;
        }
    }
}

/// Runs every text up to `len`, against all sentences up to `len + slack`.
fn check_grammar(
    grammar: &Grammar,
    alphabet: &[u8],
    len: usize,
    slack: usize,
) -> Result<usize, String> {
    let language = Naive::language(grammar, alphabet, len + slack);
    let machine = match lr_of(grammar) {
        Ok(machine) => machine,
        Err(e) if e.starts_with("empty-language") => {
            assert!(language.is_empty(), "{e}, but {language:?}");
            return Err(e);
        }
        Err(e) => return Err(e),
    };
    let deterministic = machine.conflicts().unwrap().is_deterministic();
    let single = grammar
        .terminals
        .iter()
        .all(|t| matches!(grammar.regexes.node(t.regex), RegexNode::Bytes(b) if b.len() == 1))
        && machine.grammar().terminals().iter().all(|t| {
            matches!(
                machine.grammar().regexes().node(t.regex),
                RegexNode::Bytes(_)
            )
        });
    let mut ran = 0;
    let mut level = vec![(Vec::new(), Threads::start(&machine))];
    while let Some((text, threads)) = level.pop() {
        ran += 1;
        assert_eq!(
            threads.accepts(&machine),
            language.contains(&text),
            "sentence? {}",
            String::from_utf8_lossy(&text)
        );
        let viable = language
            .range(text.clone()..)
            .next()
            .is_some_and(|t| t.starts_with(&text));
        let alive = !threads.0.is_empty();
        assert!(
            alive || !viable,
            "viable: {}",
            String::from_utf8_lossy(&text)
        );
        // In these grammars what was opened can be closed in about as many steps.
        assert!(
            viable || !alive || 2 * text.len() + 3 > len + slack,
            "dead end: {}",
            String::from_utf8_lossy(&text)
        );
        threads.check(&machine);
        if deterministic && single {
            assert!(threads.0.len() <= 1, "an LR(1) grammar needs one stack");
        }
        if text.len() < len && alive {
            for &b in alphabet {
                let mut longer = text.clone();
                longer.push(b);
                level.push((longer, threads.advance(&machine, b)));
            }
        }
    }
    Ok(ran)
}

fn check(text: &str, alphabet: &str, len: usize, slack: usize) -> usize {
    let grammar = Grammar::from_ebnf(text, &Limits::offline()).unwrap();
    // The printed form means the same.
    let printed = Grammar::from_ebnf(&notation::print(&grammar), &Limits::offline()).unwrap();
    assert_eq!(
        Naive::language(&grammar, alphabet.as_bytes(), len),
        Naive::language(&printed, alphabet.as_bytes(), len)
    );
    check_grammar(&grammar, alphabet.as_bytes(), len, slack).unwrap()
}

#[test]
fn recursion_of_every_kind_is_exact() {
    for (text, alphabet) in [
        ("start = start 'a' | 'b' ;", "ab"),
        ("start = 'a' start | 'b' ;", "ab"),
        ("start = 'a' start 'b' | ;", "ab"),
        ("start = 'a' start 'a' | 'b' start 'b' | ;", "ab"),
        ("start = 'a' b ; b = 'b' start | 'b' ;", "ab"),
        ("start = a 'c' ; a = b 'a' | 'a' ; b = a 'b' | 'b' ;", "abc"),
        ("start = a start 'b' | 'c' ; a = 'a' | ;", "abc"),
        (
            "start = a b start 'b' | 'c' ; a = 'a' | ; b = a a | 'b' ;",
            "abc",
        ),
        ("start = 'b' start a | 'c' ; a = 'a' | ;", "abc"),
    ] {
        check(text, alphabet, 6, 4);
    }
}

#[test]
fn empty_rules_cycles_and_unit_chains_are_exact() {
    for (text, alphabet) in [
        ("start = ;", "a"),
        ("start = start | 'a' | ;", "a"),
        ("start = start start | 'a' | ;", "a"),
        ("start = a ; a = b | 'a' ; b = a | 'b' a ;", "ab"),
        (
            "start = a b c d e ; a = 'a' | ; b = 'b' | ; c = 'c' | ; d = a b ; e = d d ;",
            "abc",
        ),
        ("start = a a a a a ; a = 'a' | b ; b = | 'b' ;", "ab"),
        (
            "start = a | b ; a = c ; b = c ; c = d ; d = 'x' d | 'x' ;",
            "x",
        ),
        ("start = a start | ; a = | b ; b = a a ;", "x"),
        ("start = ('a'*)* ;", "a"),
        ("start = ('a'? start 'b'?)? ;", "ab"),
    ] {
        check(text, alphabet, 5, 4);
    }
}

#[test]
fn ambiguous_and_nondeterministic_grammars_are_exact() {
    for (text, alphabet) in [
        (
            "start = start '+' start | start '*' start | '-' start | start '!' | 'n' | '(' start ')' ;",
            "+-!n()",
        ),
        ("start = start 'a' start | start start | 'b' ;", "ab"),
        (
            "start = 'a' start | start 'b' | 'c' | start 'd' start 'e' start ;",
            "abcde",
        ),
        ("start = 'i' start | 'i' start 'e' start | 'x' ;", "iex"),
        (
            "start = a 'x' | b 'y' ; a = 'a' a | 'a' ; b = 'a' b 'b' | 'a' ;",
            "abxy",
        ),
        (
            "start = 'a' e 'c' | 'a' f 'd' | 'b' f 'c' | 'b' e 'd' ; e = 'e' | 'f' ; f = 'e' | 'g' ;",
            "abcdefg",
        ),
        ("start = 'a' start 'a' | 'a' ;", "a"),
        (
            "start = a b ; a = 'a' | 'a' 'b' ; b = 'b' 'c' | 'c' ;",
            "abc",
        ),
    ] {
        check(text, alphabet, 5, 4);
    }
}

#[test]
fn repeats_are_exact() {
    for (text, alphabet) in [
        ("start = x{2,3} 'b' ; x = 'a' x 'a' | 'c' ;", "abc"),
        ("start = x{2,} ; x = '(' x ')' | 'a' ;", "a()"),
        ("start = x{3} ; x = '(' x ')' | ;", "()"),
        ("start = x{2,3} ; x = '(' x ')' | ;", "()"),
        ("start = x{2,} ; x = '(' x ')' | 'a'? ;", "a()"),
        ("start = (x 'a'?){1,2} x* ; x = '(' x ')' | 'b' ;", "ab()"),
        (
            "start = (x? y?){2} ; x = '(' x ')' | 'b' ; y = 'c' y | 'c' ;",
            "bc()",
        ),
        ("start = x* y ; x = 'a' | '(' x ')' ; y = x* 'b' ;", "ab()"),
        ("start = x{0,2} 'e' | (x | 'q')+ ; x = 'a' ;", "aeq"),
        ("start = ('a' 'b'?)* ('b' | 'a'{2,3}) ;", "ab"),
    ] {
        check(text, alphabet, 5, 6);
    }
}

#[test]
fn terminals_that_overlap_are_exact() {
    for (text, alphabet) in [
        ("start = A B ; A = 'a' | 'ab' ; B = 'b' | 'bb' ;", "ab"),
        ("start = /a*/ 'a' ;", "a"),
        ("start = ID | 'ab' '!' ; ID = [ab]+ ;", "ab!"),
        ("start = (ID | 'ab' '!')* ; ID = [ab]+ & ~'ab' ;", "ab!"),
        ("start = N ('..' N)? ; N = [1]+ ('.' [1]+)? ;", "1."),
        ("start = OPT start 'b' | OPT ; OPT = 'a'* ;", "ab"),
        (
            "start = A start | B ; A = 'a'+ ; B = ('a' | 'b'){2} ;",
            "ab",
        ),
        ("start = A? X ; A = 'a' & 'b' ; X = 'x' ;", "ax"),
        (
            "start = a | b ; a = A 'x' | 'y' ; b = A b ; A = 'a' ;",
            "axy",
        ),
    ] {
        check(text, alphabet, 5, 4);
    }
}

#[test]
fn ignored_text_may_stand_anywhere_between_lexemes() {
    for (text, alphabet) in [
        ("start = 'a' start 'b' | ; %ignore ' ' ;", "ab "),
        (
            "start = ID+ ; ID = [ab]+ ; %ignore / +/ ; %ignore '#' ;",
            "ab #",
        ),
        ("start = [ab]+ ; %ignore ' ' ;", "ab "),
        ("start = ID* ; ID = [ab ]+ ; %ignore ' ' ;", "ab "),
        ("start = WS 'a' WS 'b' ; WS = ' '* ; %ignore WS ;", "ab "),
    ] {
        check(text, alphabet, 4, 1);
    }
}

#[test]
fn random_grammars_are_exact() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |n: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let (mut grammars, mut empty, mut texts, mut deterministic) = (0, 0, 0, 0);
    for round in 0..400 {
        let rules = 1 + random(4);
        let repeats = round % 2 == 1;
        let mut text = String::new();
        for r in 0..rules {
            text.push_str(&format!("r{r} ="));
            for a in 0..1 + random(3) {
                text.push_str(if a > 0 { " |" } else { "" });
                for _ in 0..random(4) {
                    match random(if repeats { 7 } else { 5 }) {
                        0 | 1 => {
                            text.push_str(&format!(" '{}'", ["a", "b", "c"][random(3) as usize]))
                        }
                        2..=4 => text.push_str(&format!(" r{}", random(rules))),
                        5 => text.push_str(&format!(
                            " ('{}' | r{})?",
                            ["a", "b"][random(2) as usize],
                            random(rules)
                        )),
                        _ => text.push_str(&format!(
                            " (r{} 'c'?){}",
                            random(rules),
                            ["*", "+", "{2}", "{1,2}", "{2,}"][random(5) as usize]
                        )),
                    }
                }
            }
            text.push_str(" ;\n");
        }
        let grammar = Grammar::from_ebnf(&text, &Limits::offline()).unwrap();
        let result = std::panic::catch_unwind(|| {
            // Completions of random grammars can be long: only sentences are compared exactly, and
            // liveness where a longer enumeration shows it.
            check_sentences(&grammar, b"abc", 5)
        });
        match result {
            Ok(Ok((n, lr1))) => {
                grammars += 1;
                texts += n;
                deterministic += usize::from(lr1);
            }
            Ok(Err(_)) => empty += 1,
            Err(_) => panic!("the grammar was\n{text}"),
        }
    }
    println!(
        "{grammars} grammars ({deterministic} of them LR(1)), {empty} without sentences, {texts} texts"
    );
    assert!(grammars > 200 && deterministic > 50);
}

/// As [`check_grammar`], without the claim that living threads have short completions: instead every
/// living thread's own stack must reach a sentence, by a search over the machine itself.
fn check_sentences(
    grammar: &Grammar,
    alphabet: &[u8],
    len: usize,
) -> Result<(usize, bool), String> {
    let language = Naive::language(grammar, alphabet, len);
    let machine = match lr_of(grammar) {
        Ok(machine) => machine,
        Err(e) => {
            assert!(e.starts_with("empty-language"), "{e}");
            assert!(language.is_empty(), "{language:?}");
            return Err(e);
        }
    };
    let deterministic = machine.conflicts().unwrap().is_deterministic();
    let plain = machine.grammar().terminals().iter().all(|t| {
        matches!(
            machine.grammar().regexes().node(t.regex),
            RegexNode::Bytes(_)
        )
    });
    let mut ran = 0;
    let mut level = vec![(Vec::new(), Threads::start(&machine))];
    while let Some((text, threads)) = level.pop() {
        ran += 1;
        assert_eq!(
            threads.accepts(&machine),
            language.contains(&text),
            "sentence? {}",
            String::from_utf8_lossy(&text)
        );
        let prefix = language
            .range(text.clone()..)
            .next()
            .is_some_and(|t| t.starts_with(&text));
        assert!(
            !prefix || !threads.0.is_empty(),
            "viable: {}",
            String::from_utf8_lossy(&text)
        );
        threads.check(&machine);
        if deterministic && plain {
            assert!(threads.0.len() <= 1, "an LR(1) grammar needs one stack");
        }
        if text.len() < len && !threads.0.is_empty() {
            for &b in alphabet {
                let mut longer = text.clone();
                longer.push(b);
                level.push((longer, threads.advance(&machine, b)));
            }
        }
    }
    Ok((ran, deterministic && plain))
}

#[test]
fn the_grammars_of_the_repository_accept_and_reject_their_texts() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars/cfg");
    let texts = |folder: std::path::PathBuf| -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files
            .map(|f| (f.path(), std::fs::read(f.path()).unwrap()))
            .collect()
    };
    let (mut ran, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let Ok(source) = std::fs::read_to_string(entry.path().join("grammar.ebnf")) else {
            continue;
        };
        let machine = match lr(&source) {
            Ok(machine) => machine,
            Err(e) => {
                wrong.push(format!("{}: {e}", entry.path().display()));
                continue;
            }
        };
        let mut most = 0;
        for (folder, expected) in [("accept", true), ("reject", false)] {
            for (path, text) in texts(entry.path().join(folder)) {
                let mut threads = Threads::start(&machine);
                let mut read = 0;
                for &b in &text {
                    threads = threads.advance(&machine, b);
                    most = most.max(threads.0.len());
                    if threads.0.is_empty() {
                        break;
                    }
                    read += 1;
                }
                if threads.accepts(&machine) != expected {
                    let read = String::from_utf8_lossy(&text[..read]);
                    wrong.push(format!("{}: read {read:?}", path.display()));
                }
                ran += 1;
            }
        }
        let report = machine.conflicts().unwrap();
        println!(
            "{}: {} states, {} + {} conflicts, at most {most} threads",
            entry.file_name().display(),
            report.states,
            report.shift_reduce,
            report.reduce_reduce
        );
    }
    println!("{ran} texts");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_regex_takes_the_same_road() {
    let grammar = Grammar::from_regex("(a|b)*a(a|b){2}", &Limits::default()).unwrap();
    check_grammar(&grammar, b"ab", 6, 4).unwrap();
    assert_eq!(lr_of(&grammar).unwrap().grammar().terminals().len(), 1);
    let optional = Grammar::from_regex("(ab)*", &Limits::default()).unwrap();
    check_grammar(&optional, b"ab", 6, 4).unwrap();
    let never = Grammar::from_regex("a^b", &Limits::default()).unwrap();
    assert!(lr_of(&never).unwrap_err().starts_with("empty-language"));
}

#[test]
fn a_terminal_that_matches_nothing_takes_its_sentences_along() {
    let machine = lr("start = NONE 'x' | 'y' start | 'z' ; NONE = 'a' & 'b' ;").unwrap();
    assert_eq!(machine.grammar().to_string(), "start = 'y' start | 'z' ;\n");
    let error = lr("start = NONE 'x' ; NONE = 'a' & 'b' ;").unwrap_err();
    assert!(
        error.starts_with("empty-language") && error.contains("NONE"),
        "{error}"
    );
}

#[test]
fn left_and_lowered_lists_need_constant_stack_and_right_lists_linear() {
    for (text, bound) in [
        ("start = start 'a' x | 'a' ; x = 'b' x 'b' | ;", 4),
        ("start = ('a' x)+ ; x = 'b' x 'b' | ;", 4),
        ("start = 'a' start | 'a' ;", 101),
    ] {
        let machine = lr(text).unwrap();
        let mut threads = Threads::start(&machine);
        for _ in 0..100 {
            threads = threads.advance(&machine, b'a');
        }
        assert!(threads.accepts(&machine));
        let deepest = threads.0.iter().map(|(_, s)| s.len()).max().unwrap();
        assert!(deepest <= bound, "{text}: {deepest}");
    }
}

/// Runs on a small native stack, so that recursion on the input's depth would overflow it.
fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(f)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn long_rule_chains_need_no_native_stack() {
    on_a_small_stack(|| {
        for n in [3_000, 100_000] {
            let last = n - 1;
            let kinds = if n > 3_000 { 3 } else { 5 };
            for (step, ends, text) in [
                ("r{} ;", "'x' ;", "x"),
                ("'a' r{} | 'b' ;", "'x' ;", "aaab"),
                ("r{} 'a' | 'c' ;", "'x' | 'y' ;", "caa"),
                ("r{} | 'b' ;", "'x' | 'y' ;", "y"),
                ("'a'? r{} ;", "'x' ;", "aaax"),
            ]
            .into_iter()
            .take(kinds)
            {
                let mut source = String::new();
                for i in 0..last {
                    source.push_str(&format!(
                        "r{i} = {}\n",
                        step.replace("{}", &(i + 1).to_string())
                    ));
                }
                source.push_str(&format!("r{last} = {ends}\n"));
                let machine = match lr(&source) {
                    Ok(machine) => machine,
                    Err(e) => {
                        assert!(e.starts_with("limit-exceeded"), "{e}");
                        continue;
                    }
                };
                let mut threads = Threads::start(&machine);
                for b in text.bytes() {
                    threads = threads.advance(&machine, b);
                }
                assert!(threads.accepts(&machine), "{n} times {step}");
            }
        }
    });
}

#[test]
fn deep_nesting_needs_no_native_stack() {
    on_a_small_stack(|| {
        let n = 60_000;
        let source = format!("start = {}'x'{} ;", "('a' ".repeat(n), "| 'b')".repeat(n));
        let machine = lr(&source).unwrap();
        let mut threads = Threads::start(&machine);
        for _ in 0..100 {
            threads = threads.advance(&machine, b'a');
        }
        assert!(threads.advance(&machine, b'b').accepts(&machine));
        let machine = lr("start = '(' start ')' | 'x' ;").unwrap();
        let mut stack = vec![machine.start()];
        let label = |name: &str| {
            machine
                .grammar()
                .terminals()
                .iter()
                .position(|t| t.name == name)
                .unwrap() as u32
        };
        let text: Vec<u32> = [
            vec![label("'('"); n],
            vec![label("'x'")],
            vec![label("')'"); n],
        ]
        .concat();
        for t in text {
            let actions = machine.step(&mut Whole(&stack), &[t]).unwrap();
            assert_eq!(actions.len(), 1);
            stack.truncate(stack.len() - actions[0].pop as usize);
            stack.extend(actions[0].push.iter());
        }
        assert!(machine.ends(&mut Whole(&stack)).unwrap());
    });
}

#[test]
fn limits_and_cancelling_are_typed_errors() {
    let grammar = Grammar::from_ebnf(
        "start = x{1,1000000} ; x = '(' x ')' | 'a' ;",
        &Limits::default(),
    )
    .unwrap();
    let error = normalize(&grammar, &Limits::untrusted(), &CancelFlag::new()).unwrap_err();
    assert_eq!(
        error.0[0].limit.as_ref().unwrap().stage,
        "production symbols"
    );
    let source: String = (0..50)
        .map(|i| {
            format!(
                "r{i} = 'a' r{} | 'b' r{} | 'c' ;\n",
                i * 7 % 50,
                i * 11 % 50
            )
        })
        .collect();
    let grammar = Grammar::from_ebnf(&source, &Limits::default()).unwrap();
    let (normal, _) = normalize(&grammar, &Limits::default(), &CancelFlag::new()).unwrap();
    let few = Limits {
        states: 3,
        ..Limits::default()
    };
    let cancel = CancelFlag::new();
    let machine = Lr::new(
        normal.clone(),
        Arc::new(Lexicon::new(Limits::default())),
        few,
        cancel.clone(),
    )
    .unwrap();
    assert_eq!(machine.explore().unwrap_err().stage, "LR states");
    cancel.cancel();
    let machine = Lr::new(
        normal,
        Arc::new(Lexicon::new(Limits::default())),
        few,
        CancelFlag::new(),
    )
    .unwrap();
    machine.states.cancel().cancel();
    assert!(machine.explore().unwrap_err().is_cancelled());
}

#[test]
fn several_threads_see_one_machine() {
    let machine = lr("start = start '+' term | term ; term = term '*' atom | atom ; atom = 'n' | '(' start ')' ;").unwrap();
    let run = |text: &str| {
        let mut threads = Threads::start(&machine);
        for b in text.bytes() {
            threads = threads.advance(&machine, b);
        }
        threads.accepts(&machine)
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert!(run("n+n*(n+(n*n))*n") && !run("n+n*(n+(n*n)*n"));
                }
            });
        }
    });
    let report = machine.conflicts().unwrap();
    assert!(report.is_deterministic());
    // Canonical LR(1) states of the expression grammar, a textbook number, minus those that the
    // removed aliases would have had.
    assert_eq!(report.states, machine.symbols_len());
}

#[test]
fn conflicts_are_shown_with_a_sentence_for_each_reading() {
    let machine = lr("start = 'if' start | 'if' start 'else' start | 'x' ;").unwrap();
    let report = machine.conflicts().unwrap();
    assert_eq!(
        report.examples[0].readings,
        [
            (
                "start → 'if' start • 'else' start".to_string(),
                "'if' 'if' 'x' 'else' 'x'".to_string()
            ),
            (
                "start → 'if' start •".to_string(),
                "'if' 'if' 'x' 'else' 'x'".to_string()
            ),
        ],
        "{report}"
    );
    println!("{report}");
    let palindromes = lr("start = 'a' start 'a' | 'b' start 'b' | ;")
        .unwrap()
        .conflicts()
        .unwrap();
    println!("{palindromes}");
    assert!(palindromes.shift_reduce > 0 && !palindromes.is_deterministic());
}
