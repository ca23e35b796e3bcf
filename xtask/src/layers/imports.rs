//! Which module imports which, and the circles among them.

use super::{modules::Crate, names::Names};
use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// An import between two branches of the module tree that have the same parent.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// The importing branch: a module whose file, or a file below it, has the path.
    pub(super) from: usize,
    /// The imported branch.
    pub(super) to: usize,
    pub(super) file: PathBuf,
    pub(super) line: usize,
    path: String,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.path)
    }
}

/// The imports of a crate, by the parent of the two branches.
///
/// Imports between a module and its ancestors are left out: a parent lists its children, and they
/// share its definitions.
pub(super) fn imports(krate: &Crate) -> BTreeMap<usize, Vec<Import>> {
    let mut all: BTreeMap<usize, Vec<Import>> = BTreeMap::new();
    let mut names = Names::new(krate);
    for (index, module) in krate.modules.iter().enumerate() {
        for reference in &module.references {
            for target in names.definitions(index, &reference.segments) {
                if let Some((parent, from, to)) = branches(krate, module.owner, target) {
                    all.entry(parent).or_default().push(Import {
                        from,
                        to,
                        file: module.file.clone(),
                        line: reference.line,
                        path: reference.segments.join("::"),
                    });
                }
            }
        }
    }
    all
}

/// The nearest common ancestor of two modules of their own files, and its children above them;
/// `None` if one is the other's ancestor.
fn branches(krate: &Crate, from: usize, to: usize) -> Option<(usize, usize, usize)> {
    let (from, to) = (ancestry(krate, from), ancestry(krate, to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    Some((from[common - 1], *from.get(common)?, *to.get(common)?))
}

/// The modules with a file of their own from the root to this one.
fn ancestry(krate: &Crate, module: usize) -> Vec<usize> {
    let mut path = vec![module];
    let mut this = module;
    while let Some(parent) = krate.modules[this].parent {
        this = krate.modules[parent].owner;
        path.push(this);
    }
    path.reverse();
    path
}

/// The circles among the children of each module: for each, its members and one import for each
/// pair of them.
pub(super) fn circles(imports: &BTreeMap<usize, Vec<Import>>) -> Vec<(Vec<usize>, Vec<&Import>)> {
    let mut all = Vec::new();
    for imports in imports.values() {
        let graph: DiGraphMap<usize, ()> = imports.iter().map(|i| (i.from, i.to)).collect();
        for mut members in tarjan_scc(&graph) {
            if members.len() < 2 {
                continue;
            }
            members.sort_unstable();
            let mut closing: Vec<&Import> = Vec::new();
            for import in imports {
                let inside = members.contains(&import.from) && members.contains(&import.to);
                let is_pair = |other: &&Import| (other.from, other.to) == (import.from, import.to);
                if inside && !closing.iter().any(is_pair) {
                    closing.push(import);
                }
            }
            all.push((members, closing));
        }
    }
    all
}
