//! The reference graph of an image: functions and data, and the calls, branches, addresses and
//! pointers between them.
//!
//! Branches are decoded from the instructions, including all replacements of sites. If the linker
//! kept relocations (`--emit-relocs`), addresses and pointers are those of the relocations, which
//! are complete. Otherwise they are found by disassembly within a run of instructions, and as words
//! in data that are addresses of the image, which finds most of them.

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
    /// Execution continues there: a branch, a call, or a fall-through at the end of a symbol.
    Branch,
    /// An instruction computes or accesses the address.
    Address,
    /// Data holds the address.
    Pointer,
}

impl EdgeKind {
    /// The kind of reference of a relocation type; `None` if another relocation or the instructions
    /// themselves imply it. The numbers are from "ELF for the Arm 64-bit Architecture", 5.7.
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
            // A page (ADRP) comes with a low part; branches are decoded from the instructions, which
            // also shows veneers; the rest is thread-local or for a loader.
            _ => None,
        }
    }

    /// The verb for a message about the reference.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Branch => "branches to",
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
    /// The target address.
    pub target: u64,
    /// The node of the reference.
    pub from: NodeId,
    /// The target node.
    pub to: NodeId,
    /// The kind.
    pub kind: EdgeKind,
}

/// The references between the functions and data of an image, except those within a node.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Nodes,
    /// Sorted by node, then by address.
    edges: Vec<Edge>,
    /// The index in `edges` at which those of each node begin; one entry more than nodes.
    first: Vec<u32>,
    /// Indices of the edges, sorted by target node.
    incoming: Vec<u32>,
    /// The index in `incoming` at which those of each node begin; one entry more than nodes.
    first_incoming: Vec<u32>,
}

impl Graph {
    /// The node to which an address belongs; `None` outside the loaded sections.
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

    /// The references from a node.
    pub fn from(&self, node: NodeId) -> &[Edge] {
        &self.edges[bounds(&self.first, node)]
    }

    /// The references to a node.
    pub fn to(&self, node: NodeId) -> impl Iterator<Item = &Edge> {
        let indices = &self.incoming[bounds(&self.first_incoming, node)];
        indices.iter().map(|index| &self.edges[*index as usize])
    }

    /// The name of a node in messages.
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

/// The index at which the run of each of `count` nodes begins in a sorted list.
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
