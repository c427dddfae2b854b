//! A container of a term while it is read: its children one after the other, then the node of the whole.

use monty_types::unstable::{MontyGraph, MontyNode, NodeId};
use rustler::{Term, TermType};

use super::{
    Refusal,
    dataclass::{self, Instance},
    keys::{self, Hashable},
    place::Step,
};

/// A container that is being read.
pub(super) struct Frame<'a> {
    shape: Shape,
    /// What it holds; for a dict each key followed by its value.
    children: Vec<Term<'a>>,
    /// The nodes of the children read so far.
    ids: Vec<NodeId>,
}

/// What a container becomes.
pub(super) enum Shape {
    List,
    Tuple,
    Set,
    FrozenSet,
    Dict,
    NamedTuple { name: String, fields: Vec<String> },
    Module { name: String, attrs: Vec<String> },
    Instance(Box<Instance>),
}

impl<'a> Frame<'a> {
    pub(super) fn new(shape: Shape, children: Vec<Term<'a>>) -> Self {
        let ids = Vec::with_capacity(children.len());
        Self { shape, children, ids }
    }

    /// Takes the node of the child that was read, if one was, and gives the next child.
    pub(super) fn take(&mut self, done: Option<NodeId>) -> Option<Term<'a>> {
        self.ids.extend(done);
        self.children.get(self.ids.len()).copied()
    }

    /// The way to the child that is being read; none once all are.
    pub(super) fn step(&self) -> Option<Step<'_, 'a>> {
        let index = self.ids.len();
        if index >= self.children.len() {
            return None;
        }
        match &self.shape {
            Shape::List | Shape::Tuple => Some(Step::Index(index)),
            Shape::Set | Shape::FrozenSet => Some(Step::Element),
            Shape::Dict if index.is_multiple_of(2) => Some(Step::Key),
            Shape::Dict => Some(Step::Value(self.children[index - 1])),
            Shape::NamedTuple { fields: names, .. } | Shape::Module { attrs: names, .. } => {
                names.get(index).map(|name| Step::Field(name))
            }
            Shape::Instance(instance) => instance.field_names.get(index).map(|name| Step::Field(name)),
        }
    }

    /// Refuses keys and elements that Python could not hash or would take for one another. All children are read.
    pub(super) fn check_keys(&mut self, graph: &MontyGraph, hashable: &Hashable) -> Result<(), Refusal> {
        let (step, what) = match self.shape {
            Shape::Dict => (2, "a key of a dict"),
            Shape::Set | Shape::FrozenSet => (1, "an element of a set"),
            _ => return Ok(()),
        };
        let keys: Vec<_> = self.ids.iter().copied().step_by(step).collect();
        if let Some(index) = keys.iter().position(|key| !hashable.contains(*key)) {
            // Back to that key, which makes it the place of the error.
            self.ids.truncate(index * step);
            let kind = graph.type_name(keys[index]);
            return Err(Refusal::invalid(format!(
                "Python cannot hash this {kind}, so it cannot be {what}"
            )));
        }
        let terms = || self.children.iter().step_by(step);
        // Different terms of one of these types are different in Python, too.
        let alike = terms().all(|term| term.is_binary())
            || terms().all(|term| term.is_atom())
            || terms().all(|term| term.get_type() == TermType::Integer);
        if !alike && keys::collide(graph, &keys) {
            let what = if step == 2 {
                "keys of this map"
            } else {
                "elements of this set"
            };
            return Err(Refusal::invalid(format!(
                "two {what} are equal in Python, so one of them would be lost"
            )));
        }
        Ok(())
    }

    /// The node of the container. `push` takes the nodes that it needs and that no child is.
    pub(super) fn into_node(self, mut push: impl FnMut(MontyNode) -> NodeId) -> MontyNode {
        let ids = self.ids;
        match self.shape {
            Shape::List => MontyNode::List(ids),
            Shape::Tuple => MontyNode::Tuple(ids),
            Shape::Set => MontyNode::Set(ids),
            Shape::FrozenSet => MontyNode::FrozenSet(ids),
            Shape::Dict => MontyNode::Dict(ids.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()),
            Shape::NamedTuple { name, fields } => MontyNode::NamedTuple {
                type_name: name,
                field_names: fields,
                values: ids,
            },
            Shape::Module { name, attrs } => {
                let names: Vec<_> = attrs
                    .into_iter()
                    .map(|attr| push(MontyNode::String(attr)))
                    .collect();
                MontyNode::Module {
                    name,
                    id: dataclass::fresh_id(),
                    attrs: names.into_iter().zip(ids).collect(),
                }
            }
            Shape::Instance(instance) => instance.nodes(ids, push),
        }
    }
}
