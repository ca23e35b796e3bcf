//! The table of a kernel's cpucaps, their detection on one CPU, and their hooks.

use core::fmt;

use alt_cpu::Scope;

#[cfg(not(target_os = "none"))]
use super::CapInfo;
#[cfg(not(target_os = "none"))]
use super::packed::{EMPTY_CUSTOM, EMPTY_LINK, EMPTY_NODE, Lengths, Parts, pack};
use super::{
    Cap, CapEntry, CapLinks, CapRule, CapSet, IdRegs,
    packed::{Cpu, Custom, Link, Node, Packed, Sets, decide},
};

/// The cpucaps of a kernel. The index of each is its number.
///
/// [`cpucaps!`](crate::cpucaps!) makes it from a TOML file, and [`cap_table!`](crate::cap_table!) from
/// constants. In the image it takes 8 bytes for each test of a rule, and the names with the feature
/// `messages`.
#[derive(Clone, Copy, Debug)]
pub struct CapTable {
    nodes: &'static [Node],
    custom: &'static [Custom],
    requires: &'static [Link],
    conflicts: &'static [Link],
    /// For each cpucap a character whose value is the length of the name, and the name.
    names: &'static str,
    sets: &'static Sets,
}

/// The [`CapTable`] of a constant `&[CapInfo]`, as an expression for a static or constant.
///
/// The build fails if there are more than [`MAX_CAPS`](crate::cap::MAX_CAPS), the number of one is
/// not its index, or a rule is nested more than 8 levels deep.
#[macro_export]
macro_rules! cap_table {
    ($infos:expr) => {{
        // Items of a macro are not hygienic: these names must not be in `infos`.
        const __CAP_INFOS: &[$crate::cap::CapInfo] = $infos;
        const __LENGTHS: $crate::cap::Lengths = $crate::cap::Lengths::of(__CAP_INFOS);
        // On a host nothing is freed, and section names may have another form.
        #[cfg_attr(target_os = "none", unsafe(link_section = ".rodata.alt_cap_table"))]
        static __PACKED: $crate::cap::Packed<
            { __LENGTHS.nodes },
            { __LENGTHS.requires },
            { __LENGTHS.conflicts },
            { __LENGTHS.custom },
            { __LENGTHS.names },
        > = $crate::cap::Packed::new(__CAP_INFOS);
        $crate::cap::CapTable::of(&__PACKED)
    }};
}

impl CapTable {
    /// The table in this form.
    #[doc(hidden)]
    pub const fn of<
        const NODES: usize,
        const REQUIRES: usize,
        const CONFLICTS: usize,
        const CUSTOM: usize,
        const NAMES: usize,
    >(
        packed: &'static Packed<NODES, REQUIRES, CONFLICTS, CUSTOM, NAMES>,
    ) -> Self {
        Self {
            nodes: &packed.nodes,
            custom: &packed.custom,
            requires: &packed.requires,
            conflicts: &packed.conflicts,
            names: text(&packed.names),
            sets: &packed.sets,
        }
    }

    /// The table of these cpucaps, for host tools and tests; the memory is not freed. A kernel uses
    /// [`cap_table!`](crate::cap_table!).
    ///
    /// # Panics
    ///
    /// As the build with [`cap_table!`](crate::cap_table!).
    #[cfg(not(target_os = "none"))]
    pub fn new(infos: &[CapInfo]) -> Self {
        use alloc::{boxed::Box, vec};
        let lengths = Lengths::of(infos);
        let nodes = vec![EMPTY_NODE; lengths.nodes].leak();
        let requires = vec![EMPTY_LINK; lengths.requires].leak();
        let conflicts = vec![EMPTY_LINK; lengths.conflicts].leak();
        let custom = vec![EMPTY_CUSTOM; lengths.custom].leak();
        let names = vec![0; lengths.names].leak();
        let sets = pack(
            infos,
            Parts {
                nodes,
                requires,
                conflicts,
                custom,
                names,
            },
        );
        Self {
            nodes,
            custom,
            requires,
            conflicts,
            names: text(names),
            sets: Box::leak(Box::new(sets)),
        }
    }

    /// The number of cpucaps, whether possible or not.
    pub const fn len(&self) -> usize {
        self.sets.len as usize
    }

    /// Whether the table is empty.
    pub const fn is_empty(&self) -> bool {
        self.sets.len == 0
    }

    /// The cpucap with this number. It is searched for from the first one.
    pub fn get(&self, number: u16) -> Option<CapEntry> {
        self.iter().nth(number.into())
    }

    /// The name of the cpucap with this number; empty without the feature `messages`.
    pub fn name(&self, number: u16) -> Option<&'static str> {
        let mut names = self.names;
        for _ in 0..number {
            names = split_name(names).1;
        }
        (usize::from(number) < self.len()).then(|| split_name(names).0)
    }

    /// All cpucaps, by number.
    pub fn iter(&self) -> Entries {
        Entries {
            table: *self,
            number: 0,
        }
    }

    /// The first node and the rule of each cap, by number.
    pub(super) fn rules(&self) -> impl Iterator<Item = (Node, CapRule)> + use<> {
        let (mut rest, custom) = (self.nodes, self.custom);
        core::iter::from_fn(move || {
            let root = *rest.first()?;
            let (nodes, others) = rest.split_at_checked(root.size())?;
            rest = others;
            Some((root, CapRule { nodes, custom }))
        })
    }

    /// The possible caps of a scope, whether present or not.
    pub fn of_scope(&self, scope: Scope) -> CapSet {
        if scope == Scope::Boot {
            return self.sets.boot;
        }
        self.iter()
            .filter(|info| info.scope == scope)
            .map(|info| info.cap)
            .collect()
    }

    /// Detects the cpucaps of a CPU with the ID registers `regs`, in every scope.
    ///
    /// A cap that [requires](super::CapInfo::requires) an absent one is absent, too.
    ///
    /// # Errors
    ///
    /// [`DetectError::Conflict`] if two caps are present that exclude each other.
    pub fn detect(&self, regs: &IdRegs) -> Result<CapSet, DetectError> {
        let present = self.of_cpu(regs);
        self.check_conflicts(&present)?;
        Ok(present)
    }

    /// Whether a CPU with the registers `regs` has `cap`. For the [hook](Enable) of a local cap,
    /// which also runs on CPUs that lack it.
    pub fn cpu_has(&self, cap: Cap, regs: &IdRegs) -> bool {
        self.of_cpu(regs).contains(cap)
    }

    /// The caps of a CPU with the registers `regs`, without a check for conflicts.
    pub(super) fn of_cpu(&self, regs: &IdRegs) -> CapSet {
        let mut present = self.matching(regs);
        self.drop_unsupported(&mut present);
        present
    }

    /// The caps whose rule is true, whether or not what they require is present.
    pub(super) fn matching(&self, regs: &IdRegs) -> CapSet {
        let cpu = Cpu::new(regs);
        let mut nodes = self.nodes.iter();
        let matching = CapSet::from_answers(|| {
            let rule = nodes.as_slice();
            let root = *nodes.next()?;
            // Most rules are one field.
            if root.is_field() {
                return Some(root.field_matches(&cpu) != root.is_negated());
            }
            nodes = rule.get(root.size()..).unwrap_or(&[]).iter();
            Some(decide(rule, self.custom, &cpu).0)
        });
        matching.intersect(&self.sets.possible)
    }

    /// Whether a function of the kernel decides a cap.
    pub(super) fn has_custom(&self) -> bool {
        !self.custom.is_empty()
    }

    /// Removes the caps that require an absent one, until nothing changes.
    pub(super) fn drop_unsupported(&self, present: &mut CapSet) {
        let mut is_changed = true;
        while is_changed {
            is_changed = false;
            for link in self.requires {
                if present.contains_number(link.from()) && !present.contains_number(link.to()) {
                    present.set_number(link.from(), false);
                    is_changed = true;
                }
            }
        }
    }

    pub(super) fn check_conflicts(&self, present: &CapSet) -> Result<(), DetectError> {
        let both = |link: &&Link| {
            present.contains_number(link.from()) && present.contains_number(link.to())
        };
        match self.conflicts.iter().find(both) {
            Some(link) => Err(self.conflict(link)),
            None => Ok(()),
        }
    }

    #[cold]
    fn conflict(&self, link: &Link) -> DetectError {
        let name = |number| self.name(number).unwrap_or("?");
        DetectError::Conflict {
            cap: self.sets.cap(link.from()),
            name: name(link.from()),
            other: self.sets.cap(link.to()),
            other_name: name(link.to()),
        }
    }
}

/// The names of a table as a string: they are packed from strings, so they are UTF-8.
const fn text(names: &[u8]) -> &str {
    match core::str::from_utf8(names) {
        Ok(names) => names,
        Err(_) => "",
    }
}

/// The first of the names of a table, and the others.
fn split_name(names: &str) -> (&str, &str) {
    // Without the feature `messages`, there is no code for it.
    if !cfg!(feature = "messages") {
        return ("", "");
    }
    let len = names.bytes().next().map_or(0, usize::from);
    let rest = names.get(1..).unwrap_or("");
    rest.split_at_checked(len).unwrap_or(("", ""))
}

/// The cpucaps of a [`CapTable`], by number.
#[derive(Clone, Debug)]
pub struct Entries {
    /// The rest of the nodes and names.
    table: CapTable,
    number: u16,
}

impl Iterator for Entries {
    type Item = CapEntry;

    fn next(&mut self) -> Option<CapEntry> {
        let number = self.number;
        let table = &mut self.table;
        if number >= table.sets.len {
            return None;
        }
        let (root, size) = (*table.nodes.first()?, table.nodes.first()?.size());
        let (nodes, rest) = table.nodes.split_at_checked(size)?;
        let (name, names) = split_name(table.names);
        table.names = names;
        table.nodes = rest;
        self.number += 1;
        let sets = table.sets;
        let links = |links| CapLinks {
            number,
            links,
            sets,
        };
        Some(CapEntry {
            cap: table.sets.cap(number),
            name,
            scope: root.scope(),
            kind: root.cap_kind(),
            rule: CapRule {
                nodes,
                custom: table.custom,
            },
            late: root.late(),
            requires: links(table.requires),
            conflicts: links(table.conflicts),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = usize::from(self.table.sets.len - self.number);
        (rest, Some(rest))
    }
}

impl ExactSizeIterator for Entries {}

/// Why the cpucaps could not be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DetectError {
    /// Two caps are present that exclude each other.
    Conflict {
        /// The cap whose entry states the conflict.
        cap: Cap,
        /// Its name.
        name: &'static str,
        /// The other cap.
        other: Cap,
        /// Its name.
        other_name: &'static str,
    },
}

impl fmt::Display for DetectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            DetectError::Conflict {
                name, other_name, ..
            } => {
                write!(
                    f,
                    "cpucaps {name} and {other_name} are both present and exclude each other"
                )
            }
        }
    }
}

impl core::error::Error for DetectError {}

/// A hook: what each CPU does when a cpucap has been decided to be present, such as setting a control
/// bit.
#[derive(Clone, Copy, Debug)]
pub struct Enable {
    /// The cap.
    pub cap: Cap,
    /// The function. It runs on every CPU, including those that lack a local cap. Its argument is
    /// the registers of the CPU, with the overrides applied, by which it can check this:
    /// [`CapTable::cpu_has`].
    pub run: fn(&IdRegs),
}

/// Runs the hooks of the caps in `caps`, in the order of the list.
///
/// The kernel calls this on each CPU, with its own registers, for the caps that were decided since
/// the last call:
///
/// | when | where | `caps` |
/// |------|-------|--------|
/// | after the boot-scope pass | the boot CPU | [`SystemView::boot_caps`](super::SystemView::boot_caps) |
/// | the CPU comes online, verdict `Ok` | each early secondary | [`SystemView::boot_caps`](super::SystemView::boot_caps) |
/// | the cpucaps are final | every CPU | [`FinalCaps::later_caps`](super::FinalCaps::later_caps) |
/// | the CPU comes online, verdict `Ok` | each late CPU | [`FinalCaps::caps`](super::FinalCaps::caps) |
pub fn run_hooks(hooks: &[Enable], caps: &CapSet, regs: &IdRegs) {
    for hook in hooks.iter().filter(|hook| caps.contains(hook.cap)) {
        (hook.run)(regs);
    }
}
