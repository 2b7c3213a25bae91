//! Notation in, normal form out.

use super::*;

fn try_normal(text: &str) -> Result<(NormalGrammar, Vec<Diagnostic>), Diagnostics> {
    normalize(
        &Grammar::from_ebnf(text, &Limits::offline())?,
        &Limits::offline(),
        &CancelFlag::new(),
    )
}

/// The normal form in the notation (`() ;` says that the empty text is a sentence), or the errors.
fn check(text: &str) -> String {
    let shown = match try_normal(text) {
        Ok((normal, _)) => normal.to_string(),
        Err(errors) => errors.0.iter().map(|e| format!("{e}\n")).collect(),
    };
    shown.trim_end().replace('\n', " ")
}

fn codes(text: &str) -> Vec<(&'static str, String)> {
    let diagnostics = match try_normal(text) {
        Ok((_, warnings)) => warnings,
        Err(errors) => errors.0,
    };
    diagnostics
        .into_iter()
        .map(|d| (d.code, d.message))
        .collect()
}

#[test]
fn empty_productions_become_choices_of_what_is_left_out() {
    assert_eq!(
        check("start = 'a' start 'b' | ;"),
        "() ; start = 'a' start 'b' | 'a' 'b' ;"
    );
    assert_eq!(
        check("start = x 'b' x ; x = 'a' x 'a' | ;"),
        "start = x 'b' x | 'b' x | x 'b' | 'b' ; x = 'a' x 'a' | 'a' 'a' ;"
    );
    assert_eq!(check("start = () | '' | x ; x = ;"), "() ;");
}

#[test]
fn many_optional_parts_cost_linear_space() {
    let optional = |n: usize| {
        let parts: String = (0..n).map(|i| format!("x{i}? ")).collect();
        let rules: String = (0..n)
            .map(|i| format!("x{i} = 'a{i}' x{i} 'b{i}' | 'c{i}' ;\n"))
            .collect();
        try_normal(&format!("start = {parts} ;\n{rules}"))
            .unwrap()
            .0
    };
    let symbols = |g: &NormalGrammar| g.productions().iter().map(|p| p.rhs.len()).sum::<usize>();
    let (few, many) = (symbols(&optional(50)), symbols(&optional(100)));
    assert!(many < few * 5 / 2, "{few} {many}");
}

#[test]
fn hidden_left_recursion_becomes_plain_left_recursion() {
    assert_eq!(
        check("start = x start 'b' | 'c' ; x = 'a' | ;"),
        "start = 'a' start 'b' | start 'b' | 'c' ;"
    );
}

#[test]
fn unit_cycles_and_aliases_vanish() {
    assert_eq!(check("start = start | 'a' | ;"), "() ; start = 'a' ;");
    assert_eq!(
        check("start = x 'c' ; x = y | 'a' x ; y = x | 'b' ;"),
        "start = x 'c' ; x = 'a' x | 'b' ;"
    );
    assert_eq!(
        check("start = x 'c' ; x = y ; y = z ; z = 'd' ;"),
        "start = 'd' 'c' ;"
    );
    assert_eq!(
        check("start = x ; x = y ; y = 'd' ;"),
        "x = 'd' ;".replace("x =", "start =")
    );
}

#[test]
fn equal_nonterminals_are_one() {
    assert_eq!(
        check("start = x 'p' | y 'q' ; x = 'a' x | 'b' ; y = 'a' y | 'b' ;"),
        "start = x 'p' | x 'q' ; x = 'a' x | 'b' ;"
    );
}

#[test]
fn equal_repeats_share_one_left_recursive_helper() {
    assert_eq!(
        check("start = p 'p' | q 'q' ; p = x* ; q = x+ 'r' ; x = '(' x ')' | 'a' ;"),
        "start = p 'p' | 'p' | q 'q' ; p = x | p x ; q = p 'r' ; x = '(' x ')' | 'a' ;"
    );
}

#[test]
fn counted_repeats_count_up() {
    assert_eq!(
        check("start = x{2,3} ; x = '(' x ')' | 'a' ;"),
        "start = start.1 | start.1.2 ; start.1 = x x ; start.1.2 = start.1 x ; x = '(' x ')' | 'a' ;"
    );
}

#[test]
fn operators_on_both_sides_become_a_list_and_a_note() {
    let text = "start = start '+' start | '-' start | start '!' | '(' start ')' | 'n' ;";
    assert_eq!(
        check(text),
        "start = start '+' start.operand | start '!' | start.operand ; \
         start.operand = '-' start.operand | '(' start ')' | 'n' ;"
    );
    assert_eq!(codes(text)[0].0, "ambiguous-rule");
    assert_eq!(
        check("start = start start | 'a' | ;"),
        "() ; start = start 'a' | 'a' ;"
    );
    let one_sided = "start = start '+' x | x ; x = 'n' '^' x | 'n' ;";
    assert_eq!(check(one_sided), one_sided);
}

#[test]
fn runs_of_characters_become_one_terminal_but_units_stay() {
    let text = "start = '{' word start '}' | word ; word = letter+ ; letter = [a-z] ;";
    assert_eq!(check(text), "start = '{' word start '}' | word ;");
    assert_eq!(check("start = 'a' 'b'* ;"), "start = start ;");
    // Nothing is fused where text is ignored between the characters.
    assert_eq!(
        check("start = 'a' 'b'* ; %ignore ' ' ;"),
        "start = 'a' start.1 | 'a' ; start.1 = 'b' | start.1 'b' ;"
    );
    // Nor without a repeat, nor across regexes and names in capitals.
    assert_eq!(check("start = 'a' 'b' | 'a' ;"), "start = 'a' 'b' | 'a' ;");
    assert_eq!(
        check("start = A '.' /[0-9]+/ ; A = [a-z]+ ;"),
        "start = A '.' /[0-9]+/ ;"
    );
}

#[test]
fn terminals_that_may_be_empty_become_optional() {
    assert_eq!(
        check("start = SPACE 'x' SPACE ; SPACE = ' '* ;"),
        "start = SPACE 'x' SPACE | 'x' SPACE | SPACE 'x' | 'x' ;"
    );
    assert_eq!(
        check("start = NOTHING 'x' ; NOTHING = '' ;"),
        "start = 'x' ;"
    );
    let (normal, _) = try_normal("start = A ; A = ('a'* 'b'?){2} & ~'c' ; %ignore /x*/ ;").unwrap();
    let nullable = nonempty::nullable(normal.regexes());
    assert!(normal.has_empty_sentence());
    for regex in normal
        .terminals()
        .iter()
        .map(|t| t.regex)
        .chain(normal.ignore().iter().copied())
    {
        assert!(!nullable[regex.0 as usize]);
    }
}

#[test]
fn equal_terminals_are_one_and_endless_rules_are_named() {
    assert_eq!(
        try_normal("start = A 'x' | B 'y' ; A = /a/ ; B = 'a' ;")
            .unwrap()
            .0
            .terminals()
            .len(),
        3
    );
    assert_eq!(
        codes("start = 'a' start ;"),
        [(
            "empty-language",
            "the start rule `start` matches nothing: no text can ever complete it".to_string()
        )]
    );
    let found = codes("start = x ; x = 'a' y ; y = x 'b' ;");
    assert_eq!(
        found.iter().map(|c| c.0).collect::<Vec<_>>(),
        ["empty-language", "endless-rule", "endless-rule"]
    );
    assert!(found[1].1.contains("`x`") && found[2].1.contains("`y`"));
    let found = codes("start = 'a' | x ; x = 'b' x ; unused = 'c' ; indirect = unused ;");
    assert_eq!(
        found.iter().map(|c| c.0).collect::<Vec<_>>(),
        ["endless-rule", "unused-rule", "unused-rule"]
    );
    assert_eq!(
        codes("start = [^\\x{0}-\\x{10FFFF}] ;")[0].0,
        "empty-language"
    );
}

#[test]
fn removing_a_terminal_removes_what_needs_it_and_keeps_numbers() {
    let (normal, _) = try_normal("start = x 'b' | 'c' start ; x = 'a' x | 'd' ;").unwrap();
    let id = |name: &str| {
        normal
            .terminals()
            .iter()
            .position(|t| t.name == name)
            .unwrap() as u32
    };
    let less = normal.retain_terminals(|t| t != id("'a'")).unwrap();
    assert_eq!(less.to_string(), "start = x 'b' | 'c' start ;\nx = 'd' ;\n");
    assert_eq!(less.terminals(), normal.terminals());
    let error = normal.retain_terminals(|t| t != id("'b'")).unwrap_err();
    assert_eq!(error.code, "empty-language");
    assert!(error.message.contains("'b'"));
    let (normal, _) = try_normal("start = 'a' start 'b' | ;").unwrap();
    let only_empty = normal.retain_terminals(|_| false).unwrap();
    assert_eq!(
        (only_empty.start(), only_empty.has_empty_sentence()),
        (None, true)
    );
}

/// What the module promises of every normal form.
fn check_invariants(normal: &NormalGrammar) {
    let nonterminals = normal.nonterminals().len();
    let mut reached = vec![false; nonterminals];
    let mut ends = vec![false; nonterminals];
    if let Some(start) = normal.start() {
        reached[start as usize] = true;
    }
    for _ in 0..nonterminals + 1 {
        for p in normal.productions() {
            for s in &p.rhs {
                if let Sym::Nonterminal(n) = s {
                    reached[*n as usize] |= reached[p.lhs as usize];
                }
            }
            ends[p.lhs as usize] |= p.rhs.iter().all(|s| match s {
                Sym::Terminal(_) => true,
                Sym::Nonterminal(n) => ends[*n as usize],
            });
        }
    }
    assert!(
        reached.iter().all(|r| *r) && ends.iter().all(|e| *e),
        "useless:\n{normal}"
    );
    let mut unit = vec![vec![false; nonterminals]; nonterminals];
    for p in normal.productions() {
        assert!(!p.rhs.is_empty());
        if let [Sym::Nonterminal(n)] = p.rhs[..] {
            unit[p.lhs as usize][n as usize] = true;
        }
    }
    for k in 0..nonterminals {
        for i in 0..nonterminals {
            for j in 0..nonterminals {
                unit[i][j] |= unit[i][k] && unit[k][j];
            }
        }
    }
    assert!(
        (0..nonterminals).all(|n| !unit[n][n]),
        "unit cycle:\n{normal}"
    );
}

#[test]
fn random_grammars_keep_the_invariants() {
    let mut seed = 7u64;
    let mut random = |n: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let mut ran = 0;
    for _ in 0..2_000 {
        let rules = 1 + random(6);
        let mut text = String::new();
        for r in 0..rules {
            text.push_str(&format!("r{r} ="));
            for a in 0..1 + random(3) {
                text.push_str(if a > 0 { " |" } else { "" });
                for _ in 0..random(5) {
                    match random(6) {
                        0 | 1 => text.push_str(&format!(" '{}'", random(3))),
                        2 | 3 => text.push_str(&format!(" r{}", random(rules))),
                        4 => text.push_str(&format!(" (r{} | r{})?", random(rules), random(rules))),
                        _ => text.push_str(&format!(
                            " (r{} '0'?){}",
                            random(rules),
                            ["*", "+", "{2,3}", "{3,}"][random(4) as usize]
                        )),
                    }
                }
            }
            text.push_str(" ;\n");
        }
        if let Ok((normal, _)) = try_normal(&text) {
            check_invariants(&normal);
            ran += 1;
        }
    }
    println!("{ran} grammars");
    assert!(ran > 1_000);
}

#[test]
fn the_same_text_gives_the_same_normal_form() {
    let text = "start = (x | y)* z{2,4} ; x = y | 'a' x ; y = 'b' | x 'c' ; z = x? y? ;";
    let first = check(text);
    for _ in 0..20 {
        assert_eq!(check(text), first);
    }
}
