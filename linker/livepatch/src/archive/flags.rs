//! The flags of a build that can be livepatched: the one place that states them.
//!
//! [`text`] is the output of `alt livepatch flags`; `docs/livepatch.md` shows the same lines.

use std::fmt;

/// A requirement of livepatch on a build. `alt-ld` refuses to keep a build that lacks one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// One codegen unit in each crate.
    CodegenUnits,
    /// LTO off or fat, not thin.
    Lto,
    /// Full debug information.
    Debug,
    /// Functions that call others keep a frame pointer.
    FramePointers,
    /// Statics are not merged into one block.
    GlobalMerge,
    /// Functions with equal text do not become names of one address.
    MergeFunctions,
    /// The image contains the relocations of the link.
    EmitRelocs,
    /// The image contains an id of 20 bytes.
    BuildId,
}

/// Lines of a cargo profile.
pub const PROFILE: &[&str] = &["codegen-units=1", "debug=2", "lto=\"off\""];

/// Arguments of rustc, for `rustflags`.
pub const RUSTC: &[&str] = &[
    "-Cforce-frame-pointers=yes",
    "-Cllvm-args=-enable-global-merge=false",
    "-Cllvm-args=-mergefunc-use-aliases=false",
];

/// Arguments of the linker, which is `alt-ld`.
pub const LINKER: &[&str] = &["--emit-relocs", "--build-id=sha1", KEEP];

/// The argument that asks `alt-ld` to keep a build. The real linker does not see it.
pub const KEEP: &str = "--alt-keep";

impl Flag {
    /// All flags.
    pub const ALL: [Self; 8] = [
        Self::CodegenUnits,
        Self::Lto,
        Self::Debug,
        Self::FramePointers,
        Self::GlobalMerge,
        Self::MergeFunctions,
        Self::EmitRelocs,
        Self::BuildId,
    ];

    /// The line to write, and its file.
    pub const fn write(self) -> &'static str {
        match self {
            Self::CodegenUnits => "codegen-units = 1 in the cargo profile",
            Self::Lto => "lto = \"off\" or \"fat\" in the cargo profile",
            Self::Debug => "debug = 2 in the cargo profile",
            Self::FramePointers => "-C force-frame-pointers=yes in rustflags",
            Self::GlobalMerge => "-C llvm-args=-enable-global-merge=false in rustflags",
            Self::MergeFunctions => "-C llvm-args=-mergefunc-use-aliases=false in rustflags",
            Self::EmitRelocs => "-C link-arg=--emit-relocs in rustflags",
            Self::BuildId => "-C link-arg=--build-id=sha1 in rustflags",
        }
    }

    /// Why livepatch requires it.
    pub const fn why(self) -> &'static str {
        match self {
            Self::CodegenUnits => "an edit would move functions to other units",
            Self::Lto => "an edit would change what is inlined from other crates",
            Self::Debug => "types are compared by their debug information",
            Self::FramePointers => "the kernel finds functions in use by walking the stacks",
            Self::GlobalMerge => "references to statics would be constants in instructions",
            Self::MergeFunctions => "a change of one name would change the others",
            Self::EmitRelocs => "references of the old image must be known",
            Self::BuildId => "the running kernel must know which image it is",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write())
    }
}

/// The flags as parts of `Cargo.toml` and `.cargo/config.toml`.
pub fn text() -> String {
    let mut text = String::from("# Cargo.toml\n[profile.release]\n");
    for line in PROFILE {
        text += &line.replacen('=', " = ", 1);
        if line.starts_with("lto") {
            text += "          # or \"fat\"";
        }
        text.push('\n');
    }
    text += "\n# .cargo/config.toml\n[target.aarch64-unknown-none]\nlinker = \"alt-ld\"\nrustflags = [\n";
    for flag in RUSTC {
        text += &format!("    \"{flag}\",\n");
    }
    for argument in LINKER {
        text += &format!("    \"-Clink-arg={argument}\",\n");
    }
    text + "]\n"
}
