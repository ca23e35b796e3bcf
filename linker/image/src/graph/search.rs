//! Reachability.

use std::collections::{HashMap, VecDeque};

use super::{Edge, Graph, NodeId};
use crate::image::Image;

/// The reachable nodes, with a shortest path to each.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Nearest first.
    nodes: Vec<NodeId>,
    /// The predecessor of each node; `None` for the start nodes.
    parents: HashMap<NodeId, Option<NodeId>>,
}

impl Graph {
    /// Breadth-first search from `start`, over the references for which `follow` returns true.
    pub fn reachable(
        &self,
        start: impl IntoIterator<Item = NodeId>,
        mut follow: impl FnMut(&Edge) -> bool,
    ) -> Reached {
        let mut reached = Reached {
            nodes: Vec::new(),
            parents: HashMap::new(),
        };
        let mut queue = VecDeque::new();
        for node in start {
            if reached.parents.insert(node, None).is_none() {
                queue.push_back(node);
            }
        }
        while let Some(node) = queue.pop_front() {
            reached.nodes.push(node);
            for edge in self.from(node) {
                if !reached.parents.contains_key(&edge.to) && follow(edge) {
                    reached.parents.insert(edge.to, Some(node));
                    queue.push_back(edge.to);
                }
            }
        }
        reached
    }
}

impl Reached {
    /// The nodes, nearest first.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Whether a node is reachable.
    pub fn contains(&self, node: NodeId) -> bool {
        self.parents.contains_key(&node)
    }

    /// A shortest path from a start node to a node, as names; empty if the node is not
    /// reachable.
    pub fn path(&self, graph: &Graph, image: &Image, to: NodeId) -> Vec<String> {
        let mut path = Vec::new();
        let mut next = self.parents.contains_key(&to).then_some(to);
        while let Some(node) = next {
            path.push(graph.name(image, node));
            next = self.parents.get(&node).copied().flatten();
        }
        path.reverse();
        path
    }
}
