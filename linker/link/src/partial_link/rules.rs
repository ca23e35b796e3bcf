//! The rules for the code of a namespace.

use alt_diagnostic::{Diagnostic, Location, Severity};

/// A rule of the lints.
#[derive(Debug)]
pub(super) struct Rule {
    /// The id.
    id: &'static str,
    /// The heading of its findings.
    pub heading: &'static str,
    /// How to fix a violation.
    help: &'static str,
}

impl Rule {
    /// A violation at a place; `None` if it is about the whole link.
    pub fn violation(
        &self,
        place: impl Into<Option<Location>>,
        message: impl Into<String>,
    ) -> Diagnostic {
        debug_assert!(Self::of(self.id).is_some(), "{} has a heading", self.id);
        Diagnostic {
            location: place.into(),
            help: self.help.into(),
            ..Diagnostic::new(self.id, Severity::Error, message)
        }
    }

    /// The rule with this id.
    pub fn of(id: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|rule| rule.id == id)
    }
}

const ALL: [&Rule; 16] = [
    &ORPHAN_SECTION,
    &CALLBACK,
    &DEAD_PATTERN,
    &RIGHTS,
    &REL,
    &PAST_END,
    &RELOCATION,
    &UNALIGNED_POINTER,
    &SITES_APART,
    &UNDECLARED_SYMBOL,
    &SYMBOL_KIND,
    &INSTRUMENTATION,
    &SHADOW_STACK,
    &NO_EXPORT,
    &ALREADY_NAMED,
    &COMMON_SYMBOL,
];

/// A pattern matches each loaded section.
pub(super) const ORPHAN_SECTION: Rule = Rule {
    id: "orphan-section",
    heading: "sections that no pattern matches",
    help: "place them under [sections] of the manifest, or compile without the option that makes them",
};

/// There is no section `alt_callbacks`.
pub(super) const CALLBACK: Rule = Rule {
    id: "callback",
    heading: "a hypervisor cannot define callbacks: they run in the kernel",
    help: "define them in the kernel, with `callback!`, and allow them: NAME = \"callback\"",
};

/// Each pattern of the manifest matches a section.
pub(super) const DEAD_PATTERN: Rule = Rule {
    id: "dead-pattern",
    heading: "dead patterns in [sections] of the manifest",
    help: "correct or remove them, or put the specific pattern before the general one",
};

/// The contents of a section need no other permissions than its name implies.
pub(super) const RIGHTS: Rule = Rule {
    id: "rights",
    heading: "sections with other permissions than their names imply",
    help: "give them a separate section under [sections] of the manifest",
};

/// Relocations have explicit addends.
pub(super) const REL: Rule = Rule {
    id: "rel",
    heading: "relocations of type SHT_REL, which arm64 does not use",
    help: "compile without the option that makes them, such as -fprofile-use or -fprofile-sample-use",
};

/// A relocation is inside its section.
pub(super) const PAST_END: Rule = Rule {
    id: "past-end",
    heading: "relocations beyond the end of their section",
    help: "the object is damaged: build it again",
};

/// No relocation depends on the address at which the code runs, unless it can be fixed.
pub(super) const RELOCATION: Rule = Rule {
    id: "relocation",
    heading: "relocations that cannot be correct at the hypervisor's address",
    help: "use PC-relative addresses (adrp and add; -C relocation-model=static), and keep \
           absolute pointers in data",
};

/// A pointer is aligned to 8 bytes.
pub(super) const UNALIGNED_POINTER: Rule = Rule {
    id: "unaligned-pointer",
    heading: "pointers that are not aligned to 8 bytes",
    help: "align them: each is written as a whole when it is fixed at boot",
};

/// All sites are in one section of code.
pub(super) const SITES_APART: Rule = Rule {
    id: "sites-apart",
    heading: "sites in more than one section of code",
    help: "put code with sites into one section: the linker sorts their records by one",
};

/// A symbol is defined in the object or allowed.
pub(super) const UNDECLARED_SYMBOL: Rule = Rule {
    id: "undeclared-symbol",
    heading: "symbols that are not the hypervisor's own, and that its manifest does not allow",
    help: "remove the code that leads there from the hypervisor, or add the symbol under \
           [allow] of the manifest, with its permitted use",
};

/// A symbol of the kernel is used only as its kind allows.
pub(super) const SYMBOL_KIND: Rule = Rule {
    id: "symbol-kind",
    heading: "symbols of the kernel with a use that the manifest does not allow",
    help: "only records may refer to a callback; use adrp for data and bounds, and ERET for \
           a function",
};

/// No code is instrumented.
pub(super) const INSTRUMENTATION: Rule = Rule {
    id: "instrumentation",
    heading: "instrumented code, which calls the kernel or writes its data",
    help: "compile the hypervisor and its dependencies without instrumentation",
};

/// No function uses a shadow call stack.
pub(super) const SHADOW_STACK: Rule = Rule {
    id: "shadow-stack",
    heading: "functions with a shadow call stack, whose pointer, x18, is the kernel's",
    help: "compile the hypervisor without -fsanitize=shadow-call-stack",
};

/// An export is defined.
pub(super) const NO_EXPORT: Rule = Rule {
    id: "no-export",
    heading: "exports without a definition",
    help: "correct the name in `exports` of the manifest, or define it: #[unsafe(no_mangle)]",
};

/// No symbol has the namespace in its name before the link.
pub(super) const ALREADY_NAMED: Rule = Rule {
    id: "already-named",
    heading: "symbols whose names contain the namespace already",
    help: "use names without the namespace, which the link adds; do not link its output again",
};

/// No symbol is common: it would have no section yet.
pub(super) const COMMON_SYMBOL: Rule = Rule {
    id: "common-symbol",
    heading: "common symbols, which only the final link can place",
    help: "compile with -fno-common",
};
