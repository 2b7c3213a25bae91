//! The arenas of one schema's frames: everything is hash-consed and created on demand.

use super::by_type::ByType;
use super::form::{FormId, Forms};
use super::goal::{GoalId, Goals};
use super::machine::Punctuation;
use super::moves::Move;
use super::object::{Cell, Layout};
use super::points::Point;
use super::satisfy::Query;
use super::size::Owned;
use super::{FrameOptions, Kind};
use crate::lexicon::{ExprId, Lexicon};
use crate::number::Spelling;
use hashbrown::HashTable;
use maskwright_grammar::RegexId;
use maskwright_grammar::json_schema::{NodeId, Schema};
use maskwright_tables::{CancelFlag, LimitError, Limits, Symbol};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

/// Hash-consed values with dense ids.
#[derive(Debug)]
pub(super) struct Table<T> {
    pub list: Vec<T>,
    /// Finds an id by its value.
    ids: HashTable<u32>,
    /// Bytes that the values own.
    pub owned: usize,
}

impl<T: Eq + Hash + Owned> Table<T> {
    pub(super) fn new() -> Self {
        Table {
            list: Vec::new(),
            ids: HashTable::new(),
            owned: 0,
        }
    }

    pub fn intern(&mut self, value: T) -> u32 {
        let list = &self.list;
        let hash = hash_of(&value);
        if let Some(&id) = self.ids.find(hash, |id| list[*id as usize] == value) {
            return id;
        }
        let id = list.len() as u32;
        self.ids
            .insert_unique(hash, id, |id| hash_of(&list[*id as usize]));
        self.owned += value.owned();
        self.list.push(value);
        id
    }

    /// The id of a value that is there.
    pub fn find(&self, value: &T) -> Option<u32> {
        let same = |id: &u32| self.list[*id as usize] == *value;
        self.ids.find(hash_of(value), same).copied()
    }
}

fn hash_of<T: Hash>(value: &T) -> u64 {
    FxBuildHasher.hash_one(value)
}

/// How far the reading of an object or array has come, whatever is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Object {
        layout: u32,
        /// Names before this index of the ordered ones are past.
        position: u32,
        /// Loose names before this index are past. Not zero only in searches for a completion.
        scan: u32,
        /// Bit `i`: the loose name `ordered + i` has been seen.
        seen: SmallVec<[u64; 1]>,
        /// Members read, up to what any bound can tell apart.
        count: u64,
    },
    /// Elements read, up to what any prefix or bound can tell apart.
    Array(u64),
}

/// An interned [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlaceId(pub u32);

/// What is asked of a value: it satisfies `must`, and the outcome of `extra` satisfies `goal`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Judge {
    pub must: FormId,
    /// Formulas whose truth the parent needs to know.
    pub extra: Box<[FormId]>,
    /// Over the indices of `extra`.
    pub goal: GoalId,
}

/// An interned [`Judge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct JudgeId(pub u32);

/// The state of an open object or array between two members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    pub place: PlaceId,
    /// What must hold, then the extra formulas of the judge; what is left of them.
    pub forms: Box<[FormId]>,
    /// Over the indices of the extra formulas.
    pub goal: GoalId,
    /// Open brackets, for exact indentation; 0 where it does not matter.
    pub depth: u32,
}

/// An interned [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FrameId(pub u32);

/// Which member comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A name of the layout.
    Name(u32),
    /// Any other name, of a cell of the layout.
    Cell(u32),
    /// The next element of an array.
    Element,
}

#[derive(Debug)]
pub(super) struct Core {
    pub schema: Schema,
    pub lexicon: Arc<Lexicon>,
    pub options: FrameOptions,
    pub limits: Limits,
    pub cancel: CancelFlag,
    /// The first label.
    pub base: u32,
    pub forms: Forms,
    pub goals: Goals,
    pub node_forms: FxHashMap<NodeId, FormId>,
    pub typed: FxHashMap<(FormId, u8), FormId>,
    pub regexes: FxHashMap<RegexId, ExprId>,
    pub string_languages: FxHashMap<FormId, ExprId>,
    pub number_languages: FxHashMap<(FormId, Spelling), ExprId>,
    /// Texts with the labels that they record: keywords and brackets.
    pub texts: FxHashMap<(&'static str, Option<u32>), ExprId>,
    pub layouts: Vec<Arc<Layout>>,
    pub layout_ids: FxHashMap<Box<[NodeId]>, u32>,
    /// Bytes of what is kept by schema node, layout or frame, beside the tables themselves.
    pub owned: usize,
    pub cells: FxHashMap<u32, Arc<[Cell]>>,
    /// Of a layout with tests: all names that are not listed, which its cells part.
    pub unlisted: FxHashMap<u32, ExprId>,
    pub name_tests: FxHashMap<(u32, u32), u64>,
    /// Of nodes of layouts, by name: whether the member may have a value, once that was asked.
    pub members: FxHashMap<(u32, NodeId), Box<[Option<bool>]>>,
    pub places: Table<Place>,
    pub judges: Table<Judge>,
    pub frames: Table<Frame>,
    pub totals: FxHashMap<FrameId, FormId>,
    pub moves: FxHashMap<(FrameId, Key), Option<Arc<Move>>>,
    /// The keys of the frame that was last asked for all of them: a symbol is asked for its lexeme, and
    /// then whether that must differ.
    pub last_open: Option<(FrameId, Vec<Key>)>,
    pub known: FxHashMap<Query, bool>,
    /// What types alone say of formulas and nodes, by their numbers.
    pub forms_by_type: Vec<ByType>,
    pub nodes_by_type: Vec<ByType>,
    /// By regex, whether some text is certainly matched.
    pub texts_exist: Vec<bool>,
    /// Whether the vocabulary spells every text.
    pub spells_any: bool,
    pub unique: FxHashMap<NodeId, super::unique::Unique>,
    /// Nodes that can count against the whole: under `not`, or where exactly one must hold.
    pub contrary: FxHashSet<NodeId>,
    /// Array nodes that each say that one value is contained at most once.
    pub once: FxHashMap<Point, NodeId>,
    /// The same nodes.
    pub once_nodes: FxHashSet<NodeId>,
    /// What distinct elements add to a formula over arrays.
    pub once_forms: FxHashMap<FormId, FormId>,
    /// Whether the elements of an array may run out, by what is asked of it and the elements read.
    pub run_out: FxHashMap<(FormId, u64), super::unique::Supply>,
    /// Formulas that infinitely many values satisfy.
    pub endless: FxHashSet<FormId>,
    /// Array nodes that ask for a length only.
    pub lengths: FxHashMap<u64, NodeId>,
    pub scalars: FxHashMap<NodeId, Arc<super::disjoint::Scalars>>,
    /// Whether the alternatives of a node exclude each other.
    pub exclusive: FxHashMap<NodeId, bool>,
    pub facts: FxHashMap<NodeId, Arc<super::disjoint::Facts>>,
    pub symbols: Table<Kind>,
    pub exprs: FxHashMap<Symbol, ExprId>,
    pub punctuation: FxHashMap<Punctuation, ExprId>,
    /// White space between lexemes with its label, once it was asked for.
    pub free_gap: Option<Option<ExprId>>,
    pub value_exprs: FxHashMap<JudgeId, ExprId>,
    /// Steps left in the present call.
    pub steps: u64,
}

impl Core {
    pub fn new(
        schema: Schema,
        lexicon: Arc<Lexicon>,
        options: FrameOptions,
        limits: Limits,
        cancel: CancelFlag,
        base: u32,
    ) -> Self {
        Core {
            spells_any: lexicon.spells_any(),
            texts_exist: Vec::new(),
            schema,
            lexicon,
            options,
            limits,
            cancel,
            base,
            forms: Forms::new(),
            goals: Goals::new(),
            node_forms: FxHashMap::default(),
            typed: FxHashMap::default(),
            regexes: FxHashMap::default(),
            string_languages: FxHashMap::default(),
            number_languages: FxHashMap::default(),
            texts: FxHashMap::default(),
            layouts: Vec::new(),
            layout_ids: FxHashMap::default(),
            owned: 0,
            cells: FxHashMap::default(),
            unlisted: FxHashMap::default(),
            name_tests: FxHashMap::default(),
            members: FxHashMap::default(),
            places: Table::new(),
            judges: Table::new(),
            frames: Table::new(),
            totals: FxHashMap::default(),
            moves: FxHashMap::default(),
            last_open: None,
            known: FxHashMap::default(),
            forms_by_type: Vec::new(),
            nodes_by_type: Vec::new(),
            unique: FxHashMap::default(),
            contrary: FxHashSet::default(),
            once: FxHashMap::default(),
            once_nodes: FxHashSet::default(),
            once_forms: FxHashMap::default(),
            run_out: FxHashMap::default(),
            endless: FxHashSet::default(),
            lengths: FxHashMap::default(),
            scalars: FxHashMap::default(),
            exclusive: FxHashMap::default(),
            facts: FxHashMap::default(),
            symbols: Table::new(),
            exprs: FxHashMap::default(),
            punctuation: FxHashMap::default(),
            free_gap: None,
            value_exprs: FxHashMap::default(),
            steps: limits.steps,
        }
    }

    /// Takes steps off the budget of the present call.
    pub fn spend(&mut self, steps: u64) -> Result<(), LimitError> {
        match self.steps.checked_sub(steps) {
            Some(left) => self.steps = left,
            None => return Err(self.exhausted()),
        }
        if self.steps & 0xff < steps {
            self.cancel.check("schema frames")?;
        }
        Ok(())
    }

    pub fn exhausted(&self) -> LimitError {
        LimitError::new(
            "steps of a schema frame",
            self.limits.steps + 1,
            self.limits.steps,
        )
    }

    /// Fails when the arenas have outgrown the limits.
    pub fn check_size(&self) -> Result<(), LimitError> {
        let made = self.symbols.list.len() + self.frames.list.len() + self.places.list.len();
        if made > self.limits.states {
            return Err(LimitError::new(
                "schema frames",
                made as u64,
                self.limits.states as u64,
            ));
        }
        if self.forms.len() > self.limits.nodes {
            return Err(LimitError::new(
                "schema formulas",
                self.forms.len() as u64,
                self.limits.nodes as u64,
            ));
        }
        Ok(())
    }

    pub fn place(&self, id: PlaceId) -> &Place {
        &self.places.list[id.0 as usize]
    }

    pub fn frame(&self, id: FrameId) -> &Frame {
        &self.frames.list[id.0 as usize]
    }

    pub fn judge(&self, id: JudgeId) -> &Judge {
        &self.judges.list[id.0 as usize]
    }

    pub fn intern_place(&mut self, place: Place) -> PlaceId {
        PlaceId(self.places.intern(place))
    }

    pub fn intern_judge(&mut self, judge: Judge) -> JudgeId {
        JudgeId(self.judges.intern(judge))
    }

    /// A goal as a formula, given those that its variables stand for.
    pub fn goal_form(&mut self, goal: GoalId, vars: &[FormId]) -> FormId {
        if goal == GoalId::TRUE {
            return FormId::TRUE;
        }
        if self.goals.is_any(goal, vars.len() as u32) {
            return self.forms.or(vars);
        }
        let mut done: FxHashMap<GoalId, FormId> = FxHashMap::default();
        done.insert(GoalId::FALSE, FormId::FALSE);
        done.insert(GoalId::TRUE, FormId::TRUE);
        for id in self.goals.below(goal) {
            let (var, no, yes) = self.goals.get(id);
            let x = vars[var as usize];
            let (no, yes) = (done[&no], done[&yes]);
            let if_yes = self.forms.and2(x, yes);
            let not_x = self.forms.not(x);
            // Where one side is implied by the other the test can be left out of it.
            let form = match (no, yes) {
                (no, FormId::TRUE) => self.forms.or2(x, no),
                (FormId::TRUE, yes) => self.forms.or2(not_x, yes),
                (no, _) => {
                    let if_no = self.forms.and2(not_x, no);
                    self.forms.or2(if_yes, if_no)
                }
            };
            done.insert(id, form);
        }
        done[&goal]
    }

    /// The frame with these parts, tests of the goal that are settled taken out.
    pub fn intern_frame(
        &mut self,
        place: PlaceId,
        forms: Box<[FormId]>,
        goal: GoalId,
        depth: u32,
    ) -> FrameId {
        let goal = if goal.0 > 1 && forms[1..].iter().any(|f| f.is_constant()) {
            self.goals.restrict(goal, |v| match forms[v as usize + 1] {
                f if f.is_constant() => Err(f == FormId::TRUE),
                _ => Ok(v),
            })
        } else {
            goal
        };
        FrameId(self.frames.intern(Frame {
            place,
            forms,
            goal,
            depth,
        }))
    }

    /// What must hold of an open frame in all.
    pub fn total(&mut self, id: FrameId) -> FormId {
        let frame = self.frame(id);
        if frame.forms.len() == 1 {
            return frame.forms[0];
        }
        if let Some(&total) = self.totals.get(&id) {
            return total;
        }
        let Frame { forms, goal, .. } = frame.clone();
        let total = self.total_of(&forms, goal);
        self.totals.insert(id, total);
        total
    }

    pub fn total_of(&mut self, forms: &[FormId], goal: GoalId) -> FormId {
        let rest = self.goal_form(goal, &forms[1..]);
        self.forms.and2(forms[0], rest)
    }
}
