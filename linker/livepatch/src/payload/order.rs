//! The order of parts in a payload. It depends on the contents of the two builds only, not on the
//! names that a compiler makes up: the same edit in another directory gives the same payload.

use std::cmp::Reverse;

use super::part::{Part, Target};

/// The numbers of the parts: replaced functions by their address, hooks, and then the parts that they refer
/// to, in the order of the references.
pub fn of(parts: &[Part], hooks: &[usize]) -> Vec<usize> {
    let mut roots: Vec<_> = parts
        .iter()
        .enumerate()
        .filter_map(|(number, part)| Some((part.replaces?.address, number)))
        .collect();
    roots.sort_unstable();
    let roots = roots.into_iter().map(|(_, number)| number);
    let roots: Vec<_> = roots.chain(hooks.iter().copied()).collect();
    let mut order = Vec::new();
    let mut seen = vec![false; parts.len()];
    visit(parts, &roots, &mut seen, &mut order);
    // Parts that nothing refers to: new functions and statics that only the image will use.
    let mut others: Vec<_> = (0..parts.len()).filter(|number| !seen[*number]).collect();
    others.sort_by_key(|number| {
        let part = &parts[*number];
        (&part.label, Reverse(part.size), &part.bytes)
    });
    visit(parts, &others, &mut seen, &mut order);
    order
}

fn visit(parts: &[Part], roots: &[usize], seen: &mut [bool], order: &mut Vec<usize>) {
    let first = order.len();
    let mut add = |number: usize, order: &mut Vec<usize>| {
        if let Some(seen) = seen.get_mut(number)
            && !std::mem::replace(seen, true)
        {
            order.push(number);
        }
    };
    for root in roots {
        add(*root, order);
    }
    let mut next = first;
    while let Some(number) = order.get(next).copied() {
        next += 1;
        let Some(part) = parts.get(number) else {
            continue;
        };
        for reference in &part.references {
            if let Target::Part(target) = reference.target {
                add(target, order);
            }
        }
        for record in &part.records {
            add(*record, order);
        }
    }
}
