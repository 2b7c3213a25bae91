//! States as unions of states that others share.
//!
//! What follows a symbol of a stack is a union of terminals, and each union would have rows of its own. Taken
//! apart, the rows of a terminal serve wherever it may stand.

use super::Lexicon;
use crate::lexicon::ByteSet;
use crate::lexicon::expr::{ExprId, Node};
use maskwright_tables::{LexState, LimitError, heap};
use std::sync::atomic::Ordering;

impl Lexicon {
    /// A fresh state as the union of fresh states that share no first byte, so that what is known of
    /// each serves every lexeme of which it is an alternative. Just the state when it has no parts.
    pub fn parts(&self, state: LexState) -> Result<&[LexState], LimitError> {
        let record = &self.states[state.index()];
        if let Some(parts) = self.more(record).parts.get() {
            return Ok(parts);
        }
        let alternatives = match self.lock().store.node(record.expr) {
            Node::Alt(parts) if record.fresh => parts.clone(),
            _ => Box::default(),
        };
        // Groups of alternatives whose first bytes meet, directly or through others.
        let mut groups: Vec<(ByteSet, Vec<ExprId>)> = Vec::new();
        for e in alternatives {
            let mut group = (self.first_bytes(self.fresh(e)?)?, vec![e]);
            groups.retain_mut(|other| {
                let apart = other.0.intersect(&group.0).is_empty();
                if !apart {
                    group.0 = group.0.union(&other.0);
                    group.1.append(&mut other.1);
                }
                apart
            });
            groups.push(group);
        }
        let mut parts = Vec::with_capacity(groups.len());
        if groups.len() > 1 {
            for (_, group) in groups {
                parts.push(self.fresh(self.alt(&group))?);
            }
            parts.retain(|p| *p != LexState::DEAD);
        } else {
            parts.push(state);
        }
        Ok(self.more(record).parts.get_or_init(|| {
            let bytes = heap::list::<LexState>(parts.len());
            self.edge_bytes.fetch_add(bytes, Ordering::Relaxed);
            parts.into()
        }))
    }

    /// A state as the union of states that each have an endless terminal to themselves, and of one of all
    /// texts, for those who read the labels of a lexeme each by itself: what is known of a name serves
    /// wherever a name may be, whatever keywords may be there too. Just the state when it is no union.
    ///
    /// # Errors
    /// A limit.
    pub fn alternatives(&self, state: LexState) -> Result<&[LexState], LimitError> {
        let record = &self.states[state.index()];
        if let Some(known) = self.more(record).alternatives.get() {
            return Ok(known);
        }
        let mut inner = self.lock();
        let own = match inner.store.node(record.expr) {
            Node::Alt(own) => own.clone(),
            _ => Box::default(),
        };
        let (texts, endless): (Vec<ExprId>, Vec<ExprId>) =
            own.iter().partition(|e| inner.store.is_text(**e));
        let mut states = Vec::new();
        if endless.is_empty() {
            states.push(state);
        } else {
            let mut all = endless;
            if !texts.is_empty() {
                all.push(inner.store.alt(&texts));
            }
            let mut steps = self.limits.steps;
            for e in all {
                if !inner.store.is_empty_within(e, &mut steps)? {
                    states.push(self.intern(&mut inner, e, record.fresh)?);
                }
            }
        }
        drop(inner);
        Ok(self.more(record).alternatives.get_or_init(|| {
            let bytes = heap::list::<LexState>(states.len());
            self.edge_bytes.fetch_add(bytes, Ordering::Relaxed);
            states.into()
        }))
    }
}
