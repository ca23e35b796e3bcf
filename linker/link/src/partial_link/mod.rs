//! Code for another exception level, such as a hypervisor, before the link of the kernel: it is
//! linked separately into one object, whose sections and symbols are in a
//! [namespace](crate::namespace).
//!
//! ```no_run
//! // build.rs
//! # fn build(archive: &str) -> Result<(), alt_linker::partial_link::PartialLinkError> {
//! use alt_linker::partial_link::Link;
//!
//! let object = Link::new("hyp.toml").name("hyp.nvhe").input(archive).link()?;
//! println!("cargo::rustc-link-arg={}", object.display());
//! # Ok(())
//! # }
//! ```
//!
//! `docs/hypervisor.md` states the contents of the object, the keys of the manifest, and what the
//! lints refuse.

mod error;
mod findings;
mod graph;
mod inputs;
mod link;
mod lints;
mod lld;
mod object;
mod rules;
mod script;
mod write;

pub use error::PartialLinkError;
pub use findings::Findings;
pub use link::Link;
pub use script::PAGE;

use alt_diagnostic::Diagnostic;
use alt_object::inputs::{Input, InputKind, kind};

use crate::map;
use crate::namespace::{Manifest, Name};
use graph::Graph;
use inputs::Inputs;
use lints::LintContext;
use object::LinkedObject;
use script::Layout;
use write::Namespace;

/// The steps of a [`Link`] before and after it runs the linker, for callers that run one
/// themselves.
#[derive(Debug)]
pub struct PartialLink<'a> {
    name: &'a Name,
    manifest: Manifest,
    /// The text of the manifest.
    text: &'a str,
    layout: Layout,
    inputs: Inputs<'a>,
}

impl<'a> PartialLink<'a> {
    /// Reads the manifest, whose name in messages is `called`, and checks the inputs.
    ///
    /// # Errors
    /// The manifest has mistakes, or an input must not be linked.
    pub fn new(
        name: &'a Name,
        (called, text): (&str, &'a str),
        inputs: &'a [Input],
    ) -> Result<Self, PartialLinkError> {
        let manifest = Manifest::parse(called, text)?;
        let mut found = Vec::new();
        let inputs = Inputs::new(inputs, &mut found)?;
        refuse(found)?;
        Ok(Self {
            name,
            layout: Layout::new(&manifest),
            manifest,
            text,
            inputs,
        })
    }

    /// The linker script, for a partial link (`-r`) by lld with `--gc-sections`,
    /// `--force-group-allocation` and a map.
    pub fn script(&self) -> String {
        self.layout.script(self.name)
    }

    /// The roots of garbage collection (`-u`).
    pub fn roots(&self) -> &[String] {
        &self.manifest.exports
    }

    /// Checks the output of the linker, with the help of its map, and puts it into the namespace.
    /// Returns the bytes of the object for the link of the kernel.
    ///
    /// # Errors
    /// The object breaks a rule of `docs/hypervisor.md`, or cannot be read.
    pub fn finish(&self, linked: &[u8], map: &str) -> Result<Vec<u8>, PartialLinkError> {
        let kind = kind("the linked object", linked);
        if kind.map_err(|error| PartialLinkError::Object(error.to_string()))? != InputKind::Elf {
            return Err(PartialLinkError::Object("it is bitcode".into()));
        }
        let placed = map::parse(map);
        let object = LinkedObject::parse(linked)?;
        let context = LintContext {
            name: self.name,
            manifest: &self.manifest,
            layout: &self.layout,
            inputs: &self.inputs,
            placed: &placed,
            graph: &Graph::new(&object, &placed, &self.manifest.exports),
            object: &object,
        };
        refuse(context.check())?;
        let namespace = Namespace {
            name: self.name,
            manifest: &self.manifest,
            text: self.text,
            layout: &self.layout,
        };
        namespace.write(linked)
    }

    /// Sections of the inputs that the object will not have, which are neither code nor data of
    /// the program, a line each: debug information in an old form, sections of unknown types.
    pub fn left_out(&self) -> &[String] {
        &self.inputs.left_out
    }

    /// Constants that will be writable, a line each: tables of pointers that compilers put into
    /// `.data.rel.ro` when they are asked for code that runs at any address.
    pub fn writable_constants(map: &str) -> Vec<String> {
        let placed = map::parse(map).into_iter();
        let constants = placed.filter(|placed| {
            let name = placed.section.strip_prefix(".data.rel.ro");
            placed.size != 0 && name.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let lines = constants.map(|placed| {
            format!(
                "constant data is writable in {}: {} of {}; compile with -fno-pie, or \
                 -C relocation-model=static",
                placed.output,
                placed.section,
                placed.file_name()
            )
        });
        lines.collect()
    }
}

fn refuse(found: Vec<Diagnostic>) -> Result<(), PartialLinkError> {
    match found.is_empty() {
        true => Ok(()),
        false => Err(PartialLinkError::Refused(Findings(found))),
    }
}
