//! Construction of a dump.

use super::{
    Arm, ArmKind, Callback, Dump, DumpError, Filter, Instruction, SiteDump, SiteKind, Summary, Term,
};
use crate::atomics;
use crate::disasm;
use crate::image::Image;
use crate::names::CapNames;
use crate::patching::{Becomes, Host, becomes, callback_name};
use crate::records::alt::function_of;
use crate::records::{self, Format, Kind, Records, Site};

/// See [`Dump::version`].
const VERSION: u32 = 1;

impl Dump {
    /// Dumps the sites that `filter` selects, with the results of the patcher.
    ///
    /// # Errors
    /// Nothing matches, or the image cannot be given to the patcher. If the patcher refuses an arm,
    /// that is part of the dump instead.
    pub fn new(
        image: &Image,
        records: &Records,
        names: &CapNames,
        filter: &Filter,
    ) -> Result<Self, DumpError> {
        let host = Host::new(image, records)?;
        let chosen = filter.select(image, records, names)?;
        let builder = Builder {
            image,
            format: records.format,
            names,
            host: &host,
        };
        let sites: Vec<_> = chosen.iter().map(|site| builder.site(site)).collect();
        let mut summary = Summary {
            sites_in_image: records.sites().count(),
            records_in_image: records.list().len(),
            sites: sites.len(),
            ..Summary::default()
        };
        for record in chosen.iter().flat_map(|site| site.records()) {
            summary.records += 1;
            *match record.kind {
                Kind::Branch { .. } => &mut summary.branches,
                Kind::Code { .. } => &mut summary.code,
                Kind::Callback { .. } => &mut summary.callbacks,
                Kind::Nops => &mut summary.nops,
            } += 1;
        }
        let arms = sites.iter().flat_map(|site| &site.arms);
        summary.refused = arms.filter(|arm| arm.refused.is_some()).count();
        Ok(Self {
            version: VERSION,
            format: records.format.to_string(),
            summary,
            sites,
        })
    }
}

struct Builder<'a> {
    image: &'a Image,
    format: Format,
    names: &'a CapNames,
    host: &'a Host,
}

impl Builder<'_> {
    fn site(&self, site: &Site<'_>) -> SiteDump {
        let address = site.address();
        let mut arms: Vec<(Kind, Arm)> = Vec::new();
        let mut add = |arm: records::Arm<'_>| match arms.last_mut() {
            // `A | B => …` is two records of one replacement.
            Some((kind, described)) if *kind == arm.record().kind => {
                described.condition.push_str(" | ");
                described.condition.push_str(&self.condition(&arm));
                described.terms.push(self.terms(&arm));
            }
            _ => arms.push((arm.record().kind, self.arm(&arm))),
        };
        match self.format {
            Format::Alt => site.arms().for_each(&mut add),
            // In Linux, the last one wins.
            Format::Linux => site.arms().rev().for_each(&mut add),
        }
        let operation = match site.len() {
            4 => atomics::called_at(self.image, address).map(|helper| helper.to_string()),
            _ => None,
        };
        let original = site.words().map_while(|address| self.image.word(address));
        SiteDump {
            address,
            place: self.place(address),
            section: self.image.section_at(address).map(|s| s.name.clone()),
            kind: match site.first().kind {
                Kind::Branch { likely: true, .. } => SiteKind::BranchLikely,
                Kind::Branch { likely: false, .. } => SiteKind::BranchUnlikely,
                _ if operation.is_some() => SiteKind::Atomic,
                _ => SiteKind::Alternative,
            },
            operation,
            original: self.instructions(address, original),
            arms: arms.into_iter().map(|(_, arm)| arm).collect(),
        }
    }

    fn arm(&self, arm: &records::Arm<'_>) -> Arm {
        let record = arm.record();
        let (words, refused) = match becomes(self.host, arm) {
            Ok(Becomes::Words(words)) => (Some(self.instructions(record.site, words)), None),
            Ok(Becomes::Computed) => (None, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let mut described = Arm {
            condition: self.condition(arm),
            terms: vec![self.terms(arm)],
            kind: ArmKind::Nops,
            replacement: None,
            callback: None,
            words,
            refused,
        };
        match record.kind {
            Kind::Branch { .. } => described.kind = ArmKind::Branch,
            Kind::Code { address, .. } => {
                described.kind = ArmKind::Code;
                described.replacement = Some(address);
            }
            Kind::Callback { address, .. } => {
                described.kind = ArmKind::Callback;
                described.callback = Some(self.callback(address));
            }
            Kind::Nops => {}
        }
        described
    }

    fn callback(&self, address: u64) -> Callback {
        let function = match self.format {
            Format::Linux => Some(address),
            Format::Alt => {
                function_of(self.image, address).filter(|function| self.image.is_text(*function))
            }
        };
        Callback {
            address,
            name: callback_name(self.image, address),
            function: function.map(|function| callback_name(self.image, function)),
        }
    }

    fn condition(&self, arm: &records::Arm<'_>) -> String {
        let terms = arm.records().iter().map(|record| {
            let not = if record.term.negated { "!" } else { "" };
            format!("{not}{}", record.term.label(self.names))
        });
        terms.collect::<Vec<_>>().join(" & ")
    }

    fn terms(&self, arm: &records::Arm<'_>) -> Vec<Term> {
        let terms = arm.records().iter().map(|record| record.term);
        terms
            .map(|term| Term {
                cap: term.cap,
                name: self.names.get(term.cap).map(String::from),
                negated: term.negated,
                always: term.always,
            })
            .collect()
    }

    fn instructions(&self, address: u64, words: impl IntoIterator<Item = u32>) -> Vec<Instruction> {
        // Words first: without words, the address may be the last one and overflow.
        let words = words.into_iter().zip((address..).step_by(4));
        words
            .map(|(word, address)| {
                let (text, target) = disasm::with_target(word, address, |to| self.place(to));
                Instruction { word, text, target }
            })
            .collect()
    }

    fn place(&self, address: u64) -> Option<String> {
        Some(self.image.place(address)?.to_string())
    }
}
