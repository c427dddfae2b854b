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
