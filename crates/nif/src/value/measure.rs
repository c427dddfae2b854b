//! The depth and size of every node of a value, in one pass and before any term is made.
//!
//! A value that leaves the interpreter is a list of nodes, children before what holds them, and a node may be held more
//! than once. So sixty nodes can stand for 2⁶⁰ lists: harmless as long as they are shared, and the end of the VM once
//! they are written out, which is what sending a term to another process does. The sums saturate.

use monty_types::unstable::{MontyGraph, MontyNode, NodeId};

use super::{Bounds, Refusal};

/// Bytes of one word of the VM, of a list's cell, and about what a map takes for each of its pairs.
const WORD: usize = 8;
const CELL: usize = 2 * WORD;
const PAIR: usize = 4 * WORD;
/// About what a binary, a tagged tuple and a struct take beside what they hold.
const BINARY: usize = 6 * WORD;
const TAGGED: usize = 4 * WORD;
const STRUCT: usize = 32 * WORD;

/// Refuses `roots` if one of them is too deep, or if they are too large together.
pub(super) fn check(graph: &MontyGraph, roots: &[NodeId], bounds: &Bounds) -> Result<(), Refusal> {
    let measures = measures(
        graph,
        roots
            .iter()
            .map(|root| root.index() + 1)
            .max()
            .unwrap_or_default(),
    );
    let of = |root: &NodeId| measures[root.index()];
    if roots.iter().any(|root| of(root).depth > bounds.max_depth) {
        return Err(Refusal::TooDeep(bounds.max_depth));
    }
    let bytes = roots
        .iter()
        .fold(0, |sum: usize, root| sum.saturating_add(of(root).bytes));
    if bytes > bounds.max_bytes {
        Err(Refusal::TooLarge(bounds.max_bytes))
    } else {
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Measure {
    /// Containers inside one another; none for a leaf.
    depth: usize,
    /// Bytes of the term written out in full, without the word that points to it.
    bytes: usize,
}

/// The measures of the first `count` nodes.
fn measures(graph: &MontyGraph, count: usize) -> Vec<Measure> {
    let mut measures: Vec<Measure> = Vec::with_capacity(count);
    for node in &graph.nodes()[..count] {
        let mut inner = Measure {
            depth: 0,
            bytes: own_bytes(node),
        };
        node.for_each_child(|child| {
            let child = measures[child.index()];
            inner.depth = inner.depth.max(child.depth);
            inner.bytes = inner.bytes.saturating_add(child.bytes);
        });
        let depth = inner.depth.saturating_add(usize::from(is_container(node)));
        measures.push(Measure { depth, ..inner });
    }
    measures
}

/// An empty list is as deep as one with an item, so this is not a question of children.
fn is_container(node: &MontyNode) -> bool {
    matches!(
        node,
        MontyNode::List(_)
            | MontyNode::Tuple(_)
            | MontyNode::Set(_)
            | MontyNode::FrozenSet(_)
            | MontyNode::NamedTuple { .. }
            | MontyNode::Dict(_)
            | MontyNode::ClassInstance { .. }
            | MontyNode::Module { .. }
    )
}

/// The bytes of a node's term without those of its children's terms. What the interpreter cannot make larger than a
/// few words (names of builtins, the numbers of a date) is not looked at.
fn own_bytes(node: &MontyNode) -> usize {
    let text = |text: &str| BINARY.saturating_add(text.len());
    let optional = |name: Option<&str>| name.map_or(WORD, text);
    let cells = |count: usize, each: usize| count.saturating_mul(each);
    match node {
        MontyNode::Ellipsis | MontyNode::NotImplemented | MontyNode::None | MontyNode::Bool(_) => 0,
        MontyNode::Int(_) | MontyNode::Float(_) => CELL,
        MontyNode::BigInt(value) => {
            CELL.saturating_add(usize::try_from(value.bits() / 8).unwrap_or(usize::MAX))
        }
        MontyNode::Complex(_) => TAGGED + 2 * CELL,
        MontyNode::String(value) => text(value),
        MontyNode::Bytes(value) => (TAGGED + BINARY).saturating_add(value.len()),
        MontyNode::Path(value)
        | MontyNode::Repr(value)
        | MontyNode::Cycle(value)
        | MontyNode::Decimal(value) => TAGGED.saturating_add(text(value)),
        MontyNode::Date(_) | MontyNode::TimeDelta(_) | MontyNode::BuiltinFunction(_) | MontyNode::Type(_) => {
            STRUCT
        }
        // The name stands twice in a `DateTime`.
        MontyNode::DateTime(at) => cells(optional(at.timezone_name.as_deref()), 2).saturating_add(STRUCT),
        MontyNode::Time(at) => optional(at.timezone_name.as_deref()).saturating_add(STRUCT),
        MontyNode::TimeZone(zone) => optional(zone.name.as_deref()).saturating_add(STRUCT),
        MontyNode::Exception { arg, .. } => optional(arg.as_deref()).saturating_add(STRUCT),
        MontyNode::FileHandle(handle) => text(&handle.path).saturating_add(STRUCT),
        MontyNode::Function { name, .. } => text(name).saturating_add(TAGGED),
        MontyNode::ClassType(class) => text(&class.name).saturating_add(STRUCT),
        MontyNode::List(items) => cells(items.len(), CELL),
        MontyNode::Tuple(items) => cells(items.len(), WORD).saturating_add(WORD),
        MontyNode::Set(items) | MontyNode::FrozenSet(items) => {
            cells(items.len(), PAIR).saturating_add(STRUCT)
        }
        MontyNode::NamedTuple {
            type_name,
            field_names,
            ..
        } => field_names
            .iter()
            .fold(text(type_name).saturating_add(TAGGED), |sum, name| {
                sum.saturating_add(CELL + TAGGED).saturating_add(text(name))
            }),
        MontyNode::Dict(pairs) => cells(pairs.len(), PAIR).saturating_add(TAGGED),
        MontyNode::ClassInstance { attrs, .. } => cells(attrs.len(), PAIR + CELL).saturating_add(STRUCT),
        MontyNode::Module { name, attrs, .. } => cells(attrs.len(), PAIR)
            .saturating_add(text(name))
            .saturating_add(STRUCT),
    }
}

#[cfg(test)]
mod tests {
    use monty_types::unstable::{MontyGraph, MontyNode, NodeId};

    use super::check;
    use crate::value::{Bounds, Refusal};

    /// A list of `width` references to a list of `width` references … `levels` times.
    fn tower(levels: usize, width: usize) -> (MontyGraph, NodeId) {
        let mut graph = MontyGraph::new();
        let mut top = graph.push(MontyNode::List(vec![]));
        for _ in 1..levels {
            top = graph.push(MontyNode::List(vec![top; width]));
        }
        (graph, top)
    }

    fn bounds(max_bytes: usize) -> Bounds {
        Bounds {
            max_depth: Bounds::MAX_DEPTH,
            max_bytes,
        }
    }

    #[test]
    fn a_value_of_the_greatest_depth_passes_and_one_more_does_not() {
        let (graph, root) = tower(200, 1);
        assert!(check(&graph, &[root], &bounds(1 << 20)).is_ok());
        let (graph, root) = tower(201, 1);
        assert!(matches!(
            check(&graph, &[root], &bounds(1 << 20)),
            Err(Refusal::TooDeep(200))
        ));
    }

    #[test]
    fn a_shared_graph_counts_as_if_it_were_written_out() {
        let (graph, root) = tower(60, 2);
        assert!(matches!(check(&graph, &[root], &bounds(usize::MAX - 1)), Ok(())));
        assert!(matches!(
            check(&graph, &[root], &Bounds::new(None)),
            Err(Refusal::TooLarge(_))
        ));
        let (graph, root) = tower(150, 2);
        assert!(matches!(
            check(&graph, &[root], &bounds(usize::MAX - 1)),
            Err(Refusal::TooLarge(_))
        ));
    }

    #[test]
    fn roots_count_together() {
        let mut graph = MontyGraph::new();
        let text = graph.push(MontyNode::String("x".repeat(1000)));
        assert!(check(&graph, &[text], &bounds(1500)).is_ok());
        assert!(matches!(
            check(&graph, &[text, text], &bounds(1500)),
            Err(Refusal::TooLarge(1500))
        ));
    }

    #[test]
    fn what_no_root_reaches_is_not_refused() {
        let (mut graph, _) = tower(300, 1);
        let root = graph.push(MontyNode::None);
        assert!(check(&graph, &[root], &bounds(100)).is_ok());
    }
}
