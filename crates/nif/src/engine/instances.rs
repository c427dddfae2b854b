//! The host's objects that a run has seen.
//!
//! When a script calls a method of an object that the host gave it, or reads an attribute that the object does not have
//! at hand, the interpreter tells the host the object's identity and nothing else. Its host wants the object. So each
//! run remembers what every object of the host looked like when it last crossed, in either direction; what a script
//! assigned since is seen once the object itself has crossed again.

use std::{collections::HashMap, sync::Arc};

use monty_types::{
    CallArgs, MontyObject, MontyUuid,
    unstable::{self, MontyGraph, MontyNode, NodeId},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Host objects and classes by their identity. Those that crossed together share one graph, so that a chain of objects
/// costs its length and not the square of it.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    known: HashMap<MontyUuid, (Arc<MontyGraph>, NodeId)>,
}

impl Instances {
    /// Remembers the host's objects inside a value that crosses.
    pub(crate) fn learn(&mut self, value: &MontyObject) {
        self.learn_graph(unstable::graph_parts(value).0);
    }

    /// Remembers the host's objects among the arguments of a call.
    pub(crate) fn learn_args(&mut self, args: &CallArgs) {
        self.learn_graph(unstable::call_args_parts(args).0);
    }

    /// The object as it was when it last crossed.
    pub(crate) fn get(&self, id: MontyUuid) -> Option<MontyObject> {
        let (graph, node) = self.known.get(&id)?;
        Some(graph.value(*node).to_owned())
    }

    fn learn_graph(&mut self, graph: &MontyGraph) {
        let mut shared = None;
        // A graph has no more nodes than a node's number can count.
        for (number, node) in (0..).zip(graph.nodes()) {
            if let Some(id) = host_identity(graph, node) {
                let graph = shared.get_or_insert_with(|| Arc::new(graph.clone()));
                self.known.insert(id, (Arc::clone(graph), NodeId(number)));
            }
        }
    }
}

/// How the objects are dumped: each graph once, and where in them each object is.
#[derive(Serialize, Deserialize)]
struct Record<G> {
    graphs: Vec<G>,
    known: Vec<(MontyUuid, u32, NodeId)>,
}

impl Serialize for Instances {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut numbers = HashMap::new();
        let mut record = Record::<&MontyGraph> {
            graphs: Vec::new(),
            known: Vec::with_capacity(self.known.len()),
        };
        for (id, (graph, node)) in &self.known {
            let number = *numbers.entry(Arc::as_ptr(graph)).or_insert_with(|| {
                record.graphs.push(graph);
                // There are fewer graphs than objects, and an object has more than four bytes.
                u32::try_from(record.graphs.len() - 1).unwrap_or(u32::MAX)
            });
            record.known.push((*id, number, *node));
        }
        record.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Instances {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::<MontyGraph>::deserialize(deserializer)?;
        // What reads a graph does not check it, so one that comes from outside is checked here.
        let graphs = record
            .graphs
            .into_iter()
            .map(|graph| MontyGraph::from_nodes(graph.into_nodes()).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(D::Error::custom)?;
        let mut known = HashMap::with_capacity(record.known.len());
        for (id, number, node) in record.known {
            let graph = usize::try_from(number).ok().and_then(|number| graphs.get(number));
            let graph = graph.ok_or_else(|| D::Error::custom("an object in a graph that is not there"))?;
            graph.check_root(node).map_err(D::Error::custom)?;
            known.insert(id, (Arc::clone(graph), node));
        }
        Ok(Self { known })
    }
}

/// The identity of a node that is an object or a class of the host.
fn host_identity(graph: &MontyGraph, node: &MontyNode) -> Option<MontyUuid> {
    match node {
        MontyNode::ClassType(class) if class.host_defined => Some(class.id),
        MontyNode::ClassInstance {
            class_type,
            instance_id,
            ..
        } => match graph.node(*class_type) {
            MontyNode::ClassType(class) if class.host_defined => Some(*instance_id),
            _ => None,
        },
        _ => None,
    }
}
