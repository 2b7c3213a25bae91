//! `enum` and `const`: the values that documents must equal, as assertions.

use super::json::{Json, ValueId};
use super::keywords::Keyword;
use super::parse::{Lowering, Part, Stop};
use super::references::{Site, Source};
use super::schema::{ArrayNode, Decimal, Node, NumberNode, ObjectNode, Types};

impl<'a> Lowering<'a> {
    /// The conjuncts that say that a document equals one of the values: its type, and for each type
    /// with a content an assertion about that type only.
    pub(super) fn values(
        &mut self,
        site: &Site,
        source: &Source<'a>,
        values: &[ValueId],
        keyword: Keyword,
    ) -> Result<Vec<Part>, Stop> {
        let document = &source.document;
        let mut types = Types(0);
        let mut strings: Vec<Box<[u8]>> = Vec::new();
        let mut numbers: Vec<Decimal> = Vec::new();
        let (mut arrays, mut objects) = (Vec::new(), Vec::new());
        for value in values {
            types = types.union(match document.value(*value) {
                Json::Null => Types::NULL,
                Json::Bool(false) => Types::FALSE,
                Json::Bool(true) => Types::TRUE,
                Json::Number(text) => {
                    match Decimal::parse(text) {
                        Ok(n) => numbers.push(n),
                        Err(e) => self.invalid(site, keyword, *value, format!("holds {text}: {e}")),
                    }
                    Types::NUMBER
                }
                Json::String(s) => {
                    strings.push(s.as_bytes().into());
                    Types::STRING
                }
                Json::Array(elements) => {
                    let mut prefix = Vec::with_capacity(elements.len());
                    for element in elements {
                        prefix.push(self.value_later(site, *element)?);
                    }
                    let len = elements.len() as u64;
                    arrays.push(Node::Array(ArrayNode {
                        prefix,
                        min: len,
                        max: Some(len),
                        ..ArrayNode::default()
                    }));
                    Types::ARRAY
                }
                Json::Object(members) => {
                    let mut properties: Vec<(Box<str>, _)> = Vec::with_capacity(members.len());
                    for member in members {
                        properties.push((
                            member.key.as_ref().into(),
                            self.value_later(site, member.value)?,
                        ));
                    }
                    let never = self.add(Node::Any(Vec::new()), site.place)?;
                    objects.push(Node::Object(ObjectNode {
                        required: properties.iter().map(|(name, _)| name.clone()).collect(),
                        properties,
                        additional: Some(never),
                        ..ObjectNode::default()
                    }));
                    Types::OBJECT
                }
            });
        }
        let mut parts = vec![Part::New(Node::Types(types))];
        if !strings.is_empty() {
            parts.push(Part::New(Node::String(self.regexes.literals(strings))));
        }
        let numbers: Vec<Node> = ranges(numbers).into_iter().map(Node::Number).collect();
        for nodes in [numbers, arrays, objects] {
            if let Some(part) = self.any_of(nodes, site)? {
                parts.push(part);
            }
        }
        Ok(parts)
    }

    /// The disjunction of nodes; `None` of none.
    fn any_of(&mut self, mut nodes: Vec<Node>, site: &Site) -> Result<Option<Part>, Stop> {
        Ok(match nodes.len() {
            0 | 1 => nodes.pop().map(Part::New),
            _ => {
                let mut ids = Vec::with_capacity(nodes.len());
                for node in nodes {
                    ids.push(self.add(node, site.place)?);
                }
                Some(Part::New(Node::Any(ids)))
            }
        })
    }
}

/// Numbers as ranges: three or more integers in a row become one range of integers.
fn ranges(mut numbers: Vec<Decimal>) -> Vec<NumberNode> {
    numbers.sort_unstable();
    numbers.dedup();
    let mut out = Vec::new();
    let mut i = 0;
    while i < numbers.len() {
        let mut end = i + 1;
        while end < numbers.len()
            && numbers[end - 1]
                .small_successor()
                .is_some_and(|n| numbers[end].to_small() == Some(n))
        {
            end += 1;
        }
        if end - i < 3 {
            end = i + 1;
        }
        out.push(NumberNode {
            min: Some((numbers[i].clone(), false)),
            max: Some((numbers[end - 1].clone(), false)),
            multiple_of: (end - i > 1).then(Decimal::one),
            written_whole: false,
        });
        i = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_integers_become_ranges_and_one_number_counts_once() {
        let d = |t: &str| Decimal::parse(t).unwrap();
        let out = ranges(["3", "1", "2.0", "2", "7", "8", "0.5"].map(d).to_vec());
        let shown: Vec<String> = out
            .iter()
            .map(|n| {
                format!(
                    "{}..{}",
                    n.min.as_ref().unwrap().0,
                    n.max.as_ref().unwrap().0
                )
            })
            .collect();
        assert_eq!(shown, ["0.5..0.5", "1..3", "7..7", "8..8"]);
        assert_eq!(out[1].multiple_of, Some(Decimal::one()));
    }
}
