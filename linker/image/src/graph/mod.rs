//! What refers to what in an image: functions and data, and the calls, branches, addresses and
//! pointers between them.
//!
//! Branches are those that the words make, the words that sites can become included. Addresses
//! and pointers are what the relocations say, where the linker kept them (`--emit-relocs`): that
//! is all of them. Without, they are what the disassembly shows within a run of instructions,
//! and the words in data that are addresses of the image: most of them.

mod addresses;
mod build;
mod nodes;
mod search;

use std::ops::Range;

pub use nodes::{Node, NodeId};
pub use search::Reached;

use crate::image::Image;

use nodes::Nodes;

/// How one place refers to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// Execution goes there: a branch, a call, or the end of a symbol that is no end of its code.
    Branch,
    /// An instruction makes or reads the address.
    Address,
    /// Data holds the address.
    Pointer,
}

impl EdgeKind {
    /// How a relocation of this type refers; `None` where it adds nothing to another one or to the
    /// words themselves. Numbers are those of "ELF for the Arm 64-bit Architecture", 5.7.
    pub(super) fn of_relocation(relocation: u32) -> Option<Self> {
        match relocation {
            // ABS64 to PREL16, PLT32, GOTPCREL32
            257..=262 | 314 | 315 => Some(Self::Pointer),
            // MOVW of absolute addresses
            263..=272 => Some(Self::Address),
            // LD_PREL_LO19, ADR_PREL_LO21
            273 | 274 => Some(Self::Address),
            // The low part of an address: ADD_ABS_LO12_NC, LDST8, LDST16, LDST32, LDST64, LDST128
            277 | 278 | 284..=286 | 299 => Some(Self::Address),
            // MOVW_PREL
            287..=293 => Some(Self::Address),
            // By way of the GOT: GOT_LD_PREL19, LD64_GOTOFF_LO15, LD64_GOT_LO12_NC, LD64_GOTPAGE_LO15
            309 | 310 | 312 | 313 => Some(Self::Address),
            // A page (ADRP) comes with a low part; branches are read from the words, which also
            // know of veneers; the rest is thread-local or for a loader.
            _ => None,
        }
    }

    /// What the place that refers does with the other, in words.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Branch => "goes to",
            Self::Address => "uses the address of",
            Self::Pointer => "points to",
        }
    }
}

/// A reference from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The address of the instruction, of the site that can become it, or of the pointer.
    pub at: u64,
    /// The address that it refers to.
    pub target: u64,
    /// The node that refers.
    pub from: NodeId,
    /// The node referred to.
    pub to: NodeId,
    /// How.
    pub kind: EdgeKind,
}

/// The references between the functions and data of an image. Those that stay within one are
/// left out.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Nodes,
    /// By the node that refers, then by address.
    edges: Vec<Edge>,
    /// Where in `edges` those of each node begin; one more than nodes.
    first: Vec<u32>,
    /// Indices of the edges, by the node referred to.
    incoming: Vec<u32>,
    /// Where in `incoming` those of each node begin; one more than nodes.
    first_incoming: Vec<u32>,
}

impl Graph {
    /// The node that an address belongs to; `None` outside the loaded sections.
    pub fn node_at(&self, address: u64) -> Option<NodeId> {
        self.nodes.at(address)
    }

    /// A node of this graph.
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id)
    }

    /// All nodes, by address.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter()
    }

    /// The nodes that have a byte in a range of addresses.
    pub fn nodes_in(&self, range: Range<u64>) -> impl Iterator<Item = NodeId> + use<> {
        self.nodes.within(range)
    }

    /// What a node refers to.
    pub fn from(&self, node: NodeId) -> &[Edge] {
        &self.edges[bounds(&self.first, node)]
    }

    /// What refers to a node.
    pub fn to(&self, node: NodeId) -> impl Iterator<Item = &Edge> {
        let indices = &self.incoming[bounds(&self.first_incoming, node)];
        indices.iter().map(|index| &self.edges[*index as usize])
    }

    /// A node's name for people.
    pub fn name(&self, image: &Image, node: NodeId) -> String {
        image.label(self.node(node).range.start)
    }

    fn new(nodes: Nodes, mut edges: Vec<Edge>) -> Self {
        edges.sort_unstable_by_key(|edge| (edge.from, edge.at, edge.target, edge.kind));
        edges.dedup();
        let count = u32::try_from(edges.len()).unwrap_or(u32::MAX);
        let mut incoming: Vec<u32> = (0..count).collect();
        incoming.sort_by_key(|index| edges[*index as usize].to);
        let first = starts(nodes.len(), edges.iter().map(|edge| edge.from));
        let to = incoming.iter().map(|index| edges[*index as usize].to);
        let first_incoming = starts(nodes.len(), to);
        Self {
            nodes,
            edges,
            first,
            incoming,
            first_incoming,
        }
    }
}

/// Where the run of each of `count` nodes begins, among nodes in order.
fn starts(count: usize, sorted: impl Iterator<Item = NodeId>) -> Vec<u32> {
    let mut starts = vec![0; count + 1];
    for node in sorted {
        starts[node.index() + 1] += 1;
    }
    for index in 0..count {
        starts[index + 1] += starts[index];
    }
    starts
}

fn bounds(starts: &[u32], node: NodeId) -> Range<usize> {
    starts[node.index()] as usize..starts[node.index() + 1] as usize
}
