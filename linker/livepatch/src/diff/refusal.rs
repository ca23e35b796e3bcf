//! Changes that cannot be patched, with advice.

use std::fmt;

use crate::model::layout::Layout;

/// A change that a payload cannot carry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Another compiler, other flags, other linker arguments or another table of cpucaps.
    OtherBuild {
        /// The difference.
        what: String,
        /// Its value in the old build.
        old: String,
        /// Its value in the new build.
        new: String,
    },
    /// A crate was compiled to several codegen units.
    CodegenUnits {
        /// The crate.
        name: String,
        /// The number of units.
        units: usize,
    },
    /// The image has no debug information.
    NoDebugInformation {
        /// The build: `old` or `new`.
        build: &'static str,
    },
    /// The image was not linked from these inputs.
    NotFromInputs {
        /// The build: `old` or `new`.
        build: &'static str,
        /// A function or datum that differs.
        name: String,
        /// Why.
        why: String,
    },
    /// The initial value of a static changed.
    Initialiser {
        /// The static.
        name: String,
        /// Its value in the old build.
        old: String,
        /// Its value in the new build.
        new: String,
    },
    /// The size of a static changed.
    Size {
        /// The static.
        name: String,
        /// The size in the old build, in bytes.
        old: u64,
        /// The size in the new build, in bytes.
        new: u64,
    },
    /// A static became writable, or read-only.
    Mutability {
        /// The static.
        name: String,
    },
    /// The layout of a type changed.
    Layout {
        /// The type.
        name: String,
        /// The layout of the old build.
        old: Layout,
        /// The layout of the new build.
        new: Layout,
    },
    /// The state of an `async` function, or of a closure that is called through a pointer, changed.
    State {
        /// The type of the state.
        name: String,
    },
    /// The methods of a vtable changed.
    Vtable {
        /// The type and the trait.
        name: String,
        /// How they differ.
        why: String,
    },
    /// An entry of a table that the linker collects is new, changed or gone.
    Registry {
        /// The table: a section.
        table: String,
        /// The entry.
        name: String,
        /// `new`, `changed` or `removed`.
        what: &'static str,
    },
    /// A function of the init region.
    Init {
        /// The function.
        name: String,
    },
    /// A function that the patcher runs while text is inconsistent.
    Patcher {
        /// The function.
        name: String,
    },
    /// A function of another exception level.
    Namespace {
        /// The function.
        name: String,
        /// Its section.
        section: String,
    },
    /// A function in assembly, or a naked one.
    Assembly {
        /// The function.
        name: String,
    },
    /// Functions that the linker or the compiler made one, and that now differ.
    Aliases {
        /// A function.
        name: String,
        /// The other one.
        other: String,
    },
    /// Another place refers to an instruction in the middle of a changed function.
    Label {
        /// The function.
        name: String,
        /// The referring atom.
        by: String,
        /// The offset of the instruction, in bytes.
        offset: u64,
    },
    /// A function without room for the branch to its replacement.
    TooShort {
        /// The function.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// The size that is needed.
        needed: u64,
    },
    /// A function that begins with another landing pad than before.
    LandingPad {
        /// The function.
        name: String,
    },
    /// A static that the optimiser had removed from the old build.
    Revived {
        /// The static.
        name: String,
    },
    /// Carried code refers to something that the old image does not have.
    Missing {
        /// The carried function or datum.
        by: String,
        /// The symbol.
        name: String,
    },
    /// Carried code refers to memory that is freed after boot.
    FreedAfterBoot {
        /// The carried function or datum.
        by: String,
        /// The symbol.
        name: String,
    },
    /// Carried code has a reference of a kind that the loader does not know.
    Relocation {
        /// The carried function or datum.
        by: String,
        /// `R_AARCH64_…`, the number.
        kind: u32,
    },
    /// Writable data without a name: the compiler gives it another number in each build.
    AnonymousData {
        /// The carried function.
        by: String,
        /// Its section.
        section: String,
    },
}

impl Refusal {
    /// A short name, for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherBuild { .. } => "other-build",
            Self::CodegenUnits { .. } => "codegen-units",
            Self::NoDebugInformation { .. } => "no-debug-information",
            Self::NotFromInputs { .. } => "not-from-inputs",
            Self::Initialiser { .. } => "initialiser",
            Self::Size { .. } => "size",
            Self::Mutability { .. } => "mutability",
            Self::Layout { .. } => "layout",
            Self::State { .. } => "state",
            Self::Vtable { .. } => "vtable",
            Self::Registry { .. } => "registry",
            Self::Init { .. } => "init",
            Self::Patcher { .. } => "patcher",
            Self::Namespace { .. } => "namespace",
            Self::Assembly { .. } => "assembly",
            Self::Aliases { .. } => "aliases",
            Self::Label { .. } => "label",
            Self::TooShort { .. } => "too-short",
            Self::LandingPad { .. } => "landing-pad",
            Self::Revived { .. } => "revived",
            Self::Missing { .. } => "missing",
            Self::FreedAfterBoot { .. } => "freed-after-boot",
            Self::Relocation { .. } => "relocation",
            Self::AnonymousData { .. } => "anonymous-data",
        }
    }

    /// The function, static, type or table that cannot be patched.
    pub fn subject(&self) -> &str {
        match self {
            Self::OtherBuild { what, .. } => what,
            Self::NoDebugInformation { build } => build,
            Self::Missing { by, .. }
            | Self::FreedAfterBoot { by, .. }
            | Self::Relocation { by, .. }
            | Self::AnonymousData { by, .. } => by,
            Self::CodegenUnits { name, .. }
            | Self::NotFromInputs { name, .. }
            | Self::Initialiser { name, .. }
            | Self::Size { name, .. }
            | Self::Mutability { name }
            | Self::Layout { name, .. }
            | Self::State { name }
            | Self::Vtable { name, .. }
            | Self::Registry { name, .. }
            | Self::Init { name }
            | Self::Patcher { name }
            | Self::Namespace { name, .. }
            | Self::Assembly { name }
            | Self::Aliases { name, .. }
            | Self::Label { name, .. }
            | Self::TooShort { name, .. }
            | Self::LandingPad { name }
            | Self::Revived { name } => name,
        }
    }

    /// What to do.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::OtherBuild { .. } => "build both with the same toolchain, flags and cpucaps",
            Self::CodegenUnits { .. } => {
                "build with codegen-units = 1: with more, an edit moves functions to other units"
            }
            Self::NoDebugInformation { .. } => "build with debug = 2, and do not strip the image",
            Self::NotFromInputs { .. } => {
                "give the image that was linked from the kept inputs, unmodified"
            }
            Self::Initialiser { .. } => {
                "the running kernel has the old value and may have changed it: set the new one from a hook, and leave the initialiser as it was"
            }
            Self::Size { .. } | Self::Layout { .. } => {
                "values of the old layout are in memory: keep the layout, and put new data into a static of its own"
            }
            Self::Mutability { .. } => "keep the static as it was, and add one",
            Self::State { .. } => {
                "a call in progress holds the old state: keep what it holds across calls, or write a function of another name"
            }
            Self::Vtable { .. } => {
                "the running kernel has objects with the old vtable: keep the methods and their order, and add functions beside the trait"
            }
            Self::Registry { .. } => {
                "the running kernel has walked the table: register the entry from a hook"
            }
            Self::Init { .. } => {
                "it has run, and its memory has been freed: a payload has no effect"
            }
            Self::Patcher { .. } => {
                "the payload is applied by this code: reboot into the new kernel"
            }
            Self::Namespace { .. } => {
                "code of another exception level is not patched: reboot into the new kernel"
            }
            Self::Assembly { .. } => {
                "the tool cannot know where it is entered: put the change into a Rust function"
            }
            Self::Aliases { .. } => {
                "a branch at the common entry would serve both names: change both alike, or link without folding"
            }
            Self::Label { .. } => {
                "that place would still run the old code: reboot into the new kernel"
            }
            Self::TooShort { .. } => "change its callers in place of it",
            Self::LandingPad { .. } => {
                "keep the attributes and the branch protection of the function"
            }
            Self::Revived { .. } => {
                "the running kernel has not kept its value: allow it by name if the initial value is right"
            }
            Self::Missing { .. } => "reboot into the new kernel, or do without it",
            Self::FreedAfterBoot { .. } => "do not use boot code or boot data in what is patched",
            Self::Relocation { .. } => "build without position-independent and thread-local code",
            Self::AnonymousData { .. } => "give the data a name: a static",
        }
    }

    /// Whether nothing can be patched, so that other results mean little.
    pub const fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::OtherBuild { .. }
                | Self::CodegenUnits { .. }
                | Self::NoDebugInformation { .. }
                | Self::NotFromInputs { .. }
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherBuild { what, old, new } => {
                write!(f, "the builds differ in {what}: {old} and {new}")
            }
            Self::CodegenUnits { name, units } => {
                write!(f, "the crate {name} has {units} codegen units")
            }
            Self::NoDebugInformation { build } => {
                write!(f, "the {build} image has no debug information")
            }
            Self::NotFromInputs { build, name, why } => {
                write!(f, "the {build} image is not from its inputs: {name}: {why}")
            }
            Self::Initialiser { name, old, new } => {
                write!(f, "the initial value of {name} changed from {old} to {new}")
            }
            Self::Size { name, old, new } => {
                write!(f, "the size of {name} changed from {old} to {new} bytes")
            }
            Self::Mutability { name } => {
                write!(
                    f,
                    "{name} is writable in one build and read-only in the other"
                )
            }
            Self::Layout { name, old, new } => {
                write!(f, "the layout of {name} changed from {old} to {new}")
            }
            Self::State { name } => write!(f, "the state {name} changed"),
            Self::Vtable { name, why } => write!(f, "the vtable of {name} changed: {why}"),
            Self::Registry { table, name, what } => {
                write!(f, "{what} entry {name} in the table {table}")
            }
            Self::Init { name } => write!(f, "{name} is in the init region"),
            Self::Patcher { name } => write!(f, "{name} is a part of the patcher"),
            Self::Namespace { name, section } => {
                write!(f, "{name} is code of another exception level ({section})")
            }
            Self::Assembly { name } => write!(f, "{name} is written in assembly"),
            Self::Aliases { name, other } => {
                write!(f, "{name} and {other} were one function, and now differ")
            }
            Self::Label { name, by, offset } => {
                write!(
                    f,
                    "{by} refers to the instruction at offset {offset:#x} of {name}"
                )
            }
            Self::TooShort { name, size, needed } => {
                write!(
                    f,
                    "{name} has {size} bytes, and {needed} are needed to redirect it"
                )
            }
            Self::LandingPad { name } => {
                write!(f, "{name} begins with another landing pad than before")
            }
            Self::Revived { name } => {
                write!(f, "the static {name} was optimised away in the old build")
            }
            Self::Missing { by, name } => {
                write!(
                    f,
                    "{by} refers to {name}, which the old image does not have"
                )
            }
            Self::FreedAfterBoot { by, name } => {
                write!(f, "{by} refers to {name}, which is freed after boot")
            }
            Self::Relocation { by, kind } => {
                write!(
                    f,
                    "{by} has a relocation of type {kind}, which the loader does not know"
                )
            }
            Self::AnonymousData { by, section } => {
                write!(f, "{by} refers to writable data without a name ({section})")
            }
        }
    }
}
