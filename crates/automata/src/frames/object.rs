//! Objects: names, their order, and what each member is asked to be.
//!
//! A *layout* lists the names that the object nodes of a frame mention: first the ordered ones (the
//! declared properties, in the order of each node as far as these agree), then the *loose* ones, which
//! may come in any order after them (names that are required but not declared, names of finite
//! patterns). All other names fall into *cells*: one for each set of name patterns that a name can match.
//! A cell of few names would run out of them unnoticed, so these are listed too. With [`Order::Any`]
//! every name is loose.
//!
//! What a member must be depends only on the node and on the name or cell, so the state of an object
//! is how far it is ([`Place::Object`]) and which nodes are still alive.

use super::Order;
use super::core::{Core, Key, Place};
use super::finite::finite_strings;
use super::form::FormId;
use super::order::merged;
use super::size::Owned;
use crate::lexicon::ExprId;
use hashbrown::HashTable;
use maskwright_grammar::RegexId;
use maskwright_grammar::json_schema::{Node, NodeId, ObjectNode};
use maskwright_tables::{LimitError, heap};
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;
use std::hash::BuildHasher;
use std::sync::Arc;

/// A set of names outside the layout's list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Bit `t`: the names match test `t` of the layout.
    pub tests: u64,
    /// The names.
    pub names: ExprId,
}

/// What one object node says, in terms of the layout.
#[derive(Debug, Default)]
pub(super) struct ObjectTable {
    /// By name.
    properties: Vec<Option<NodeId>>,
    /// Test and schema.
    patterns: Vec<(u32, NodeId)>,
    /// The test that every name must pass.
    names: Option<u32>,
    additional: Option<NodeId>,
    /// Indices of required names, increasing.
    pub required: Vec<u32>,
    pub min: u64,
    pub max: Option<u64>,
}

impl ObjectTable {
    /// Whether a name is one of the properties.
    pub fn lists(&self, name: u32) -> bool {
        matches!(self.properties.get(name as usize), Some(Some(_)))
    }
}

impl Owned for Layout {
    fn owned(&self) -> usize {
        let names = self.names.iter().map(|n| heap::allocation(n.len() + 16));
        let tables = self.tables.values().map(|t| {
            heap::list::<Option<NodeId>>(t.properties.capacity())
                + heap::list::<(u32, NodeId)>(t.patterns.capacity())
                + heap::list::<u32>(t.required.capacity())
        });
        heap::allocation(size_of::<Layout>() + 16)
            + heap::list::<Arc<str>>(self.names.capacity())
            + heap::list::<u32>(self.sorted.capacity())
            + heap::list::<RegexId>(self.tests.capacity())
            + heap::table::<NodeId, ObjectTable>(self.tables.len())
            + names.sum::<usize>()
            + tables.sum::<usize>()
    }
}

/// The names of the object nodes of a frame. See the module documentation.
#[derive(Debug)]
pub(super) struct Layout {
    pub names: Vec<Arc<str>>,
    /// The names in the order of their bytes.
    sorted: Vec<u32>,
    /// So many names come in order; the others are loose.
    pub ordered: u32,
    pub tests: Vec<RegexId>,
    pub tables: FxHashMap<NodeId, ObjectTable>,
}

/// The most cells of one layout.
const MAX_CELLS: usize = 4096;
/// The most strings for which a pattern is treated as a list of names.
const MAX_FINITE_NAMES: usize = 256;

impl Core {
    fn object_node(&self, id: NodeId) -> Option<&ObjectNode> {
        match self.schema.node(id) {
            Node::Object(o) => Some(o),
            _ => None,
        }
    }

    /// The layout of some object nodes, in the order that decides the order of their properties.
    pub fn layout(&mut self, nodes: Box<[NodeId]>) -> Result<u32, LimitError> {
        if let Some(&id) = self.layout_ids.get(&nodes) {
            return Ok(id);
        }
        let layout = self.new_layout(&nodes, &[])?;
        let has_tests = !layout.tests.is_empty();
        let id = self.layouts.len() as u32;
        self.owned += layout.owned() + heap::list::<NodeId>(nodes.len());
        self.layouts.push(Arc::new(layout));
        if has_tests {
            let mut few = Vec::new();
            for cell in self.cells(id)?.iter() {
                few.extend(self.few_names(cell.names)?);
            }
            if !few.is_empty() {
                let layout = self.new_layout(&nodes, &few)?;
                self.owned += layout.owned();
                self.owned -= self.layouts[id as usize].owned();
                self.layouts[id as usize] = Arc::new(layout);
                self.cells.remove(&id);
                self.unlisted.remove(&id);
                self.name_tests.retain(|(layout, _), _| *layout != id);
                self.members.retain(|(layout, _), _| *layout != id);
            }
        }
        self.layout_ids.insert(nodes, id);
        Ok(id)
    }

    /// The names of a cell, if these are few.
    fn few_names(&mut self, names: ExprId) -> Result<Vec<Box<str>>, LimitError> {
        // Each beginning that lives leads to a name of its own, so that the names are more than few as
        // soon as the beginnings of one length are.
        let (mut found, mut open) = (Vec::new(), vec![(Vec::new(), names)]);
        while !open.is_empty() && found.len() + open.len() <= MAX_FINITE_NAMES {
            let mut longer = Vec::new();
            for (text, e) in open {
                self.spend(1)?;
                if self.lexicon.is_endless(e) {
                    return Ok(Vec::new());
                }
                if self.lexicon.is_nullable(e) {
                    found.push(String::from_utf8_lossy(&text).into());
                }
                let mut wide = found.len() + longer.len();
                let mut first = 0;
                let mut alive = Vec::new();
                for &(last, d) in self.lexicon.derivatives(e)?.iter() {
                    if !self.lexicon.is_empty(d)? {
                        wide += usize::from(last - first) + 1;
                        alive.push((first..=last, d));
                    }
                    first = last.saturating_add(1);
                }
                if wide > MAX_FINITE_NAMES {
                    return Ok(Vec::new());
                }
                for (bytes, d) in alive {
                    longer.extend(bytes.map(|b| ([&text, &[b][..]].concat(), d)));
                }
            }
            open = longer;
        }
        Ok(match open.is_empty() {
            true => found,
            false => Vec::new(),
        })
    }

    /// A layout with further names.
    fn new_layout(&mut self, nodes: &[NodeId], more: &[Box<str>]) -> Result<Layout, LimitError> {
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut index: HashTable<u32> = HashTable::new();
        let mut tests: Vec<RegexId> = Vec::new();
        let mut steps = 0;
        let mut add = |name: &str, names: &mut Vec<Arc<str>>| {
            let hash = |name: &str| FxBuildHasher.hash_one(name);
            let is_same = |i: &u32| *names[*i as usize] == *name;
            if let Some(&i) = index.find(hash(name), is_same) {
                return i;
            }
            let i = names.len() as u32;
            names.push(name.into());
            index.insert_unique(hash(name), i, |i| hash(&names[*i as usize]));
            i
        };
        let mut tables: FxHashMap<NodeId, ObjectTable> = FxHashMap::default();
        let objects: Vec<(NodeId, &ObjectNode)> = nodes
            .iter()
            .filter_map(|n| Some((*n, self.object_node(*n)?)))
            .collect();
        let lists = objects.iter().map(|(_, object)| {
            let properties = object.properties.iter();
            // A name that may not come has no place in the order.
            let own = properties.filter(|(_, node)| !self.is_false(*node));
            own.map(|(name, _)| &**name).collect()
        });
        for name in merged(&lists.collect::<Vec<_>>()) {
            add(name, &mut names);
        }
        let declared = names.len() as u32;
        for (id, object) in &objects {
            let table = tables.entry(*id).or_default();
            for (name, node) in &object.properties {
                let i = add(name, &mut names) as usize;
                if table.properties.len() <= i {
                    table.properties.resize(i + 1, None);
                }
                table.properties[i] = Some(*node);
            }
            steps += object.properties.len() as u64 + object.required.len() as u64;
        }
        let mut test = |r: RegexId| match tests.iter().position(|t| *t == r) {
            Some(i) => i as u32,
            None => {
                tests.push(r);
                tests.len() as u32 - 1
            }
        };
        for (id, object) in &objects {
            let Some(table) = tables.get_mut(id) else {
                continue;
            };
            for name in &object.required {
                table.required.push(add(name, &mut names));
            }
            table.required.sort_unstable();
            table.required.dedup();
            table.patterns = object
                .patterns
                .iter()
                .map(|(r, n)| (test(*r), *n))
                .collect();
            table.names = object.names.map(&mut test);
            table.additional = object.additional;
            table.min = object.min;
            table.max = object.max;
        }
        // Names of finite patterns are listed, so that the state knows which are left.
        for r in &tests {
            for name in
                finite_strings(&self.schema.regexes, *r, MAX_FINITE_NAMES).unwrap_or_default()
            {
                if let Ok(name) = std::str::from_utf8(&name) {
                    add(name, &mut names);
                }
            }
        }
        for name in more {
            add(name, &mut names);
        }
        for table in tables.values_mut() {
            table.properties.resize(names.len(), None);
        }
        steps += (names.len() * nodes.len()) as u64;
        self.spend(steps)?;
        if tests.len() > 64 {
            return Err(LimitError::new(
                "name patterns of one object",
                tests.len() as u64,
                64,
            ));
        }
        let ordered = match self.options.order {
            Order::Schema => declared,
            Order::Any => 0,
        };
        let mut sorted: Vec<u32> = (0..names.len() as u32).collect();
        sorted.sort_unstable_by_key(|i| &*names[*i as usize]);
        Ok(Layout {
            names,
            sorted,
            ordered,
            tests,
            tables,
        })
    }

    /// The beginning of an object.
    pub fn object_start(&self, layout: u32) -> Place {
        let loose = self.layouts[layout as usize].loose();
        let seen = SmallVec::from_elem(0, loose.div_ceil(64));
        Place::Object {
            layout,
            position: 0,
            scan: 0,
            seen,
            count: 0,
        }
    }

    /// The cells of a layout.
    pub fn cells(&mut self, id: u32) -> Result<Arc<[Cell]>, LimitError> {
        if let Some(cells) = self.cells.get(&id) {
            return Ok(cells.clone());
        }
        let layout = self.layouts[id as usize].clone();
        self.spend(1 + layout.names.len() as u64)?;
        let others = self.without_listed(id, &layout, self.lexicon.any_text(), None)?;
        let mut cells = vec![Cell {
            tests: 0,
            names: others,
        }];
        for (t, regex) in layout.tests.iter().enumerate() {
            let test = self.regex(*regex)?;
            let not = self.lexicon.not(test);
            // Tests match text only, so the first needs no intersection with all other names.
            let test = self.without_listed(id, &layout, test, Some(t))?;
            let mut split = Vec::with_capacity(cells.len() + 1);
            for cell in cells {
                self.spend(16)?;
                let outside = self.lexicon.and(&[cell.names, not]);
                if self.string_exists(outside)? {
                    split.push(Cell {
                        tests: cell.tests,
                        names: outside,
                    });
                }
                let inside = match cell.names == others {
                    true => test,
                    false => self.lexicon.and(&[cell.names, test]),
                };
                if self.string_exists(inside)? {
                    split.push(Cell {
                        tests: cell.tests | 1 << t,
                        names: inside,
                    });
                }
            }
            cells = split;
            if cells.len() > MAX_CELLS {
                return Err(LimitError::new(
                    "name patterns that overlap",
                    cells.len() as u64,
                    MAX_CELLS as u64,
                ));
            }
        }
        let cells: Arc<[Cell]> = cells.into();
        self.cells.insert(id, cells.clone());
        self.unlisted.insert(id, others);
        Ok(cells)
    }

    /// `names` without the listed ones (of those that pass the test).
    fn without_listed(
        &mut self,
        id: u32,
        layout: &Layout,
        names: ExprId,
        test: Option<usize>,
    ) -> Result<ExprId, LimitError> {
        let mut listed = Vec::new();
        for (i, name) in layout.names.iter().enumerate() {
            let passes = match test {
                Some(t) => self.name_tests(id, layout, i as u32)? >> t & 1 == 1,
                None => true,
            };
            if passes {
                listed.push((name.as_bytes().into(), None));
            }
        }
        Ok(match listed.is_empty() {
            true => names,
            false => self
                .lexicon
                .and(&[names, self.lexicon.not(self.lexicon.literals(listed))]),
        })
    }

    /// Whether a node is plainly the schema `false`.
    pub fn is_false(&self, node: NodeId) -> bool {
        matches!(self.schema.node(node), Node::Any(p) if p.is_empty())
    }

    /// Which tests of the layout a listed name passes.
    fn name_tests(&mut self, id: u32, layout: &Layout, name: u32) -> Result<u64, LimitError> {
        if layout.tests.is_empty() {
            return Ok(0);
        }
        if let Some(&tests) = self.name_tests.get(&(id, name)) {
            return Ok(tests);
        }
        let mut tests = 0;
        for (t, regex) in layout.tests.iter().enumerate() {
            let mut e = self.regex(*regex)?;
            let text = layout.names[name as usize].as_bytes();
            self.spend(text.len() as u64 + 1)?;
            for &byte in text {
                e = self.lexicon.derive(e, byte)?;
            }
            if self.lexicon.is_nullable(e) {
                tests |= 1 << t;
            }
        }
        self.name_tests.insert((id, name), tests);
        Ok(tests)
    }

    /// What an object node asks of the member with this key.
    pub fn member_form(&mut self, id: u32, node: NodeId, key: Key) -> Result<FormId, LimitError> {
        let layout = self.layouts[id as usize].clone();
        let Some(table) = layout.tables.get(&node) else {
            return Ok(FormId::TRUE);
        };
        let (tests, property) = match key {
            Key::Name(i) => (
                self.name_tests(id, &layout, i)?,
                table.properties[i as usize],
            ),
            Key::Cell(_) if layout.tests.is_empty() => (0, None),
            Key::Cell(c) => (self.cells(id)?[c as usize].tests, None),
            Key::Element => (0, None),
        };
        if table.names.is_some_and(|t| tests >> t & 1 == 0) {
            return Ok(FormId::FALSE);
        }
        let mut form = property.map(|n| self.node_form(n));
        for &(t, n) in &table.patterns {
            if tests >> t & 1 == 1 {
                let more = self.node_form(n);
                form = Some(self.forms.and2(form.unwrap_or(FormId::TRUE), more));
            }
        }
        Ok(form.unwrap_or_else(|| self.optional_form(table.additional)))
    }

    /// Whether a member with this key may have a value, as one node of a layout asks for it. Frames of an object
    /// ask for its names again and again.
    pub fn member_exists(&mut self, id: u32, node: NodeId, key: Key) -> Result<bool, LimitError> {
        let Key::Name(name) = key else {
            let form = self.member_form(id, node, key)?;
            return self.value_exists(form);
        };
        let known = self.members.get(&(id, node));
        if let Some(&Some(exists)) = known.and_then(|known| known.get(name as usize)) {
            return Ok(exists);
        }
        let form = self.member_form(id, node, key)?;
        let exists = self.value_exists(form)?;
        let names = self.layouts[id as usize].names.len();
        let known = self.members.entry((id, node)).or_insert_with(|| {
            self.owned += names;
            vec![None; names].into()
        });
        known[name as usize] = Some(exists);
        Ok(exists)
    }

    /// How many cells a layout has. One when there are no patterns, found without building them.
    pub fn cells_len(&mut self, id: u32) -> Result<u32, LimitError> {
        if self.layouts[id as usize].tests.is_empty() {
            return Ok(1);
        }
        Ok(self.cells(id)?.len() as u32)
    }
}

impl Layout {
    /// The number of loose names.
    pub fn loose(&self) -> usize {
        self.names.len() - self.ordered as usize
    }

    /// The required names of a node that are not behind, in a place.
    pub fn missing(&self, table: &ObjectTable, place: &Place) -> impl Iterator<Item = u32> {
        let Place::Object {
            position,
            scan,
            seen,
            ..
        } = place
        else {
            return SmallVec::<[u32; 8]>::new().into_iter();
        };
        let missing: SmallVec<[u32; 8]> = table
            .required
            .iter()
            .copied()
            .filter(|&r| match r.checked_sub(self.ordered) {
                None => r >= *position,
                Some(i) => r >= *scan && seen[i as usize / 64] >> (i % 64) & 1 == 0,
            })
            .collect();
        missing.into_iter()
    }

    /// Some of the names, given by increasing indices, in the order of their bytes.
    pub fn in_byte_order(&self, some: &mut [u32]) {
        if some.len() * 8 < self.names.len() {
            some.sort_unstable_by_key(|i| &*self.names[*i as usize]);
            return;
        }
        let mut is_one = vec![false; self.names.len()];
        some.iter().for_each(|i| is_one[*i as usize] = true);
        let ones = self.sorted.iter().filter(|i| is_one[**i as usize]);
        some.iter_mut().zip(ones).for_each(|(to, i)| *to = *i);
    }

    /// Whether a listed name may still come.
    pub fn is_open(&self, place: &Place, name: u32) -> bool {
        let Place::Object {
            position,
            scan,
            seen,
            ..
        } = place
        else {
            return false;
        };
        match name.checked_sub(self.ordered) {
            None => name >= *position,
            Some(i) => name >= *scan && seen[i as usize / 64] >> (i % 64) & 1 == 0,
        }
    }

    /// Whether a node loses a required name when the key is the next one. In a search for a
    /// completion (`search`) loose names are tried in their order too.
    pub fn skips_required(
        &self,
        table: &ObjectTable,
        place: &Place,
        key: Key,
        search: bool,
    ) -> bool {
        let past = |r: u32| match key {
            Key::Name(i) if i < self.ordered => r < i,
            Key::Name(i) => r < self.ordered || search && r < i,
            _ => r < self.ordered || search,
        };
        self.missing(table, place).any(past)
    }

    /// The place after a member.
    pub fn after(&self, place: &Place, key: Key, search: bool) -> Place {
        let mut next = place.clone();
        if let Place::Object {
            position,
            scan,
            seen,
            count,
            ..
        } = &mut next
        {
            *count += 1;
            match key {
                Key::Name(i) if i < self.ordered => *position = i + 1,
                Key::Name(i) => {
                    *position = self.ordered;
                    let bit = i - self.ordered;
                    if search {
                        *scan = i + 1;
                        // Names behind are all alike.
                        for (w, word) in seen.iter_mut().enumerate() {
                            let behind = (bit as usize + 1).saturating_sub(w * 64);
                            *word = if behind >= 64 {
                                0
                            } else {
                                *word >> behind << behind
                            };
                        }
                    } else {
                        seen[bit as usize / 64] |= 1 << (bit % 64);
                    }
                }
                _ => {
                    *position = self.ordered;
                    if search {
                        *scan = self.names.len() as u32;
                        seen.iter_mut().for_each(|w| *w = 0);
                    }
                }
            }
        }
        next
    }
}
