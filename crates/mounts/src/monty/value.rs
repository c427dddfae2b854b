//! Python values that hold others, built in one piece.
//!
//! The interpreter's own constructors make a value of its own for each part and then merge them. Below that there is
//! an arena, whose shape no release promises; this crate names exactly one release.

use ::monty_types::unstable::{self, MontyGraph, MontyNode, NodeId};
use ::monty_types::{MontyException, MontyObject};

use super::answer::{Fault, Outcome};

/// A value that holds `parts`, in their order.
pub(super) fn holding(
    parts: impl ExactSizeIterator<Item = MontyNode>,
    holder: impl FnOnce(Vec<NodeId>) -> MontyNode,
) -> Outcome {
    let mut graph = MontyGraph::with_capacity(parts.len() + 1);
    let parts = parts.map(|part| graph.push(part)).collect();
    let root = graph.push(holder(parts));
    finished(graph, root)
}

/// The value at `root`.
pub(super) fn finished(graph: MontyGraph, root: NodeId) -> Result<MontyObject, Fault> {
    unstable::object_from_graph(graph, root)
        .map_err(|error| Fault::Raise(MontyException::runtime_error(error)))
}
