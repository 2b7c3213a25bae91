//! One member further: what a key does to the place and to each leaf.

use super::core::{Core, Key, Place, PlaceId};
use super::form::{FormId, Leaf};
use maskwright_tables::LimitError;

/// What the next member does to a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The leaf becomes this formula whatever the member is.
    Fixed(FormId),
    /// It becomes `yes` if the member satisfies `child`, else `no`.
    Child {
        child: FormId,
        yes: FormId,
        no: FormId,
    },
}

impl Core {
    /// The first place of an object or array of which some leaves speak.
    pub fn start_place(
        &mut self,
        leaves: &[(FormId, Leaf)],
        object: bool,
    ) -> Result<PlaceId, LimitError> {
        if !object {
            return Ok(self.intern_place(Place::Array(0)));
        }
        let nodes = leaves.iter().filter_map(|(_, leaf)| match leaf {
            Leaf::Object(n) => Some(*n),
            _ => None,
        });
        let nodes = nodes.collect();
        let layout = self.layout(nodes)?;
        let place = self.object_start(layout);
        Ok(self.intern_place(place))
    }

    /// What a member with this key does to a leaf. `search`: see `Layout::skips_required`.
    pub fn outcome(
        &mut self,
        place: &Place,
        key: Key,
        id: FormId,
        leaf: Leaf,
        search: bool,
    ) -> Result<Outcome, LimitError> {
        let (child, yes, no) = match (place, leaf) {
            (Place::Object { layout, count, .. }, Leaf::Object(node)) => {
                let tables = self.layouts[*layout as usize].clone();
                let Some(table) = tables.tables.get(&node) else {
                    return Ok(Outcome::Fixed(id));
                };
                if table.max.is_some_and(|max| *count >= max)
                    || tables.skips_required(table, place, key, search)
                {
                    return Ok(Outcome::Fixed(FormId::FALSE));
                }
                (self.member_form(*layout, node, key)?, id, FormId::FALSE)
            }
            (Place::Array(read), Leaf::Array(node)) => {
                if self
                    .array_node(node)
                    .and_then(|a| a.max)
                    .is_some_and(|max| *read >= max)
                {
                    return Ok(Outcome::Fixed(FormId::FALSE));
                }
                let yes = self.settle_array(node, read + 1);
                (self.element_form(node, *read), yes, FormId::FALSE)
            }
            (_, Leaf::Contains(node, matched)) => (
                self.contains_form(node),
                self.settle_contains(node, matched + 1),
                id,
            ),
            _ => return Ok(Outcome::Fixed(id)),
        };
        Ok(match child {
            FormId::TRUE => Outcome::Fixed(yes),
            FormId::FALSE => Outcome::Fixed(no),
            _ => Outcome::Child { child, yes, no },
        })
    }

    /// The place after a member, with counts no larger than these leaves can tell apart.
    pub fn next_place(
        &mut self,
        place: &Place,
        key: Key,
        leaves: &[Leaf],
        search: bool,
    ) -> PlaceId {
        let mut next = match place {
            Place::Object { layout, .. } => {
                self.layouts[*layout as usize].after(place, key, search)
            }
            Place::Array(read) => Place::Array(read + 1),
        };
        self.clamp(&mut next, leaves);
        self.intern_place(next)
    }

    /// Lowers the count of a place to what the leaves can tell apart.
    pub fn clamp(&self, place: &mut Place, leaves: &[Leaf]) {
        match place {
            Place::Object { layout, count, .. } => {
                let tables = &self.layouts[*layout as usize].tables;
                let most = leaves.iter().filter_map(|leaf| match leaf {
                    Leaf::Object(n) => tables.get(n).map(|t| t.min.max(t.max.unwrap_or(0))),
                    _ => None,
                });
                *count = (*count).min(most.max().unwrap_or(0));
            }
            Place::Array(read) => {
                let most = leaves.iter().filter_map(|leaf| match leaf {
                    Leaf::Array(n) => {
                        let bound = |a: &maskwright_grammar::json_schema::ArrayNode| {
                            a.min.max(a.max.unwrap_or(0)).max(a.prefix.len() as u64)
                        };
                        self.array_node(*n).map(bound)
                    }
                    _ => None,
                });
                *read = (*read).min(most.max().unwrap_or(0));
            }
        }
    }

    /// Whether the leaf holds if the object or array ends here.
    pub fn holds_at_end(&self, place: &Place, leaf: Leaf) -> bool {
        match (place, leaf) {
            (Place::Object { layout, count, .. }, Leaf::Object(node)) => {
                let layout = &self.layouts[*layout as usize];
                layout.tables.get(&node).is_none_or(|table| {
                    *count >= table.min && layout.missing(table, place).next().is_none()
                })
            }
            (Place::Array(read), Leaf::Array(node)) => {
                self.array_node(node).is_none_or(|a| *read >= a.min)
            }
            (_, Leaf::Contains(node, matched)) => self
                .array_node(node)
                .and_then(|a| a.contains)
                .is_none_or(|c| matched >= c.1),
            _ => true,
        }
    }
}
