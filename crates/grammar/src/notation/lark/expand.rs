//! Definitions → syntax tree: templates are written out, extensions joined.
//!
//! A *unit* is one definition of the tree to be: a definition of the source without parameters, a
//! template with arguments, or an argument that is more than a name or a leaf. Units are found by a
//! work list, each once for equal arguments; then the tree is written, unit by unit.

use super::super::ast::{Kind, Node, NodeId, Tree};
use super::{Body, Source, read};
use crate::{Diagnostic, Diagnostics, Place, RegexId, RegexPool};
use maskwright_tables::{LimitError, Limits};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// What a parameter stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Arg<'s> {
    Name(&'s str),
    Leaf(RegexId),
    Unit(usize),
}

/// The arguments of a template, by parameter.
type Env<'s> = Rc<Vec<(&'s str, Arg<'s>)>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key<'s> {
    Template(usize, Vec<Arg<'s>>),
    /// An argument at a node, under the arguments of the template around it.
    Argument(u32, Env<'s>),
}

struct Unit<'s> {
    name: String,
    /// The definition that it comes from.
    definition: usize,
    bodies: Vec<Body>,
    env: Env<'s>,
}

/// What is to be written.
pub(super) struct Plan<'s> {
    units: Vec<Unit<'s>>,
    /// The units of templates and arguments.
    keys: FxHashMap<Key<'s>, usize>,
}

fn look_up<'s>(env: &Env<'s>, name: &str) -> Option<Arg<'s>> {
    env.iter().find(|(n, _)| *n == name).map(|(_, arg)| *arg)
}

/// Finds the units.
pub(super) fn plan<'s>(source: &Source<'s>, limits: &Limits) -> Result<Plan<'s>, Diagnostics> {
    let empty: Env<'s> = Rc::default();
    let mut plan = Plan {
        units: Vec::new(),
        keys: FxHashMap::default(),
    };
    let used = used(source);
    for (i, d) in source.definitions.iter().enumerate() {
        if d.params.is_empty() && used.contains(&i) {
            plan.units.push(Unit {
                name: d.name.to_owned(),
                definition: i,
                bodies: d.bodies.clone(),
                env: Rc::clone(&empty),
            });
        }
    }
    let mut errors = Vec::new();
    let mut next = 0;
    let mut nodes = 0usize;
    while next < plan.units.len() {
        let (bodies, env, definition) = {
            let unit = &plan.units[next];
            (unit.bodies.clone(), Rc::clone(&unit.env), unit.definition)
        };
        next += 1;
        for body in bodies {
            nodes += (body.root - body.first) as usize + 1;
            if nodes > limits.nodes {
                let e = LimitError::new("notation nodes", nodes as u64, limits.nodes as u64);
                let place = Place::span(source.definitions[definition].span.clone());
                return Err(Diagnostic::limit(e, place).into());
            }
            for node in body.first..=body.root {
                if let Some(usage) = source.usages.get(&node)
                    && let Err(e) = plan.instance(source, node, &usage.args, &env, definition)
                {
                    errors.push(e);
                }
            }
        }
        if errors.len() > 64 {
            break;
        }
    }
    for body in &source.ignored {
        for node in body.first..=body.root {
            if source.usages.contains_key(&node) {
                errors.push(
                    Diagnostic::new(
                        "not-a-terminal",
                        "only terminals can be ignored",
                        Place::span(source.spans[node as usize].clone()),
                    )
                    .with_help("name the template's text as a terminal, and ignore that"),
                );
            }
        }
    }
    if errors.is_empty() {
        Ok(plan)
    } else {
        Err(Diagnostics(errors))
    }
}

/// All definitions but those of a library that nobody needs.
fn used(source: &Source<'_>) -> FxHashSet<usize> {
    let is_library = |i: usize| source.definitions[i].name.contains('.');
    let mut work: Vec<usize> = (0..source.definitions.len())
        .filter(|i| !is_library(*i))
        .collect();
    let mut used: FxHashSet<usize> = work.iter().copied().collect();
    while let Some(i) = work.pop() {
        for body in &source.definitions[i].bodies {
            for node in body.first..=body.root {
                if let Node::Name(name) = source.nodes[node as usize]
                    && let Some(&other) = source.names.get(name)
                    && used.insert(other)
                {
                    work.push(other);
                }
            }
        }
    }
    used
}

impl<'s> Plan<'s> {
    /// What a node stands for as an argument, if its unit is known or it needs none.
    fn arg(&self, source: &Source<'s>, body: Body, env: &Env<'s>) -> Option<Arg<'s>> {
        let node = body.root;
        let single = body.first == body.root;
        match &source.nodes[node as usize] {
            Node::Name(name) if single && !source.usages.contains_key(&node) => {
                Some(look_up(env, name).unwrap_or(Arg::Name(name)))
            }
            Node::Leaf(regex) if single => Some(Arg::Leaf(*regex)),
            _ => {
                let key = Key::Argument(node, Rc::clone(env));
                self.keys.get(&key).map(|unit| Arg::Unit(*unit))
            }
        }
    }

    /// The unit of the template that a node uses.
    fn instance(
        &mut self,
        source: &Source<'s>,
        node: u32,
        args: &[Body],
        env: &Env<'s>,
        within: usize,
    ) -> Result<(), Diagnostic> {
        let (template, params) = template(source, node)?;
        let name = source.definitions[template].name;
        if params.len() != args.len() {
            let message = format!(
                "`{name}` takes {} arguments, not {}",
                params.len(),
                args.len()
            );
            let place = Place::span(source.spans[node as usize].clone());
            return Err(Diagnostic::new("wrong-arguments", message, place)
                .with_help("give one argument for each parameter"));
        }
        let mut values = Vec::with_capacity(args.len());
        for &arg in args {
            let value = match self.arg(source, arg, env) {
                Some(value) => value,
                None => {
                    let unit = self.units.len();
                    let within_kind = source.definitions[within].name;
                    self.units.push(Unit {
                        name: format!("{within_kind}.argument.{unit}"),
                        definition: within,
                        bodies: vec![arg],
                        env: Rc::clone(env),
                    });
                    self.keys
                        .insert(Key::Argument(arg.root, Rc::clone(env)), unit);
                    Arg::Unit(unit)
                }
            };
            values.push(value);
        }
        let key = Key::Template(template, values.clone());
        if !self.keys.contains_key(&key) {
            let unit = self.units.len();
            let env = params.iter().copied().zip(values).collect();
            self.units.push(Unit {
                name: format!("{name}.{unit}"),
                definition: template,
                bodies: source.definitions[template].bodies.clone(),
                env: Rc::new(env),
            });
            self.keys.insert(key, unit);
        }
        Ok(())
    }

    /// The unit of the template that a node uses, once all units are known.
    fn unit_of(&self, source: &Source<'s>, node: u32, env: &Env<'s>) -> Option<usize> {
        let (template, _) = template(source, node).ok()?;
        let args = source.usages.get(&node)?.args.iter();
        let values: Option<Vec<Arg<'s>>> = args.map(|arg| self.arg(source, *arg, env)).collect();
        self.keys.get(&Key::Template(template, values?)).copied()
    }
}

fn template<'a, 's>(
    source: &'a Source<'s>,
    node: u32,
) -> Result<(usize, &'a [&'s str]), Diagnostic> {
    let Node::Name(name) = source.nodes[node as usize] else {
        return Ok((0, &[]));
    };
    let place = || Place::span(source.spans[node as usize].clone());
    match source.names.get(name) {
        Some(&i) if !source.definitions[i].params.is_empty() => {
            Ok((i, &source.definitions[i].params))
        }
        Some(_) => Err(Diagnostic::new(
            "wrong-arguments",
            format!("`{name}` takes no arguments"),
            place(),
        )
        .with_help("for a count, write digits in the braces")),
        None => Err(Diagnostic::new(
            "undefined-rule",
            format!("`{name}` is used but not defined"),
            place(),
        )
        .with_help(format!("define it: `{name}{{…}}: …`"))),
    }
}

/// Writes the tree.
pub(super) fn tree<'t, 's: 't>(
    source: &'t Source<'s>,
    plan: &'t Plan<'s>,
    pool: &mut RegexPool,
) -> Result<Tree<'t>, Diagnostics> {
    let declared = read::undefined_declared(source);
    let mut writer = Writer {
        source,
        plan,
        pool,
        tree: Tree::default(),
        declared,
        errors: Vec::new(),
    };
    let no_env: Env<'s> = Rc::default();
    for unit in &plan.units {
        let definition = &source.definitions[unit.definition];
        let mut roots = Vec::with_capacity(unit.bodies.len());
        for &body in &unit.bodies {
            roots.push(writer.body(body, &unit.env, definition.kind == Kind::Rule));
        }
        let span = definition.span.clone();
        let first = roots.remove(0);
        let root = writer.tree.many(Node::Alt, first, roots, span.clone());
        writer.tree.define(&unit.name, span, root, definition.kind);
    }
    for &body in &source.ignored {
        let root = writer.body(body, &no_env, true);
        writer.tree.ignore(root);
    }
    writer.lazy_terminals();
    let Writer {
        mut tree, errors, ..
    } = writer;
    if !errors.is_empty() {
        return Err(Diagnostics(errors));
    }
    tree.priorities = source.priorities.clone();
    if !tree.definitions.is_empty() {
        if !tree.definitions.iter().any(|d| d.name == "start") {
            let place = Place::span(tree.definitions[0].span.clone());
            return Err(
                Diagnostic::new("no-start", "there is no rule `start`", place)
                    .with_help("the whole text is what the rule `start` matches: define it")
                    .into(),
            );
        }
        tree.set_start("start", 0..0);
    }
    Ok(tree)
}

struct Writer<'t, 's, 'p> {
    source: &'t Source<'s>,
    plan: &'t Plan<'s>,
    pool: &'p mut RegexPool,
    tree: Tree<'t>,
    declared: FxHashSet<&'s str>,
    errors: Vec<Diagnostic>,
}

impl<'t, 's: 't> Writer<'t, 's, '_> {
    /// Copies a body, parameters replaced. In a rule, a lazy regex is a lexeme by itself.
    fn body(&mut self, body: Body, env: &Env<'s>, in_rule: bool) -> NodeId {
        let depth = self.source.depth[body.root as usize];
        let mut copies: FxHashMap<u32, NodeId> = FxHashMap::default();
        for node in body.first..=body.root {
            // Arguments of templates are units of their own.
            if self.source.depth[node as usize] != depth {
                continue;
            }
            let span = self.source.spans[node as usize].clone();
            let of = |id: &NodeId| copies[&id.0];
            let all = |ids: &[NodeId]| ids.iter().map(of).collect::<Vec<_>>();
            let copy = match &self.source.nodes[node as usize] {
                Node::Name(name) => self.name(node, name, env),
                Node::Leaf(regex) => {
                    let lazy = matches!(self.source.repeats.get(&node), Some((true, false)));
                    Node::Leaf(if lazy && in_rule {
                        self.pool.lazy(*regex)
                    } else {
                        *regex
                    })
                }
                Node::Seq(parts) => Node::Seq(all(parts)),
                Node::Alt(parts) => Node::Alt(all(parts)),
                Node::And(parts) => Node::And(all(parts)),
                Node::Not(inner) => Node::Not(of(inner)),
                Node::Lazy(inner) => Node::Lazy(of(inner)),
                Node::Repeat { inner, min, max } => Node::Repeat {
                    inner: of(inner),
                    min: *min,
                    max: *max,
                },
                other => other.clone(),
            };
            let id = self.tree.add(copy, span);
            copies.insert(node, id);
        }
        copies[&body.root]
    }

    fn name(&mut self, node: u32, name: &'s str, env: &Env<'s>) -> Node<'t> {
        if self.source.usages.contains_key(&node) {
            return match self.plan.unit_of(self.source, node, env) {
                Some(unit) => Node::Name(&self.plan.units[unit].name),
                None => Node::Name(name),
            };
        }
        let place = || Place::span(self.source.spans[node as usize].clone());
        match look_up(env, name) {
            Some(Arg::Name(name)) => Node::Name(name),
            Some(Arg::Leaf(regex)) => Node::Leaf(regex),
            Some(Arg::Unit(unit)) => Node::Name(&self.plan.units[unit].name),
            None if self.declared.contains(name) => {
                let message = format!("`{name}` is declared, but nothing says what text it is");
                self.errors.push(
                    Diagnostic::new("declared-terminal", message, place())
                        .with_help("what a program makes outside the grammar, such as indentation, cannot be compiled: define it"),
                );
                Node::Name(name)
            }
            None => {
                if let Some(&i) = self.source.names.get(name)
                    && !self.source.definitions[i].params.is_empty()
                {
                    let message = format!("`{name}` is a template and wants its arguments");
                    self.errors.push(
                        Diagnostic::new("wrong-arguments", message, place())
                            .with_help(format!("write them in braces: `{name}{{…}}`")),
                    );
                }
                Node::Name(name)
            }
        }
    }

    /// Notes the terminals all of whose unbounded repeats are lazy.
    fn lazy_terminals(&mut self) {
        let source = self.source;
        let mut known: FxHashMap<usize, (bool, bool)> = FxHashMap::default();
        // Each round reaches one level of names further; terminals are not recursive.
        for _ in 0..source.definitions.len().min(64) {
            let mut changed = false;
            for (i, d) in source.definitions.iter().enumerate() {
                if d.kind != Kind::Terminal {
                    continue;
                }
                let mut found = (false, false);
                for node in d.bodies.iter().flat_map(|b| b.first..=b.root) {
                    let (lazy, greedy) = match &source.nodes[node as usize] {
                        Node::Leaf(_) => source.repeats.get(&node).copied().unwrap_or_default(),
                        Node::Repeat { max: None, .. } => (false, true),
                        Node::Name(name) => source
                            .names
                            .get(name)
                            .and_then(|i| known.get(i))
                            .copied()
                            .unwrap_or_default(),
                        _ => (false, false),
                    };
                    found = (found.0 | lazy, found.1 | greedy);
                }
                changed |= known.insert(i, found) != Some(found);
            }
            if !changed {
                break;
            }
        }
        for (i, d) in source.definitions.iter().enumerate() {
            if known.get(&i) == Some(&(true, false)) {
                self.tree.lazy.push(d.name);
            }
        }
    }
}
