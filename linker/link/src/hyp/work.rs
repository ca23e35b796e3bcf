//! All of the partial link but the linker and the files.

use super::check::Subject;
use super::error::HypError;
use super::given::Given;
use super::graph::Graph;
use super::manifest::Manifest;
use super::map;
use super::name::Name;
use super::object::Object;
use super::refusal::{Refusal, Refusals};
use super::script::Layout;
use super::write::Namespace;
use alt_object::inputs::{self, Input, InputKind};

/// What [`Link`](super::Link) does before and after it calls the linker: for whoever calls one by
/// other means.
#[derive(Debug)]
pub struct Work<'a> {
    name: &'a Name,
    manifest: Manifest,
    /// The text of the manifest.
    text: &'a str,
    layout: Layout,
    given: Given<'a>,
}

impl<'a> Work<'a> {
    /// Reads the manifest, which messages call `called`, and looks at the inputs.
    ///
    /// # Errors
    /// The manifest has mistakes, or an input must not be linked.
    pub fn new(
        name: &'a Name,
        (called, text): (&str, &'a str),
        inputs: &'a [Input],
    ) -> Result<Self, HypError> {
        let manifest = Manifest::parse(called, text)?;
        let mut found = Vec::new();
        let given = Given::new(inputs, &mut found)?;
        refuse(found)?;
        Ok(Self {
            name,
            layout: Layout::new(&manifest),
            manifest,
            text,
            given,
        })
    }

    /// The linker script: lld is to link by it partially (`-r`), with `--gc-sections` and
    /// `--force-group-allocation`, and to write a map.
    pub fn script(&self) -> String {
        self.layout.script(self.name)
    }

    /// The symbols that are kept (`-u`), with all that they need.
    pub fn roots(&self) -> &[String] {
        &self.manifest.exports
    }

    /// Checks the object that the linker made, by the map that it wrote, and puts it into the
    /// namespace; the bytes of the object for the link of the kernel.
    ///
    /// # Errors
    /// The object breaks a rule of `docs/hypervisor.md`, or cannot be read.
    pub fn finish(&self, linked: &[u8], map: &str) -> Result<Vec<u8>, HypError> {
        let kind = inputs::kind("the linked object", linked);
        if kind.map_err(|error| HypError::Object(error.to_string()))? != InputKind::Elf {
            return Err(HypError::Object("it is bitcode".into()));
        }
        let placed = map::parse(map);
        let object = Object::parse(linked)?;
        let subject = Subject {
            name: self.name,
            manifest: &self.manifest,
            layout: &self.layout,
            given: &self.given,
            placed: &placed,
            graph: &Graph::new(&object, &placed, &self.manifest.exports),
            object: &object,
        };
        refuse(subject.check())?;
        let namespace = Namespace {
            name: self.name,
            manifest: &self.manifest,
            text: self.text,
            layout: &self.layout,
        };
        namespace.write(linked)
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
                placed.output, placed.section, placed.file
            )
        });
        lines.collect()
    }
}

fn refuse(found: Vec<Refusal>) -> Result<(), HypError> {
    match found.is_empty() {
        true => Ok(()),
        false => Err(HypError::Refused(Refusals(found))),
    }
}
