//! Construction of the graph of an image.

use std::collections::HashSet;
use std::ops::Range;

use alt_object::encodings::goes_on;

use super::addresses::Pages;
use super::nodes::Nodes;
use super::{Edge, EdgeKind, Graph};
use crate::code::{Code, Reference};
use crate::image::Image;
use crate::records::{Kind, Record, Records};

impl Graph {
    /// Builds the graph of an image, including the replacements of its sites.
    pub fn build(image: &Image, records: &Records, code: &Code) -> Self {
        let mut builder = Builder {
            image,
            nodes: Nodes::new(image),
            edges: Vec::new(),
        };
        for reference in code.references() {
            if reference.is_branch() {
                builder.add(reference.from, reference.target, EdgeKind::Branch);
            }
        }
        builder.fall_through(records);
        let kept = keeps_relocations(image);
        if kept {
            builder.relocated();
        } else {
            builder.disassembled();
            builder.pointers();
        }
        for record in records.list() {
            builder.replaced(record, kept);
        }
        Self::new(builder.nodes, builder.edges)
    }
}

/// Whether the linker kept the relocations of the text.
fn keeps_relocations(image: &Image) -> bool {
    image
        .executable()
        .any(|section| !image.relocations_in(section.range.clone()).is_empty())
}

struct Builder<'a> {
    image: &'a Image,
    nodes: Nodes,
    edges: Vec<Edge>,
}

impl Builder<'_> {
    fn add(&mut self, at: u64, target: u64, kind: EdgeKind) {
        let (Some(from), Some(to)) = (self.nodes.at(at), self.nodes.at(target)) else {
            return;
        };
        if from != to {
            self.edges.push(Edge {
                at,
                target,
                from,
                to,
                kind,
            });
        }
    }

    /// Adds the fall-through from one symbol to the next; not in replacements, which are not
    /// executed in place.
    fn fall_through(&mut self, records: &Records) {
        let replacements: HashSet<u64> = records
            .list()
            .iter()
            .filter_map(|record| match record.kind {
                Kind::Code { address, len } => Some(address.saturating_add(len.into())),
                _ => None,
            })
            .collect();
        let ends: Vec<u64> = self
            .nodes
            .iter()
            .filter(|(_, node)| node.executable)
            .map(|(_, node)| node.range.end)
            .collect();
        for end in ends {
            let Some(last) = end.checked_sub(4) else {
                continue;
            };
            let word = self.image.word(last);
            let replacement = replacements.contains(&end);
            if !replacement && !self.image.symbols().is_data(last) && word.is_some_and(goes_on) {
                self.add(last, end, EdgeKind::Branch);
            }
        }
    }

    fn relocated(&mut self) {
        for relocation in self.image.relocations() {
            if let Some(kind) = EdgeKind::of_relocation(relocation.kind) {
                self.add(relocation.at, relocation.target, kind);
            }
        }
    }

    fn disassembled(&mut self) {
        let image = self.image;
        for section in image.executable() {
            let (mut pages, mut node) = (Pages::default(), None);
            for (at, word) in image.instructions(section) {
                let here = self.nodes.at(at);
                if node != here {
                    (pages, node) = (Pages::default(), here);
                }
                if let Some(target) = pages.step(at, word) {
                    self.add(at, target, EdgeKind::Address);
                }
            }
        }
    }

    /// Adds the pointers that a loader relocates or, if there are none, the aligned words of data
    /// that are addresses of the image. Never both, because tables of relocations are data full of
    /// addresses.
    fn pointers(&mut self) {
        let image = self.image;
        for pointer in image.pointers() {
            self.add(pointer.at, pointer.target, EdgeKind::Pointer);
        }
        if !image.pointers().is_empty() {
            return;
        }
        for section in image.loaded().filter(|section| !section.executable) {
            let start = section.range.start;
            let skipped = start.next_multiple_of(8) - start;
            let bytes = image.contents(section);
            let bytes = bytes.get(skipped as usize..).unwrap_or_default();
            for (at, word) in (start + skipped..).step_by(8).zip(bytes.as_chunks::<8>().0) {
                self.add(at, u64::from_le_bytes(*word), EdgeKind::Pointer);
            }
        }
    }

    /// Adds the references of the replacements of a site, from the site.
    fn replaced(&mut self, record: &Record, kept: bool) {
        match record.kind {
            Kind::Branch { target, .. } => self.add(record.site, target, EdgeKind::Branch),
            Kind::Code { address, len } => {
                let words = address..address.saturating_add(len.into());
                self.replacement(record.site, words, kept);
            }
            Kind::Callback { .. } | Kind::Nops => {}
        }
    }

    fn replacement(&mut self, site: u64, words: Range<u64>, kept: bool) {
        let image = self.image;
        let mut pages = Pages::default();
        for at in words.clone().step_by(4) {
            let Some(word) = image.u32_at(at) else {
                return;
            };
            let branch = Reference::of(at, word).filter(Reference::is_branch);
            let made = pages.step(at, word).filter(|_| !kept);
            for (target, kind) in [
                (branch.map(|branch| branch.target), EdgeKind::Branch),
                (made, EdgeKind::Address),
            ] {
                // References within the replacement move with it.
                if let Some(target) = target.filter(|t| !(words.start..=words.end).contains(t)) {
                    self.add(site, target, kind);
                }
            }
        }
        for relocation in image.relocations_in(words.clone()).iter().filter(|_| kept) {
            if let Some(kind) = EdgeKind::of_relocation(relocation.kind) {
                self.add(site, relocation.target, kind);
            }
        }
    }
}
