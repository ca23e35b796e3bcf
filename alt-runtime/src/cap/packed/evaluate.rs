//! The evaluation of a rule at boot.

use alt_cpu::MAX_NESTING;

use super::node::{Cpu, Kind, Node};
use crate::cap::IdRegs;

/// A function of a kernel that decides.
#[derive(Clone, Copy, Debug)]
pub struct Custom {
    pub(in crate::cap) name: &'static str,
    pub(in crate::cap) test: fn(&IdRegs) -> bool,
}

/// A group that is being evaluated.
#[derive(Clone, Copy)]
struct Open {
    node: Node,
    /// The first node after it.
    end: u32,
    /// The leaf that decided the first part; [`UNKNOWN`] before that.
    first: u32,
}

const UNKNOWN: u32 = u32::MAX;

/// Evaluates the rule `nodes`. Returns the result, and the index of the leaf that decided it.
///
/// Without recursion, so that the stack that it uses is known.
#[inline]
pub(in crate::cap) fn decide(nodes: &[Node], custom: &[Custom], cpu: &Cpu<'_>) -> (bool, usize) {
    match nodes.split_first() {
        Some((root, rest)) if !root.is_group() => (holds(*root, rest, custom, cpu), 0),
        _ => decide_group(nodes, custom, cpu),
    }
}

/// Evaluates a rule with several parts.
#[inline(never)]
fn decide_group(nodes: &[Node], custom: &[Custom], cpu: &Cpu<'_>) -> (bool, usize) {
    const NONE: Open = Open {
        node: Node(0),
        end: 0,
        first: UNKNOWN,
    };
    let mut open = [NONE; MAX_NESTING];
    let (mut depth, mut at) = (0, 0);
    while let Some(&node) = nodes.get(at) {
        let size = node.size();
        if node.is_group()
            && size > 1
            && let Some(group) = open.get_mut(depth)
        {
            *group = Open {
                node,
                end: (at + size) as u32,
                first: UNKNOWN,
            };
            (depth, at) = (depth + 1, at + 1);
            continue;
        }
        let mut leaf = at;
        let mut holds = holds(node, nodes.get(at + 1..).unwrap_or(&[]), custom, cpu);
        at += size;
        loop {
            let Some(group) = depth.checked_sub(1).and_then(|last| open.get_mut(last)) else {
                return (holds, leaf);
            };
            let settles = group.node.kind() == Kind::Any;
            if group.first == UNKNOWN {
                group.first = leaf as u32;
            }
            if holds != settles {
                if at < group.end as usize {
                    break;
                }
                // No part decided.
                leaf = group.first as usize;
            }
            at = group.end as usize;
            holds ^= group.node.is_negated();
            depth -= 1;
        }
    }
    (true, 0)
}

/// Whether the leaf `node` is true. `rest` are the nodes after it.
#[inline(never)]
pub(in crate::cap) fn holds(node: Node, rest: &[Node], custom: &[Custom], cpu: &Cpu<'_>) -> bool {
    let holds = match node.kind() {
        Kind::Field => node.field_matches(cpu),
        Kind::Midr => {
            let ranges = rest.iter().take(node.payload());
            let mut matching = ranges.filter(|range| range.covers(cpu));
            matching.any(|range| !range.is_fixed(cpu))
        }
        Kind::Custom => match custom.get(node.payload()) {
            Some(custom) => (custom.test)(cpu.regs),
            None => false,
        },
        // An empty list: no part of it is false.
        Kind::Always | Kind::All => true,
        // No part of it is true.
        Kind::Any | Kind::Range => false,
    };
    holds != node.is_negated()
}

/// Whether one of the ranges covers the CPU: the rule of these is false since the erratum is fixed.
pub(in crate::cap) fn is_covered(ranges: &[Node], cpu: &Cpu<'_>) -> bool {
    ranges.iter().any(|range| range.covers(cpu))
}

/// The function that `node` names.
pub(in crate::cap) fn custom_of(node: Node, custom: &'static [Custom]) -> Option<&'static Custom> {
    custom.get(node.payload())
}

/// Whether the part that begins with `node` is true if the parts of the group are.
pub(in crate::cap) fn is_conjunction(node: Node) -> bool {
    node.kind() == Kind::All && !node.is_negated()
}

/// Whether the node is the test of a field that must hold.
pub(in crate::cap) fn is_plain_field(node: Node) -> bool {
    node.is_field() && !node.is_negated()
}
